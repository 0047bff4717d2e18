//! Operand: either format, taken apart, normalised, and told from those with special results. The first two stages of
//! [`super::reduce`].
//!
//! ```text
//!   operand --> unpack --> register --> normalise --> sign, exponent, fraction
//!                                   +-> special ----> what the result is instead
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational, each of the two                                                   |
//! | Numerics   | exact; subnormals become normal                                                  |

use functions::Function;
use rtl::{Signal, bundle, cat, lit, mux};

use super::TranscendentalIn;
use super::reduce::{EXPONENT_BITS, FRACTION, SIGNIFICAND_BITS};
use crate::format::{FP16, FP32};
use crate::round::leading_zeros;
use crate::unpack::unpack;

bundle! {
    /// Results that do not come from a table; at most one kind of them.
    pub struct Special {
        /// Its sign.
        pub sign: Signal,
        /// NaN.
        pub nan: Signal,
        /// An infinity.
        pub infinite: Signal,
        /// A zero.
        pub zero: Signal,
        /// One.
        pub one: Signal,
        /// A half.
        pub half: Signal,
        /// Raises NV.
        pub invalid: Signal,
        /// An infinity of a finite operand: raises OF.
        pub pole: Signal,
    }
}

bundle! {
    /// The operand in either format, before it is normalised.
    pub(super) struct Operand {
        operation: Signal,
        fp16: Signal,
        sign: Signal,
        exponent: Signal,
        significand: Signal,
        class: Class,
    }
}

bundle! {
    /// What the operand is other than a finite number.
    struct Class {
        zero: Signal,
        infinite: Signal,
        nan: Signal,
        signalling: Signal,
    }
}

bundle! {
    /// `(1 + fraction) * 2^exponent`, negated if `sign`.
    pub(super) struct Argument {
        pub operation: Signal,
        pub fp16: Signal,
        pub sign: Signal,
        pub exponent: Signal,
        pub fraction: Signal,
        pub special: Special,
    }
}

/// The function is one of a list.
pub(super) fn is_any(operation: Signal, list: &[Function]) -> Signal {
    list.iter().map(|one| operation.eq(one.code())).reduce(|any, one| any | one).expect("not an empty list")
}

impl Operand {
    /// Stage 1: FP16 widens to FP32's significand.
    pub fn unpack(io: &TranscendentalIn) -> Operand {
        let wide = unpack("wide", io.operand, FP32);
        let narrow = unpack("narrow", io.operand.bits(0..FP16.bits()), FP16);
        let class = |zero, infinite, nan, signalling| Class { zero, infinite, nan, signalling };
        let exponent = |exponent: Signal, bias: i32| exponent.zero_extend(EXPONENT_BITS) - lit(bias, EXPONENT_BITS);
        let widening = SIGNIFICAND_BITS - FP16.significand_bits();
        Operand {
            operation: io.operation,
            fp16: io.fp16,
            sign: mux(io.fp16, narrow.sign, wide.sign),
            exponent: mux(io.fp16, exponent(narrow.exponent, FP16.bias()), exponent(wide.exponent, FP32.bias())),
            significand: mux(io.fp16, cat([narrow.significand, lit(0, widening)]), wide.significand),
            class: mux(
                io.fp16,
                class(narrow.zero, narrow.infinite, narrow.nan, narrow.signalling),
                class(wide.zero, wide.infinite, wide.nan, wide.signalling),
            ),
        }
    }

    /// Stage 2: the leading one to the top.
    pub fn normalise(&self) -> Argument {
        let Operand { operation, fp16, sign, .. } = *self;
        let zeros = leading_zeros("significand", self.significand).named("significand_zeros");
        let fraction = self.significand.shift_left(zeros).bits(0..FRACTION).named("normalised_fraction");
        let exponent = (self.exponent - zeros.zero_extend(EXPONENT_BITS)).named("normalised_exponent");
        let one = (exponent.is_zero() & fraction.is_zero() & !sign).named("one");
        Argument { operation, fp16, sign, exponent, fraction, special: self.special(one) }
    }

    /// Special values, as C's libm has them.
    fn special(&self, one: Signal) -> Special {
        use Function::{Exp, Exp2, Ln, Log2, Reciprocal, ReciprocalSqrt, Sigmoid, Sqrt, Tanh};
        let Operand { operation, sign, .. } = *self;
        let Class { zero, infinite, nan, signalling } = self.class;
        let is = |list: &[Function]| is_any(operation, list);
        let logarithm = is(&[Ln, Log2]);
        let positive_domain = logarithm | is(&[Sqrt, ReciprocalSqrt]);
        let outside = (sign & !zero & !nan & positive_domain).named("outside");
        let pole = (zero & (logarithm | is(&[Reciprocal, ReciprocalSqrt]))).named("pole");
        let to_infinity = infinite & !sign & is(&[Exp, Exp2, Ln, Log2, Sqrt]);
        let to_zero = infinite & (is(&[Reciprocal, ReciprocalSqrt]) | sign & is(&[Exp, Exp2, Sigmoid]));
        let stays_zero = zero & is(&[Tanh, Sqrt]);
        let odd = is(&[Tanh, Sqrt, Reciprocal, ReciprocalSqrt]);
        Special {
            sign: zero & logarithm | sign & odd,
            nan: nan | outside,
            infinite: pole | to_infinity,
            zero: (to_zero & !outside | stays_zero | one & logarithm).named("special_zero"),
            one: zero & is(&[Exp, Exp2]) | infinite & (is(&[Tanh]) | is(&[Sigmoid]) & !sign),
            half: zero & is(&[Sigmoid]),
            invalid: signalling | outside,
            pole,
        }
    }
}
