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
//! | Latency    | [`LATENCY_CYCLES`] = 2                                                       |
//! | Throughput | one dot product a cycle                                                      |
//! | Handshake  | none: results follow operands by the latency, whether they mean anything     |
//! | Reset      | none                                                                         |
//! | Numerics   | exact; infinite and NaN products leave on their own outputs, not in the sum  |

use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, select};

use crate::format::{FP16, PRODUCT_FIXED_BITS};
use crate::multiply::{Product, multiply_exact};
use crate::sum::Sum;
use crate::unpack::{Unpacked, unpack};

/// Bits right of the point: products of the smallest subnormals weigh 2^-48.
pub const FRACTION_BITS: u32 = 48;

/// Cycles from operands to sum.
pub const LATENCY_CYCLES: usize = 2;

/// A dot product of `terms` pairs.
#[derive(Clone, Copy, Debug)]
pub struct DotProduct {
    /// Pairs that are multiplied and summed.
    pub terms: usize,
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
    pub fn ports(ports: &Ports, terms: usize) -> DotProductOut {
        DotProductOut {
            sum: Sum::ports(&ports.nested("sum"), terms, PRODUCT_FIXED_BITS + 1),
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
        format!("dot_product_t{}", self.terms)
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

        // Stage 1: 11 x 11-bit significand products, exponents added.
        let products: Vec<Product> = (0..self.terms)
            .map(|i| {
                let w = unpack(&format!("w_{i}"), io.w.bits(16 * i..16 * (i + 1)), FP16);
                multiply_exact(&format!("pair_{i}"), &io.x[i], &w, io.enable.bit(i))
            })
            .collect();
        let class = classify(&products).register_all("class_1");
        let finite: Vec<Finite> = products
            .into_iter()
            .enumerate()
            .map(|(i, Product { sign, magnitude, shift, .. })| {
                Finite { sign, magnitude, shift }.register_all(&format!("product_{i}"))
            })
            .collect();

        // Stage 2: every product at its place on the 2^-48 grid; negative ones complemented, and a one beside the sum
        // completes each of them to two's complement.
        //   | sign | 2^31 ........ 2^0 | 2^-1 ........ 2^-48 |
        let (aligned, ones): (Vec<Signal>, Vec<Signal>) = finite
            .iter()
            .enumerate()
            .map(|(i, product)| {
                let placed = place(product).named(format!("placed_{i}")).zero_extend(PRODUCT_FIXED_BITS + 1);
                let aligned = placed ^ product.sign.repeat(PRODUCT_FIXED_BITS + 1);
                (aligned.named(format!("aligned_{i}")), product.sign)
            })
            .unzip();
        DotProductOut { sum: Sum::of(&aligned, &ones).register_all("sum_2"), class: class.register_all("class_2") }
    }
}

bundle! {
    /// What of a product enters the sum.
    struct Finite {
        sign: Signal,
        magnitude: Signal,
        shift: Signal,
    }
}

/// The magnitude shifted to its place, in three steps of two bits of the shift: fewer gates than six of one.
fn place(product: &Finite) -> Signal {
    (0..product.shift.width()).step_by(2).fold(product.magnitude, |word, low| {
        let width = (word.width() + (3 << low)).min(PRODUCT_FIXED_BITS);
        let distances = [0, 1, 2, 3].map(|n| {
            let distance = n << low;
            word.bits(0..word.width().min(width - distance)).zero_extend(width) << distance
        });
        select(product.shift.bits(low..low + 2), distances)
    })
}

fn classify(products: &[Product]) -> SumClass {
    let any =
        |of: &dyn Fn(&Product) -> Signal| products.iter().map(of).reduce(|a, b| a | b).expect("at least one product");
    SumClass {
        nan: any(&|product| product.nan),
        invalid: any(&|product| product.invalid),
        positive_infinity: any(&|product| product.infinite & !product.sign),
        negative_infinity: any(&|product| product.infinite & product.sign),
        all_negative_zero: !any(&|product| product.not_negative_zero),
    }
}
