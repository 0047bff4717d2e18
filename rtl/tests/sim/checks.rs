//! Assertions, cover points, time-outs, and what is said about names that do not exist.

use rtl::sim::{RunError, Simulator};
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, elaborate};

bundle! {
    struct Inputs { address: Signal, write_address: Signal, enable: Signal, wide: Signal }
}
bundle! {
    struct Outputs { count: Signal, data: Signal, seen: Signal, all: Signal }
}

/// A counter that must stay below 6, and a collision-free memory of 5 words.
#[derive(Debug)]
struct Inner;

impl Module for Inner {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "inner".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        Inputs {
            address: ports.input("address", 3),
            write_address: ports.input("write_address", 3),
            enable: ports.bit("enable"),
            wide: ports.input("wide", 70),
        }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let count = m.register("count", 4).reset(0);
        count.set(count.q + 1);
        m.assert("count_is_small", count.q.lt(6));
        m.cover("count_is_odd", count.q.bit(0));
        let memory = m.memory("words", 5, 8).collision_free();
        memory.write(io.write_address, count.q.zero_extend(8), io.enable);
        let data = memory.read_registered("data", io.address, io.enable);
        Outputs { count: count.q, data, seen: io.enable, all: io.wide }
    }
}

#[derive(Debug)]
struct Outer;

impl Module for Outer {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "outer".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        Inner.inputs(ports)
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        m.instance("unit", &Inner, io)
    }
}

fn simulator() -> Simulator {
    Simulator::new(&elaborate(&Outer).unwrap()).unwrap()
}

fn set(sim: &mut Simulator, name: &str, value: u64) {
    let port = sim.input(name).unwrap();
    sim.set(port, value);
}

#[test]
fn a_failed_assertion_names_itself_and_the_cycle_and_takes_no_edge() {
    let mut sim = simulator();
    sim.reset(2).unwrap();
    let failure = sim.step(100).unwrap_err();
    assert_eq!((failure.name.as_str(), failure.cycle), ("unit.count_is_small", 8));
    let text = failure.to_string();
    assert!(text.starts_with("assertion `unit.count_is_small` failed in cycle 8: asserted at "), "{text}");
    assert!(text.contains("checks.rs:"), "{text}");
    let count = sim.register("unit.count").unwrap();
    assert_eq!((sim.peek(count), sim.cycle()), (6, 8));
    assert_eq!(sim.step(1), Err(failure), "it fails again until something changes");
    sim.reset(20).unwrap();
    sim.step(6).unwrap();
}

#[test]
fn covers_count_edges_without_reset() {
    let mut sim = simulator();
    sim.step(1).unwrap();
    set(&mut sim, "reset", 1);
    sim.step(1).unwrap();
    set(&mut sim, "reset", 0);
    sim.step(5).unwrap();
    assert_eq!(sim.cover_counts(), [("unit.count_is_odd", 2)]);
}

#[test]
fn an_address_past_the_end_is_an_assertion_where_it_is_used() {
    let mut sim = simulator();
    set(&mut sim, "address", 5);
    sim.step(1).expect("without enable the address is not used");
    set(&mut sim, "enable", 1);
    let text = sim.step(1).unwrap_err().to_string();
    let expected = "assertion `unit.words` failed in cycle 1: the address of `data` is past the 5 words of the memory";
    assert_eq!(text, expected);
    set(&mut sim, "address", 4);
    set(&mut sim, "write_address", 7);
    let text = sim.step(1).unwrap_err().to_string();
    assert!(text.contains("the address of `write` is past the 5 words"), "{text}");
    set(&mut sim, "reset", 1);
    sim.step(1).expect("nothing is asserted under reset");
}

#[test]
fn a_collision_in_a_collision_free_memory_is_an_assertion() {
    let mut sim = simulator();
    set(&mut sim, "enable", 1);
    set(&mut sim, "address", 2);
    set(&mut sim, "write_address", 3);
    sim.step(1).unwrap();
    set(&mut sim, "write_address", 2);
    let text = sim.step(1).unwrap_err().to_string();
    assert!(text.contains("`unit.words` failed in cycle 1: `data` reads a word that is written"), "{text}");
}

#[test]
fn waiting_ends_with_the_value_or_with_a_time_out() {
    let mut sim = simulator();
    sim.reset(1).unwrap();
    let (count, all) = (sim.output("count").unwrap(), sim.output("all").unwrap());
    assert_eq!(sim.run_until(count, 3, 10), Ok(3));
    assert_eq!(sim.run_until(count, 3, 0), Ok(0));
    let error = sim.run_until(count, 2, 1).unwrap_err();
    assert_eq!(error.to_string(), "`count` was not 4'h2 within 1 cycles; it is 4'h4 in cycle 5");
    assert!(matches!(sim.run_until(count, 2, 100), Err(RunError::Assertion(_))));
    sim.reset(1).unwrap();
    let wide = sim.input("wide").unwrap();
    sim.set_bits(wide, &Bits::from_u128(1 << 64, 70));
    assert!(matches!(sim.run_until(all, 0, 2), Err(RunError::TimeOut { .. })), "every bit is compared");
}

#[test]
fn an_unknown_name_is_refused_with_those_that_exist() {
    let sim = simulator();
    assert_eq!(
        sim.input("adress").unwrap_err().to_string(),
        "no input `adress`; there are `address`, `write_address`, `enable`, `wide`, `reset`"
    );
    assert_eq!(
        sim.output("reset").unwrap_err().to_string(),
        "no output `reset`; there are `count`, `data`, `seen`, `all`"
    );
    assert_eq!(sim.register("count").unwrap_err().to_string(), "no register `count`; there is `unit.count`");
    assert_eq!(sim.memory("words").unwrap_err().to_string(), "no memory `words`; there is `unit.words`");
}

#[test]
#[should_panic(expected = "input `address` has 3 bits and is set to 0x8")]
fn a_value_that_does_not_fit_is_refused() {
    set(&mut simulator(), "address", 8);
}

#[test]
#[should_panic(expected = "input `wide` has 70 bits and is set to 71'h0")]
fn bits_of_another_width_are_refused() {
    let mut sim = simulator();
    let wide = sim.input("wide").unwrap();
    sim.set_bits(wide, &Bits::zero(71));
}

#[test]
#[should_panic(expected = "output `all` has 70 bits, more than `get` returns; use `get_bits`")]
fn a_wide_output_is_not_cut() {
    let mut sim = simulator();
    let all = sim.output("all").unwrap();
    sim.get(all);
}
