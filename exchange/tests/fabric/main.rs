//! The fabric against its model, on the native simulator and on Verilator; schedules on it; faults in it and in
//! schedules.

mod bench;
mod lint;
mod lists;
mod simulators;

use bench::{Bench, Inputs, Model};
use exchange::fabric::{Fabric, FabricConfig};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtl::fault::{self, Fault};
use simulators::{Native, Simulation, Verilated};

const SEED: u64 = 0x7e55e7a;

/// Random lanes and selects; in some stretches rightly matched, in others anything, with tiles that are not there.
struct Sequence {
    random: StdRng,
    config: FabricConfig,
    /// Chance of a word on a lane, chance of listening, chance that a listener looks for a lane with a word.
    mood: [f64; 3],
}

impl Sequence {
    fn new(config: FabricConfig, seed: u64) -> Sequence {
        Sequence { random: StdRng::seed_from_u64(seed), config, mood: [0.5; 3] }
    }

    fn next(&mut self) -> Inputs {
        let random = &mut self.random;
        if random.random_bool(0.1) {
            let mut chance = || [0.0, 0.1, 0.5, 0.9, 1.0][random.random_range(0..5)];
            self.mood = [chance(), chance(), chance()];
        }
        let [drive, listen, matched] = self.mood;
        let tiles = self.config.tiles;
        let mask = u64::MAX >> (64 - self.config.lane_bits);
        let lanes: Vec<_> =
            (0..tiles).map(|_| random.random_bool(drive).then(|| random.random::<u64>() & mask)).collect();
        let driving: Vec<usize> = (0..tiles).filter(|&tile| lanes[tile].is_some()).collect();
        let mut select = || {
            if !driving.is_empty() && random.random_bool(matched) {
                driving[random.random_range(0..driving.len())]
            } else {
                random.random_range(0..1 << self.config.source_bits())
            }
        };
        let mut selects: Vec<_> = (0..tiles).map(|_| Some(select())).collect();
        selects.iter_mut().for_each(|select| *select = select.filter(|_| random.random_bool(listen)));
        Inputs { lanes, selects }
    }
}

/// Words and faults that were compared.
#[derive(Debug, Default)]
struct Seen {
    words: usize,
    silent: usize,
    missing: usize,
    unheard: usize,
}

/// Runs a random sequence; the first cycle that differs from the model, if one does, and what was seen.
fn compare(sim: impl Simulation, design: &rtl::Design, config: FabricConfig, cycles: usize) -> (Option<usize>, Seen) {
    let mut bench = Bench::new(sim, design, config);
    let (mut model, mut sequence) = (Model::new(config), Sequence::new(config, SEED));
    let mut seen = Seen::default();
    for cycle in 0..cycles {
        let inputs = sequence.next();
        let (found, expected) = (bench.cycle(&inputs), model.cycle(&inputs));
        if found != expected {
            return (Some(cycle), seen);
        }
        let count = |faults: &[bool]| faults.iter().filter(|fault| **fault).count();
        seen.words += found.received.iter().flatten().count();
        seen.silent += count(&found.silent);
        seen.missing += count(&found.missing);
        seen.unheard += count(&found.unheard);
    }
    (None, seen)
}

fn elaborate(config: FabricConfig) -> rtl::Design {
    config.validate().expect("a legal configuration");
    rtl::elaborate(&Fabric { config }).unwrap_or_else(|errors| panic!("{errors}"))
}

fn agrees(config: FabricConfig, cycles: usize) -> Seen {
    let design = elaborate(config);
    let (differs, seen) = compare(Native::new(&design), &design, config, cycles);
    assert_eq!(differs, None, "{config:?}, seed {SEED:#x}: the cycle that differs");
    seen
}

#[test]
fn every_size_to_64_tiles_is_its_model() {
    let (mut words, mut silent, mut missing, mut unheard) = (0, 0, 0, 0);
    for tiles in 1..=64 {
        let seen = agrees(FabricConfig::new(tiles), 300);
        assert!(seen.words > 0 && seen.silent > 0 && seen.unheard > 0, "{tiles} tiles: {seen:?}");
        // One tile has a bit of number as well, so that it can name a second.
        let full = tiles == 1 << FabricConfig::new(tiles).source_bits();
        assert_eq!(seen.missing == 0, full, "{tiles} tiles: {seen:?}");
        words += seen.words;
        silent += seen.silent;
        missing += seen.missing;
        unheard += seen.unheard;
    }
    println!("{words} words, {silent} silent, {missing} missing and {unheard} unheard compared, seed {SEED:#x}");
    assert!(words > 150_000);
}

#[test]
fn every_radix_and_lane_is_its_model() {
    for radix in [2, 4, 8, 16] {
        for lane_bits in [32, 64] {
            for tiles in [1, 2, 5, 16, 17, 33] {
                agrees(FabricConfig { tiles, lane_bits, radix }, 300);
            }
        }
    }
}

#[test]
fn lanes_on_several_buses_are_their_model() {
    // More lanes than a bus has.
    assert!(agrees(FabricConfig::new(300), 40).words > 500);
}

#[test]
fn verilator_agrees_for_16_tiles() {
    let config = FabricConfig::new(16);
    let design = elaborate(config);
    let (differs, seen) = compare(Verilated::new(&design), &design, config, 20_000);
    assert_eq!(differs, None, "seed {SEED:#x}: the cycle that differs");
    assert!(seen.words > 50_000 && seen.silent > 10_000 && seen.unheard > 10_000, "{seen:?}");
}

#[test]
fn every_pair_of_tiles_is_connected_with_the_same_latency() {
    let config = FabricConfig::new(23);
    let design = elaborate(config);
    let mut bench = Bench::new(Native::new(&design), &design, config);
    let quiet = Inputs { lanes: vec![None; 23], selects: vec![None; 23] };
    let mut pairs = 0;
    for (source, receiver) in (0..23).flat_map(|source| (0..23).map(move |receiver| (source, receiver))) {
        let word = (source * 100 + receiver) as u64;
        let mut inputs = quiet.clone();
        inputs.lanes[source] = Some(word);
        inputs.selects[receiver] = Some(source);
        for cycle in 0..=config.latency_cycles() {
            let outputs = bench.cycle(if cycle == 0 { &inputs } else { &quiet });
            let mut expected = vec![None; 23];
            if cycle == config.latency_cycles() {
                expected[receiver] = Some(word);
                pairs += 1;
            }
            assert_eq!(outputs.received, expected, "{source} to {receiver}, cycle {cycle}");
            assert_eq!(outputs.faults(), 0);
        }
    }
    assert_eq!(pairs, 23 * 23);
}

#[test]
fn faults_in_the_fabric_are_noticed() {
    let config = FabricConfig::new(18);
    let (fabric, select) = ("fabric_n18_l32_r4", "source_select_n18_l32_r4");
    let faults = [
        (fabric, "lane_7_valid_1", Fault::StuckAtOne, "a lane is never silent"),
        (fabric, "lane_3_data_1", Fault::BitInverted(31), "a wire of a lane is crossed"),
        (fabric, "lane_17_valid_2", Fault::StuckAtZero, "an unheard word is not reported"),
        (fabric, "heard", Fault::BitStuckAtOne(4), "a lane counts as always heard"),
        (fabric, "heard", Fault::BitStuckAtZero(0), "a lane counts as never heard"),
        (fabric, "lane_9_unheard_3", Fault::Inverted, "the fault is reported when there is none"),
        (select, "source_1", Fault::Incremented, "the neighbour's lane"),
        (select, "source_2", Fault::BitInverted(1), "the wrong group of lanes"),
        (select, "source_3", Fault::StuckAtZero, "the last level does not choose"),
        (select, "listen_3", Fault::StuckAtOne, "words without listening"),
        (select, "exists", Fault::StuckAtOne, "a missing tile is not noticed"),
        (select, "exists_4", Fault::StuckAtZero, "no tile exists"),
        (select, "hears", Fault::StuckAtZero, "nothing is heard"),
        (select, "heard_2", Fault::ShiftedLeft, "the wrong lane is heard"),
        (select, "word_2_2", Fault::BitStuckAtZero(32), "a valid bit is lost"),
        (select, "word_1_3", Fault::BitStuckAtOne(0), "a data bit is stuck"),
        (select, "silent", Fault::StuckAtZero, "silence is not reported"),
        (select, "missing", Fault::StuckAtZero, "a missing tile is not reported"),
    ];
    for (module, name, fault, meaning) in faults {
        let mut design = elaborate(config);
        fault::inject(&mut design, module, name, fault).unwrap_or_else(|error| panic!("{error}"));
        let (differs, _) = compare(Native::new(&design), &design, config, 2000);
        assert!(differs.is_some(), "{module}.{name}: {fault:?}: {meaning}: not noticed");
    }
}
