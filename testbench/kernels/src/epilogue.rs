//! What follows the sums of a product or a convolution on the tile: vector commands behind those of the AMP engine.
//!
//! ```text
//!   AMP --> sums, FP32 --> WAIT --> + residual --> function --> results
//! ```
//! Bias and ReLU need none of it: sums start from the one, and the AMP engine applies the other. [`golden::Epilogue`]
//! says what is computed, [`Sequence::epilogue`](crate::vector::Sequence::epilogue) by which commands.

use golden::{Epilogue, EpilogueFunction};
use isa::{VectorDescriptor, WORD_BYTES};
use thiserror::Error;
use tile::TileConfig;

/// An epilogue that a tile cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("configuration {0} has no vector engine, which an epilogue needs: expected one with vector = true")]
pub struct EpilogueError(pub String);

/// Words of the longest epilogue of a program: WAIT, and for each command its descriptor.
pub const MAX_PROGRAM_WORDS: usize = 1 + MAX_COMMANDS * (1 + VectorDescriptor::WORDS);
/// A residual, and a softmax.
const MAX_COMMANDS: usize = 8;

/// Words of these commands in a program.
pub fn program_words(commands: &[VectorDescriptor]) -> usize {
    if commands.is_empty() { 0 } else { 1 + commands.len() * (1 + VectorDescriptor::WORDS) }
}

/// Bytes that an epilogue keeps between its commands.
pub fn scratch_bytes(epilogue: &Epilogue, rows: usize, columns: usize) -> u32 {
    let words = match epilogue.function {
        EpilogueFunction::Gelu => rows * columns.div_ceil(2),
        EpilogueFunction::Softmax => rows * (columns.div_ceil(2) + 1),
        _ => 0,
    };
    words as u32 * WORD_BYTES
}

/// Refuses what the tile cannot do.
///
/// # Errors
/// There is an epilogue, and no vector engine.
pub fn check(epilogue: &Epilogue, config: &TileConfig) -> Result<(), EpilogueError> {
    if epilogue.is_none() || config.vector { Ok(()) } else { Err(EpilogueError(config.name.clone())) }
}
