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
//! | Latency    | [`Fp32Accumulate::latency_cycles`]: 3 from `state`, on an FPGA 5; the products   |
//! |            | come [`Fp32Accumulate::products_cycles`] after it: 1, on an FPGA 2               |
//! | Throughput | one step a cycle                                                                 |
//! | Handshake  | none                                                                             |
//! | Numerics   | RNE(state + sum), one rounding; subnormals kept; NaN is 0x7FC00000               |
//!
//! The sum is added in one fixed-point window that reaches up from 2^-74, with four terms to 2^58:
//!
//! ```text
//!   bit 133   132 .................. 26 | 25 ............... 0
//!       sign  2^58 .............. 2^-48 | 2^-49 ........ 2^-74
//!             state, where its last place is 2^-74 .. 2^35
//!                         sum, sign-extended, LSB 2^-48
//! ```
//! A state above the window exceeds any sum by so much that RNE returns the state: a sum of four is below 2^34, less
//! than a quarter of the last place (half a step even below a power of two). A state that reaches below the window
//! (last place under 2^-74) is below 2^-50. Against a sum that is not zero, at least 2^-48, the result's last place is
//! then at least 2^-72, so bits below 2^-74 matter only in that they are there: they are ORed into the lowest bit. A
//! sum of zero returns the state as it is. So every case is exact before the one rounding.
//!
//! Complements are never completed by a carry of their own. A negative state is complemented and leaves the total one
//! unit of the lowest bit short, so that the guard bits go around the adder as they are. Turning a negative total
//! into a magnitude takes one unit as well: of the two, none or one is left to add, and that one enters in rounding.

use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use crate::config::Target;
use crate::dot_product::{DotProductOut, SumClass, sum_bits};
use crate::format::{FIXED_LSB_EXPONENT, FP32};
use crate::lane::{AccumulateIn, AccumulateOut, StepFlags};
use crate::round::{Aligned, Normalised, normalise};
use crate::unpack::{Unpacked, unpack};

/// Bits of the window below the sum's LSB.
const GUARD_BITS: usize = 26;

/// Weight of the window's lowest bit, as a power of two: 2^-74.
const WINDOW_LSB_EXPONENT: i32 = FIXED_LSB_EXPONENT - GUARD_BITS as i32;

/// Biased exponent of a state whose last place is the window's lowest bit: its last place weighs 2^(exponent - 150).
const LOWEST_EXPONENT: u64 = (WINDOW_LSB_EXPONENT + FP32.bias() + FP32.fraction_bits as i32) as u64;

/// Bits of a state below the window that are looked at, to see whether there is any.
const STICKY_BITS: usize = FP32.significand_bits();

/// Low bits of the distance by which the state moves before its register.
const FINE_BITS: usize = 3;

/// First steps of the normalisation.
const LONG_STEPS: [usize; 2] = [64, 32];

/// Steps after them, before its register. With the second 8, a leading one anywhere in the window gets to the top.
const MIDDLE_STEPS: [usize; 3] = [16, 8, 8];

/// Steps after the register.
const SHORT_STEPS: [usize; 3] = [4, 2, 1];

/// Bits that are rounded: a significand and the round bit.
const ROUNDED_BITS: usize = FP32.significand_bits() + 1;

/// Bits that are left for the short steps.
const COARSE_BITS: usize = ROUNDED_BITS + 7;

/// Bits that are left for the middle steps.
const HALFWAY_BITS: usize = COARSE_BITS + 32;

/// An FP32 accumulator for dot products of `terms` pairs.
#[derive(Clone, Copy, Debug)]
pub struct Fp32Accumulate {
    /// Pairs in a dot product.
    pub terms: usize,
    /// What it is built for.
    pub target: Target,
}

bundle! {
    /// A state on its way into the window.
    struct Placed {
        /// Its significand, shifted by the low bits of the distance; zero if above the window.
        significand: Signal,
        /// The other bits of the distance.
        distance: Signal,
        sign: Signal,
        /// Too large for the window.
        above: Signal,
        /// Below the window, or some of it.
        below: Signal,
        zero: Signal,
        nan: Signal,
        signalling: Signal,
        infinite: Signal,
        /// The state itself.
        number: Signal,
    }
}

bundle! {
    /// A result that may not come from the window.
    struct Outside {
        /// The result is `number` in any case.
        special: Signal,
        /// The state is above the window: the result is `number`, inexact if there is a sum.
        above: Signal,
        /// The state reaches below the window: the result is `number` if there is no sum.
        below: Signal,
        number: Signal,
        /// Sign of the state.
        sign: Signal,
        invalid: Signal,
    }
}

bundle! {
    /// The magnitude after the first steps, and what else may be the result.
    struct Halfway {
        word: Signal,
        steps: Vec<Signal>,
        lost: Signal,
        sign: Signal,
        /// The magnitude is a complement that a one completes.
        complement: Signal,
        /// There is no sum.
        sum_zero: Signal,
        outside: Outside,
    }
}

bundle! {
    /// The magnitude before its last steps, or the result.
    struct Coarse {
        /// The result is in `word`.
        direct: Signal,
        word: Signal,
        /// Biased exponent of the word's top, less one.
        exponent: Signal,
        sign: Signal,
        /// The magnitude is a complement that a one completes.
        complement: Signal,
        lost: Signal,
        invalid: Signal,
        inexact: Signal,
    }
}

impl Fp32Accumulate {
    /// Cycles from the state to the new state.
    pub fn latency_cycles(&self) -> usize {
        match self.target {
            Target::StandardCells => 3,
            Target::Fpga => 5,
        }
    }

    /// Cycles from the state to the products.
    pub fn products_cycles(&self) -> usize {
        match self.target {
            Target::StandardCells => 1,
            Target::Fpga => 2,
        }
    }

    /// Biased exponent from which a state stands above the window: its last place is four times what a sum can be.
    fn above_exponent(&self) -> u64 {
        (sum_bits(self.terms) as i32 + 1 + FIXED_LSB_EXPONENT + FP32.bias() + FP32.fraction_bits as i32) as u64
    }

    /// Bits of the window without its sign.
    fn window_bits(&self) -> usize {
        (self.above_exponent() - LOWEST_EXPONENT) as usize + FP32.fraction_bits
    }
}

impl Module for Fp32Accumulate {
    type In = AccumulateIn;
    type Out = AccumulateOut;

    fn name(&self) -> String {
        self.target.module_name(format!("fp32_accumulate_t{}", self.terms))
    }

    fn inputs(&self, ports: &Ports) -> AccumulateIn {
        AccumulateIn {
            products: DotProductOut::ports(&ports.nested("products"), self.terms, self.target),
            state: ports.input("state", FP32.bits()),
        }
    }

    fn build(&self, m: &Builder, io: AccumulateIn) -> AccumulateOut {
        m.summary("Adds a dot product to an FP32 accumulator with one rounding.");
        let DotProductOut { sum, class } = io.products;
        let window_bits = self.window_bits();

        // Stage 1, while the products are placed: where the state belongs, and the first shifts.
        let placed = self.place(io.state).register_all("placed");

        // Stage 2: the other shifts and one addition. What a state has below the window is sticky. A negative one is
        // complemented and stays one short, so that the guard bits go around the adder.
        let significand = placed.significand.zero_extend(window_bits + STICKY_BITS);
        let raised = significand.shift_left(cat([placed.distance, lit(0, FINE_BITS)])).named("raised");
        let (sticky, magnitude) = (raised.bits(0..STICKY_BITS).any(), raised.bits(STICKY_BITS..raised.width()));
        let magnitude = magnitude | sticky.named("state_sticky").zero_extend(window_bits);
        let addend = magnitude.zero_extend(window_bits + 1) ^ placed.sign.repeat(window_bits + 1);
        let addend = self.target.cut(addend.named("addend"), "raised_addend");
        let placed = self.target.cut(placed, "raised");
        let upper = sum.plus(addend.bits(GUARD_BITS..window_bits + 1));
        let total = cat([upper, addend.bits(0..GUARD_BITS)]).register("total");
        let outside = outside(&placed, &class).register_all("outside");

        // Stage 3: sign and magnitude, complemented again without the one that it takes: a total that is one short
        // and negative is right as it is. Then the long steps of the normalisation.
        let sign = total.msb();
        let complement = (sign ^ outside.sign).named("complement");
        let magnitude = (total.bits(0..window_bits) ^ sign.repeat(window_bits)).named("magnitude");
        let Normalised { word, steps, lost } = normalise("long", magnitude, complement, &LONG_STEPS, HALFWAY_BITS);
        let upper = total.bits(GUARD_BITS..window_bits + 1);
        let sum_zero = (upper ^ outside.sign.repeat(upper.width())).is_zero().named("sum_zero");
        let halfway = Halfway { word, steps, lost, sign, complement, sum_zero, outside };
        let Halfway { word, steps: long, lost: long_lost, sign, complement, sum_zero, outside } =
            self.target.cut(halfway, "halfway");
        let Normalised { word, steps, lost } = normalise("middle", word, complement, &MIDDLE_STEPS, COARSE_BITS);
        let direct = (outside.special | outside.above | (outside.below & sum_zero)).named("direct");
        // Bit `window_bits - 1` weighs 2^top. One less than the biased exponent: the hidden bit adds it back.
        let top = (WINDOW_LSB_EXPONENT + window_bits as i32 - 1 + FP32.bias()) as u64;
        let [sixteen, eight, second_8] = steps[..] else { unreachable!("three steps") };
        let binary = cat([long[0], long[1], sixteen, eight, lit(0, SHORT_STEPS.len())]);
        let exponent = mux(second_8, lit(top - 1 - 8, 8), lit(top - 1, 8));
        let coarse = Coarse {
            direct,
            word: mux(direct, outside.number, word),
            exponent: exponent - binary.zero_extend(8),
            sign,
            complement,
            lost: long_lost | lost,
            invalid: outside.invalid,
            inexact: outside.above & !sum_zero & !outside.special,
        };
        let coarse = coarse.register_all("coarse");

        // Stage 4, without a register at its end: the short steps and rounding. A total of zero has no leading one: +0.
        let Normalised { word, steps, lost } =
            normalise("short", coarse.word, coarse.complement, &SHORT_STEPS, ROUNDED_BITS);
        let significand = word.bits(1..ROUNDED_BITS);
        let aligned = Aligned { significand, round: word.bit(0), sticky: (lost | coarse.lost).named("sticky") };
        let exponent = (coarse.exponent - cat(steps).zero_extend(8)).named("exponent");
        let (rounded, inexact) = aligned.round_complement("window", exponent, coarse.complement);
        let cancelled = (!significand.msb()).named("cancelled");
        let from_window = cat([coarse.sign, rounded]) & (!cancelled).repeat(FP32.bits());
        AccumulateOut {
            next_state: mux(coarse.direct, coarse.word, from_window),
            flags: StepFlags {
                invalid: coarse.invalid,
                inexact: mux(coarse.direct, coarse.inexact, inexact),
                headroom: lit(0, 1),
            },
        }
    }
}

impl Fp32Accumulate {
    /// The state's place in the window. A state far below it keeps distance zero, and is all sticky.
    fn place(&self, number: Signal) -> Placed {
        let Unpacked { sign, exponent, significand, zero, infinite, nan, signalling } = unpack("state", number, FP32);
        let farthest = LOWEST_EXPONENT - STICKY_BITS as u64;
        let far_below = exponent.lt(farthest).named("far_below");
        let above = exponent.ge(self.above_exponent()).named("above");
        let distance = ((exponent - lit(farthest, 8)) & (!far_below).repeat(8)).named("distance");
        let significand = (significand & (!above).repeat(FP32.significand_bits())).named("kept_significand");
        let shifted_bits = FP32.significand_bits() + (1 << FINE_BITS) - 1;
        Placed {
            significand: significand.zero_extend(shifted_bits).shift_left(distance.bits(0..FINE_BITS)),
            distance: distance.bits(FINE_BITS..8),
            sign,
            above,
            below: exponent.lt(LOWEST_EXPONENT).named("below"),
            zero,
            nan,
            signalling,
            infinite,
            number,
        }
    }
}

/// Results that bypass the window: NaN, infinities, states above the window, and those below it without a sum.
fn outside(state: &Placed, class: &SumClass) -> Outside {
    let positive_infinity = (class.positive_infinity | (state.infinite & !state.sign)).named("positive_infinity");
    let negative_infinity = (class.negative_infinity | (state.infinite & state.sign)).named("negative_infinity");
    let infinities_meet = (positive_infinity & negative_infinity).named("infinities_meet");
    let nan = (class.nan | state.nan | infinities_meet).named("nan");
    let infinite = (positive_infinity | negative_infinity).named("infinite");

    // A zero state plus a zero sum is -0 only if the state and every product are.
    let zero = cat([(state.sign & class.all_negative_zero).named("negative_zero"), lit(0, 31)]);
    let kept = mux(state.zero, zero, state.number).named("kept");
    let infinity = cat([negative_infinity, lit(FP32.infinity(), 31)]);
    Outside {
        special: nan | infinite,
        above: state.above,
        below: state.below,
        number: mux(nan, lit(FP32.canonical_nan(), 32), mux(infinite, infinity, kept)),
        sign: state.sign,
        invalid: class.invalid | infinities_meet | state.signalling,
    }
}
