//! Activity: what the AMP, the streams and the banks of a tile did, cycle by cycle, summed over bins of cycles.
//!
//! ```text
//!   native simulator, Verilator ---> Waveform of a few signals ---> bins x events ---> Activity
//! ```
//!
//! Only the cycles of programs count, from START to DONE; the launches of a run follow each other without a gap. What
//! counts in a cycle is what the tile's own counters see in it, so that the sum over the bins is what they hold:
//! [`Event::counter`] says which. The bins begin at one cycle each and are doubled whenever there are too many.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, OnceLock};

use isa::Register;
use isa::register as counter;
use rtl::wave::{CYCLE_NS, Kind, Sink, TraceOptions, VariableId, Waveform};
use tile::TileConfig;

/// Most bins; an even number.
const MOST_BINS: usize = 1500;

/// A port of the SRAM, and with it the unit that uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Results, from the drainer.
    Results,
    /// Inputs, to the stepper.
    Inputs,
    /// Weights, to the loader.
    Weights,
    /// Partial sums, to the preloader.
    Partials,
    /// Descriptors and block lists.
    Lists,
    /// Commands, to the sequencer.
    Sequencer,
    /// The host.
    Host,
}

impl Port {
    /// All, in the order of their priority.
    pub const ALL: [Port; 7] =
        [Port::Results, Port::Inputs, Port::Weights, Port::Partials, Port::Lists, Port::Sequencer, Port::Host];
    /// Those between the SRAM and the AMP: they move whole access words.
    pub const STREAMS: [Port; 4] = [Port::Results, Port::Inputs, Port::Weights, Port::Partials];

    /// What it is called in the tile.
    pub fn name(self) -> &'static str {
        match self {
            Port::Results => "results",
            Port::Inputs => "inputs",
            Port::Weights => "weights",
            Port::Partials => "partials",
            Port::Lists => "lists",
            Port::Sequencer => "sequencer",
            Port::Host => "host",
        }
    }
}

/// Something that a cycle of a program has or has not. Of rows and waits, a cycle has at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The cycle itself.
    Cycle,
    /// A program starts.
    Launch,
    /// The AMP issues a row.
    Row,
    /// It waits for weights.
    WaitsWeights,
    /// It waits for the accumulator loop.
    WaitsAccumulator,
    /// It waits for an accumulator half to be drained or preloaded.
    WaitsHalf,
    /// A port reads or writes a word.
    Access(Port),
    /// A port waits for its bank.
    Conflict(Port),
    /// A bank serves a port.
    BankAccess(usize, Port),
    /// A bank serves another port than this one, which waits.
    BankConflict(usize, Port),
}

/// Events that are not of a port.
const PLAIN: usize = 6;
const PORTS: usize = Port::ALL.len();

impl Event {
    /// Its column in a bin.
    fn column(self) -> usize {
        let pair = |pair: usize, port: Port, conflict: bool| {
            PLAIN + (2 * pair + usize::from(conflict)) * PORTS + port as usize
        };
        match self {
            Event::Cycle => 0,
            Event::Launch => 1,
            Event::Row => 2,
            Event::WaitsWeights => 3,
            Event::WaitsAccumulator => 4,
            Event::WaitsHalf => 5,
            Event::Access(port) => pair(0, port, false),
            Event::Conflict(port) => pair(0, port, true),
            Event::BankAccess(bank, port) => pair(1 + bank, port, false),
            Event::BankConflict(bank, port) => pair(1 + bank, port, true),
        }
    }

    /// Columns of a bin of a tile with so many banks.
    fn columns(banks: usize) -> usize {
        PLAIN + 2 * PORTS * (1 + banks)
    }

    /// The tile's counter of the same.
    pub fn counter(self) -> Option<Register> {
        Some(match self {
            Event::Cycle => counter::CYCLES,
            Event::Row => counter::AMP_ROWS,
            Event::WaitsWeights => counter::STALL_WEIGHTS,
            Event::WaitsAccumulator => counter::STALL_ACCUMULATOR,
            Event::WaitsHalf => counter::STALL_DRAIN,
            Event::Conflict(Port::Results) => counter::CONFLICT_RESULTS,
            Event::Conflict(Port::Inputs) => counter::CONFLICT_INPUTS,
            Event::Conflict(Port::Weights) => counter::CONFLICT_WEIGHTS,
            Event::Conflict(Port::Partials) => counter::CONFLICT_PARTIALS,
            Event::Conflict(Port::Lists) => counter::CONFLICT_LISTS,
            Event::Conflict(Port::Sequencer) => counter::CONFLICT_SEQUENCER,
            Event::Conflict(Port::Host) => counter::CONFLICT_HOST,
            Event::Launch | Event::Access(_) | Event::BankAccess(..) | Event::BankConflict(..) => return None,
        })
    }
}

/// What happened in each bin of cycles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    banks: usize,
    bin_cycles: u64,
    /// Of each bin, the number of cycles with each event.
    bins: Vec<u32>,
}

impl Activity {
    /// A waveform for the device of a run, and what it tells once the device is finished.
    pub fn watch(config: &TileConfig) -> (Waveform, Watched) {
        let watched = Watched::default();
        let names = signals().map(|(_, path)| path).collect::<BTreeSet<_>>();
        let options = TraceOptions { names: Some(names), ..TraceOptions::default() };
        (Waveform::new(Watcher::new(config, watched.clone()), options), watched)
    }

    fn new(banks: usize) -> Activity {
        Activity { banks, bin_cycles: 1, bins: vec![] }
    }

    /// Banks of the tile.
    pub fn banks(&self) -> usize {
        self.banks
    }

    /// Cycles of a bin. The last one may have fewer.
    pub fn bin_cycles(&self) -> u64 {
        self.bin_cycles
    }

    /// In each bin, the cycles with the event.
    pub fn series(&self, event: Event) -> impl Iterator<Item = u32> {
        let column = event.column();
        self.bins.chunks_exact(Event::columns(self.banks)).map(move |bin| bin[column])
    }

    /// The cycles with the event.
    pub fn total(&self, event: Event) -> u64 {
        self.series(event).map(u64::from).sum()
    }

    /// The bin of the next cycle.
    fn next_bin(&mut self, cycle: u64) -> &mut [u32] {
        let columns = Event::columns(self.banks);
        if cycle == self.bin_cycles * MOST_BINS as u64 {
            self.bin_cycles *= 2;
            for bin in 0..MOST_BINS / 2 {
                for column in 0..columns {
                    let pair = 2 * bin * columns + column;
                    self.bins[bin * columns + column] = self.bins[pair] + self.bins[pair + columns];
                }
            }
            self.bins.truncate(MOST_BINS / 2 * columns);
        }
        let bin = (cycle / self.bin_cycles) as usize;
        self.bins.resize(self.bins.len().max((bin + 1) * columns), 0);
        &mut self.bins[bin * columns..][..columns]
    }
}

/// Where the activity of a run appears when its device is finished.
#[derive(Clone, Default)]
pub struct Watched(Arc<OnceLock<Activity>>);

impl Watched {
    /// The activity; `None` before the device is finished.
    pub fn activity(&self) -> Option<&Activity> {
        self.0.get()
    }
}

/// A signal that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Running,
    Plain(Event),
    Ready(Port),
    Conflict(Port),
    Address(Port),
}

/// The signals, and their paths from below the top.
fn signals() -> impl Iterator<Item = (Signal, String)> {
    let plain = [
        (Signal::Running, "control.running_state"),
        (Signal::Plain(Event::Row), "amp_engine.issued"),
        (Signal::Plain(Event::WaitsWeights), "amp_engine.waits_weights"),
        (Signal::Plain(Event::WaitsAccumulator), "amp_engine.waits_accumulator"),
        (Signal::Plain(Event::WaitsHalf), "amp_engine.waits_half"),
    ];
    let of_port = |port: Port| {
        let name = port.name();
        [
            (Signal::Ready(port), format!("sram.{name}_ready")),
            (Signal::Conflict(port), format!("sram.{name}_conflict")),
            (Signal::Address(port), format!("sram.{name}_request_address")),
        ]
    };
    plain.into_iter().map(|(signal, path)| (signal, path.to_owned())).chain(Port::ALL.into_iter().flat_map(of_port))
}

/// The sink: current values, and the activity so far.
struct Watcher {
    bank_bytes: u64,
    activity: Activity,
    watched: Watched,
    /// Signals whose declaration has not come.
    missing: Vec<(Signal, String)>,
    scopes: Vec<String>,
    /// The signals of each variable.
    variables: Vec<Vec<Signal>>,
    now: Values,
    /// The program ran in the last cycle.
    was_running: bool,
    /// Cycles of programs so far.
    cycles: u64,
    time: u64,
}

/// The values of the signals.
#[derive(Default)]
struct Values {
    running: bool,
    /// By column of their events.
    plain: [bool; PLAIN],
    ready: [bool; PORTS],
    conflict: [bool; PORTS],
    address: [u64; PORTS],
}

impl Values {
    fn set(&mut self, signal: Signal, value: u64) {
        let bit = value != 0;
        match signal {
            Signal::Running => self.running = bit,
            Signal::Plain(event) => self.plain[event.column()] = bit,
            Signal::Ready(port) => self.ready[port as usize] = bit,
            Signal::Conflict(port) => self.conflict[port as usize] = bit,
            Signal::Address(port) => self.address[port as usize] = value,
        }
    }
}

impl Watcher {
    fn new(config: &TileConfig, watched: Watched) -> Watcher {
        Watcher {
            bank_bytes: config.bank_bytes() as u64,
            activity: Activity::new(config.banks),
            watched,
            missing: signals().collect(),
            scopes: vec![],
            variables: vec![],
            now: Values::default(),
            was_running: false,
            cycles: 0,
            time: 0,
        }
    }

    /// The variable has another name.
    fn name(&mut self, name: &str, variable: usize) {
        // The first scope is the top.
        let path = [self.scopes.get(1..).unwrap_or_default(), &[name.to_owned()]].concat().join(".");
        let found = self.missing.extract_if(.., |(_, missing)| *missing == path);
        self.variables[variable].extend(found.map(|(signal, _)| signal));
    }

    /// Counts a cycle with the values of now.
    fn count(&mut self) {
        let now = &self.now;
        let starts = now.running && !self.was_running;
        self.was_running = now.running;
        if !now.running {
            return;
        }
        let bin = self.activity.next_bin(self.cycles);
        self.cycles += 1;
        let mut add = |event: Event, happens: bool| bin[event.column()] += u32::from(happens);
        add(Event::Cycle, true);
        add(Event::Launch, starts);
        for event in [Event::Row, Event::WaitsWeights, Event::WaitsAccumulator, Event::WaitsHalf] {
            add(event, now.plain[event.column()]);
        }
        for port in Port::ALL {
            let (ready, conflict) = (now.ready[port as usize], now.conflict[port as usize]);
            if ready || conflict {
                let bank = (now.address[port as usize] / self.bank_bytes) as usize;
                add(Event::Access(port), ready);
                add(Event::BankAccess(bank, port), ready);
                add(Event::Conflict(port), conflict);
                add(Event::BankConflict(bank, port), conflict);
            }
        }
    }
}

impl Sink for Watcher {
    fn open_scope(&mut self, name: &str, _module: &str) -> io::Result<()> {
        self.scopes.push(name.to_owned());
        Ok(())
    }

    fn close_scope(&mut self) -> io::Result<()> {
        self.scopes.pop();
        Ok(())
    }

    fn declare(&mut self, name: &str, _kind: Kind) -> io::Result<VariableId> {
        let variable = self.variables.len();
        self.variables.push(vec![]);
        self.name(name, variable);
        Ok(VariableId(variable))
    }

    fn declare_alias(&mut self, name: &str, _kind: Kind, variable: VariableId) -> io::Result<()> {
        self.name(name, variable.0);
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let paths: Vec<&str> = self.missing.iter().map(|(_, path)| path.as_str()).collect();
        let text = format!("the tile has no signal {}", paths.join(", "));
        Err(io::Error::new(io::ErrorKind::NotFound, text))
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        // Cycle k has the values of 10k ns; it has passed when time goes on.
        for _ in self.time.div_ceil(CYCLE_NS)..nanoseconds.div_ceil(CYCLE_NS) {
            self.count();
        }
        self.time = nanoseconds;
        Ok(())
    }

    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        for &signal in &self.variables[variable.0] {
            self.now.set(signal, words[0]);
        }
        Ok(())
    }

    fn real(&mut self, _variable: VariableId, _number: f64) -> io::Result<()> {
        Ok(())
    }

    fn text(&mut self, _variable: VariableId, _text: &str) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let activity = std::mem::replace(&mut self.activity, Activity::new(0));
        self.watched.0.set(activity).map_err(|_| io::Error::other("a run that ends twice"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watcher() -> (Watcher, Watched) {
        let watched = Watched::default();
        (Watcher::new(&TileConfig::ipu64(), watched.clone()), watched)
    }

    /// Declares the signals whose path passes, all in the top's scope.
    fn declare(watcher: &mut Watcher, passes: impl Fn(&str) -> bool) -> io::Result<()> {
        watcher.open_scope("tile", "tile")?;
        for (_, path) in signals().filter(|(_, path)| passes(path)) {
            watcher.declare(&path, Kind::Wire { width: 1 })?;
        }
        watcher.close_scope()?;
        watcher.begin()
    }

    #[test]
    fn a_signal_that_is_missing_is_named() {
        let (mut watcher, _) = watcher();
        let error = declare(&mut watcher, |path| !path.starts_with("amp_engine.w")).unwrap_err();
        let names = "amp_engine.waits_weights, amp_engine.waits_accumulator, amp_engine.waits_half";
        assert_eq!(error.to_string(), format!("the tile has no signal {names}"));
    }

    #[test]
    fn bins_double_and_no_cycle_is_lost() {
        for cycles in [1, 1499, 1500, 1501, 3000, 3001, 100_000] {
            let (mut watcher, watched) = watcher();
            declare(&mut watcher, |_| true).unwrap();
            let variable = |searched| VariableId(signals().position(|(signal, _)| signal == searched).unwrap());
            let (running, ready) = (variable(Signal::Running), variable(Signal::Ready(Port::Inputs)));
            let address = variable(Signal::Address(Port::Inputs));
            watcher.time(0).unwrap();
            watcher.bits(address, &[5 * 16 * 1024 - 8]).unwrap();
            // Every third cycle reads; one cycle before the program and one after it do not count.
            for cycle in 0..cycles + 2 {
                watcher.time(CYCLE_NS * cycle).unwrap();
                watcher.bits(running, &[u64::from((1..=cycles).contains(&cycle))]).unwrap();
                watcher.bits(ready, &[u64::from(cycle % 3 == 1)]).unwrap();
                watcher.time(CYCLE_NS * cycle + CYCLE_NS / 2).unwrap();
                watcher.bits(ready, &[1]).unwrap();
            }
            watcher.finish().unwrap();
            let activity = watched.activity().unwrap();
            assert_eq!(activity.total(Event::Cycle), cycles);
            assert_eq!(activity.total(Event::Launch), 1);
            for event in [Event::Access(Port::Inputs), Event::BankAccess(4, Port::Inputs)] {
                assert_eq!(activity.total(event), cycles.div_ceil(3));
            }
            let bins: Vec<u32> = activity.series(Event::Cycle).collect();
            assert!(bins.len() <= MOST_BINS && bins.len() as u64 == cycles.div_ceil(activity.bin_cycles()));
            assert!(bins[..bins.len() - 1].iter().all(|&cycles| u64::from(cycles) == activity.bin_cycles()));
        }
    }
}
