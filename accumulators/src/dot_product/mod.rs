//! Dot product: `terms` FP16 pairs multiplied and summed exactly, one result a cycle.
//!
//! ```text
//!                +------------+
//!  x[terms] ---->|            |----> sum               (fixed point, LSB 2^-48, some carries wait)
//!  w[terms] ---->| DotProduct |----> class: nan, invalid, positive_infinity, negative_infinity,
//!  enable ------>|            |         all_negative_zero
//!                +------------+
//! ```
//! | Contract   |                                                                              |
//! |------------|------------------------------------------------------------------------------|
//! | Latency    | [`DotProduct::latency_cycles`]: 2, on an FPGA 5 or more                      |
//! | Throughput | one dot product a cycle                                                      |
//! | Handshake  | none: results follow operands by the latency, whether they mean anything     |
//! | Reset      | none                                                                         |
//! | Numerics   | exact; infinite and NaN products leave on their own outputs, not in the sum  |

mod carry_chain;
mod carry_save;

use rtl::{Builder, Bundle, Module, Ports, Signal, bundle};

use crate::config::Target;
use crate::format::{FP16, PRODUCT_FIXED_BITS};
use crate::pair::Pair;
use crate::sum::Sum;
use crate::unpack::{Unpacked, unpack};

/// Bits right of the point: products of the smallest subnormals weigh 2^-48.
pub const FRACTION_BITS: u32 = 48;

/// A dot product of `terms` pairs.
#[derive(Clone, Copy, Debug)]
pub struct DotProduct {
    /// Pairs that are multiplied and summed.
    pub terms: usize,
    /// What it is built for.
    pub target: Target,
}

impl DotProduct {
    /// Cycles from operands to sum.
    pub fn latency_cycles(&self) -> usize {
        match self.target {
            Target::StandardCells => carry_save::LATENCY_CYCLES,
            Target::Fpga => carry_chain::latency_cycles(self.terms),
        }
    }
}

bundle! {
    /// Operands.
    pub struct DotProductIn {
        /// First factors, unpacked: they are shared by all lanes.
        pub x: Vec<Unpacked>,
        /// Second factors: `terms` FP16 numbers, the first lowest.
        pub w: Signal,
        /// One bit a pair: it takes part.
        pub enable: Signal,
    }
}

bundle! {
    /// The sum of the finite products, and what the others were.
    pub struct DotProductOut {
        /// LSB 2^-48.
        pub sum: Sum,
        /// What the products are.
        pub class: SumClass,
    }
}

bundle! {
    /// What a sum needs to know about its products beside their finite values.
    pub struct SumClass {
        /// A product is NaN.
        pub nan: Signal,
        /// A product is 0 x Inf or has a signalling NaN operand.
        pub invalid: Signal,
        /// A product is +Inf.
        pub positive_infinity: Signal,
        /// A product is -Inf.
        pub negative_infinity: Signal,
        /// Every product that takes part is -0 (also if none does).
        pub all_negative_zero: Signal,
    }
}

impl DotProductOut {
    /// Declares the ports.
    pub fn ports(ports: &Ports, terms: usize, target: Target) -> DotProductOut {
        let sum = ports.nested("sum");
        DotProductOut {
            sum: match target {
                Target::StandardCells => Sum::carry_save_ports(&sum, terms, PRODUCT_FIXED_BITS + 1),
                Target::Fpga => Sum::whole_ports(&sum, sum_bits(terms)),
            },
            class: SumClass::ports(&ports.nested("class")),
        }
    }
}

impl SumClass {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> SumClass {
        SumClass {
            nan: ports.bit("nan"),
            invalid: ports.bit("invalid"),
            positive_infinity: ports.bit("positive_infinity"),
            negative_infinity: ports.bit("negative_infinity"),
            all_negative_zero: ports.bit("all_negative_zero"),
        }
    }
}

/// Width of the sum of `terms` products, in bits: each needs 80 and a sign.
pub fn sum_bits(terms: usize) -> usize {
    PRODUCT_FIXED_BITS + 1 + terms.trailing_zeros() as usize
}

/// Declares the ports of an unpacked FP16 number.
pub fn unpacked_ports(ports: &Ports) -> Unpacked {
    Unpacked {
        sign: ports.bit("sign"),
        exponent: ports.input("exponent", FP16.exponent_bits),
        significand: ports.input("significand", FP16.significand_bits()),
        zero: ports.bit("zero"),
        infinite: ports.bit("infinite"),
        nan: ports.bit("nan"),
        signalling: ports.bit("signalling"),
    }
}

impl Module for DotProduct {
    type In = DotProductIn;
    type Out = DotProductOut;

    fn name(&self) -> String {
        self.target.module_name(format!("dot_product_t{}", self.terms))
    }

    fn inputs(&self, ports: &Ports) -> DotProductIn {
        DotProductIn {
            x: (0..self.terms).map(|i| unpacked_ports(&ports.nested(&format!("x_{i}")))).collect(),
            w: ports.input("w", self.terms * FP16.bits()),
            enable: ports.input("enable", self.terms),
        }
    }

    fn build(&self, m: &Builder, io: DotProductIn) -> DotProductOut {
        m.summary("Multiplies FP16 pairs and sums the products exactly.");
        let pairs: Vec<Pair> = (0..self.terms)
            .map(|i| {
                let w = unpack(&format!("w_{i}"), io.w.bits(16 * i..16 * (i + 1)), FP16);
                Pair::of(&format!("pair_{i}"), &io.x[i], &w, io.enable.bit(i))
            })
            .collect();
        let sum = match self.target {
            Target::StandardCells => carry_save::sum(&pairs),
            Target::Fpga => carry_chain::sum(&pairs),
        };
        let class = (1..=self.latency_cycles())
            .fold(classify(&pairs), |class, cycle| class.register_all(&format!("class_{cycle}")));
        DotProductOut { sum, class }
    }
}

fn classify(pairs: &[Pair]) -> SumClass {
    let any = |of: &dyn Fn(&Pair) -> Signal| pairs.iter().map(of).reduce(|a, b| a | b).expect("at least one pair");
    SumClass {
        nan: any(&|pair| pair.nan),
        invalid: any(&|pair| pair.invalid),
        positive_infinity: any(&|pair| pair.infinite & !pair.sign),
        negative_infinity: any(&|pair| pair.infinite & pair.sign),
        all_negative_zero: !any(&|pair| pair.not_negative_zero),
    }
}
