//! Rounding: the one place where an exact value becomes a number of a format.

use crate::flags::Flags;
use crate::format::Format;

/// How a value between two numbers of the format is rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rounding {
    /// To the nearest number; of two equally near, to the one whose last bit is 0 (RNE).
    #[default]
    NearestEven,
    /// Away from zero with a probability equal to the discarded fraction of a unit in the last place: rounds up
    /// where `random` is less than the top 32 discarded bits. Further discarded bits have no influence.
    Stochastic {
        /// 32 uniformly distributed bits.
        random: u32,
    },
}

/// What a result beyond the largest finite number becomes. Both raise OF and NX.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overflow {
    /// The infinity of its sign.
    #[default]
    ToInfinity,
    /// The largest finite number of its sign. An operand that is infinite already stays infinite.
    Saturate,
}

/// An exact finite value before its only rounding: `magnitude * 2^exponent`, negated if `negative`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unrounded {
    /// The sign. It also gives the sign of a result that is zero.
    pub negative: bool,
    /// The magnitude, or its top 128 bits.
    pub magnitude: u128,
    /// Weight of the magnitude's bit 0, as a power of two.
    pub exponent: i32,
    /// Non-zero bits lie below the magnitude's bit 0. Only where the magnitude's bit 127 is set.
    pub sticky: bool,
}

impl Unrounded {
    /// Rounds to `format`: the bit pattern, and OF, UF, NX.
    #[inline]
    pub fn round(self, format: Format, rounding: Rounding, overflow: Overflow) -> (u32, Flags) {
        let Unrounded { negative, magnitude, exponent, sticky } = self;
        assert!(!sticky || magnitude >> 127 == 1, "bits may be folded into sticky only below 128 significant ones");
        if magnitude == 0 {
            return (format.sign_bit(negative), Flags::NONE);
        }

        // The last place: a fixed number of bits below the leading one, but never below the subnormals'.
        let leading_exponent = exponent + magnitude.ilog2() as i32;
        let tiny = leading_exponent < format.emin();
        let binade = leading_exponent.max(format.emin());
        let last_place = binade - format.fraction_bits as i32;

        let (kept, discarded) = split(magnitude, last_place - exponent);
        let inexact = discarded.is_nonzero() || sticky;
        let round_up = match rounding {
            Rounding::NearestEven => match discarded.compare_to_half() {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Equal => sticky || kept & 1 == 1,
                std::cmp::Ordering::Greater => true,
            },
            Rounding::Stochastic { random } => random < discarded.top_32(),
        };

        // The hidden bit adds one to the biased exponent, and so does a carry out of the fraction: both come by
        // plain addition. Subnormals have no hidden bit and biased exponent 0.
        let biased_binade = (binade - format.emin()) as u64;
        let encoded = (biased_binade << format.fraction_bits) + kept + u64::from(round_up);

        let mut flags = Flags { nx: inexact, uf: tiny && inexact, ..Flags::NONE };
        if encoded < u64::from(format.infinity(false)) {
            return (format.sign_bit(negative) | encoded as u32, flags);
        }
        flags |= Flags::OVERFLOW;
        match overflow {
            Overflow::ToInfinity => (format.infinity(negative), flags),
            Overflow::Saturate => (format.max_finite(negative), flags),
        }
    }
}

/// The part of a magnitude below the last place: `bits * 2^-width` of a unit in the last place, less than 1.
struct Discarded {
    bits: u128,
    width: u32,
}

/// Splits a magnitude `position` bits above its bit 0: the bits that are kept and those that are discarded.
/// A `position` of zero or less discards nothing.
#[inline]
fn split(magnitude: u128, position: i32) -> (u64, Discarded) {
    match position {
        ..=0 => ((magnitude << -position) as u64, Discarded { bits: 0, width: 0 }),
        1..=127 => {
            let bits = magnitude & ((1 << position) - 1);
            ((magnitude >> position) as u64, Discarded { bits, width: position as u32 })
        }
        128.. => (0, Discarded { bits: magnitude, width: position as u32 }),
    }
}

impl Discarded {
    fn is_nonzero(&self) -> bool {
        self.bits != 0
    }

    /// How the fraction compares with half a unit in the last place.
    fn compare_to_half(&self) -> std::cmp::Ordering {
        match self.width {
            0 => std::cmp::Ordering::Less,
            1..=128 => self.bits.cmp(&(1 << (self.width - 1))),
            _ => std::cmp::Ordering::Less,
        }
    }

    /// The fraction in units of 2^-32 of the last place, the rest cut off.
    fn top_32(&self) -> u32 {
        match self.width {
            0..=32 => (self.bits << (32 - self.width)) as u32,
            33..=159 => (self.bits >> (self.width - 32)) as u32,
            _ => 0,
        }
    }
}
