//! Every FP32 number through every transcendental function: errors, monotonicity and flags.
//!
//! | file       | what is there                                                                    |
//! |------------|----------------------------------------------------------------------------------|
//! | [`sweep`]  | a chunk of numbers: what the golden model returns against what the oracle says   |
//! | [`tally`]  | what was found of a chunk, of a function; the table of results                   |
//! | [`record`] | the finished chunks in a file, by which a sweep goes on where it was interrupted |

pub mod record;
pub mod sweep;
pub mod tally;

pub use record::Record;
pub use tally::Tally;
