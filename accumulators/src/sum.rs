//! Fixed-point sums of which some carries still wait.
//!
//! ```text
//!              82 ................. 30 29 ..... 0
//!   high 0    |          sum          |   low   |
//!   high 1    |        carries        |         |
//!   ones      |                     1 |       1 |
//! ```
//! The low part of a sum of products is added to the end in the cycle in which the products are placed; the high part
//! stays in carry-save form, so that its long carry chain is paid for once, by the accumulator. A wider low part
//! takes fewer registers and a longer cycle. On an FPGA carry chains are short beside wires, and the low part is all.

use std::ops::Range;

use rtl::{Ports, Signal, bundle, cat, lit, mux};

/// Bits of the low part.
pub const LOW_BITS: usize = 30;

/// Bits of a carry chain in [`carry_select_add`].
const CHAIN_BITS: usize = 36;

bundle! {
    /// The sum of `low`, of `high` at its place, and of the ones.
    pub struct Sum {
        /// Bits below [`LOW_BITS`], or the whole of it as a signed number.
        pub low: Signal,
        /// None if `low` is the whole; else one or two signed numbers, their lowest bit at [`LOW_BITS`].
        pub high: Vec<Signal>,
        /// A one at [`LOW_BITS`]: the carry out of the low part.
        pub high_one: Option<Signal>,
        /// A one at bit 0.
        pub low_one: Signal,
    }
}

impl Sum {
    /// Declares the ports of a signed number of `width` bits.
    pub fn whole_ports(ports: &Ports, width: usize) -> Sum {
        Sum { low: ports.input("low", width), high: vec![], high_one: None, low_one: ports.bit("low_one") }
    }

    /// Declares the ports of a sum of `count` signed numbers of `width` bits.
    pub fn carry_save_ports(ports: &Ports, count: usize, width: usize) -> Sum {
        let high = carry_save(vec![width; count], |group| {
            let width = group.into_iter().max().expect("three");
            [width, width + 1]
        });
        let high = high.into_iter().map(|width| width - LOW_BITS).enumerate();
        Sum {
            low: ports.input("low", LOW_BITS),
            high: high.map(|(i, bits)| ports.input(&format!("high_{i}"), bits)).collect(),
            high_one: (count > 1).then(|| ports.bit("high_one")),
            low_one: ports.bit("low_one"),
        }
    }

    /// The sum of signed numbers of equal width and of as many ones at bit 0: what completes complements to negative
    /// numbers goes where a vector of carries has room, and into carry chains.
    pub fn carry_save(addends: &[Signal], ones: &[Signal]) -> Sum {
        assert_eq!(addends.len(), ones.len(), "a one for each addend");
        let mut ones = ones.to_vec();
        let mut one = || ones.pop().expect("full adders and carry chains have room for as many");
        let addends = carry_save(addends.to_vec(), |group| full_add(group, one()));
        let high = addends.iter().map(|addend| addend.bits(LOW_BITS..addend.width())).collect();
        match addends.iter().map(|addend| addend.bits(0..LOW_BITS)).collect::<Vec<_>>()[..] {
            [low] => Sum { low, high, high_one: None, low_one: one() },
            [a, b] => {
                let low = a.widening_add(b) + one().zero_extend(LOW_BITS + 1);
                Sum { low: low.bits(0..LOW_BITS), high, high_one: Some(low.msb()), low_one: one() }
            }
            _ => unreachable!("one or two are left"),
        }
    }

    /// The sum and a number, modulo 2^width of the number.
    pub fn plus(&self, number: Signal) -> Signal {
        if self.high.is_empty() {
            return self.whole_plus(number);
        }
        let high_bits = number.width() - LOW_BITS;
        let low = number.bits(0..LOW_BITS).widening_add(self.low) + self.low_one.zero_extend(LOW_BITS + 1);
        let addend = number.bits(LOW_BITS..number.width());
        let (a, b) = match (&self.high[..], self.high_one) {
            (&[high], None) => (addend, high.sign_extend(high_bits)),
            (&[sum, carry], Some(one)) => {
                // Two sign bits of weight -2^n are their complements and -2^(n+1), which is ones from there on: above
                // the signs, full adders with a constant.
                let signs = carry.width() - 1;
                let ones = lit(0, high_bits - signs - 1);
                let sum = cat([!ones, !sum.msb(), sum.sign_extend(carry.width()).bits(0..signs)]);
                let carry = cat([ones, !carry.msb(), carry.bits(0..signs)]);
                let [sum, carry] = full_add([addend, sum, carry], one);
                (sum, carry.truncate(high_bits))
            }
            _ => unreachable!("one number, or two and a carry"),
        };
        cat([carry_select_add(a, b, low.msb()), low.bits(0..LOW_BITS)])
    }

    /// In two carry chains of one length: the upper one twice, without and with a carry from the lower one.
    fn whole_plus(&self, number: Signal) -> Signal {
        let width = number.width();
        let (half, sum) = (width / 2, self.low.sign_extend(width));
        let part =
            |range: Range<usize>, carry: Signal| add_with_carry(number.bits(range.clone()), sum.bits(range), carry);
        let low = part(0..half, self.low_one);
        let [without, with] = [0, 1].map(|carry| part(half..width, lit(carry, 1)).truncate(width - half));
        cat([mux(low.msb(), with, without), low.truncate(half)])
    }
}

/// Three of the addends become two, until one or two are left.
fn carry_save<T: Clone>(mut addends: Vec<T>, mut full_add: impl FnMut([T; 3]) -> [T; 2]) -> Vec<T> {
    while addends.len() > 2 {
        addends = addends
            .chunks(3)
            .flat_map(|group| match <[T; 3]>::try_from(group.to_vec()) {
                Ok(three) => full_add(three).to_vec(),
                Err(fewer) => fewer,
            })
            .collect();
    }
    addends
}

/// Three signed numbers and a one become two numbers, without any carry chain: as wide as the widest, and one bit
/// more for the carries, which leave room for the one.
fn full_add(addends: [Signal; 3], one: Signal) -> [Signal; 2] {
    let width = addends.iter().map(|addend| addend.width()).max().expect("three");
    let [a, b, c] = addends.map(|addend| addend.sign_extend(width));
    [a ^ b ^ c, cat([(a & b) | (c & (a ^ b)), one])]
}

/// `a + b + carry`, one bit wider, in one carry chain: the carry comes from a place below.
pub fn add_with_carry(a: Signal, b: Signal, carry: Signal) -> Signal {
    let sum = cat([a, lit(1, 1)]).widening_add(cat([b, carry]));
    sum.bits(1..sum.width())
}

/// `a + b + carry`, modulo 2^width, in several carry chains at once: each forms the sums without and with a carry,
/// and the carry from below selects one.
fn carry_select_add(a: Signal, b: Signal, carry: Signal) -> Signal {
    let mut carry = carry;
    let mut parts = vec![];
    for start in (0..a.width()).step_by(CHAIN_BITS) {
        let part = start..(start + CHAIN_BITS).min(a.width());
        let without = a.bits(part.clone()).widening_add(b.bits(part));
        let with = without + lit(1, without.width());
        let sum = mux(carry, with, without);
        carry = sum.msb();
        parts.push(sum.truncate(sum.width() - 1));
    }
    parts.reverse();
    cat(parts)
}
