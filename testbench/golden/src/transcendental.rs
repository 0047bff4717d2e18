//! Transcendental functions: the exact bits that the tile returns.
//!
//! An FP16 result is the correctly rounded one, always; an FP32 result is within 1 ulp, and this module says which.
//! The argument is brought to a region of the tables (crate `functions`), a cubic gives the curve there to about
//! 2^-31, and the result is rounded once. What is known to be inexact carries a bit below its last place, so that
//! no result of the tables is taken for a tie.

use functions::constant::{self, LN_2, LOG2_E, ONE};
use functions::region::{
    ABOVE_ONE, BELOW_ONE, EXPONENTIAL, FRACTION_BITS, LN, LOG2, LOGISTIC, LOGISTIC_REGIONS, RECIPROCAL,
    RECIPROCAL_SQRT, SQRT, TANH, TANH_REGIONS,
};
use functions::table::{ARGUMENT_BITS, PLACES, SECOND_ARGUMENT_BITS, THIRD_ARGUMENT_BITS};
use functions::{Function, Table};

use crate::flags::Flags;
use crate::format::{Format, Number};
use crate::round::{Overflow, Rounding, Unrounded};

/// Places in which 1 and 1/2 are added to a curve.
const SUM_PLACES: u32 = 48;

/// A function of a number of `format`: the result in that format, and its flags.
#[inline]
pub fn transcendental(function: Function, format: Format, operand: u32) -> (u32, Flags) {
    let number = format.unpack(operand);
    if let Some(special) = special(function, format, number) {
        return special;
    }
    let Number::Finite { negative, significand, exponent } = number else { unreachable!("special otherwise") };
    // 24 bits, the hidden one set: 1 <= argument / 2^exponent < 2.
    let leading_zeros = significand.leading_zeros() - 8;
    let argument = Argument {
        negative,
        significand: significand << leading_zeros,
        exponent: exponent + 23 - leading_zeros as i32,
    };
    let result = argument.evaluate(function);
    // Below the last place: the exact value goes on.
    let magnitude = u128::from(result.magnitude) << 1 | u128::from(!result.exact);
    let unrounded = Unrounded { negative: result.negative, magnitude, exponent: result.exponent - 1, sticky: false };
    unrounded.round(format, Rounding::NearestEven, Overflow::ToInfinity)
}

/// Results that are no number's approximation.
#[inline]
fn special(function: Function, format: Format, number: Number) -> Option<(u32, Flags)> {
    use Function::{Exp, Exp2, Ln, Log2, Reciprocal, ReciprocalSqrt, Sigmoid, Sqrt, Tanh};
    let one = (format.emin().unsigned_abs() + 1) << format.fraction_bits;
    let half = format.emin().unsigned_abs() << format.fraction_bits;
    let zero = |negative: bool| format.sign_bit(negative);
    let exact = |bits: u32| Some((bits, Flags::NONE));
    let invalid = Some((format.nan(), Flags::INVALID));
    // An infinite result of a finite argument, and yet exact: the only OF without NX.
    let pole = |negative: bool| Some((format.infinity(negative), Flags { of: true, ..Flags::NONE }));
    match number {
        Number::Nan { signalling: true } => invalid,
        Number::Nan { signalling: false } => exact(format.nan()),
        Number::Infinity { negative } => match function {
            Exp | Exp2 | Sigmoid if negative => exact(zero(false)),
            Ln | Log2 | Sqrt | ReciprocalSqrt if negative => invalid,
            Exp | Exp2 | Ln | Log2 | Sqrt => exact(format.infinity(false)),
            Tanh => exact(one | zero(negative)),
            Sigmoid => exact(one),
            Reciprocal | ReciprocalSqrt => exact(zero(negative)),
        },
        Number::Finite { negative, significand: 0, .. } => match function {
            Exp | Exp2 => exact(one),
            Sigmoid => exact(half),
            Tanh | Sqrt => exact(zero(negative)),
            Ln | Log2 => pole(true),
            Reciprocal | ReciprocalSqrt => pole(negative),
        },
        Number::Finite { negative: true, .. } if matches!(function, Ln | Log2 | Sqrt | ReciprocalSqrt) => invalid,
        Number::Finite { significand, exponent, .. } => {
            let is_one = exponent == -significand.trailing_zeros().cast_signed() && significand.is_power_of_two();
            if is_one && matches!(function, Ln | Log2) { exact(zero(false)) } else { None }
        }
    }
}

/// A finite argument other than zero: `significand * 2^(exponent - 23)`, the significand from 2^23.
struct Argument {
    negative: bool,
    significand: u32,
    exponent: i32,
}

/// `magnitude * 2^exponent`, negated if `negative`; less than one last place above it, unless `exact`.
struct Approximation {
    negative: bool,
    magnitude: u64,
    exponent: i32,
    exact: bool,
}

impl Argument {
    #[inline]
    fn evaluate(&self, function: Function) -> Approximation {
        match function {
            Function::Exp => self.exponential(LOG2_E),
            Function::Exp2 => self.exponential(ONE),
            Function::Ln => self.logarithm(LN, LN_2),
            Function::Log2 => self.logarithm(LOG2, ONE),
            Function::Tanh => self.tanh(),
            Function::Sigmoid => self.sigmoid(),
            Function::Reciprocal => Approximation {
                negative: self.negative,
                magnitude: curve(RECIPROCAL, self.fraction()),
                exponent: -self.exponent - PLACES as i32,
                exact: self.fraction() == 0,
            },
            Function::Sqrt => self.sqrt(),
            Function::ReciprocalSqrt => {
                let (half, odd) = self.half_exponent();
                Approximation {
                    negative: false,
                    magnitude: curve(RECIPROCAL_SQRT + odd, self.fraction()),
                    exponent: -half - PLACES as i32,
                    exact: self.fraction() == 0 && odd == 0,
                }
            }
        }
    }

    /// The significand less one, as a fraction.
    fn fraction(&self) -> u32 {
        self.significand << 9
    }

    /// The exponent halved, rounded down, and what is left.
    fn half_exponent(&self) -> (i32, usize) {
        (self.exponent.div_euclid(2), self.exponent.rem_euclid(2) as usize)
    }

    /// An exact root has 12 places at most, as the argument has 23. Any other argument is 2^-24 away from a square of
    /// so few, and its root more than 2^-27 from such a number; the table errs upwards by less than 2^-28.
    fn sqrt(&self) -> Approximation {
        let (half, odd) = self.half_exponent();
        let root = curve(SQRT + odd, self.fraction());
        let exact = root >> (PLACES - 28) & 0xFFFF == 0;
        let magnitude = if exact { root >> (PLACES - 12) << (PLACES - 12) } else { root };
        Approximation { negative: false, magnitude, exponent: half - PLACES as i32, exact }
    }

    /// `|argument| * 2^doublings * factor`, rounded down to the fraction's places; 2^41 - 1 from 256 on, where every
    /// result has run out of its format.
    fn scaled(&self, doublings: i32, factor: u64) -> i64 {
        let exponent = self.exponent + doublings;
        if exponent >= 8 {
            return (1 << 41) - 1;
        }
        let shift = 23 + constant::PLACES as i32 - FRACTION_BITS as i32 - exponent;
        (u64::from(self.significand) * factor).checked_shr(shift as u32).unwrap_or(0).cast_signed()
    }

    /// 2^-(n + f) with `-(n + f)` the argument times `factor`.
    fn exponential(&self, factor: u64) -> Approximation {
        let scaled = self.scaled(0, factor);
        let (n, f) = split(if self.negative { scaled } else { -scaled });
        // 2^x is exact for whole x, e^x only for zero.
        let whole = self.exponent >= 0 && (self.exponent >= 23 || (self.significand << self.exponent) & 0x7F_FFFF == 0);
        Approximation {
            negative: false,
            magnitude: curve(EXPONENTIAL, f),
            exponent: -n - PLACES as i32,
            exact: whole && factor == ONE,
        }
    }

    /// Around one, from 3/4 to 3/2, in units of the distance from one; elsewhere `exponent * factor` plus the
    /// significand's logarithm.
    fn logarithm(&self, region: usize, factor: u64) -> Approximation {
        let distance = match self.exponent {
            0 => (self.significand - (1 << 23)) << 1,
            -1 => (1 << 24) - self.significand,
            _ => u32::MAX,
        };
        let below_one = self.exponent < 0;
        let limit = if below_one { 1 << 22 } else { 1 << 23 };
        if distance < limit {
            // The distance is `2^binade (1 + f)`.
            let binade = distance.ilog2() as i32 - 24;
            let f = (u64::from(distance) << (8 - binade)) as u32;
            let nearest = if below_one { region + BELOW_ONE - 3 } else { region + ABOVE_ONE - 2 };
            let magnitude = curve(nearest.wrapping_add_signed(-binade as isize), f);
            return Approximation { negative: below_one, magnitude, exponent: binade - PLACES as i32, exact: false };
        }
        let whole = (u64::from(self.exponent.unsigned_abs()) * factor) >> (constant::PLACES - PLACES);
        let significand = curve(region, self.fraction());
        Approximation {
            negative: below_one,
            magnitude: if below_one { whole - significand } else { whole + significand },
            exponent: -(PLACES as i32),
            exact: region == LOG2 && self.fraction() == 0,
        }
    }

    /// In units of the argument's binade below 1/2; `1 - 2 sigmoid(-2x)` above.
    fn tanh(&self) -> Approximation {
        if self.exponent < -1 {
            let magnitude = self.tangent(self.exponent);
            let exponent = self.exponent - PLACES as i32;
            return Approximation { negative: self.negative, magnitude, exponent, exact: false };
        }
        let (n, logistic) = self.logistic(1);
        one_minus(self.negative, logistic, n - 1)
    }

    /// `1/2 + tanh(x/2) / 2` where |x| < 1; the logistic function for negative x, and its complement to 1.
    fn sigmoid(&self) -> Approximation {
        if self.exponent < 0 {
            let tangent = self.tangent(self.exponent - 1).cast_signed();
            let addend = shifted(if self.negative { -tangent } else { tangent }, 2 - self.exponent);
            let magnitude = ((1 << (SUM_PLACES - 1)) + addend).cast_unsigned();
            return Approximation { negative: false, magnitude, exponent: -(SUM_PLACES as i32), exact: false };
        }
        let (n, logistic) = self.logistic(0);
        if self.negative {
            Approximation { negative: false, magnitude: logistic, exponent: -n - PLACES as i32, exact: false }
        } else {
            one_minus(false, logistic, n)
        }
    }

    /// tanh in units of 2^binade, of an argument with this significand in that binade, -2 or less.
    fn tangent(&self, binade: i32) -> u64 {
        let depth = (-2 - binade) as usize;
        curve(TANH + depth.min(TANH_REGIONS), self.fraction())
    }

    /// Sigmoid of minus the argument's magnitude, doubled `doublings` times, in units of 2^-n; and n.
    fn logistic(&self, doublings: i32) -> (i32, u64) {
        let (n, f) = split(self.scaled(doublings, LOG2_E));
        let depth = (n as usize - 1).min(LOGISTIC_REGIONS);
        (n, curve(LOGISTIC + depth, f))
    }
}

/// Whole part, rounded down, and fraction.
fn split(scaled: i64) -> (i32, u32) {
    ((scaled >> FRACTION_BITS) as i32, scaled as u32)
}

/// A curve's value times 2^-places, rounded down to [`SUM_PLACES`].
fn shifted(value: i64, places: i32) -> i64 {
    value << (SUM_PLACES - PLACES) >> places.min(63)
}

fn one_minus(negative: bool, value: u64, places: i32) -> Approximation {
    let magnitude = ((1 << SUM_PLACES) + shifted(-value.cast_signed(), places)).cast_unsigned();
    Approximation { negative, magnitude, exponent: -(SUM_PLACES as i32), exact: false }
}

/// The curve of a region at a fraction, in units of 2^-[`PLACES`].
#[inline]
fn curve(region: usize, fraction: u32) -> u64 {
    let table = Table::get();
    let region = &table.regions[region];
    let segment = u64::from(fraction) << region.index_bits;
    let coefficients = &table.segments[region.first_segment + (segment >> FRACTION_BITS) as usize];
    let argument = i64::from(segment as u32 >> (FRACTION_BITS - ARGUMENT_BITS));
    let step =
        |constant: i64, factor: i64, bits: u32| constant + ((factor * (argument >> (ARGUMENT_BITS - bits))) >> bits);
    let second = step(coefficients.c2, coefficients.c3, THIRD_ARGUMENT_BITS);
    let first = step(coefficients.c1, second, SECOND_ARGUMENT_BITS);
    step(coefficients.c0, first, ARGUMENT_BITS).cast_unsigned()
}
