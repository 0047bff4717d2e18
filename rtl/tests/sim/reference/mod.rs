//! A naive evaluator of the design graph in integers without a width, and random values for it. It shares nothing
//! with the simulator but the graph's own types.

#![allow(dead_code, reason = "each test uses its part")]

pub mod circuit;

use num_bigint::BigUint;
use rtl::Bits;
use rtl::design::{Assignment, Branch, ModuleDef, Node, NodeId, Op, RegisterDef};

/// SplitMix64: the same sequence for the same seed, everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A width from 1 to 300; often at a word's boundary.
    pub fn width(&mut self) -> usize {
        match self.below(4) {
            0 => [1, 2, 63, 64, 65, 127, 128, 129, 192, 193, 256, 300][self.below(12)],
            1 => 1 + self.below(16),
            2 => 1 + self.below(130),
            _ => 1 + self.below(300),
        }
    }

    /// A value: uniform, or one of those at which carries and shifts go wrong.
    pub fn bits(&mut self, width: usize) -> Bits {
        let words: Vec<u64> = (0..width.div_ceil(64)).map(|_| self.next()).collect();
        match self.below(8) {
            0 => Bits::zero(width),
            1 => Bits::ones(width),
            2 => Bits::from_u64(self.below(2 * width + 2) as u64, width),
            3 => to_bits(&(BigUint::from(1u8) << self.below(width)), width),
            4 => to_bits(&((BigUint::from(1u8) << self.below(width + 1)) - 1u8), width),
            5 => Bits::from_words(&vec![u64::MAX; self.below(words.len() + 1)], width),
            _ => Bits::from_words(&words, width),
        }
    }
}

pub fn to_big(bits: &Bits) -> BigUint {
    let digits: Vec<u32> = bits.words().iter().flat_map(|&word| [word as u32, (word >> 32) as u32]).collect();
    BigUint::new(digits)
}

/// The low `width` bits.
pub fn to_bits(value: &BigUint, width: usize) -> Bits {
    Bits::from_words(&value.to_u64_digits(), width)
}

fn modulus(width: usize) -> BigUint {
    BigUint::from(1u8) << width
}

/// Two's complement `a` of `width` bits in `to` bits.
fn extend(a: &BigUint, width: usize, to: usize) -> BigUint {
    if a.bit(width as u64 - 1) { a + modulus(to) - modulus(width) } else { a.clone() }
}

/// Shift amount, at most `limit`.
fn amount(by: &BigUint, limit: usize) -> usize {
    if *by >= BigUint::from(limit) { limit } else { by.iter_u64_digits().next().unwrap_or(0) as usize }
}

/// What a module's values depend on.
#[derive(Default)]
pub struct State {
    pub inputs: Vec<BigUint>,
    pub registers: Vec<BigUint>,
    pub reset: bool,
}

/// The value of every node of a module without memories and without instances.
pub fn evaluate(module: &ModuleDef, state: &State) -> Vec<BigUint> {
    let mut values: Vec<Option<BigUint>> = vec![None; module.nodes.len()];
    for index in 0..module.nodes.len() as u32 {
        value(module, NodeId(index), state, &mut values);
    }
    values.into_iter().flatten().collect()
}

/// The registers after a clock edge, from the values of all nodes before it.
pub fn next_registers(module: &ModuleDef, state: &State, values: &[BigUint]) -> Vec<BigUint> {
    let next = |(register, held): (&RegisterDef, &BigUint)| match &register.reset {
        Some(value) if state.reset => to_big(value),
        _ => {
            let applies = |assignment: &&Assignment| {
                let taken = |branch: &Branch| values[branch.condition.index()].bit(0) == branch.taken;
                assignment.path.iter().all(taken)
            };
            let last = register.assignments.iter().rev().find(applies);
            last.map_or(held.clone(), |assignment| values[assignment.value.index()].clone())
        }
    };
    module.registers.iter().zip(&state.registers).map(next).collect()
}

fn value(module: &ModuleDef, id: NodeId, state: &State, values: &mut Vec<Option<BigUint>>) -> BigUint {
    if let Some(known) = &values[id.0 as usize] {
        return known.clone();
    }
    let found = if let Op::Wire(wire) = module.node(id).op {
        let mut driven = BigUint::default();
        for assignment in &module.wires[wire].assignments {
            let mut applies = true;
            for branch in &assignment.path {
                applies &= value(module, branch.condition, state, values).bit(0) == branch.taken;
            }
            if applies {
                driven = value(module, assignment.value, state, values);
            }
        }
        driven
    } else {
        let operands: Vec<(BigUint, usize)> = module
            .combinational_operands(id)
            .into_iter()
            .map(|operand| (value(module, operand, state, values), module.node(operand).width))
            .collect();
        operator(module.node(id), &operands, state)
    };
    assert!(found < modulus(module.node(id).width), "the reference stays inside the width");
    values[id.0 as usize] = Some(found.clone());
    found
}

fn operator(node: &Node, operands: &[(BigUint, usize)], state: &State) -> BigUint {
    let width = node.width;
    let a = || &operands[0].0;
    let b = || &operands[1].0;
    let a_width = || operands[0].1;
    let truth = |condition: bool| BigUint::from(condition as u8);
    match &node.op {
        Op::Input(input) => state.inputs[*input].clone(),
        Op::Register(register) => state.registers[*register].clone(),
        Op::Reset => truth(state.reset),
        Op::Constant(bits) => to_big(bits),
        Op::Not(_) => modulus(width) - 1u8 - a(),
        Op::And(..) => a() & b(),
        Op::Or(..) => a() | b(),
        Op::Xor(..) => a() ^ b(),
        Op::ReduceAnd(_) => truth(*a() == modulus(a_width()) - 1u8),
        Op::ReduceOr(_) => truth(*a() != BigUint::default()),
        Op::ReduceXor(_) => truth(a().count_ones() % 2 == 1),
        Op::Add(..) => (a() + b()) % modulus(width),
        Op::Sub(..) => (a() + modulus(width) - b()) % modulus(width),
        Op::Mul(..) => a() * b(),
        Op::MulSigned(..) => (extend(a(), a_width(), width) * extend(b(), operands[1].1, width)) % modulus(width),
        Op::Eq(..) => truth(a() == b()),
        Op::Lt(..) => truth(a() < b()),
        Op::LtSigned(..) => {
            let half = modulus(a_width() - 1);
            truth((a() + &half) % modulus(a_width()) < (b() + half) % modulus(a_width()))
        }
        Op::ShiftLeft(..) => (a() << amount(b(), width)) % modulus(width),
        Op::ShiftRight(..) => a() >> amount(b(), width),
        Op::ShiftRightSigned(..) => (extend(a(), width, 2 * width) >> amount(b(), width)) % modulus(width),
        Op::Mux { .. } => {
            if a().bit(0) {
                b().clone()
            } else {
                operands[2].0.clone()
            }
        }
        Op::Select { .. } => operands[1 + amount(a(), operands.len() - 2)].0.clone(),
        Op::Slice { low, .. } => (a() >> *low) % modulus(width),
        Op::Concat(_) => operands.iter().fold(BigUint::default(), |all, (part, width)| (all << *width) | part),
        Op::SignExtend(_) => extend(a(), a_width(), width),
        other => panic!("no memories and no instances here: {other:?}"),
    }
}
