//! From nodes of modules to words of the whole design.
//!
//! Values are built on demand: a node that nothing reads, in an instance where nothing reads it, never exists.

use std::collections::HashMap;

use super::graph::{Graph, Origin, Word};
use super::lower::{Value, word_bits};
use crate::bits::words_for;
use crate::design::{Assignment, Design, ModuleDef, NodeId, Op};
use crate::sim::SimulatorError;
use crate::sim::hierarchy::{Family, Hierarchy, StatePlaces};

enum State {
    New,
    Open,
    Done(Value),
}

/// Builds the words of nodes, each at most once for each scope.
pub struct Flattener<'d> {
    pub design: &'d Design,
    pub hierarchy: &'d Hierarchy,
    pub graph: Graph,
    /// For each scope, for each node of its module.
    values: Vec<Vec<State>>,
    families: HashMap<Family, u32>,
}

impl<'d> Flattener<'d> {
    pub fn new(design: &'d Design, hierarchy: &'d Hierarchy) -> Self {
        let empty = |module: usize| design.modules[module].nodes.iter().map(|_| State::New).collect();
        let values = hierarchy.scopes.iter().map(|scope| empty(scope.module)).collect();
        Flattener { design, hierarchy, graph: Graph::default(), values, families: HashMap::new() }
    }

    pub fn module(&self, scope: usize) -> &'d ModuleDef {
        self.hierarchy.module(self.design, scope)
    }

    /// What is built from now on is for this node.
    pub fn build_for(&mut self, scope: usize, node: NodeId) {
        let next = self.families.len() as u32;
        let family = *self.families.entry(self.hierarchy.family(self.design, scope, node)).or_insert(next);
        self.graph.building = Origin { family, step: 0, scope: scope as u32, node: node.0 };
    }

    /// The words of a node, with everything that they depend on.
    pub fn value(&mut self, scope: usize, node: NodeId) -> Result<Value, SimulatorError> {
        // Operands first, on a stack of our own: paths through a large design are deeper than a thread's stack.
        let mut stack = vec![(scope, node)];
        while let Some(&(scope, node)) = stack.last() {
            if let State::Done(_) = self.values[scope][node.index()] {
                stack.pop();
                continue;
            }
            self.values[scope][node.index()] = State::Open;
            let before = stack.len();
            for (scope, operand) in self.operands(scope, node) {
                match self.values[scope][operand.index()] {
                    State::New => stack.push((scope, operand)),
                    State::Open => return Err(self.loop_error(scope, operand)),
                    State::Done(_) => {}
                }
            }
            // Only the nodes between the root and the top of the stack are open; what waits beside them is new.
            if stack.len() == before {
                self.build_for(scope, node);
                let value = self.build(scope, node);
                self.values[scope][node.index()] = State::Done(value);
            }
        }
        Ok(self.done(scope, node))
    }

    /// The words of a node that is built.
    pub fn done(&self, scope: usize, node: NodeId) -> Value {
        match &self.values[scope][node.index()] {
            State::Done(value) => value.clone(),
            _ => unreachable!("operands are built first"),
        }
    }

    fn loop_error(&self, scope: usize, node: NodeId) -> SimulatorError {
        let prefix = &self.hierarchy.scopes[scope].prefix;
        let name = self.module(scope).node(node).name.as_deref().unwrap_or("an unnamed signal");
        SimulatorError::CombinationalLoop { name: format!("{prefix}{name}") }
    }

    /// What a node reads, across the hierarchy.
    fn operands(&self, scope: usize, node: NodeId) -> Vec<(usize, NodeId)> {
        let module = self.module(scope);
        let here = &self.hierarchy.scopes[scope];
        match module.node(node).op {
            Op::Input(input) => {
                let driver = |(parent, i): (usize, usize)| (parent, self.module(parent).instances[i].inputs[input]);
                here.parent.map(driver).into_iter().collect()
            }
            Op::Reset => self.hierarchy.reset_driver(self.design, scope).into_iter().collect(),
            Op::InstanceOutput { instance, port } => {
                let child = here.children[instance];
                vec![(child, self.module(child).outputs[port].node)]
            }
            _ => module.combinational_operands(node).into_iter().map(|node| (scope, node)).collect(),
        }
    }

    /// The words of an input or a state of `width` bits.
    fn source(&mut self, places: StatePlaces, width: usize) -> Value {
        (0..words_for(width)).map(|i| self.graph.source(places.word(i), word_bits(width, i))).collect()
    }

    /// The reset of a scope, one bit.
    pub fn reset(&mut self, scope: usize) -> Result<Word, SimulatorError> {
        match self.hierarchy.reset_driver(self.design, scope) {
            Some((parent, node)) => Ok(self.value(parent, node)?[0]),
            None => Ok(self.top_reset()),
        }
    }

    fn top_reset(&mut self) -> Word {
        if !self.design.top().has_reset {
            return self.graph.zero();
        }
        let place = *self.hierarchy.inputs.last().expect("a top with reset has an input for it");
        self.graph.source(place, 1)
    }

    fn build(&mut self, scope: usize, id: NodeId) -> Value {
        let module = self.module(scope);
        let node = module.node(id);
        let width = node.width;
        let width_of = |node: NodeId| module.node(node).width;
        match &node.op {
            Op::Input(input) => match self.operands(scope, id).first() {
                Some(&(parent, driver)) => self.done(parent, driver),
                None => self.source(StatePlaces::consecutive(self.hierarchy.inputs[*input]), width),
            },
            Op::Reset => match self.operands(scope, id).first() {
                Some(&(parent, driver)) => self.done(parent, driver),
                None => vec![self.top_reset()],
            },
            Op::InstanceOutput { .. } => {
                let (child, driver) = self.operands(scope, id)[0];
                self.done(child, driver)
            }
            Op::Register(register) => self.source(self.hierarchy.scopes[scope].registers[*register], width),
            Op::Wire(wire) => {
                let assignments: Vec<&Assignment> = module.wires[*wire].assignments.iter().collect();
                let undriven = self.graph.zero();
                self.assigned(scope, &assignments, 0, vec![undriven; words_for(width)])
            }
            Op::MemoryRead { memory, port } => match self.hierarchy.scopes[scope].read_ports[*memory][*port] {
                Some(place) => self.source(place, width),
                None => {
                    let address = self.done(scope, module.memories[*memory].reads[*port].address)[0];
                    let memory = (self.hierarchy.scopes[scope].first_memory + memory) as u32;
                    let bits = |i| word_bits(width, i);
                    (0..words_for(width)).map(|i| self.graph.memory_read(address, memory, i as u32, bits(i))).collect()
                }
            },
            Op::Constant(bits) => self.graph.bits(bits),
            Op::Not(a) => self.graph.complement(&self.done(scope, *a), width),
            Op::And(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.map2(a, b, Graph::and)),
            Op::Or(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.map2(a, b, Graph::or)),
            Op::Xor(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.map2(a, b, Graph::xor)),
            Op::ReduceAnd(a) => vec![self.graph.reduce_and(&self.done(scope, *a), width_of(*a))],
            Op::ReduceOr(a) => vec![self.graph.reduce_or(&self.done(scope, *a))],
            Op::ReduceXor(a) => vec![self.graph.reduce_xor(&self.done(scope, *a))],
            Op::Add(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.add_words(a, b, width)),
            Op::Sub(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.sub_words(a, b, width)),
            Op::Mul(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.mul_words(a, b, width)),
            Op::MulSigned(a, b) => {
                let (v, w) = (width_of(*a), width_of(*b));
                self.pair(scope, *a, *b, |graph, a, b| graph.mul_signed(a, v, b, w))
            }
            Op::Eq(a, b) => self.pair(scope, *a, *b, |graph, a, b| vec![graph.equal_words(a, b)]),
            Op::Lt(a, b) => self.pair(scope, *a, *b, |graph, a, b| vec![graph.less_than(a, b)]),
            Op::LtSigned(a, b) => {
                let width = width_of(*a);
                self.pair(scope, *a, *b, |graph, a, b| vec![graph.less_than_signed(a, b, width)])
            }
            Op::ShiftLeft(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.shift_left(a, b, width)),
            Op::ShiftRight(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.shift_right(a, b)),
            Op::ShiftRightSigned(a, b) => self.pair(scope, *a, *b, |graph, a, b| graph.shift_right_signed(a, b, width)),
            Op::Mux { select, on_true, on_false } => {
                let select = self.done(scope, *select)[0];
                self.pair(scope, *on_true, *on_false, |graph, t, f| graph.mux_words(select, t, f))
            }
            Op::Select { index, options } => {
                let options: Vec<Value> = options.iter().map(|&option| self.done(scope, option)).collect();
                let options: Vec<&[Word]> = options.iter().map(Vec::as_slice).collect();
                self.graph.select_words(&self.done(scope, *index), &options)
            }
            Op::Slice { of, low } => self.graph.slice(&self.done(scope, *of), *low, width),
            Op::Concat(parts) => {
                let values: Vec<(Value, usize)> =
                    parts.iter().rev().map(|&part| (self.done(scope, part), width_of(part))).collect();
                let parts: Vec<(&[Word], usize)> = values.iter().map(|(v, w)| (v.as_slice(), *w)).collect();
                self.graph.concat(&parts)
            }
            Op::SignExtend(a) => self.graph.extend_signed(&self.done(scope, *a), width_of(*a), width),
        }
    }

    fn pair(&mut self, scope: usize, a: NodeId, b: NodeId, f: impl Fn(&mut Graph, &[Word], &[Word]) -> Value) -> Value {
        let (a, b) = (self.done(scope, a), self.done(scope, b));
        f(&mut self.graph, &a, &b)
    }
}
