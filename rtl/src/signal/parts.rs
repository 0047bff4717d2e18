//! Parts of a signal, and wider copies of it.

use std::ops::Range;

use super::{Signal, cat, constant};
use crate::builder::{count, current};
use crate::design::Op;

impl Signal {
    /// Bit `index`, below the width: one bit. Bit 0 is the least significant.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b0100)], |[a]| a.bit(2)), (1, 1));
    /// ```
    #[track_caller]
    pub fn bit(self, index: usize) -> Signal {
        self.bits(index..index + 1)
    }

    /// The most significant bit: one bit, the sign where the value is read as two's complement.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0b1000)], |[a]| a.msb()), (1, 1));
    /// ```
    #[track_caller]
    pub fn msb(self) -> Signal {
        self.bit(self.width() - 1)
    }

    /// Bits `range.start` (the lowest) up to, not including, `range.end`: `x.bits(0..8)` is Verilog's `x[7:0]`. At
    /// least one bit, all inside the width; `end - start` bits.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(12, 0xabc)], |[a]| a.bits(4..12)), (8, 0xab));
    /// ```
    #[track_caller]
    pub fn bits(self, range: Range<usize>) -> Signal {
        let builder = current();
        if range.start >= range.end || range.end > self.width() {
            let found = builder.describe_signal(self);
            builder.error(format!("bits {}..{} of {found}; expected a range inside it", range.start, range.end));
            return constant(0, range.end.saturating_sub(range.start).max(1));
        }
        if range == (0..self.width()) {
            return self;
        }
        let of = builder.own(self);
        builder.push(Op::Slice { of, low: range.start }, range.end - range.start)
    }

    /// The low `width` bits, at most its own.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(12, 0xabc)], |[a]| a.truncate(8)), (8, 0xbc));
    /// ```
    #[track_caller]
    pub fn truncate(self, width: usize) -> Signal {
        self.bits(0..width)
    }

    #[track_caller]
    fn check_extension(self, width: usize) -> bool {
        if width < self.width() {
            let found = current().describe_signal(self);
            let bits = count(width, "bit");
            current().error(format!("extension of {found} to {bits}; expected at least its own width"));
        }
        width > self.width()
    }

    /// The same unsigned number in `width` bits, at least its own: zeros are added on top.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0xf)], |[a]| a.zero_extend(8)), (8, 0x0f));
    /// ```
    #[track_caller]
    pub fn zero_extend(self, width: usize) -> Signal {
        if !self.check_extension(width) {
            return self;
        }
        cat([constant(0, width - self.width()), self])
    }

    /// The same two's complement number in `width` bits, at least its own: copies of the sign are added on top.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0xf)], |[a]| a.sign_extend(8)), (8, 0xff));
    /// ```
    #[track_caller]
    pub fn sign_extend(self, width: usize) -> Signal {
        if !self.check_extension(width) {
            return self;
        }
        self.unary(Op::SignExtend, width)
    }

    /// `count` copies side by side, at least one: `count` times the width.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// assert_eq!(eval([(4, 0xa)], |[a]| a.repeat(3)), (12, 0xaaa));
    /// ```
    #[track_caller]
    pub fn repeat(self, count: usize) -> Signal {
        cat(vec![self; count])
    }
}
