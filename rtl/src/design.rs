//! The design graph: what elaboration produces and every back end reads.
//!
//! A [`Design`] is a list of modules, each configuration once, children before parents, the top last. Inside a
//! module everything that has a value is a node. Nodes refer only to nodes of the same module; registers, memories
//! and instances are stored beside them and appear among the nodes as their outputs.

use std::collections::BTreeMap;
use std::panic::Location;

use crate::bits::Bits;
use crate::wave::Format;

/// Index of a node in its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The index as a `usize`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node computes. Widths are those of [`Node::width`]; see [`crate::Signal`] for the meaning in words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The value of input port `ModuleDef::inputs[_]`.
    Input(usize),
    /// A constant.
    Constant(Bits),
    /// The module's synchronous reset, active high.
    Reset,
    /// Bitwise complement.
    Not(NodeId),
    /// Bitwise AND of equal widths.
    And(NodeId, NodeId),
    /// Bitwise OR of equal widths.
    Or(NodeId, NodeId),
    /// Bitwise exclusive OR of equal widths.
    Xor(NodeId, NodeId),
    /// One bit: all bits are one.
    ReduceAnd(NodeId),
    /// One bit: any bit is one.
    ReduceOr(NodeId),
    /// One bit: an odd number of bits is one.
    ReduceXor(NodeId),
    /// Sum of equal widths, modulo 2^width.
    Add(NodeId, NodeId),
    /// Difference of equal widths, modulo 2^width.
    Sub(NodeId, NodeId),
    /// Full unsigned product; the result is as wide as both operands together.
    Mul(NodeId, NodeId),
    /// Full two's complement product; the result is as wide as both operands together.
    MulSigned(NodeId, NodeId),
    /// One bit: equal widths are equal.
    Eq(NodeId, NodeId),
    /// One bit: unsigned less-than of equal widths.
    Lt(NodeId, NodeId),
    /// One bit: two's complement less-than of equal widths.
    LtSigned(NodeId, NodeId),
    /// Left shift by an unsigned amount of any width; zeros enter; amounts past the width give zero.
    ShiftLeft(NodeId, NodeId),
    /// Logical right shift by an unsigned amount of any width; zeros enter.
    ShiftRight(NodeId, NodeId),
    /// Arithmetic right shift by an unsigned amount of any width; copies of the sign enter.
    ShiftRightSigned(NodeId, NodeId),
    /// `select` (one bit) ? `on_true` : `on_false`, equal widths.
    Mux {
        /// One bit.
        select: NodeId,
        /// Value where `select` is one.
        on_true: NodeId,
        /// Value where `select` is zero.
        on_false: NodeId,
    },
    /// `options[index]`; an index past the last option gives the last. At least one option, equal widths.
    Select {
        /// Unsigned index of any width.
        index: NodeId,
        /// The options, at index 0 first.
        options: Vec<NodeId>,
    },
    /// Bits `low .. low + width` of the operand.
    Slice {
        /// Operand.
        of: NodeId,
        /// Lowest bit that is taken.
        low: usize,
    },
    /// Concatenation, most significant part first (as Verilog's `{a, b}`).
    Concat(Vec<NodeId>),
    /// Two's complement extension to a larger width.
    SignExtend(NodeId),
    /// Output of register `ModuleDef::registers[_]`.
    Register(usize),
    /// Value of wire `ModuleDef::wires[_]`.
    Wire(usize),
    /// Data of read port `port` of memory `ModuleDef::memories[memory]`.
    MemoryRead {
        /// Index of the memory.
        memory: usize,
        /// Index of the read port.
        port: usize,
    },
    /// Output `port` of instance `ModuleDef::instances[instance]` (index into the child's `outputs`).
    InstanceOutput {
        /// Index of the instance.
        instance: usize,
        /// Index into the outputs of the instance's module.
        port: usize,
    },
}

/// One value of a module.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// Width in bits, at least one.
    pub width: usize,
    /// Name, where the description gave one; unique in the module.
    pub name: Option<String>,
    /// The Rust source line that described it.
    pub location: &'static Location<'static>,
}

/// A port: name, width, and for outputs the node that drives it.
#[derive(Clone, Debug)]
pub struct Port {
    /// Port name.
    pub name: String,
    /// Width in bits.
    pub width: usize,
    /// Inputs: the [`Op::Input`] node. Outputs: the driving node.
    pub node: NodeId,
}

/// One branch of a `when` on the way to an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Branch {
    /// Which `when` of the module, in order of appearance.
    pub when: u32,
    /// Its one-bit condition.
    pub condition: NodeId,
    /// True for the `when` side, false for the `otherwise` side.
    pub taken: bool,
}

/// `target.set(value)` below zero or more branches. Later assignments win over earlier ones.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Branches from the outermost to the innermost; empty if unconditional.
    pub path: Vec<Branch>,
    /// The value.
    pub value: NodeId,
    /// The Rust source line.
    pub location: &'static Location<'static>,
}

/// Names for the values of an enumerated state; shown in the Verilog and in waveforms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// Name of the enumeration.
    pub name: String,
    /// Name of each value, value 0 first.
    pub values: Vec<String>,
}

/// A register: takes its value at each rising clock edge. Without an assignment that applies it holds.
#[derive(Clone, Debug)]
pub struct RegisterDef {
    /// Name, unique in the module.
    pub name: String,
    /// Width in bits.
    pub width: usize,
    /// The node that reads it.
    pub node: NodeId,
    /// Value taken at a clock edge with reset; `None`: reset does not touch it.
    pub reset: Option<Bits>,
    /// In program order; at least one.
    pub assignments: Vec<Assignment>,
    /// Names of its values, for states.
    pub enumeration: Option<Enumeration>,
    /// The Rust source line.
    pub location: &'static Location<'static>,
}

/// A wire: combinational, declared before it is driven. The first assignment is unconditional.
#[derive(Clone, Debug)]
pub struct WireDef {
    /// Name, unique in the module.
    pub name: String,
    /// Width in bits.
    pub width: usize,
    /// The node that reads it.
    pub node: NodeId,
    /// In program order; at least one, the first without branches.
    pub assignments: Vec<Assignment>,
    /// The Rust source line.
    pub location: &'static Location<'static>,
}

/// How a read port of a memory works.
#[derive(Clone, Debug)]
pub enum ReadKind {
    /// Combinational: the word at `address` as it is now.
    Asynchronous,
    /// At a clock edge with `enable` the port takes the word as it was before that edge; otherwise it holds.
    Synchronous {
        /// One bit.
        enable: NodeId,
    },
    /// The read half of the single port `ModuleDef::memories[_].writes[write]`: at a clock edge with `enable` and
    /// without any write enable the port takes the word at the address; otherwise it holds.
    SinglePort {
        /// One bit.
        enable: NodeId,
        /// Index of the write port that shares the address.
        write: usize,
    },
}

/// A read port of a memory.
#[derive(Clone, Debug)]
pub struct ReadPort {
    /// Name of the value that is read, unique in the module.
    pub name: String,
    /// Word address.
    pub address: NodeId,
    /// When it reads.
    pub kind: ReadKind,
    /// The node that carries the data.
    pub node: NodeId,
}

/// A write port of a memory, effective at the clock edge.
#[derive(Clone, Debug)]
pub struct WritePort {
    /// Word address.
    pub address: NodeId,
    /// Data, as wide as the memory.
    pub data: NodeId,
    /// One bit for each lane of `width / lanes` bits, lane 0 lowest. One bit: the whole word.
    pub lane_enables: NodeId,
}

/// A memory of `depth` words. Addresses at or past `depth` must not occur (asserted).
#[derive(Clone, Debug)]
pub struct MemoryDef {
    /// Name, unique in the module.
    pub name: String,
    /// Number of words.
    pub depth: usize,
    /// Word width in bits.
    pub width: usize,
    /// Contents at power-up, word 0 first; missing words are zero.
    pub initial: Vec<Bits>,
    /// A synchronous read never meets a write of the same word at the same edge (asserted), so that tools need not
    /// build the comparison.
    pub collision_free: bool,
    /// Read ports.
    pub reads: Vec<ReadPort>,
    /// Write ports; at the same edge and address the later port wins.
    pub writes: Vec<WritePort>,
    /// The Rust source line.
    pub location: &'static Location<'static>,
}

/// A child module.
#[derive(Clone, Debug)]
pub struct InstanceDef {
    /// Instance name, unique in the module.
    pub name: String,
    /// Index of the child in [`Design::modules`].
    pub module: usize,
    /// What drives each input, in the order of the child's `inputs`.
    pub inputs: Vec<NodeId>,
    /// Reset of the child; `None`: the parent's.
    pub reset: Option<NodeId>,
    /// The Rust source line.
    pub location: &'static Location<'static>,
}

/// What a property asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    /// Must hold at every rising clock edge without reset.
    Assert,
    /// Should hold at some clock edge without reset; simulators count.
    Cover,
}

/// An assertion or a cover point.
#[derive(Clone, Debug)]
pub struct Property {
    /// Name, unique in the module.
    pub name: String,
    /// Assertion or cover.
    pub kind: PropertyKind,
    /// One bit.
    pub condition: NodeId,
    /// The Rust source line.
    pub location: &'static Location<'static>,
}

/// One module of a design.
#[derive(Clone, Debug, Default)]
pub struct ModuleDef {
    /// Module name, unique in the design.
    pub name: String,
    /// The configuration, as text (its `Debug` form); stands in the Verilog header.
    pub configuration: String,
    /// What it does, in one sentence; stands in the Verilog header.
    pub summary: String,
    /// Input ports, without clock and reset.
    pub inputs: Vec<Port>,
    /// Output ports.
    pub outputs: Vec<Port>,
    /// Values.
    pub nodes: Vec<Node>,
    /// Registers.
    pub registers: Vec<RegisterDef>,
    /// Wires.
    pub wires: Vec<WireDef>,
    /// Memories.
    pub memories: Vec<MemoryDef>,
    /// Children.
    pub instances: Vec<InstanceDef>,
    /// Assertions and cover points.
    pub properties: Vec<Property>,
    /// Nodes whose unread bits are left unread on purpose.
    pub unused: Vec<NodeId>,
    /// How people read the values of nodes; shown in waveforms.
    pub formats: BTreeMap<NodeId, Format>,
    /// It or a child of it has state: there is a port `clock`.
    pub has_clock: bool,
    /// It or a child of it uses reset: there is a port `reset`.
    pub has_reset: bool,
}

impl ModuleDef {
    /// The node with this index.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Nodes that this node's value depends on combinationally, inside this module. Wires list what their
    /// assignments read, asynchronous reads their address; registers and synchronous reads list nothing, and so do
    /// instance outputs, whose paths need the child ([`crate::check`] knows them).
    pub fn combinational_operands(&self, id: NodeId) -> Vec<NodeId> {
        match &self.node(id).op {
            Op::Input(_) | Op::Constant(_) | Op::Reset | Op::Register(_) | Op::InstanceOutput { .. } => vec![],
            Op::Not(a) | Op::ReduceAnd(a) | Op::ReduceOr(a) | Op::ReduceXor(a) | Op::SignExtend(a) => vec![*a],
            Op::Slice { of, .. } => vec![*of],
            Op::And(a, b)
            | Op::Or(a, b)
            | Op::Xor(a, b)
            | Op::Add(a, b)
            | Op::Sub(a, b)
            | Op::Mul(a, b)
            | Op::MulSigned(a, b)
            | Op::Eq(a, b)
            | Op::Lt(a, b)
            | Op::LtSigned(a, b)
            | Op::ShiftLeft(a, b)
            | Op::ShiftRight(a, b)
            | Op::ShiftRightSigned(a, b) => vec![*a, *b],
            Op::Mux { select, on_true, on_false } => vec![*select, *on_true, *on_false],
            Op::Select { index, options } => std::iter::once(*index).chain(options.iter().copied()).collect(),
            Op::Concat(parts) => parts.clone(),
            Op::Wire(wire) => assignment_operands(&self.wires[*wire].assignments),
            Op::MemoryRead { memory, port } => match &self.memories[*memory].reads[*port] {
                ReadPort { kind: ReadKind::Asynchronous, address, .. } => vec![*address],
                _ => vec![],
            },
        }
    }
}

/// Every node that a list of assignments reads: conditions and values.
pub fn assignment_operands(assignments: &[Assignment]) -> Vec<NodeId> {
    assignments
        .iter()
        .flat_map(|a| a.path.iter().map(|branch| branch.condition).chain(std::iter::once(a.value)))
        .collect()
}

/// A whole elaborated and checked design.
#[derive(Clone, Debug)]
pub struct Design {
    /// Children before parents; the top is last.
    pub modules: Vec<ModuleDef>,
}

impl Design {
    /// The top module.
    pub fn top(&self) -> &ModuleDef {
        self.modules.last().expect("a design has a top")
    }

    /// There is an instance with this path: instance names from below the top, joined by points; empty: the top.
    pub fn has_instance(&self, path: &str) -> bool {
        let mut module = self.top();
        for name in path.split('.').filter(|_| !path.is_empty()) {
            let Some(instance) = module.instances.iter().find(|instance| instance.name == name) else { return false };
            module = &self.modules[instance.module];
        }
        true
    }

    /// The module with this name.
    pub fn module(&self, name: &str) -> Option<&ModuleDef> {
        self.modules.iter().find(|module| module.name == name)
    }
}
