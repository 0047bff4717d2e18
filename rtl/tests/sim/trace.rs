//! Waveforms, read back.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use rtl::sim::Simulator;
use rtl::wave::TraceOptions;
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, elaborate};
use vcd::{Command, Header, IdCode, ScopeItem, SimulationCommand};

bundle! {
    struct Inputs { step: Signal }
}
bundle! {
    struct Outputs { count: Signal, wide: Signal }
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
        Inputs { step: ports.input("step", 8) }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let count = m.register("count", 8).reset(0);
        // Named, and used by nothing: only the waveform needs it.
        (count.q + 7).named("unused_sum");
        count.set(count.q + io.step);
        Outputs { count: count.q, wide: count.q.repeat(9) }
    }
}

#[derive(Debug)]
struct Pair;

impl Module for Pair {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "pair".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        Counter.inputs(ports)
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let first = m.instance("first", &Counter, io.clone());
        let second = m.instance("second", &Counter, Inputs { step: first.count });
        Outputs { count: second.count, wide: first.wide }
    }
}

/// A writer whose contents can be read while the simulator owns it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a waveform says: for each path, the times and values of its changes.
struct Waveform {
    header: Header,
    changes: HashMap<IdCode, Vec<(u64, String)>>,
}

impl Waveform {
    fn read(shared: &Shared) -> Waveform {
        let bytes = shared.0.lock().unwrap().clone();
        let mut parser = vcd::Parser::new(bytes.as_slice());
        let header = parser.parse_header().unwrap();
        let (mut time, mut changes) = (0, HashMap::<IdCode, Vec<_>>::new());
        for command in parser {
            match command.unwrap() {
                Command::Timestamp(at) => {
                    assert!(at >= time, "time goes forward");
                    time = at;
                }
                Command::ChangeScalar(id, value) => changes.entry(id).or_default().push((time, value.to_string())),
                Command::ChangeVector(id, value) => changes.entry(id).or_default().push((time, value.to_string())),
                Command::Begin(SimulationCommand::Dumpvars) | Command::End(_) => {}
                other => panic!("unexpected in a waveform: {other:?}"),
            }
        }
        Waveform { header, changes }
    }

    fn changes(&self, path: &[&str]) -> Vec<(u64, u64)> {
        let var = self.header.find_var(path).unwrap_or_else(|| panic!("no variable {path:?}"));
        let value = |(time, bits): &(u64, String)| (*time, u64::from_str_radix(bits, 2).unwrap());
        self.changes[&var.code].iter().map(value).collect()
    }
}

fn names(header: &Header, path: &[&str]) -> Vec<String> {
    let item = |item: &ScopeItem| match item {
        ScopeItem::Var(var) => Some(format!("{} {} {}", var.var_type, var.size, var.reference)),
        _ => None,
    };
    header.find_scope(path).unwrap().items.iter().filter_map(item).collect()
}

fn simulator() -> Simulator {
    Simulator::new(&elaborate(&Pair).unwrap()).unwrap()
}

fn set(sim: &mut Simulator, name: &str, value: u64) {
    let port = sim.input(name).unwrap();
    sim.set(port, value);
}

#[test]
fn a_waveform_shows_every_name_with_the_values_of_every_half_cycle() {
    let shared = Shared::default();
    let mut sim = simulator();
    sim.trace_vcd(shared.clone(), TraceOptions::default()).unwrap();
    set(&mut sim, "reset", 1);
    set(&mut sim, "step", 3);
    sim.step(1).unwrap();
    set(&mut sim, "reset", 0);
    sim.step(2).unwrap();
    set(&mut sim, "step", 5);
    sim.step(1).unwrap();
    sim.finish_trace().unwrap();

    let waveform = Waveform::read(&shared);
    assert_eq!(waveform.header.timescale, Some((1, vcd::TimescaleUnit::NS)));
    assert_eq!(
        names(&waveform.header, &["pair"]),
        ["wire 1 clock", "wire 1 reset", "wire 8 step", "wire 8 count", "wire 72 wide"]
    );
    assert_eq!(
        names(&waveform.header, &["pair", "first"]),
        ["wire 1 clock", "wire 1 reset", "wire 8 step", "reg 8 count", "wire 8 unused_sum", "wire 72 wide"]
    );
    let clock = [(0, 0), (5, 1), (10, 0), (15, 1), (20, 0), (25, 1), (30, 0), (35, 1), (40, 0)];
    assert_eq!(waveform.changes(&["pair", "clock"]), clock);
    assert_eq!(waveform.changes(&["pair", "second", "clock"]), clock);
    assert_eq!(waveform.changes(&["pair", "reset"]), [(0, 1), (10, 0)]);
    assert_eq!(waveform.changes(&["pair", "step"]), [(0, 3), (30, 5)]);
    assert_eq!(waveform.changes(&["pair", "first", "count"]), [(0, 0), (15, 3), (25, 6), (35, 11)]);
    assert_eq!(waveform.changes(&["pair", "first", "unused_sum"]), [(0, 7), (15, 10), (25, 13), (35, 18)]);
    assert_eq!(waveform.changes(&["pair", "second", "step"]), [(0, 0), (15, 3), (25, 6), (35, 11)]);
    assert_eq!(waveform.changes(&["pair", "second", "count"]), [(0, 0), (25, 3), (35, 9)]);
    assert_eq!(waveform.changes(&["pair", "count"]), [(0, 0), (25, 3), (35, 9)]);
    let wide = waveform.header.find_var(&["pair", "wide"]).unwrap();
    let last = waveform.changes[&wide.code].last().unwrap();
    let eleven = "00001011".repeat(9);
    assert_eq!(*last, (35, eleven.trim_start_matches('0').to_string()), "wide values are whole");
}

#[test]
fn scope_and_cycles_bound_what_is_shown() {
    let shared = Shared::default();
    let mut sim = simulator();
    let options = TraceOptions { scope: "first".into(), first_cycle: 2, cycles: 2, ..TraceOptions::default() };
    sim.trace_vcd(shared.clone(), options).unwrap();
    set(&mut sim, "step", 1);
    sim.step(10).unwrap();
    sim.finish_trace().unwrap();
    let waveform = Waveform::read(&shared);
    assert!(names(&waveform.header, &["pair"]).is_empty() && waveform.header.find_scope(&["pair", "second"]).is_none());
    assert_eq!(waveform.changes(&["pair", "first", "count"]), [(20, 2), (25, 3), (35, 4)]);

    let options = TraceOptions { scope: "third".into(), ..TraceOptions::default() };
    let error = sim.trace_vcd(Shared::default(), options).unwrap_err();
    assert_eq!(error.to_string(), "no instance `third` to trace");
}

#[test]
fn a_waveform_begins_and_ends_without_a_change_to_the_simulation() {
    let mut plain = simulator();
    let mut traced = simulator();
    for sim in [&mut plain, &mut traced] {
        set(sim, "step", 9);
        sim.step(3).unwrap();
    }
    let shared = Shared::default();
    traced.trace_vcd(shared.clone(), TraceOptions::default()).unwrap();
    traced.step(2).unwrap();
    traced.finish_trace().unwrap();
    let length = shared.0.lock().unwrap().len();
    traced.step(2).unwrap();
    plain.step(4).unwrap();
    for name in ["count", "wide"] {
        let port = plain.output(name).unwrap();
        assert_eq!(plain.get_bits(port), traced.get_bits(port), "{name}");
        assert_ne!(plain.get_bits(port), Bits::zero(plain.get_bits(port).width()));
    }
    assert_eq!(shared.0.lock().unwrap().len(), length, "nothing is written after the end");
    let first = Waveform::read(&shared).changes(&["pair", "first", "count"]);
    assert_eq!(first, [(30, 27), (35, 36), (45, 45)]);
}

/// Refuses everything after a number of bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("the disk is full"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_failure_to_write_is_reported_at_the_end() {
    let mut sim = simulator();
    sim.trace_vcd(Full(20_000), TraceOptions::default()).unwrap();
    set(&mut sim, "step", 1);
    sim.step(2_000).unwrap();
    assert_eq!(sim.finish_trace().unwrap_err().to_string(), "waveform: the disk is full");
}
