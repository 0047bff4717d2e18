//! Runs a plan on a machine of many tiles.

use golden::MatmulResult;
use isa::WORD_BYTES;

use super::plan::GridConvolutionPlan;
use crate::convolution::ConvolutionOperands;
use crate::convolution::run::{pack_bias, pack_pixels, pack_weights, unpack_results};
use crate::device::{DeviceError, GridHost, Pins};
use crate::report::{GridReport, GridRun};

/// What the plan computes, by the golden model: what one tile does.
///
/// Panics if the operands are not those of the plan.
pub fn expected(plan: &GridConvolutionPlan, operands: &ConvolutionOperands) -> MatmulResult {
    operands.check(&plan.problem);
    let ConvolutionOperands { pixels, weights, bias, .. } = *operands;
    golden::convolution(&plan.problem.shape, pixels, weights, bias, &plan.options())
}

/// Runs the plan. `progress` hears now and then how many cycles were simulated, of about [`simulation_cycles`]. Results
/// are images x output rows x output columns x filters.
///
/// Panics if the operands are not those of the plan, or the machine has another number of tiles.
///
/// # Errors
/// The machine fails, or a program stops with an error; then it is said which tile.
pub fn run_grid_convolution<S: Pins>(
    grid: &mut GridHost<S>,
    plan: &GridConvolutionPlan,
    operands: &ConvolutionOperands,
    progress: &mut dyn FnMut(u64),
) -> Result<GridReport, DeviceError> {
    operands.check(&plan.problem);
    let run = GridRun {
        programs: plan.tiles.iter().map(|tile| &tile.program).collect(),
        start: plan.regions.program.address,
        data: data(plan, operands),
        predicted_cycles: plan.predicted.total,
        macs: plan.problem.shape.macs(),
        macs_per_cycle: plan.config.macs_per_cycle() as u64,
    };
    run.run(grid, |grid| read_results(grid, plan), progress)
}

/// Every tile gets its share of the operands, and nothing of what others have.
fn data(plan: &GridConvolutionPlan, operands: &ConvolutionOperands) -> Vec<(usize, u32, Vec<u64>)> {
    let (shape, regions) = (&plan.problem.shape, &plan.regions);
    let image = |image| pack_pixels(shape, plan.pixels, operands.pixels, image, &(0..shape.image[0]));
    let images: Vec<Vec<u64>> = (0..shape.batch).map(image).collect();
    let mut data = vec![];
    for (tile, part) in plan.tiles.iter().enumerate() {
        let Some(place) = part.place else { continue };
        for share in &part.pixels {
            data.push((tile, share.address, images[share.image][share.words.clone()].to_vec()));
        }
        let panels = &plan.panels[place.filters];
        let weights: Vec<u64> =
            panels.iter().flat_map(|panel| pack_weights(shape, operands.weights, &panel.filters)).collect();
        let address = regions.weights.address + part.weights.start as u32 * WORD_BYTES;
        data.push((tile, address, weights[part.weights.clone()].to_vec()));
        if let Some(bias) = operands.bias {
            let words = panels.iter().flat_map(|panel| pack_bias(bias, panel)).collect();
            data.push((tile, regions.bias.address, words));
        }
    }
    data
}

/// Reads every tile's piece of the result.
fn read_results<S: Pins>(grid: &mut GridHost<S>, plan: &GridConvolutionPlan) -> Result<Vec<u32>, DeviceError> {
    let (problem, region) = (&plan.problem, &plan.regions.results);
    let [output_rows, output_columns] = problem.shape.output();
    let parts = plan.tiles.iter().enumerate().filter_map(|(tile, part)| Some((tile, &part.images, part.place?)));
    let parts: Vec<_> = parts.collect();
    let image_words = |rows: usize| rows * output_columns * region.pitch_words as usize;
    let reads = parts.iter().map(|(tile, images, place)| {
        (*tile, region.address, images.len() * image_words(plan.bands[place.rows].rows.len()))
    });
    let data = grid.read_memory(&reads.collect::<Vec<_>>())?;
    let mut bits = vec![0; problem.shape.batch * output_rows * output_columns * problem.shape.filters];
    for ((_, images, place), words) in parts.into_iter().zip(data) {
        let (rows, panels) = (&plan.bands[place.rows].rows, &plan.panels[place.filters]);
        for (image, words) in images.clone().zip(words.chunks(image_words(rows.len()))) {
            unpack_results(problem, region, (image, rows), panels, words, &mut bits);
        }
    }
    Ok(bits)
}

/// About how many cycles the simulation of a plan takes: its programs, and a cycle for each word of the fullest tile.
pub fn simulation_cycles(plan: &GridConvolutionPlan) -> u64 {
    let moved = plan.tiles.iter().map(|part| {
        let program: usize = part.program.segments.iter().map(|segment| segment.words.len()).sum();
        let pixels: usize = part.pixels.iter().map(|share| share.words.len()).sum();
        program + pixels + part.weights.len()
    });
    let [_, output_columns] = plan.problem.shape.output();
    let pixels = plan.bands.iter().map(|band| band.rows.len()).max().unwrap_or(0) * output_columns;
    let images = plan.tiles.iter().map(|part| part.images.len()).max().unwrap_or(0);
    let results = images * pixels * plan.regions.results.pitch_words as usize;
    moved.max().unwrap_or(0) as u64 + results as u64 + plan.predicted.total
}
