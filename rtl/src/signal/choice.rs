//! Concatenation and choices between signals.

use super::{Signal, constant};
use crate::builder::{at, current, here};
use crate::design::Op;
use crate::module::Bundle;

/// Concatenation, most significant part first, as in Verilog's `{a, b}`. Parts of any widths, at least one; the result
/// is as wide as all of them together.
///
/// ```
/// # use rtl::example::eval;
/// use rtl::cat;
/// assert_eq!(eval([(4, 0xa), (8, 0xbc)], |[a, b]| cat([a, b])), (12, 0xabc));
/// ```
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

/// `on_true` where `select` (one bit) is one, else `on_false`; both of the same width, which is the result's. Also for
/// bundles of signals, field by field.
///
/// ```
/// # use rtl::example::eval;
/// use rtl::mux;
/// assert_eq!(eval([(1, 1), (8, 5), (8, 7)], |[s, a, b]| mux(s, a, b)), (8, 5));
/// assert_eq!(eval([(1, 0), (8, 5), (8, 7)], |[s, a, b]| mux(s, (a, b), (b, a)).0), (8, 7));
/// ```
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

/// `options[index]`: an index of any width, at least one option, all of the same width, which is the result's. An index
/// past the last option gives the last.
///
/// ```
/// # use rtl::example::eval;
/// use rtl::select;
/// assert_eq!(eval([(2, 1), (8, 5), (8, 6), (8, 7)], |[i, a, b, c]| select(i, [a, b, c])), (8, 6));
/// assert_eq!(eval([(2, 3), (8, 5), (8, 6), (8, 7)], |[i, a, b, c]| select(i, [a, b, c])), (8, 7));
/// ```
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
