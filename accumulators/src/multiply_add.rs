//! FP32 accumulator of one product: multiplies an FP16 pair, adds an FP32 number, rounds once to nearest even.
//!
//! ```text
//!                +----------------+
//!  x, w, enable >|                |----> next_state   FP32
//!  state ------->| Fp32MultiplyAdd|----> flags        invalid, inexact
//!                +----------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`Fp32MultiplyAdd::latency_cycles`]: 2 from `state`, on an FPGA 3; the operands  |
//! |            | come [`Fp32MultiplyAdd::state_cycles`] before it: 1, on an FPGA 3                |
//! | Throughput | one step a cycle                                                                 |
//! | Handshake  | none                                                                             |
//! | Numerics   | RNE(x * w + state), one rounding; subnormals kept; NaN is 0x7FC00000             |
//!
//! What [`crate::dot_product`] and [`crate::fp32`] do for sums of any length, at half the area: one product needs no
//! window, since what is normalised before it is added fits 27 bits.
//!
//! ```text
//!             | carry | 24 bits of the larger exponent | 0 0 0 |
//!   plus or           | 24 bits of the smaller one, moved right | guard | round | sticky |
//! ```
//! A result that is no sum, because there is no product or no number, goes the same way with nothing to add to it.

use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use crate::config::Target;
use crate::dot_product::unpacked_ports;
use crate::format::{FP16, FP32};
use crate::lane::{AccumulateOut, StepFlags};
use crate::pair::Pair;
use crate::round::{Aligned, Normalised, normalise};
use crate::unpack::{Unpacked, unpack};

/// Steps of a normalisation of up to 32 bits.
const STEPS: [usize; 5] = [16, 8, 4, 2, 1];

/// Bits below the last place of a sum: guard, round and sticky.
const GUARD_BITS: usize = 3;

/// Bits that are rounded: a significand and the round bit.
const ROUNDED_BITS: usize = FP32.significand_bits() + 1;

/// Biased exponent of a normalised product whose shift is zero: its top bit weighs 2^(shift - 29).
const PRODUCT_EXPONENT: u64 = (FP32.bias() - 29) as u64;

/// An FP32 accumulator of one product.
#[derive(Clone, Copy, Debug)]
pub struct Fp32MultiplyAdd {
    /// What it is built for.
    pub target: Target,
}

bundle! {
    /// Operands and state.
    pub struct MultiplyAddIn {
        /// A factor, unpacked: it is shared by all lanes.
        pub x: Unpacked,
        /// The other factor.
        pub w: Signal,
        /// There is a product.
        pub enable: Signal,
        /// The state before, [`Fp32MultiplyAdd::state_cycles`] later.
        pub state: Signal,
    }
}

bundle! {
    /// An exact product: `magnitude * 2^(shift - 50)`.
    struct Product {
        /// Without a product set, which stands for -0.
        sign: Signal,
        magnitude: Signal,
        shift: Signal,
        nan: Signal,
        invalid: Signal,
        infinite: Signal,
    }
}

bundle! {
    /// A product whose top bit is set unless it is zero.
    struct NormalisedProduct {
        significand: Signal,
        /// Biased, as that of an FP32 number.
        exponent: Signal,
        product: Product,
    }
}

bundle! {
    /// Two numbers of the exponent of the larger.
    struct Addends {
        larger: Signal,
        smaller: Signal,
        exponent: Signal,
        /// Sign of the larger.
        sign: Signal,
        subtract: Signal,
        invalid: Signal,
    }
}

bundle! {
    /// The sum before it is normalised; its first bit is that of a carry.
    struct Sum {
        magnitude: Signal,
        /// Biased, of the bit below the first.
        exponent: Signal,
        sign: Signal,
        /// The magnitude is one short, at the very end.
        complement: Signal,
        invalid: Signal,
    }
}

bundle! {
    /// The sum before it is rounded.
    struct Unrounded {
        word: Signal,
        lost: Signal,
        /// Biased exponent of the word's top, less one.
        exponent: Signal,
        sign: Signal,
        /// The word is one short, at the very end.
        complement: Signal,
        invalid: Signal,
    }
}

impl Fp32MultiplyAdd {
    /// Cycles from the operands to the state.
    pub fn state_cycles(&self) -> usize {
        match self.target {
            Target::StandardCells => 1,
            Target::Fpga => 3,
        }
    }

    /// Cycles from the state to the new state.
    pub fn latency_cycles(&self) -> usize {
        match self.target {
            Target::StandardCells => 2,
            Target::Fpga => 3,
        }
    }
}

impl Module for Fp32MultiplyAdd {
    type In = MultiplyAddIn;
    type Out = AccumulateOut;

    fn name(&self) -> String {
        self.target.module_name("fp32_multiply_add".into())
    }

    fn inputs(&self, ports: &Ports) -> MultiplyAddIn {
        MultiplyAddIn {
            x: unpacked_ports(&ports.nested("x")),
            w: ports.input("w", FP16.bits()),
            enable: ports.bit("enable"),
            state: ports.input("state", FP32.bits()),
        }
    }

    fn build(&self, m: &Builder, io: MultiplyAddIn) -> AccumulateOut {
        m.summary("Multiplies an FP16 pair and adds an FP32 number with one rounding.");

        // Stage 1: the product, 11 x 11 bits.
        let pair = Pair::of("pair", &io.x, &unpack("w", io.w, FP16), io.enable);
        m.unused(pair.not_negative_zero);
        let significand = (pair.x * pair.w).named("pair_significand");
        let product = Product {
            sign: pair.sign | !io.enable,
            magnitude: significand & pair.finite.repeat(significand.width()),
            shift: pair.shift,
            nan: pair.nan,
            invalid: pair.invalid,
            infinite: pair.infinite,
        };
        let product = self.target.cut(product, "product_0").register_all("product");

        // Stage 2: the product normalised, since its factors may be subnormal; the smaller exponent's number aligned.
        let magnitude = product.magnitude;
        let Normalised { word, steps, .. } = normalise("product", magnitude, lit(0, 1), &STEPS, magnitude.width());
        let exponent = product.shift.zero_extend(8) + lit(PRODUCT_EXPONENT, 8) - cat(steps).zero_extend(8);
        let normalised = NormalisedProduct { significand: word, exponent: exponent.named("product_exponent"), product };
        let addends = align(&self.target.cut(normalised, "normalised"), io.state).register_all("addends");

        // Stage 3: one addition, a difference one short; sign and magnitude, complemented without the one that it
        // takes: a difference that is negative is right as it is. The first bit is that of a carry.
        let Addends { larger, smaller, exponent, sign, subtract, invalid } = addends;
        let bits = larger.width() + GUARD_BITS + 1;
        let subtrahend = smaller.zero_extend(bits + 1) ^ subtract.repeat(bits + 1);
        let total = (cat([lit(0, 2), larger, lit(0, GUARD_BITS)]) + subtrahend).named("total");
        let negative = total.msb().named("negative");
        let complement = (subtract & !negative).named("complement");
        let magnitude = (total.bits(0..bits) ^ negative.repeat(bits)).named("magnitude");
        let sum = Sum { magnitude, exponent, sign: sign ^ negative, complement, invalid };
        let Sum { magnitude, exponent, sign, complement, invalid } = self.target.cut(sum, "sum");
        let Normalised { word, steps, lost } = normalise("sum", magnitude, complement, &STEPS, ROUNDED_BITS);
        let exponent = (exponent - cat(steps).zero_extend(8)).named("exponent");
        let unrounded = Unrounded { word, lost, exponent, sign, complement, invalid };

        // Stage 4, without a register at its end: rounding. A sum of zero has no leading one: +0.
        let Unrounded { word, lost, exponent, sign, complement, invalid } = unrounded.register_all("unrounded");
        let significand = word.bits(1..ROUNDED_BITS);
        let cancelled = (!significand.msb()).named("cancelled");
        let aligned = Aligned { significand, round: word.bit(0), sticky: lost };
        let (rounded, inexact) = aligned.round_complement("sum", exponent, complement);
        AccumulateOut {
            next_state: cat([sign, rounded]) & (!cancelled).repeat(FP32.bits()),
            flags: StepFlags { invalid, inexact, headroom: lit(0, 1) },
        }
    }
}

/// Product and state as the larger and the smaller exponent's number.
fn align(normalised: &NormalisedProduct, state: Signal) -> Addends {
    let NormalisedProduct { significand, exponent, product } = normalised;
    let Unpacked { sign, zero, infinite, nan, signalling, .. } = unpack("state", state, FP32);
    let infinities_meet = (product.infinite & infinite & (product.sign ^ sign)).named("infinities_meet");
    let nan = (product.nan | nan | infinities_meet).named("nan");
    let special = (nan | product.infinite | infinite).named("special");
    // What there is no sum of: the state, or what is special.
    let direct = (special | product.magnitude.is_zero()).named("direct");

    // Subnormal states are so far below any product that their scale does not matter. Where there is no sum, the
    // hidden bit is set as that of a normal number, and exponent 0 gives a subnormal in the end.
    let state_exponent = state.bits(FP32.fraction_bits..FP32.bits() - 1);
    let difference = (exponent.zero_extend(9) - state_exponent.zero_extend(9)).named("difference");
    let state_is_larger = (difference.msb() | direct).named("state_is_larger");
    let hidden = (!zero | direct).named("hidden");
    let state_significand = cat([hidden, state.bits(0..FP32.fraction_bits)]);
    let larger = mux(state_is_larger, state_significand, cat([*significand, lit(0, 2)]));
    let fraction = larger.bits(0..FP32.fraction_bits) & (!special).repeat(FP32.fraction_bits);
    let larger = cat([larger.msb(), fraction.msb() | nan, fraction.bits(0..FP32.fraction_bits - 1)]).named("larger");

    // A negative difference, complemented, is one less than the distance; the product is put one place lower for it.
    let distance = (difference.bits(0..8) ^ difference.msb().repeat(8)).named("distance");
    let smaller = mux(state_is_larger, cat([lit(0, 1), *significand, lit(0, 3)]), cat([state_significand, lit(0, 2)]));
    let smaller = (smaller & (!direct).repeat(smaller.width())).named("smaller");
    let product_sign = product.sign;
    // Zeros of both kinds are -0 if both are; infinities have their own sign.
    let direct_sign =
        mux(special, (product.infinite & product_sign) | (infinite & sign), sign & (!zero | product_sign));
    Addends {
        larger,
        smaller: shift_right_sticky(smaller, distance).named("aligned"),
        exponent: mux(state_is_larger, state_exponent, *exponent) | special.repeat(8),
        sign: mux(direct, direct_sign & !nan, mux(state_is_larger, sign, product_sign)).named("sign"),
        subtract: ((sign ^ product_sign) & !direct).named("subtract"),
        invalid: product.invalid | infinities_meet | signalling,
    }
}

/// The word moved right, and a lowest bit that stands for all that it loses.
fn shift_right_sticky(word: Signal, distance: Signal) -> Signal {
    let near = STEPS.len();
    let far = distance.bits(near..distance.width()).any().named("far");
    let (shifted, lost) = (0..near).fold((word, lit(0, 1)), |(word, lost), bit| {
        let (step, taken) = (1 << bit, distance.bit(bit));
        let shifted = word.bits(step..word.width()).zero_extend(word.width());
        (mux(taken, shifted, word), lost | (taken & word.bits(0..step).any()))
    });
    let sticky = mux(far, word.any(), lost).named("aligned_sticky");
    cat([shifted & (!far).repeat(word.width()), sticky])
}
