//! Exact accumulator: adds a dot product to a fixed-point number; nothing is rounded.
//!
//! ```text
//!            +-----------------+
//!  sum ----->|                 |----> state     | -Inf | +Inf | NaN | number, LSB 2^-48 |
//!  class --->| ExactAccumulate |----> flags     invalid, headroom
//!  state --->|                 |
//!            +-----------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 0 from `state` and the products: combinational              |
//! | Throughput | one step a cycle                                                                 |
//! | Handshake  | none                                                                             |
//! | Numerics   | exact; a sum past the range wraps, becomes NaN and raises headroom               |

use rtl::wave::Format;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit};

use crate::config::{EXACT_SUM_BITS, Target};
use crate::dot_product::{DotProductOut, FRACTION_BITS};
use crate::lane::{AccumulateIn, AccumulateOut, StepFlags};

/// Cycles from the state to the new state.
pub const LATENCY_CYCLES: usize = 0;

/// An exact accumulator of `bits` bits for dot products of `terms` pairs.
#[derive(Clone, Copy, Debug)]
pub struct ExactAccumulate {
    /// Pairs in a dot product.
    pub terms: usize,
    /// Width of the number.
    pub bits: usize,
    /// What it is built for.
    pub target: Target,
}

bundle! {
    /// The state taken apart.
    pub struct ExactState {
        /// -Inf was seen.
        pub negative_infinity: Signal,
        /// +Inf was seen.
        pub positive_infinity: Signal,
        /// A NaN, an invalid product or a sum past the range was seen.
        pub nan: Signal,
        /// Sum of the finite products, two's complement, LSB 2^-48.
        pub number: Signal,
    }
}

impl ExactState {
    /// The state in a memory word.
    pub fn unpack(word: Signal) -> ExactState {
        let bits = word.width() - 3;
        ExactState {
            negative_infinity: word.bit(bits + 2),
            positive_infinity: word.bit(bits + 1),
            nan: word.bit(bits),
            number: word.bits(0..bits),
        }
    }

    /// The memory word.
    pub fn pack(&self) -> Signal {
        cat([self.negative_infinity, self.positive_infinity, self.nan, self.number])
    }

    /// The state of `bits` bits in an exact sum as it lies in the tile's memory.
    ///
    /// ```text
    ///  | -Inf | +Inf | NaN | number, sign-extended |
    /// ```
    pub fn from_exact_sum(sum: Signal, bits: usize) -> ExactState {
        ExactState {
            negative_infinity: sum.bit(EXACT_SUM_BITS - 1),
            positive_infinity: sum.bit(EXACT_SUM_BITS - 2),
            nan: sum.bit(EXACT_SUM_BITS - 3),
            number: sum.bits(0..bits),
        }
    }

    /// The state as an exact sum.
    pub fn to_exact_sum(&self) -> Signal {
        let number = self.number.sign_extend(EXACT_SUM_BITS - 3);
        cat([self.negative_infinity, self.positive_infinity, self.nan, number])
    }
}

impl Module for ExactAccumulate {
    type In = AccumulateIn;
    type Out = AccumulateOut;

    fn name(&self) -> String {
        self.target.module_name(format!("exact{}_accumulate_t{}", self.bits, self.terms))
    }

    fn inputs(&self, ports: &Ports) -> AccumulateIn {
        AccumulateIn {
            products: DotProductOut::ports(&ports.nested("products"), self.terms, self.target),
            state: ports.input("state", self.bits + 3),
        }
    }

    fn build(&self, m: &Builder, io: AccumulateIn) -> AccumulateOut {
        m.summary("Adds a dot product to a fixed-point accumulator.");
        let DotProductOut { sum, class } = io.products;
        m.unused(class.all_negative_zero);
        let state = ExactState::unpack(io.state);

        // A sum past the range has the other sign than it would have with one bit more.
        let wide = sum.plus(state.number.sign_extend(self.bits + 1)).named("wide");
        let headroom = (wide.msb() ^ wide.bit(self.bits - 1)).named("headroom");
        let number = wide.bits(0..self.bits).named("number").shown_as(Format::Fixed { fraction_bits: FRACTION_BITS });

        // The second sign of infinity is invalid once, when it arrives.
        let positive_infinity = (state.positive_infinity | class.positive_infinity).named("positive_infinity");
        let negative_infinity = (state.negative_infinity | class.negative_infinity).named("negative_infinity");
        let both_before = (state.positive_infinity & state.negative_infinity).named("both_before");
        let infinities_meet = (positive_infinity & negative_infinity & !both_before).named("infinities_meet");
        let nan = (state.nan | class.nan | infinities_meet | headroom).named("nan");

        let next = ExactState { negative_infinity, positive_infinity, nan, number };
        AccumulateOut {
            next_state: next.pack(),
            flags: StepFlags { invalid: class.invalid | infinities_meet, inexact: lit(0, 1), headroom },
        }
    }
}
