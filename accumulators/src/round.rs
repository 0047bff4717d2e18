//! Normalisation and rounding to nearest even: the one place where bits are discarded.
//!
//! ```text
//!   word --> leading_zeros --> shift by the caller --> Aligned::split --> register --> round_nearest_even
//!                                                        | significand | round | sticky |
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational, each of the three                                                 |
//! | Numerics   | RNE: up where `round` and (`sticky` or the last bit); a carry moves the exponent |
//! | Does not   | detect overflow, underflow, or a word of zeros: the caller does                  |

use rtl::{Signal, bundle, cat, lit, mux};

use crate::format::Format;

/// Number of zeros above the most significant one. The result of a zero is meaningless.
///
/// Halves the word at each step: if the upper half is zero, its length counts and the lower half is looked at. What
/// is looked at is named `name`, `_top_` and its length. These are a few wide steps, short in Verilog and quick to
/// simulate, where the generic tree (`rtl::generic::tree`) joins counts from single bits up.
#[track_caller]
pub fn leading_zeros(name: &str, word: Signal) -> Signal {
    let padded = word.width().next_power_of_two().max(2);
    let mut rest = if padded == word.width() { word } else { cat([word, lit(0u64, padded - word.width())]) };
    let mut count = vec![];
    while rest.width() > 1 {
        let half = rest.width() / 2;
        let (upper, lower) = (rest.bits(half..2 * half), rest.bits(0..half));
        let upper_is_zero = upper.is_zero();
        count.push(upper_is_zero);
        rest = mux(upper_is_zero, lower, upper).named(format!("{name}_top_{half}"));
    }
    cat(count)
}

bundle! {
    /// A magnitude, shifted so that the bits that are kept are on top.
    pub struct Aligned {
        /// The bits that are kept: as many as the significand of the format, hidden bit on top (zero if subnormal).
        pub significand: Signal,
        /// The first bit that is discarded.
        pub round: Signal,
        /// Any further bit that is discarded is one.
        pub sticky: Signal,
    }
}

impl Aligned {
    /// Splits a word at the format's precision.
    pub fn split(word: Signal, format: Format) -> Aligned {
        let low = word.width() - format.significand_bits();
        Aligned {
            significand: word.bits(low..word.width()),
            round: word.bit(low - 1),
            sticky: word.bits(0..low - 1).any(),
        }
    }

    /// Anything is discarded.
    pub fn inexact(&self) -> Signal {
        self.round | self.sticky
    }

    /// Exponent and fraction, rounded to nearest even. `biased_exponent` is that of a number with the hidden bit
    /// set, less one, so that the hidden bit supplies the last one: a carry out of the fraction then moves the
    /// exponent on, a subnormal stays at exponent zero, and a subnormal that rounds up to a normal becomes one. Names
    /// begin with `name`.
    #[track_caller]
    pub fn round_nearest_even(&self, name: &str, biased_exponent: Signal) -> Signal {
        let fraction_bits = self.significand.width() - 1;
        let round_up = (self.round & (self.sticky | self.significand.bit(0))).named(format!("{name}_round_up"));
        let width = biased_exponent.width() + fraction_bits;
        let truncated = cat([biased_exponent, lit(0u64, fraction_bits)]) + self.significand.zero_extend(width);
        (truncated + round_up.zero_extend(width)).named(format!("{name}_rounded"))
    }
}
