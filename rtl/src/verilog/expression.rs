//! The text of one value.
//!
//! The graph gives every value one width. Verilog evaluates an expression at the width of its context, so an
//! expression is only placed where the context has its own width: operands of equal width, brackets of a
//! concatenation, `$signed()`, an index. Products, which are wider than their factors, stand alone on the right
//! side of an assignment; so do arithmetic shifts, which an unsigned context would turn into logical ones.

use super::analysis::reachable_options;
use super::layout::{CHOICE, SOFT};
use super::module::Writer;
use crate::bits::Bits;
use crate::design::{NodeId, Op};

/// How tightly an expression binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ternary,
    LogicalOr,
    LogicalAnd,
    BitOr,
    BitXor,
    BitAnd,
    Equality,
    Relational,
    Shift,
    Additive,
    Multiplicative,
    /// `&a`, `|a`, `^a`, `-a`: in parentheses inside a binary operator, for the reader's sake.
    Prefix,
    Unary,
    Atom,
}

/// Bits `low .. low + width` of a declared value, which an expression reads.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub node: NodeId,
    pub low: usize,
    pub width: usize,
}

/// The text of a value, with [`layout`](super::layout) marks.
#[derive(Clone, Debug)]
pub struct Expression {
    pub text: String,
    pub level: Level,
    pub reads: Vec<Read>,
    /// So short that a copy reads better than a name.
    pub cheap: bool,
    /// The brackets of a concatenation, which may be left out inside another.
    pub braces: bool,
}

impl Expression {
    pub fn new(text: impl Into<String>, level: Level, reads: Vec<Read>) -> Self {
        Expression { text: text.into(), level, reads, cheap: false, braces: false }
    }

    fn atom(text: impl Into<String>, reads: Vec<Read>) -> Self {
        Expression::new(text, Level::Atom, reads)
    }

    fn cheap(self, cheap: bool) -> Self {
        Expression { cheap, ..self }
    }

    /// The text in parentheses unless it is an atom.
    fn as_atom(&self) -> String {
        if self.level == Level::Atom { self.text.clone() } else { format!("({})", self.text) }
    }

    /// A constant or a port of the module itself.
    pub fn word(text: &str) -> Self {
        Expression::atom(text, vec![])
    }

    fn is_simple(&self) -> bool {
        self.level >= Level::Unary
    }
}

/// `a operator b`.
pub fn binary(a: Expression, operator: &str, b: Expression, level: Level) -> Expression {
    use Level::*;
    let side = |e: &Expression, right: bool| {
        let bare = match e.level {
            Atom | Unary => true,
            Equality | Relational => matches!(level, LogicalAnd | LogicalOr),
            Additive => level == Additive && !right,
            LogicalOr | LogicalAnd | BitOr | BitXor | BitAnd => e.level == level,
            Ternary | Shift | Multiplicative | Prefix => false,
        };
        if bare { e.text.clone() } else { format!("({})", e.text) }
    };
    let gap = if matches!(level, Equality | Relational) { ' ' } else { SOFT };
    let text = format!("{} {operator}{gap}{}", side(&a, false), side(&b, true));
    Expression::new(text, level, [a.reads, b.reads].concat())
}

/// `operator a`.
pub fn prefix(operator: &str, a: Expression, level: Level) -> Expression {
    let cheap = a.level == Level::Atom && a.text.len() < 40;
    Expression::new(format!("{operator}{}", a.as_atom()), level, a.reads).cheap(cheap)
}

/// One bit.
fn bit(value: bool) -> Bits {
    Bits::from_u64(value as u64, 1)
}

/// A constant that is counted with: decimal up to four digits.
fn number_text(bits: &Bits) -> String {
    match bits.to_u64() {
        Some(value) if bits.width() > 1 && value < 10_000 => format!("{}'d{value}", bits.width()),
        _ => constant_text(bits),
    }
}

/// A constant: decimal while small, hexadecimal otherwise, long ones in parts.
pub fn constant_text(bits: &Bits) -> String {
    let width = bits.width();
    if width == 1 {
        return if bits.bit(0) { "1'b1".into() } else { "1'b0".into() };
    }
    match bits.to_u64() {
        Some(value) if value < 100 => return format!("{width}'d{value}"),
        _ if width > 32 && *bits == Bits::ones(width) => return format!("{{{width}{{1'b1}}}}"),
        _ => {}
    }
    const PART: usize = 256;
    if width <= PART {
        return format!("{width}'h{}", bits.to_hex());
    }
    let parts: Vec<String> = (0..width.div_ceil(PART))
        .rev()
        .map(|part| {
            let words = &bits.words()[part * PART / 64..];
            constant_text(&Bits::from_words(words, PART.min(width - part * PART)))
        })
        .collect();
    format!("{{{}}}", parts.join(&format!(",{SOFT}")))
}

impl Writer<'_> {
    /// The operand `id`: its name, or its text where it has none.
    pub fn operand(&mut self, id: NodeId) -> Expression {
        self.operand_of(id, None)
    }

    /// As [`Writer::operand`], where constants are the states of register `enumeration`.
    pub fn operand_of(&mut self, id: NodeId, enumeration: Option<usize>) -> Expression {
        let id = self.analysis.canonical(id);
        if let Some(bits) = self.analysis.constant(id) {
            let bits = bits.clone();
            let state = enumeration.and_then(|register| self.names.state(register, &bits));
            return Expression::atom(state.unwrap_or_else(|| constant_text(&bits)), vec![]).cheap(true);
        }
        match (&self.names.of_node[id.index()], &self.inlined[id.index()]) {
            (Some(name), _) => {
                let width = self.module.node(id).width;
                Expression::atom(name.clone(), vec![Read { node: id, low: 0, width }]).cheap(true)
            }
            (None, Some(expression)) => expression.clone(),
            (None, None) => unreachable!("operands are written before what uses them"),
        }
    }

    /// As [`Writer::operand`], of a sum or a comparison.
    fn number(&mut self, id: NodeId) -> Expression {
        match self.analysis.constant(self.analysis.canonical(id)) {
            Some(bits) => Expression::atom(number_text(bits), vec![]).cheap(true),
            None => self.operand(id),
        }
    }

    /// Bits `low .. low + width` of `id`, an identifier or a constant.
    pub fn bits_of(&mut self, id: NodeId, low: usize, width: usize) -> Expression {
        let id = self.analysis.canonical(id);
        if let Some(bits) = self.analysis.constant(id) {
            return Expression::atom(constant_text(&super::fold::slice_bits(bits, low, width)), vec![]).cheap(true);
        }
        let whole = self.module.node(id).width;
        let name = self.names.of_node[id.index()].clone().expect("bits are taken of identifiers only");
        let reads = vec![Read { node: id, low, width }];
        let text = match width {
            _ if width == whole => name,
            1 => format!("{name}[{low}]"),
            _ => format!("{name}[{}:{low}]", low + width - 1),
        };
        Expression::atom(text, reads).cheap(true)
    }

    /// The text of node `id` itself, from the texts of its operands. `Select` with more than two options has none:
    /// it is a `case`.
    pub fn expression(&mut self, id: NodeId) -> Expression {
        let node = self.module.node(id);
        let width = node.width;
        if self.analysis.constant(id).is_some() {
            return self.operand(id);
        }
        if let Some(value) = self.analysis.values[id.index()].clone() {
            let operands: Vec<NodeId> = self.analysis.operands(id).into_iter().map(|(operand, _)| operand).collect();
            return self.decided(&operands, value);
        }
        match &node.op {
            Op::Input(_) | Op::Register(_) | Op::Wire(_) | Op::InstanceOutput { .. } => {
                unreachable!("ports, registers, wires and outputs of instances have names")
            }
            Op::Constant(bits) => Expression::atom(constant_text(bits), vec![]).cheap(true),
            Op::Reset => {
                self.reads_reset = true;
                Expression::atom("reset", vec![]).cheap(true)
            }
            Op::Not(a) => self.not(*a),
            Op::And(a, b) if width == 1 => self.logical(*a, "&&", *b, Level::LogicalAnd),
            Op::Or(a, b) if width == 1 => self.logical(*a, "||", *b, Level::LogicalOr),
            Op::And(a, b) => binary(self.operand(*a), "&", self.operand(*b), Level::BitAnd),
            Op::Or(a, b) => binary(self.operand(*a), "|", self.operand(*b), Level::BitOr),
            Op::Xor(a, b) => binary(self.operand(*a), "^", self.operand(*b), Level::BitXor),
            Op::ReduceAnd(a) => prefix("&", self.operand(*a), Level::Prefix),
            Op::ReduceOr(a) => prefix("|", self.operand(*a), Level::Prefix),
            Op::ReduceXor(a) => prefix("^", self.operand(*a), Level::Prefix),
            Op::Add(a, b) => binary(self.number(*a), "+", self.number(*b), Level::Additive),
            Op::Sub(a, b) => match self.analysis.constant(self.analysis.canonical(*a)) {
                Some(zero) if zero.is_zero() => prefix("-", self.operand(*b), Level::Prefix).cheap(false),
                _ => binary(self.number(*a), "-", self.number(*b), Level::Additive),
            },
            Op::Mul(a, b) => binary(self.operand(*a), "*", self.operand(*b), Level::Multiplicative),
            Op::MulSigned(a, b) => binary(self.signed(*a), "*", self.signed(*b), Level::Multiplicative),
            Op::Eq(a, b) => self.compare(*a, *b, "==", Level::Equality),
            Op::Lt(a, b) => self.less(*a, *b, false),
            Op::LtSigned(a, b) => self.less_signed(*a, *b, false),
            Op::ShiftLeft(a, n) => self.shift(*a, "<<", *n),
            Op::ShiftRight(a, n) => self.shift(*a, ">>", *n),
            Op::ShiftRightSigned(a, n) => self.shift(*a, ">>>", *n),
            Op::Mux { select, on_true, on_false } => {
                if let Some(bits) = self.analysis.constant(self.analysis.canonical(*select)) {
                    return self.operand(if bits.bit(0) { *on_true } else { *on_false });
                }
                let condition = self.operand(*select);
                self.choose(id, condition, *on_true, *on_false)
            }
            Op::Select { index, options } => {
                if let Some(option) = self.analysis.option_of(*index, options) {
                    return self.operand(option);
                }
                let reached = reachable_options(self.module.node(*index).width, options.len());
                assert_eq!(reached, 2, "a selection among many is a `case`");
                if self.module.node(*index).width == 1 {
                    let condition = self.operand(*index);
                    return self.choose(id, condition, options[1], options[0]);
                }
                let zero = Bits::zero(self.module.node(*index).width);
                let enumeration = self.analysis.enumeration.get(&self.analysis.canonical(*index)).copied();
                let state = enumeration.and_then(|register| self.names.state(register, &zero));
                let zero = Expression::atom(state.unwrap_or_else(|| constant_text(&zero)), vec![]);
                let condition = binary(self.operand(*index), "==", zero, Level::Equality);
                self.choose(id, condition, options[0], options[1])
            }
            Op::Slice { .. } => {
                let (base, low) = self.analysis.slice(id);
                self.bits_of(base, low, width)
            }
            Op::Concat(parts) => self.concatenation(parts),
            Op::SignExtend(a) => self.sign_extension(*a, width),
            Op::MemoryRead { memory, port } => {
                let memory = &self.module.memories[*memory];
                let address = self.operand(memory.reads[*port].address);
                Expression::atom(format!("{}[{}]", memory.name, address.text), address.reads)
            }
        }
    }

    /// The operator of an unnamed operand that has no declaration of its own.
    fn inline_op(&self, id: NodeId) -> Option<Op> {
        let id = self.analysis.canonical(id);
        let inline = self.names.of_node[id.index()].is_none() && self.analysis.constant(id).is_none();
        inline.then(|| self.module.node(id).op.clone())
    }

    /// `!a` or `~a`, or the opposite of a comparison.
    pub fn not(&mut self, a: NodeId) -> Expression {
        match self.inline_op(a) {
            Some(Op::Eq(a, b)) => self.compare(a, b, "!=", Level::Equality),
            Some(Op::Lt(a, b)) => self.less(a, b, true),
            Some(Op::LtSigned(a, b)) => self.less_signed(a, b, true),
            Some(Op::ReduceOr(a)) => {
                let zero = constant_text(&Bits::zero(self.module.node(a).width));
                let operand = self.operand(a);
                let cheap = operand.is_simple();
                binary(operand, "==", Expression::atom(zero, vec![]), Level::Equality).cheap(cheap)
            }
            Some(Op::Not(a)) => self.operand(a),
            _ => {
                let operator = if self.module.node(a).width == 1 { "!" } else { "~" };
                prefix(operator, self.operand(a), Level::Unary)
            }
        }
    }

    fn logical(&mut self, a: NodeId, operator: &str, b: NodeId, level: Level) -> Expression {
        let (a, b) = (self.operand(a), self.operand(b));
        let cheap = a.is_simple() && b.is_simple();
        let expression = binary(a, operator, b, level);
        let short = expression.text.len() < 48;
        expression.cheap(cheap && short)
    }

    /// `a == b` or `a != b`; a constant stands on the right, and is a state where the other side is.
    fn compare(&mut self, a: NodeId, b: NodeId, operator: &str, level: Level) -> Expression {
        let (a, b) = (self.analysis.canonical(a), self.analysis.canonical(b));
        let (a, b) = if self.analysis.constant(a).is_some() { (b, a) } else { (a, b) };
        let constant = self.analysis.constant(b).cloned();
        if let Some(equal) = self.analysis.decide_equal(a, b) {
            return self.decided(&[a, b], bit(equal == (operator == "==")));
        }
        if let Some(bits) = constant.as_ref().filter(|bits| bits.width() == 1) {
            return if bits.bit(0) == (operator == "==") { self.operand(a) } else { self.not(a) };
        }
        let state = self.analysis.enumeration.get(&a).copied();
        let left = self.operand_of(a, self.analysis.enumeration.get(&b).copied());
        let right = self.operand_of(b, state);
        let cheap = constant.is_some() && left.is_simple();
        binary(left, operator, right, level).cheap(cheap)
    }

    /// `a < b`, or with `negated` `a >= b`; a constant stands on the right. A comparison that the width decides is
    /// a constant.
    fn less(&mut self, a: NodeId, b: NodeId, negated: bool) -> Expression {
        let (a, b) = (self.analysis.canonical(a), self.analysis.canonical(b));
        let constant = |id| self.analysis.constant(id);
        if let Some(less) = self.analysis.decide_less(a, b) {
            return self.decided(&[a, b], bit(less != negated));
        }
        let turned = constant(a).is_some();
        let operator = match (turned, negated) {
            (false, false) => "<",
            (false, true) => ">=",
            (true, false) => ">",
            (true, true) => "<=",
        };
        let (left, right) = if turned { (b, a) } else { (a, b) };
        let cheap = constant(right).is_some();
        let (left, right) = (self.operand(left), self.number(right));
        let simple = left.is_simple();
        binary(left, operator, right, Level::Relational).cheap(cheap && simple)
    }

    /// A value that does not depend on the operands.
    fn decided(&mut self, operands: &[NodeId], value: Bits) -> Expression {
        for &operand in operands {
            let reads = self.operand(operand).reads;
            self.skipped.extend(reads);
        }
        Expression::atom(constant_text(&value), vec![]).cheap(true)
    }

    /// `a < b` in two's complement, or with `negated` `a >= b`.
    fn less_signed(&mut self, a: NodeId, b: NodeId, negated: bool) -> Expression {
        if self.analysis.canonical(a) == self.analysis.canonical(b) {
            return self.decided(&[a], bit(negated));
        }
        let operator = if negated { ">=" } else { "<" };
        binary(self.signed(a), operator, self.signed(b), Level::Relational)
    }

    fn signed(&mut self, a: NodeId) -> Expression {
        let a = self.operand(a);
        Expression::atom(format!("$signed({})", a.text), a.reads)
    }

    fn shift(&mut self, a: NodeId, operator: &str, n: NodeId) -> Expression {
        let width = self.module.node(a).width;
        let signed = operator == ">>>";
        let amount_width = self.module.node(n).width;
        let amount = match self.analysis.constant(self.analysis.canonical(n)).cloned() {
            Some(bits) => {
                let past = if signed { width - 1 } else { width };
                let amount = bits.to_u64().map_or(past, |amount| amount.min(past as u64) as usize);
                if amount == width {
                    return self.decided(&[a], Bits::zero(width));
                }
                Expression::atom(amount.to_string(), vec![])
            }
            // Tools take amounts of up to 32 bits: larger ones become the largest that still shifts all bits out.
            None if amount_width > 32 => {
                let low = (width + 1).next_power_of_two().trailing_zeros() as usize;
                let high = self.bits_of(n, low, amount_width - low);
                let low_bits = self.bits_of(n, 0, low);
                let most = constant_text(&Bits::ones(low));
                let text = format!("(|{}) ? {most} : {}", high.text, low_bits.text);
                Expression::new(text, Level::Ternary, [high.reads, low_bits.reads].concat())
            }
            None => self.operand(n),
        };
        let a = if signed { self.signed(a) } else { self.operand(a) };
        binary(a, operator, amount, Level::Shift)
    }

    fn choose(&mut self, id: NodeId, condition: Expression, on_true: NodeId, on_false: NodeId) -> Expression {
        let enumeration = self.analysis.enumeration.get(&id).copied();
        if self.module.node(id).width == 1
            && let Some(text) = self.choose_bit(&condition, on_true, on_false)
        {
            return text;
        }
        let on_true = self.operand_of(on_true, enumeration);
        let on_false = self.operand_of(on_false, enumeration);
        if on_true.text == on_false.text {
            self.skipped.extend(condition.reads);
            return on_true;
        }
        let bare = condition.is_simple();
        let condition_text = if bare { condition.text } else { format!("({})", condition.text) };
        let on_true_text = if on_true.level == Level::Ternary { format!("({})", on_true.text) } else { on_true.text };
        let text = format!("{condition_text} ? {on_true_text} :{CHOICE}{}", on_false.text);
        Expression::new(text, Level::Ternary, [condition.reads, on_true.reads, on_false.reads].concat())
    }

    /// A choice between a constant bit and another: `a || b`, `a && b`.
    fn choose_bit(&mut self, condition: &Expression, on_true: NodeId, on_false: NodeId) -> Option<Expression> {
        let bit = |id| Some(self.analysis.constant(self.analysis.canonical(id))?.bit(0));
        let (operator, level, negated, other) = match (bit(on_true), bit(on_false)) {
            (Some(true), _) => ("||", Level::LogicalOr, false, on_false),
            (Some(false), _) => ("&&", Level::LogicalAnd, true, on_false),
            (_, Some(false)) => ("&&", Level::LogicalAnd, false, on_true),
            (_, Some(true)) => ("||", Level::LogicalOr, true, on_true),
            _ => return None,
        };
        let condition = if negated { prefix("!", condition.clone(), Level::Unary) } else { condition.clone() };
        let other = self.operand(other);
        Some(binary(condition, operator, other, level))
    }

    fn concatenation(&mut self, parts: &[NodeId]) -> Expression {
        let mut texts: Vec<String> = vec![];
        let mut reads = vec![];
        let mut simple = true;
        let parts: Vec<NodeId> = parts.iter().map(|&part| self.analysis.canonical(part)).collect();
        let runs: Vec<(NodeId, usize)> = parts.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        for &(part, count) in &runs {
            let part = self.operand(part);
            reads.extend(part.reads);
            simple &= part.cheap;
            texts.push(match (count, part.braces) {
                (1, true) => part.text[1..part.text.len() - 1].to_string(),
                (1, false) => part.text,
                (_, true) => format!("{{{count}{}}}", part.text),
                (_, false) => format!("{{{count}{{{}}}}}", part.text),
            });
        }
        // One run is a repetition, which has its own braces.
        let whole = runs.len() == 1;
        let text = if whole { texts.remove(0) } else { format!("{{{}}}", texts.join(&format!(",{SOFT}"))) };
        let cheap = simple && runs.len() <= 2 && text.len() < 40;
        Expression { braces: !whole, ..Expression::atom(text, reads).cheap(cheap) }
    }

    fn sign_extension(&mut self, a: NodeId, width: usize) -> Expression {
        let a = self.analysis.canonical(a);
        let own = self.module.node(a).width;
        let whole = self.operand(a);
        if own == 1 {
            return Expression::atom(format!("{{{width}{{{}}}}}", whole.text), whole.reads).cheap(whole.cheap);
        }
        let (base, low) = self.analysis.slice(a);
        let unnamed = self.names.of_node[a.index()].is_none();
        let sign = if unnamed { self.bits_of(base, low + own - 1, 1) } else { self.bits_of(a, own - 1, 1) };
        let text = format!("{{{{{}{{{}}}}},{SOFT}{}}}", width - own, sign.text, whole.text);
        let cheap = text.len() < 40;
        Expression { braces: true, ..Expression::atom(text, whole.reads).cheap(cheap) }
    }
}
