//! Random products: shapes, options, and data that hurts.

use golden::{Activation, OutputType, Overflow, ReadOut, Shape, Start};
use kernels::matmul::{MatmulProblem, Operands, StartKind};
use kernels::random::Random;

/// What the numbers of a product are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Data {
    /// Between -1 and 1.
    Even,
    /// Any bit pattern: of all magnitudes, with infinities and NaNs.
    AnyBits,
    /// Mostly subnormal numbers and zeros of both signs.
    Subnormal,
    /// Few magnitudes of both signs, so that sums cancel.
    Cancelling,
    /// Near the largest numbers, so that FP16 results and FP32 partial sums overflow.
    Overflowing,
    /// Even, with an infinity, a NaN or a zero now and then.
    Special,
}

pub const DATA: [Data; 6] =
    [Data::Even, Data::AnyBits, Data::Subnormal, Data::Cancelling, Data::Overflowing, Data::Special];

/// Infinities, NaNs (quiet, signalling, negative) and zeros.
const SPECIAL_FP16: [u16; 7] = [0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFE00, 0x0000, 0x8000];
const SPECIAL_FP32: [u32; 7] =
    [0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7F80_0001, 0xFFC0_0000, 0x0000_0000, 0x8000_0000];

impl Data {
    fn fp16(self, random: &mut Random) -> u16 {
        let bits = random.bits() as u16;
        match self {
            Data::Even => random.fp16(),
            Data::AnyBits => bits,
            Data::Subnormal if random.one_in(8) => random.fp16(),
            Data::Subnormal => bits & 0x83FF,
            // Powers of two from 2^-2 to 2^1, and their negatives.
            Data::Cancelling => (bits & 0x8000) | (0x3400 + (bits & 0x0C00)),
            Data::Overflowing => (bits & 0x83FF) | (0x7400 + (bits & 0x0400)),
            Data::Special if random.one_in(200) => SPECIAL_FP16[random.below(7) as usize],
            Data::Special => random.fp16(),
        }
    }

    fn fp32(self, random: &mut Random) -> u32 {
        let bits = random.bits() as u32;
        match self {
            Data::Even => random.fp32(),
            Data::AnyBits => bits,
            Data::Subnormal if random.one_in(8) => random.fp32(),
            Data::Subnormal => bits & 0x807F_FFFF,
            Data::Cancelling => (bits & 0x8000_0000) | (0x3F00_0000 + (bits & 0x0180_0000)),
            Data::Overflowing => (bits & 0x807F_FFFF) | (0x7E80_0000 + (bits & 0x0080_0000)),
            Data::Special if random.one_in(50) => SPECIAL_FP32[random.below(7) as usize],
            Data::Special => random.fp32(),
        }
    }
}

/// A product with its operands.
pub struct Product {
    pub problem: MatmulProblem,
    pub data: Data,
    a: Vec<u16>,
    b: Vec<u16>,
    sums: Vec<u32>,
}

impl Product {
    /// The `index`th of a series: all kinds of data and options come in turn, sizes are random.
    pub fn random(random: &mut Random, index: usize) -> Self {
        let shape = Shape { m: size(random), n: size(random), k: size(random) };
        let data = DATA[index % DATA.len()];
        let start = [StartKind::Zero, StartKind::PartialSums, StartKind::Bias][random.below(3) as usize];
        let read_out = ReadOut {
            output: if random.one_in(2) { OutputType::Fp16 } else { OutputType::Fp32 },
            overflow: if random.one_in(2) { Overflow::Saturate } else { Overflow::ToInfinity },
            activation: if random.one_in(4) { Activation::Relu } else { Activation::None },
        };
        let stochastic = random.one_in(3).then(|| random.bits() as u32);
        let transposed_b = random.one_in(3);
        let Shape { m, n, k } = shape;
        let problem = MatmulProblem { start, read_out, stochastic, transposed_b, ..MatmulProblem::new(m, n, k) };
        Product::new(problem, data, random)
    }

    pub fn new(problem: MatmulProblem, data: Data, random: &mut Random) -> Self {
        let Shape { m, n, k } = problem.shape;
        let mut fp16s = |count| -> Vec<u16> { (0..count).map(|_| data.fp16(random)).collect() };
        let (a, b) = (fp16s(m * k), fp16s(k * n));
        let sums = match problem.start {
            StartKind::Zero => 0,
            StartKind::PartialSums => m * n,
            StartKind::Bias => n,
        };
        let sums = (0..sums).map(|_| data.fp32(random)).collect();
        Product { problem, data, a, b, sums }
    }

    pub fn operands(&self) -> Operands<'_> {
        let start = match self.problem.start {
            StartKind::Zero => Start::Zero,
            StartKind::PartialSums => Start::PartialSums(&self.sums),
            StartKind::Bias => Start::Bias(&self.sums),
        };
        Operands { a: &self.a, b: &self.b, start, residual: None }
    }
}

/// 1 to 96, more often small.
fn size(random: &mut Random) -> usize {
    let most = [20, 20, 40, 96][random.below(4) as usize];
    1 + random.below(most) as usize
}
