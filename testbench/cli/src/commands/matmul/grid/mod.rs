//! `tessera matmul --tiles`: a matrix product on a machine of many tiles.

use std::time::Duration;

use exchange::{Grid, GridConfig};
use golden::ReadOut;
use golden::reference::ErrorSummary;
use kernels::comparison::Comparison;
use kernels::device::{GridHost, NativeGrid, Pins, VerilatorGrid};
use kernels::matmul::grid::{GridPlan, expected, plan, run_grid_matmul, simulation_cycles};
use kernels::report::GridReport;
use rtl::{Design, elaborate};
use tile::{Accumulator, TileConfig};

use super::{Arguments, Product, product, write_results};
use crate::commands::kernel::{check_tiles, finish, timed, verdict};
use crate::commands::summary::table;
use crate::commands::{print_json, print_text};
use crate::failure::Failure;
use crate::options::Simulator;
use crate::output_file::OutputFile;
use crate::trace::TraceFiles;

mod summary;

/// A run, and what there is to say about it.
pub struct GridRun {
    pub plan: GridPlan,
    pub report: GridReport,
    pub comparison: Comparison,
    pub error: ErrorSummary,
    /// What the simulation took, without planning, building and comparing.
    pub simulation: Duration,
}

/// What a run leaves.
struct Outputs {
    results: Option<OutputFile>,
    traces: Option<TraceFiles>,
}

pub fn run(arguments: &Arguments, tile: TileConfig) -> Result<(), Failure> {
    check_tiles(arguments.tiles)?;
    if let Some(page) = &arguments.report {
        let page = page.display();
        return Err(Failure::Input(format!("--report {page}: shows a run on one tile; expected no --tiles with it")));
    }
    let config = GridConfig::new(tile, arguments.tiles);
    let product = product(arguments)?;
    let plan = planned(&config, &product, arguments.run.kernel.read_out())?;

    let results = arguments.results()?;
    let (waveforms, traces) = arguments.run.trace.open(|| design(&config))?;
    let outputs = Outputs { results, traces };
    match arguments.run.simulator.sim {
        Simulator::Native => run_on(NativeGrid::traced(&config, waveforms)?, arguments, plan, &product, outputs),
        Simulator::Verilator if waveforms.is_empty() => {
            run_on(VerilatorGrid::new(&config, &cosim::Options::default())?, arguments, plan, &product, outputs)
        }
        Simulator::Verilator => run_on(VerilatorGrid::traced(&config, waveforms)?, arguments, plan, &product, outputs),
    }
}

fn run_on<S: Pins>(
    mut grid: GridHost<S>,
    arguments: &Arguments,
    plan: GridPlan,
    product: &Product,
    outputs: Outputs,
) -> Result<(), Failure> {
    let run = multiply(&mut grid, plan, product);
    let finished = grid.finish();
    let (simulator, cycles) = (grid.name(), grid.simulated_cycles());
    if let Err(Failure::Run(failure)) = run {
        if let Err(also) = finish(finished, cycles, outputs.traces) {
            eprintln!("note: {also}");
        }
        return Err(Failure::Run(failure));
    }
    let run = run?;
    arguments.run.trace.check_window(cycles)?;
    finish(finished, cycles, outputs.traces)?;
    let parts = run.plan.partition.k;
    if run.plan.config.tile.accumulator == Accumulator::Exact && parts > 1 && !run.plan.problem.exact_sums {
        eprintln!(
            "note: K is cut over tiles; the exact sums were rounded to FP32 between its {parts} parts; --exact-sums keeps them"
        );
    }
    if arguments.run.json {
        print_json(&summary::GridSummary::of(&run, simulator, arguments.seed()))?;
    } else {
        print_text(&table(&summary::lines(&run, simulator)))?;
    }
    verdict(&run.comparison)?;
    write_results(outputs.results, &run.plan.problem, run.report.bits)
}

/// A machine as a design.
pub fn design(config: &GridConfig) -> Result<Design, Failure> {
    elaborate(&Grid { config: config.clone() }).map_err(|errors| Failure::Run(errors.to_string()))
}

/// The best plan for a product.
pub fn planned(config: &GridConfig, product: &Product, read_out: ReadOut) -> Result<GridPlan, Failure> {
    plan(config, &product.problem(read_out)).map_err(|error| Failure::Input(error.to_string()))
}

/// Runs a plan and compares.
pub fn multiply<S: Pins>(grid: &mut GridHost<S>, plan: GridPlan, product: &Product) -> Result<GridRun, Failure> {
    let operands = product.operands();
    let (report, simulation) =
        timed(simulation_cycles(&plan), |progress| run_grid_matmul(grid, &plan, &operands, progress))?;
    let comparison = plan.problem.compare((&report.bits, report.flags), &expected(&plan, &operands));
    let error = product.error(&report.bits, plan.problem.read_out);
    Ok(GridRun { plan, report, comparison, error, simulation })
}
