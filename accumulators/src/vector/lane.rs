//! Vector lane: one element of an elementwise operation.
//!
//! ```text
//!             +------------+
//!  mode ----->|            |
//!  a, b, c -->|            |----> result     FP32, or FP16 in the low 16 bits
//!  random --->| VectorLane |----> flags      invalid, overflow, underflow, inexact
//!  advance -->|            |----> events     nan, overflow, zeroed
//!             +------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 8 cycles with `advance`                                     |
//! | Throughput | one element a cycle                                                              |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | x * y + z exactly, or one of the operands; one rounding: see [`super`]           |
//!
//! ```text
//!   cycle  1        2                 3                4      5           6              7        8
//!          unpack   partial products  product          add    normalise   last steps     lower    round
//!                   compare, choose   place addend
//! ```
//! The sum is formed in a window around the product, here of an FP32 lane:
//!
//! ```text
//!   116 ........... 72 | 71 .......... 24 | 23 ....... 0
//!                      |     product      |
//!    addend, its top `depth` below the window's top
//! ```
//! An addend at the top or above is 45 places or more from the product, which then matters only in that it is there:
//! rounding looks at no more than 44 bits, the 11 of an FP16 significand, 32 that meet random bits, and one that a
//! subtraction may cancel. So the addend stays at the top. What of it is below the window is ORed into the lowest bit:
//! a product has its leading one less than 24 places above its lowest bit only where a factor is subnormal, and even
//! then rounding looks at no bit as far down as that.

use rtl::wave::Format as Shown;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

use super::VectorMode;
use super::operand::{Addend, Operands, Special};
use super::round::RoundingMode;
use crate::format::{FP16, Format};
use crate::read_out::{Events, RANDOM_BITS, ResultFlags, stage};

/// Cycles from operands to result.
pub const LATENCY_CYCLES: usize = 8;

/// Bits of the window above the product.
const ABOVE_BITS: usize = 45;

/// Bits of the window below the product.
const BELOW_BITS: usize = 24;

/// A lane of the vector ALU.
#[derive(Clone, Copy, Debug)]
pub struct VectorLane {
    /// FP32: for both formats; FP16: for FP16 only.
    pub widest: Format,
}

bundle! {
    /// Operands of one element.
    pub struct VectorLaneIn {
        /// Moves the pipeline.
        pub advance: Signal,
        /// What is done.
        pub mode: VectorMode,
        /// Decides stochastic rounding.
        pub random: Signal,
        /// Operand a.
        pub a: Signal,
        /// Operand b.
        pub b: Signal,
        /// Operand c.
        pub c: Signal,
    }
}

bundle! {
    /// Result of one element.
    pub struct VectorLaneOut {
        /// FP32, or FP16 below zeros.
        pub result: Signal,
        /// What happened.
        pub flags: ResultFlags,
        /// What the host's counters count; a NaN only where no operand that counts is one.
        pub events: Events,
    }
}

bundle! {
    /// After stage 2: a product in two parts, and the addend's place.
    struct Terms {
        upper: Signal,
        lower: Signal,
        product_sign: Signal,
        addend: Signal,
        addend_sign: Signal,
        /// How far the addend's top lies below the window's.
        depth: Signal,
        frame: Frame,
    }
}

bundle! {
    /// After stage 3: both in the window.
    struct Placed {
        product: Signal,
        product_sign: Signal,
        addend: Signal,
        addend_sign: Signal,
        frame: Frame,
    }
}

bundle! {
    /// What goes along with a number.
    pub(super) struct Frame {
        /// Biased exponent of the number's top bit, in two's complement.
        pub exponent: Signal,
        pub special: Special,
        pub mode: RoundingMode,
    }
}

bundle! {
    /// After stage 4.
    pub(super) struct Sum {
        pub magnitude: Signal,
        pub sign: Signal,
        /// The signs differed: a sum of zero is +0.
        pub subtracted: Signal,
        pub frame: Frame,
    }
}

impl VectorLane {
    /// Bits of the window.
    const fn window_bits(&self) -> usize {
        ABOVE_BITS + 2 * self.widest.significand_bits() + BELOW_BITS
    }

    /// Bits of exponents on the way: those of products are twice as large as the format's, and may be negative.
    const fn exponent_bits(&self) -> usize {
        self.widest.exponent_bits + 3
    }
}

impl Module for VectorLane {
    type In = VectorLaneIn;
    type Out = VectorLaneOut;

    fn name(&self) -> String {
        format!("vector_lane_fp{}", self.widest.bits())
    }

    fn inputs(&self, ports: &Ports) -> VectorLaneIn {
        let format = if self.widest == FP16 { Shown::Fp16 } else { Shown::Fp32 };
        let operand = |name: &str| ports.input(name, self.widest.bits()).shown_as(format);
        VectorLaneIn {
            advance: ports.bit("advance"),
            mode: VectorMode::ports(&ports.nested("mode")),
            random: ports.input("random", RANDOM_BITS),
            a: operand("a"),
            b: operand("b"),
            c: operand("c"),
        }
    }

    fn build(&self, m: &Builder, io: VectorLaneIn) -> VectorLaneOut {
        m.summary("One element of an elementwise operation of the vector engine.");
        if self.widest == FP16 {
            m.unused((io.mode.fp16, io.mode.result_fp16)); // there is no choice
        }
        let advance = io.advance;
        let operands = stage(m, "operands", advance, &Operands::unpack(&io, self.widest));
        let terms = stage(m, "terms", advance, &self.terms(&operands));
        let placed = stage(m, "placed", advance, &self.place(&terms));
        let sum = stage(m, "sum", advance, &placed.add());
        let coarse = stage(m, "coarse", advance, &sum.normalise());
        let normalised = stage(m, "normalised", advance, &coarse.normalise(self.widest));
        let unrounded = stage(m, "unrounded", advance, &normalised.lower());
        stage(m, "result", advance, &unrounded.round(self.widest))
    }
}

impl VectorLane {
    /// Stage 2: the second factor's halves make products of their own, and the addend's place is found.
    fn terms(&self, operands: &Operands) -> Terms {
        let chosen = operands.choose(self.widest);
        let Operands { x, y, .. } = operands;
        let Addend { sign, exponent, significand } = chosen.addend;
        let (half, whole) = (self.widest.significand_bits() / 2, self.widest.significand_bits());
        let factor = x.significand & chosen.arithmetic.repeat(whole);

        // Where the window's top is, by the product; then how far down the addend begins. One at the top or above, or
        // alone, is the top. So may zero be: a product below it is rounded to zero in any case.
        let bits = self.exponent_bits();
        let [exponent_x, exponent_y, own] = [x.exponent, y.exponent, exponent].map(|e| e.zero_extend(bits));
        let top = exponent_x + exponent_y + lit(ABOVE_BITS as i32 + 1 - self.widest.bias(), bits);
        let depth = (top.named("window_top") - own).named("depth");
        let product_zero = (!chosen.arithmetic | x.zero | y.zero).named("product_zero");
        let at_top = (product_zero | depth.msb()).named("at_top");
        let deepest = depth.ge(self.window_bits()).named("deepest");
        let depth_bits = self.window_bits().ilog2() as usize + 1;
        let limited = mux(deepest, lit(self.window_bits(), depth_bits), depth.truncate(depth_bits));
        Terms {
            upper: factor * y.significand.bits(half..whole),
            lower: factor * y.significand.bits(0..half),
            product_sign: chosen.product_sign,
            addend: significand,
            addend_sign: sign,
            depth: (limited & (!at_top).repeat(depth_bits)).named("limited_depth"),
            frame: Frame {
                exponent: mux(at_top, own, top),
                special: chosen.special,
                mode: RoundingMode::of(&operands.mode, operands.random, self.widest),
            },
        }
    }

    /// Stage 3: product and addend in the window.
    fn place(&self, terms: &Terms) -> Placed {
        let (half, whole) = (self.widest.significand_bits() / 2, self.widest.significand_bits());
        let product = cat([terms.upper, lit(0, half)]) + terms.lower.zero_extend(2 * whole);
        let window_bits = self.window_bits();
        let moved = cat([terms.addend, lit(0, window_bits)]).shift_right(terms.depth).named("moved");
        let sticky = moved.bits(0..whole).any().named("addend_sticky");
        Placed {
            product: cat([product.named("product"), lit(0, BELOW_BITS)]),
            product_sign: terms.product_sign,
            addend: moved.bits(whole..whole + window_bits) | sticky.zero_extend(window_bits),
            addend_sign: terms.addend_sign,
            frame: terms.frame.clone(),
        }
    }
}

impl Placed {
    /// Stage 4: the sum. Of two numbers of different signs, the difference and its complement are formed at once, and
    /// the carry says which is the magnitude.
    fn add(&self) -> Sum {
        let width = self.addend.width();
        let subtracted = (self.product_sign ^ self.addend_sign).named("subtracted");
        let addend = self.addend ^ subtracted.repeat(width);
        let sum = self.product.zero_extend(width).widening_add(addend).named("sum_of_both");
        let difference = (sum + lit(1, width + 1)).named("difference");
        let larger = (subtracted & !difference.msb()).named("addend_larger");
        let magnitude = mux(larger, !sum, mux(subtracted, difference, sum)).truncate(width);
        Sum { magnitude, sign: mux(larger, self.addend_sign, self.product_sign), subtracted, frame: self.frame.clone() }
    }
}
