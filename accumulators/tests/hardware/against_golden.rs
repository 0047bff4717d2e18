//! Item by item: who agrees with golden, over how many cases.

use std::time::Instant;

use accumulators::Target;

use crate::SEED;
use crate::agreement::{Tallies, run};
use crate::bench::Bench;
use crate::cases::{CLASSES, Cases};
use crate::numbers::FP16_FRACTIONS;
use crate::products::Products;
use crate::simulators::{Native, Simulation, Verilated};

/// Cycles of lanes for FPGAs on the native simulator, and on Verilator.
const FPGA_CYCLES: [u64; 2] = [10_000, 100_000];

/// Cycles on the native simulator: all directed themes many times over.
const NATIVE_CYCLES: u64 = 30_000;

/// Cycles on Verilator: with the native ones, more than a million cases for each number of terms and kind.
const VERILATOR_CYCLES: u64 = 1_000_000;

fn agree(simulator: &str, bench: &Bench, simulation: &mut dyn Simulation, cases: Cases, cycles: u64) -> Tallies {
    let (started, seed) = (Instant::now(), cases.seed);
    let tallies = run(bench, simulation, cases, cycles).unwrap_or_else(|disagreement| panic!("{disagreement:#x?}"));
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
    agree("native simulator", &bench, &mut Native::new(&design), Cases::new(&bench, SEED), NATIVE_CYCLES);
}

#[test]
fn every_unit_agrees_with_golden_on_verilator() {
    let bench = Bench::full();
    let design = rtl::elaborate(&bench).unwrap_or_else(|errors| panic!("{errors}"));
    let started = Instant::now();
    let mut verilated = Verilated::new(&design);
    println!("Verilator build {:.1} s", started.elapsed().as_secs_f64());
    let tallies = agree("Verilator", &bench, &mut verilated, Cases::new(&bench, SEED + 1), VERILATOR_CYCLES);
    let steps: u64 = tallies.iter().filter(|(unit, _)| !unit.is_result()).map(|(_, tally)| tally.compared).sum();
    assert!(steps > 14_900_000, "15 units, a million cases each: {steps}");
}

#[test]
fn lanes_for_fpgas_agree_with_golden_on_both_simulators() {
    let bench = Bench::fpga();
    let design = rtl::elaborate(&bench).unwrap_or_else(|errors| panic!("{errors}"));
    let mut verilated = Verilated::new(&design);
    let [native, verilator] = FPGA_CYCLES;
    agree("native simulator", &bench, &mut Native::new(&design), Cases::new(&bench, SEED + 2), native);
    agree("Verilator", &bench, &mut verilated, Cases::new(&bench, SEED + 3), verilator);
    agree("Verilator", &bench, &mut verilated, Cases::of_classes(&bench, SEED + 4), CLASSES);
}

#[test]
fn steps_agree_with_golden_on_every_class_of_exponents_of_factors_and_state() {
    let bench = Bench { exact_bits: vec![], ..Bench::small() };
    let design = rtl::elaborate(&bench).unwrap_or_else(|errors| panic!("{errors}"));
    agree("Verilator", &bench, &mut Verilated::new(&design), Cases::of_classes(&bench, SEED + 4), CLASSES);
}

#[test]
fn products_are_exact_for_every_pair_of_exponents() {
    let numbers: Vec<u16> =
        (0..64u16).flat_map(|sign_exponent| FP16_FRACTIONS.map(|fraction| sign_exponent << 10 | fraction)).collect();
    for target in [Target::StandardCells, Target::Fpga] {
        let products = Products { target };
        let design = rtl::elaborate(&products).unwrap_or_else(|errors| panic!("{errors}"));
        let compared = products.compare(&mut Verilated::new(&design).model, &numbers, &numbers);
        assert_eq!(compared, Ok((numbers.len() * numbers.len()) as u64));
    }
}
