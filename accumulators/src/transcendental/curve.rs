//! Curve: a region's value at a fraction, by table and cubic.
//!
//! ```text
//!             +-------+
//!  region --->|       |----> value     unsigned, 34 places
//!  fraction ->| Curve |
//!  advance -->|       |
//!             +-------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 9 cycles with `advance`                                     |
//! | Throughput | one value a cycle                                                                |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | Horner's rule in fixed point, each step rounded down: [`functions::table`]       |
//!
//! ```text
//!   region --> map --> first segment --+--> table --> c3 --> x --> + c2 --> x --> + c1 --> x --> + c0 --> value
//!                      index bits      |                     |              |              |
//!   fraction ---------------> shift ---+-- d ----------------+--------------+--------------+
//! ```

use functions::Table;
use functions::region::{FRACTION_BITS, INDEX_BITS};
use functions::table::{
    ARGUMENT_BITS, C0_BITS, C1_BITS, C2_BITS, C3_BITS, Coefficients, SECOND_ARGUMENT_BITS, THIRD_ARGUMENT_BITS,
};
use rtl::builder::address_bits;
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, cat, lit};

use crate::read_out::stage;

/// Cycles from fraction to value.
pub const LATENCY_CYCLES: usize = 9;

/// Bits of the value.
pub const VALUE_BITS: usize = C0_BITS as usize;

/// Table and cubic.
#[derive(Clone, Copy, Debug)]
pub struct Curve;

bundle! {
    /// Where the curve is read.
    pub struct CurveIn {
        /// Moves the pipeline.
        pub advance: Signal,
        /// Number of the region: [`functions::region`].
        pub region: Signal,
        /// Fraction in the region.
        pub fraction: Signal,
    }
}

bundle! {
    /// What is read.
    pub struct CurveOut {
        /// Unsigned, with [`functions::table::PLACES`] places.
        pub value: Signal,
    }
}

bundle! {
    /// On the way from the table to the value: the next sum's operands.
    struct Step {
        sum: Signal,
        argument: Signal,
        constants: Signal,
    }
}

bundle! {
    /// A product in two parts, of the upper and the lower half of the argument: what adds them is a cycle of its own.
    struct Parts {
        upper: Signal,
        lower: Signal,
    }
}

bundle! {
    /// Halfway from one step to the next.
    struct Half {
        product: Parts,
        argument: Signal,
        constants: Signal,
    }
}

bundle! {
    /// Halfway to the value.
    struct LastHalf {
        product: Parts,
        constant: Signal,
    }
}

/// Bits of a region's number.
pub fn region_bits() -> usize {
    address_bits(Table::get().regions.len())
}

impl Module for Curve {
    type In = CurveIn;
    type Out = CurveOut;

    fn name(&self) -> String {
        "transcendental_curve".into()
    }

    fn inputs(&self, ports: &Ports) -> CurveIn {
        CurveIn {
            advance: ports.bit("advance"),
            region: ports.input("region", region_bits()),
            fraction: ports.input("fraction", FRACTION_BITS as usize),
        }
    }

    fn build(&self, m: &Builder, io: CurveIn) -> CurveOut {
        m.summary("A region's curve at a fraction: one table of cubics for all functions.");
        let Table { regions, segments } = Table::get();
        let advance = io.advance;

        // Stage 1: the region's part of the table.
        let segment_bits = address_bits(segments.len());
        let index_bits_bits = INDEX_BITS.ilog2() as usize + 1;
        let words = regions.iter().map(|region| {
            let word = (region.first_segment as u64) << index_bits_bits | u64::from(region.index_bits);
            Bits::from_u64(word, segment_bits + index_bits_bits)
        });
        let map = m.memory("map", regions.len(), segment_bits + index_bits_bits).initial(words.collect());
        let place = map.read_registered("place", io.region, advance);
        let first_segment = place.bits(index_bits_bits..place.width()).named("first_segment");
        let index_bits = place.bits(0..index_bits_bits).named("index_bits");
        let fraction = stage(m, "fraction_1", advance, &io.fraction);

        // Stage 2: the fraction's top bits select the segment, the others are the argument.
        //   | segment | d ............. |    shifted by `index_bits`
        let fraction = fraction.zero_extend((FRACTION_BITS + INDEX_BITS) as usize).shift_left(index_bits);
        let segment = fraction.bits(FRACTION_BITS as usize..fraction.width()).named("segment");
        let address = (first_segment + segment.zero_extend(segment_bits)).named("address");
        let cubics = m.memory("cubics", segments.len(), WORD_BITS).initial(segments.iter().map(word).collect());
        let coefficients = cubics.read_registered("coefficients", address, advance);
        let unused_bits = (FRACTION_BITS - ARGUMENT_BITS) as usize;
        let argument = stage(m, "argument", advance, &fraction.bits(unused_bits..FRACTION_BITS as usize));

        // Stage 3: a register behind the block RAM.
        let (sum, constants) = split_top(coefficients, C3_BITS);
        let third = stage(m, "third", advance, &Step { sum, argument, constants });

        // Stages 4 to 9: Horner's rule. The upper bits of the argument suffice for the upper coefficients.
        let second = third.next(m, "second", advance, C2_BITS, THIRD_ARGUMENT_BITS);
        let first = second.next(m, "first", advance, C1_BITS, SECOND_ARGUMENT_BITS);
        let last = LastHalf { product: first.product(ARGUMENT_BITS), constant: first.constants };
        let LastHalf { product, constant } = stage(m, "value_half", advance, &last);
        stage(m, "cubic", advance, &CurveOut { value: product.add_to(constant, ARGUMENT_BITS) })
    }
}

/// Bits of a segment's coefficients.
const WORD_BITS: usize = (C0_BITS + C1_BITS + C2_BITS + C3_BITS) as usize;

/// A segment's coefficients as the table holds them: `c3` on top.
fn word(segment: &Coefficients) -> Bits {
    let Coefficients { c0, c1, c2, c3 } = *segment;
    let fields = [(c3, C3_BITS), (c2, C2_BITS), (c1, C1_BITS), (c0, C0_BITS)];
    let word = fields.into_iter().fold(0u128, |word, (coefficient, bits)| {
        word << bits | u128::from(coefficient.cast_unsigned()) & ((1 << bits) - 1)
    });
    Bits::from_u128(word, WORD_BITS)
}

/// The top `bits` bits and the rest.
fn split_top(word: Signal, bits: u32) -> (Signal, Signal) {
    let low = word.width() - bits as usize;
    (word.bits(low..word.width()), word.bits(0..low))
}

impl Parts {
    /// The constant plus the product with `argument_bits` bits of an argument, rounded down.
    fn add_to(&self, constant: Signal, argument_bits: u32) -> Signal {
        let lower_half = lit(0, argument_bits as usize / 2);
        let upper = cat([self.upper, lower_half]);
        let product = upper + self.lower.sign_extend(upper.width());
        let product = product.bits(argument_bits as usize..product.width());
        let width = constant.width();
        constant + if product.width() < width { product.sign_extend(width) } else { product.truncate(width) }
    }
}

impl Step {
    /// The sum times the argument's upper bits.
    fn product(&self, argument_bits: u32) -> Parts {
        let (used, half) = (argument_bits as usize, argument_bits as usize / 2);
        let argument = self.argument.bits(ARGUMENT_BITS as usize - used..ARGUMENT_BITS as usize);
        let times = |part: Signal| self.sum.mul_signed(cat([lit(0, 1), part]));
        Parts { upper: times(argument.bits(half..used)), lower: times(argument.bits(0..half)) }
    }

    /// One step with the next constant, `bits` wide: a cycle for the products, one for the sums.
    fn next(&self, m: &Builder, name: &str, advance: Signal, bits: u32, argument_bits: u32) -> Step {
        let half = Half { product: self.product(argument_bits), argument: self.argument, constants: self.constants };
        let Half { product, argument, constants } = stage(m, &format!("{name}_half"), advance, &half);
        let (constant, constants) = split_top(constants, bits);
        let sum = product.add_to(constant, argument_bits);
        stage(m, name, advance, &Step { sum, argument, constants })
    }
}
