//! The oracle: exact integers without a width, and rounding by definition.
//!
//! It shares nothing with the code under test but the `Flags` struct. Where that extracts guard and sticky bits,
//! this enumerates: the bit patterns of a format ascend with their values, so the two neighbours of an exact value
//! are found by bisection over patterns, and the nearer one is the one that is less far.

use golden::Flags;
use num_bigint::{BigInt, BigUint, Sign};
use std::cmp::Ordering;

/// Every exact value is in units of 2^-149: FP32's smallest subnormal, of which FP16 and its products are multiples.
const UNIT: i32 = -149;
/// Units of 2^-48, in which exact accumulators count, as a shift from [`UNIT`].
pub const PRODUCT_SHIFT: u32 = (-48 - UNIT) as u32;

/// A format by its defining constants.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    fraction_bits: u32,
    exponent_bits: u32,
    smallest_exponent: i32,
    pub quiet_nan: u32,
}

pub const HALF: Type = Type { fraction_bits: 10, exponent_bits: 5, smallest_exponent: -24, quiet_nan: 0x7E00 };
pub const SINGLE: Type = Type { fraction_bits: 23, exponent_bits: 8, smallest_exponent: -149, quiet_nan: 0x7FC0_0000 };

impl Type {
    pub fn infinity(self) -> u32 {
        ((1 << self.exponent_bits) - 1) << self.fraction_bits
    }

    pub fn sign(self) -> u32 {
        1 << (self.fraction_bits + self.exponent_bits)
    }

    /// The value of a pattern without sign, in units of 2^-149. The infinity's pattern continues the finite ones:
    /// it counts as the power of two above the largest of them.
    pub fn magnitude(self, pattern: u32) -> BigUint {
        let fraction = BigUint::from(pattern % (1 << self.fraction_bits));
        let binade = pattern >> self.fraction_bits;
        let unit = (self.smallest_exponent - UNIT) as u32;
        if binade == 0 { fraction << unit } else { (fraction + (1u32 << self.fraction_bits)) << (unit + binade - 1) }
    }

    pub fn value(self, bits: u32) -> BigInt {
        let magnitude = BigInt::from(self.magnitude(bits & (self.sign() - 1)));
        if bits & self.sign() == 0 { magnitude } else { -magnitude }
    }

    pub fn is_nan(self, bits: u32) -> bool {
        bits & (self.sign() - 1) > self.infinity()
    }

    pub fn is_infinite(self, bits: u32) -> bool {
        bits & (self.sign() - 1) == self.infinity()
    }

    pub fn is_signalling(self, bits: u32) -> bool {
        self.is_nan(bits) && bits >> (self.fraction_bits - 1) & 1 == 0
    }

    /// The largest pattern, at most the infinity's, whose value does not exceed `magnitude`.
    pub fn floor(self, magnitude: &BigUint) -> u32 {
        let (mut low, mut high) = (0, self.infinity() + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.magnitude(middle) <= *magnitude { low = middle } else { high = middle }
        }
        low
    }

    /// Rounds to nearest even. A zero is +0.
    pub fn nearest(self, exact: &BigInt) -> (u32, Flags) {
        self.round(exact, |below, above| match below.cmp(above) {
            Ordering::Less => Some(false),
            Ordering::Equal => None,
            Ordering::Greater => Some(true),
        })
    }

    /// Rounds away from zero where `random / 2^32` is less than the fraction of the gap that lies below the value,
    /// the fraction cut off to 32 bits.
    pub fn stochastic(self, exact: &BigInt, random: u32) -> (u32, Flags) {
        self.round(exact, |below, above| Some(BigUint::from(random) < fraction_32(below, above)))
    }

    /// `away` is given the distances to the neighbours below and above; `None` is a tie, which goes to even.
    fn round(self, exact: &BigInt, away: impl Fn(&BigUint, &BigUint) -> Option<bool>) -> (u32, Flags) {
        let sign = if exact.sign() == Sign::Minus { self.sign() } else { 0 };
        let magnitude = exact.magnitude();
        let below = self.floor(magnitude);
        let to_below = magnitude - self.magnitude(below);
        let inexact = to_below != BigUint::ZERO;
        let mut pattern = below;
        if inexact && below < self.infinity() {
            let to_above = self.magnitude(below + 1) - magnitude;
            pattern += u32::from(away(&to_below, &to_above).unwrap_or(below % 2 == 1));
        }
        let of = pattern >= self.infinity();
        let smallest_normal = 1 << self.fraction_bits;
        let uf = inexact && *magnitude < self.magnitude(smallest_normal);
        (sign | pattern, Flags { of, uf, nx: inexact || of, ..Flags::NONE })
    }
}

/// `below / (below + above)` in units of 2^-32, the rest cut off.
pub fn fraction_32(below: &BigUint, above: &BigUint) -> BigUint {
    (below << 32u32) / (below + above)
}

/// One product, by cases.
#[derive(Clone, Debug, PartialEq)]
pub enum Product {
    Nan { invalid: bool },
    Infinite { negative: bool },
    Finite { negative: bool, value: BigInt },
}

pub fn product(x: u16, w: u16) -> Product {
    let (x, w) = (u32::from(x), u32::from(w));
    let negative = (x & HALF.sign() != 0) != (w & HALF.sign() != 0);
    let zero = |bits: u32| bits & 0x7FFF == 0;
    if HALF.is_nan(x) || HALF.is_nan(w) {
        Product::Nan { invalid: HALF.is_signalling(x) || HALF.is_signalling(w) }
    } else if HALF.is_infinite(x) && zero(w) || zero(x) && HALF.is_infinite(w) {
        Product::Nan { invalid: true }
    } else if HALF.is_infinite(x) || HALF.is_infinite(w) {
        Product::Infinite { negative }
    } else {
        // Both values are in units of 2^-149: their product is in units of 2^-298.
        let value: BigInt = (HALF.value(x) * HALF.value(w)) >> (-UNIT as u32);
        Product::Finite { negative, value }
    }
}

/// One step of the FP32 accumulator.
pub fn step(accumulator: u32, x: &[u16], w: &[u16], enabled: u32) -> (u32, Flags) {
    let terms = (0..x.len()).filter(|i| enabled >> i & 1 == 1);
    let products: Vec<Product> = terms.map(|i| product(x[i], w[i])).collect();

    let any = |wanted: Product| products.contains(&wanted);
    let plus = any(Product::Infinite { negative: false }) || accumulator == SINGLE.infinity();
    let minus = any(Product::Infinite { negative: true }) || accumulator == SINGLE.infinity() | SINGLE.sign();
    let invalid = any(Product::Nan { invalid: true }) || plus && minus || SINGLE.is_signalling(accumulator);
    let nan = invalid || any(Product::Nan { invalid: false }) || SINGLE.is_nan(accumulator);
    if nan {
        return (SINGLE.quiet_nan, Flags { nv: invalid, ..Flags::NONE });
    }
    if plus || minus {
        return (SINGLE.infinity() | if minus { SINGLE.sign() } else { 0 }, Flags::NONE);
    }

    let mut exact = SINGLE.value(accumulator);
    let mut every_zero_negative = accumulator == SINGLE.sign();
    for product in &products {
        let Product::Finite { negative, value } = product else { unreachable!("the others have returned") };
        every_zero_negative &= *negative && *value == BigInt::ZERO;
        exact += value;
    }
    if every_zero_negative { (SINGLE.sign(), Flags::NONE) } else { SINGLE.nearest(&exact) }
}
