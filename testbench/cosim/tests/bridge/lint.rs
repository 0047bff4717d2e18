//! Lint messages and Yosys results reach the caller.

use tessera_cosim::{Design, Error, icarus_lint, verilator_lint, yosys};

fn clean() -> Design {
    let text = "module clean(input clock, input a, output reg y);\n  always @(posedge clock) y <= a;\nendmodule\n";
    Design::from_verilog("clean", text)
}

/// `b` is used by nobody, `y` depends on itself and `z` is too narrow.
fn unclean() -> Design {
    let text = "module unclean(input a, input b, output y, output [1:0] z);\n\
                assign y = a & ~y;\nassign z = 3'd5;\nendmodule\n";
    Design::from_verilog("unclean", text)
}

#[test]
fn verilator_finds_nothing_in_a_clean_design_and_each_fault_in_another() {
    assert_eq!(verilator_lint(&clean()).unwrap(), []);
    let messages = verilator_lint(&unclean()).unwrap();
    for code in ["UNUSEDSIGNAL", "WIDTH"] {
        let found = messages.iter().find(|message| message.code().starts_with(code));
        let found = found.unwrap_or_else(|| panic!("{code} is not in {messages:?}"));
        assert!(found.text.contains("unclean.v:"), "{found}");
    }
    let refused = verilator_lint(&Design::from_verilog("refused", "module refused(; endmodule\n")).unwrap();
    assert!(refused[0].text.contains("syntax error") && refused[0].code().is_empty(), "{refused:?}");
}

#[test]
fn icarus_finds_nothing_in_a_clean_design_and_a_fault_in_another() {
    assert_eq!(icarus_lint(&clean()).unwrap(), []);
    let dangling = Design::from_verilog("top", "module top(input a); missing m(.a(a)); endmodule");
    assert!(icarus_lint(&dangling).unwrap()[0].text.contains("Unknown module type: missing"));
}

#[test]
fn yosys_runs_commands_and_a_failed_check_is_an_error() {
    let text = yosys(&clean(), "hierarchy -check -top clean; proc; check -assert; stat").unwrap();
    assert!(text.contains("Found and reported 0 problems") && text.contains("$dff"), "{text}");
    let error = yosys(&unclean(), "hierarchy -check -top unclean; proc; check -assert").unwrap_err();
    assert!(matches!(error, Error::ProgramFailed { .. }), "{error}");
    assert!(error.to_string().contains("Found 1 problems in 'check -assert'"), "{error}");
}
