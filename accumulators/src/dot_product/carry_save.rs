//! Products and their sum on standard cells, in two cycles: a register costs as much as several gates.

use rtl::{Bundle, Signal, bundle, select};

use crate::format::PRODUCT_FIXED_BITS;
use crate::pair::{OFFSET_BITS, Pair};
use crate::sum::Sum;

/// Cycles from operands to sum.
pub const LATENCY_CYCLES: usize = 2;

bundle! {
    /// An exact product: `magnitude * 2^(shift - 50)`, negated if `sign`.
    struct Product {
        sign: Signal,
        magnitude: Signal,
        shift: Signal,
    }
}

/// The sum of the finite products.
pub fn sum(pairs: &[Pair]) -> Sum {
    // Stage 1: 11 x 11-bit significand products. What is not finite is gated behind the multiplier, which takes long.
    let products = pairs.iter().enumerate().map(|(i, pair)| {
        let product = (pair.x * pair.w).named(format!("pair_{i}_significand"));
        let magnitude = product & pair.finite.repeat(product.width());
        Product { sign: pair.sign, magnitude, shift: pair.shift }.register_all(&format!("product_{i}"))
    });

    // Stage 2: every product at its place on the 2^-48 grid; negative ones complemented, and a one beside the sum
    // completes each of them to two's complement.
    //   | sign | 2^31 ........ 2^0 | 2^-1 ........ 2^-48 |
    let (aligned, ones): (Vec<Signal>, Vec<Signal>) = products
        .enumerate()
        .map(|(i, product)| {
            let placed = place(&product).named(format!("placed_{i}")).zero_extend(PRODUCT_FIXED_BITS + 1);
            let aligned = placed ^ product.sign.repeat(PRODUCT_FIXED_BITS + 1);
            (aligned.named(format!("aligned_{i}")), product.sign)
        })
        .unzip();
    Sum::carry_save(&aligned, &ones).register_all("sum_2")
}

/// The magnitude shifted to its place, in three steps of two bits of the shift: fewer gates than six of one.
fn place(product: &Product) -> Signal {
    let most = OFFSET_BITS + PRODUCT_FIXED_BITS;
    let placed = (0..product.shift.width()).step_by(2).fold(product.magnitude, |word, low| {
        let width = (word.width() + (3 << low)).min(most);
        let distances = [0, 1, 2, 3].map(|n| {
            let distance = n << low;
            word.bits(0..word.width().min(width - distance)).zero_extend(width) << distance
        });
        select(product.shift.bits(low..low + 2), distances)
    });
    placed.bits(OFFSET_BITS..most)
}
