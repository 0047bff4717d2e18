//! Names.

use std::cell::Cell;

use rtl::wave::Format;

use super::*;

thread_local! {
    static NAME: Cell<&'static str> = const { Cell::new("") };
}

#[test]
fn names_that_are_taken() {
    refuses("duplicate name `sum`; first used at (first)", |m, io| {
        let _ = (io.a + 1).named("sum"); // first
        m.wire("sum", 8); // refused
        io.a
    });
    refuses("duplicate name `a`; first used at (first)", |_, io| {
        (io.a + 1).named("a") // refused
    });
    refuses("duplicate name `lane_r`; first used at (first)", |m, io| {
        m.scope("lane", || io.a.register("r")); // first // first
        m.scope("lane", || io.a.register("r")) // refused
    });
    refuses("`sum` already has a name; it cannot also be `total`", |_, io| {
        let sum = (io.a + 1).named("sum");
        sum.named("total") // refused
    });
    refuses("duplicate name `y`; first used at (first)", |_, io| {
        let _ = io.a.register("y"); // first
        io.a + 1 // refused
    });
}

#[test]
fn names_that_waveforms_need() {
    refuses("`number_as_fp16` is what waveforms call the reading of `number`", |_, io| {
        let number = io.a.repeat(2).named("number").shown_as(Format::Fp16);
        number.bits(0..8).named("number_as_fp16") // refused
    });
}

#[test]
fn names_that_no_tool_would_take() {
    let legal = "expected lower-case letters, digits and underscores, no digit first";
    let register = |name: &'static str| {
        NAME.set(name);
        messages(elaborate(&Case {
            build: |_, io| io.a.register(NAME.get()), // refused
        }))
    };
    for name in ["Sum", "0_sum", "sum-1", "sum 1", ""] {
        assert_eq!(register(name), [format!("illegal name `{name}`; {legal}")]);
    }
    for name in ["wire", "always", "logic", "table"] {
        assert_eq!(register(name), [format!("the name `{name}` is reserved by Verilog")]);
    }
    for name in ["clock", "reset"] {
        assert_eq!(register(name), [format!("the name `{name}` is reserved; modules have it where they need it")]);
    }
}

/// A module of any name and with a configuration.
#[derive(Debug)]
struct Named {
    name: &'static str,
    #[allow(dead_code, reason = "tells configurations apart")]
    size: usize,
}

impl Module for Named {
    type In = PassIn;
    type Out = Out;
    fn name(&self) -> String {
        self.name.into()
    }
    fn inputs(&self, ports: &Ports) -> PassIn {
        PassIn { x: ports.input("x", 8) }
    }
    fn build(&self, _: &Builder, io: PassIn) -> Out {
        Out { y: io.x }
    }
}

#[test]
fn module_names_that_no_tool_would_take() {
    refuses("the name `table` is reserved by Verilog", |m, io| {
        m.instance("table_0", &Named { name: "table", size: 0 }, PassIn { x: io.a }).y // refused
    });
    let result = elaborate(&Named { name: "Table", size: 0 }); // refused
    let expected = "illegal name `Table`; expected lower-case letters, digits and underscores, no digit first";
    assert_eq!(messages(result), [expected]);
}

#[test]
fn two_configurations_of_one_name() {
    let expected =
        "two modules are called `same`: Named { name: \"same\", size: 1 } and Named { name: \"same\", size: 2 }";
    refuses(expected, |m, io| {
        let one = m.instance("one", &Named { name: "same", size: 1 }, PassIn { x: io.a });
        let again = m.instance("again", &Named { name: "same", size: 1 }, PassIn { x: one.y });
        m.instance("two", &Named { name: "same", size: 2 }, PassIn { x: again.y }).y // refused
    });
}
