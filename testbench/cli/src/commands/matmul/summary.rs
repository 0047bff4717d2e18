//! What `tessera matmul` says about a run on one tile.

use golden::EpilogueFunction;
use serde::Serialize;

use super::Run;
use crate::commands::summary::{Common, Outcome, Work};

/// The object that `--json` prints. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
pub struct Summary<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    launches: usize,
    /// Parts of K whose sums pass through FP32 between them; with `exact` accumulators, 1 means rounded once.
    k_parts: usize,
}

impl<'a> Summary<'a> {
    pub fn of(run: &'a Run, simulator: &'a str, seed: Option<u64>) -> Self {
        let (launches, k_parts) = (run.plan.launches.len(), run.plan.k_parts().len());
        Summary { common: run.outcome().common(simulator, seed), launches, k_parts }
    }
}

impl Run {
    fn outcome(&self) -> Outcome<'_> {
        let Run { plan, report, comparison, error, simulation } = self;
        let outcome = Outcome::of(&plan.config, Work::from(&plan.problem), report, comparison, *simulation);
        // A function such as GELU is close to 0 where it is not 0: units in the last place say nothing about it.
        let error = (plan.problem.epilogue.function == EpilogueFunction::None).then_some(error);
        Outcome { error, ..outcome }
    }

    /// The lines of a table: what each is about, and what there is to say.
    pub fn lines(&self, simulator: &str) -> Vec<(&'static str, String)> {
        self.outcome().lines_on_a_tile(self.plan.launches.len(), simulator)
    }
}
