//! What elaboration refuses: the exact message, and the line that it names, which each test marks with `refused`.

use std::path::Path;

mod instances;
mod memories;
mod names;

use rtl::design::Design;
use rtl::generic::tree::carry_save_sum;
use rtl::{Bits, Builder, Bundle, Memory, Module, Ports, Register, Signal, bundle, cat, elaborate, lit, mux, select};

/// Where these tests are, as `file!()` says it.
const TESTS: &str = "rtl/tests/refusals/";

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
    let source = |file: &str| {
        assert!(file.starts_with(TESTS), "{file} is none of these files");
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
    };
    let line_of = |file: &str, line: usize| source(file).lines().nth(line - 1).unwrap().to_string();
    errors
        .into_iter()
        .map(|error| {
            let line = line_of(error.location.file(), error.location.line() as usize);
            assert!(line.contains("refused"), "{error}\nnames the line {line:?}");
            // Another line that a message names is marked with `first`.
            let Some(place) = error.message.find(TESTS) else { return error.message };
            let (text, place) = error.message.split_at(place);
            let (file, number) = place.split_once(':').unwrap();
            let line = line_of(file, number.parse().unwrap());
            assert!(line.contains("// first"), "{error}\nnames the line {line:?}");
            format!("{text}(first)")
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
    assert!(
        text.starts_with("rtl/tests/refusals/main.rs:") && text.contains(": module case_under_test: `+` of"),
        "{text}"
    );
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
