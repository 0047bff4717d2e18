//! Item by item: who agrees with golden, over how many cases.

use std::time::Instant;

use crate::SEED;
use crate::agreement::{Tallies, run};
use crate::bench::Bench;
use crate::simulators::{Native, Simulation, Verilated};

/// Cycles on the native simulator: all directed themes many times over.
const NATIVE_CYCLES: u64 = 30_000;

/// Cycles on Verilator: with the native ones, more than a million cases for each number of terms and kind.
const VERILATOR_CYCLES: u64 = 1_000_000;

fn agree(simulator: &str, bench: &Bench, simulation: &mut dyn Simulation, seed: u64, cycles: u64) -> Tallies {
    let started = Instant::now();
    let tallies = run(bench, simulation, seed, cycles).unwrap_or_else(|disagreement| panic!("{disagreement:#x?}"));
    println!("{simulator}, seed {seed:#x}, {cycles} cycles in {:.1} s", started.elapsed().as_secs_f64());
    for (unit, tally) in &tallies {
        let flags: Vec<String> =
            unit.flags().iter().zip(tally.raised).map(|(flag, raised)| format!("{flag} {raised}")).collect();
        println!("  {:>8} {:<44} {}", tally.compared, format!("{unit:?}"), flags.join(", "));
        let least = if unit.is_result() { cycles / 2 } else { cycles - unit.latency_cycles() as u64 };
        assert!(tally.compared >= least, "{unit:?} was compared {} times in {cycles} cycles", tally.compared);
        for (flag, raised) in unit.flags().iter().zip(tally.raised) {
            let silent = unit.silent_flags().contains(flag);
            assert_eq!(raised == 0, silent, "{unit:?} raised {flag} {raised} times");
        }
    }
    tallies
}

#[test]
fn every_unit_agrees_with_golden_on_the_native_simulator() {
    let bench = Bench::full();
    let design = rtl::elaborate(&bench).unwrap_or_else(|errors| panic!("{errors}"));
    agree("native simulator", &bench, &mut Native::new(&design), SEED, NATIVE_CYCLES);
}

#[test]
fn every_unit_agrees_with_golden_on_verilator() {
    let bench = Bench::full();
    let design = rtl::elaborate(&bench).unwrap_or_else(|errors| panic!("{errors}"));
    let started = Instant::now();
    let mut verilated = Verilated::new(&design);
    println!("Verilator build {:.1} s", started.elapsed().as_secs_f64());
    let tallies = agree("Verilator", &bench, &mut verilated, SEED + 1, VERILATOR_CYCLES);
    let steps: u64 = tallies.iter().filter(|(unit, _)| !unit.is_result()).map(|(_, tally)| tally.compared).sum();
    assert!(steps > 14_900_000, "15 units, a million cases each: {steps}");
}
