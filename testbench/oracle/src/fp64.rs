//! The functions in FP64, off by less than a proven bound: what decides almost every comparison.
//!
//! Arguments are FP32 numbers, exact in FP64. With u = 2^-53, half a last place relative to 1:
//!
//! | function            | how                                          | relative error below                     |
//! |---------------------|----------------------------------------------|------------------------------------------|
//! | reciprocal, sqrt    | one IEEE 754 operation                       | u                                        |
//! | rsqrt               | two                                          | 2.5 u                                    |
//! | `e^r`, \|r\| < 0.35 | series to r^14; the rest is below 2^-60      | 4 u: the last sum's rounding and 1.5 of those before |
//! | exp                 | r = x - k ln2 in two parts, the first exact  | 6 u                                      |
//! | exp2                | r = (x - k) ln2, the difference exact        | 6 u                                      |
//! | ln of 0.7 to 1.42   | 2 atanh z, z = (m-1)/(m+1), to z^23; the rest is below 2^-60 | 6 u                      |
//! | ln, log2            | that and k ln2, or k: they cancel to half of the larger at most | 16 u                  |
//! | tanh below 1/4      | t / (t + 2), t = e^2x - 1 by its series      | 8 u                                      |
//! | tanh from 1/4       | 1 - 2 / (1 + e^2x): 6 u in all, of a result of 0.24 at least | 24 u                     |
//! | sigmoid             | 1 / (1 + e^-x)                               | 9 u                                      |
//!
//! [`RELATIVE_ERROR`] is 32 u.

use std::f64::consts::{LN_2, LOG2_E};

use functions::Function;

/// What no function here is off by, relative to its value.
pub const RELATIVE_ERROR: f64 = 1.0 / (1u64 << 48) as f64;

/// ln2 with 32 bits, so that its product with a whole number below 2^20 is exact, and what is left.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// The function of a finite number of its domain, other than zero.
#[inline]
pub fn approximate(function: Function, x: f64) -> f64 {
    match function {
        Function::Exp => exp(x),
        Function::Exp2 => {
            let x = x.clamp(-400.0, 400.0);
            let whole = nearest(x);
            exponential_series((x - whole) * LN_2) * power_of_two(whole)
        }
        Function::Ln => {
            let (exponent, significand) = logarithm(x);
            exponent * LN_2 + significand
        }
        Function::Log2 => {
            let (exponent, significand) = logarithm(x);
            exponent + significand * LOG2_E
        }
        Function::Tanh => tanh(x),
        Function::Sigmoid => 1.0 / (1.0 + exp(-x)),
        Function::Reciprocal => 1.0 / x,
        Function::Sqrt => x.sqrt(),
        Function::ReciprocalSqrt => 1.0 / x.sqrt(),
    }
}

/// The nearest whole number, of numbers below 2^51.
#[inline]
fn nearest(x: f64) -> f64 {
    const SHIFT: f64 = 1.5 * (1u64 << 52) as f64;
    (x + SHIFT) - SHIFT
}

#[inline]
fn power_of_two(exponent: f64) -> f64 {
    f64::from_bits(((exponent as i64 + 1023) as u64) << 52)
}

/// e^x; arguments beyond 400 count as 400, where every result has run out of FP32.
#[inline]
fn exp(x: f64) -> f64 {
    let x = x.clamp(-400.0, 400.0);
    let whole = nearest(x * LOG2_E);
    exponential_series((x - whole * LN_2_HIGH) - whole * LN_2_LOW) * power_of_two(whole)
}

/// e^r by Taylor's series.
#[inline]
fn exponential_series(r: f64) -> f64 {
    1.0 + exponential_less_one(r)
}

/// e^r - 1, |r| < 0.5, likewise.
#[inline]
fn exponential_less_one(r: f64) -> f64 {
    const TERMS: usize = 14;
    const RECIPROCAL_FACTORIALS: [f64; TERMS + 1] = {
        let mut reciprocals = [1.0; TERMS + 1];
        let (mut n, mut factorial) = (1, 1.0);
        while n <= TERMS {
            factorial *= n as f64;
            reciprocals[n] = 1.0 / factorial;
            n += 1;
        }
        reciprocals
    };
    let mut sum = RECIPROCAL_FACTORIALS[TERMS];
    for n in (2..TERMS).rev() {
        sum = sum * r + RECIPROCAL_FACTORIALS[n];
    }
    r + r * r * sum
}

/// Exponent, and natural logarithm of the significand between sqrt(1/2) and sqrt(2).
#[inline]
fn logarithm(x: f64) -> (f64, f64) {
    let bits = x.to_bits();
    // As many units as sqrt(1/2) is below 1 carry larger significands into the next exponent.
    const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
    let offset = bits.wrapping_sub(SQRT_HALF);
    let exponent = (offset.cast_signed() >> 52) as f64;
    let significand = f64::from_bits((offset & ((1 << 52) - 1)) + SQRT_HALF);
    let z = (significand - 1.0) / (significand + 1.0);
    let square = z * z;
    let mut sum = 1.0 / 23.0;
    for n in (1..11).rev() {
        sum = sum * square + 1.0 / (2 * n + 1) as f64;
    }
    (exponent, 2.0 * z + 2.0 * z * square * sum)
}

#[inline]
fn tanh(x: f64) -> f64 {
    if x.abs() < 0.25 {
        let t = exponential_less_one(2.0 * x);
        t / (t + 2.0)
    } else {
        1.0 - 2.0 / (1.0 + exp(2.0 * x))
    }
}
