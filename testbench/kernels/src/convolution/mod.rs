//! Two-dimensional convolutions, without a copy of the image for each tap.
//!
//! ```text
//!   ConvolutionProblem --> bands --> rectangles --> program --> ConvolutionPlan
//!                          fit the   of output      commands,        |
//!                          memory    pixels         lists            v
//!   pixels, weights, bias ---------------------------------------> run --> KernelReport --> Comparison (golden)
//! ```
//! A command computes up to 16 filters of a rectangle of output pixels. Its block list has an entry for each tap and
//! 16 channels, which says how far the tap is from the pixel, and which pixels of the rectangle it meets: those whose
//! tap is in the padding are skipped, so padding costs nothing.
//!
//! | File         | What it decides or does                                                           |
//! |--------------|-----------------------------------------------------------------------------------|
//! | `rectangles` | cuts a band of output rows into rectangles, and lists the blocks that each meets  |
//! | `plan`       | which output rows and filters are in memory at a time, and where                  |
//! | `program`    | commands and descriptors                                                          |
//! | `epilogue`   | the vector commands behind them                                                   |
//! | `run`        | loads, starts, waits, reads                                                       |
//! | [`grid`]     | the same on many tiles                                                            |
//!
//! In memory a pixel is its channels, group after group, each group filled up to a whole access; weights are blocks of
//! 16 channels x 16 filters, tap after tap; results are as pixels are. With an epilogue, sums, residual and results have
//! their numbers at the same places of a pixel.

mod epilogue;
pub mod grid;
mod plan;
mod program;
mod rectangles;
mod run;

pub(crate) use plan::Regions;
pub use plan::{ConvolutionLaunch, ConvolutionPlan, ConvolutionPlanError, Panel, plan};
pub(crate) use program::Work;
pub(crate) use rectangles::{Band, PixelLayout};
pub(crate) use run::pack_weights;
pub use run::{ConvolutionOperands, expected, run_convolution, simulation_cycles};

use golden::{ConvolutionShape, Epilogue, ReadOut};

use crate::timing::Stored;

/// A convolution to plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolutionProblem {
    /// Sizes.
    pub shape: ConvolutionShape,
    /// Sums start from one FP32 number a filter; else from +0.
    pub bias: bool,
    /// How results leave.
    pub read_out: ReadOut,
    /// What makes results of the sums, by the vector engine. On one tile only.
    pub epilogue: Epilogue,
}

impl ConvolutionProblem {
    /// How results lie in memory.
    fn results(&self) -> Stored {
        self.read_out.output.into()
    }

    /// How the AMP's results do.
    fn amp_results(&self) -> Stored {
        self.amp_read_out().output.into()
    }

    /// How the AMP's results leave: with an epilogue they are sums, FP32.
    fn amp_read_out(&self) -> ReadOut {
        if self.epilogue.is_none() { self.read_out } else { ReadOut::default() }
    }
}
