//! Partial sum: an FP32 number becomes the state of an accumulator.
//!
//! ```text
//!             +--------------+
//!  number --->| ExactPartial |----> state, invalid, overflow, inexact
//!             +--------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational                                                                    |
//! | Numerics   | RNE to the 2^-48 grid; beyond the range the infinity of its sign; NaN is sticky; |
//! |            | a small number raises inexact only, never underflow                              |
//!
//! (The FP32 accumulator's state is the number itself, bit for bit.)

use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

use crate::exact::ExactState;
use crate::format::{FIXED_LSB_EXPONENT, FP32};
use crate::unpack::unpack;

/// Biased exponent of a number whose last place weighs 2^-48.
const GRID_EXPONENT: u64 = (FIXED_LSB_EXPONENT + FP32.bias() + FP32.fraction_bits as i32) as u64;

/// FP32 to an exact accumulator of `bits` bits.
#[derive(Clone, Copy, Debug)]
pub struct ExactPartial {
    /// Width of the number in the state.
    pub bits: usize,
}

bundle! {
    /// The partial sum.
    pub struct PartialIn {
        /// FP32.
        pub number: Signal,
    }
}

bundle! {
    /// The state and its flags.
    pub struct PartialOut {
        /// As [`ExactState::pack`] makes it.
        pub state: Signal,
        /// Signalling NaN.
        pub invalid: Signal,
        /// Beyond the range.
        pub overflow: Signal,
        /// Rounded, or beyond the range.
        pub inexact: Signal,
    }
}

impl Module for ExactPartial {
    type In = PartialIn;
    type Out = PartialOut;

    fn name(&self) -> String {
        format!("exact{}_partial", self.bits)
    }

    fn inputs(&self, ports: &Ports) -> PartialIn {
        PartialIn { number: ports.input("number", FP32.bits()) }
    }

    fn build(&self, m: &Builder, io: PartialIn) -> PartialOut {
        m.summary("Rounds an FP32 partial sum to the grid of the exact accumulator.");
        let number = unpack("number", io.number, FP32);
        let bits = self.bits;

        // On the grid: left by exponent - 102, exactly. A normal number leaves the range where its leading one
        // reaches the sign bit, except the lowest number of the range itself.
        let distance = (number.exponent - lit(GRID_EXPONENT, 8)).named("distance");
        let raised = number.significand.zero_extend(bits).shift_left(distance).named("raised");
        let limit = GRID_EXPONENT + (bits - FP32.significand_bits()) as u64;
        let fraction_zero = number.significand.bits(0..FP32.fraction_bits).is_zero();
        let lowest = (number.exponent.eq(limit) & number.sign & fraction_zero).named("lowest");
        let beyond = (number.exponent.ge(limit) & !lowest & !number.nan & !number.infinite).named("beyond");

        // Below it: right, to nearest even. Past 25 places nothing but a sticky bit remains, as at 25.
        let below = number.exponent.lt(GRID_EXPONENT).named("below");
        let distance_below = -distance;
        let distance_below = mux(distance_below.gt(25), lit(25, 8), distance_below).bits(0..5).named("distance_below");
        let lowered = cat([number.significand, lit(0, 25)]).shift_right(distance_below).named("lowered");
        let (kept, round, sticky) = (lowered.bits(25..49), lowered.bit(24), lowered.bits(0..24).any());
        let (round, sticky) = (round.named("round"), sticky.named("sticky"));
        let round_up = (round & (sticky | kept.bit(0))).named("round_up");
        let rounded = (kept + round_up.zero_extend(24)).named("rounded");

        let magnitude = mux(below, rounded.zero_extend(bits), raised).named("magnitude");
        let finite = (!(number.nan | number.infinite | beyond)).named("finite");
        let signed = (magnitude ^ number.sign.repeat(bits)) + number.sign.zero_extend(bits);
        let signed = signed.named("signed_magnitude");
        let infinite = (number.infinite | beyond).named("infinite");
        let state = ExactState {
            negative_infinity: infinite & number.sign,
            positive_infinity: infinite & !number.sign,
            nan: number.nan,
            number: signed & finite.repeat(bits),
        };
        PartialOut {
            state: state.pack(),
            invalid: number.signalling,
            overflow: beyond,
            inexact: beyond | (below & (round | sticky)),
        }
    }
}
