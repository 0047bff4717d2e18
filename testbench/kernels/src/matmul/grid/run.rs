//! Runs a plan on a machine of many tiles.

use exchange::GridConfig;
use golden::{Flags, Start};
use isa::register;

use super::plan::GridPlan;
use crate::device::{Counters, DeviceError, GridHost, Pins, TileStopped};
use crate::matmul::run::Operands;
use crate::pack::{Matrix, pack_fp32_rows, pack_inputs, pack_weights, unpack_results};

/// What a run gave.
#[derive(Debug, Clone, PartialEq)]
pub struct GridReport {
    /// The results, row-major M x N bit patterns; FP16 in the low 16 bits.
    pub bits: Vec<u32>,
    /// Sticky flags of all tiles.
    pub flags: Flags,
    /// Cycles from START to DONE of the tile that took longest.
    pub cycles: u64,
    /// Which tile that is.
    pub slowest: usize,
    /// The counters of each tile.
    pub counters: Vec<Counters>,
    /// Multiply-accumulates that the product needs.
    pub macs: u64,
    /// Those that all tiles can do in a cycle.
    pub macs_per_cycle: u64,
    /// Cycles of the simulation, loading and reading included.
    pub simulated_cycles: u64,
}

impl GridReport {
    /// The part of the tiles' multiply-accumulates that was useful, 0 to 1.
    pub fn utilisation(&self) -> f64 {
        self.macs as f64 / (self.macs_per_cycle * self.cycles) as f64
    }

    /// The largest value of a counter over the tiles.
    pub fn most(&self, register: &isa::Register) -> u64 {
        self.counters.iter().map(|counters| counters.get(register)).max().unwrap_or(0)
    }
}

/// Cycles between two reports of progress.
const PROGRESS_CYCLES: u64 = 1_000;

/// A program that takes so many times longer than predicted, and so many cycles more, has failed.
const PATIENCE: (u64, u64) = (4, 100_000);

/// Runs the plan. `progress` hears now and then how many cycles were simulated, of about [`simulation_cycles`].
///
/// Panics if the operands are not those of the plan, or the machine has another number of tiles.
///
/// # Errors
/// The machine fails, or a program stops with an error; then it is said which tile.
pub fn run_grid_matmul<S: Pins>(
    grid: &mut GridHost<S>,
    plan: &GridPlan,
    operands: &Operands,
    progress: &mut dyn FnMut(u64),
) -> Result<GridReport, DeviceError> {
    operands.check(&plan.problem);
    assert_eq!(grid.tiles(), plan.tiles.len(), "the machine is the one that was planned for");
    let cycles_before = grid.simulated_cycles();
    grid.load(plan.tiles.iter().map(|tile| &tile.program))?;
    load_operands(grid, plan, operands)?;
    let (entry, predicted_cycles) = (plan.layout.program.address, plan.predicted.total);
    let mut tell = |cycles| progress(cycles - cycles_before);
    let mut report = launch(grid, &plan.config, (entry, predicted_cycles), plan.problem.macs(), &mut tell)?;
    report.bits = read_results(grid, plan)?;
    report.simulated_cycles = grid.simulated_cycles() - cycles_before;
    Ok(report)
}

/// Runs the program at `entry`, a byte address, on all tiles to its end. The report has no results yet, and counts all cycles
/// of the simulation.
pub(crate) fn launch<S: Pins>(
    grid: &mut GridHost<S>,
    config: &GridConfig,
    (entry, predicted_cycles): (u32, u64),
    macs: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<GridReport, DeviceError> {
    grid.broadcast(register::FLAGS.address(), &[u64::MAX])?;
    progress(grid.simulated_cycles());
    grid.start(entry)?;
    let limit_cycles = predicted_cycles * PATIENCE.0 + PATIENCE.1;
    let mut waited = 0;
    while !grid.run(PROGRESS_CYCLES)? {
        waited += PROGRESS_CYCLES;
        if waited > limit_cycles {
            return Err(grid.still_running(limit_cycles)?);
        }
        progress(grid.simulated_cycles());
    }
    let statuses = grid.statuses()?;
    TileStopped::check(&statuses)?;
    let by_tile = statuses.iter().enumerate().map(|(tile, status)| (status.cycles, tile));
    let (cycles, slowest) = by_tile.max().expect("at least one tile");
    Ok(GridReport {
        bits: vec![],
        flags: statuses.iter().fold(Flags::NONE, |flags, status| flags | status.flags),
        cycles,
        slowest,
        counters: grid.counters()?,
        macs,
        macs_per_cycle: (config.tiles() * config.tile.macs_per_cycle()) as u64,
        simulated_cycles: grid.simulated_cycles(),
    })
}

/// Every tile gets its share of the operands, and nothing of what others have.
fn load_operands<S: Pins>(grid: &mut GridHost<S>, plan: &GridPlan, operands: &Operands) -> Result<(), DeviceError> {
    let (shape, layout) = (plan.problem.shape, &plan.layout);
    let mut words = vec![];
    for (tile, part) in plan.tiles.iter().enumerate() {
        let Some(place) = part.place else { continue };
        let (rows, columns) = (plan.partition.rows(shape, place), plan.partition.columns(shape, place));
        let k = plan.partition.k_range(shape, place);
        let a = Matrix { values: operands.a, columns: shape.k };
        let b = Matrix { values: operands.b, columns: shape.n };
        let inputs = pack_inputs(a, &rows, &k, &layout.inputs)[part.inputs.clone()].to_vec();
        let weights = pack_weights(b, &k, &columns, &layout.weights)[part.weights.clone()].to_vec();
        words.push((tile, layout.inputs.address + 8 * part.inputs.start as u32, inputs));
        words.push((tile, layout.weights.address + 8 * part.weights.start as u32, weights));
        // What the sums start from is where they start.
        let piece = plan.partition.piece(shape, place, 0);
        match operands.start {
            Start::Zero => {}
            Start::Bias(bias) => {
                let bias = Matrix { values: bias, columns: shape.n };
                words.push((tile, layout.bias.address, pack_fp32_rows(bias, &(0..1), &columns, &layout.bias)));
            }
            Start::PartialSums(sums) => {
                let (sums, region) = (Matrix { values: sums, columns: shape.n }, plan.partials(&piece));
                words.push((tile, region.address, pack_fp32_rows(sums, &rows, &piece, &region)));
            }
        }
    }
    let writes: Vec<(usize, u32, &[u64])> =
        words.iter().map(|(tile, address, words)| (*tile, *address, words.as_slice())).collect();
    grid.write_memory(&writes)
}

/// Reads every tile's piece of the result.
fn read_results<S: Pins>(grid: &mut GridHost<S>, plan: &GridPlan) -> Result<Vec<u32>, DeviceError> {
    let shape = plan.problem.shape;
    let parts: Vec<_> =
        plan.tiles.iter().enumerate().filter_map(|(tile, part)| Some((tile, part, part.place?))).collect();
    let read = |&(tile, part, place): &(usize, &super::TilePart, super::Place)| {
        let region = plan.results(&part.result);
        (tile, region.address, plan.partition.rows(shape, place).len() * region.pitch_words as usize)
    };
    let data = grid.read_memory(&parts.iter().map(read).collect::<Vec<_>>())?;
    let mut bits = vec![0; shape.m * shape.n];
    for ((_, part, place), words) in parts.into_iter().zip(data) {
        let region = plan.results(&part.result);
        let results = unpack_results(&words, plan.problem.read_out.output, part.result.len(), &region);
        for (row, results) in plan.partition.rows(shape, place).zip(results) {
            bits[row * shape.n..][part.result.clone()].copy_from_slice(&results);
        }
    }
    Ok(bits)
}

/// About how many cycles the simulation of a plan takes: its programs, and a cycle for each word of the fullest tile.
pub fn simulation_cycles(plan: &GridPlan) -> u64 {
    let most = |of: &dyn Fn(&super::TilePart) -> usize| plan.tiles.iter().map(of).max().unwrap_or(0) as u64;
    let program = |part: &super::TilePart| part.program.segments.iter().map(|segment| segment.words.len()).sum();
    let results = most(&|part| plan.results(&part.result).pitch_words as usize) * plan.problem.shape.m as u64
        / plan.partition.m as u64;
    most(&program) + most(&|part| part.inputs.len() + part.weights.len()) + plan.predicted.total + results
}
