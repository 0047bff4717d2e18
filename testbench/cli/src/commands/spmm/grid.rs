//! `tessera spmm --tiles`: the same on a machine of many tiles.

use std::time::Duration;

use exchange::GridConfig;
use kernels::comparison::Comparison;
use kernels::device::{GridHost, NativeGrid, Pins, VerilatorGrid};
use kernels::report::GridReport;
use kernels::sparse::grid::{SparseGridPlan, SparsePartition, expected, plan, run_grid_sparse, simulation_cycles};
use serde::Serialize;
use tile::TileConfig;

use super::{Arguments, Pattern, Product, dense_product};
use crate::commands::kernel::{check_tiles, finish, timed, verdict};
use crate::commands::matmul::grid::design;
use crate::commands::summary::{Common, Outcome, grouped, table};
use crate::commands::{print_json, print_text};
use crate::failure::Failure;
use crate::options::Simulator;
use crate::output_file::OutputFile;
use crate::trace::TraceFiles;

/// The object that `--json` prints. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    tiles: usize,
    partition: Parts,
    /// Of the results.
    shape: [usize; 2],
    /// Cycles in which words travel, as predicted, and those in which the busiest port has a word to move.
    exchange_cycles: u64,
    exchange_bound_cycles: u64,
    #[serde(flatten)]
    pattern: Pattern,
}

/// Numbers of parts of the sums and of the dense matrix.
#[derive(Serialize)]
struct Parts {
    sums: usize,
    dense: usize,
}

impl From<SparsePartition> for Parts {
    fn from(SparsePartition { sums, dense }: SparsePartition) -> Parts {
        Parts { sums, dense }
    }
}

struct Run {
    plan: SparseGridPlan,
    report: GridReport,
    comparison: Comparison,
    simulation: Duration,
}

/// A machine of so many tiles.
pub fn machine(tile: TileConfig, tiles: usize) -> Result<GridConfig, Failure> {
    check_tiles(tiles)?;
    Ok(GridConfig::new(tile, tiles))
}

pub fn run(
    arguments: &Arguments,
    config: &GridConfig,
    product: &Product,
    out: Option<OutputFile>,
) -> Result<(), Failure> {
    let plan =
        plan(config, &product.problem, &product.sparse.matrix).map_err(|error| Failure::Input(error.to_string()))?;
    let (waveforms, files) = arguments.run.trace.open(|| design(config))?;
    match arguments.run.simulator.sim {
        Simulator::Native => run_on(NativeGrid::traced(config, waveforms)?, arguments, plan, product, (out, files)),
        Simulator::Verilator if waveforms.is_empty() => {
            run_on(VerilatorGrid::new(config, &cosim::Options::default())?, arguments, plan, product, (out, files))
        }
        Simulator::Verilator => {
            run_on(VerilatorGrid::traced(config, waveforms)?, arguments, plan, product, (out, files))
        }
    }
}

fn run_on<S: Pins>(
    mut grid: GridHost<S>,
    arguments: &Arguments,
    plan: SparseGridPlan,
    product: &Product,
    (out, files): (Option<OutputFile>, Option<TraceFiles>),
) -> Result<(), Failure> {
    let run = multiply(&mut grid, plan, product);
    if run.is_ok() {
        arguments.run.trace.check_window(grid.simulated_cycles())?;
    }
    let finished = finish(grid.finish(), grid.simulated_cycles(), files);
    let run = run?;
    finished?;

    let outcome = run.outcome(product);
    let dense = kernels::matmul::grid::plan(&run.plan.config, &dense_product(&product.problem)).ok();
    let pattern = Pattern {
        dynamic: false,
        strips: run.plan.strips(),
        strip_width: run.plan.width,
        pattern_words: None,
        dense_predicted_cycles: dense.as_ref().map(|plan| plan.predicted.total),
    };
    if arguments.run.json {
        print_json(&Summary {
            common: outcome.common(grid.name(), arguments.seed()),
            tiles: run.plan.config.tiles(),
            partition: run.plan.partition.into(),
            shape: product.problem.output(),
            exchange_cycles: run.plan.predicted.exchange,
            exchange_bound_cycles: run.plan.busiest_port_cycles,
            pattern,
        })?;
    } else {
        let mut lines = run.lines(&outcome, grid.name());
        lines.extend(pattern.lines(outcome.cycles));
        lines.extend(
            dense.map(|plan| ("", format!("that in {} (M x N x K), M being N here, N being S", plan.partition))),
        );
        print_text(&table(&lines))?;
    }
    verdict(&run.comparison)?;
    product.write(out, &run.report.bits)
}

/// Runs and compares.
fn multiply<S: Pins>(grid: &mut GridHost<S>, plan: SparseGridPlan, product: &Product) -> Result<Run, Failure> {
    let operands = product.operands();
    let cycles = simulation_cycles(&plan);
    let (report, simulation) = timed(cycles, |progress| run_grid_sparse(grid, &plan, &operands, progress))?;
    let comparison = product.compare((&report.bits, report.flags), &expected(&plan, &operands));
    Ok(Run { plan, report, comparison, simulation })
}

impl Run {
    fn outcome(&self, product: &Product) -> Outcome<'_> {
        let Run { plan, report, comparison, simulation } = self;
        let work = product.work(report.macs);
        Outcome::of_grid(&plan.config.tile, work, report, plan.predicted.total, comparison, *simulation)
    }

    fn lines(&self, outcome: &Outcome, simulator: &str) -> Vec<(&'static str, String)> {
        let plan = &self.plan;
        let mut lines = vec![("tiles", format!("{} of {}", plan.config.tiles(), outcome.tile_line()))];
        lines.push(outcome.work_line());
        let others: Vec<String> =
            plan.candidates.iter().map(|(partition, cycles)| format!("{partition}: {}", grouped(*cycles))).collect();
        let partition = format!("{} (S x N), of {} predicted cycles", plan.partition, others.join("; "));
        lines.push(("partition", partition));
        lines.push(("cycles", outcome.cycles_line()));
        let (exchange, bound) = (grouped(plan.predicted.exchange), grouped(plan.busiest_port_cycles));
        lines.push(("exchange", format!("{exchange} cycles, {bound} for the busiest port")));
        lines.extend(outcome.lines(simulator));
        lines
    }
}
