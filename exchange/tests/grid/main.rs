//! Many tiles in RTL: exchanges through the real ports, barriers, zones, and what goes wrong.
//!
//! | file        | what is there                                                                  |
//! |-------------|--------------------------------------------------------------------------------|
//! | `machine`   | machines of small tiles, programs of exchanges, memories                       |
//! | `transfers` | random transfers, and what they mean                                           |
//! | `random`    | thousands of random exchanges: memories, cycles, nothing else changed          |
//! | `patterns`  | every pattern of one-word messages on four tiles                               |
//! | `faults`    | wrong schedules stop the tile that notices, with a code                        |
//! | `barrier`   | zones, tiles that stop, broadcasts                                             |

mod barrier;
mod faults;
mod machine;
mod patterns;
mod random;
mod transfers;

/// Seed of every random test.
const SEED: u64 = 0x7e55_e7a0;
