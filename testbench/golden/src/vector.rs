//! The operations of the vector engine on one element: what is exact before the one rounding.
//!
//! | Operation                  | Exact result                           | Special values                              |
//! |----------------------------|----------------------------------------|---------------------------------------------|
//! | copy                       | a                                      | as every operation: NaN becomes canonical   |
//! | add, subtract              | a + b, a - b                           | as a * 1 + b                                |
//! | multiply, fma, fnma        | a * b, a * b + c, c - a * b            | 0 x Inf and Inf - Inf: NaN, NV              |
//! | min, max                   | the smaller, the larger                | a number before a NaN; -0 is below +0       |
//! | relu                       | a where positive, else +0              | NaN stays NaN                               |
//! | less, less_equal, equal    | 1 or 0                                 | 0 with a NaN; zeros are equal               |
//! | select                     | b where a is not 0, else c             | a NaN is not 0; what is not chosen is ignored |
//! | functions                  | see [`transcendental`](mod@crate::transcendental) | NaN stays NaN                    |
//!
//! A signalling NaN among the operands raises NV, also where the result is none. A sum of zero is +0 unless both
//! addends are -0.

use functions::Function;
use isa::VectorOperation;

use crate::counts::{Counts, Element};
use crate::flags::Flags;
use crate::format::{FP16, Format, Number};
use crate::round::{Overflow, Rounding, Unrounded};
use crate::transcendental::transcendental;

/// A number of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operand {
    /// Its format.
    pub format: Format,
    /// The bit pattern.
    pub bits: u32,
}

/// An exact value.
#[derive(Clone, Copy)]
enum Exact {
    Nan,
    Infinity { negative: bool },
    Finite(Unrounded),
}

/// One element of an elementwise operation, rounded once to the format `result`. Operands that the operation does not
/// have are ignored. Stochastic rounding is for FP16 results; an FP32 result is rounded to nearest even.
///
/// Panics if `operation` is not elementwise, or a function's operand and result differ in format.
pub fn elementwise(
    operation: VectorOperation,
    operands: [Operand; 3],
    result: Format,
    rounding: Rounding,
    overflow: Overflow,
) -> Element {
    let [a, b, c] = operands;
    if let Some(function) = function(operation) {
        assert_eq!(a.format, result, "functions do not convert");
        let (bits, flags) = transcendental(function, result, a.bits);
        return element(result, bits, flags, a.is_nan());
    }

    let chosen = if a.value() == 0.0 { c } else { b };
    let exact = match operation {
        VectorOperation::COPY => exactly(a),
        VectorOperation::ADD => fused(a.number(), ONE, b.number()),
        VectorOperation::SUBTRACT => fused(a.number(), ONE, negated(b.number())),
        VectorOperation::MULTIPLY => {
            let (a, b) = (a.number(), b.number());
            fused(a, b, Number::Finite { negative: is_negative(a) != is_negative(b), significand: 0, exponent: 0 })
        }
        VectorOperation::FMA => fused(a.number(), b.number(), c.number()),
        VectorOperation::FNMA => fused(negated(a.number()), b.number(), c.number()),
        VectorOperation::MIN => exactly(if b.is_nan() || a.is_below(b) { a } else { b }),
        VectorOperation::MAX => exactly(if b.is_nan() || b.is_below(a) { a } else { b }),
        VectorOperation::RELU if a.is_nan() || a.value() > 0.0 => exactly(a),
        VectorOperation::RELU => one_or_zero(false),
        VectorOperation::LESS => one_or_zero(a.value() < b.value()),
        VectorOperation::LESS_EQUAL => one_or_zero(a.value() <= b.value()),
        VectorOperation::EQUAL => one_or_zero(a.value() == b.value()),
        VectorOperation::SELECT => exactly(chosen),
        VectorOperation(code) => panic!("operation {code} is not elementwise"),
    };
    let used = match operation {
        VectorOperation::COPY | VectorOperation::RELU => [a; 3],
        VectorOperation::FMA | VectorOperation::FNMA => [a, b, c],
        VectorOperation::SELECT => [a, chosen, chosen],
        _ => [a, b, b],
    };

    let (bits, mut flags) = match exact {
        Exact::Nan => (result.nan(), Flags::NONE),
        Exact::Infinity { negative } => (result.infinity(negative), Flags::NONE),
        Exact::Finite(exact) => {
            let rounding = if result == FP16 { rounding } else { Rounding::NearestEven };
            exact.round(result, rounding, overflow)
        }
    };
    let multiplies = matches!(operation, VectorOperation::MULTIPLY | VectorOperation::FMA | VectorOperation::FNMA);
    let invalid_product = multiplies && (a.is_zero() && b.is_infinite() || a.is_infinite() && b.is_zero());
    let nan_operand = used.iter().any(Operand::is_nan);
    flags.nv = used.iter().any(Operand::is_signalling) || invalid_product || result.is_nan(bits) && !nan_operand;
    element(result, bits, flags, nan_operand)
}

/// The transcendental function that an operation is.
pub fn function(operation: VectorOperation) -> Option<Function> {
    let code = operation.0.checked_sub(VectorOperation::FIRST_FUNCTION.0)?;
    Function::ALL.into_iter().find(|function| function.code() == u32::from(code))
}

/// A result; as a NaN counts only one that no operand was.
fn element(format: Format, bits: u32, flags: Flags, nan_operand: bool) -> Element {
    let counts = Counts::of(format, bits, flags);
    Element { bits, flags, counts: Counts { nans: counts.nans * u64::from(!nan_operand), ..counts } }
}

impl Operand {
    fn number(&self) -> Number {
        self.format.unpack(self.bits)
    }

    /// Exactly the same number; NaN is unordered.
    fn value(&self) -> f64 {
        self.format.to_f64(self.bits)
    }

    fn is_nan(&self) -> bool {
        self.format.is_nan(self.bits)
    }

    fn is_signalling(&self) -> bool {
        self.number() == Number::Nan { signalling: true }
    }

    fn is_infinite(&self) -> bool {
        self.value().is_infinite()
    }

    fn is_zero(&self) -> bool {
        self.value() == 0.0
    }

    /// Numbers by value, -0 below +0; NaN is unordered.
    fn is_below(&self, other: Operand) -> bool {
        !self.is_nan() && !other.is_nan() && self.value().total_cmp(&other.value()).is_lt()
    }
}

const ONE: Number = Number::Finite { negative: false, significand: 1, exponent: 0 };

fn one_or_zero(one: bool) -> Exact {
    Exact::Finite(Unrounded { negative: false, magnitude: one.into(), exponent: 0, sticky: false })
}

fn exactly(operand: Operand) -> Exact {
    match operand.number() {
        Number::Nan { .. } => Exact::Nan,
        Number::Infinity { negative } => Exact::Infinity { negative },
        Number::Finite { negative, significand, exponent } => {
            Exact::Finite(Unrounded { negative, magnitude: significand.into(), exponent, sticky: false })
        }
    }
}

fn negated(number: Number) -> Number {
    match number {
        Number::Nan { .. } => number,
        Number::Infinity { negative } => Number::Infinity { negative: !negative },
        Number::Finite { negative, significand, exponent } => {
            Number::Finite { negative: !negative, significand, exponent }
        }
    }
}

fn is_negative(number: Number) -> bool {
    matches!(number, Number::Finite { negative: true, .. } | Number::Infinity { negative: true })
}

/// `a * b + c`.
fn fused(a: Number, b: Number, c: Number) -> Exact {
    use Number::{Finite, Infinity, Nan};
    let negative = is_negative(a) != is_negative(b);
    let zero = |number: Number| matches!(number, Finite { significand: 0, .. });
    match (a, b, c) {
        (Nan { .. }, _, _) | (_, Nan { .. }, _) | (_, _, Nan { .. }) => Exact::Nan,
        (Infinity { .. }, other, _) | (other, Infinity { .. }, _) if zero(other) => Exact::Nan,
        (Infinity { .. }, _, Infinity { .. }) | (_, Infinity { .. }, Infinity { .. }) if is_negative(c) != negative => {
            Exact::Nan
        }
        (Infinity { .. }, _, _) | (_, Infinity { .. }, _) => Exact::Infinity { negative },
        (_, _, Infinity { negative }) => Exact::Infinity { negative },
        (
            Finite { significand: a, exponent: i, .. },
            Finite { significand: b, exponent: j, .. },
            Finite { negative: addend_negative, significand: c, exponent },
        ) => {
            let product =
                Unrounded { negative, magnitude: u128::from(a) * u128::from(b), exponent: i + j, sticky: false };
            let addend = Unrounded { negative: addend_negative, magnitude: c.into(), exponent, sticky: false };
            Exact::Finite(sum(product, addend))
        }
    }
}

/// The sum of two numbers of at most 48 bits. What lies 120 places or more below the leading bit of the larger one is
/// ORed into the lowest bit: it is known not to be zero, and rounding asks for no more.
fn sum(a: Unrounded, b: Unrounded) -> Unrounded {
    match (a.magnitude, b.magnitude) {
        (0, 0) => return Unrounded { negative: a.negative && b.negative, ..a },
        (0, _) => return b,
        (_, 0) => return a,
        _ => {}
    }
    let leading = |number: Unrounded| number.exponent + number.magnitude.ilog2() as i32;
    let exponent = leading(a).max(leading(b)) - 120;
    let placed = |number: Unrounded| {
        let shift = number.exponent - exponent;
        let magnitude = if shift >= 0 {
            number.magnitude << shift
        } else {
            let down = shift.unsigned_abs().min(127);
            let kept = number.magnitude >> down;
            kept | u128::from(kept << down != number.magnitude)
        };
        if number.negative { -magnitude.cast_signed() } else { magnitude.cast_signed() }
    };
    let total = placed(a) + placed(b);
    Unrounded { negative: total < 0, magnitude: total.unsigned_abs(), exponent, sticky: false }
}
