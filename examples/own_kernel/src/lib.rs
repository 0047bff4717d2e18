//! A kernel of one's own: a small neural network as one tile program.
//!
//! ```text
//!   hidden = relu(x W1 + b1)      8 x 16, FP16
//!   output = hidden W2 + b2       8 x 16, FP32
//! ```
//!
//! This is how a program for the tile is written in Rust, from the first address to the numbers that come back; the
//! tests in `tests/` run it under `cargo test`. `docs/isa.md` describes every command and field used here.
//!
//! # 1. Where the data lies
//!
//! The tile has one memory, in banks of 16 KiB in the configuration `ipu64`. Two streams in one bank take turns, so
//! each stream gets a bank: then nothing waits. Addresses are in bytes.

use half::f16;
use isa::{Activation, AmpDescriptor, BuildError, EngineMask, ListEntry, Program, ProgramBuilder};
use kernels::device::{Device, DeviceError};

/// Rows of the input: samples.
pub const SAMPLES: usize = 8;

/// Inputs, hidden values and outputs of each sample: the side of a weight block.
pub const WIDTH: usize = 16;

const BANK: u32 = 16 * 1024;
const PROGRAM: u32 = 0;
const INPUT: u32 = BANK;
const WEIGHTS_1: u32 = 2 * BANK;
const WEIGHTS_2: u32 = 2 * BANK + 512;
const BIAS_1: u32 = 3 * BANK;
const BIAS_2: u32 = 3 * BANK + 64;
const HIDDEN: u32 = 4 * BANK;
const OUTPUT: u32 = 5 * BANK;

/// A row of 16 FP16 numbers in words of 8 bytes; strides are in such words.
const FP16_ROW: i32 = 4;

/// A row of 16 FP32 numbers.
const FP32_ROW: i32 = 8;

/// # 2. The program
///
/// An AMP command multiplies up to 64 rows of inputs by a list of 16 x 16 weight blocks and adds up along the list.
/// Each layer here is one command with a list of one block. Its descriptor says where rows begin and how far apart
/// they are, what the sums start from, and how results leave.
pub fn two_layers() -> Result<Program, BuildError> {
    // One block, all 16 K of it, for rows 0 to 7.
    let block = ListEntry { k_count_minus_1: 15, x_last: SAMPLES as u32 - 1, ..ListEntry::default() };

    // What both layers have in common. A stride of 0 gives all rows the same partial sums: a bias.
    let layer = AmpDescriptor {
        rows_x: SAMPLES as u32,
        rows_y: 1,
        columns: WIDTH as u32,
        input_stride_x: FP16_ROW,
        weight_stride: FP16_ROW,
        partial_in: true,
        partial_stride_x: 0,
        ..AmpDescriptor::default()
    };
    let first = AmpDescriptor {
        input_address: INPUT,
        weight_address: WEIGHTS_1,
        partial_address: BIAS_1,
        result_address: HIDDEN,
        result_stride_x: FP16_ROW,
        result_fp16: true,
        activation: Activation::RELU,
        ..layer
    };
    let second = AmpDescriptor {
        input_address: HIDDEN,
        weight_address: WEIGHTS_2,
        partial_address: BIAS_2,
        result_address: OUTPUT,
        result_stride_x: FP32_ROW,
        ..layer
    };

    // Commands overlap: the engine already computes the next one while results of the last one leave. The second
    // layer reads what the first one writes, so it must WAIT.
    let mut program = ProgramBuilder::new(PROGRAM);
    program.amp_with(first, &[block]);
    program.wait(EngineMask::AMP);
    program.amp_with(second, &[block]);
    program.halt();
    program.finish()
}

/// The network's parameters: `weights[input][output]`, and what is added to each output.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Rounded to FP16 on the tile.
    pub weights: [[f32; WIDTH]; WIDTH],
    /// FP32.
    pub bias: [f32; WIDTH],
}

/// # 3. The host
///
/// Load data and program, start, wait, read: the same for every [`Device`], be it the golden model, a simulator or a
/// board.
///
/// # Errors
/// The device fails, or the program stops with an error code.
pub fn run(
    device: &mut dyn Device,
    samples: &[[f32; WIDTH]; SAMPLES],
    layers: &[Layer; 2],
) -> Result<[[f32; WIDTH]; SAMPLES], DeviceError> {
    device.write_memory(INPUT, &pack_fp16(samples.as_flattened()))?;
    for (layer, weights, bias) in [(&layers[0], WEIGHTS_1, BIAS_1), (&layers[1], WEIGHTS_2, BIAS_2)] {
        device.write_memory(weights, &pack_fp16(layer.weights.as_flattened()))?;
        device.write_memory(bias, &pack_fp32(&layer.bias))?;
    }

    let program = two_layers().map_err(|error| DeviceError::Simulator(error.to_string()))?;
    device.load(&program)?;
    device.start(program.entry)?;
    device.wait(10_000)?.halted()?;

    let words = device.read_memory(OUTPUT, SAMPLES * WIDTH / 2)?;
    let mut output = [[0.0; WIDTH]; SAMPLES];
    let numbers = words.iter().flat_map(|&word| [word as u32, (word >> 32) as u32]);
    for (place, bits) in output.as_flattened_mut().iter_mut().zip(numbers) {
        *place = f32::from_bits(bits);
    }
    Ok(output)
}

/// Four FP16 numbers a word, the first in the lowest bits.
fn pack_fp16(values: &[f32]) -> Vec<u64> {
    let bits = |value: &f32| u64::from(f16::from_f32(*value).to_bits());
    values.chunks(4).map(|four| four.iter().rev().fold(0, |word, value| word << 16 | bits(value))).collect()
}

/// Two FP32 numbers a word.
fn pack_fp32(values: &[f32]) -> Vec<u64> {
    values.chunks(2).map(|pair| u64::from(pair[1].to_bits()) << 32 | u64::from(pair[0].to_bits())).collect()
}
