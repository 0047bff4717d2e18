//! Normalisation and rounding to nearest even: the one place where bits are discarded.
//!
//! ```text
//!   word --> leading_zeros --> shift by the caller --> Aligned::split --> register --> round_nearest_even
//!                                                        | significand | round | sticky |
//! ```
//! [`normalise`] does the first two in one, and drops bits on the way; [`Aligned::round_complement`] rounds a magnitude
//! that is a complement without its one.
//!
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational, each of them                                                      |
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
    /// A word whose leading one is at the top, or as near as the steps reach.
    pub struct Normalised {
        /// What is kept of it.
        pub word: Signal,
        /// By how much it was shifted: one bit a step, in the order of the steps.
        pub steps: Vec<Signal>,
        /// A bit that differs from the fill was dropped.
        pub lost: Signal,
    }
}

/// Shifts left in steps, each where as many bits at the top are zero, and keeps the top `keep` bits in the end. What no
/// further step can bring back to the top is dropped on the way, so that the word narrows with each step. `fill` comes
/// in at the right, and stands for all that would follow there.
#[track_caller]
pub fn normalise(name: &str, word: Signal, fill: Signal, steps: &[usize], keep: usize) -> Normalised {
    let (mut word, mut taken, mut lost) = (word, vec![], lit(0, 1));
    for (i, &step) in steps.iter().enumerate() {
        let reach: usize = steps[i + 1..].iter().sum();
        let width = word.width().min(keep + reach);
        let dropped = word.width() - width;
        assert!(dropped <= step, "a step of {step} drops {dropped} bits of those that it shifts");
        let top = word.bits(dropped..word.width());
        let shifted = cat([word, fill.repeat(step)]).bits(dropped..dropped + width);
        let top_is_zero = word.bits(word.width() - step..word.width()).is_zero().named(format!("{name}_step_{i}"));
        if dropped > 0 {
            let differs = (word.bits(0..dropped) ^ fill.repeat(dropped)).any();
            lost = lost | (!top_is_zero & differs);
        }
        word = mux(top_is_zero, shifted, top).named(format!("{name}_after_{i}"));
        taken.push(top_is_zero);
    }
    Normalised { word, steps: taken, lost: lost.named(format!("{name}_lost")) }
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
        self.round(name, biased_exponent, self.nearest_even())
    }

    /// To nearest even, the significand goes up.
    pub fn nearest_even(&self) -> Signal {
        self.round & (self.sticky | self.significand.bit(0))
    }

    /// As [`Aligned::round_nearest_even`], of a complement that `one` completes: a one at the very end, where
    /// `sticky` says that a bit which is discarded is zero. With none, the one runs up to the round bit and is there
    /// added. Beside the number: whether it is inexact.
    #[track_caller]
    pub fn round_complement(&self, name: &str, biased_exponent: Signal, one: Signal) -> (Signal, Signal) {
        let carry = (one & !self.sticky).named(format!("{name}_carry"));
        let last = self.significand.bit(0);
        let round_up = (self.round & (self.sticky | last)) | (carry & (self.round | last));
        (self.round(name, biased_exponent, round_up), (self.round ^ carry) | self.sticky)
    }

    /// As [`Aligned::round_nearest_even`], where another has decided whether the significand goes up.
    #[track_caller]
    pub fn round(&self, name: &str, biased_exponent: Signal, round_up: Signal) -> Signal {
        let round_up = round_up.named(format!("{name}_round_up"));
        let fraction_bits = self.significand.width() - 1;
        let width = biased_exponent.width() + fraction_bits;
        let truncated = cat([biased_exponent, lit(0u64, fraction_bits)]) + self.significand.zero_extend(width);
        (truncated + round_up.zero_extend(width)).named(format!("{name}_rounded"))
    }
}
