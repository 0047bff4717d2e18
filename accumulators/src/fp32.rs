//! FP32 accumulator: adds a dot product to an FP32 number and rounds once, to nearest even.
//!
//! ```text
//!            +----------------+
//!  sum ----->|                |----> state     FP32
//!  class --->| Fp32Accumulate |----> flags     invalid, inexact
//!  state --->|                |
//!            +----------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 4 from `state`; the products come one cycle after it        |
//! | Throughput | one step a cycle                                                                 |
//! | Handshake  | none                                                                             |
//! | Numerics   | RNE(state + sum), one rounding; subnormals kept; NaN is 0x7FC00000               |
//!
//! The sum is added in one fixed-point window that reaches from 2^-74 to 2^61:
//!
//! ```text
//!   bit 136   135 .................. 26 | 25 ............... 0
//!       sign  2^61 ............... 2^-48 | 2^-49 ........ 2^-74
//!             state, where its last place is 2^-74 .. 2^37
//!                         sum, sign-extended, LSB 2^-48
//! ```
//! A state above the window (last place 2^38 or more) exceeds any sum by so much that RNE returns the state: sums are
//! below 2^36, less than a quarter of the last place (half a step even below a power of two). A state that reaches below the window (last place under
//! 2^-74) is below 2^-50. Against a sum that is not zero, at least 2^-48, the result's last place is then at least
//! 2^-72, so bits below 2^-74 matter only in that they are there: they are ORed into the lowest bit. A sum of zero
//! returns the state as it is. So every case is exact before the one rounding.

use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use crate::dot_product::{DotProductOut, SumClass, sum_bits};
use crate::format::{FIXED_LSB_EXPONENT, FP32};
use crate::lane::{AccumulateIn, AccumulateOut, StepFlags};
use crate::round::{Aligned, leading_zeros};
use crate::unpack::{Unpacked, unpack};

/// Cycles from the state to the new state.
pub const LATENCY_CYCLES: usize = 4;

/// Bits of the window below the sum's LSB.
const GUARD_BITS: usize = 26;

/// Bits of the window without its sign.
const WINDOW_BITS: usize = 136;

/// Weight of the window's lowest bit, as a power of two: 2^-74.
const WINDOW_LSB_EXPONENT: i32 = FIXED_LSB_EXPONENT - GUARD_BITS as i32;

/// Biased exponent of a state whose last place is the window's lowest bit: its last place weighs 2^(exponent - 150).
const LOWEST_EXPONENT: u64 = (WINDOW_LSB_EXPONENT + FP32.bias() + FP32.fraction_bits as i32) as u64;

/// Biased exponent from which a state stands above the window.
const ABOVE_EXPONENT: u64 = (38 + FP32.bias() + FP32.fraction_bits as i32) as u64;

/// An FP32 accumulator for dot products of `terms` pairs.
#[derive(Clone, Copy, Debug)]
pub struct Fp32Accumulate {
    /// Pairs in a dot product.
    pub terms: usize,
}

bundle! {
    /// The state in the window.
    struct Placed {
        /// Magnitude, its lowest bit sticky.
        magnitude: Signal,
        sign: Signal,
        /// Too large for the window: the result is the state.
        above: Signal,
        zero: Signal,
        nan: Signal,
        signalling: Signal,
        infinite: Signal,
        /// The state itself.
        number: Signal,
    }
}

bundle! {
    /// A result that does not come from the window.
    struct Direct {
        /// The result is `number`.
        valid: Signal,
        number: Signal,
        invalid: Signal,
        inexact: Signal,
    }
}

impl Module for Fp32Accumulate {
    type In = AccumulateIn;
    type Out = AccumulateOut;

    fn name(&self) -> String {
        format!("fp32_accumulate_t{}", self.terms)
    }

    fn inputs(&self, ports: &Ports) -> AccumulateIn {
        AccumulateIn {
            products: DotProductOut {
                sum: ports.input("products_sum", sum_bits(self.terms)),
                class: SumClass::ports(&ports.nested("products_class")),
            },
            state: ports.input("state", FP32.bits()),
        }
    }

    fn build(&self, m: &Builder, io: AccumulateIn) -> AccumulateOut {
        m.summary("Adds a dot product to an FP32 accumulator with one rounding.");
        let DotProductOut { sum, class } = io.products;

        // Stage 1, while the products are still being summed: the state takes its place in the window.
        let placed = place(io.state).register_all("placed");

        // Stage 2: one addition; a negative state is complemented, its carry fits the window's empty low bit of the
        // sum. Beside it: is the result something else than the rounded sum?
        let addend = placed.magnitude.zero_extend(WINDOW_BITS + 1) ^ placed.sign.repeat(WINDOW_BITS + 1);
        let addend = addend.named("addend");
        let sum_zero = sum.is_zero().named("sum_zero");
        let carry = placed.sign.zero_extend(GUARD_BITS);
        let sum_and_carry = cat([sum.sign_extend(WINDOW_BITS + 1 - GUARD_BITS), carry]).named("sum_and_carry");
        let total = (sum_and_carry + addend).register("total");
        let direct_2 = direct(&placed, &class, sum_zero).register_all("direct_2");

        // Stage 3: sign and magnitude.
        let sign_3 = total.msb().register("sign_3");
        let low_bits = total.bits(0..WINDOW_BITS);
        let magnitude =
            ((low_bits ^ total.msb().repeat(WINDOW_BITS)) + total.msb().zero_extend(WINDOW_BITS)).register("magnitude");
        let direct_3 = direct_2.register_all("direct_3");

        // Stage 4: the leading one to the top. Bit 135 weighs 2^61; no result of the window is subnormal.
        let shift = leading_zeros("magnitude", magnitude).named("normalising_shift");
        let normalised = magnitude.shift_left(shift).named("normalised");
        let aligned = Aligned::split(normalised, FP32).register_all("aligned_4");
        let top_exponent = (WINDOW_LSB_EXPONENT + WINDOW_BITS as i32 - 1 + FP32.bias()) as u64;
        // One less than the biased exponent: the hidden bit adds it back.
        let exponent = (lit(top_exponent - 1, 8) - shift).register("exponent_4");
        let sign_4 = sign_3.register("sign_4");
        let direct_4 = direct_3.register_all("direct_4");

        // Stage 5, without a register at its end: rounding. A window that cancelled to nothing has no leading one: +0.
        let rounded = cat([sign_4, aligned.round_nearest_even("window", exponent)]);
        let cancelled = (!aligned.significand.msb()).named("cancelled");
        let from_window = mux(cancelled, lit(0, 32), rounded);
        let state = mux(direct_4.valid, direct_4.number, from_window);
        let inexact = mux(direct_4.valid, direct_4.inexact, aligned.inexact());
        AccumulateOut {
            next_state: state,
            flags: StepFlags { invalid: direct_4.invalid, inexact, headroom: lit(0, 1) },
        }
    }
}

/// The state's significand at its place in the window.
fn place(number: Signal) -> Placed {
    let Unpacked { sign, exponent, significand, zero, infinite, nan, signalling } = unpack("state", number, FP32);

    // At or above the lowest place: left by up to 111, exactly.
    let distance = (exponent - lit(LOWEST_EXPONENT, 8)).bits(0..7).named("distance");
    let raised = significand.zero_extend(WINDOW_BITS).shift_left(distance).named("raised");

    // Below it: right by up to 75; what is lost is sticky.
    let below = exponent.lt(LOWEST_EXPONENT).named("below");
    let distance_below = (-distance).named("distance_below");
    let lowered = cat([significand, lit(0, 24)]).shift_right(distance_below).named("lowered");
    let all_lost = distance_below.ge(48).named("all_lost");
    let lowered_sticky = (lowered.bits(0..24).any() | (all_lost & !zero)).named("lowered_sticky");
    let lowered = lowered.bits(24..48) | lowered_sticky.zero_extend(24);

    Placed {
        magnitude: mux(below, lowered.zero_extend(WINDOW_BITS), raised),
        sign,
        above: exponent.ge(ABOVE_EXPONENT).named("above"),
        zero,
        nan,
        signalling,
        infinite,
        number,
    }
}

/// Results that bypass the window: NaN, infinities, states above the window, and sums of zero.
fn direct(state: &Placed, class: &SumClass, sum_zero: Signal) -> Direct {
    let positive_infinity = (class.positive_infinity | (state.infinite & !state.sign)).named("positive_infinity");
    let negative_infinity = (class.negative_infinity | (state.infinite & state.sign)).named("negative_infinity");
    let infinities_meet = (positive_infinity & negative_infinity).named("infinities_meet");
    let nan = (class.nan | state.nan | infinities_meet).named("nan");
    let infinite = (positive_infinity | negative_infinity).named("infinite");

    // A zero state plus a zero sum is -0 only if the state and every product are.
    let zero = cat([(state.sign & class.all_negative_zero).named("negative_zero"), lit(0, 31)]);
    let kept = mux(state.zero, zero, state.number).named("kept");
    let infinity = cat([negative_infinity, lit(FP32.infinity(), 31)]);
    let number = mux(nan, lit(FP32.canonical_nan(), 32), mux(infinite, infinity, kept));
    Direct {
        valid: nan | infinite | state.above | sum_zero,
        number,
        invalid: class.invalid | infinities_meet | state.signalling,
        inexact: state.above & !sum_zero & !nan & !infinite,
    }
}
