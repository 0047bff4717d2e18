//! Products and their sum on an FPGA: carry chains and registers cost little there, and shifters are what costs.
//!
//! ```text
//!   x << shift mod 8   18 bits   a DSP block multiplies 18 bits as well as 11
//!   * w                29 bits
//!   rotated by bytes   | 3 | 2 | 1 | 0 |
//!   placed             | 2 | 1 | 0 | 3 | 2 | 1 | 0 | 3 | 2 | 1 | 0 |    four of these bytes at most, the others zero
//! ```

use rtl::{Bundle, Signal, bundle, cat, lit, select};

use crate::format::PRODUCT_FIXED_BITS;
use crate::pair::{OFFSET_BITS, Pair};
use crate::sum::{Sum, add_with_carry};

/// Low bits of the shift, by which a factor is shifted rather than the product.
const FINE_BITS: usize = 3;

/// Bits of a byte, by which products are rotated.
const BYTE_BITS: usize = 1 << FINE_BITS;

/// Bytes of a product that is rotated.
const WORD_BYTES: usize = 4;

bundle! {
    /// Factors, shifted or to be shifted: `x * w * 2^(shift - 50)`.
    struct Factors {
        x: Signal,
        w: Signal,
        sign: Signal,
        shift: Signal,
    }
}

bundle! {
    /// A product, to be shifted by bytes.
    struct Product {
        magnitude: Signal,
        sign: Signal,
        shift: Signal,
    }
}

bundle! {
    /// A product whose bytes are in place, modulo four.
    struct Rotated {
        word: Signal,
        /// One bit for each byte of the grid: the product covers it.
        covered: Signal,
        sign: Signal,
    }
}

/// Cycles from operands to the sum of `terms` products.
pub fn latency_cycles(terms: usize) -> usize {
    4 + (terms.trailing_zeros() as usize).max(1)
}

/// The sum of the finite products.
pub fn sum(pairs: &[Pair]) -> Sum {
    let rotated = pairs.iter().enumerate().map(|(i, pair)| {
        // Stage 1: what is not finite is zero.
        let x = pair.x & pair.finite.repeat(pair.x.width());
        let Factors { x, w, sign, shift } =
            Factors { x, w: pair.w, sign: pair.sign, shift: pair.shift }.register_all(&format!("factors_{i}"));

        // Stage 2: one factor shifted by up to seven places.
        let x = x.zero_extend(x.width() + BYTE_BITS - 1).shift_left(shift.bits(0..FINE_BITS));
        let shift = shift.bits(FINE_BITS..shift.width());
        let Factors { x, w, sign, shift } = Factors { x, w, sign, shift }.register_all(&format!("shifted_{i}"));

        // Stage 3: the product.
        let product = Product { magnitude: x * w, sign, shift }.register_all(&format!("product_{i}"));

        // Stage 4: its bytes in place, modulo four.
        rotate(&product).register_all(&format!("rotated_{i}"))
    });

    // Stage 5: every product at its place on the 2^-48 grid, complemented if it is negative. From here on, two become
    // one in every cycle; a one for each complement enters in a carry chain, the last one after this sum.
    let (mut sums, mut ones): (Vec<Signal>, Vec<Signal>) =
        rotated.enumerate().map(|(i, product)| (place(&product).named(format!("aligned_{i}")), product.sign)).unzip();
    for cycle in 5..=latency_cycles(pairs.len()) {
        let mut carries = ones.split_off(ones.len() - sums.len() / 2).into_iter();
        let added = sums.chunks(2).map(|addends| match *addends {
            [a, b] => add_signed(a, b, carries.next().expect("one for two addends")),
            _ => addends[0],
        });
        sums = added.enumerate().map(|(i, sum)| sum.register(&format!("sum_{cycle}_{i}"))).collect();
        ones = ones.iter().enumerate().map(|(i, one)| one.register(&format!("one_{cycle}_{i}"))).collect();
    }
    Sum { low: sums[0], high: vec![], high_one: None, low_one: ones[0] }
}

/// The sum of signed numbers of equal width and of a one, one bit wider.
fn add_signed(a: Signal, b: Signal, one: Signal) -> Signal {
    let width = a.width() + 1;
    add_with_carry(a.sign_extend(width), b.sign_extend(width), one).truncate(width)
}

/// Rotates by bytes, and tells which bytes of the grid the product covers.
fn rotate(product: &Product) -> Rotated {
    let word = product.magnitude.zero_extend(WORD_BYTES * BYTE_BITS);
    let rotations = [0, 1, 2, 3].map(|bytes| match (WORD_BYTES - bytes) * BYTE_BITS {
        32 => word,
        top => cat([word.bits(0..top), word.bits(top..word.width())]),
    });
    let bytes = (OFFSET_BITS + PRODUCT_FIXED_BITS).div_ceil(BYTE_BITS);
    let covers = |byte: usize| {
        let first = |place: usize| product.shift.eq(place);
        let places = (byte.saturating_sub(WORD_BYTES - 1)..=byte).filter(|&place| place < 1 << FINE_BITS);
        places.map(first).reduce(|a, b| a | b).unwrap_or(lit(0, 1))
    };
    Rotated {
        word: select(product.shift.bits(0..2), rotations),
        covered: cat((0..bytes).rev().map(covers).collect::<Vec<_>>()),
        sign: product.sign,
    }
}

/// The product on the grid, complemented if it is negative.
fn place(product: &Rotated) -> Signal {
    let bytes = product.covered.width();
    let mask = cat((0..bytes).rev().map(|byte| product.covered.bit(byte).repeat(BYTE_BITS)).collect::<Vec<_>>());
    let word = product.word.repeat(bytes.div_ceil(WORD_BYTES)).bits(0..mask.width());
    let placed = (word & mask).bits(OFFSET_BITS..OFFSET_BITS + PRODUCT_FIXED_BITS);
    placed.zero_extend(PRODUCT_FIXED_BITS + 1) ^ product.sign.repeat(PRODUCT_FIXED_BITS + 1)
}
