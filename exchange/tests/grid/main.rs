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
//! | `sync`      | the barrier alone, up to 130 tiles, against a model                            |
//! | `broadcast` | writes to all tiles alone, beside each tile's requests                         |
//! | `bsp`       | compute, sync, exchange in a LOOP, without a host, against golden              |
//! | `efficiency`| cycles of permutations, all to all, hot spots and broadcasts on 16 tiles       |
//! | `verilog`   | the emitted Verilog: lint, and the same cycles in Verilator                    |

mod barrier;
mod broadcast;
mod bsp;
mod efficiency;
mod faults;
mod machine;
mod patterns;
mod random;
mod sync;
mod transfers;
mod verilog;

/// Seed of every random test.
const SEED: u64 = 0x7e55_e7a0;
