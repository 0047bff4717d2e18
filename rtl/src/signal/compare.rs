//! Comparisons and reductions: one bit of many.

use super::{Operand, Signal};
use crate::design::Op;

impl Signal {
    /// Equal: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 5), (8, 5)], |[a, b]| a.eq(b)), (1, 1));
    /// assert_eq!(eval([(8, 5)], |[a]| a.eq(6)), (1, 0));
    /// ```
    #[track_caller]
    pub fn eq(self, other: impl Operand) -> Signal {
        self.binary("eq", other, Op::Eq, Some(1))
    }

    /// Not equal: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 5), (8, 6)], |[a, b]| a.ne(b)), (1, 1));
    /// ```
    #[track_caller]
    pub fn ne(self, other: impl Operand) -> Signal {
        !self.binary("ne", other, Op::Eq, Some(1))
    }

    /// Unsigned less than: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 5), (8, 0xff)], |[a, b]| a.lt(b)), (1, 1));
    /// ```
    #[track_caller]
    pub fn lt(self, other: impl Operand) -> Signal {
        self.binary("lt", other, Op::Lt, Some(1))
    }

    /// Unsigned greater than: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 5), (8, 0xff)], |[a, b]| a.gt(b)), (1, 0));
    /// ```
    #[track_caller]
    pub fn gt(self, other: impl Operand) -> Signal {
        self.binary("gt", other, |a, b| Op::Lt(b, a), Some(1))
    }

    /// Unsigned less than or equal: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 5), (8, 5)], |[a, b]| a.le(b)), (1, 1));
    /// ```
    #[track_caller]
    pub fn le(self, other: impl Operand) -> Signal {
        !self.binary("le", other, |a, b| Op::Lt(b, a), Some(1))
    }

    /// Unsigned greater than or equal: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 5)], |[a]| a.ge(6)), (1, 0));
    /// ```
    #[track_caller]
    pub fn ge(self, other: impl Operand) -> Signal {
        !self.binary("ge", other, Op::Lt, Some(1))
    }

    /// Two's complement less than: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 0xff), (8, 5)], |[a, b]| a.lt_signed(b)), (1, 1)); // -1 < 5
    /// ```
    #[track_caller]
    pub fn lt_signed(self, other: impl Operand) -> Signal {
        self.binary("lt_signed", other, Op::LtSigned, Some(1))
    }

    /// Two's complement greater than or equal: operands of the same width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(8, 5)], |[a]| a.ge_signed(-1)), (1, 1));
    /// ```
    #[track_caller]
    pub fn ge_signed(self, other: impl Operand) -> Signal {
        !self.binary("ge_signed", other, Op::LtSigned, Some(1))
    }

    /// Any bit is one: an operand of any width, one bit. Verilog's `|a`.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b0100)], |[a]| a.any()), (1, 1));
    /// ```
    #[track_caller]
    pub fn any(self) -> Signal {
        if self.width == 1 { self } else { self.unary(Op::ReduceOr, 1) }
    }

    /// All bits are one: an operand of any width, one bit. Verilog's `&a`.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b0111)], |[a]| a.all()), (1, 0));
    /// ```
    #[track_caller]
    pub fn all(self) -> Signal {
        if self.width == 1 { self } else { self.unary(Op::ReduceAnd, 1) }
    }

    /// An odd number of bits is one: an operand of any width, one bit. Verilog's `^a`.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b0111)], |[a]| a.parity()), (1, 1));
    /// ```
    #[track_caller]
    pub fn parity(self) -> Signal {
        if self.width == 1 { self } else { self.unary(Op::ReduceXor, 1) }
    }

    /// No bit is one: an operand of any width, one bit.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0)], |[a]| a.is_zero()), (1, 1));
    /// ```
    #[track_caller]
    pub fn is_zero(self) -> Signal {
        !self.any()
    }
}
