//! Deliberate faults: a value of a design is replaced by a wrong one, to see whether a test notices.
//!
//! [`inject`] changes the design graph between elaboration and simulation, so the description stays free of switches
//! for tests. Everything that reads the value, in every instance of its module, reads the wrong one from then on.
//!
//! ```
//! use rtl::fault::{self, Fault};
//! # use rtl::{Builder, Module, Ports, Signal, bundle};
//! # bundle! { struct In { a: Signal, b: Signal } }
//! # bundle! { struct Out { sum: Signal } }
//! # #[derive(Debug)]
//! # struct Adder;
//! # impl Module for Adder {
//! #     type In = In;
//! #     type Out = Out;
//! #     fn name(&self) -> String { "adder".into() }
//! #     fn inputs(&self, ports: &Ports) -> In { In { a: ports.input("a", 8), b: ports.input("b", 8) } }
//! #     fn build(&self, _: &Builder, io: In) -> Out { Out { sum: io.a + io.b } }
//! # }
//! let mut design = rtl::elaborate(&Adder).unwrap();
//! fault::inject(&mut design, "adder", "b", Fault::BitInverted(0)).unwrap();
//! let mut sim = rtl::sim::Simulator::new(&design).unwrap();
//! let (a, b, sum) = (sim.input("a").unwrap(), sim.input("b").unwrap(), sim.output("sum").unwrap());
//! sim.set(a, 3);
//! sim.set(b, 4);
//! assert_eq!(sim.get(sum), 8);
//! ```
//!
//! | what can be named  | which value is wrong                                                    |
//! |--------------------|-------------------------------------------------------------------------|
//! | a value            | named by [`Signal::named`](crate::Signal::named)                        |
//! | an input           | as seen inside the module                                               |
//! | a register         | its output; what it stores stays right                                  |
//! | a wire             | its value                                                               |
//! | a read port        | the data that a memory delivers                                         |
//! | an output          | what drives it, for the parent and for the module itself                |
//!
//! The right value is still there, under the name with `_fault_free` behind it (an input keeps its name and the
//! wrong value is called `_faulty`). A faulty design is made for the native simulator: its values no longer stand in
//! the order in which Verilog has to declare them.

use crate::bits::Bits;
use crate::design::{Design, ModuleDef, Node, NodeId, Op};

/// What the readers of a value see instead of it. Bits are numbered from 0, the least significant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Zeros.
    StuckAtZero,
    /// Ones.
    StuckAtOne,
    /// Every bit is inverted.
    Inverted,
    /// One bit is zero.
    BitStuckAtZero(usize),
    /// One bit is one.
    BitStuckAtOne(usize),
    /// One bit is inverted.
    BitInverted(usize),
    /// One more, modulo 2^width: an off-by-one count or shift.
    Incremented,
    /// One less, modulo 2^width.
    Decremented,
    /// One place to the left: the top bit is lost and a zero enters.
    ShiftedLeft,
    /// One place to the right: bit 0 is lost and a zero enters.
    ShiftedRight,
}

/// Why a fault cannot be injected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The design has no such module.
    #[error("no module `{name}`; the design has {}", known.join(", "))]
    UnknownModule {
        /// What was asked for.
        name: String,
        /// The modules.
        known: Vec<String>,
    },
    /// The module has no such value.
    #[error("no value `{name}` in module `{module}`; it has {}", known.join(", "))]
    UnknownValue {
        /// The module.
        module: String,
        /// What was asked for.
        name: String,
        /// Its named values and outputs.
        known: Vec<String>,
    },
    /// The value is narrower.
    #[error("no bit {bit} in `{name}` of module `{module}`; it has {width} bits")]
    NoSuchBit {
        /// The module.
        module: String,
        /// The value.
        name: String,
        /// The bit that was asked for.
        bit: usize,
        /// Width of the value.
        width: usize,
    },
    /// One fault a value.
    #[error("`{name}` of module `{module}` has a fault already")]
    AlreadyFaulty {
        /// The module.
        module: String,
        /// The value.
        name: String,
    },
}

/// Puts a fault on the value `name` of the module called `module`.
///
/// # Errors
/// Modules, values and bits that do not exist, with those that do; a second fault on the same value.
pub fn inject(design: &mut Design, module: &str, name: &str, fault: Fault) -> Result<(), FaultError> {
    let Some(def) = design.modules.iter_mut().find(|def| def.name == module) else {
        let known = design.modules.iter().map(|def| def.name.clone()).collect();
        return Err(FaultError::UnknownModule { name: module.into(), known });
    };
    let id = find(def, name).ok_or_else(|| FaultError::UnknownValue {
        module: module.into(),
        name: name.into(),
        known: known_values(def),
    })?;
    let width = def.node(id).width;
    if let Fault::BitStuckAtZero(bit) | Fault::BitStuckAtOne(bit) | Fault::BitInverted(bit) = fault
        && bit >= width
    {
        return Err(FaultError::NoSuchBit { module: module.into(), name: name.into(), bit, width });
    }
    let value_name = def.node(id).name.clone().unwrap_or_else(|| name.into());
    let taken = |name: String| def.nodes.iter().any(|node| node.name.as_deref() == Some(&name));
    if taken(format!("{value_name}_fault_free")) || taken(format!("{value_name}_faulty")) {
        return Err(FaultError::AlreadyFaulty { module: module.into(), name: name.into() });
    }
    let source = move_source(def, id, &value_name);
    def.nodes[id.index()].op = faulty_op(def, source, width, fault);
    Ok(())
}

/// The node of that name, or the one that drives the output of that name.
fn find(def: &ModuleDef, name: &str) -> Option<NodeId> {
    let named = def.nodes.iter().position(|node| node.name.as_deref() == Some(name));
    let driver = || def.outputs.iter().find(|port| port.name == name).map(|port| port.node);
    named.map(|index| NodeId(index as u32)).or_else(driver)
}

fn known_values(def: &ModuleDef) -> Vec<String> {
    let named = def.nodes.iter().filter_map(|node| node.name.clone());
    let outputs = def.outputs.iter().map(|port| port.name.clone());
    let mut known: Vec<String> = named.chain(outputs).collect();
    known.sort();
    known.dedup();
    known
}

/// Gives what node `id` computes to a new node, so that `id`, which everything reads, is free for the wrong value.
fn move_source(def: &mut ModuleDef, id: NodeId, name: &str) -> NodeId {
    let Node { op, width, location, .. } = def.node(id).clone();
    let source = NodeId(def.nodes.len() as u32);
    let right_name = format!("{name}_fault_free");
    match op {
        Op::Register(index) => {
            def.registers[index].node = source;
            def.registers[index].name.clone_from(&right_name);
        }
        Op::Wire(index) => {
            def.wires[index].node = source;
            def.wires[index].name.clone_from(&right_name);
        }
        Op::MemoryRead { memory, port } => {
            def.memories[memory].reads[port].node = source;
            def.memories[memory].reads[port].name.clone_from(&right_name);
        }
        Op::Input(index) => {
            def.inputs[index].node = source;
            def.nodes.push(Node { op, width, name: Some(name.into()), location });
            def.nodes[id.index()].name = Some(format!("{name}_faulty"));
            return source;
        }
        _ => {}
    }
    def.nodes.push(Node { op, width, name: Some(right_name), location });
    source
}

/// What the node computes from now on. `source` has the right value.
fn faulty_op(def: &mut ModuleDef, source: NodeId, width: usize, fault: Fault) -> Op {
    let mut constant = |value: Bits| {
        let location = def.node(source).location;
        def.nodes.push(Node { op: Op::Constant(value), width, name: None, location });
        NodeId(def.nodes.len() as u32 - 1)
    };
    let only = |bit: usize| {
        let mut words = vec![0; width.div_ceil(64)];
        words[bit / 64] = 1 << (bit % 64);
        Bits::from_words(&words, width)
    };
    match fault {
        Fault::StuckAtZero => Op::Constant(Bits::zero(width)),
        Fault::StuckAtOne => Op::Constant(Bits::ones(width)),
        Fault::Inverted => Op::Not(source),
        Fault::BitStuckAtZero(bit) => {
            let others: Vec<u64> = only(bit).words().iter().map(|word| !word).collect();
            Op::And(source, constant(Bits::from_words(&others, width)))
        }
        Fault::BitStuckAtOne(bit) => Op::Or(source, constant(only(bit))),
        Fault::BitInverted(bit) => Op::Xor(source, constant(only(bit))),
        Fault::Incremented => Op::Add(source, constant(only(0))),
        Fault::Decremented => Op::Sub(source, constant(only(0))),
        Fault::ShiftedLeft => Op::ShiftLeft(source, constant(only(0))),
        Fault::ShiftedRight => Op::ShiftRight(source, constant(only(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Simulator;
    use crate::{Builder, Module, Ports, Signal, bundle, elaborate};

    bundle! {
        struct In { x: Signal }
    }
    bundle! {
        struct Out { y: Signal, stored: Signal, read: Signal, twice: Signal }
    }

    /// One value of each kind, all of them `x` or made from it.
    #[derive(Debug)]
    struct Kinds;

    impl Module for Kinds {
        type In = In;
        type Out = Out;
        fn name(&self) -> String {
            "kinds".into()
        }
        fn inputs(&self, ports: &Ports) -> In {
            In { x: ports.input("x", 8) }
        }
        fn build(&self, m: &Builder, io: In) -> Out {
            let wire = m.wire("wire_1", 8);
            let y = (wire.value & lit_ones()).named("masked");
            wire.set(io.x);
            let register = io.x.register("register_1");
            let memory = m.memory("words", 2, 8);
            memory.write(lit_zero(), io.x, lit_one());
            let read = memory.read("word", lit_zero());
            Out { y: !!y, stored: register + 0, read: !!read, twice: io.x + io.x }
        }
    }

    fn lit_ones() -> Signal {
        crate::lit(0xff, 8)
    }
    fn lit_one() -> Signal {
        crate::lit(1, 1)
    }
    fn lit_zero() -> Signal {
        crate::lit(0, 1)
    }

    /// Outputs y, stored, read, twice one clock edge after x = 0x35, with a fault.
    fn outputs(name: &str, fault: Fault) -> [u64; 4] {
        let mut design = elaborate(&Kinds).unwrap();
        inject(&mut design, "kinds", name, fault).unwrap();
        let mut sim = Simulator::new(&design).unwrap();
        let x = sim.input("x").unwrap();
        sim.set(x, 0x35);
        sim.step(1).unwrap();
        ["y", "stored", "read", "twice"].map(|name| {
            let port = sim.output(name).unwrap();
            sim.get(port)
        })
    }

    #[test]
    fn each_fault_changes_the_value_as_it_says() {
        let y = |fault| outputs("masked", fault)[0];
        assert_eq!(y(Fault::StuckAtZero), 0);
        assert_eq!(y(Fault::StuckAtOne), 0xff);
        assert_eq!(y(Fault::Inverted), 0xca);
        assert_eq!(y(Fault::BitStuckAtZero(2)), 0x31);
        assert_eq!(y(Fault::BitStuckAtOne(7)), 0xb5);
        assert_eq!(y(Fault::BitInverted(0)), 0x34);
        assert_eq!(y(Fault::Incremented), 0x36);
        assert_eq!(y(Fault::Decremented), 0x34);
        assert_eq!(y(Fault::ShiftedLeft), 0x6a);
        assert_eq!(y(Fault::ShiftedRight), 0x1a);
    }

    #[test]
    fn a_fault_reaches_the_readers_of_its_value_and_nothing_else() {
        assert_eq!(outputs("wire_1", Fault::Incremented), [0x36, 0x35, 0x35, 0x6a]);
        assert_eq!(outputs("register_1", Fault::Incremented), [0x35, 0x36, 0x35, 0x6a]);
        assert_eq!(outputs("word", Fault::Incremented), [0x35, 0x35, 0x36, 0x6a]);
        assert_eq!(outputs("x", Fault::Incremented), [0x36, 0x36, 0x36, 0x6c]);
        assert_eq!(outputs("twice", Fault::Incremented), [0x35, 0x35, 0x35, 0x6b]);
    }

    #[test]
    fn names_stay_unique_and_ports_keep_theirs() {
        let mut design = elaborate(&Kinds).unwrap();
        for name in ["x", "wire_1", "register_1", "word", "masked", "twice"] {
            inject(&mut design, "kinds", name, Fault::Inverted).unwrap();
        }
        let top = design.top();
        assert_eq!(top.inputs[0].name, "x");
        let mut names: Vec<&str> = top.nodes.iter().filter_map(|node| node.name.as_deref()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let mut design = elaborate(&Kinds).unwrap();
        let mut message =
            |module: &str, name: &str, fault| inject(&mut design, module, name, fault).unwrap_err().to_string();
        assert_eq!(message("other", "x", Fault::Inverted), "no module `other`; the design has kinds");
        assert_eq!(
            message("kinds", "z", Fault::Inverted),
            "no value `z` in module `kinds`; it has masked, read, register_1, stored, twice, wire_1, word, x, y"
        );
        assert_eq!(message("kinds", "x", Fault::BitStuckAtOne(8)), "no bit 8 in `x` of module `kinds`; it has 8 bits");
    }

    #[test]
    fn a_second_fault_on_a_value_is_refused() {
        for name in ["x", "register_1", "twice"] {
            let mut design = elaborate(&Kinds).unwrap();
            inject(&mut design, "kinds", name, Fault::Inverted).unwrap();
            let again = inject(&mut design, "kinds", name, Fault::Inverted).unwrap_err();
            assert_eq!(again, FaultError::AlreadyFaulty { module: "kinds".into(), name: name.into() });
        }
    }
}
