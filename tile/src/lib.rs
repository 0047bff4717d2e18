//! The tile: a small processor that keeps its data in its own SRAM.
//!
//! | room              | what is there                                         |
//! |-------------------|-------------------------------------------------------|
//! | [`config`]        | the configuration, the named ones, what is legal      |
//! | [`tile`]          | the top: everything below wired together              |
//! | [`control`]       | host port, registers, counters, the state of the tile |
//! | [`sequencer`]     | runs tile programs                                    |
//! | [`engine`]        | the AMP engine: descriptors, block lists, streams     |
//! | [`vector_engine`] | the vector engine: operands, arithmetic, results      |
//! | [`exchange_port`] | sends and receives words of other tiles               |
//! | [`sram`]          | banks, parity, priorities                             |
//! | [`fields`]        | fields of 64-bit words, out and in                    |
//!
//! Commands, descriptors, list entries and registers are declared in the crate `isa`; the AMP unit is in the crate
//! `accumulators`.

pub mod config;
pub mod control;
pub mod engine;
pub mod exchange_port;
pub mod fields;
pub mod sequencer;
pub mod sram;
pub mod tile;
pub mod vector_engine;

pub use config::{Accumulator, TileConfig, TileConfigError};
pub use exchange_port::ExchangePortConfig;
pub use tile::Tile;
