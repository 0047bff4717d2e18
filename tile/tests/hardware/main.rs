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
//! | `elaboration`    | every named configuration elaborates                                        |

mod bad_programs;
mod disturbances;
mod elaboration;
mod engine;
mod host;
mod programs;
mod random_program;

use golden::{Tile as GoldenTile, TileParameters};
use tile::{Accumulator, TileConfig};

/// Seed of every random test.
const SEED: u64 = 0x7e55_e7a0;

/// A tile of 24 KiB.
fn small(terms: usize, accumulator: Accumulator, rows: usize) -> TileConfig {
    TileConfig { name: "test".into(), terms, accumulator, rows, banks: 6, bank_kib: 4, ..TileConfig::ipu64() }
}

/// The functional model of a tile.
fn golden(config: &TileConfig) -> GoldenTile {
    GoldenTile::new(TileParameters::of(&config.configuration(), config.memory_bytes()))
}
