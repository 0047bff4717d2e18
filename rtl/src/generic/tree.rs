//! Trees and other small combinational functions that every datapath needs.
//!
//! | function              | result                                                        | depth        |
//! |-----------------------|---------------------------------------------------------------|--------------|
//! | [`tree`]              | any associative operation over a list                         | log2 n       |
//! | [`carry_save`]        | two numbers with the sum of n                                 | log1.5 n     |
//! | [`carry_save_sum`]    | their sum, modulo 2^width                                     | the same + 1 adder |
//! | [`leading_zeros`]     | zeros above the highest one                                   | log2 width   |
//! | [`count_ones`]        | number of ones                                                | log2 width   |
//! | [`lowest_one`]        | the lowest one alone (priority to bit 0)                      | 1 adder      |
//! | [`decode`]            | one-hot from an index                                         | 1 comparison |
//! | [`encode`]            | index from a one-hot                                          | log2 width   |
//! | [`one_hot_select`]    | the option of the bit that is set; zero if none is            | log2 n       |

use crate::builder::{address_bits, current};
use crate::module::Bundle;
use crate::signal::{Signal, cat, lit, mux};

/// Reduces `items` pairwise in a balanced tree; the order of the items is kept.
///
/// # Panics
/// If there are no items.
#[track_caller]
pub fn tree<T: Clone>(items: &[T], op: impl Fn(T, T) -> T) -> T {
    assert!(!items.is_empty(), "a tree of nothing; expected at least one item");
    let mut level = items.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| if let [a, b] = pair { op(a.clone(), b.clone()) } else { pair[0].clone() })
            .collect();
    }
    level.swap_remove(0)
}

/// Two numbers whose sum is the sum of `addends` modulo 2^width: full adders without carry propagation, three
/// numbers to two in each level. At least one addend, all of equal width.
#[track_caller]
pub fn carry_save(addends: &[Signal]) -> (Signal, Signal) {
    assert!(!addends.is_empty(), "a sum of nothing; expected at least one addend");
    if let Some(other) = addends.iter().find(|addend| addend.width() != addends[0].width()) {
        let (a, b) = (current().describe_signal(addends[0]), current().describe_signal(*other));
        current().error(format!("a sum of {a} and {b}; expected equal widths"));
        return (addends[0], addends[0]);
    }
    let mut level = addends.to_vec();
    while level.len() > 2 {
        let mut next = vec![];
        for group in level.chunks(3) {
            match *group {
                [a, b, c] => {
                    next.push(a ^ b ^ c);
                    next.push(((a & b) | (a & c) | (b & c)) << 1);
                }
                _ => next.extend(group),
            }
        }
        level = next;
    }
    match *level {
        [one] => (one, lit(0, one.width())),
        _ => (level[0], level[1]),
    }
}

/// The sum of `addends` modulo 2^width, with one carry-propagating adder.
#[track_caller]
pub fn carry_save_sum(addends: &[Signal]) -> Signal {
    let (sum, carry) = carry_save(addends);
    if addends.len() == 1 { sum } else { sum + carry }
}

/// Number of zeros above the highest one, in `ceil(log2(width + 1))` bits; `width` if there is no one.
#[track_caller]
pub fn leading_zeros(x: Signal) -> Signal {
    let width = x.width();
    let padded = width.next_power_of_two();
    // Ones below: a number without ones counts exactly its own width.
    let x = if padded == width { x } else { cat([x, lit(1, 1).repeat(padded - width)]) };
    // Each level joins the counts of two neighbours; the top bit of a count says that all bits are zero.
    let bits: Vec<Signal> = (0..padded).rev().map(|i| !x.bit(i)).collect();
    let count = tree(&bits, |high, low| {
        let all = high.msb() & low.msb();
        if high.width() == 1 {
            return cat([all, high & !low]);
        }
        let below = high.width() - 1;
        cat([all, high.msb() & !low.msb(), mux(high.msb(), low.truncate(below), high.truncate(below))])
    });
    count.truncate(count_bits(width))
}

/// Number of ones, in `ceil(log2(width + 1))` bits.
#[track_caller]
pub fn count_ones(x: Signal) -> Signal {
    let bits = count_bits(x.width());
    let ones: Vec<Signal> = (0..x.width()).map(|i| x.bit(i).zero_extend(bits)).collect();
    tree(&ones, |a, b| a + b)
}

/// Bits of a count from 0 to `most`, both included.
pub fn count_bits(most: usize) -> usize {
    (usize::BITS - most.leading_zeros()).max(1) as usize
}

/// The lowest one of `x` alone: at most one bit is set.
#[track_caller]
pub fn lowest_one(x: Signal) -> Signal {
    x & -x
}

/// `count` bits of which bit `index` is one; none where `index` is `count` or more.
#[track_caller]
pub fn decode(index: Signal, count: usize) -> Signal {
    let reached = if index.width() >= 32 { count } else { count.min(1 << index.width()) };
    let bits: Vec<Signal> = (0..count).rev().map(|i| if i < reached { index.eq(i) } else { lit(0, 1) }).collect();
    cat(bits)
}

/// The index of the one bit of `one_hot` that is set, in `ceil(log2(width))` bits; 0 if none is, and the OR of the
/// indices if several are.
#[track_caller]
pub fn encode(one_hot: Signal) -> Signal {
    let bits = address_bits(one_hot.width());
    let indices: Vec<Signal> = (0..one_hot.width()).map(|i| lit(i, bits)).collect();
    one_hot_select(one_hot, &indices)
}

/// `options[i]` where bit i of `one_hot` is set; zero if none is, and the OR of the options if several are. For
/// signals and for bundles of them.
#[track_caller]
pub fn one_hot_select<B: Bundle>(one_hot: Signal, options: &[B]) -> B {
    let (bits, count) = (one_hot.width(), options.len());
    assert!(bits == count, "{bits} select bits for {count} options; expected one bit an option");
    let mut option_signals: Vec<Vec<Signal>> = options.iter().map(Bundle::signals).collect();
    option_signals.iter_mut().for_each(|signals| signals.reverse());
    options[0].map("", &mut |_, _| {
        let gated: Vec<Signal> = option_signals
            .iter_mut()
            .enumerate()
            .map(|(i, signals)| {
                let option = signals.pop().expect("options have one shape");
                one_hot.bit(i).repeat(option.width()) & option
            })
            .collect();
        tree(&gated, |a, b| a | b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Simulator;
    use crate::{Builder, Module, Ports, bundle, elaborate};

    bundle! {
        struct In { x: Signal }
    }
    bundle! {
        struct Out { y: Signal }
    }

    /// A function of `bits` inputs.
    #[derive(Debug)]
    struct Function {
        bits: usize,
        function: fn(Signal) -> Signal,
    }

    impl Module for Function {
        type In = In;
        type Out = Out;
        fn name(&self) -> String {
            "tree_function".into()
        }
        fn inputs(&self, ports: &Ports) -> In {
            In { x: ports.input("x", self.bits) }
        }
        fn build(&self, m: &Builder, io: In) -> Out {
            m.unused(io.x);
            Out { y: (self.function)(io.x) }
        }
    }

    /// Compares `function` with `expected` for every input of `bits` bits.
    fn check_all(bits: usize, function: fn(Signal) -> Signal, expected: impl Fn(u64) -> u64) {
        let design = elaborate(&Function { bits, function }).unwrap();
        let mut sim = Simulator::new(&design).unwrap();
        let (x, y) = (sim.input("x").unwrap(), sim.output("y").unwrap());
        for value in 0..1 << bits {
            sim.set(x, value);
            assert_eq!(sim.get(y), expected(value), "{bits} bits, x = {value:#b}");
        }
    }

    #[test]
    fn leading_zeros_are_counted_at_every_width() {
        for bits in 1..=11 {
            check_all(bits, leading_zeros, |x| (bits as u64) - (64 - x.leading_zeros() as u64));
        }
    }

    #[test]
    fn ones_are_counted_at_every_width() {
        for bits in 1..=10 {
            check_all(bits, count_ones, |x| x.count_ones() as u64);
        }
    }

    #[test]
    fn lowest_one_has_priority() {
        check_all(9, lowest_one, |x| x & x.wrapping_neg());
    }

    #[test]
    fn decode_and_encode_are_inverse() {
        check_all(4, |x| decode(x, 11), |x| if x < 11 { 1 << x } else { 0 });
        check_all(2, |x| decode(x, 6), |x| 1 << x);
        check_all(3, |x| encode(decode(x, 7)), |x| if x < 7 { x } else { 0 });
    }

    #[test]
    fn one_hot_select_takes_the_option_of_the_bit() {
        let select = |x: Signal| one_hot_select(x.bits(0..3), &[x.bits(3..5), x.bits(5..7), x.bits(7..9)]);
        let option = |x: u64, i: u64| if x >> i & 1 == 1 { x >> (3 + 2 * i) & 3 } else { 0 };
        check_all(9, select, |x| option(x, 0) | option(x, 1) | option(x, 2));
    }

    #[test]
    fn carry_save_sum_is_the_sum_modulo_its_width() {
        fn sum<const COUNT: usize>(x: Signal) -> Signal {
            let addends: Vec<Signal> = (0..COUNT).map(|i| x.bits(3 * i..3 * i + 3).zero_extend(4)).collect();
            carry_save_sum(&addends)
        }
        let expected = |count: usize| move |x: u64| (0..count).map(|i| x >> (3 * i) & 7).sum::<u64>() & 15;
        check_all(3, sum::<1>, expected(1));
        check_all(6, sum::<2>, expected(2));
        check_all(9, sum::<3>, expected(3));
        check_all(12, sum::<4>, expected(4));
        check_all(15, sum::<5>, expected(5));
    }

    #[test]
    fn trees_keep_the_order_of_their_items() {
        let items: Vec<String> = ["a", "b", "c", "d", "e"].map(String::from).to_vec();
        assert_eq!(tree(&items, |a, b| format!("({a}{b})")), "(((ab)(cd))e)");
    }

    #[test]
    #[should_panic(expected = "a tree of nothing; expected at least one item")]
    fn a_tree_of_nothing_is_refused() {
        tree(&[0; 0], |a, b| a + b);
    }
}
