//! Round: the sum of a vector lane becomes a number of the result's format. The last four stages of [`super::lane`].
//!
//! ```text
//!   magnitude --> normalise --> lower --> | significand | 32 discarded bits | lost |   FP16
//!                                         | significand | round | sticky    | lost |   FP32
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational, each stage                                                        |
//! | Numerics   | RNE; or stochastic to FP16: up where `random` is below the top 32 discarded bits |

use rtl::{Bundle, Signal, bundle, cat, lit, mux};

use super::VectorMode;
use super::lane::{Frame, Sum, VectorLaneOut};
use super::operand::Special;
use crate::format::{FP16, FP32, Format};
use crate::read_out::{Events, RANDOM_BITS, ResultFlags};
use crate::round::{Aligned, Normalised, normalise};

/// Steps of the normalisation in its first cycle.
const LONG_STEPS: [usize; 4] = [64, 32, 16, 8];

/// Steps in its second.
const SHORT_STEPS: [usize; 3] = [4, 2, 1];

/// Bits that are rounded: a significand of FP16 and what meets the random bits, or one of FP32 and more than enough.
const ROUNDED_BITS: usize = FP16.significand_bits() + RANDOM_BITS;

/// Bits between the two cycles of the normalisation.
const COARSE_BITS: usize = ROUNDED_BITS + 7;

bundle! {
    /// How a result leaves.
    pub(super) struct RoundingMode {
        /// As FP16, where there is a choice.
        pub fp16: Option<Signal>,
        pub stochastic: Signal,
        pub saturate: Signal,
        pub random: Signal,
    }
}

bundle! {
    /// After stage 5: the leading one within seven places of the top.
    pub(super) struct Coarse {
        word: Signal,
        lost: Signal,
        sign: Signal,
        subtracted: Signal,
        frame: Frame,
    }
}

bundle! {
    /// After stage 6: the leading one at the top, and how far a subnormal moves down.
    pub(super) struct Normal {
        distance: Signal,
        unrounded: Unrounded,
    }
}

bundle! {
    /// After stage 7: what is rounded to either format.
    pub(super) struct Unrounded {
        /// Begins with the significand.
        word: Signal,
        lost: Signal,
        /// Biased exponent less one; 0 for subnormals.
        exponent: Signal,
        tiny: Signal,
        sign: Signal,
        special: Special,
        mode: RoundingMode,
    }
}

impl RoundingMode {
    pub fn of(mode: &VectorMode, random: Signal, widest: Format) -> RoundingMode {
        RoundingMode {
            fp16: (widest != FP16).then(|| mode.fp16 | mode.result_fp16),
            stochastic: mode.stochastic,
            saturate: mode.saturate,
            random,
        }
    }

    /// One of two values, by the format of the result.
    fn choose<B: Bundle>(&self, fp16: B, widest: B) -> B {
        match self.fp16 {
            Some(narrow) => mux(narrow, fp16, widest),
            None => fp16,
        }
    }
}

impl Sum {
    /// Stage 5: the long steps towards the top.
    pub fn normalise(&self) -> Coarse {
        let Normalised { word, steps, lost } = normalise("long", self.magnitude, lit(0, 1), &LONG_STEPS, COARSE_BITS);
        let zeros = cat([cat(steps), lit(0, SHORT_STEPS.len())]);
        let exponent = self.frame.exponent - zeros.zero_extend(self.frame.exponent.width());
        Coarse {
            word,
            lost,
            sign: self.sign,
            subtracted: self.subtracted,
            frame: Frame { exponent, ..self.frame.clone() },
        }
    }
}

impl Coarse {
    /// Stage 6: the short steps; then how far the number lies below the format's normal range.
    pub fn normalise(&self, widest: Format) -> Normal {
        let Frame { exponent, special, mode } = self.frame.clone();
        let Normalised { word, steps, lost } = normalise("short", self.word, lit(0, 1), &SHORT_STEPS, ROUNDED_BITS);
        let zero = (!word.msb()).named("zero");
        let bits = exponent.width();
        let exponent = (exponent - cat(steps).zero_extend(bits)).named("exponent");
        let lowest = mode.choose(lit(1 + widest.bias() - FP16.bias(), bits), lit(1, bits));
        let above_lowest = (exponent - lowest).named("above_lowest");
        let tiny = above_lowest.msb().named("tiny");

        // A tiny number moves down until, at the most, all of it is lost.
        let distance = (-above_lowest).named("distance");
        let distance = mux(distance.gt(ROUNDED_BITS), lit(ROUNDED_BITS, bits), distance) & tiny.repeat(bits);
        let exponent_bits = widest.exponent_bits + 1;
        let unrounded = Unrounded {
            word,
            lost: self.lost | lost,
            exponent: above_lowest.truncate(exponent_bits) & (!tiny & !zero).repeat(exponent_bits),
            tiny,
            sign: self.sign & !(zero & self.subtracted),
            special,
            mode,
        };
        let distance = distance.truncate(ROUNDED_BITS.ilog2() as usize + 1).named("limited_distance");
        Normal { distance, unrounded }
    }
}

impl Normal {
    /// Stage 7: a subnormal to its place.
    pub fn lower(&self) -> Unrounded {
        let unrounded = self.unrounded.clone();
        let lowered = cat([unrounded.word, lit(0, ROUNDED_BITS)]).shift_right(self.distance).named("lowered");
        let lost = (unrounded.lost | lowered.bits(0..ROUNDED_BITS).any()).named("lowered_lost");
        Unrounded { word: lowered.bits(ROUNDED_BITS..2 * ROUNDED_BITS), lost, ..unrounded }
    }
}

impl Unrounded {
    /// Stage 8: rounding, or what stands for the number.
    pub fn round(&self, widest: Format) -> VectorLaneOut {
        let fp16 = self.round_to("fp16", FP16, widest);
        if widest == FP16 { fp16 } else { self.mode.choose(fp16, self.round_to("fp32", FP32, widest)) }
    }

    /// Rounds to a format; FP16 stochastically, if asked to.
    fn round_to(&self, name: &str, format: Format, widest: Format) -> VectorLaneOut {
        let part = |part: &str, signal: Signal| signal.named(format!("{name}_{part}"));
        let Special { nan, infinite, sign, invalid, nan_operand } = self.special;
        let aligned = Aligned::split(self.word, format);
        let aligned = Aligned { sticky: part("sticky", aligned.sticky | self.lost), ..aligned };
        let round_up = if format == FP16 {
            // The word ends with the bits that meet the random ones.
            let random_up = part("random_up", self.mode.random.lt(self.word.bits(0..RANDOM_BITS)));
            mux(self.mode.stochastic, random_up, aligned.nearest_even())
        } else {
            aligned.nearest_even()
        };
        let rounded = aligned.round(name, self.exponent, round_up);
        let magnitude_bits = format.bits() - 1;

        let ordinary = part("ordinary", !nan & !infinite);
        let beyond = rounded.ge(lit(format.infinity(), rounded.width()));
        let overflow = part("overflow", beyond & ordinary);
        let inexact = part("inexact", (aligned.inexact() | overflow) & ordinary);
        let underflow = part("underflow", self.tiny & inexact);

        let (infinity, largest) = (lit(format.infinity(), magnitude_bits), lit(format.infinity() - 1, magnitude_bits));
        let limit = part("limit", mux(self.mode.saturate & !infinite, largest, infinity));
        let magnitude = part("magnitude", mux(infinite | overflow, limit, rounded.truncate(magnitude_bits)));
        let number = cat([mux(infinite, sign, self.sign), magnitude]);
        let result = part("result", mux(nan, lit(format.canonical_nan(), format.bits()), number));
        VectorLaneOut {
            result: result.zero_extend(widest.bits()),
            flags: ResultFlags { invalid, overflow, underflow, inexact },
            events: Events {
                nan: nan & !nan_operand,
                overflow,
                zeroed: part("zeroed", underflow & magnitude.is_zero()),
            },
        }
    }
}
