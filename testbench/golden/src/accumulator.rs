//! The two kinds of accumulator behind one interface.
//!
//! ```text
//!   start from +0 or an FP32 partial sum  -->  step, step, ...  -->  read as FP32 or FP16
//! ```
//!
//! | Operation          | `Fp32`                                | `Exact`                                         |
//! |--------------------|---------------------------------------|-------------------------------------------------|
//! | start from partial | its bits, unchanged; no flag          | RNE to the 2^-48 grid; NV, OF, NX               |
//! | step               | one rounding to FP32; NV, NX          | exact; NV, HR                                   |
//! | read as FP32       | its bits, unchanged; no flag          | one rounding; NX                                |
//! | read as FP16       | one more rounding; NV, OF, UF, NX     | one rounding in all; OF, UF, NX                 |

use isa::exact_sum;

use crate::convert::{fp32_to_fp16, relu_fp16, relu_fp32};
use crate::counts::{Counts, Element};
use crate::flags::Flags;
use crate::format::{FP16, FP32, Format, Number};
use crate::round::{Overflow, Rounding, Unrounded};
use crate::step::{PRODUCT_LSB_EXPONENT, ProductSum, amp_step};

/// Which accumulator a configuration has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AccumulatorKind {
    /// An FP32 number, rounded at each step.
    #[default]
    Fp32,
    /// A fixed-point number that is rounded only when it is read.
    Exact {
        /// Width of the two's complement state, bit 0 weighing 2^-48: 64 to 127. The default configuration has 104.
        bits: u32,
    },
}

impl AccumulatorKind {
    /// The exact accumulator of 104 bits: headroom for 2^22 of the largest products.
    pub const EXACT: AccumulatorKind = AccumulatorKind::Exact { bits: 104 };

    /// An accumulator of +0.
    ///
    /// Panics if an exact accumulator is not 64 to 127 bits wide.
    pub fn zero(self) -> Accumulator {
        match self {
            AccumulatorKind::Fp32 => Accumulator::Fp32(0),
            AccumulatorKind::Exact { bits } => Accumulator::Exact(ExactState::zero(bits)),
        }
    }

    /// An accumulator that continues an exact sum.
    ///
    /// Panics for FP32 accumulators, and as [`AccumulatorKind::zero`].
    pub fn from_exact_sum(self, word: u128) -> Accumulator {
        let AccumulatorKind::Exact { bits } = self else { panic!("an FP32 accumulator has no exact sum") };
        let zero = ExactState::zero(bits);
        let set = |bit: u32| word >> bit & 1 == 1;
        Accumulator::Exact(ExactState {
            value: zero.wrap(word as i128),
            nan: set(exact_sum::NAN_BIT),
            positive_infinity: set(exact_sum::POSITIVE_INFINITY_BIT),
            negative_infinity: set(exact_sum::NEGATIVE_INFINITY_BIT),
            ..zero
        })
    }

    /// An accumulator that continues an FP32 partial sum.
    ///
    /// Panics as [`AccumulatorKind::zero`].
    pub fn from_partial_sum(self, bits: u32) -> (Accumulator, Flags) {
        match self {
            AccumulatorKind::Fp32 => (Accumulator::Fp32(bits), Flags::NONE),
            AccumulatorKind::Exact { bits: width } => {
                let (state, flags) = ExactState::from_partial_sum(width, bits);
                (Accumulator::Exact(state), flags)
            }
        }
    }
}

impl Accumulator {
    /// The sum as an exact partial sum in memory (`isa::exact_sum`).
    ///
    /// Panics for an FP32 accumulator.
    pub fn to_exact_sum(&self) -> u128 {
        let Accumulator::Exact(state) = self else { panic!("an FP32 accumulator has no exact sum") };
        let number = state.value as u128 & ((1 << exact_sum::NAN_BIT) - 1);
        let flags = [
            (state.nan, exact_sum::NAN_BIT),
            (state.positive_infinity, exact_sum::POSITIVE_INFINITY_BIT),
            (state.negative_infinity, exact_sum::NEGATIVE_INFINITY_BIT),
        ];
        flags.iter().fold(number, |word, &(set, bit)| word | u128::from(set) << bit)
    }
}

/// The type in which results leave an accumulator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OutputType {
    /// FP32, in the low 32 bits.
    #[default]
    Fp32,
    /// FP16, in the low 16 bits of 32.
    Fp16,
}

impl OutputType {
    /// The format of that type.
    pub fn format(self) -> Format {
        match self {
            OutputType::Fp32 => FP32,
            OutputType::Fp16 => FP16,
        }
    }
}

/// The function applied to a result on its way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Activation {
    /// The result itself.
    #[default]
    None,
    /// `x > 0` and NaN pass, everything else gives +0. Applied after rounding, whose flags stand.
    Relu,
}

/// How an accumulator is read out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReadOut {
    /// Type of the result.
    pub output: OutputType,
    /// What an FP16 result beyond the finite range becomes.
    pub overflow: Overflow,
    /// Applied to the rounded result.
    pub activation: Activation,
}

/// The state of one accumulator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accumulator {
    /// An FP32 bit pattern.
    Fp32(u32),
    /// A fixed-point sum.
    Exact(ExactState),
}

impl Accumulator {
    /// Adds the enabled products `x[i] * w[i]`.
    ///
    /// Panics as [`ProductSum::of`].
    pub fn step(&mut self, x: &[u16], w: &[u16], enabled: u32) -> Flags {
        match self {
            Accumulator::Fp32(state) => {
                let (sum, flags) = amp_step(*state, x, w, enabled);
                *state = sum;
                flags
            }
            Accumulator::Exact(state) => state.add(&ProductSum::of(x, w, enabled)),
        }
    }

    /// Reads the sum as FP32, to nearest even.
    pub fn read_fp32(&self) -> (u32, Flags) {
        match self {
            Accumulator::Fp32(state) => (*state, Flags::NONE),
            Accumulator::Exact(state) => state.read(FP32, Rounding::NearestEven, Overflow::ToInfinity),
        }
    }

    /// Reads the sum as FP16.
    pub fn read_fp16(&self, rounding: Rounding, overflow: Overflow) -> (u16, Flags) {
        match self {
            Accumulator::Fp32(state) => fp32_to_fp16(*state, rounding, overflow),
            Accumulator::Exact(state) => {
                let (result, flags) = state.read(FP16, rounding, overflow);
                (result as u16, flags)
            }
        }
    }

    /// Reads the sum as an AMP command stores it, to nearest even. An FP16 result is in the low 16 bits.
    pub fn read(&self, options: ReadOut) -> (u32, Flags) {
        let Element { bits, flags, .. } = self.read_rounded(options, Rounding::NearestEven);
        (bits, flags)
    }

    /// The same with an FP16 result rounded as `rounding` says, and what the counters count. The activation comes after
    /// them: a number that it clears was not rounded to zero.
    pub fn read_rounded(&self, options: ReadOut, rounding: Rounding) -> Element {
        let (rounded, flags) = match options.output {
            OutputType::Fp32 => self.read_fp32(),
            OutputType::Fp16 => {
                let (result, flags) = self.read_fp16(rounding, options.overflow);
                (u32::from(result), flags)
            }
        };
        let bits = match (options.activation, options.output) {
            (Activation::None, _) => rounded,
            (Activation::Relu, OutputType::Fp32) => relu_fp32(rounded),
            (Activation::Relu, OutputType::Fp16) => relu_fp16(rounded as u16).into(),
        };
        Element { bits, flags, counts: Counts::of(options.output.format(), rounded, flags) }
    }
}

/// The state of an exact accumulator.
///
/// The number and the sticky bits are independent: finite products are added whatever the sticky bits say, and a
/// sum beyond the range wraps. Within the range the state does not depend on the order of the products.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExactState {
    /// Width of the two's complement number.
    pub bits: u32,
    /// The sum of the finite products, in units of 2^-48.
    pub value: i128,
    /// A NaN, 0 x Inf, or a sum beyond the range was seen.
    pub nan: bool,
    /// +Inf was seen.
    pub positive_infinity: bool,
    /// -Inf was seen.
    pub negative_infinity: bool,
}

impl ExactState {
    fn zero(bits: u32) -> ExactState {
        assert!((64..=127).contains(&bits), "an exact accumulator has 64 to 127 bits, not {bits}");
        ExactState { bits, value: 0, nan: false, positive_infinity: false, negative_infinity: false }
    }

    /// A partial sum enters: rounded to nearest even on the 2^-48 grid (NX; a small number is no underflow). Beyond
    /// the range -2^(bits-1) .. 2^(bits-1)-1 it becomes the infinity of its sign, with OF and NX. A NaN makes NaN,
    /// with NV if it is signalling.
    fn from_partial_sum(width: u32, bits: u32) -> (ExactState, Flags) {
        let zero = ExactState::zero(width);
        match FP32.unpack(bits) {
            Number::Nan { signalling } => (ExactState { nan: true, ..zero }, Flags { nv: signalling, ..Flags::NONE }),
            Number::Infinity { negative } => (zero.with_infinity(negative), Flags::NONE),
            Number::Finite { negative, significand, exponent } => {
                let grid_exponent = exponent - PRODUCT_LSB_EXPONENT;
                let (magnitude, inexact) = if grid_exponent >= 0 {
                    (checked_shift_left(significand, grid_exponent as u32), false)
                } else {
                    let (magnitude, inexact) = shift_right_to_nearest_even(significand, -grid_exponent as u32);
                    (Some(i128::from(magnitude)), inexact)
                };
                let value = magnitude.map(|magnitude| if negative { -magnitude } else { magnitude });
                match value.filter(|&value| zero.wrap(value) == value) {
                    Some(value) => (ExactState { value, ..zero }, Flags { nx: inexact, ..Flags::NONE }),
                    None => (zero.with_infinity(negative), Flags::OVERFLOW),
                }
            }
        }
    }

    /// One step. NV: a product is invalid, or it brings the second sign of infinity. HR: the number left its range.
    fn add(&mut self, products: &ProductSum) -> Flags {
        let had_both_infinities = self.positive_infinity && self.negative_infinity;
        self.positive_infinity |= products.positive_infinity;
        self.negative_infinity |= products.negative_infinity;
        let infinities_meet = self.positive_infinity && self.negative_infinity && !had_both_infinities;

        let sum = self.value + products.finite;
        self.value = self.wrap(sum);
        let headroom_exceeded = self.value != sum;

        self.nan |= products.nan || infinities_meet || headroom_exceeded;
        Flags { nv: products.invalid || infinities_meet, hr: headroom_exceeded, ..Flags::NONE }
    }

    /// Rounds once, directly to `format`. A zero sum reads as +0.
    fn read(&self, format: Format, rounding: Rounding, overflow: Overflow) -> (u32, Flags) {
        if self.nan {
            (format.nan(), Flags::NONE)
        } else if self.positive_infinity || self.negative_infinity {
            (format.infinity(self.negative_infinity), Flags::NONE)
        } else {
            let (negative, magnitude) = (self.value < 0, self.value.unsigned_abs());
            let exact = Unrounded { negative, magnitude, exponent: PRODUCT_LSB_EXPONENT, sticky: false };
            exact.round(format, rounding, overflow)
        }
    }

    /// The low `bits` of a number, sign-extended.
    fn wrap(&self, value: i128) -> i128 {
        let unused = 128 - self.bits;
        value << unused >> unused
    }

    fn with_infinity(self, negative: bool) -> ExactState {
        ExactState { positive_infinity: !negative, negative_infinity: negative, ..self }
    }
}

/// `significand << shift`, if it lies below 2^127.
fn checked_shift_left(significand: u32, shift: u32) -> Option<i128> {
    match significand {
        0 => Some(0),
        _ if significand.ilog2() + shift < 127 => Some(i128::from(significand) << shift),
        _ => None,
    }
}

/// `significand >> shift` to nearest even, and whether it was inexact. `shift` is 1 or more.
fn shift_right_to_nearest_even(significand: u32, shift: u32) -> (u32, bool) {
    // 24 bits shifted further than 25 places are less than half a unit, as they are at 25.
    let shift = shift.min(25);
    let (kept, discarded, half) = (significand >> shift, significand & ((1 << shift) - 1), 1 << (shift - 1));
    let round_up = discarded > half || discarded == half && kept & 1 == 1;
    (kept + u32::from(round_up), discarded != 0)
}
