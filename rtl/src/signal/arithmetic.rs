//! Arithmetic, logic and shifts.

use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Shl, Shr, Sub};

use super::{Operand, Signal, cat, constant};
use crate::builder::current;
use crate::design::{NodeId, Op};

impl Signal {
    /// Exact unsigned sum of operands of the same width, one bit wider.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 200), (8, 100)], |[a, b]| a.widening_add(b)), (9, 300));
    /// ```
    #[track_caller]
    pub fn widening_add(self, other: impl Operand) -> Signal {
        let other = other.like(self);
        self.zero_extend(self.width() + 1) + other.zero_extend(other.width() + 1)
    }

    /// Exact two's complement product of operands of any widths, which add.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0xf), (8, 3)], |[a, b]| a.mul_signed(b)), (12, 0xffd)); // -1 * 3
    /// ```
    #[track_caller]
    pub fn mul_signed(self, other: Signal) -> Signal {
        let builder = current();
        let (a, b) = (builder.own(self), builder.own(other));
        builder.push(Op::MulSigned(a, b), self.width() + other.width())
    }

    #[track_caller]
    fn shift(self, amount: Signal, op: fn(NodeId, NodeId) -> Op) -> Signal {
        let builder = current();
        let (a, b) = (builder.own(self), builder.own(amount));
        builder.push(op(a, b), self.width())
    }

    /// Left shift by an unsigned signal of any width; as wide as `self`. Zeros enter, and an amount past the width
    /// gives zero.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 0x81), (3, 1)], |[a, n]| a.shift_left(n)), (8, 0x02));
    /// assert_eq!(eval([(8, 0x81), (8, 9)], |[a, n]| a.shift_left(n)), (8, 0));
    /// ```
    #[track_caller]
    pub fn shift_left(self, amount: Signal) -> Signal {
        self.shift(amount, Op::ShiftLeft)
    }

    /// Logical right shift by an unsigned signal of any width; as wide as `self`. Zeros enter, and an amount past the
    /// width gives zero.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 0x81), (3, 1)], |[a, n]| a.shift_right(n)), (8, 0x40));
    /// ```
    #[track_caller]
    pub fn shift_right(self, amount: Signal) -> Signal {
        self.shift(amount, Op::ShiftRight)
    }

    /// Arithmetic right shift by an unsigned signal of any width; as wide as `self`. Copies of the sign enter, and an
    /// amount past the width leaves nothing else.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 0x81), (3, 1)], |[a, n]| a.shift_right_signed(n)), (8, 0xc0));
    /// assert_eq!(eval([(8, 0x81), (8, 99)], |[a, n]| a.shift_right_signed(n)), (8, 0xff));
    /// ```
    #[track_caller]
    pub fn shift_right_signed(self, amount: Signal) -> Signal {
        self.shift(amount, Op::ShiftRightSigned)
    }
}

/// Every bit inverted; the same width.
///
/// ```
/// # use rtl::example::eval;
/// assert_eq!(eval([(4, 0b0101)], |[a]| !a), (4, 0b1010));
/// ```
impl Not for Signal {
    type Output = Signal;
    #[track_caller]
    fn not(self) -> Signal {
        self.unary(Op::Not, self.width())
    }
}

/// Two's complement negation, modulo 2^width; the same width.
///
/// ```
/// # use rtl::example::eval;
/// assert_eq!(eval([(8, 1)], |[a]| -a), (8, 0xff));
/// ```
impl Neg for Signal {
    type Output = Signal;
    #[track_caller]
    fn neg(self) -> Signal {
        constant(0, self.width()) - self
    }
}

macro_rules! binary_operator {
    ($($(#[$doc:meta])* $trait:ident $method:ident $symbol:literal $op:path;)*) => {$(
        $(#[$doc])*
        impl<T: Operand> $trait<T> for Signal {
            type Output = Signal;
            #[track_caller]
            fn $method(self, other: T) -> Signal {
                self.binary($symbol, other, $op, None)
            }
        }
    )*};
}
binary_operator! {
    /// Sum of operands of the same width, which is the result's: modulo 2^width.
    /// [`Signal::widening_add`] keeps the carry.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 200), (8, 100)], |[a, b]| a + b), (8, 300 - 256));
    /// ```
    Add add "+" Op::Add;
    /// Difference of operands of the same width, which is the result's: modulo 2^width.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 3)], |[a]| a - 5), (8, 256 - 2));
    /// ```
    Sub sub "-" Op::Sub;
    /// And, bit by bit, of operands of the same width, which is the result's.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b0011), (4, 0b0101)], |[a, b]| a & b), (4, 0b0001));
    /// ```
    BitAnd bitand "&" Op::And;
    /// Or, bit by bit, of operands of the same width, which is the result's.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b0011), (4, 0b0101)], |[a, b]| a | b), (4, 0b0111));
    /// ```
    BitOr bitor "|" Op::Or;
    /// Exclusive or, bit by bit, of operands of the same width, which is the result's.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b0011), (4, 0b0101)], |[a, b]| a ^ b), (4, 0b0110));
    /// ```
    BitXor bitxor "^" Op::Xor;
}

/// Exact unsigned product of operands of any widths, which add.
///
/// ```
/// # use rtl::example::eval;
/// assert_eq!(eval([(4, 15), (8, 255)], |[a, b]| a * b), (12, 15 * 255));
/// ```
impl Mul for Signal {
    type Output = Signal;
    #[track_caller]
    #[expect(clippy::suspicious_arithmetic_impl, reason = "the widths of an exact product add")]
    fn mul(self, other: Signal) -> Signal {
        let builder = current();
        let (a, b) = (builder.own(self), builder.own(other));
        builder.push(Op::Mul(a, b), self.width() + other.width())
    }
}

/// Left shift by a number known now; the same width. Zeros enter.
///
/// ```
/// # use rtl::example::eval;
/// assert_eq!(eval([(8, 0x81)], |[a]| a << 1), (8, 0x02));
/// ```
impl Shl<usize> for Signal {
    type Output = Signal;
    #[track_caller]
    fn shl(self, amount: usize) -> Signal {
        match amount {
            0 => self,
            n if n >= self.width() => constant(0, self.width()),
            n => cat([self.bits(0..self.width() - n), constant(0, n)]),
        }
    }
}

/// Logical right shift by a number known now; the same width. Zeros enter.
///
/// ```
/// # use rtl::example::eval;
/// assert_eq!(eval([(8, 0x81)], |[a]| a >> 1), (8, 0x40));
/// ```
impl Shr<usize> for Signal {
    type Output = Signal;
    #[track_caller]
    fn shr(self, amount: usize) -> Signal {
        match amount {
            0 => self,
            n if n >= self.width() => constant(0, self.width()),
            n => self.bits(n..self.width()).zero_extend(self.width()),
        }
    }
}
