//! Registers, memories and instances against hand-computed sequences.

use rtl::sim::{OutputPort, Simulator};
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, cat, elaborate, lit};

bundle! {
    struct Inputs { values: Vec<Signal> }
}
bundle! {
    struct Outputs { results: Vec<Signal> }
}

/// A module from two functions: widths of inputs `x_0`, `x_1`, ... and what is built from them.
struct Circuit {
    name: &'static str,
    widths: Vec<usize>,
    build: fn(&Builder, &[Signal]) -> Vec<Signal>,
}

impl std::fmt::Debug for Circuit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Module for Circuit {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        self.name.into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        let input = |(i, &width): (usize, &usize)| ports.input(&format!("values_{i}"), width);
        Inputs { values: self.widths.iter().enumerate().map(input).collect() }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        Outputs { results: (self.build)(m, &io.values) }
    }
}

fn simulate(widths: &[usize], build: fn(&Builder, &[Signal]) -> Vec<Signal>) -> Simulator {
    let design = elaborate(&Circuit { name: "circuit", widths: widths.to_vec(), build }).unwrap();
    Simulator::new(&design).unwrap()
}

fn outputs(sim: &Simulator) -> Vec<OutputPort> {
    (0..sim.outputs().count()).map(|i| sim.output(&format!("results_{i}")).unwrap()).collect()
}

fn set(sim: &mut Simulator, values: &[u64]) {
    for (i, &value) in values.iter().enumerate() {
        let port = sim.input(&format!("values_{i}")).unwrap();
        sim.set(port, value);
    }
}

/// Sets the inputs, takes one edge, returns the outputs.
fn cycle(sim: &mut Simulator, values: &[u64]) -> Vec<u64> {
    set(sim, values);
    sim.step(1).unwrap();
    outputs(sim).into_iter().map(|port| sim.get(port)).collect()
}

#[test]
fn a_register_holds_where_no_assignment_applies() {
    let mut sim = simulate(&[1, 1, 8], |m, x| {
        let register = m.register("held", 8).reset(7);
        m.when(x[0], || {
            register.set(x[2]);
            m.when(x[1], || register.set(register.q + 1));
        });
        vec![register.q]
    });
    assert_eq!(cycle(&mut sim, &[0, 1, 9]), [0], "power-up value");
    sim.reset(1).unwrap();
    assert_eq!(cycle(&mut sim, &[0, 1, 9]), [7]);
    assert_eq!(cycle(&mut sim, &[1, 0, 9]), [9]);
    assert_eq!(cycle(&mut sim, &[1, 1, 1]), [10], "the later assignment wins");
    assert_eq!(cycle(&mut sim, &[0, 0, 1]), [10]);
    assert_eq!(sim.cycle(), 6);
}

#[test]
fn registers_exchange_their_values_at_one_edge() {
    // A ring of three, a chain behind it, and a swap: every register reads another one directly.
    let mut sim = simulate(&[1, 8], |m, x| {
        let ring: Vec<_> = (0..3).map(|i| m.register(&format!("ring_{i}"), 8)).collect();
        for i in 0..3 {
            m.when(x[0], || ring[i].set(x[1] + i as u32)).otherwise(|| ring[i].set(ring[(i + 1) % 3].q));
        }
        let chain = ring[0].q.delay("chain", 3, false);
        let (a, b) = (m.register("a", 8).reset(1), m.register("b", 8).reset(2));
        a.set(b.q);
        b.set(a.q);
        vec![ring[0].q, ring[1].q, ring[2].q, chain, a.q, b.q]
    });
    sim.reset(1).unwrap();
    assert_eq!(cycle(&mut sim, &[1, 10])[..3], [10, 11, 12]);
    assert_eq!(cycle(&mut sim, &[0, 0])[..3], [11, 12, 10]);
    assert_eq!(cycle(&mut sim, &[0, 0])[..3], [12, 10, 11]);
    assert_eq!(cycle(&mut sim, &[0, 0]), [10, 11, 12, 10, 1, 2]);
    assert_eq!(cycle(&mut sim, &[0, 0]), [11, 12, 10, 11, 2, 1]);
}

#[test]
fn a_ring_that_nothing_enters_stays_as_it_began() {
    let mut sim = simulate(&[], |m, _| {
        let ring: Vec<_> = (0..4).map(|i| m.register(&format!("ring_{i}"), 70)).collect();
        for i in 0..4 {
            ring[i].set(ring[(i + 1) % 4].q);
        }
        let last = m.register("last", 70);
        last.set(!ring[0].q);
        vec![last.q]
    });
    sim.step(4).unwrap();
    let last = sim.output("results_0").unwrap();
    assert_eq!(sim.get_bits(last), Bits::ones(70));
}

#[test]
fn an_asynchronous_read_shows_a_word_after_the_edge_that_writes_it() {
    let mut sim = simulate(&[3, 70, 1, 3], |m, x| {
        let memory = m.memory("words", 5, 70).initial(vec![Bits::from_u64(3, 70), Bits::from_u64(4, 70)]);
        memory.write(x[0], x[1], x[2]);
        vec![memory.read("seen", x[3]).truncate(64), memory.read("low", lit(1, 3)).truncate(8)]
    });
    assert_eq!(cycle(&mut sim, &[0, 99, 0, 0]), [3, 4], "initial contents");
    set(&mut sim, &[4, 77, 1, 4]);
    let seen = sim.output("results_0").unwrap();
    assert_eq!(sim.get(seen), 0, "before the edge");
    sim.step(1).unwrap();
    assert_eq!(sim.get(seen), 77, "after it");
    let memory = sim.memory("words").unwrap();
    assert_eq!((memory.depth, memory.width), (5, 70));
    let word = Bits::from_u128(0x2a_0123_4567_89ab_cdef_u128, 70);
    sim.write_word_bits(memory, 4, &word);
    assert_eq!(sim.get(seen), 0x0123_4567_89ab_cdef, "a written word shows at once");
    assert_eq!(sim.read_word_bits(memory, 4), word);
    assert_eq!(sim.read_word(memory, 1), [4, 0]);
    let low = sim.output("results_1").unwrap();
    assert_eq!((sim.get(low), sim.get(seen)), (4, word.words()[0]));
    sim.write_word(memory, 1, &[5]);
    assert_eq!(sim.get(low), 5, "also where the address is a constant");
}

#[test]
fn a_clocked_read_takes_the_old_word_and_holds_it() {
    let mut sim = simulate(&[2, 8, 1, 2, 1], |m, x| {
        let memory = m.memory("words", 4, 8);
        memory.write(x[0], x[1], x[2]);
        let data = memory.read_registered("data", x[3], x[4]);
        vec![data, data.register("later")]
    });
    assert_eq!(cycle(&mut sim, &[1, 50, 1, 1, 1]), [0, 0], "the word before the edge");
    assert_eq!(cycle(&mut sim, &[1, 51, 1, 1, 1]), [50, 0]);
    assert_eq!(cycle(&mut sim, &[1, 52, 1, 1, 0]), [50, 50], "held without enable");
    assert_eq!(cycle(&mut sim, &[0, 0, 0, 1, 1]), [52, 50]);
    assert_eq!(cycle(&mut sim, &[0, 0, 0, 0, 0]), [52, 52]);
}

#[test]
fn a_single_port_reads_only_where_it_does_not_write() {
    let mut sim =
        simulate(&[1, 4, 16, 2], |m, x| vec![m.memory("words", 16, 16).access("data", x[0], x[1], x[2], x[3])]);
    assert_eq!(cycle(&mut sim, &[1, 3, 0x1234, 3]), [0], "a write does not read");
    assert_eq!(cycle(&mut sim, &[1, 3, 0xffff, 0]), [0x1234]);
    assert_eq!(cycle(&mut sim, &[1, 3, 0xabcd, 2]), [0x1234], "and holds what was read");
    assert_eq!(cycle(&mut sim, &[0, 3, 0, 1]), [0x1234], "nothing without enable");
    assert_eq!(cycle(&mut sim, &[1, 3, 0, 0]), [0xab34], "one lane was written");
    assert_eq!(cycle(&mut sim, &[1, 2, 7, 3]), [0xab34], "another word is written, and not read");
    assert_eq!(cycle(&mut sim, &[1, 2, 0, 0]), [7]);
}

#[test]
fn the_later_write_port_wins_lane_by_lane() {
    let mut sim = simulate(&[96, 96, 12, 12], |m, x| {
        let memory = m.memory("words", 8, 96);
        memory.write_lanes(lit(5, 3), x[0], x[2]);
        memory.write_lanes(lit(5, 3), x[1], x[3]);
        let word = memory.read("word", lit(5, 3));
        vec![word.bits(0..64), word.bits(64..96)]
    });
    let ports: Vec<_> = (0..2).map(|i| sim.input(&format!("values_{i}")).unwrap()).collect();
    sim.set_bits(ports[0], &Bits::from_u128(0x11111111_11111111_11111111, 96));
    sim.set_bits(ports[1], &Bits::from_u128(0x22222222_22222222_22222222, 96));
    for (port, lanes) in [("values_2", 0b1111_0000_0011), ("values_3", 0b0011_1100_0001)] {
        let port = sim.input(port).unwrap();
        sim.set(port, lanes);
    }
    sim.step(1).unwrap();
    let found: Vec<u64> = outputs(&sim).into_iter().map(|port| sim.get(port)).collect();
    assert_eq!(found, [0x2222_0000_0000_1122, 0x1111_2222]);
}

#[derive(Debug)]
struct Counter;

impl Module for Counter {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "counter".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        Inputs { values: vec![ports.input("values_0", 8)] }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let count = m.register("count", 8).reset(100);
        count.set(count.q + io.values[0]);
        Outputs { results: vec![count.q] }
    }
}

#[test]
fn instances_have_their_own_state_and_their_own_reset() {
    let mut sim = simulate(&[8, 8, 1], |m, x| {
        let first = m.instance("first", &Counter, Inputs { values: vec![x[0]] });
        let second = m.instance_with_reset("second", &Counter, Inputs { values: vec![x[1]] }, x[2]);
        let third = m.instance("third", &Counter, Inputs { values: first.results.clone() });
        vec![first.results[0], second.results[0], third.results[0]]
    });
    sim.reset(1).unwrap();
    assert_eq!(cycle(&mut sim, &[1, 2, 0]), [101, 2, 200], "reset reaches all but `second`");
    assert_eq!(cycle(&mut sim, &[1, 2, 1]), [102, 100, (200 + 101) % 256]);
    assert_eq!(cycle(&mut sim, &[1, 2, 0]), [103, 102, (200 + 101 + 102) % 256]);
    let count = sim.register("second.count").unwrap();
    assert_eq!((sim.peek(count), count.width()), (102, 8));
    assert_eq!(sim.peek_bits(count), Bits::from_u64(102, 8));
}

#[test]
fn outputs_follow_inputs_between_edges() {
    let mut sim = simulate(&[8, 8], |m, x| {
        let sum = m.register("sum", 8);
        sum.set(sum.q + x[0]);
        vec![x[0] + x[1], sum.q, sum.q + x[1]]
    });
    let ports = outputs(&sim);
    set(&mut sim, &[3, 4]);
    assert_eq!(ports.iter().map(|&port| sim.get(port)).collect::<Vec<_>>(), [7, 0, 4]);
    set(&mut sim, &[3, 5]);
    assert_eq!(ports.iter().map(|&port| sim.get(port)).collect::<Vec<_>>(), [8, 0, 5]);
    sim.step(2).unwrap();
    assert_eq!(ports.iter().map(|&port| sim.get(port)).collect::<Vec<_>>(), [8, 6, 11]);
    set(&mut sim, &[1, 1]);
    assert_eq!(ports.iter().map(|&port| sim.get(port)).collect::<Vec<_>>(), [2, 6, 7]);
}

#[test]
fn a_path_of_any_length_compiles_on_a_small_stack() {
    const LENGTH: u64 = 50_000;
    let mut sim = simulate(&[8], |_, x| {
        // A rotation and a sum, so that no step folds into the one before.
        let step = |value: Signal, _| cat([value.bits(0..7), value.msb()]) + 1;
        vec![(0..LENGTH).fold(x[0], step)]
    });
    let expected = (0..LENGTH).fold(5u8, |value, _| value.rotate_left(1).wrapping_add(1));
    set(&mut sim, &[5]);
    let end = sim.output("results_0").unwrap();
    assert_eq!(sim.get(end), expected as u64);
}

/// Enough to be evaluated for the registers of an enable alone: an input, and a register of its own.
#[test]
fn registers_that_are_not_enabled_keep_their_values() {
    const LENGTH: u64 = 100;
    let mut sim = simulate(&[8, 1], |m, x| {
        let step = |value: Signal, _| cat([value.bits(0..7), value.msb()]) + 1;
        let (first, second) = (m.register("first", 8), m.register("second", 8));
        let every_other = m.register("every_other", 1).reset(0);
        every_other.set(!every_other.q);
        m.when(x[1], || first.set((0..LENGTH).fold(first.q + x[0], step)));
        m.when(every_other.q, || second.set((0..LENGTH).fold(second.q + first.q, step)));
        vec![first.q, second.q]
    });
    sim.reset(1).unwrap();
    let chain = |value: u8| (0..LENGTH).fold(value, |value, _| value.rotate_left(1).wrapping_add(1));
    let (mut first, mut second) = (0u8, 0u8);
    for cycle_number in 0..200u64 {
        let (data, enable) = (cycle_number * 7 % 256, u64::from(cycle_number % 5 < 2));
        let before = first;
        first = if enable == 1 { chain(first.wrapping_add(data as u8)) } else { first };
        second = if cycle_number % 2 == 1 { chain(second.wrapping_add(before)) } else { second };
        assert_eq!(cycle(&mut sim, &[data, enable]), [first.into(), second.into()], "cycle {cycle_number}");
    }
}

#[test]
fn a_simulator_moves_to_another_thread() {
    let mut sim = simulate(&[8], |_, x| vec![x[0] + 1]);
    set(&mut sim, &[5]);
    let output = sim.output("results_0").unwrap();
    assert_eq!(std::thread::spawn(move || sim.get(output)).join().unwrap(), 6);
}
