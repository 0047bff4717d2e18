//! What an operator makes of operands that are known: the definitions of [`crate::signal`], a bit at a time.

use super::analysis::{Analysis, reachable_options};
use super::fold::from_bits;
use crate::bits::Bits;
use crate::design::{NodeId, Op};

/// Products of more bits than this are left to the tools.
const WIDEST_PRODUCT: usize = 2048;

impl Analysis<'_> {
    /// The value of a node whose operands are known, or of a choice between equals.
    pub fn evaluate(&self, id: NodeId) -> Option<Bits> {
        let node = self.module.node(id);
        let width = node.width;
        let known = |id: &NodeId| self.known(self.canonical(*id));
        let bit = |value: bool| Some(Bits::from_u64(value as u64, 1));
        match &node.op {
            Op::And(a, b) => bitwise(known(a)?, known(b)?, |a, b| a & b),
            Op::Or(a, b) => bitwise(known(a)?, known(b)?, |a, b| a | b),
            Op::Xor(a, b) => bitwise(known(a)?, known(b)?, |a, b| a ^ b),
            Op::ReduceAnd(a) => known(a).and_then(|a| bit(*a == Bits::ones(a.width()))),
            Op::ReduceOr(a) => known(a).and_then(|a| bit(!a.is_zero())),
            Op::ReduceXor(a) => {
                known(a).and_then(|a| bit(a.words().iter().map(|word| word.count_ones()).sum::<u32>() % 2 == 1))
            }
            Op::Add(a, b) => Some(sum(known(a)?, known(b)?, false)),
            Op::Sub(a, b) => Some(sum(known(a)?, &bitwise(known(b)?, known(b)?, |b, _| !b)?, true)),
            Op::Mul(a, b) if width <= WIDEST_PRODUCT => Some(product(known(a)?, known(b)?, width, false)),
            Op::MulSigned(a, b) if width <= WIDEST_PRODUCT => Some(product(known(a)?, known(b)?, width, true)),
            Op::Lt(a, b) => bit(less(known(a)?, known(b)?, false)),
            Op::LtSigned(a, b) => bit(less(known(a)?, known(b)?, true)),
            Op::ShiftLeft(a, by) => {
                let (a, by) = (known(a)?, amount(known(by)?, width));
                Some(from_bits(width, |i| i >= by && a.bit(i - by)))
            }
            Op::ShiftRight(a, by) => {
                let (a, by) = (known(a)?, amount(known(by)?, width));
                Some(from_bits(width, |i| a.bit(i + by)))
            }
            Op::ShiftRightSigned(a, by) => {
                let (a, by) = (known(a)?, amount(known(by)?, width));
                Some(from_bits(width, |i| a.bit((i + by).min(width - 1))))
            }
            Op::Mux { select, on_true, on_false } => match known(select) {
                Some(select) => if select.bit(0) { known(on_true) } else { known(on_false) }.cloned(),
                None => common(&[known(on_true)?, known(on_false)?]),
            },
            Op::Select { index, options } => match known(index) {
                Some(index) => {
                    let index = index.to_u64().map_or(usize::MAX, |index| index as usize);
                    known(&options[index.min(options.len() - 1)]).cloned()
                }
                None => {
                    let reached = reachable_options(self.module.node(*index).width, options.len());
                    common(&options[..reached].iter().map(known).collect::<Option<Vec<&Bits>>>()?)
                }
            },
            _ => None,
        }
    }
}

/// The one value that all are, if they are.
fn common(values: &[&Bits]) -> Option<Bits> {
    values.iter().all(|value| *value == values[0]).then(|| values[0].clone())
}

fn bitwise(a: &Bits, b: &Bits, f: impl Fn(bool, bool) -> bool) -> Option<Bits> {
    Some(from_bits(a.width(), |i| f(a.bit(i), b.bit(i))))
}

/// `a + b + carry`, as wide as `a`.
fn sum(a: &Bits, b: &Bits, carry: bool) -> Bits {
    let mut carry = carry;
    from_bits_in_order(a.width(), |i| {
        let ones = a.bit(i) as u8 + b.bit(i) as u8 + carry as u8;
        carry = ones > 1;
        ones % 2 == 1
    })
}

fn product(a: &Bits, b: &Bits, width: usize, signed: bool) -> Bits {
    let extended = |value: &Bits| {
        let sign = signed && value.bit(value.width() - 1);
        from_bits(width, |i| if i < value.width() { value.bit(i) } else { sign })
    };
    let (a, b) = (extended(a), extended(b));
    (0..width).filter(|&shift| b.bit(shift)).fold(Bits::zero(width), |total, shift| {
        sum(&total, &from_bits(width, |i| i >= shift && a.bit(i - shift)), false)
    })
}

fn less(a: &Bits, b: &Bits, signed: bool) -> bool {
    let top = a.width() - 1;
    let highest = (0..a.width()).rev().find(|&i| a.bit(i) != b.bit(i));
    highest.is_some_and(|i| if signed && i == top { a.bit(i) } else { b.bit(i) })
}

/// A shift amount, at most `width`.
fn amount(by: &Bits, width: usize) -> usize {
    by.to_u64().map_or(width, |by| by.min(width as u64) as usize)
}

/// As [`from_bits`], lowest bit first.
fn from_bits_in_order(width: usize, bit: impl FnMut(usize) -> bool) -> Bits {
    let bits: Vec<bool> = (0..width).map(bit).collect();
    from_bits(width, |i| bits[i])
}
