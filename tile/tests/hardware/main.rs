//! The tile on the native simulator against the golden model.
//!
//! | file             | what is there                                                               |
//! |------------------|-----------------------------------------------------------------------------|
//! | `host`           | a host for the tile                                                         |
//! | `random_program` | legal programs of every kind                                                |
//! | `programs`       | random programs end as golden's do                                          |
//! | `disturbances`   | and so they do after STOP and reset, beside the host, and in a single bank  |
//! | `engine`         | the AMP engine alone, with ports that are not ready                         |
//! | `bad_programs`   | code and address of every error, and the good program after it              |
//! | `vector_program` | legal programs of vector commands                                           |
//! | `vector`         | they end as golden's do, at the full rate, and beside the AMP               |
//! | `vector_engine`  | the vector engine alone, with ports that are not ready, and with faults     |
//! | `elaboration`    | every named configuration elaborates                                        |

mod bad_programs;
mod disturbances;
mod elaboration;
mod engine;
mod host;
mod programs;
mod random_program;
mod vector;
mod vector_engine;
mod vector_program;

use golden::{Tile as GoldenTile, TileParameters};
use tile::{Accumulator, TileConfig};

/// Seed of every random test.
const SEED: u64 = 0x7e55_e7a0;

/// A tile of 24 KiB, without a vector engine.
fn small(terms: usize, accumulator: Accumulator, rows: usize) -> TileConfig {
    let (banks, bank_kib, vector) = (6, 4, false);
    TileConfig { name: "test".into(), terms, accumulator, rows, banks, bank_kib, vector, ..TileConfig::ipu64() }
}

/// The functional model of a tile.
fn golden(config: &TileConfig) -> GoldenTile {
    GoldenTile::new(TileParameters::of(&config.configuration(), config.memory_bytes()))
}
