//! The emitted Verilog of a machine: three tools accept it without a word, and Verilator runs it in the same cycles.

use cosim::Options;
use exchange::Grid;
use kernels::device::VerilatorGrid;

use crate::SEED;
use crate::machine::{config, native};
use crate::random::exchanges;

const TILES: usize = 2;

fn sources() -> cosim::Design {
    let design = rtl::elaborate(&Grid { config: config(TILES) }).unwrap_or_else(|errors| panic!("{errors}"));
    let files = rtl::verilog::emit(&design, &rtl::verilog::Options::default());
    let top = &design.top().name;
    files.into_iter().fold(cosim::Design::new(top), |design, file| design.source(file.name, file.text))
}

fn assert_silent(messages: Result<Vec<cosim::Message>, cosim::Error>) {
    let messages = messages.unwrap_or_else(|error| panic!("{error}"));
    let text: Vec<_> = messages.iter().map(ToString::to_string).collect();
    assert!(text.is_empty(), "{}", text.join("\n"));
}

#[test]
fn verilator_warns_of_nothing() {
    assert_silent(cosim::verilator_lint(&sources()));
}

#[test]
fn icarus_warns_of_nothing() {
    assert_silent(cosim::icarus_lint(&sources()));
}

#[test]
fn yosys_finds_no_problem() {
    let printed = cosim::yosys(&sources(), "hierarchy -check -auto-top; proc; check -assert");
    let printed = printed.unwrap_or_else(|error| panic!("{error}"));
    let warnings: Vec<_> = printed.lines().filter(|line| line.to_lowercase().contains("warning")).collect();
    assert!(warnings.is_empty(), "{}", warnings.join("\n"));
}

#[test]
fn verilator_moves_the_same_words_in_the_same_cycles() {
    let config = config(TILES);
    let mut verilator = VerilatorGrid::new(&config, &Options::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut native = native(&config);
    let (count, moved) = exchanges(&mut verilator, &config, 40, SEED);
    assert_eq!((count, moved), exchanges(&mut native, &config, 40, SEED));
    assert!(count >= 240 && moved > 5000, "{count} exchanges, {moved} words");
    assert_eq!(verilator.simulated_cycles(), native.simulated_cycles());
}
