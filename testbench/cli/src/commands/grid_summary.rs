//! What is said about the run of a kernel on many tiles, beside what is said of one.

use std::time::Duration;

use isa::register as counter;
use kernels::comparison::Comparison;
use kernels::report::GridReport;
use serde::Serialize;
use tile::TileConfig;

use super::summary::{Outcome, Work, grouped};

/// Cycles of the tile that took longest, and what bounds them.
#[derive(Serialize)]
pub struct GridCycles {
    /// Row steps of the AMP; with the three below, all cycles of that tile.
    compute_cycles: u64,
    /// Cycles in which words travelled.
    exchange_cycles: u64,
    /// Cycles in which it waited for others.
    sync_cycles: u64,
    other_cycles: u64,
    /// Cycles if all tiles multiplied all the time.
    compute_bound_cycles: u64,
    /// Cycles in which the busiest port has a word to move.
    exchange_bound_cycles: u64,
}

impl GridCycles {
    pub fn of(report: &GridReport, compute_bound_cycles: u64, exchange_bound_cycles: u64) -> Self {
        let count = |register| report.counters[report.slowest].get(register);
        let (compute_cycles, exchange_cycles) = (count(&counter::AMP_ROWS), count(&counter::EXCHANGE_CYCLES));
        let sync_cycles = count(&counter::SYNC_CYCLES);
        let other_cycles = report.cycles.saturating_sub(compute_cycles + exchange_cycles + sync_cycles);
        GridCycles {
            compute_cycles,
            exchange_cycles,
            sync_cycles,
            other_cycles,
            compute_bound_cycles,
            exchange_bound_cycles,
        }
    }

    /// The lines of a table.
    pub fn lines(&self) -> [(&'static str, String); 2] {
        let (compute, words) = (self.compute_bound_cycles, self.exchange_bound_cycles);
        let bound = format!("{} to multiply and {} for the busiest port", grouped(compute), grouped(words));
        let [multiplying, exchanging, waiting, other] =
            [self.compute_cycles, self.exchange_cycles, self.sync_cycles, self.other_cycles].map(grouped);
        let times = format!("{multiplying} multiplying, {exchanging} exchanging, {waiting} at barriers, {other} other");
        [("slowest", times), ("bound", format!("{}: {bound}", grouped(compute + words)))]
    }
}

impl<'a> Outcome<'a> {
    /// Of a run on many tiles.
    pub fn of_grid(
        config: &'a TileConfig,
        work: Work,
        report: &'a GridReport,
        predicted_cycles: u64,
        comparison: &'a Comparison,
        simulation: Duration,
    ) -> Self {
        Outcome {
            config,
            work,
            cycles: report.cycles,
            predicted_cycles,
            utilisation: report.utilisation(),
            macs_per_cycle: report.macs_per_cycle,
            counters: &report.counters[report.slowest],
            flags: report.flags,
            simulated_cycles: report.simulated_cycles,
            simulation,
            comparison,
            error: None,
        }
    }
}
