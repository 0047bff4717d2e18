//! What `tessera matmul --tiles` says about a run.

use kernels::matmul::grid::{Candidate, Partition};
use serde::Serialize;

use super::GridRun;
use crate::commands::grid_summary::GridCycles;
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
    #[serde(flatten)]
    cycles: GridCycles,
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
        let alternative = |(candidate, predicted_cycles): (&Candidate, u64)| Alternative {
            partition: candidate.partition.into(),
            predicted_cycles,
        };
        GridSummary {
            common: run.outcome().common(simulator, seed),
            tiles: run.plan.config.tiles(),
            partition: run.plan.partition.into(),
            alternatives: run.planned().map(alternative).collect(),
            cycles: run.grid_cycles(),
        }
    }
}

impl GridRun {
    fn grid_cycles(&self) -> GridCycles {
        GridCycles::of(&self.report, self.plan.compute_bound(), self.plan.busiest_port_cycles)
    }

    /// The partitions that were planned, with their cycles.
    fn planned(&self) -> impl Iterator<Item = (&Candidate, u64)> {
        self.plan.candidates.iter().filter_map(|candidate| Some((candidate, candidate.predicted?.total)))
    }

    fn outcome(&self) -> Outcome<'_> {
        let GridRun { plan, report, comparison, error, simulation } = self;
        let (config, work) = (&plan.config.tile, Work::from(&plan.problem));
        let outcome = Outcome::of_grid(config, work, report, plan.predicted.total, comparison, *simulation);
        Outcome { error: Some(error), ..outcome }
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
    lines.extend(run.grid_cycles().lines());
    lines.extend(outcome.lines(simulator));
    lines
}
