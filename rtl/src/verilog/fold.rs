//! Values that are known without any input: those made of constants, and those that one operand decides. Generators
//! make many of them, and lint tools warn of such comparisons; here they are written as what they are.

use super::analysis::Analysis;
use crate::bits::Bits;
use crate::design::{NodeId, Op, assignment_operands};

impl Analysis<'_> {
    /// Finds the known values. Unnamed nodes that have one are constants in the text, and unnamed nodes that only
    /// rename another are left out.
    pub fn fold_constants(&mut self) {
        // Wires may be set further down than they are used.
        for _ in 0..2 {
            for (index, node) in self.module.nodes.iter().enumerate() {
                let id = NodeId(index as u32);
                self.values[index] = self.fold(id).or_else(|| self.evaluate(id));
                if node.name.is_none() {
                    self.constants[index] = self.values[index].clone();
                }
                self.canonicals[index] = self.find_canonical(id);
            }
        }
    }

    pub fn known(&self, id: NodeId) -> Option<&Bits> {
        self.values[id.index()].as_ref()
    }

    /// The value of a node, where those of its operands are known and decide it.
    fn fold(&self, id: NodeId) -> Option<Bits> {
        let node = self.module.node(id);
        let known = |id: NodeId| self.known(self.canonical(id));
        let bit = |value: bool| Bits::from_u64(value as u64, 1);
        match &node.op {
            Op::Constant(bits) => Some(bits.clone()),
            Op::And(a, b) => [known(*a), known(*b)].into_iter().flatten().find(|bits| bits.is_zero()).cloned(),
            Op::Or(a, b) => {
                let ones = Bits::ones(node.width);
                [known(*a), known(*b)].into_iter().flatten().find(|bits| **bits == ones).cloned()
            }
            Op::Eq(a, b) => self.decide_equal(*a, *b).map(bit),
            Op::Lt(a, b) => self.decide_less(*a, *b).map(bit),
            Op::LtSigned(a, b) => (self.canonical(*a) == self.canonical(*b)).then(|| bit(false)),
            Op::ShiftLeft(_, amount) | Op::ShiftRight(_, amount) => {
                known(*amount).filter(|amount| shifts_all_out(amount, node.width)).map(|_| Bits::zero(node.width))
            }
            Op::Slice { .. } => {
                let (base, low) = self.slice(id);
                known(base).map(|bits| slice_bits(bits, low, node.width))
            }
            Op::Not(a) => known(*a).map(|bits| from_bits(node.width, |i| !bits.bit(i))),
            Op::SignExtend(a) => known(*a).map(|bits| from_bits(node.width, |i| bits.bit(i.min(bits.width() - 1)))),
            Op::Concat(parts) => {
                let parts: Option<Vec<&Bits>> = parts.iter().rev().map(|part| known(*part)).collect();
                let low_first: Vec<bool> =
                    parts?.iter().flat_map(|part| (0..part.width()).map(|i| part.bit(i))).collect();
                Some(from_bits(node.width, |i| low_first[i]))
            }
            Op::Wire(wire) => match self.module.wires[*wire].assignments.as_slice() {
                [only] => known(only.value).cloned(),
                _ => None,
            },
            _ => None,
        }
    }

    /// How many bits of `id` can be one: those below the zeros that extend it.
    fn significant_bits(&self, id: NodeId) -> usize {
        let node = self.module.node(id);
        let zero = |part: &&NodeId| self.known(self.canonical(**part)).is_some_and(Bits::is_zero);
        match &node.op {
            Op::Concat(parts) if node.name.is_none() => {
                let zeros: usize = parts.iter().take_while(zero).map(|part| self.module.node(*part).width).sum();
                node.width - zeros
            }
            _ => node.width,
        }
    }

    /// True if `value` is larger than `id` can be.
    fn is_past(&self, value: &Bits, id: NodeId) -> bool {
        (self.significant_bits(id)..value.width()).any(|i| value.bit(i))
    }

    /// True if `value` is the largest that `id` can be.
    fn is_largest(&self, value: &Bits, id: NodeId) -> bool {
        let significant = self.significant_bits(id);
        (0..value.width()).all(|i| value.bit(i) == (i < significant))
    }

    /// What `a < b` is, where that does not depend on values.
    pub fn decide_less(&self, a: NodeId, b: NodeId) -> Option<bool> {
        let (a, b) = (self.canonical(a), self.canonical(b));
        let never = a == b
            || self.known(b).is_some_and(Bits::is_zero)
            || self.known(a).is_some_and(|bits| self.is_past(bits, b) || self.is_largest(bits, b));
        let always = self.known(b).is_some_and(|bits| self.is_past(bits, a));
        (never || always).then_some(always)
    }

    /// What `a == b` is, where that does not depend on values.
    pub fn decide_equal(&self, a: NodeId, b: NodeId) -> Option<bool> {
        let (a, b) = (self.canonical(a), self.canonical(b));
        let past = |value, other| self.known(value).is_some_and(|bits| self.is_past(bits, other));
        match (self.known(a), self.known(b)) {
            (Some(a), Some(b)) => Some(a == b),
            _ if a == b => Some(true),
            _ if past(a, b) || past(b, a) => Some(false),
            _ => None,
        }
    }

    /// Inputs on the way to values that are known all the same.
    pub fn find_undecisive(&mut self) {
        let mut seen = vec![false; self.module.nodes.len()];
        let renames = |id: NodeId| matches!(self.module.node(id).op, Op::Slice { .. });
        let known = |&id: &NodeId| self.constant(id).is_some() || (self.canonical(id) != id && !renames(id));
        let mut work: Vec<NodeId> = (0..seen.len() as u32).map(NodeId).filter(known).collect();
        let mut inputs = vec![];
        while let Some(id) = work.pop() {
            if std::mem::replace(&mut seen[id.index()], true) {
                continue;
            }
            match self.module.node(id).op {
                Op::Input(_) => inputs.push(id),
                Op::Register(register) => {
                    work.extend(assignment_operands(&self.module.registers[register].assignments));
                }
                _ => work.extend(self.module.combinational_operands(id)),
            }
        }
        self.undecisive = inputs;
    }
}

/// True if a shift by `amount` leaves nothing of `width` bits.
fn shifts_all_out(amount: &Bits, width: usize) -> bool {
    amount.to_u64().is_none_or(|amount| amount >= width as u64)
}

/// The bits that `bit` gives, by position.
pub fn from_bits(width: usize, bit: impl Fn(usize) -> bool) -> Bits {
    let mut words = vec![0u64; width.div_ceil(64)];
    for i in (0..width).filter(|&i| bit(i)) {
        words[i / 64] |= 1 << (i % 64);
    }
    Bits::from_words(&words, width)
}

/// Bits `low .. low + width` of a constant.
pub fn slice_bits(bits: &Bits, low: usize, width: usize) -> Bits {
    from_bits(width, |i| bits.bit(low + i))
}
