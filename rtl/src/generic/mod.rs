//! Hardware that every design needs.
//!
//! | file        | what                                                         | kind                |
//! |-------------|--------------------------------------------------------------|---------------------|
//! | [`stream`]  | the valid/ready contract and the bundle that carries it      | bundle              |
//! | [`fifo`]    | a queue of words, outputs registered                         | module              |
//! | [`arbiter`] | fixed priority, one-hot grants                               | function            |
//! | [`tree`]    | balanced reduction, carry-save sums, counts, one-hot helpers | functions           |

pub mod arbiter;
pub mod fifo;
pub mod stream;
pub mod tree;

pub use fifo::Fifo;
pub use stream::Stream;
