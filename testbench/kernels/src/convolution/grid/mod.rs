//! Convolutions on many tiles.
//!
//! ```text
//!   ConvolutionProblem --> partitions --> transfers --> programs --> GridConvolutionPlan
//!                          ranked by      scheduled     one for           |
//!                          a cost model                 each tile         v
//!   operands, spread evenly -----------------------------------------> run --> GridReport --> Comparison (golden)
//! ```
//! | File        | What it decides or does                                                          |
//! |-------------|----------------------------------------------------------------------------------|
//! | `partition` | which images, output rows and filters each tile has                              |
//! | `transfers` | what each tile holds of pixels and weights at the start, and who else needs it   |
//! | `plan`      | layout, transfers, programs; chooses the partition                               |
//! | `run`       | loads all tiles, starts them, reads the results where they are                   |
//!
//! Every input row belongs to the tiles that compute the output rows it begins; filters that reach beyond need rows of
//! their neighbours, the halo. At the start each tile holds an equal share of its own rows and of its own filters; one
//! exchange gives it the rest, halo included. No sum is cut, so results are those of one tile.

mod partition;
mod plan;
mod run;
mod transfers;

pub use partition::{Partition, Place};
pub use plan::{GridConvolutionPlan, plan, plan_partition};
pub use run::{expected, run_grid_convolution, simulation_cycles};
