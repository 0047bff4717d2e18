//! Constants, and Rust numbers as operands.

use super::Signal;
use crate::bits::Bits;
use crate::builder::{count, current};
use crate::design::Op;

/// A signal, or a Rust number that takes the width of the other operand.
pub trait Operand: Copy {
    /// This operand as a signal, as wide as `other` if it is a number.
    #[track_caller]
    fn like(self, other: Signal) -> Signal;
}

impl Operand for Signal {
    fn like(self, _: Signal) -> Signal {
        self
    }
}

macro_rules! number_operand {
    ($($number:ty),*) => {$(
        impl Operand for $number {
            #[track_caller]
            fn like(self, other: Signal) -> Signal {
                constant(self as i128, other.width())
            }
        }
    )*};
}
number_operand!(bool, i32, u8, u16, u32, u64, usize);

/// `value` as a constant of `width` bits; must fit (negative: as two's complement).
#[track_caller]
pub(super) fn constant(value: i128, width: usize) -> Signal {
    let fits = if width >= 127 {
        true
    } else if value < 0 {
        value >= -(1 << (width - 1))
    } else {
        value < 1 << width
    };
    if !fits {
        current().error(format!("the constant {value} does not fit {}", count(width, "bit")));
    }
    let words = [value as u64, (value >> 64) as u64];
    let mut extended = words.to_vec();
    extended.resize(width.div_ceil(64).max(2), if value < 0 { u64::MAX } else { 0 });
    current().push(Op::Constant(Bits::from_words(&extended, width)), width)
}

/// The constant `value` in `width` bits. Negative numbers are two's complement; a number that does not fit is refused,
/// and so are [`Bits`] of another width.
///
/// ```
/// # use rtl::example::eval;
/// use rtl::lit;
/// assert_eq!(eval([], |[]| lit(5, 8)), (8, 5));
/// assert_eq!(eval([], |[]| lit(-1, 8)), (8, 0xff));
/// assert_eq!(rtl::example::circuit([], |_, []| lit(256, 8)).unwrap_err(), "the constant 256 does not fit 8 bits");
/// ```
#[track_caller]
pub fn lit(value: impl Literal, width: usize) -> Signal {
    value.literal(width)
}

/// What [`lit`] takes: numbers, and [`Bits`] of exactly the stated width.
pub trait Literal {
    /// The constant in `width` bits.
    #[track_caller]
    fn literal(self, width: usize) -> Signal;
}

macro_rules! number_literal {
    ($($number:ty),*) => {$(
        impl Literal for $number {
            #[track_caller]
            fn literal(self, width: usize) -> Signal {
                constant(self as i128, width)
            }
        }
    )*};
}
number_literal!(bool, i32, i64, u8, u16, u32, u64, usize);

impl Literal for Bits {
    #[track_caller]
    fn literal(self, width: usize) -> Signal {
        if self.width() != width {
            current().error(format!("a constant of {} where {width} are expected", count(self.width(), "bit")));
        }
        current().push(Op::Constant(Bits::from_words(self.words(), width)), width)
    }
}
