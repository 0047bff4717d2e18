//! Runs a plan on a machine of many tiles.

use golden::Start;

use super::plan::GridPlan;
use crate::device::{DeviceError, GridHost, Pins};
use crate::matmul::run::Operands;
use crate::pack::{Matrix, pack_fp32_rows, pack_inputs, pack_weights, unpack_results};
use crate::report::{GridReport, GridRun};

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
    let run = GridRun {
        programs: plan.tiles.iter().map(|tile| &tile.program).collect(),
        start: plan.layout.program.address,
        data: data(plan, operands),
        predicted_cycles: plan.predicted.total,
        macs: plan.problem.macs(),
        macs_per_cycle: plan.config.macs_per_cycle() as u64,
    };
    run.run(grid, |grid| read_results(grid, plan), progress)
}

/// Every tile gets its share of the operands, and nothing of what others have.
fn data(plan: &GridPlan, operands: &Operands) -> Vec<(usize, u32, Vec<u64>)> {
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
    words
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
