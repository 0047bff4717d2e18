//! Runs a plan on a device.

use std::ops::Range;

use golden::{ConvolutionShape, MatmulOptions, MatmulResult};
use isa::{BLOCK, LANES};

use super::ConvolutionProblem;
use super::plan::{ConvolutionLaunch, ConvolutionPlan, Panel};
use super::rectangles::PixelLayout;
use crate::device::{Device, DeviceError};
use crate::matmul::Region;
use crate::pack::{pack_fp16, pack_fp32, padded, unpacked};
use crate::report::{Expectation, KernelReport, KernelRun, launch_cycles, program_words};

/// What a convolution works on: bit patterns.
#[derive(Debug, Clone, Copy)]
pub struct ConvolutionOperands<'a> {
    /// FP16, images x rows x columns x channels.
    pub pixels: &'a [u16],
    /// FP16, filters x rows x columns x channels of a group.
    pub weights: &'a [u16],
    /// FP32, one a filter; where the plan has a bias.
    pub bias: Option<&'a [u32]>,
    /// FP16, as the results are; where the plan has a residual.
    pub residual: Option<&'a [u16]>,
}

impl ConvolutionOperands<'_> {
    /// Panics unless the operands are those of the problem.
    pub(super) fn check(&self, problem: &ConvolutionProblem) {
        let shape = &problem.shape;
        assert_eq!(self.pixels.len(), shape.batch * shape.image[0] * shape.image[1] * shape.channels, "N x H x W x C");
        let taps = shape.kernel[0] * shape.kernel[1];
        assert_eq!(self.weights.len(), shape.filters * taps * shape.group_channels(), "O x H x W x I");
        assert_eq!(self.bias.map(<[u32]>::len), problem.bias.then_some(shape.filters), "one number a filter");
        let [rows, columns] = shape.output();
        let residual = problem.epilogue.residual.then_some(shape.batch * rows * columns * shape.filters);
        assert_eq!(self.residual.map(<[u16]>::len), residual, "a residual as the results, where there is one");
    }
}

/// What the plan computes, by the golden model. Panics if the operands are not those of the plan.
pub fn expected(plan: &ConvolutionPlan, operands: &ConvolutionOperands) -> MatmulResult {
    let ConvolutionOperands { pixels, weights, bias, residual } = *operands;
    let ConvolutionProblem { shape, read_out, epilogue, .. } = &plan.problem;
    let options = MatmulOptions { read_out: plan.problem.amp_read_out(), ..plan.options() };
    let sums = golden::convolution(shape, pixels, weights, bias, &options);
    if epilogue.is_none() { sums } else { epilogue.apply(sums, shape.filters, residual, *read_out) }
}

/// Runs the plan. `progress` hears now and then how many cycles were simulated. Results are images x output rows x
/// output columns x filters.
///
/// Panics if the operands are not those of the plan.
///
/// # Errors
/// The device fails or a program stops with an error.
pub fn run_convolution(
    device: &mut dyn Device,
    plan: &ConvolutionPlan,
    operands: &ConvolutionOperands,
    progress: &mut dyn FnMut(u64),
) -> Result<KernelReport, DeviceError> {
    operands.check(&plan.problem);
    let shape = &plan.problem.shape;
    let [output_rows, output_columns] = shape.output();
    let expectation = Expectation {
        results: shape.batch * output_rows * output_columns * shape.filters,
        macs: shape.macs(),
        macs_per_cycle: plan.config.macs_per_cycle() as u64,
        predicted_cycles: plan.predicted_cycles(),
    };
    let mut run = KernelRun::new(device, expectation, progress);
    let mut resident = Resident::default();
    for launch in &plan.launches {
        resident.load(run.device, plan, operands, launch)?;
        let (program, predicted_cycles) = &plan.programs[launch.program];
        run.launch(program.entry, *predicted_cycles)?;
        read_results(run.device, plan, launch, &mut run.report.bits)?;
    }
    Ok(run.finish())
}

/// What the memory holds: nothing is loaded twice in a row.
#[derive(Default)]
struct Resident {
    program: Option<usize>,
    /// Image and band.
    pixels: Option<(usize, usize)>,
    panels: Option<usize>,
}

impl Resident {
    fn load(
        &mut self,
        device: &mut dyn Device,
        plan: &ConvolutionPlan,
        operands: &ConvolutionOperands,
        launch: &ConvolutionLaunch,
    ) -> Result<(), DeviceError> {
        let ConvolutionLaunch { image, band, panels, program } = *launch;
        let (shape, regions) = (&plan.problem.shape, &plan.regions);
        if self.program.replace(program) != Some(program) {
            device.load(&plan.programs[program].0)?;
        }
        if self.pixels.replace((image, band)) != Some((image, band)) {
            let words = pack_pixels(shape, plan.pixels, operands.pixels, image, &plan.bands[band].input_rows);
            device.write_memory(regions.inputs.address, &words)?;
        }
        if let Some(residual) = operands.residual {
            let words = pack_residual(plan, residual, launch);
            device.write_memory(regions.residual.address, &words)?;
        }
        if self.panels.replace(panels) != Some(panels) {
            let panels = &plan.panels[panels];
            let words: Vec<u64> =
                panels.iter().flat_map(|panel| pack_weights(shape, operands.weights, &panel.filters)).collect();
            device.write_memory(regions.weights.address, &words)?;
            if let Some(bias) = operands.bias {
                let words: Vec<u64> = panels.iter().flat_map(|panel| pack_bias(bias, panel)).collect();
                device.write_memory(regions.bias.address, &words)?;
            }
        }
        Ok(())
    }
}

/// Input rows of an image.
pub fn pack_pixels(
    shape: &ConvolutionShape,
    layout: PixelLayout,
    pixels: &[u16],
    image: usize,
    rows: &Range<usize>,
) -> Vec<u64> {
    let (row_pixels, channels) = (shape.image[1], shape.group_channels());
    let first = (image * shape.image[0] + rows.start) * row_pixels * shape.channels;
    let values = &pixels[first..][..rows.len() * row_pixels * shape.channels];
    let group = |values: &[u16]| padded(pack_fp16(values), layout.group_words as usize);
    values.chunks(channels).flat_map(group).collect()
}

/// The bias of a panel's filters.
pub fn pack_bias(bias: &[u32], panel: &Panel) -> Vec<u64> {
    padded(pack_fp32(&bias[panel.filters.clone()]), LANES as usize / 2)
}

/// What is added to the sums of a launch: numbers at the places of the sums.
fn pack_residual(plan: &ConvolutionPlan, residual: &[u16], launch: &ConvolutionLaunch) -> Vec<u64> {
    let (problem, pitch) = (&plan.problem, plan.regions.residual.pitch_words as usize);
    let filters = problem.shape.filters;
    let pixel = |pixel: usize| {
        let mut numbers = vec![0; pitch * 4];
        for panel in &plan.panels[launch.panels] {
            numbers[place(problem, panel)..][..panel.filters.len()]
                .copy_from_slice(&residual[pixel * filters..][panel.filters.clone()]);
        }
        pack_fp16(&numbers)
    };
    let [output_rows, output_columns] = problem.shape.output();
    let rows = &plan.bands[launch.band].rows;
    let first = (launch.image * output_rows + rows.start) * output_columns;
    (first..first + rows.len() * output_columns).flat_map(pixel).collect()
}

/// Place of the first number of a panel among those of a pixel.
fn place(problem: &ConvolutionProblem, panel: &Panel) -> usize {
    panel.result_offset as usize / problem.amp_results().bytes()
}

/// Blocks of 16 channels x 16 filters, tap after tap, both filled up with zeros.
pub fn pack_weights(shape: &ConvolutionShape, weights: &[u16], filters: &Range<usize>) -> Vec<u64> {
    let side = BLOCK as usize;
    let (taps, channels) = (shape.kernel[0] * shape.kernel[1], shape.group_channels());
    let weight = |filter: usize, tap: usize, channel: usize| -> u16 {
        if channel < channels && filter < filters.end { weights[(filter * taps + tap) * channels + channel] } else { 0 }
    };
    let row = |(tap, channel): (usize, usize)| {
        let row: Vec<u16> =
            (filters.start..filters.start + LANES as usize).map(|filter| weight(filter, tap, channel)).collect();
        pack_fp16(&row)
    };
    let rows = (0..taps).flat_map(|tap| (0..channels.next_multiple_of(side)).map(move |channel| (tap, channel)));
    rows.flat_map(row).collect()
}

/// Reads the results of a launch into their place.
fn read_results(
    device: &mut dyn Device,
    plan: &ConvolutionPlan,
    launch: &ConvolutionLaunch,
    bits: &mut [u32],
) -> Result<(), DeviceError> {
    let (problem, region) = (&plan.problem, &plan.regions.results);
    let (band, panels) = (&plan.bands[launch.band], &plan.panels[launch.panels]);
    let [_, output_columns] = problem.shape.output();
    let words = device.read_memory(region.address, band.rows.len() * output_columns * region.pitch_words as usize)?;
    unpack_results(problem, region, (launch.image, &band.rows), panels, &words, bits);
    Ok(())
}

/// Puts the results of some panels of output rows of an image, `words`, into their place in `bits`.
pub fn unpack_results(
    problem: &ConvolutionProblem,
    region: &Region,
    (image, rows): (usize, &Range<usize>),
    panels: &[Panel],
    words: &[u64],
    bits: &mut [u32],
) {
    let (filters, stored) = (problem.shape.filters, problem.results());
    let [output_rows, output_columns] = problem.shape.output();
    let first = (image * output_rows + rows.start) * output_columns;
    for (pixel, words) in (first..).zip(words.chunks(region.pitch_words as usize)) {
        for panel in panels {
            let first = place(problem, panel);
            let bits = &mut bits[pixel * filters..][panel.filters.clone()];
            for (index, bits) in (first..).zip(bits) {
                *bits = unpacked(words, stored.bytes() * 8, index);
            }
        }
    }
}

/// About how many cycles the simulation of a plan takes: its programs, and a cycle for each word that the host moves.
pub fn simulation_cycles(plan: &ConvolutionPlan) -> u64 {
    let words = |region: &Region, rows: usize| u64::from(region.pitch_words) * rows as u64;
    let [_, output_columns] = plan.problem.shape.output();
    let cycles = |launch: &ConvolutionLaunch| {
        let (program, predicted_cycles) = &plan.programs[launch.program];
        let (band, panels) = (&plan.bands[launch.band], &plan.panels[launch.panels]);
        let inputs = words(&plan.regions.inputs, band.input_rows.len() * plan.problem.shape.image[1]);
        let results = words(&plan.regions.results, band.rows.len() * output_columns);
        let weights = words(&plan.regions.weights, panels.len());
        let residual = words(&plan.regions.residual, band.rows.len() * output_columns);
        launch_cycles(*predicted_cycles, program_words(program) + inputs + weights + results + residual)
    };
    plan.launches.iter().map(cycles).sum()
}
