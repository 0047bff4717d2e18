//! What all tiles of a machine do together: move a vector from one to all, from all to one, from all to all, and add
//! one vector of each.
//!
//! ```text
//!              before              after
//!   broadcast  abcd  -     -   ->  abcd  abcd  abcd       from the root
//!   scatter    abcd  -     -   ->  a     b     cd         shares as equal as can be
//!   gather     a     b     cd  ->  abcd  -     -
//!   all-gather a     b     cd  ->  abcd  abcd  abcd
//!   all-to-all abc   def   ghi ->  adg   beh   cfi        a block for each tile
//!   transpose  rows of a matrix -> rows of its transpose
//!
//!   reduce-scatter   x, y, z   ->  a share of x + y + z each, added on the way round a ring
//!   all-reduce       x, y, z   ->  all of x + y + z on every tile
//! ```
//! | File        | What is there                                                                          |
//! |-------------|----------------------------------------------------------------------------------------|
//! | `pattern`   | the transfers of those that only move words                                            |
//! | `movement`  | any transfers as a program of one exchange, its cycles, its run                        |
//! | `reduction` | sums, as products with the identity whose K is cut over tiles                          |
//!
//! Words are read and written at the same time, and a bank does one of the two in a cycle: what is read and what is
//! written are best in banks of their own.

mod movement;
mod pattern;
mod reduction;

pub use movement::{CollectiveError, Movement};
pub use pattern::{Matrix, all_gather, all_to_all, broadcast, gather, scatter, share, transpose};
pub use reduction::{Reduced, Reduction, contribution_elements};
