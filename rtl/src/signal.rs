//! Signals and operators.
//!
//! A [`Signal`] is an unsigned bit string of a fixed width; two's complement is a way of reading it, chosen by the
//! operator (`lt_signed`, `sign_extend`). Every operator has one result width:
//!
//! | operator                          | operands            | result                          |
//! |-----------------------------------|---------------------|---------------------------------|
//! | `!a`                              | w                   | w                               |
//! | `a & b`, `a \| b`, `a ^ b`        | w, w                | w                               |
//! | `a + b`, `a - b`, `-a`            | w, w                | w, modulo 2^w                   |
//! | `a.widening_add(b)`               | w, w                | w + 1, exact                    |
//! | `a * b`, `a.mul_signed(b)`        | v, w                | v + w, exact                    |
//! | `a.eq(b)`, `ne lt le gt ge`, `lt_signed ...` | w, w     | 1                               |
//! | `a << n`, `a >> n` (n a `usize`)  | w                   | w, zeros enter                  |
//! | `a.shift_left(b)`, `shift_right`, `shift_right_signed` | w, any | w              |
//! | `a.bits(low..high)`, `a.bit(i)`   | w                   | high - low; 1                   |
//! | `cat([a, b, ...])`                | any                 | sum; first is most significant  |
//! | `a.repeat(n)`                     | w                   | n * w                           |
//! | `a.zero_extend(v)`, `sign_extend` | w <= v              | v                               |
//! | `a.any()`, `a.all()`, `a.parity()`| w                   | 1                               |
//! | `mux(s, a, b)`                    | 1, w, w             | w                               |
//! | `select(i, [a, b, ...])`          | any, w, w, ...      | w; past the end: the last       |
//!
//! Where an operand may be a Rust integer or `bool`, it takes the width of the other operand and must fit it
//! (negative numbers as two's complement). Unequal widths are never adjusted silently; they are refused.

use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Range, Shl, Shr, Sub};

use crate::bits::Bits;
use crate::builder::{at, count, current, here};
use crate::design::{NodeId, Op};
use crate::module::Bundle;
use crate::wave::Format;

/// A value in the module under construction: a `Copy` handle. See the [module documentation](self) for operators.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    pub(crate) module: u32,
    pub(crate) id: NodeId,
    pub(crate) width: u32,
}

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
fn constant(value: i128, width: usize) -> Signal {
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

/// The constant `value` in `width` bits; refused if it does not fit.
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

/// Concatenation, most significant part first, as in Verilog's `{a, b}`. At least one part.
#[track_caller]
pub fn cat(parts: impl AsRef<[Signal]>) -> Signal {
    let parts = parts.as_ref();
    match parts {
        [] => {
            current().error("a concatenation of nothing; expected at least one part".into());
            constant(0, 1)
        }
        [one] => *one,
        _ => {
            let nodes = parts.iter().map(|&part| current().own(part)).collect();
            current().push(Op::Concat(nodes), parts.iter().map(|part| part.width()).sum())
        }
    }
}

/// `on_true` where `select` (one bit) is one, else `on_false`; for signals and for bundles of them.
#[track_caller]
pub fn mux<B: Bundle>(select: Signal, on_true: B, on_false: B) -> B {
    let location = here();
    let mut others = vec![];
    on_false.map("", &mut |_, signal| {
        others.push(signal);
        signal
    });
    let mut others = others.into_iter();
    on_true.map("", &mut |_, a| match others.next() {
        Some(b) => at(location, || mux_signal(select, a, b)),
        None => {
            at(location, || current().error("the two sides of a mux have different shapes".into()));
            a
        }
    })
}

#[track_caller]
fn mux_signal(select: Signal, a: Signal, b: Signal) -> Signal {
    let builder = current();
    if select.width() != 1 {
        let found = builder.describe_signal(select);
        builder.error(format!("the select of a mux is {found}; expected 1 bit"));
        return a;
    }
    if a.width() != b.width() {
        let (a_text, b_text) = (builder.describe_signal(a), builder.describe_signal(b));
        builder.error(format!("mux of {a_text} and {b_text}; expected equal widths"));
        return a;
    }
    let (select, on_true, on_false) = (builder.own(select), builder.own(a), builder.own(b));
    builder.push(Op::Mux { select, on_true, on_false }, a.width())
}

/// `options[index]`; an index past the last option gives the last. At least one option, all of equal width.
#[track_caller]
pub fn select(index: Signal, options: impl AsRef<[Signal]>) -> Signal {
    let builder = current();
    let options = options.as_ref();
    let Some(&first) = options.first() else {
        builder.error("a selection from nothing; expected at least one option".into());
        return constant(0, 1);
    };
    if let Some(&other) = options.iter().find(|option| option.width() != first.width()) {
        let (a, b) = (builder.describe_signal(first), builder.describe_signal(other));
        builder.error(format!("selection between {a} and {b}; expected equal widths"));
        return first;
    }
    if options.len() == 1 {
        return first;
    }
    let nodes = options.iter().map(|&option| builder.own(option)).collect();
    let index = builder.own(index);
    builder.push(Op::Select { index, options: nodes }, first.width())
}

impl Signal {
    /// Width in bits.
    pub fn width(self) -> usize {
        self.width as usize
    }

    /// Gives the value a name, unique in the module, and returns it.
    #[track_caller]
    pub fn named(self, name: impl AsRef<str>) -> Signal {
        current().name_node(self, name.as_ref());
        self
    }

    /// Waveforms show the value also as the decimal numbers that it is in `format`, and returns it. The width must be
    /// that of the format, or of several elements.
    #[track_caller]
    pub fn shown_as(self, format: Format) -> Signal {
        current().show_as(self, format);
        self
    }

    #[track_caller]
    fn binary(self, symbol: &str, other: impl Operand, op: fn(NodeId, NodeId) -> Op, width: Option<usize>) -> Signal {
        let builder = current();
        let other = other.like(self);
        if self.width != other.width {
            let (a, b) = (builder.describe_signal(self), builder.describe_signal(other));
            builder.error(format!("`{symbol}` of {a} and {b}; expected equal widths"));
            // The error is enough: what follows goes on with the width of the left operand.
            let width = width.unwrap_or(self.width());
            return builder.push(Op::Constant(Bits::zero(width)), width);
        }
        let (a, b) = (builder.own(self), builder.own(other));
        builder.push(op(a, b), width.unwrap_or(self.width()))
    }

    #[track_caller]
    fn unary(self, op: fn(NodeId) -> Op, width: usize) -> Signal {
        let builder = current();
        let a = builder.own(self);
        builder.push(op(a), width)
    }

    /// One bit: equal.
    #[track_caller]
    pub fn eq(self, other: impl Operand) -> Signal {
        self.binary("eq", other, Op::Eq, Some(1))
    }

    /// One bit: not equal.
    #[track_caller]
    pub fn ne(self, other: impl Operand) -> Signal {
        !self.binary("ne", other, Op::Eq, Some(1))
    }

    /// One bit: unsigned less than.
    #[track_caller]
    pub fn lt(self, other: impl Operand) -> Signal {
        self.binary("lt", other, Op::Lt, Some(1))
    }

    /// One bit: unsigned greater than.
    #[track_caller]
    pub fn gt(self, other: impl Operand) -> Signal {
        self.binary("gt", other, |a, b| Op::Lt(b, a), Some(1))
    }

    /// One bit: unsigned less than or equal.
    #[track_caller]
    pub fn le(self, other: impl Operand) -> Signal {
        !self.binary("le", other, |a, b| Op::Lt(b, a), Some(1))
    }

    /// One bit: unsigned greater than or equal.
    #[track_caller]
    pub fn ge(self, other: impl Operand) -> Signal {
        !self.binary("ge", other, Op::Lt, Some(1))
    }

    /// One bit: two's complement less than.
    #[track_caller]
    pub fn lt_signed(self, other: impl Operand) -> Signal {
        self.binary("lt_signed", other, Op::LtSigned, Some(1))
    }

    /// One bit: two's complement greater than or equal.
    #[track_caller]
    pub fn ge_signed(self, other: impl Operand) -> Signal {
        !self.binary("ge_signed", other, Op::LtSigned, Some(1))
    }

    /// One bit: any bit is one.
    #[track_caller]
    pub fn any(self) -> Signal {
        if self.width == 1 { self } else { self.unary(Op::ReduceOr, 1) }
    }

    /// One bit: all bits are one.
    #[track_caller]
    pub fn all(self) -> Signal {
        if self.width == 1 { self } else { self.unary(Op::ReduceAnd, 1) }
    }

    /// One bit: an odd number of bits is one.
    #[track_caller]
    pub fn parity(self) -> Signal {
        if self.width == 1 { self } else { self.unary(Op::ReduceXor, 1) }
    }

    /// One bit: no bit is one.
    #[track_caller]
    pub fn is_zero(self) -> Signal {
        !self.any()
    }

    /// Bit `index`; bit 0 is the least significant.
    #[track_caller]
    pub fn bit(self, index: usize) -> Signal {
        self.bits(index..index + 1)
    }

    /// The most significant bit: the sign, read as two's complement.
    #[track_caller]
    pub fn msb(self) -> Signal {
        self.bit(self.width() - 1)
    }

    /// Bits `range.start` (the lowest) up to, not including, `range.end`: `x.bits(0..8)` is Verilog's `x[7:0]`.
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

    /// The low `width` bits.
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

    /// Zeros added on top, up to `width` bits.
    #[track_caller]
    pub fn zero_extend(self, width: usize) -> Signal {
        if !self.check_extension(width) {
            return self;
        }
        cat([constant(0, width - self.width()), self])
    }

    /// Copies of the sign added on top, up to `width` bits.
    #[track_caller]
    pub fn sign_extend(self, width: usize) -> Signal {
        if !self.check_extension(width) {
            return self;
        }
        self.unary(Op::SignExtend, width)
    }

    /// `count` copies side by side.
    #[track_caller]
    pub fn repeat(self, count: usize) -> Signal {
        cat(vec![self; count])
    }

    /// Exact unsigned sum, one bit wider.
    #[track_caller]
    pub fn widening_add(self, other: impl Operand) -> Signal {
        let other = other.like(self);
        self.zero_extend(self.width() + 1) + other.zero_extend(other.width() + 1)
    }

    /// Exact two's complement product; widths add.
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

    /// Left shift by an unsigned signal; zeros enter, and an amount past the width gives zero.
    #[track_caller]
    pub fn shift_left(self, amount: Signal) -> Signal {
        self.shift(amount, Op::ShiftLeft)
    }

    /// Logical right shift by an unsigned signal; zeros enter, and an amount past the width gives zero.
    #[track_caller]
    pub fn shift_right(self, amount: Signal) -> Signal {
        self.shift(amount, Op::ShiftRight)
    }

    /// Arithmetic right shift by an unsigned signal; copies of the sign enter.
    #[track_caller]
    pub fn shift_right_signed(self, amount: Signal) -> Signal {
        self.shift(amount, Op::ShiftRightSigned)
    }
}

impl Not for Signal {
    type Output = Signal;
    #[track_caller]
    fn not(self) -> Signal {
        self.unary(Op::Not, self.width())
    }
}

impl Neg for Signal {
    type Output = Signal;
    #[track_caller]
    fn neg(self) -> Signal {
        constant(0, self.width()) - self
    }
}

macro_rules! binary_operator {
    ($($trait:ident $method:ident $symbol:literal $op:path;)*) => {$(
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
    Add add "+" Op::Add;
    Sub sub "-" Op::Sub;
    BitAnd bitand "&" Op::And;
    BitOr bitor "|" Op::Or;
    BitXor bitxor "^" Op::Xor;
}

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
