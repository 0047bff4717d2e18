//! The random generator against the golden model's, on both simulators.

use accumulators::random::Random;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::SEED;
use crate::simulators::{Native, Simulation, Verilated};

/// Draws, pauses and new seeds at random; returns how many words were compared.
fn agree(simulation: &mut dyn Simulation, words: usize, cycles: u32) -> usize {
    // Ports in the order of their declaration.
    let [seed_set_port, seed_port, draw_port] = [0, 1, 2];
    let mut rng = SmallRng::seed_from_u64(SEED);
    let mut golden = golden::Random::from_seed(SEED as u32);
    simulation.set(seed_port, u128::from(SEED as u32));
    simulation.set(seed_set_port, 1);
    simulation.step();
    let mut compared = 0;
    for _ in 0..cycles {
        let mut ahead = golden;
        for word in 0..words {
            assert_eq!(simulation.get(word) as u64, ahead.next_u64(), "word {word} after {golden:x?}");
            compared += 1;
        }
        let (seed, seed_set, draw) = (rng.random(), rng.random_ratio(1, 50), rng.random_ratio(3, 4));
        golden = match (seed_set, draw) {
            (true, _) => golden::Random::from_seed(seed),
            (false, true) => ahead,
            (false, false) => golden,
        };
        simulation.set(seed_port, seed.into());
        simulation.set(seed_set_port, seed_set.into());
        simulation.set(draw_port, draw.into());
        simulation.step();
    }
    compared
}

#[test]
fn words_are_goldens_whatever_is_drawn_and_seeded() {
    println!("seed {SEED:#x}");
    for words in [2, 8] {
        let design = rtl::elaborate(&Random { words }).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(agree(&mut Native::new(&design), words, 10_000), 10_000 * words);
        assert_eq!(agree(&mut Verilated::new(&design), words, 10_000), 10_000 * words);
    }
}

#[test]
fn reset_sets_seed_0() {
    let design = rtl::elaborate(&Random { words: 2 }).unwrap_or_else(|errors| panic!("{errors}"));
    let mut sim = rtl::sim::Simulator::new(&design).expect("the design compiles");
    sim.reset(1).unwrap_or_else(|failure| panic!("{failure}"));
    let mut golden = golden::Random::from_seed(0);
    for word in ["words_0", "words_1"] {
        assert_eq!(sim.get(sim.output(word).expect("a port")), golden.next_u64());
    }
}
