//! The AMP step: products and accumulator summed exactly, rounded once.

use crate::flags::Flags;
use crate::format::{FP16, FP32, NAN_FP32, Number};
use crate::round::{Overflow, Rounding, Unrounded};
use crate::window::Window;

/// Weight of the least significant bit of an FP16 product, as a power of two: the square of the smallest subnormal.
pub const PRODUCT_LSB_EXPONENT: i32 = 2 * FP16.lsb_exponent();

/// The most terms that a step can have.
pub const MAX_TERMS: usize = 16;

/// The `enabled` mask in which every term takes part.
pub const ALL_TERMS: u32 = u32::MAX;

/// What the enabled products of a step add up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProductSum {
    /// Exact sum of the finite products, in units of 2^-48. Each is below 2^80 in magnitude.
    pub finite: i128,
    /// A product is NaN: an operand is NaN, or it is 0 x Inf.
    pub nan: bool,
    /// A product is +Inf.
    pub positive_infinity: bool,
    /// A product is -Inf.
    pub negative_infinity: bool,
    /// A product is 0 x Inf or has a signalling NaN operand.
    pub invalid: bool,
    /// Every product is a zero of negative sign (true of no products at all).
    pub all_negative_zero: bool,
}

impl ProductSum {
    /// Multiplies and sums `x[i] * w[i]` for every `i` whose bit in `enabled` is set. A term that is not enabled
    /// takes no part: whatever it holds, it contributes no product and no flag.
    ///
    /// Panics if the slices differ in length or exceed [`MAX_TERMS`].
    pub fn of(x: &[u16], w: &[u16], enabled: u32) -> ProductSum {
        assert_eq!(x.len(), w.len(), "a step multiplies pairs");
        assert!(x.len() <= MAX_TERMS, "a step has at most {MAX_TERMS} terms, not {}", x.len());
        let mut sum = ProductSum {
            finite: 0,
            nan: false,
            positive_infinity: false,
            negative_infinity: false,
            invalid: false,
            all_negative_zero: true,
        };
        for (i, (&x, &w)) in x.iter().zip(w).enumerate() {
            if enabled >> i & 1 == 1 {
                sum.add_product(x, w);
            }
        }
        sum
    }

    fn add_product(&mut self, x: u16, w: u16) {
        use Number::{Finite, Infinity, Nan};
        let negative = (x ^ w) >> 15 == 1;
        let (x, w) = (FP16.unpack(u32::from(x)), FP16.unpack(u32::from(w)));
        match (x, w) {
            (Finite { significand: a, exponent: i, .. }, Finite { significand: b, exponent: j, .. }) => {
                let magnitude = i128::from(a * b) << (i + j - PRODUCT_LSB_EXPONENT);
                self.finite += if negative { -magnitude } else { magnitude };
                self.all_negative_zero &= negative && magnitude == 0;
            }
            (Nan { .. }, _) | (_, Nan { .. }) => {
                self.nan = true;
                self.invalid |= is_signalling(x) || is_signalling(w);
                self.all_negative_zero = false;
            }
            (Infinity { .. }, _) | (_, Infinity { .. }) => {
                self.all_negative_zero = false;
                if is_zero(x) || is_zero(w) {
                    self.nan = true;
                    self.invalid = true;
                } else if negative {
                    self.negative_infinity = true;
                } else {
                    self.positive_infinity = true;
                }
            }
        }
    }
}

fn is_zero(number: Number) -> bool {
    matches!(number, Number::Finite { significand: 0, .. })
}

fn is_signalling(number: Number) -> bool {
    matches!(number, Number::Nan { signalling: true })
}

/// One step of the FP32 accumulator: `RNE_fp32(acc + x[0]*w[0] + x[1]*w[1] + ...)` over the enabled terms. The
/// products and the sum are exact; there is one rounding.
///
/// - A NaN operand, 0 x Inf, or infinities of both signs give the canonical NaN.
/// - NV: 0 x Inf in any term, infinities of both signs among products and accumulator, or a signalling NaN operand.
///   Every term is looked at: a NaN elsewhere hides none of these.
/// - NX: the exact sum was rounded. OF and UF cannot be: products are below half a unit of FP32's largest number, and
///   every sum is a multiple of its smallest subnormal.
/// - An exact zero is +0, except that -0 plus nothing but products of -0 stays -0.
///
/// Panics as [`ProductSum::of`].
pub fn amp_step(accumulator: u32, x: &[u16], w: &[u16], enabled: u32) -> (u32, Flags) {
    let products = ProductSum::of(x, w, enabled);
    let state = FP32.unpack(accumulator);

    let positive_infinity = products.positive_infinity || state == Number::Infinity { negative: false };
    let negative_infinity = products.negative_infinity || state == Number::Infinity { negative: true };
    let infinities_cancel = positive_infinity && negative_infinity;
    let flags = Flags { nv: products.invalid || infinities_cancel || is_signalling(state), ..Flags::NONE };

    let Number::Finite { negative, significand, exponent } = state else {
        let nan = products.nan || infinities_cancel || FP32.is_nan(accumulator);
        return (if nan { NAN_FP32 } else { accumulator }, flags);
    };
    if products.nan || infinities_cancel {
        return (NAN_FP32, flags);
    }
    if positive_infinity || negative_infinity {
        return (FP32.infinity(negative_infinity), flags);
    }

    let mut sum = Window::ZERO;
    sum.add(negative, u128::from(significand), exponent);
    sum.add(products.finite < 0, products.finite.unsigned_abs(), PRODUCT_LSB_EXPONENT);
    let minus_zero = negative && products.all_negative_zero;
    let exact = sum.unrounded();
    let exact = Unrounded { negative: exact.negative || exact.magnitude == 0 && minus_zero, ..exact };
    exact.round(FP32, Rounding::NearestEven, Overflow::ToInfinity)
}
