//! Three tools accept the Verilog without a word.

use exchange::fabric::FabricConfig;

use crate::elaborate;

/// One tile, a number of tiles that is no power of two, whole levels, and more than one bus.
const TILES: [usize; 4] = [1, 5, 16, 260];

fn for_each(check: impl Fn(&cosim::Design)) {
    for tiles in TILES {
        let design = elaborate(FabricConfig::new(tiles));
        let files = rtl::verilog::emit(&design, &rtl::verilog::Options::default());
        let top = &design.top().name;
        check(&files.into_iter().fold(cosim::Design::new(top), |d, file| d.source(file.name, file.text)));
    }
}

fn assert_silent(messages: Result<Vec<cosim::Message>, cosim::Error>) {
    let messages = messages.unwrap_or_else(|error| panic!("{error}"));
    let text: Vec<_> = messages.iter().map(ToString::to_string).collect();
    assert!(text.is_empty(), "{}", text.join("\n"));
}

#[test]
fn verilator_warns_of_nothing() {
    for_each(|design| assert_silent(cosim::verilator_lint(design)));
}

#[test]
fn icarus_warns_of_nothing() {
    for_each(|design| assert_silent(cosim::icarus_lint(design)));
}

#[test]
fn yosys_finds_no_problem() {
    for_each(|design| {
        let printed = cosim::yosys(design, "hierarchy -check -auto-top; proc; check -assert");
        let printed = printed.unwrap_or_else(|error| panic!("{error}"));
        let warnings: Vec<_> = printed.lines().filter(|line| line.to_lowercase().contains("warning")).collect();
        assert!(warnings.is_empty(), "{}", warnings.join("\n"));
    });
}
