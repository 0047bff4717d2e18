//! Dense matrix products on many tiles.
//!
//! ```text
//!   MatmulProblem --> partitions --> layout --> exchanges --> programs --> GridPlan
//!                     ranked by      same on    transfers     one for         |
//!                     a cost model   all tiles  scheduled     each tile       v
//!   operands, spread evenly ------------------------------------------------> run --> GridReport --> Comparison (golden)
//! ```
//! | File        | What it decides or does                                                       |
//! |-------------|-------------------------------------------------------------------------------|
//! | `partition` | which rows, columns and part of K each tile has                               |
//! | `plan`      | layout, transfers, programs; chooses the partition                            |
//! | `predict`   | cycles: of a candidate roughly, of a plan exactly                             |
//! | `run`       | loads all tiles, starts them, reads the results where they are                |
//! | `expected`  | the golden results of a plan: sums in the order in which they travel          |
//!
//! At the start every tile holds an equal share of its rows of A and of its columns of B; the first exchange gives it
//! the rest. Where K is cut, a piece of the result is summed by one tile after the other, each adding its part of K to
//! what the one before has sent; while it travels, the tile sums another piece, so that all work all the time. In the
//! end each tile has a piece of the result.

mod expected;
mod partition;
mod plan;
mod predict;
mod run;

pub use expected::expected;
pub(crate) use partition::part;
pub use partition::{Partition, Place};
pub use plan::{Candidate, GridPlan, GridPlanError, TilePart, plan, plan_partition};
pub use predict::Predicted;
pub(crate) use predict::{Compute, Stage, predict};
pub use run::{run_grid_matmul, simulation_cycles};
