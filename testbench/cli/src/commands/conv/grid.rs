//! `tessera conv --tiles`: a convolution on a machine of many tiles.

use std::time::Duration;

use exchange::GridConfig;
use kernels::comparison::Comparison;
use kernels::convolution::ConvolutionProblem;
use kernels::convolution::grid::{GridConvolutionPlan, expected, plan, run_grid_convolution, simulation_cycles};
use kernels::device::{GridHost, NativeGrid, Pins, VerilatorGrid};
use kernels::report::GridReport;
use serde::Serialize;
use tile::TileConfig;

use super::{Arguments, Convolution, output_shape, verdict, work, write_results};
use crate::commands::grid_summary::GridCycles;
use crate::commands::kernel::{check_tiles, finish, timed};
use crate::commands::matmul::grid::design;
use crate::commands::summary::{Common, Outcome, table};
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
    #[serde(flatten)]
    cycles: GridCycles,
    /// Of the results: images, rows, columns, filters.
    shape: [usize; 4],
}

/// Numbers of parts of images, output rows and filters.
#[derive(Serialize)]
struct Parts {
    images: usize,
    rows: usize,
    filters: usize,
}

/// What a run leaves.
struct Outputs {
    results: Option<OutputFile>,
    traces: Option<TraceFiles>,
}

/// Runs a convolution and tells of it.
pub fn run(
    arguments: &Arguments,
    tile: TileConfig,
    problem: &ConvolutionProblem,
    convolution: &Convolution,
    results: Option<OutputFile>,
) -> Result<(), Failure> {
    check_tiles(arguments.tiles)?;
    let config = GridConfig::new(tile, arguments.tiles);
    let plan = plan(&config, problem).map_err(|error| Failure::Input(error.to_string()))?;
    let (waveforms, traces) = arguments.run.trace.open(|| design(&config))?;
    let outputs = Outputs { results, traces };
    match arguments.run.simulator.sim {
        Simulator::Native => run_on(NativeGrid::traced(&config, waveforms)?, arguments, &plan, convolution, outputs),
        Simulator::Verilator if waveforms.is_empty() => {
            let grid = VerilatorGrid::new(&config, &cosim::Options::default())?;
            run_on(grid, arguments, &plan, convolution, outputs)
        }
        Simulator::Verilator => {
            run_on(VerilatorGrid::traced(&config, waveforms)?, arguments, &plan, convolution, outputs)
        }
    }
}

fn run_on<S: Pins>(
    mut grid: GridHost<S>,
    arguments: &Arguments,
    plan: &GridConvolutionPlan,
    convolution: &Convolution,
    outputs: Outputs,
) -> Result<(), Failure> {
    let operands = convolution.operands();
    let run = timed(simulation_cycles(plan), |progress| run_grid_convolution(&mut grid, plan, &operands, progress));
    if run.is_ok() {
        arguments.run.trace.check_window(grid.simulated_cycles())?;
    }
    let finished = finish(grid.finish(), grid.simulated_cycles(), outputs.traces);
    let (report, simulation) = run?;
    finished?;
    let problem = &plan.problem;
    let output = problem.read_out.output;
    let found = (report.bits.as_slice(), report.flags);
    let comparison = Comparison::new(problem.shape.filters, output, found, &expected(plan, &operands));

    let outcome = outcome(plan, &report, &comparison, simulation);
    let cycles = GridCycles::of(&report, plan.compute_bound(), plan.busiest_port_cycles);
    let shape = output_shape(&problem.shape);
    if arguments.run.json {
        let kernels::convolution::grid::Partition { images, rows, filters } = plan.partition;
        print_json(&Summary {
            common: outcome.common(grid.name(), arguments.random_seed()),
            tiles: plan.config.tiles(),
            partition: Parts { images, rows, filters },
            cycles,
            shape,
        })?;
    } else {
        let mut lines = vec![("tiles", format!("{} of {}", plan.config.tiles(), outcome.tile_line()))];
        lines.push(outcome.work_line());
        lines.push(("partition", format!("{} (images x rows x filters)", plan.partition)));
        lines.push(("cycles", outcome.cycles_line()));
        lines.extend(cycles.lines());
        lines.extend(outcome.lines(grid.name()));
        print_text(&table(&lines))?;
    }
    verdict(&comparison, shape)?;
    write_results(outputs.results, problem, &report.bits)
}

fn outcome<'a>(
    plan: &'a GridConvolutionPlan,
    report: &'a GridReport,
    comparison: &'a Comparison,
    simulation: Duration,
) -> Outcome<'a> {
    let work = work(&plan.problem, report.macs);
    Outcome::of_grid(&plan.config.tile, work, report, plan.predicted.total, comparison, simulation)
}
