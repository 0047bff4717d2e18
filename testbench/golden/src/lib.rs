//! The executable numeric and functional specification of the tile.
//!
//! Plain software in exact integer arithmetic, written to be read. It shares facts with the hardware (formats,
//! encodings, constants), never algorithms, and it is itself checked against oracles from outside: see `tests/`.
//!
//! | Module          | What it specifies                                                                |
//! |-----------------|----------------------------------------------------------------------------------|
//! | [`flags`]       | the flags NV, OF, UF, NX, HR                                                     |
//! | [`format`](mod@format) | FP16 and FP32 as bit patterns; canonical NaNs                             |
//! | [`round`]       | the only rounding: exact value to format, to nearest even or stochastically      |
//! | [`convert`]     | FP16 to FP32, FP32 to FP16, ReLU                                                 |
//! | [`step`]        | the AMP step: an exact sum of products and accumulator, rounded once             |
//! | [`accumulator`] | `Fp32` and `Exact` accumulators: start, step, read                               |
//! | [`transcendental`](mod@transcendental) | exp, ln, tanh, square root and their like         |
//! | [`vector`]      | the operations of the vector engine on one element                               |
//! | [`reduction`](mod@reduction) | those that reduce a row to one number                              |
//! | [`layers`]      | softmax, GELU, layer normalisation and their like, as sequences of such operations |
//! | [`random`](mod@random) | the random bits of stochastic rounding                                    |
//! | [`counts`]      | NaNs, overflows, numbers that became zero                                        |
//! | [`matmul`](mod@matmul) | a matrix product, in the order in which the AMP adds                      |
//! | [`convolution`](mod@convolution) | a two-dimensional convolution, likewise                   |
//! | [`sparse`](mod@sparse) | products of sparse and dense matrices, likewise                  |
//! | [`reference`](mod@reference) | the same in FP64, and errors in ulp, for people to read             |
//! | [`tile`]        | the whole tile: a program in a memory image, command by command                  |

pub mod accumulator;
pub mod convert;
pub mod convolution;
pub mod counts;
pub mod flags;
pub mod format;
pub mod layers;
pub mod matmul;
pub mod random;
pub mod reduction;
pub mod reference;
pub mod round;
pub mod sparse;
pub mod step;
pub mod tile;
pub mod transcendental;
pub mod vector;
mod window;

pub use accumulator::{Accumulator, AccumulatorKind, Activation, ExactState, OutputType, ReadOut};
pub use convert::{fp16_to_fp32, fp32_to_fp16, relu_fp16, relu_fp32};
pub use convolution::{ConvolutionError, ConvolutionShape, Padding, convolution};
pub use counts::{Counts, Element};
pub use flags::Flags;
pub use format::{FP16, FP32, Format, NAN_FP16, NAN_FP32, Number};
pub use layers::{Epilogue, EpilogueFunction, Rows};
pub use matmul::{MatmulOptions, MatmulResult, Shape, Start, matmul, matmul_rounded};
pub use random::Random;
pub use reduction::reduction;
pub use round::{Overflow, Rounding};
pub use sparse::{BlockSparseMatrix, Gathering, SparseError, SparseMatrix, dense_times_sparse, sparse_times_dense};
pub use step::{ALL_TERMS, amp_step};
pub use tile::{Outcome, Tile, TileParameters};
pub use transcendental::transcendental;
pub use vector::elementwise;
