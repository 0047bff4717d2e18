//! Regions: the pieces into which reduced arguments fall, each with its curve and its part of the table.
//!
//! A function's argument is first brought to a *region* and a *fraction* f in [0, 1), 32 bits. In its region the
//! function is a smooth curve over f, scaled to lie between 1/4 and 4, so that a fixed last place bounds the relative
//! error everywhere. The top `index_bits` bits of f select a segment, the others are the polynomial's argument.
//!
//! | region                      | argument                                  | curve                              |
//! |-----------------------------|-------------------------------------------|------------------------------------|
//! | [`RECIPROCAL`]              | significand 1 + f                         | 1 / (1 + f)                        |
//! | [`SQRT`] + parity           | significand, twice it if the exponent is odd | square root                     |
//! | [`RECIPROCAL_SQRT`] + parity | likewise                                 | 1 / square root                    |
//! | [`LN`], [`LOG2`]            | significand                               | logarithm of 1 + f                 |
//! | ... + [`ABOVE_ONE`] - 2 - k | 1 + t, t = 2^k (1 + f), k <= -2           | logarithm, in units of 2^k         |
//! | ... + [`BELOW_ONE`] - 3 - k | 1 - t, t = 2^k (1 + f), k <= -3           | minus the logarithm, likewise      |
//! | [`TANH`] - 2 - k            | 2^k (1 + f), k <= -2                      | tanh, in units of 2^k              |
//! | ... + [`TANH_REGIONS`]      | below 2^-16                               | the argument itself                |
//! | [`LOGISTIC`] + n - 1        | -(n + f) ln 2, n >= 1                     | 1 / (1 + e^-x), in units of 2^-n   |
//! | [`EXPONENTIAL`]             | -f                                        | 2^-f                               |
//!
//! Tanh and sigmoid are one function, `tanh(x) = 2 sigmoid(2x) - 1`, and share their regions: TANH where sigmoid is
//! near 1/2, LOGISTIC elsewhere. Beyond n = 31 the logistic curve is the exponential.

use crate::curve::{Base, Curve};

/// Bits of the fraction.
pub const FRACTION_BITS: u32 = 32;

/// Number of the region of 1 / x.
pub const RECIPROCAL: usize = 0;
/// Number of the first region of the square root.
pub const SQRT: usize = RECIPROCAL + 1;
/// Number of the first region of its reciprocal.
pub const RECIPROCAL_SQRT: usize = SQRT + 2;
/// Number of the first region of ln.
pub const LN: usize = RECIPROCAL_SQRT + 2;
/// Number of the first region of log2.
pub const LOG2: usize = LN + LOG_REGIONS;
/// Number of the first region of tanh.
pub const TANH: usize = LOG2 + LOG_REGIONS;
/// Number of the first region of the logistic function.
pub const LOGISTIC: usize = TANH + TANH_REGIONS + 1;
/// Number of the region of 2^-f, next to the last of the logistic function's.
pub const EXPONENTIAL: usize = LOGISTIC + LOGISTIC_REGIONS;

/// From a logarithm's first region to its next, of arguments above one.
pub const ABOVE_ONE: usize = 1;
/// From a logarithm's first region to the first of arguments below one.
pub const BELOW_ONE: usize = ABOVE_ONE + ABOVE_ONE_REGIONS;
/// Binades of t = x - 1 below 1/2; an argument above one is a multiple of 2^-23.
const ABOVE_ONE_REGIONS: usize = 22;
/// Binades of t = 1 - x below 1/4; an argument below one is a multiple of 2^-24.
const BELOW_ONE_REGIONS: usize = 22;
const LOG_REGIONS: usize = 1 + ABOVE_ONE_REGIONS + BELOW_ONE_REGIONS;
/// Binades of tanh, 2^-2 down to 2^-16. The tangent of a smaller number is the number but for 2^-34 of it.
pub const TANH_REGIONS: usize = 15;
/// Octaves of the logistic function.
pub const LOGISTIC_REGIONS: usize = 31;

/// A region, and its part of the table.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// Bits of the fraction that select the segment.
    pub index_bits: u32,
    /// Its first segment in the table.
    pub first_segment: usize,
    pub(crate) curve: Curve,
}

/// Most bits that select a segment.
pub const INDEX_BITS: u32 = 7;

impl Region {
    /// All regions, in the order of their numbers.
    pub fn all() -> Vec<Region> {
        let mut regions: Vec<Region> = vec![];
        let mut add = |curve: Curve, index_bits: u32| {
            let first_segment = regions.last().map_or(0, |last| last.first_segment + last.segments());
            regions.push(Region { index_bits, first_segment, curve });
        };
        add(Curve::Reciprocal, 7);
        for scale in [1.0, 2.0] {
            add(Curve::Sqrt { scale }, 6);
        }
        for scale in [1.0, 2.0] {
            add(Curve::ReciprocalSqrt { scale }, 6);
        }
        for base in [Base::E, Base::Two] {
            add(Curve::Log { base }, 6);
            for depth in 1..=ABOVE_ONE_REGIONS as i32 {
                add(Curve::LogAboveOne { base, binade: -1 - depth }, index_bits(depth, [4, 4, 3, 3, 2, 2, 1]));
            }
            for depth in 1..=BELOW_ONE_REGIONS as i32 {
                add(Curve::LogBelowOne { base, binade: -2 - depth }, index_bits(depth, [5, 4, 3, 2, 2, 1]));
            }
        }
        for depth in 1..=TANH_REGIONS as i32 {
            add(Curve::Tanh { binade: -1 - depth }, index_bits(depth, [4, 4, 3, 2, 1, 1, 0]));
        }
        add(Curve::Identity, 0);
        for n in 1..=LOGISTIC_REGIONS as i32 {
            add(Curve::Logistic { n }, 5);
        }
        add(Curve::Exponential, 5);
        regions
    }

    /// Segments of the region.
    pub fn segments(&self) -> usize {
        1 << self.index_bits
    }
}

/// The `depth`-th of a list, from 1; 0 past its end: the smaller the argument, the straighter the curve.
fn index_bits<const N: usize>(depth: i32, list: [u32; N]) -> u32 {
    list.get(depth as usize - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_their_curves() {
        let regions = Region::all();
        let curve = |number: usize| regions[number].curve;
        assert_eq!(curve(RECIPROCAL), Curve::Reciprocal);
        assert_eq!(curve(SQRT + 1), Curve::Sqrt { scale: 2.0 });
        assert_eq!(curve(RECIPROCAL_SQRT), Curve::ReciprocalSqrt { scale: 1.0 });
        for (first, base) in [(LN, Base::E), (LOG2, Base::Two)] {
            assert_eq!(curve(first), Curve::Log { base });
            assert_eq!(curve(first + ABOVE_ONE), Curve::LogAboveOne { base, binade: -2 });
            assert_eq!(curve(first + ABOVE_ONE + 21), Curve::LogAboveOne { base, binade: -23 });
            assert_eq!(curve(first + BELOW_ONE), Curve::LogBelowOne { base, binade: -3 });
            assert_eq!(curve(first + BELOW_ONE + 21), Curve::LogBelowOne { base, binade: -24 });
        }
        assert_eq!(curve(TANH), Curve::Tanh { binade: -2 });
        assert_eq!(curve(TANH + TANH_REGIONS), Curve::Identity);
        assert_eq!(curve(LOGISTIC), Curve::Logistic { n: 1 });
        assert_eq!((curve(EXPONENTIAL), regions.len()), (Curve::Exponential, EXPONENTIAL + 1));
        assert!(regions.iter().all(|region| region.index_bits <= INDEX_BITS));
    }
}
