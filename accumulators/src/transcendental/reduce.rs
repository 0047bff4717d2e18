//! Reduce: an operand becomes a region of the tables, a fraction, and a recipe for what is made of the value there.
//!
//! ```text
//!               +--------+
//!  operation -->|        |----> region, fraction
//!  fp16 ------->| Reduce |----> recipe
//!  operand ---->|        |
//!  advance ---->|        |
//!               +--------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 8 cycles with `advance`                                     |
//! | Throughput | one operand a cycle                                                              |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | exact but for exponentials: x log2(e) is rounded down to 2^-32                   |
//!
//! | function            | with x = (1 + f) 2^e                                     | result                     |
//! |---------------------|----------------------------------------------------------|----------------------------|
//! | reciprocal          | curve at f                                               | value 2^-e                 |
//! | sqrt, rsqrt         | curve of e's parity at f                                 | value 2^(e/2), 2^(-e/2)    |
//! | exp, exp2           | -x log2(e) or -x is n + g; exponential at g              | value 2^-n                 |
//! | ln, log2 near 1     | \|x - 1\| is 2^k (1 + g); curve of binade k at g         | value 2^k                  |
//! | ln, log2 elsewhere  | logarithm at f                                           | e ln2 or e, plus value     |
//! | tanh below 1/2      | tangent of binade e at f                                 | value 2^e                  |
//! | tanh                | 2\|x\| log2(e) is n + g; logistic curve n at g           | 1 - value 2^(1-n)          |
//! | sigmoid below 1     | tangent of binade e - 1 at f                             | 1/2 +- value 2^(e-2)       |
//! | sigmoid             | \|x\| log2(e) is n + g; logistic curve n at g            | value 2^-n, 1 - value 2^-n |

use functions::constant::{self, LN_2, LOG2_E, ONE};
use functions::region::{
    ABOVE_ONE, BELOW_ONE, EXPONENTIAL, FRACTION_BITS, LN, LOG2, LOGISTIC, LOGISTIC_REGIONS, RECIPROCAL,
    RECIPROCAL_SQRT, SQRT, TANH, TANH_REGIONS,
};
use functions::table::PLACES;
use functions::{Function, function};
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

use super::TranscendentalIn;
use super::curve::region_bits;
use super::operand::{Argument, Operand, Special, is_any};
use super::round::{ONE_PLACE, SUM_BITS, TOP_PLACE};
use crate::format::FP32;
use crate::read_out::stage;
use crate::round::leading_zeros;

/// Cycles from operand to fraction.
pub const LATENCY_CYCLES: usize = 8;

/// Bits of an exponent, two's complement: those of exponentials reach 2^512 and 2^-512.
pub const EXPONENT_BITS: usize = 11;

pub(super) const SIGNIFICAND_BITS: usize = FP32.significand_bits();
pub(super) const FRACTION: usize = FP32.fraction_bits;

/// Bits of `|x| log2(e)`: from 256 on every result has run out of its format.
const SCALED_BITS: usize = FRACTION_BITS as usize + 9;

/// Argument reduction.
#[derive(Clone, Copy, Debug)]
pub struct Reduce;

bundle! {
    /// Where the curve is read, and what is made of its value.
    pub struct Reduced {
        /// Number of the region.
        pub region: Signal,
        /// Fraction in the region.
        pub fraction: Signal,
        /// What is made of the value.
        pub recipe: Recipe,
    }
}

bundle! {
    /// The result is `whole +- value`, negated if `negative`, or a special value.
    pub struct Recipe {
        /// Operand and result are FP16.
        pub fp16: Signal,
        /// The result's sign.
        pub negative: Signal,
        /// What the value is added to, in the places of the sum.
        pub whole: Signal,
        /// The value is subtracted.
        pub subtract: Signal,
        /// Beside one: the value begins at the sum's place for it, not at the lowest.
        pub beside_one: Signal,
        /// Places by which the value moves down.
        pub places: Signal,
        /// Exponent of the sum's top bit.
        pub exponent: Signal,
        /// The sum is exact.
        pub exact: Signal,
        /// A square root, exact where the value says so.
        pub root: Signal,
        /// What the result is instead.
        pub special: Special,
    }
}

bundle! {
    /// After stage 3.
    struct Factors {
        argument: Argument,
        multiplicand: Signal,
        factor: Signal,
        /// From one, in units of 2^-24.
        distance: Signal,
        scaling: Scaling,
    }
}

bundle! {
    /// How exponentials read the product.
    struct Scaling {
        /// The argument's, or for tanh twice the argument's.
        exponent: Signal,
        /// Places by which the product moves down.
        down: Signal,
    }
}

bundle! {
    /// After stage 4: the products with the factor's halves.
    struct Parts {
        factors: Factors,
        upper: Signal,
        lower: Signal,
    }
}

bundle! {
    /// After stage 5.
    struct Product {
        argument: Argument,
        product: Signal,
        distance: Signal,
        distance_zeros: Signal,
        near_one: Signal,
        scaling: Scaling,
    }
}

bundle! {
    /// After stage 6.
    struct Scaled {
        argument: Argument,
        /// `|x| log2(e)`, or |x|, 9 bits and 32 places.
        scaled: Signal,
        logarithm: Logarithm,
        exponent: Signal,
    }
}

bundle! {
    /// What logarithms need.
    struct Logarithm {
        /// Exponent times ln(2), or the exponent.
        whole: Signal,
        /// The distance from one without its leading one, and the zeros above it.
        distance: Signal,
        distance_zeros: Signal,
        near_one: Signal,
    }
}

bundle! {
    /// After stage 7.
    struct Octave {
        argument: Argument,
        /// The exponential is 2^-(n + g).
        n: Signal,
        g: Signal,
        logarithm: Logarithm,
        exponent: Signal,
    }
}

bundle! {
    /// One function's part of the result; selected by function.
    struct Plan {
        region: Signal,
        fraction: Signal,
        whole: Signal,
        subtract: Signal,
        beside_one: Signal,
        places: Signal,
        exponent: Signal,
        negative: Signal,
        exact: Signal,
    }
}

impl Module for Reduce {
    type In = TranscendentalIn;
    type Out = Reduced;

    fn name(&self) -> String {
        "transcendental_reduce".into()
    }

    fn inputs(&self, ports: &Ports) -> TranscendentalIn {
        TranscendentalIn {
            advance: ports.bit("advance"),
            operation: ports.input("operation", function::CODE_BITS),
            fp16: ports.bit("fp16"),
            operand: ports.input("operand", FP32.bits()),
        }
    }

    fn build(&self, m: &Builder, io: TranscendentalIn) -> Reduced {
        m.summary("Brings an operand to a region of the tables and a fraction.");
        let advance = io.advance;
        let operand = stage(m, "operand", advance, &Operand::unpack(&io));
        let argument = stage(m, "argument", advance, &operand.normalise());
        let factors = stage(m, "factors", advance, &argument.factors());
        let parts = stage(m, "parts", advance, &factors.multiply());
        let product = stage(m, "product", advance, &parts.add());
        let scaled = stage(m, "scaled", advance, &product.scale());
        let octave = stage(m, "octave", advance, &scaled.split());
        stage(m, "reduced", advance, &octave.reduce())
    }
}

impl Argument {
    /// Stage 3: what is multiplied by what; the distance from one.
    fn factors(&self) -> Factors {
        use Function::{Exp2, Ln, Log2, Tanh};
        let logarithm = is_any(self.operation, &[Ln, Log2]);
        let significand = cat([lit(1, 1), self.fraction]);
        let below_one = self.exponent.msb();
        let magnitude = (mux(below_one, -self.exponent, self.exponent)).truncate(8).named("exponent_magnitude");
        let constant = |value: u64| lit(value, constant::BITS as usize);
        let e_or_two = mux(is_any(self.operation, &[Exp2, Log2]), constant(ONE), constant(LOG2_E));
        // tanh(x) = 2 sigmoid(2x) - 1: what follows is of 2x.
        let tanh = is_any(self.operation, &[Tanh]);
        let exponent = (self.exponent + tanh.zero_extend(EXPONENT_BITS)).named("doubled_exponent");
        Factors {
            argument: self.clone(),
            multiplicand: mux(logarithm, magnitude.zero_extend(SIGNIFICAND_BITS), significand).named("multiplicand"),
            factor: mux(is_any(self.operation, &[Ln]), constant(LN_2), e_or_two).named("factor"),
            distance: mux(below_one, -significand, cat([self.fraction, lit(0, 1)])).named("distance"),
            scaling: Scaling { exponent, down: (lit(7, EXPONENT_BITS) - exponent).named("down") },
        }
    }
}

impl Factors {
    /// Stage 4: the product in two parts.
    fn multiply(&self) -> Parts {
        let half = self.factor.width() / 2;
        Parts {
            factors: self.clone(),
            upper: self.multiplicand * self.factor.bits(half..self.factor.width()),
            lower: self.multiplicand * self.factor.bits(0..half),
        }
    }
}

impl Parts {
    /// Stage 5: the product; whether the operand lies from 3/4 to 3/2, and where its distance from one begins.
    fn add(&self) -> Product {
        let Factors { ref argument, distance, ref scaling, .. } = self.factors;
        let above = argument.exponent.is_zero() & !distance.msb();
        let below = argument.exponent.all() & !distance.bits(SIGNIFICAND_BITS - 2..SIGNIFICAND_BITS).any();
        let upper = cat([self.upper, lit(0, constant::BITS as usize / 2)]);
        Product {
            argument: argument.clone(),
            product: (upper + self.lower.zero_extend(upper.width())).named("sum_of_parts"),
            distance,
            distance_zeros: leading_zeros("distance", distance).named("distance_zeros"),
            near_one: (above | below).named("near_one"),
            scaling: scaling.clone(),
        }
    }
}

impl Product {
    /// Stage 6: the product at its place: from |x| = 256 on all ones, below 2^-33 nothing.
    fn scale(&self) -> Scaled {
        let Scaling { exponent, down } = self.scaling;
        let top = self.product.bits(self.product.width() - SCALED_BITS..self.product.width());
        let beyond = exponent.ge_signed(8).repeat(SCALED_BITS);
        let lowest = (constant::PLACES - PLACES) as usize;
        let logarithm = Logarithm {
            whole: self.product.bits(lowest..lowest + SUM_BITS),
            distance: self.distance.shift_left(self.distance_zeros).bits(0..FRACTION),
            distance_zeros: self.distance_zeros,
            near_one: self.near_one,
        };
        Scaled {
            argument: self.argument.clone(),
            scaled: (top.shift_right(down) | beyond).named("clamped"),
            logarithm,
            exponent,
        }
    }
}

impl Scaled {
    /// Stage 7: whole part and fraction. Exponentials of positive numbers: x = -(n + g) with n negative.
    fn split(&self) -> Octave {
        use Function::{Exp, Exp2};
        let Argument { operation, sign, .. } = self.argument;
        let flip = (is_any(operation, &[Exp, Exp2]) & !sign).named("flip").repeat(SCALED_BITS + 1);
        let signed = (self.scaled.zero_extend(SCALED_BITS + 1) ^ flip) - flip;
        let places = FRACTION_BITS as usize;
        Octave {
            argument: self.argument.clone(),
            n: signed.bits(places..SCALED_BITS + 1).sign_extend(EXPONENT_BITS),
            g: signed.bits(0..places),
            logarithm: self.logarithm.clone(),
            exponent: self.exponent,
        }
    }
}

impl Octave {
    /// Stage 8: region, fraction and recipe of each kind of function; the function's own are selected.
    fn reduce(&self) -> Reduced {
        use Function::{Exp, Exp2, Ln, Log2, Reciprocal, Sqrt, Tanh};
        let Argument { operation, fp16, ref special, .. } = self.argument;
        let algebraic = self.algebraic(is_any(operation, &[Reciprocal]), is_any(operation, &[Sqrt]));
        let exponential = is_any(operation, &[Exp, Exp2]);
        let transcendental = self.exponential(exponential, is_any(operation, &[Tanh]), is_any(operation, &[Exp2]));
        let logarithmic = self.logarithm(is_any(operation, &[Log2]));
        let plan = mux(
            is_any(operation, &[Ln, Log2]),
            logarithmic,
            mux(operation.ge(Reciprocal.code()), algebraic, transcendental),
        );
        let Plan { region, fraction, whole, subtract, beside_one, places, exponent, negative, exact } = plan;
        let root = is_any(operation, &[Sqrt]);
        let special = special.clone();
        let recipe = Recipe { fp16, negative, whole, subtract, beside_one, places, exponent, exact, root, special };
        Reduced { region, fraction, recipe }
    }

    /// The fraction in the tables' width.
    fn fraction(&self) -> Signal {
        cat([self.argument.fraction, lit(0, FRACTION_BITS as usize - FRACTION)])
    }

    /// A plan with the value alone: `value * 2^scale`.
    fn value_alone(&self, region: Signal, fraction: Signal, scale: Signal) -> Plan {
        Plan {
            region,
            fraction,
            whole: lit(0, SUM_BITS),
            subtract: lit(0, 1),
            beside_one: lit(0, 1),
            places: lit(0, EXPONENT_BITS),
            exponent: scale + lit(TOP_PLACE, EXPONENT_BITS),
            negative: lit(0, 1),
            exact: lit(0, 1),
        }
    }

    /// 1 / x, the square root, and its reciprocal.
    fn algebraic(&self, reciprocal: Signal, sqrt: Signal) -> Plan {
        let Argument { sign, exponent, fraction, .. } = self.argument;
        let odd = (exponent.bit(0) & !reciprocal).named("odd");
        let half = exponent.bits(1..EXPONENT_BITS).sign_extend(EXPONENT_BITS);
        let scale = mux(reciprocal, exponent, half);
        let scale = mux(sqrt, scale, -scale).named("algebraic_scale");
        let first = mux(reciprocal, region(RECIPROCAL), mux(sqrt, region(SQRT), region(RECIPROCAL_SQRT)));
        Plan {
            negative: sign & reciprocal,
            exact: (fraction.is_zero() & !odd).named("algebraic_exact"),
            ..self.value_alone(first + odd.zero_extend(region_bits()), self.fraction(), scale)
        }
    }

    /// exp, exp2, tanh and sigmoid.
    fn exponential(&self, exponential: Signal, tanh: Signal, exp2: Signal) -> Plan {
        let Argument { sign, fraction, .. } = self.argument;
        let Octave { n, g, exponent, .. } = *self;

        // Where sigmoid is near 1/2; the binade of x/2 is the exponent less one.
        let near = (exponent.msb() & !exponential).named("near_zero");
        let depth = at_most(!exponent, TANH_REGIONS).named("depth");
        let far = at_most(n, LOGISTIC_REGIONS + 1).named("far") + region(LOGISTIC - 1);
        let far_region = mux(exponential, region(EXPONENTIAL), far);
        let scale = mux(near, exponent - 1, -n);
        let beside_one = (!exponential & mux(tanh, !near, near | !sign)).named("beside_one");
        let whole = cat([!near, near, lit(0, SUM_BITS - 2)]) & beside_one.repeat(SUM_BITS);
        let places = mux(near, lit(2, EXPONENT_BITS) - exponent, n - tanh.zero_extend(EXPONENT_BITS));

        // 2^x is exact for whole x.
        let below_point = fraction.shift_left(exponent.bits(0..3)).named("below_point");
        let plan = self.value_alone(
            mux(near, region(TANH) + depth, far_region),
            mux(near, self.fraction(), g),
            scale.named("exponential_scale"),
        );
        Plan {
            whole,
            subtract: beside_one & (!near | sign),
            beside_one,
            places: places & beside_one.repeat(EXPONENT_BITS),
            exponent: mux(beside_one, lit(TOP_PLACE - ONE_PLACE, EXPONENT_BITS), plan.exponent),
            negative: sign & tanh,
            exact: (exp2 & !exponent.msb() & below_point.is_zero()).named("whole_exponent"),
            ..plan
        }
    }

    /// ln and log2.
    fn logarithm(&self, log2: Signal) -> Plan {
        let Argument { exponent, fraction, .. } = self.argument;
        let Logarithm { whole, distance, distance_zeros: zeros, near_one } = self.logarithm;
        let below_one = exponent.msb();
        let first = mux(log2, region(LOG2), region(LN));
        let from_first =
            mux(below_one, region(BELOW_ONE - 2), region(ABOVE_ONE - 1)) + zeros.zero_extend(region_bits());
        let distance = cat([distance, lit(0, FRACTION_BITS as usize - FRACTION)]);
        let scale = mux(near_one, !zeros.zero_extend(EXPONENT_BITS), lit(0, EXPONENT_BITS));
        let plan = self.value_alone(
            mux(near_one, first + from_first, first),
            mux(near_one, distance, self.fraction()),
            scale.named("logarithm_scale"),
        );
        Plan {
            whole: (whole & (!near_one).repeat(SUM_BITS)).named("logarithm_whole"),
            subtract: below_one & !near_one,
            negative: below_one,
            exact: log2 & fraction.is_zero(),
            ..plan
        }
    }
}

fn region(number: usize) -> Signal {
    lit(number, region_bits())
}

/// A number that is not negative, or `limit` where it is larger, as an offset of regions.
fn at_most(number: Signal, limit: usize) -> Signal {
    mux(number.gt(limit), region(limit), number.truncate(region_bits()))
}
