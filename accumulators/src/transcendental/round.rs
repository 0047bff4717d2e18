//! Round: a curve's value and its recipe become a result and its flags.
//!
//! ```text
//!             +-------+
//!  value ---->|       |----> result     FP32, or FP16 in the low 16 bits
//!  recipe --->| Round |----> flags      invalid, overflow, underflow, inexact
//!  advance -->|       |
//!             +-------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 9 cycles with `advance`                                     |
//! | Throughput | one result a cycle                                                               |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | RNE, once; what is not exact lies above the value and below the next             |
//!
//! The sum has 42 bits, in either of two places:
//!
//! ```text
//!   | 2^7 .. 2^0 | 2^-1 ................... 2^-34 |   a value alone, or with a logarithm's whole part
//!   | 2^0 | 2^-1 ............... 2^-34 | .. 2^-41 |   beside one: rounded down
//! ```

use functions::table::PLACES;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

use super::curve::VALUE_BITS;
use super::operand::Special;
use super::reduce::{EXPONENT_BITS, Recipe};
use crate::format::{FP16, FP32, Format};
use crate::read_out::{ResultFlags, stage};
use crate::round::{Aligned, leading_zeros};

/// Cycles from value to result.
pub const LATENCY_CYCLES: usize = 9;

/// Bits of the sum.
pub const SUM_BITS: usize = 42;
/// Exponent of the sum's top bit, of a value in its own units.
pub const TOP_PLACE: i32 = SUM_BITS as i32 - 1 - PLACES as i32;
/// The same, beside one, is this much less: the value moves up by it.
pub const ONE_PLACE: i32 = TOP_PLACE;

/// Places of an exact root, and of the zeros that tell it: see the golden model for why.
const ROOT_PLACES: usize = 12;
const ROOT_ZEROS: usize = 16;

/// Sum, normalisation, rounding.
#[derive(Clone, Copy, Debug)]
pub struct Round;

bundle! {
    /// A value and its recipe.
    pub struct RoundIn {
        /// Moves the pipeline.
        pub advance: Signal,
        /// Of the curve.
        pub value: Signal,
        /// What is made of it.
        pub recipe: Recipe,
    }
}

bundle! {
    /// Result and flags.
    pub struct RoundOut {
        /// FP32, or FP16 below zeros.
        pub result: Signal,
        /// What happened.
        pub flags: ResultFlags,
    }
}

bundle! {
    /// How the result leaves.
    struct Mode {
        fp16: Signal,
        negative: Signal,
        special: Special,
    }
}

bundle! {
    /// After stages 1 and 2: what is added to the whole part.
    struct Addend {
        addend: Signal,
        places: Signal,
        whole: Signal,
        exponent: Signal,
        exact: Signal,
        mode: Mode,
    }
}

bundle! {
    /// After stages 3 and 5: a magnitude; `exponent` is that of its top bit.
    struct Magnitude {
        magnitude: Signal,
        exponent: Signal,
        exact: Signal,
        mode: Mode,
    }
}

bundle! {
    /// After stage 4.
    struct Counted {
        magnitude: Magnitude,
        zeros: Signal,
    }
}

bundle! {
    /// After stage 6: a magnitude, and how far it moves down.
    struct Lowered {
        distance: Signal,
        unrounded: Unrounded,
    }
}

bundle! {
    /// After stage 7: what is rounded to either format.
    struct Unrounded {
        /// Kept where a subnormal needs it.
        magnitude: Signal,
        /// Biased exponent less one; 0 for subnormals.
        exponent: Signal,
        tiny: Signal,
        exact: Signal,
        mode: Mode,
    }
}

bundle! {
    /// After stage 8: exponent and fraction in either format.
    struct Rounded {
        fp32: Signal,
        fp16: Signal,
        inexact: Signal,
        tiny: Signal,
        mode: Mode,
    }
}

impl Module for Round {
    type In = RoundIn;
    type Out = RoundOut;

    fn name(&self) -> String {
        "transcendental_round".into()
    }

    fn inputs(&self, ports: &Ports) -> RoundIn {
        let recipe = ports.nested("recipe");
        RoundIn {
            advance: ports.bit("advance"),
            value: ports.input("value", VALUE_BITS),
            recipe: Recipe {
                fp16: recipe.bit("fp16"),
                negative: recipe.bit("negative"),
                whole: recipe.input("whole", SUM_BITS),
                subtract: recipe.bit("subtract"),
                beside_one: recipe.bit("beside_one"),
                places: recipe.input("places", EXPONENT_BITS),
                exponent: recipe.input("exponent", EXPONENT_BITS),
                exact: recipe.bit("exact"),
                root: recipe.bit("root"),
                special: Special::ports(&recipe.nested("special")),
            },
        }
    }

    fn build(&self, m: &Builder, io: RoundIn) -> RoundOut {
        m.summary("Adds, normalises and rounds the value of a curve.");
        let advance = io.advance;
        let placed = stage(m, "placed", advance, &place(io.value, io.recipe));
        let moved = stage(m, "moved", advance, &placed.move_down());
        let sum = stage(m, "sum", advance, &moved.add());
        let counted = stage(m, "counted", advance, &sum.count());
        let normalised = stage(m, "normalised", advance, &counted.normalise());
        let lowered = stage(m, "lowered", advance, &normalised.distance());
        let unrounded = stage(m, "unrounded", advance, &lowered.lower());
        let rounded = stage(m, "rounded", advance, &unrounded.round());
        stage(m, "result", advance, &rounded.select())
    }
}

impl Special {
    fn ports(ports: &Ports) -> Special {
        Special {
            sign: ports.bit("sign"),
            nan: ports.bit("nan"),
            infinite: ports.bit("infinite"),
            zero: ports.bit("zero"),
            one: ports.bit("one"),
            half: ports.bit("half"),
            invalid: ports.bit("invalid"),
            pole: ports.bit("pole"),
        }
    }
}

/// Stage 1: the value with its sign, where it begins. An exact root is cleared of the table's error.
fn place(value: Signal, recipe: Recipe) -> Addend {
    let below_root = PLACES as usize - ROOT_PLACES;
    let zeros = value.bits(below_root - ROOT_ZEROS..below_root).is_zero();
    let exact_root = (recipe.root & zeros).named("exact_root");
    let kept = value.bits(below_root..VALUE_BITS);
    let value = cat([kept, value.bits(0..below_root) & (!exact_root).repeat(below_root)]).named("cleared");

    // Negated before it moves down, so that what is lost rounds the sum down.
    let width = VALUE_BITS + 1 + ONE_PLACE as usize;
    let subtract = recipe.subtract.repeat(VALUE_BITS + 1);
    let summand = ((value.zero_extend(VALUE_BITS + 1) ^ subtract) - subtract).named("summand");
    let low = lit(0, ONE_PLACE as usize);
    Addend {
        addend: mux(recipe.beside_one, cat([summand, low]), summand.sign_extend(width)),
        places: recipe.places,
        whole: recipe.whole,
        exponent: recipe.exponent,
        exact: mux(recipe.root, exact_root, recipe.exact),
        mode: Mode { fp16: recipe.fp16, negative: recipe.negative, special: recipe.special },
    }
}

impl Addend {
    /// Stage 2: the value at its place.
    fn move_down(self) -> Addend {
        Addend { addend: self.addend.shift_right_signed(self.places).truncate(SUM_BITS), ..self }
    }

    /// Stage 3: `whole +- value`.
    fn add(self) -> Magnitude {
        let Addend { addend, whole, exponent, exact, mode, .. } = self;
        Magnitude { magnitude: whole + addend, exponent, exact, mode }
    }
}

impl Magnitude {
    /// Stage 4: where the magnitude begins.
    fn count(self) -> Counted {
        Counted { zeros: leading_zeros("magnitude", self.magnitude), magnitude: self }
    }

    /// Stage 6: a number below the format's normal range is to move down by its distance from it, at the most until
    /// only its leading one is left.
    fn distance(self) -> Lowered {
        let biased_less_one = |format: Format| self.exponent + lit(format.bias() - 1, EXPONENT_BITS);
        let exponent = mux(self.mode.fp16, biased_less_one(FP16), biased_less_one(FP32)).named("biased_less_one");
        let tiny = exponent.msb().named("tiny");
        let most = SUM_BITS - 1;
        let distance = (-exponent).named("distance");
        let distance = mux(distance.gt(most), lit(most, EXPONENT_BITS), distance) & tiny.repeat(EXPONENT_BITS);
        // From 2^254 and 2^30 on, FP32 and FP16 overflow.
        let limit = |format: Format| lit(format.special_exponent() - 1, EXPONENT_BITS);
        let limit = mux(self.mode.fp16, limit(FP16), limit(FP32));
        let limited = mux(exponent.gt(limit), limit, exponent) & (!tiny).repeat(EXPONENT_BITS);
        let unrounded = Unrounded {
            magnitude: self.magnitude,
            exponent: limited.truncate(FP32.exponent_bits + 1).named("limited"),
            tiny,
            exact: self.exact,
            mode: self.mode,
        };
        Lowered { distance: distance.truncate(6), unrounded }
    }
}

impl Counted {
    /// Stage 5: the leading one to the top.
    fn normalise(self) -> Magnitude {
        let Counted { magnitude: Magnitude { magnitude, exponent, exact, mode }, zeros } = self;
        Magnitude {
            magnitude: magnitude.shift_left(zeros).named("shifted"),
            exponent: (exponent - zeros.zero_extend(EXPONENT_BITS)).named("exponent"),
            exact,
            mode,
        }
    }
}

impl Lowered {
    /// Stage 7: a subnormal to its place.
    fn lower(self) -> Unrounded {
        let magnitude = self.unrounded.magnitude.shift_right(self.distance);
        Unrounded { magnitude, ..self.unrounded }
    }
}

impl Unrounded {
    /// Stage 8: rounding, to either format.
    fn round(self) -> Rounded {
        let (fp32, fp32_inexact) = self.round_to("fp32", FP32);
        let (fp16, fp16_inexact) = self.round_to("fp16", FP16);
        let inexact = mux(self.mode.fp16, fp16_inexact, fp32_inexact);
        Rounded { fp32, fp16, inexact, tiny: self.tiny, mode: self.mode }
    }

    /// Exponent and fraction in a format, with a bit above for a carry beyond infinity; and whether they are not all.
    fn round_to(&self, name: &str, format: Format) -> (Signal, Signal) {
        let aligned = Aligned::split(self.magnitude, format);
        let sticky = (aligned.sticky | !self.exact).named(format!("{name}_sticky"));
        let aligned = Aligned { sticky, ..aligned };
        let rounded = aligned.round_nearest_even(name, self.exponent.truncate(format.exponent_bits + 1));
        (rounded, aligned.inexact())
    }
}

impl Rounded {
    /// Stage 9: the number in the format of the mode, an infinity beyond it, or a special value.
    fn select(&self) -> RoundOut {
        let Special { nan, infinite, zero, one, half, invalid, pole, .. } = self.mode.special;
        let special = (nan | infinite | zero | one | half).named("special");
        let beyond = |rounded: Signal, format: Format| rounded.ge(lit(format.infinity(), rounded.width()));
        let overflow = mux(self.mode.fp16, beyond(self.fp16, FP16), beyond(self.fp32, FP32));
        let overflow = (overflow & !special).named("overflow");
        let inexact = ((self.inexact | overflow) & !special).named("inexact");
        let to_infinity = infinite | overflow;

        let result = |rounded: Signal, format: Format| {
            let biased_one = format.bias() as u64;
            let value_if =
                |chosen: Signal, value: u64| lit(value, format.bits() - 1) & chosen.repeat(format.bits() - 1);
            let chosen = value_if(to_infinity, format.infinity())
                | value_if(one, biased_one << format.fraction_bits)
                | value_if(half, (biased_one - 1) << format.fraction_bits);
            let magnitude = mux(special | overflow, chosen, rounded.truncate(format.bits() - 1));
            let sign = mux(special, self.mode.special.sign, self.mode.negative);
            mux(nan, lit(format.canonical_nan(), format.bits()), cat([sign, magnitude]))
        };
        let fp16 = result(self.fp16, FP16).zero_extend(FP32.bits());
        RoundOut {
            result: mux(self.mode.fp16, fp16, result(self.fp32, FP32)),
            flags: ResultFlags {
                invalid,
                overflow: overflow | pole,
                underflow: (self.tiny & inexact).named("underflow"),
                inexact,
            },
        }
    }
}
