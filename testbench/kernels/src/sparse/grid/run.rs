//! Runs a plan on a machine of many tiles.

use golden::{Gathering, MatmulResult};

use super::plan::{SparseGridPlan, SparseTile};
use crate::device::{DeviceError, GridHost, Pins};
use crate::matmul::grid::{GridReport, launch};
use crate::report::program_words;
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
    assert_eq!(grid.tiles(), plan.tiles.len(), "the machine is the one that was planned for");
    let cycles_before = grid.simulated_cycles();
    grid.load(plan.tiles.iter().map(|tile| &tile.program))?;
    load_operands(grid, plan, operands)?;
    let mut tell = |cycles| progress(cycles - cycles_before);
    let macs = (operands.sparse.stored() * plan.problem.dense) as u64;
    let launched = (plan.layout.program.address, plan.predicted.total);
    let mut report = launch(grid, &plan.config, launched, macs, &mut tell)?;
    report.bits = read_results(grid, plan)?;
    report.simulated_cycles = grid.simulated_cycles() - cycles_before;
    Ok(report)
}

/// Every tile gets its share of the operands, and nothing of what others have.
fn load_operands<S: Pins>(
    grid: &mut GridHost<S>,
    plan: &SparseGridPlan,
    operands: &SparseOperands,
) -> Result<(), DeviceError> {
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
    let writes: Vec<(usize, u32, &[u64])> =
        words.iter().map(|(tile, address, words)| (*tile, *address, words.as_slice())).collect();
    grid.write_memory(&writes)
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
