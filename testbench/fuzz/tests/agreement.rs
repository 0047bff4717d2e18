//! Four simulators agree on random designs, and notice every deliberate mistake in the emitted text.
//!
//! `FUZZ_SEED` sets the seed, which is printed.

use std::time::{Duration, Instant};

use fuzz::Recipe;
use fuzz::faults::Fault;
use fuzz::icarus::Icarus;
use fuzz::regression::Regression;
use fuzz::run::{Compared, Simulator};
use fuzz::session::{Generator, Session};
use fuzz::verilator::Verilator;
use fuzz::yosys::Yosys;

fn seed() -> u64 {
    let seed = std::env::var("FUZZ_SEED").ok().map(|seed| seed.parse().expect("FUZZ_SEED is a number"));
    let seed = seed.unwrap_or(2026);
    println!("FUZZ_SEED={seed}");
    seed
}

fn agree(simulator: &dyn Simulator, designs: usize, cycles: usize) -> Compared {
    let trees = Generator::new(seed()).draw(designs);
    let recipes: Vec<Recipe> = trees.iter().map(|tree| tree.current()).collect();
    let start = Instant::now();
    let compared = Session { simulator, cycles, fault: None }.check(&recipes);
    let compared = compared.unwrap_or_else(|(index, find)| {
        panic!("design {index}: {}: {}\n{}", find.simulator, find.message, serde_json::to_string(&find.recipe).unwrap())
    });
    println!("{}: {compared:?} in {:.1} s", simulator.name(), start.elapsed().as_secs_f64());
    assert_eq!(compared.designs, designs as u64);
    assert!(compared.outputs > (designs * cycles) as u64, "{compared:?}");
    assert!(compared.words > designs as u64, "{compared:?}");
    compared
}

#[test]
fn verilator_agrees_on_a_hundred_designs_in_one_model() {
    agree(&Verilator::default(), 100, 200);
}

#[test]
fn icarus_agrees() {
    agree(&Icarus, 60, 200);
}

#[test]
fn yosys_agrees() {
    agree(&Yosys, 6, 200);
}

#[test]
fn every_kept_find_stays_mended() {
    let kept = Regression::all().unwrap();
    assert!(!kept.is_empty(), "no finds to replay");
    let recipes: Vec<Recipe> = kept.iter().map(|(_, regression)| regression.recipe.clone()).collect();
    let simulators: [&dyn Simulator; 3] = [&Verilator::default(), &Icarus, &Yosys];
    for simulator in simulators {
        let compared = Session { simulator, cycles: 200, fault: None }.check(&recipes);
        let compared = compared.unwrap_or_else(|(index, find)| {
            panic!("{}: {}: {}", kept[index].0, find.simulator, find.message);
        });
        assert_eq!(compared.designs, kept.len() as u64);
    }
}

#[test]
fn each_deliberate_fault_is_found_within_a_minute() {
    for fault in Fault::ALL {
        let start = Instant::now();
        let session = Session { simulator: &Icarus, cycles: 100, fault: Some(fault) };
        let found = (0..60).find_map(|batch| {
            let recipes: Vec<Recipe> =
                Generator::new(seed() + batch).draw(20).iter().map(|tree| tree.current()).collect();
            session.check(&recipes).err()
        });
        let (_, find) = found.unwrap_or_else(|| panic!("{fault:?} was not found"));
        println!("{fault:?}: {:.1} s: {}", start.elapsed().as_secs_f64(), find.message);
        assert_eq!(find.simulator, "icarus");
        assert!(start.elapsed() < Duration::from_secs(60), "{fault:?} took {:?}", start.elapsed());
    }
}

#[test]
fn finds_shrink() {
    let session = Session { simulator: &Icarus, cycles: 50, fault: Some(Fault::SliceOffByOne) };
    let mut trees = Generator::new(seed()).draw(20);
    let recipes: Vec<Recipe> = trees.iter().map(|tree| tree.current()).collect();
    let (index, find) = session.check(&recipes).unwrap_err();
    let before = serde_json::to_string(&find.recipe).unwrap().len();
    let small = session.shrink(&mut *trees[index], find, Duration::from_secs(20));
    let after = serde_json::to_string(&small.recipe).unwrap().len();
    println!("{before} bytes of recipe became {after}: {}", small.message);
    assert!(after < before);
}
