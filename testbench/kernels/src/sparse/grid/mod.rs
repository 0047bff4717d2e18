//! Products of sparse and dense matrices on many tiles.
//!
//! ```text
//!                columns of X (rows, where it comes first)
//!              +-----+-----+
//!    panels of | 0 1 | ... |     tile (i, j): panels of part i, columns of part j.
//!    W's sums  +-----+-----+     It needs the blocks of 16 K that its panels have something in, and no others.
//!              | ... | ... |
//!              +-----+-----+
//! ```
//! | File        | What it decides or does                                                              |
//! |-------------|--------------------------------------------------------------------------------------|
//! | `partition` | which panels each tile has, and which blocks of X and strips of W at the start       |
//! | `plan`      | layout, transfers, programs; chooses in how many parts both directions are cut       |
//! | `run`       | loads all tiles, starts them, reads the results where they are                       |
//!
//! At the start every block of X that any panel needs is on one tile, and so is every strip of W; the exchange brings them to
//! the others. What the pattern does not need does not travel. Sums stay where they are.

mod partition;
mod plan;
mod run;

pub use partition::SparsePartition;
pub use plan::{SparseGridPlan, SparseGridPlanError, SparseTile, plan};
pub use run::{expected, run_grid_sparse, simulation_cycles};
