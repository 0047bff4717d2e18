//! What `tessera matmul --tiles` says about a run.

use isa::register as counter;
use kernels::device::Counters;
use kernels::matmul::grid::{Candidate, Partition};
use serde::Serialize;

use super::GridRun;
use crate::commands::summary::{Common, Outcome, Work, grouped};

/// The object that `--json` prints. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
pub struct GridSummary<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    tiles: usize,
    partition: Parts,
    /// Partitions that were planned to the end, the chosen one first.
    alternatives: Vec<Alternative>,
    /// Row steps of the AMP, on the tile that took longest; with the three below, all of its cycles.
    compute_cycles: u64,
    /// Cycles in which words travelled, on the same tile.
    exchange_cycles: u64,
    /// Cycles in which it waited for others.
    sync_cycles: u64,
    other_cycles: u64,
    /// Cycles if all tiles multiplied all the time.
    compute_bound_cycles: u64,
    /// Cycles in which the busiest port has a word to move.
    exchange_bound_cycles: u64,
}

/// Numbers of parts of M, N and K.
#[derive(Serialize)]
struct Parts {
    m: usize,
    n: usize,
    k: usize,
}

#[derive(Serialize)]
struct Alternative {
    partition: Parts,
    predicted_cycles: u64,
}

impl From<Partition> for Parts {
    fn from(Partition { m, n, k }: Partition) -> Parts {
        Parts { m, n, k }
    }
}

impl<'a> GridSummary<'a> {
    pub fn of(run: &'a GridRun, simulator: &'a str, seed: Option<u64>) -> Self {
        let times = Times::of(run);
        let alternative = |(candidate, predicted_cycles): (&Candidate, u64)| Alternative {
            partition: candidate.partition.into(),
            predicted_cycles,
        };
        GridSummary {
            common: run.outcome().common(simulator, seed),
            tiles: run.plan.config.tiles(),
            partition: run.plan.partition.into(),
            alternatives: run.planned().map(alternative).collect(),
            compute_cycles: times.compute,
            exchange_cycles: times.exchange,
            sync_cycles: times.sync,
            other_cycles: times.other,
            compute_bound_cycles: run.plan.compute_bound(),
            exchange_bound_cycles: run.plan.busiest_port_cycles,
        }
    }
}

/// What the tile that took longest did with its cycles.
struct Times {
    compute: u64,
    exchange: u64,
    sync: u64,
    other: u64,
}

impl Times {
    fn of(run: &GridRun) -> Times {
        let count = |register| run.slowest().get(register);
        let (compute, exchange) = (count(&counter::AMP_ROWS), count(&counter::EXCHANGE_CYCLES));
        let sync = count(&counter::SYNC_CYCLES);
        let other = run.report.cycles.saturating_sub(compute + exchange + sync);
        Times { compute, exchange, sync, other }
    }
}

impl GridRun {
    /// The counters of the tile that took longest.
    fn slowest(&self) -> &Counters {
        &self.report.counters[self.report.slowest]
    }

    /// The partitions that were planned, with their cycles.
    fn planned(&self) -> impl Iterator<Item = (&Candidate, u64)> {
        self.plan.candidates.iter().filter_map(|candidate| Some((candidate, candidate.predicted?.total)))
    }

    fn outcome(&self) -> Outcome<'_> {
        let GridRun { plan, report, comparison, error, simulation } = self;
        Outcome {
            config: &plan.config.tile,
            work: Work::from(&plan.problem),
            cycles: report.cycles,
            predicted_cycles: plan.predicted.total,
            utilisation: report.utilisation(),
            macs_per_cycle: report.macs_per_cycle,
            counters: self.slowest(),
            flags: report.flags,
            simulated_cycles: report.simulated_cycles,
            simulation: *simulation,
            comparison,
            error: Some(error),
        }
    }
}

/// The lines of the table for people.
pub fn lines(run: &GridRun, simulator: &str) -> Vec<(&'static str, String)> {
    let (plan, outcome) = (&run.plan, run.outcome());
    let mut lines = vec![];
    lines.push(("tiles", format!("{} of {}", plan.config.tiles(), outcome.tile_line())));
    lines.push(outcome.work_line());
    lines.push(("partition", format!("{} (M x N x K), best of {}", plan.partition, plan.candidates.len())));
    let others = run.planned().filter(|(candidate, _)| candidate.partition != plan.partition);
    let others: Vec<String> =
        others.map(|(candidate, cycles)| format!("{}: {}", candidate.partition, grouped(cycles))).collect();
    if !others.is_empty() {
        lines.push(("next best", format!("{} predicted cycles", others.join("; "))));
    }
    lines.push(("cycles", outcome.cycles_line()));
    let Times { compute, exchange, sync, other } = Times::of(run);
    let [compute, exchange, sync, other] = [compute, exchange, sync, other].map(grouped);
    let times = format!("{compute} multiplying, {exchange} exchanging, {sync} at barriers, {other} other");
    lines.push(("slowest", times));
    let (compute, words) = (plan.compute_bound(), plan.busiest_port_cycles);
    let bound = format!("{} to multiply and {} for the busiest port", grouped(compute), grouped(words));
    lines.push(("bound", format!("{}: {bound}", grouped(compute + words))));
    lines.extend(outcome.lines(simulator));
    lines
}
