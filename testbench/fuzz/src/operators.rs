//! Operators of recipes on the values of a module.

use rtl::{Bundle, Signal, cat, lit, mux, select};

use crate::circuit::Body;
use crate::random::pattern;
use crate::recipe::{MAX_WIDTH, Operator, Pick};
use crate::shape::Nested;

/// Whether the operator always makes a value of its own, which has no name yet.
pub fn operation_names(operator: Operator) -> bool {
    use Operator::*;
    matches!(
        operator,
        Constant
            | Not
            | And
            | Or
            | Xor
            | Add
            | Sub
            | Neg
            | WideningAdd
            | Mul
            | MulSigned
            | Eq
            | Ne
            | Lt
            | Le
            | Gt
            | Ge
            | LtSigned
            | GeSigned
            | ShiftLeft
            | ShiftRight
            | ShiftRightSigned
            | Mux
            | Select
            | AddNumber
            | MaskBit
    )
}

/// The result of `operator` as step `i`, worked out at `width` bits where it has a width of its own.
pub fn operation(
    body: &mut Body,
    i: usize,
    operator: Operator,
    [first, second, third]: [Pick; 3],
    width: usize,
    number: u64,
) -> Signal {
    let m = body.m;
    let a = body.fit(first, width);
    let mut b = || body.fit(second, width);
    let at = number as usize;
    // The width of a product is that of both factors together.
    let factor = |signal: Signal| signal.truncate(signal.width().min(MAX_WIDTH - width.min(MAX_WIDTH / 2)));
    match operator {
        Operator::Constant => lit(pattern(number, width), width),
        Operator::Not => !a,
        Operator::And => a & b(),
        Operator::Or => a | b(),
        Operator::Xor => a ^ b(),
        Operator::Add => a + b(),
        Operator::Sub => a - b(),
        Operator::Neg => -a,
        Operator::WideningAdd => {
            let width = width.min(MAX_WIDTH - 1);
            a.truncate(width).widening_add(b().truncate(width))
        }
        Operator::Mul => a.truncate(width.min(MAX_WIDTH / 2)) * factor(body.pick(second)),
        Operator::MulSigned => a.truncate(width.min(MAX_WIDTH / 2)).mul_signed(factor(body.pick(second))),
        Operator::Eq => a.eq(b()),
        Operator::Ne => a.ne(b()),
        Operator::Lt => a.lt(b()),
        Operator::Le => a.le(b()),
        Operator::Gt => a.gt(b()),
        Operator::Ge => a.ge(b()),
        Operator::LtSigned => a.lt_signed(b()),
        Operator::GeSigned => a.ge_signed(b()),
        Operator::Any => body.pick(first).any(),
        Operator::All => body.pick(first).all(),
        Operator::Parity => body.pick(first).parity(),
        Operator::IsZero => body.pick(first).is_zero(),
        Operator::ShiftLeft => a.shift_left(body.pick(second)),
        Operator::ShiftRight => a.shift_right(body.pick(second)),
        Operator::ShiftRightSigned => a.shift_right_signed(body.pick(second)),
        Operator::ShiftLeftBy => a << (at % (width + 2)),
        Operator::ShiftRightBy => a >> (at % (width + 2)),
        Operator::Mux => {
            let b = b();
            mux(body.fit(third, 1), a, b)
        }
        Operator::MuxBundle => {
            let (control, lane) = (body.fit(second, 1), body.fit(third, width));
            let one = Nested { control: Some(control), lanes: vec![a, lane] };
            let other = Nested { control: Some(!control), lanes: vec![lane, !a] };
            let chosen = mux(control, one, other);
            cat([chosen.lanes[0].any(), chosen.lanes[1].all(), chosen.control.expect("given")])
        }
        Operator::Select => {
            let b = b();
            let count = 2 + at % 9;
            let options: Vec<Signal> = [a, b, !a, a & b, b, a | b, lit(pattern(number, width), width), a, a ^ b, a - b]
                .into_iter()
                .take(count)
                .collect();
            select(body.pick(third), options)
        }
        Operator::Cat => {
            let (b, c) = (body.pick(second), body.pick(third));
            let all = cat([a, b, c, b]);
            all.truncate(all.width().min(MAX_WIDTH))
        }
        Operator::Repeat => {
            let value = body.pick(first);
            value.repeat(1 + at % (MAX_WIDTH / value.width()).clamp(1, 8))
        }
        Operator::Bits => {
            let value = body.pick(first);
            let low = at % value.width();
            value.bits(low..low + 1 + second.fit as usize % (value.width() - low))
        }
        Operator::Msb => body.pick(first).msb(),
        Operator::ZeroExtend => {
            let value = body.pick(first);
            value.zero_extend(value.width().max(width))
        }
        Operator::SignExtend => {
            let value = body.pick(first);
            value.sign_extend(value.width().max(width))
        }
        Operator::AddNumber => a + below(number, width),
        Operator::CompareNumber => match third.fit % 4 {
            0 => a.eq(below(number, width)),
            1 => a.lt(below(number, width)),
            2 => lit(below(number, width), width).lt(a),
            _ => a.ge_signed(below(number, width)),
        },
        Operator::MaskBit => a & body.fit(second, 1).repeat(width),
        Operator::Register => a.register(&format!("stage_{i}")),
        Operator::RegisterReset => a.register_reset(&format!("stage_{i}")),
        Operator::RegisterIf => {
            let condition = body.fit(second, 1);
            if at.is_multiple_of(2) {
                a.register_if(&format!("stage_{i}"), condition)
            } else {
                body.register_if(&format!("stage_{i}"), a, condition).q
            }
        }
        Operator::Delay => a.delay(&format!("stage_{i}"), 1 + at % 3, at.is_multiple_of(2)),
        Operator::RegisterBundle => {
            let lane = body.pick(second);
            let stage = Nested { control: Some(a), lanes: vec![lane] }.register_all(&format!("stage_{i}"));
            cat([stage.control.expect("given").any(), stage.lanes[0].parity()])
        }
        Operator::WireBundle => {
            let lane = body.pick(second);
            let declared = m.scope(format!("scope_{i}"), || {
                m.wires("bundle", |ports| Nested {
                    control: Some(ports.input("control", width)),
                    lanes: ports.array("lanes", 1, lane.width()),
                })
            });
            let early = declared.value.control.expect("given") ^ a;
            declared.set(&Nested { control: Some(a), lanes: vec![lane] });
            cat([early.any(), declared.value.lanes[0].msb()])
        }
    }
}

/// The low bits of a number.
fn below(number: u64, width: usize) -> u64 {
    if width >= 64 { number } else { number & ((1 << width) - 1) }
}
