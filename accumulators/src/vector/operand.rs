//! Operands: taken apart, compared, and chosen from. The first two stages of [`super::lane`].
//!
//! Every operation is `x * y + z`, or one of the operands instead of that sum:
//!
//! | Operation               | x | y | z | Sum      | Instead                                |
//! |-------------------------|---|---|---|----------|----------------------------------------|
//! | copy, relu              | a |   |   |          | x, or zero                             |
//! | add, subtract           | a | 1 | b | x y +- z |                                        |
//! | multiply                | a | b |   | x y      |                                        |
//! | fma, fnma               | a | b | c | z +- x y |                                        |
//! | min, max                | a |   | b |          | x or z                                 |
//! | less, less_equal, equal | a |   | b |          | one or zero                            |
//! | select                  | a | b | c |          | y or z                                 |
//!
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational, each of the two                                                   |
//! | Numerics   | exact; FP16 takes the top of the wider format's significand                      |

use isa::VectorOperation;
use rtl::{Signal, bundle, cat, lit, mux};

use super::VectorMode;
use super::lane::VectorLaneIn;
use crate::format::{FP16, Format};
use crate::unpack::{Unpacked, unpack};

bundle! {
    /// After stage 1.
    pub(super) struct Operands {
        pub mode: VectorMode,
        pub random: Signal,
        pub x: Unpacked,
        pub y: Unpacked,
        pub z: Unpacked,
    }
}

bundle! {
    /// What is added to the product, or stands alone.
    pub(super) struct Addend {
        pub sign: Signal,
        pub exponent: Signal,
        pub significand: Signal,
    }
}

bundle! {
    /// What a result can be other than a rounded number, and what it raises in any case.
    pub(super) struct Special {
        pub nan: Signal,
        pub infinite: Signal,
        /// Sign of an infinity.
        pub sign: Signal,
        pub invalid: Signal,
        /// An operand that counts is a NaN.
        pub nan_operand: Signal,
    }
}

/// What stage 2 finds out about the operands.
pub(super) struct Chosen {
    /// The result is a sum with the product `x * y`; else the addend.
    pub arithmetic: Signal,
    pub product_sign: Signal,
    pub addend: Addend,
    pub special: Special,
}

/// The operation is one of a list.
fn is_any(operation: Signal, list: &[VectorOperation]) -> Signal {
    list.iter().map(|one| operation.eq(u32::from(one.0))).reduce(|any, one| any | one).expect("not an empty list")
}

impl Operands {
    /// Stage 1: which operand goes where, and what it is made of.
    pub fn unpack(io: &VectorLaneIn, widest: Format) -> Operands {
        use VectorOperation as Op;
        let is = |list: &[Op]| is_any(io.mode.operation, list);
        let one = |format: Format| lit((format.bias() as u64) << format.fraction_bits, widest.bits());
        let one = if widest == FP16 { one(FP16) } else { mux(io.mode.fp16, one(FP16), one(widest)) };
        let part = |name: &str, number: Signal| widened(name, number, io.mode.fp16, widest);
        Operands {
            x: part("x", io.a),
            y: part("y", mux(is(&[Op::ADD, Op::SUBTRACT]), one, io.b).named("y_number")),
            z: part("z", mux(is(&[Op::FMA, Op::FNMA, Op::SELECT]), io.c, io.b).named("z_number")),
            mode: io.mode.clone(),
            random: io.random,
        }
    }

    /// Stage 2, beside the product: what the result is a sum of, or chosen from.
    pub fn choose(&self, widest: Format) -> Chosen {
        use VectorOperation as Op;
        let Operands { x, y, z, .. } = self;
        let is = |list: &[Op]| is_any(self.mode.operation, list);
        let multiplies = is(&[Op::MULTIPLY, Op::FMA, Op::FNMA]).named("multiplies");
        let has_addend = is(&[Op::ADD, Op::SUBTRACT, Op::FMA, Op::FNMA]).named("has_addend");
        let arithmetic = (multiplies | has_addend).named("arithmetic");
        let select = is(&[Op::SELECT]).named("select");
        let product_sign = (x.sign ^ y.sign ^ is(&[Op::FNMA])).named("product_sign");

        // Comparison of sign and magnitude, in an order in which -0 is below +0.
        let magnitude = |number: &Unpacked| cat([number.exponent, number.significand]);
        let (magnitude_x, magnitude_z) = (magnitude(x), magnitude(z));
        let smaller = magnitude_x.lt(magnitude_z).named("smaller");
        let same = magnitude_x.eq(magnitude_z).named("same");
        let ordered = (!x.nan & !z.nan).named("ordered");
        let below = mux(x.sign ^ z.sign, x.sign, mux(x.sign, !smaller & !same, smaller)).named("below");
        let zeros = (x.zero & z.zero).named("both_zero");
        let equal = (zeros | (same & !(x.sign ^ z.sign))).named("equal");
        let less = (below & !zeros).named("less");
        let true_of = is(&[Op::LESS]) & less | is(&[Op::LESS_EQUAL]) & (less | equal) | is(&[Op::EQUAL]) & equal;
        let one = (true_of & ordered).named("is_one");
        let take_x = z.nan | !x.nan & (below ^ is(&[Op::MAX]));

        // At most one of these; none of them is zero.
        let extreme = is(&[Op::MIN, Op::MAX]);
        let positive = x.nan | !x.sign;
        let takes_x = (is(&[Op::COPY]) | is(&[Op::RELU]) & positive | extreme & take_x).named("takes_x");
        let takes_y = (select & !x.zero).named("takes_y");
        let takes_z = (has_addend | extreme & !take_x | select & x.zero).named("takes_z");
        let taken = |of: &dyn Fn(&Unpacked) -> Signal| {
            let gate = |taken: Signal, value: Signal| value & taken.repeat(value.width());
            gate(takes_x, of(x)) | gate(takes_y, of(y)) | gate(takes_z, of(z))
        };
        let one_exponent = mux(one, lit(widest.bias(), widest.exponent_bits), lit(0, widest.exponent_bits));
        let sign = (taken(&|number| number.sign) ^ is(&[Op::SUBTRACT])).named("taken_sign");
        let addend = Addend {
            sign: mux(is(&[Op::MULTIPLY]), product_sign, sign),
            exponent: taken(&|number| number.exponent) | one_exponent,
            significand: taken(&|number| number.significand) | cat([one, lit(0, widest.fraction_bits)]),
        };

        // Special values. A NaN that counts makes a NaN, except where a number or a truth value is chosen instead.
        let zero_times_infinity =
            ((x.zero & y.infinite | x.infinite & y.zero) & multiplies).named("zero_times_infinity");
        let product_nan = x.nan | y.nan & multiplies | zero_times_infinity;
        let product_infinite = (arithmetic & (x.infinite | y.infinite) & !product_nan).named("product_infinite");
        let addend_infinite = taken(&|number| number.infinite);
        let infinities_meet =
            (product_infinite & addend_infinite & (product_sign ^ addend.sign)).named("infinities_meet");
        let nan = (arithmetic & product_nan | taken(&|number| number.nan) | infinities_meet).named("nan");
        let counts_z = is(&[Op::MIN, Op::MAX, Op::LESS, Op::LESS_EQUAL, Op::EQUAL]) | takes_z;
        let any = |of: &dyn Fn(&Unpacked) -> Signal| of(x) | of(y) & (multiplies | takes_y) | of(z) & counts_z;
        let special = Special {
            nan,
            infinite: ((product_infinite | addend_infinite) & !nan).named("infinite"),
            sign: mux(product_infinite, product_sign, addend.sign),
            invalid: (any(&|number| number.signalling) | zero_times_infinity | infinities_meet).named("invalid"),
            nan_operand: any(&|number| number.nan).named("nan_operand"),
        };
        // A lone operand keeps its sign when it is zero.
        let product_sign = mux(arithmetic, product_sign, addend.sign);
        Chosen { arithmetic, product_sign, addend, special }
    }
}

/// A number of either format taken apart as one of the widest.
fn widened(name: &str, number: Signal, fp16: Signal, widest: Format) -> Unpacked {
    if widest == FP16 {
        return unpack(name, number, FP16);
    }
    let wide = unpack(&format!("{name}_wide"), number, widest);
    let narrow = unpack(&format!("{name}_narrow"), number.bits(0..FP16.bits()), FP16);
    let exponent =
        narrow.exponent.zero_extend(widest.exponent_bits) + lit(widest.bias() - FP16.bias(), widest.exponent_bits);
    let significand = cat([narrow.significand, lit(0, widest.fraction_bits - FP16.fraction_bits)]);
    mux(fp16, Unpacked { exponent, significand, ..narrow }, wide)
}
