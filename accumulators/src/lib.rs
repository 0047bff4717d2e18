//! The arithmetic of the tile: floating-point building blocks, accumulators, dot product, the AMP unit, the
//! transcendental unit, and the vector ALU.
//!
//! ```text
//!   x (FP16) --> unpack --+
//!                         +--> pair --> multiply --> align --> sum --> accumulate --> read out --> FP32, FP16
//!   w (FP16) --> unpack --+    \____________ dot_product _________/   fp32 | exact
//! ```
//!
//! | file           | what it does                                                    | latency in cycles    |
//! |----------------|-----------------------------------------------------------------|----------------------|
//! | [`mod@format`] | widths and biases of FP16 and FP32                              |                      |
//! | [`unpack`]     | bit pattern to sign, exponent, significand, class               | combinational        |
//! | [`widen`]      | FP16 to FP32                                                    | combinational        |
//! | [`pair`]       | what a product of two FP16 numbers needs beside a multiplier    | combinational        |
//! | [`round`]      | leading zeros, normalisation, rounding to nearest even          | combinational        |
//! | [`sum`]        | fixed-point sums of which some carries wait; adders             | combinational        |
//! | [`dot_product`]| `terms` products summed exactly                                 | 2; 5 and more        |
//! | [`fp32`]       | adds a sum to an FP32 number, rounds once                       | 3 (loop of 5); 5 (7) |
//! | [`multiply_add`] | the same for one product, in one unit                         | 3 (loop of 4); 6 (5) |
//! | [`exact`]      | adds a sum to a fixed-point number                              | 0 (loop of 2)        |
//! | [`partial_sum`]| FP32 partial sum to accumulator state                           | combinational        |
//! | [`read_out`]   | accumulator state to FP32 or FP16, ReLU                         | 3                    |
//! | [`mod@arithmetic`] | the units of a lane, by its configuration                   |                      |
//! | [`lane`]       | dot product, accumulator, and its memory of two halves          |                      |
//! | [`random`]     | random bits for stochastic rounding                             | 1                    |
//! | [`weight_store`] | two 16x16 blocks of FP16 weights                              | 1                    |
//! | `drain`        | states of the lanes to words of results                         | 5                    |
//! | [`amp`]        | 16 lanes and the weights that they share                        |                      |
//! | [`transcendental`] | exp, ln, tanh, square root and their like                   | 26                   |
//! | [`vector`]     | add, multiply, fused multiply-add, compare, convert: four elements | 8                 |
//!
//! Lanes are built for standard cells or, with the second latencies, for FPGAs ([`Target`]): the same bits, cut and added
//! in other ways.
//!
//! The specification is the golden model (`testbench/golden`), which shares no code with this crate.

pub mod amp;
pub mod arithmetic;
pub mod config;
pub mod dot_product;
mod drain;
pub mod exact;
pub mod format;
pub mod fp32;
pub mod lane;
pub mod multiply_add;
pub mod pair;
pub mod partial_sum;
pub mod random;
pub mod read_out;
pub mod round;
pub mod sum;
pub mod transcendental;
pub mod unpack;
pub mod vector;
pub mod weight_store;
pub mod widen;

pub use amp::Amp;
pub use config::{AccumulatorKind, AmpConfig, ConfigError, Target};
pub use transcendental::Transcendental;
pub use vector::VectorAlu;
