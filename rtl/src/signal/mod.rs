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
//! (negative numbers as two's complement). Unequal widths are never adjusted silently; they are refused:
//!
//! ```
//! let refused = rtl::example::circuit([8, 4], |_, [a, b]| a + b);
//! assert_eq!(refused.unwrap_err(), "`+` of `a` (8 bits) and `b` (4 bits); expected equal widths");
//! ```
//!
//! Examples call `eval` with operands, each a width and a value; it builds a module around the expression, simulates
//! it, and returns width and value of the result. `run` builds a module of inputs of the given widths, resets it, and
//! returns the result in each cycle, just before the clock edge.

mod arithmetic;
mod choice;
mod compare;
mod constant;
mod parts;

pub use choice::{cat, mux, select};
use constant::constant;
pub use constant::{Literal, Operand, lit};

use crate::bits::Bits;
use crate::builder::current;
use crate::design::{NodeId, Op};
use crate::wave::Format;

/// A value in the module under construction: a `Copy` handle. See the [module documentation](self) for operators.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    pub(crate) module: u32,
    pub(crate) id: NodeId,
    pub(crate) width: u32,
}

impl Signal {
    /// Width in bits, known while the hardware is described.
    ///
    /// ```
    /// # use rtl::example::eval;
    /// use rtl::lit;
    /// assert_eq!(eval([(12, 0)], |[a]| lit(a.width(), 8)), (8, 12));
    /// ```
    pub fn width(self) -> usize {
        self.width as usize
    }

    /// Gives the value a name, unique in the module, and returns it: the same value, of the same width. The name stands
    /// in the Verilog and in waveforms.
    ///
    /// ```
    /// # use rtl::example::circuit;
    /// let design = circuit([8, 8], |_, [a, b]| (a + b).named("sum") << 1).unwrap();
    /// assert!(rtl::verilog::emit_string(&design, &Default::default()).contains("wire [7:0] sum = a + b;"));
    /// ```
    #[track_caller]
    pub fn named(self, name: impl AsRef<str>) -> Signal {
        current().name_node(self, name.as_ref());
        self
    }

    /// Waveforms show the value also as the decimal numbers that it is in `format`, and returns it. The width must be
    /// that of the format, or of several elements.
    ///
    /// ```
    /// # use rtl::example::{circuit, eval};
    /// use rtl::wave::Format;
    /// assert_eq!(eval([(32, 0x3c00_4000)], |[a]| a.shown_as(Format::Fp16)), (32, 0x3c00_4000));
    /// assert!(circuit([24], |_, [a]| a.shown_as(Format::Fp16)).is_err());
    /// ```
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
}
