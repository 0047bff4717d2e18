//! The data of the timeline: rows, and what is drawn in each.

use kernels::activity::{Activity, Event, Port};
use serde::Serialize;

/// What is drawn in a colour of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Compute,
    Load,
    Drain,
    Commands,
    Host,
    WaitsWeights,
    WaitsAccumulator,
    WaitsHalf,
    Conflict,
    Idle,
}

/// What a cycle of the AMP is, one of them.
pub const CYCLE_KINDS: [Kind; 6] =
    [Kind::Compute, Kind::WaitsWeights, Kind::WaitsAccumulator, Kind::WaitsHalf, Kind::Conflict, Kind::Idle];

impl Kind {
    /// Those of the legend.
    pub const ALL: [Kind; 9] = [
        Kind::Compute,
        Kind::Load,
        Kind::Drain,
        Kind::Commands,
        Kind::Host,
        Kind::WaitsWeights,
        Kind::WaitsAccumulator,
        Kind::WaitsHalf,
        Kind::Conflict,
    ];

    /// Its class in the style sheet.
    pub fn key(self) -> &'static str {
        match self {
            Kind::Compute => "compute",
            Kind::Load => "load",
            Kind::Drain => "drain",
            Kind::Commands => "commands",
            Kind::Host => "host",
            Kind::WaitsWeights => "waits-weights",
            Kind::WaitsAccumulator => "waits-accumulator",
            Kind::WaitsHalf => "waits-half",
            Kind::Conflict => "conflict",
            Kind::Idle => "idle",
        }
    }

    /// In a legend.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Compute => "compute",
            Kind::Load => "load",
            Kind::Drain => "drain",
            Kind::Commands => "commands, lists",
            Kind::Host => "host",
            Kind::WaitsWeights => "stall: weights",
            Kind::WaitsAccumulator => "stall: accumulator loop",
            Kind::WaitsHalf => "stall: drain or preload",
            Kind::Conflict => "bank conflict",
            Kind::Idle => "no block to step (start, end, between lists)",
        }
    }

    /// As what bounds a run.
    pub fn bound(self) -> &'static str {
        match self {
            Kind::WaitsWeights => "loading weights",
            Kind::WaitsAccumulator => "the accumulator loop",
            Kind::WaitsHalf => "draining, preloading",
            Kind::Conflict => "bank conflicts",
            Kind::Idle => "no block to step",
            other => other.words(),
        }
    }

    /// What a port does to a bank.
    fn of(port: Port) -> Kind {
        match port {
            Port::Results => Kind::Drain,
            Port::Inputs | Port::Weights | Port::Partials => Kind::Load,
            Port::Lists | Port::Sequencer => Kind::Commands,
            Port::Host => Kind::Host,
        }
    }
}

/// A port with the unit that uses it.
pub fn unit(port: Port) -> &'static str {
    match port {
        Port::Results => "results (drainer)",
        Port::Inputs => "inputs (stepper)",
        Port::Weights => "weights (loader)",
        Port::Partials => "partials (preloader)",
        Port::Lists => "lists",
        Port::Sequencer => "sequencer",
        Port::Host => "host",
    }
}

/// The ports that a bank served, the busiest first.
pub fn users(activity: &Activity, bank: usize) -> String {
    let count = |port: &Port| activity.total(Event::BankAccess(bank, *port));
    let mut ports: Vec<Port> = Port::ALL.into_iter().filter(|port| count(port) > 0).collect();
    ports.sort_by_key(|port| std::cmp::Reverse(count(port)));
    ports.iter().map(|port| port.name()).collect::<Vec<_>>().join(", ")
}

/// In each bin, the cycles of the AMP of this kind, one of [`CYCLE_KINDS`].
pub fn amp_series(activity: &Activity, kind: Kind) -> Box<dyn Iterator<Item = u32> + '_> {
    let series = |event| activity.series(event);
    match kind {
        Kind::Compute => Box::new(series(Event::Row)),
        Kind::WaitsWeights => Box::new(series(Event::WaitsWeights)),
        Kind::WaitsAccumulator => Box::new(series(Event::WaitsAccumulator)),
        Kind::WaitsHalf => Box::new(series(Event::WaitsHalf)),
        // A row that could be issued waits for the bank of its inputs.
        Kind::Conflict => Box::new(series(Event::Conflict(Port::Inputs))),
        _ => {
            let others = &CYCLE_KINDS[..CYCLE_KINDS.len() - 1];
            let mut left: Vec<u32> = series(Event::Cycle).collect();
            for &other in others {
                let others = left.iter_mut().zip(amp_series(activity, other));
                others.for_each(|(left, count)| *left = left.saturating_sub(count));
            }
            Box::new(left.into_iter())
        }
    }
}

#[derive(Serialize)]
struct Timeline {
    bin_cycles: u64,
    cycles: u64,
    /// Bins in which programs start, but for the first.
    launches: Vec<usize>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    label: String,
    /// A bank: drawn lower than a unit.
    bank: bool,
    parts: Vec<Part>,
}

/// What is stacked in a row: cycles of each bin.
#[derive(Serialize)]
struct Part {
    kind: &'static str,
    words: &'static str,
    counts: Vec<u32>,
}

impl Part {
    /// `None` where there is nothing to draw.
    fn new(kind: Kind, words: &'static str, counts: impl Iterator<Item = u32>) -> Option<Part> {
        let counts: Vec<u32> = counts.collect();
        counts.iter().any(|count| *count > 0).then(|| Part { kind: kind.key(), words, counts })
    }
}

/// The timeline, as JSON that can stand in a script element.
pub fn json(activity: &Activity) -> String {
    let amp = CYCLE_KINDS.into_iter().filter(|kind| *kind != Kind::Idle);
    let amp = amp.filter_map(|kind| Part::new(kind, kind.words(), amp_series(activity, kind)));
    let mut rows = vec![Row { label: "AMP".to_owned(), bank: false, parts: amp.collect() }];
    for port in [Port::Inputs, Port::Weights, Port::Results, Port::Partials, Port::Lists, Port::Sequencer, Port::Host] {
        let moves = if port == Port::Results { "written" } else { "moved" };
        let parts = [
            Part::new(Kind::of(port), moves, activity.series(Event::Access(port))),
            Part::new(Kind::Conflict, "waiting for a bank", activity.series(Event::Conflict(port))),
        ];
        let parts: Vec<Part> = parts.into_iter().flatten().collect();
        rows.push(Row { label: unit(port).to_owned(), bank: false, parts });
    }
    for bank in 0..activity.banks() {
        let mut parts: Vec<Part> = Port::ALL
            .into_iter()
            .filter_map(|port| Part::new(Kind::of(port), port.name(), activity.series(Event::BankAccess(bank, port))))
            .collect();
        if !parts.is_empty() {
            let mut conflicts = vec![0; parts[0].counts.len()];
            for port in Port::ALL {
                let lost = activity.series(Event::BankConflict(bank, port));
                conflicts.iter_mut().zip(lost).for_each(|(sum, count)| *sum += count);
            }
            parts.extend(Part::new(Kind::Conflict, "requests waiting", conflicts.into_iter()));
            rows.push(Row { label: format!("bank {bank}: {}", users(activity, bank)), bank: true, parts });
        }
    }
    let launches = activity.series(Event::Launch).enumerate().filter(|(_, count)| *count > 0).map(|(bin, _)| bin);
    let timeline = Timeline {
        bin_cycles: activity.bin_cycles(),
        cycles: activity.total(Event::Cycle),
        launches: launches.skip(1).collect(),
        rows,
    };
    serde_json::to_string(&timeline).expect("only string keys").replace('<', "\\u003c")
}
