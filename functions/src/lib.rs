//! Transcendental functions: which there are, and the tables by which the hardware and the golden model compute them.
//!
//! | file         | what is there                                                                        |
//! |--------------|--------------------------------------------------------------------------------------|
//! | [`function`] | [`Function`]: the nine, with names and codes                                         |
//! | [`constant`] | log2(e) and ln(2), for the reduction of arguments                                   |
//! | [`region`]   | [`Region`]: the pieces into which reduced arguments fall, and where their tables are |
//! | `curve`      | the functions over those pieces, computed in FP64 for the tables alone               |
//! | [`table`]    | [`Table`]: cubic coefficients, fitted and rounded; widths and the error analysis     |
//!
//! These are facts, not algorithms: the hardware (`accumulators::transcendental`) and the golden model
//! (`golden::transcendental`) read them and share nothing else.

pub mod constant;
mod curve;
pub mod function;
pub mod region;
pub mod table;

pub use function::Function;
pub use region::Region;
pub use table::{Coefficients, Table};
