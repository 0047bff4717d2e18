//! The tile: SRAM banks, AMP engine, sequencer, host port.

pub mod config;

pub use config::{Accumulator, TileConfig, TileConfigError};
