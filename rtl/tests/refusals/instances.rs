//! Instances and signals of other modules.

use std::cell::Cell;

use super::*;

thread_local! {
    static FOREIGN_REGISTER: Cell<Option<Register>> = const { Cell::new(None) };
    static FOREIGN_MEMORY: Cell<Option<Memory>> = const { Cell::new(None) };
    static FOREIGN: Cell<Option<Signal>> = const { Cell::new(None) };
}

bundle! {
    struct ListIn { x: Vec<Signal> }
}

#[derive(Debug)]
struct TwoInputs;

impl Module for TwoInputs {
    type In = ListIn;
    type Out = Out;
    fn name(&self) -> String {
        "two_inputs".into()
    }
    fn inputs(&self, ports: &Ports) -> ListIn {
        ListIn { x: ports.array("x", 2, 8) }
    }
    fn build(&self, _: &Builder, io: ListIn) -> Out {
        Out { y: io.x[0] + io.x[1] }
    }
}

#[test]
fn inputs_of_instances() {
    refuses("instance `two`: input `x_1` (8 bits) is not driven", |m, io| {
        m.instance("two", &TwoInputs, ListIn { x: vec![io.a] }).y // refused
    });
    refuses("instance `two`: module `two_inputs` has no input `x_2`", |m, io| {
        m.instance("two", &TwoInputs, ListIn { x: vec![io.a; 3] }).y // refused
    });
    refuses("instance `two`: input `x_1` has 8 bits and is driven by `b` (4 bits)", |m, io| {
        m.instance("two", &TwoInputs, ListIn { x: vec![io.a, io.b] }).y // refused
    });
    refuses("the reset of an instance is `b` (4 bits); expected 1 bit", |m, io| {
        m.instance_with_reset("pass_0", &Pass, PassIn { x: io.a }, io.b).later // refused
    });
}

/// Uses a signal of its parent.
#[derive(Debug)]
struct Thief;

impl Module for Thief {
    type In = PassIn;
    type Out = Out;
    fn name(&self) -> String {
        "thief".into()
    }
    fn inputs(&self, ports: &Ports) -> PassIn {
        PassIn { x: ports.input("x", 8) }
    }
    fn build(&self, _: &Builder, io: PassIn) -> Out {
        Out { y: io.x & FOREIGN.get().unwrap() } // refused
    }
}

#[test]
fn signals_of_another_module() {
    refuses("a signal of another module (8 bits) is used here; pass it through a port", |m, io| {
        FOREIGN.set(Some(io.a));
        m.instance("thief_0", &Thief, PassIn { x: io.a }).y
    });
}

/// Sets a register of its parent.
#[derive(Debug)]
struct Intruder;

impl Module for Intruder {
    type In = PassIn;
    type Out = Out;
    fn name(&self) -> String {
        "intruder".into()
    }
    fn inputs(&self, ports: &Ports) -> PassIn {
        PassIn { x: ports.input("x", 8) }
    }
    fn build(&self, _: &Builder, io: PassIn) -> Out {
        if let Some(register) = FOREIGN_REGISTER.get() {
            register.set(io.x); // refused
        }
        if let Some(memory) = FOREIGN_MEMORY.get() {
            memory.read("word", io.x);
        }
        Out { y: io.x }
    }
}

#[test]
fn registers_of_another_module() {
    let message = "a wire or register of another module (8 bits) is set here; pass it through a port";
    refuses(message, |m, io| {
        let register = m.register("r", 8);
        register.set(io.a);
        FOREIGN_REGISTER.set(Some(register));
        m.instance("intruder_0", &Intruder, PassIn { x: io.a }).y
    });
}

#[test]
#[should_panic(expected = "a memory of another module is used here; pass its data through ports")]
fn memories_of_another_module_panic() {
    let build = |m: &Builder, io: In| {
        FOREIGN_MEMORY.set(Some(m.memory("words", 256, 8)));
        m.instance("intruder_0", &Intruder, PassIn { x: io.a }).y
    };
    let _ = elaborate(&Case { build });
}

#[test]
fn bundles_of_another_shape_than_their_wires() {
    refuses("a bundle of 2 wires is driven by 1 signal", |m, io| {
        let wires = m.wires("pair", |ports| ports.array("x", 2, 8));
        wires.set(&vec![io.a]); // refused
        wires.set(&vec![io.a, io.a]);
        wires.value[0] & wires.value[1]
    });
}
