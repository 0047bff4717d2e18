//! Dense matrix products on one tile.
//!
//! ```text
//!   MatmulProblem --> chunks --> layout --> panels --> program --> MatmulPlan
//!                     fit the    banks      rows,      commands,      |
//!                     memory                tail       lists          v
//!   operands ------------------------------------------------------> run --> KernelReport --> Comparison (golden)
//! ```
//! | File      | What it decides or does                                                              |
//! |-----------|--------------------------------------------------------------------------------------|
//! | `plan`    | puts the parts below together                                                        |
//! | `chunks`  | which part of the product is in memory at a time                                     |
//! | `layout`  | where matrices and program lie: concurrent streams in banks of their own             |
//! | `panels`  | which rows and columns each command computes, so that the last results leave soon    |
//! | `program` | commands, descriptors and the block list that all commands share                     |
//! | `run`     | loads, starts, waits, reads                                                          |
//! | `expected`| the golden results of a plan                                                         |
//! | [`grid`]  | the same on many tiles                                                               |

mod chunks;
mod expected;
pub mod grid;
mod layout;
mod panels;
mod plan;
mod program;
mod run;

pub use expected::expected;
pub(crate) use expected::golden_options;
pub use layout::{Layout, Region};
pub(crate) use layout::{Sharing, Sizes, access_bytes};
pub use panels::Panel;
pub(crate) use panels::{Common, panels};
pub use plan::{Launch, MatmulPlan, PlanError, plan};
pub use program::TileProgram;
pub(crate) use program::{Flow, WeightLayout, Writer, exchange_command, leaving, panel_command};
pub use run::{Operands, run_matmul, simulation_cycles};

use golden::{Epilogue, Flags, MatmulResult, ReadOut, Shape};

use crate::comparison::Comparison;
use crate::timing::Stored;

/// A product to plan: C = start + A B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatmulProblem {
    /// Sizes, each at least 1.
    pub shape: Shape,
    /// What the sums start from.
    pub start: StartKind,
    /// How results leave.
    pub read_out: ReadOut,
    /// Sums that are interrupted, because K is cut, keep all their bits. Only with exact accumulators, and for four times
    /// the memory and the words; otherwise they are rounded to FP32.
    pub exact_sums: bool,
    /// FP16 results are rounded stochastically, by random bits from this seed; else to nearest even. On one tile only.
    pub stochastic: Option<u32>,
    /// B lies transposed, N x K, and is loaded into the AMP as it lies. On one tile only.
    pub transposed_b: bool,
    /// What makes results of the sums, by the vector engine. On one tile only.
    pub epilogue: Epilogue,
}

impl MatmulProblem {
    /// A product with FP32 results that starts from +0.
    pub fn new(m: usize, n: usize, k: usize) -> Self {
        MatmulProblem {
            shape: Shape { m, n, k },
            start: StartKind::Zero,
            read_out: ReadOut::default(),
            exact_sums: false,
            stochastic: None,
            transposed_b: false,
            epilogue: Epilogue::default(),
        }
    }

    /// The same, with sums that keep all their bits.
    pub fn with_exact_sums(self) -> Self {
        MatmulProblem { exact_sums: true, ..self }
    }

    /// How interrupted sums lie in memory.
    pub fn sums(&self) -> Stored {
        if self.exact_sums { Stored::ExactSum } else { Stored::Fp32 }
    }

    /// How results do.
    pub fn results(&self) -> Stored {
        self.read_out.output.into()
    }

    /// How a run's results and flags compare with the golden ones.
    pub fn compare(&self, found: (&[u32], Flags), expected: &MatmulResult) -> Comparison {
        Comparison::new(self.shape.n, self.read_out.output, found, expected)
    }

    /// Useful multiply-accumulates: M x N x K.
    pub fn macs(&self) -> u64 {
        let Shape { m, n, k } = self.shape;
        m as u64 * n as u64 * k as u64
    }
}

/// What the sums of a product start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartKind {
    /// +0.
    #[default]
    Zero,
    /// FP32 partial sums, M x N.
    PartialSums,
    /// One row of N FP32 numbers for all rows.
    Bias,
}
