//! Plans kernels onto tiles, runs them on any device, and compares with the golden model.
//!
//! | Module         | What is there                                                                          |
//! |----------------|----------------------------------------------------------------------------------------|
//! | [`device`]     | [`Device`](device::Device): load, start, wait, read; on golden model or simulators     |
//! | [`matmul`]     | dense products of any size on one tile or many: planner, run, comparison               |
//! | [`convolution`]| two-dimensional convolutions on one tile or many, without copies of the image           |
//! | [`sparse`]     | products of sparse and dense matrices on one tile or many                              |
//! | [`collective`] | broadcast, gather, all-to-all, all-reduce and their like on many tiles                 |
//! | [`vector`]     | softmax, GELU, layer normalisation, a step of gradient descent: sequences of vector commands |
//! | [`network`]    | layers one after the other in one program, with activations that stay in memory        |
//! | [`digits`]     | the network of handwritten digits                                                      |
//! | [`attention`]  | a block of a transformer                                                               |
//! | [`epilogue`]   | what the vector engine makes of the sums of a product or a convolution                 |
//! | [`report`]     | what a run gave: results, cycles, counters                                             |
//! | [`comparison`] | how the results differ from the golden model's                                         |
//! | [`activity`]   | what AMP, streams and banks did over the cycles of a run                               |
//! | [`random`]     | matrices from a seed                                                                   |
//! | [`timing`]     | the cycle model of the AMP engine that plans are chosen by                             |
//! | [`view`]       | which signals of a waveform one looks at first, for GTKWave and Surfer                 |

pub mod activity;
pub mod attention;
pub mod collective;
pub mod comparison;
pub mod convolution;
pub mod device;
pub mod digits;
pub mod epilogue;
pub mod matmul;
pub mod network;
mod pack;
pub mod random;
pub mod report;
pub mod sparse;
pub mod timing;
pub mod vector;
pub mod view;
