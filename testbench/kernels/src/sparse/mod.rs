//! Products of a sparse matrix W and a dense one, in either order: blocks, small blocks, or single numbers.
//!
//! ```text
//!   SparseProblem, W --> panels --> layout --> program --> SparsePlan
//!                        16 sums    what fits  commands,       |
//!                        together   at a time  lists           v
//!   W, X --------------------------------------------------> run --> KernelReport --> compare (golden)
//! ```
//! A sum belongs to a row of W, or to a column where W comes second. A command computes 16 of them, a *panel*, for up to 64
//! columns (or rows) of X. Its block list has only what W stores: W is cut into *strips*, some K of the panel's 16 sums,
//! and a strip in which nothing is stored does not exist. A strip is 4 K where that pays: with 64 rows its four K take as
//! many cycles to step as their block takes to load.
//!
//! | File      | What it decides or does                                                                  |
//! |-----------|------------------------------------------------------------------------------------------|
//! | `gather`  | which sums share a panel, so that few strips are needed; how wide strips are             |
//! | `program` | how a panel becomes a list, and panels a program; how operands lie in memory             |
//! | `plan`    | what is in memory at a time: of one pattern, or of any that has no more strips           |
//! | `run`     | loads, starts, waits, reads; or rewrites the pattern only                                |
//! | [`grid`]  | the same on many tiles                                                                   |
//!
//! In memory X lies in panels of 16 K: for each, all its columns (rows, where X comes first), 16 K each. W lies strip after
//! strip, 16 sums a K. A result lies as its panel: for each column of X, 16 sums. So X is loaded transposed where W comes
//! first, and the results are; and where rows were gathered, the sums are in the order of the panels.

mod gather;
pub mod grid;
mod plan;
mod program;
mod run;

pub use gather::{Panel, gather, strip_width};
pub use plan::{DynamicPlan, SparseLaunch, SparsePlan, SparsePlanError, plan, plan_dynamic};
pub use run::{SparseOperands, expected, rerun_sparse, run_sparse, simulation_cycles};

use std::borrow::Cow;

use golden::{MatmulOptions, ReadOut, SparseMatrix};
use tile::TileConfig;

use crate::matmul::golden_options;
use crate::timing::Stored;

/// Which of the two matrices comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Y = W X: W is S x K, X is K x N, Y is S x N.
    SparseTimesDense,
    /// Y = X W: X is N x K, W is K x S, Y is N x S.
    DenseTimesSparse,
}

/// A product to plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SparseProblem {
    /// Which matrix comes first.
    pub order: Order,
    /// Rows of W, or its columns where it comes second: S.
    pub sums: usize,
    /// What is summed over: K.
    pub k: usize,
    /// Columns of X, or its rows where it comes first: N.
    pub dense: usize,
    /// Sums that store the same K: those of a block. They stay together.
    pub block: usize,
    /// How results leave.
    pub read_out: ReadOut,
}

impl SparseProblem {
    /// Rows and columns of the results.
    pub fn output(&self) -> [usize; 2] {
        match self.order {
            Order::SparseTimesDense => [self.sums, self.dense],
            Order::DenseTimesSparse => [self.dense, self.sums],
        }
    }

    /// W with a row for each sum. Panics if it is not the problem's.
    fn by_sums<'a>(&self, matrix: &'a SparseMatrix) -> Cow<'a, SparseMatrix> {
        let matrix = match self.order {
            Order::SparseTimesDense => Cow::Borrowed(matrix),
            Order::DenseTimesSparse => Cow::Owned(matrix.transposed()),
        };
        assert_eq!((matrix.rows, matrix.columns), (self.sums, self.k), "W is the problem's");
        matrix
    }

    /// Where X has its number of a K and a column (row, where it comes first).
    fn dense_index(&self, k: usize, dense: usize) -> usize {
        match self.order {
            Order::SparseTimesDense => k * self.dense + dense,
            Order::DenseTimesSparse => dense * self.k + k,
        }
    }

    /// Where the result of a sum is.
    fn result_index(&self, sum: usize, dense: usize) -> usize {
        match self.order {
            Order::SparseTimesDense => sum * self.dense + dense,
            Order::DenseTimesSparse => dense * self.sums + sum,
        }
    }

    /// How results lie in memory.
    fn results(&self) -> Stored {
        self.read_out.output.into()
    }

    /// The golden model's options on a tile.
    fn options(&self, config: &TileConfig) -> MatmulOptions {
        golden_options(config, self.read_out)
    }
}
