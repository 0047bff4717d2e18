//! What elaboration refuses: the exact message, and the line that it names, which each test marks with `refused`.

use std::cell::Cell;

use rtl::design::Design;
use rtl::generic::tree::carry_save_sum;
use rtl::{Bits, Builder, Bundle, Memory, Module, Ports, Register, Signal, bundle, cat, elaborate, lit, mux, select};

bundle! {
    /// Inputs of every case.
    #[derive(Copy)]
    struct In {
        a: Signal,
        b: Signal,
        c: Signal,
    }
}

bundle! {
    struct Out { y: Signal }
}

/// A module that is wrong.
#[derive(Debug)]
struct Case {
    build: fn(&Builder, In) -> Signal,
}

impl Module for Case {
    type In = In;
    type Out = Out;
    fn name(&self) -> String {
        "case_under_test".into()
    }
    fn inputs(&self, ports: &Ports) -> In {
        In { a: ports.input("a", 8), b: ports.input("b", 4), c: ports.bit("c") } // first
    }
    fn build(&self, m: &Builder, io: In) -> Out {
        Out { y: (self.build)(m, io) }
    }
}

/// The messages for a design, each checked to name a line of this file that is marked.
#[track_caller]
fn messages(result: Result<Design, rtl::ElaborationErrors>) -> Vec<String> {
    let errors = result.expect_err("it is wrong").0;
    let source = include_str!("refusals.rs");
    errors
        .into_iter()
        .map(|error| {
            assert_eq!(error.location.file(), file!(), "{error}");
            let line = source.lines().nth(error.location.line() as usize - 1).unwrap();
            assert!(line.contains("refused"), "{error}\nnames the line {line:?}");
            // Another line that a message names is marked with `first`.
            let place = concat!(file!(), ":");
            match error.message.split_once(place) {
                Some((text, number)) => {
                    let line = source.lines().nth(number.parse::<usize>().unwrap() - 1).unwrap();
                    assert!(line.contains("// first"), "{error}\nnames the line {line:?}");
                    format!("{text}(first)")
                }
                None => error.message,
            }
        })
        .collect()
}

/// Asserts that elaboration of `build` gives exactly this one message.
#[track_caller]
fn refuses(message: &str, build: fn(&Builder, In) -> Signal) {
    assert_eq!(messages(elaborate(&Case { build })), [message]);
}

// ----- widths ---------------------------------------------------------------------------------------------------------

#[test]
fn operands_of_unequal_width() {
    refuses("`+` of `a` (8 bits) and `b` (4 bits); expected equal widths", |_, io| {
        io.a + io.b // refused
    });
    refuses("`-` of an unnamed signal (9 bits) and `a` (8 bits); expected equal widths", |_, io| {
        io.a.zero_extend(9) - io.a // refused
    });
    refuses("`&` of `a` (8 bits) and `c` (1 bit); expected equal widths", |_, io| {
        io.a & io.c // refused
    });
    refuses("`lt_signed` of `a` (8 bits) and `b` (4 bits); expected equal widths", |_, io| {
        io.a.lt_signed(io.b) // refused
    });
    refuses("`eq` of `b` (4 bits) and `a` (8 bits); expected equal widths", |_, io| {
        io.b.eq(io.a) // refused
    });
}

#[test]
fn addends_of_unequal_width() {
    refuses("a sum of `a` (8 bits) and `b` (4 bits); expected equal widths", |_, io| {
        carry_save_sum(&[io.a, io.a, io.b]) // refused
    });
}

#[test]
fn numbers_that_do_not_fit() {
    refuses("the constant 256 does not fit 8 bits", |_, io| {
        io.a + 256 // refused
    });
    refuses("the constant -129 does not fit 8 bits", |_, io| {
        io.a + -129 // refused
    });
    refuses("the constant 16 does not fit 4 bits", |_, io| {
        io.b.eq(lit(16, 4)) // refused
    });
    refuses("a constant of 5 bits where 4 are expected", |_, io| {
        io.b + lit(Bits::ones(5), 4) // refused
    });
}

#[test]
fn widths_that_cannot_be() {
    refuses("a width of 0 bits; expected 1 to 65536", |m, io| {
        let r = m.register("r", 0); // refused
        r.set(io.c);
        r.q
    });
    refuses("a width of 65537 bits; expected 1 to 65536", |_, io| {
        io.c.repeat(65537) // refused
    });
}

#[test]
fn bits_outside_a_signal() {
    refuses("bits 4..9 of `a` (8 bits); expected a range inside it", |_, io| {
        io.a.bits(4..9) // refused
    });
    refuses("bits 3..3 of `a` (8 bits); expected a range inside it", |_, io| {
        io.a.bits(3..3) // refused
    });
    refuses("bits 8..9 of `a` (8 bits); expected a range inside it", |_, io| {
        io.a.bit(8) // refused
    });
    refuses("bits 0..5 of `b` (4 bits); expected a range inside it", |_, io| {
        io.b.truncate(5) // refused
    });
}

#[test]
fn extension_to_fewer_bits() {
    refuses("extension of `a` (8 bits) to 7 bits; expected at least its own width", |_, io| {
        io.a.sign_extend(7) // refused
    });
    refuses("extension of `a` (8 bits) to 4 bits; expected at least its own width", |_, io| {
        io.a.zero_extend(4) // refused
    });
}

#[test]
fn choices_of_unequal_width() {
    refuses("the select of a mux is `a` (8 bits); expected 1 bit", |_, io| {
        mux(io.a, io.b, io.b) // refused
    });
    refuses("mux of `a` (8 bits) and `b` (4 bits); expected equal widths", |_, io| {
        mux(io.c, io.a, io.b) // refused
    });
    refuses("the two sides of a mux have different shapes", |_, io| {
        mux(io.c, vec![io.a, io.a], vec![io.a])[0] // refused
    });
    refuses("selection between `a` (8 bits) and `b` (4 bits); expected equal widths", |_, io| {
        select(io.b, [io.a, io.a, io.b]) // refused
    });
}

#[test]
fn lists_of_nothing() {
    refuses("a concatenation of nothing; expected at least one part", |_, _| {
        cat([]) // refused
    });
    refuses("a selection from nothing; expected at least one option", |_, io| {
        select(io.a, []) // refused
    });
}

#[test]
fn conditions_of_more_than_one_bit() {
    refuses("the condition of `when` is `a` (8 bits); expected 1 bit", |m, io| {
        m.when(io.a, || {}); // refused
        io.a
    });
    refuses("the condition of `or_when` is `b` (4 bits); expected 1 bit", |m, io| {
        m.when(io.c, || {}).or_when(io.b, || {}); // refused
        io.a
    });
    refuses("a property is `a` (8 bits); expected 1 bit", |m, io| {
        m.assert("holds", io.a); // refused
        io.a
    });
}

// ----- drivers --------------------------------------------------------------------------------------------------------

#[test]
fn values_of_another_width_than_their_target() {
    refuses("`r` has 4 bits and is set to `a` (8 bits)", |m, io| {
        let r = m.register("r", 4);
        r.set(io.b);
        m.when(io.c, || r.set(io.a)); // refused
        r.q
    });
    refuses("`w` has 8 bits and is set to `b` (4 bits)", |m, io| {
        let w = m.wire("w", 8);
        w.set(io.a);
        m.when(io.c, || w.set(io.b)); // refused
        w.value
    });
}

#[test]
fn wires_and_registers_without_a_driver() {
    refuses("wire `w` (8 bits) is not driven", |m, io| {
        let w = m.wire("w", 8); // refused
        w.value + io.a
    });
    refuses("wire `w` (8 bits) has no value where no `when` applies; set a default first", |m, io| {
        let w = m.wire("w", 8);
        m.when(io.c, || w.set(io.a)); // refused
        w.value
    });
    refuses("register `r` (8 bits) is never set", |m, io| {
        let r = m.register("r", 8); // refused
        r.q + io.a
    });
}

#[test]
fn drivers_that_hide_others() {
    refuses("`w` is driven twice; this hides what is set at (first)", |m, io| {
        let w = m.wire("w", 8);
        w.set(io.a); // first
        w.set(io.a + 1); // refused
        w.value
    });
    refuses("`r` is driven twice; this hides what is set at (first)", |m, io| {
        let r = m.register("r", 8);
        m.when(io.c, || r.set(io.a)); // first
        r.set(io.a + 1); // refused
        r.q
    });
}

#[test]
fn resets_that_are_no_constants() {
    refuses("the reset value of `r` is not a constant", |m, io| {
        let r = m.register("r", 8).reset(io.a); // refused
        r.set(io.a);
        r.q
    });
}

#[test]
fn resets_of_another_width() {
    refuses("`r` has 8 bits and its reset value is an unnamed signal (4 bits)", |m, io| {
        let r = m.register("r", 8).reset(lit(0, 4)); // refused
        r.set(io.a);
        r.q
    });
}

// ----- loops ----------------------------------------------------------------------------------------------------------

bundle! {
    struct PassIn { x: Signal }
}
bundle! {
    struct PassOut { through: Signal, later: Signal }
}

/// One output depends on the input in the same cycle, the other does not.
#[derive(Debug)]
struct Pass;

impl Module for Pass {
    type In = PassIn;
    type Out = PassOut;
    fn name(&self) -> String {
        "pass".into()
    }
    fn inputs(&self, ports: &Ports) -> PassIn {
        PassIn { x: ports.input("x", 8) }
    }
    fn build(&self, _: &Builder, io: PassIn) -> PassOut {
        PassOut { through: io.x + 1, later: io.x.register("x_later") }
    }
}

#[test]
fn combinational_loops() {
    refuses("combinational loop through `w` (8 bits); break it with a register", |m, io| {
        let w = m.wire("w", 8); // refused
        w.set(w.value + io.a);
        w.value
    });
    refuses("combinational loop through `v` -> `sum` -> `w` (8 bits); break it with a register", |m, io| {
        let v = m.wire("v", 8); // refused
        let w = m.wire("w", 8);
        v.set((w.value + io.a).named("sum"));
        w.set(io.a);
        m.when(v.value.any(), || w.set(io.a + 1));
        v.value
    });
}

#[test]
fn combinational_loops_through_instances() {
    refuses("combinational loop through `w` (8 bits); break it with a register", |m, io| {
        let w = m.wire("w", 8); // refused
        let pass = m.instance("pass_0", &Pass, PassIn { x: w.value });
        w.set(pass.through + io.a);
        w.value
    });
}

#[test]
fn loops_through_registers_are_no_loops() {
    let build = |m: &Builder, io: In| {
        let w = m.wire("w", 8);
        let pass = m.instance("pass_0", &Pass, PassIn { x: w.value });
        w.set(pass.later + io.a);
        w.value
    };
    assert!(elaborate(&Case { build }).is_ok());
}

// ----- names ----------------------------------------------------------------------------------------------------------

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

thread_local! {
    static FOREIGN_REGISTER: Cell<Option<Register>> = const { Cell::new(None) };
    static FOREIGN_MEMORY: Cell<Option<Memory>> = const { Cell::new(None) };
    static NAME: Cell<&'static str> = const { Cell::new("") };
    static FOREIGN: Cell<Option<Signal>> = const { Cell::new(None) };
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

// ----- instances and signals of other modules -------------------------------------------------------------------------

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

// ----- memories -------------------------------------------------------------------------------------------------------

#[test]
fn memories_of_no_use() {
    refuses("memory `words` has 1 word; expected at least 2", |m, io| {
        let words = m.memory("words", 1, 8); // refused
        words.write(io.c, io.a, io.c);
        words.read("word", io.c)
    });
    refuses("memory `words` is never read", |m, io| {
        let words = m.memory("words", 16, 8); // refused
        words.write(io.b, io.a, io.c);
        io.a
    });
    refuses("memory `words` is never written and has no initial contents", |m, io| {
        m.memory("words", 16, 8).read("word", io.b) // refused
    });
}

#[test]
fn memory_ports_of_the_wrong_width() {
    refuses("memory `words` has 4-bit addresses and is addressed by `a` (8 bits)", |m, io| {
        let words = m.memory("words", 16, 8);
        words.write(io.b, io.a, io.c);
        words.read("word", io.a) // refused
    });
    refuses("memory `words` has 8-bit words and is written with `b` (4 bits)", |m, io| {
        let words = m.memory("words", 16, 8).initial(vec![Bits::zero(8)]);
        words.write(io.b, io.b, io.c); // refused
        words.read("word", io.b)
    });
    refuses("memory `words`: 3 lane enables do not divide 8 bits", |m, io| {
        let words = m.memory("words", 16, 8).initial(vec![Bits::zero(8)]);
        words.write_lanes(io.b, io.a, io.b.truncate(3)); // refused
        words.read("word", io.b)
    });
    refuses("a write enable is `b` (4 bits); expected 1 bit", |m, io| {
        let words = m.memory("words", 16, 8);
        words.write(io.b, io.a, io.b); // refused
        words.read("word", io.b)
    });
    refuses("a read enable is `b` (4 bits); expected 1 bit", |m, io| {
        let words = m.memory("words", 16, 8);
        words.write(io.b, io.a, io.c);
        words.read_registered("word", io.b, io.b) // refused
    });
    refuses("the enable of a memory port is `b` (4 bits); expected 1 bit", |m, io| {
        m.memory("words", 16, 8).access("word", io.b, io.b, io.a, io.c) // refused
    });
}

#[test]
fn initial_contents_that_do_not_fit() {
    refuses("memory `words` has 2 words and 3 initial values", |m, io| {
        let words = m.memory("words", 2, 8).initial(vec![Bits::zero(8); 3]); // refused
        words.read("word", io.c)
    });
    refuses("memory `words` has 8-bit words and an initial value of 4 bits", |m, io| {
        let words = m.memory("words", 2, 8).initial(vec![Bits::zero(4)]); // refused
        words.read("word", io.c)
    });
}

// ----- all of them together -------------------------------------------------------------------------------------------

#[test]
fn every_error_is_reported_in_one_run_with_its_module_and_line() {
    let build = |_: &Builder, io: In| {
        let sum = io.a + io.b; // refused
        let product = io.a.bits(9..12); // refused
        sum + product.zero_extend(8)
    };
    let errors = elaborate(&Case { build }).unwrap_err();
    let text = errors.to_string();
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("rtl/tests/refusals.rs:") && text.contains(": module case_under_test: `+` of"), "{text}");
}

#[test]
fn bundles_name_the_line_of_the_user() {
    refuses("duplicate name `stage_x`; first used at (first)", |_, io| {
        PassIn { x: io.a }.register_all("stage"); // first
        PassIn { x: io.a }.register_all("stage").x // refused
    });
    refuses("duplicate name `late_1`; first used at (first)", |_, io| {
        io.a.delay("late", 1, false); // first
        io.a.delay("late", 1, false) // refused
    });
}

#[test]
#[should_panic(expected = "module `recursive` contains an instance of itself")]
fn a_module_inside_itself_panics() {
    #[derive(Debug)]
    struct Recursive;
    impl Module for Recursive {
        type In = PassIn;
        type Out = Out;
        fn name(&self) -> String {
            "recursive".into()
        }
        fn inputs(&self, ports: &Ports) -> PassIn {
            PassIn { x: ports.input("x", 8) }
        }
        fn build(&self, m: &Builder, io: PassIn) -> Out {
            m.instance("inner", &Recursive, io)
        }
    }
    let _ = elaborate(&Recursive);
}

#[test]
#[should_panic(expected = "`elaborate` inside `Module::build`; use `Builder::instance`")]
fn elaboration_inside_a_module_panics() {
    let build = |_: &Builder, io: In| {
        let _ = elaborate(&Pass);
        io.a
    };
    let _ = elaborate(&Case { build });
}

#[test]
#[should_panic(expected = "signals exist only inside `Module::build`")]
fn signals_outside_of_modules_panic() {
    lit(1, 1);
}
