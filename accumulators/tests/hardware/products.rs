//! Dot products of one term side by side: how products are compared by the billion.

use accumulators::Target;
use accumulators::dot_product::{DotProduct, DotProductIn, DotProductOut};
use accumulators::format::{FP16, PRODUCT_FIXED_BITS};
use accumulators::unpack::unpack;
use golden::step::ProductSum;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit};

/// Products in a cycle.
pub const LANES: usize = 16;

/// 32-bit words of a product and of what else is said about it.
const WORDS: usize = 3;

/// Bits of a product: a sign and a magnitude.
const PRODUCT_BITS: usize = PRODUCT_FIXED_BITS + 1;

/// `LANES` products of one factor.
#[derive(Debug)]
pub struct Products {
    pub target: Target,
}

bundle! {
    pub struct ProductsIn {
        x: Signal,
        w: Signal,
    }
}

bundle! {
    pub struct ProductsOut {
        /// For each lane what is said about the product, and the product.
        products: Vec<Signal>,
    }
}

impl Products {
    fn dot_product(&self) -> DotProduct {
        DotProduct { terms: 1, target: self.target }
    }

    /// Multiplies every number of `x` by every number of `w`, the latter `LANES` at a time, under Verilator, and
    /// compares with golden. Returns how many products were compared.
    ///
    /// # Errors
    /// The first product that differs.
    pub fn compare(&self, model: &mut cosim::Model, x: &[u16], w: &[u16]) -> Result<u64, String> {
        let port = |name: &str| model.port(name).unwrap_or_else(|error| panic!("{error}"));
        let (x_port, w_port) = (port("x"), port("w"));
        let product_ports: Vec<cosim::Port> = (0..LANES).map(|i| port(&format!("products_{i}"))).collect();
        let given: Vec<(u16, &[u16])> = x.iter().flat_map(|&x| w.chunks_exact(LANES).map(move |w| (x, w))).collect();
        let (mut words, mut found) = ([0; LANES / 2], [0; WORDS]);
        let mut compared = 0;
        let ahead = self.dot_product().latency_cycles() - 1;
        for cycle in 0..given.len() + ahead {
            if let Some((x, w)) = given.get(cycle) {
                for (word, two) in words.iter_mut().zip(w.chunks_exact(2)) {
                    *word = u32::from(two[1]) << 16 | u32::from(two[0]);
                }
                model.set_u64(x_port, u64::from(*x));
                model.set(w_port, &words);
            }
            model.step(1).unwrap_or_else(|error| panic!("{error}"));
            let Some((x, w)) = cycle.checked_sub(ahead).map(|cycle| given[cycle]) else { continue };
            for (&w, &port) in w.iter().zip(&product_ports) {
                model.get(port, &mut found);
                let expected = expected(x, w);
                if found != expected {
                    return Err(format!("{x:#06x} x {w:#06x}: found {found:x?}, expected {expected:x?}"));
                }
                compared += 1;
            }
        }
        Ok(compared)
    }
}

/// The words of a product, lowest first, as golden has it.
fn expected(x: u16, w: u16) -> [u32; WORDS] {
    let sum = ProductSum::of(&[x], &[w], 1);
    let class = [sum.nan, sum.invalid, sum.positive_infinity, sum.negative_infinity, sum.all_negative_zero];
    let class = class.into_iter().fold(0, |bits, flag| bits << 1 | u128::from(flag));
    let product = class << PRODUCT_BITS | sum.finite as u128 & ((1 << PRODUCT_BITS) - 1);
    [0, 32, 64].map(|shift| (product >> shift) as u32)
}

impl Module for Products {
    type In = ProductsIn;
    type Out = ProductsOut;

    fn name(&self) -> String {
        self.target.module_name("products_bench".into())
    }

    fn inputs(&self, ports: &Ports) -> ProductsIn {
        ProductsIn { x: ports.input("x", FP16.bits()), w: ports.input("w", LANES * FP16.bits()) }
    }

    fn build(&self, m: &Builder, io: ProductsIn) -> ProductsOut {
        m.summary("Dot products of one term side by side.");
        let x = unpack("x", io.x, FP16);
        let lane = |i: usize| {
            let inputs = DotProductIn { x: vec![x.clone()], w: io.w.bits(16 * i..16 * (i + 1)), enable: lit(1, 1) };
            let DotProductOut { sum, class } = m.instance(&format!("dot_product_{i}"), &self.dot_product(), inputs);
            let flags =
                [class.nan, class.invalid, class.positive_infinity, class.negative_infinity, class.all_negative_zero];
            cat([cat(flags), sum.plus(lit(0, PRODUCT_BITS))])
        };
        ProductsOut { products: (0..LANES).map(lane).collect() }
    }
}
