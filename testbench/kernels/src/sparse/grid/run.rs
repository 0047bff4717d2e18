//! Runs a plan on a machine of many tiles.

use golden::{Gathering, MatmulResult};

use super::plan::{SparseGridPlan, SparseTile};
use crate::device::{DeviceError, GridHost, Pins};
use crate::report::{GridReport, GridRun, program_words};
use crate::sparse::program::{ROW_WORDS, zeros};
use crate::sparse::run::{SparseOperands, golden_product};

/// What the plan computes, by the golden model. Panics if the operands are not those of the plan.
pub fn expected(plan: &SparseGridPlan, operands: &SparseOperands) -> MatmulResult {
    let groups = plan.panels().map(|panel| panel.sums.clone()).collect();
    golden_product(&plan.problem, operands, &Gathering { groups, width: plan.width }, &plan.options())
}

/// Runs the plan. `progress` hears now and then how many cycles were simulated, of about [`simulation_cycles`].
///
/// Panics if the operands are not those of the plan, or the machine has another number of tiles.
///
/// # Errors
/// The machine fails, or a program stops with an error; then it is said which tile.
pub fn run_grid_sparse<S: Pins>(
    grid: &mut GridHost<S>,
    plan: &SparseGridPlan,
    operands: &SparseOperands,
    progress: &mut dyn FnMut(u64),
) -> Result<GridReport, DeviceError> {
    let run = GridRun {
        programs: plan.tiles.iter().map(|tile| &tile.program).collect(),
        start: plan.layout.program.address,
        data: data(plan, operands),
        predicted_cycles: plan.predicted.total,
        macs: (operands.sparse.stored() * plan.problem.dense) as u64,
        macs_per_cycle: plan.config.macs_per_cycle() as u64,
    };
    run.run(grid, |grid| read_results(grid, plan), progress)
}

/// Every tile gets its share of the operands, and nothing of what others have.
fn data(plan: &SparseGridPlan, operands: &SparseOperands) -> Vec<(usize, u32, Vec<u64>)> {
    let matrix = plan.problem.by_sums(operands.sparse);
    let strip_words = plan.width * ROW_WORDS;
    let mut words: Vec<(usize, u32, Vec<u64>)> = vec![];
    for (index, tile) in plan.tiles.iter().enumerate().filter(|(_, tile)| !tile.panels.is_empty()) {
        let part = plan.part(tile);
        for &block in &tile.own_blocks {
            let address = plan.layout.inputs.row(tile.block_row(block));
            words.push((index, address, part.pack_inputs(operands.dense, &[block])));
        }
        let strips = &tile.own_strips;
        let own = part.pack_weights(&matrix)[strips.start * strip_words..strips.end * strip_words].to_vec();
        words.push((index, plan.layout.weights.row(strips.start * plan.width), own));
        words.extend(zeros(&plan.layout).map(|(address, zeros)| (index, address, zeros)));
    }
    words
}

/// Reads every tile's sums.
fn read_results<S: Pins>(grid: &mut GridHost<S>, plan: &SparseGridPlan) -> Result<Vec<u32>, DeviceError> {
    let tiles: Vec<(usize, &SparseTile)> =
        plan.tiles.iter().enumerate().filter(|(_, tile)| !tile.panels.is_empty()).collect();
    let region = plan.layout.results.address;
    let words = |tile: &SparseTile| plan.part(tile).result_words(&plan.layout);
    let reads: Vec<(usize, u32, usize)> = tiles.iter().map(|(index, tile)| (*index, region, words(tile))).collect();
    let data = grid.read_memory(&reads)?;
    let mut bits = vec![0; plan.problem.sums * plan.problem.dense];
    for ((_, tile), words) in tiles.into_iter().zip(data) {
        plan.part(tile).unpack_results(&words, &mut bits);
    }
    Ok(bits)
}

/// About how many cycles the simulation of a plan takes: its programs, and a cycle for each word of the fullest tile.
pub fn simulation_cycles(plan: &SparseGridPlan) -> u64 {
    let moved = |tile: &SparseTile| {
        let inputs = tile.own_blocks.len() * tile.dense.len() * ROW_WORDS;
        let weights = tile.own_strips.len() * plan.width * ROW_WORDS;
        program_words(&tile.program) + (inputs + weights + plan.part(tile).result_words(&plan.layout)) as u64
    };
    plan.predicted.total + plan.tiles.iter().map(moved).max().unwrap_or(0)
}
