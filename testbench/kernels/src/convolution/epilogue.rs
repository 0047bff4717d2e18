//! The vector commands that make results of the sums of a launch.
//!
//! A row is an output pixel. Panels whose numbers follow each other without a gap are one matrix; where the filters of a
//! group end within a word, a gap follows, and another matrix.

use std::ops::Range;

use golden::{OutputType, Overflow};
use isa::VectorDescriptor;

use super::ConvolutionProblem;
use super::plan::{Panel, Regions};
use crate::matmul::Region;
use crate::vector::{Matrix, Sequence};

/// Bytes that panels begin at a multiple of, so that their FP16 results begin a word.
pub const PANEL_BYTES: u32 = 16;

/// The commands for so many pixels.
pub fn commands(
    problem: &ConvolutionProblem,
    regions: &Regions,
    pixels: usize,
    panels: &[Panel],
) -> Vec<VectorDescriptor> {
    if problem.epilogue.is_none() {
        return vec![];
    }
    let fp16 = problem.read_out.output == OutputType::Fp16;
    let saturate = problem.read_out.overflow == Overflow::Saturate;
    let of_run = |run: Range<usize>| {
        let part = |region: &Region, fp16: bool| {
            let bytes = run.start * if fp16 { 2 } else { 4 };
            Matrix { address: region.address + bytes as u32, ..region.matrix(fp16) }
        };
        let mut sequence = Sequence::new(pixels as u32, run.len() as u32, regions.scratch.address);
        let residual = problem.epilogue.residual.then(|| part(&regions.residual, true));
        let (sums, results) = (part(&regions.sums, false), part(&regions.results, fp16));
        sequence.epilogue(&problem.epilogue, saturate, sums, residual, results);
        sequence.commands().to_vec()
    };
    runs(panels).into_iter().flat_map(of_run).collect()
}

/// Numbers of a pixel that follow each other.
fn runs(panels: &[Panel]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = vec![];
    for panel in panels {
        let first = place(panel);
        match runs.last_mut() {
            Some(run) if run.end == first => run.end += panel.filters.len(),
            _ => runs.push(first..first + panel.filters.len()),
        }
    }
    runs
}

/// Place of the first sum of a panel among those of a pixel, which are FP32.
fn place(panel: &Panel) -> usize {
    panel.result_offset as usize / 4
}
