//! Random exchanges through the real ports.

use exchange::GridConfig;
use exchange::fabric::FabricConfig;
use exchange::schedule::{check, schedule};
use kernels::device::{GridHost, Pins};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::SEED;
use crate::machine::{compare_cycles, config, native, numbered, programs, read_data, run, write_data};
use crate::transfers::{apply, random};

/// Exchanges of a program.
const BATCH: usize = 6;

/// Runs `batches` programs of random exchanges. Gives back exchanges and words that were moved.
pub fn exchanges<S: Pins>(grid: &mut GridHost<S>, config: &GridConfig, batches: usize, seed: u64) -> (usize, usize) {
    let machine = config.machine();
    let mut source = StdRng::seed_from_u64(seed);
    let mut memories = numbered(config.tiles());
    write_data(grid, &memories);
    let (mut count, mut moved) = (0, 0);
    for batch in 0..batches {
        let place =
            format!("{} tiles, {} bits, seed {seed:#x}, batch {batch}", config.tiles(), config.fabric.lane_bits);
        let mut made = vec![];
        for _ in 0..BATCH {
            let most_words = [1, 3, 12, 40][source.random_range(0..4)];
            let number = source.random_range(1..=8);
            let transfers = random(&machine, &mut source, number, most_words);
            let lists = schedule(&machine, &transfers).unwrap_or_else(|error| panic!("{place}: {error}"));
            check(&machine, &transfers, &lists).unwrap_or_else(|error| panic!("{place}: {error}"));
            moved += apply(&mut memories, &transfers);
            made.push(lists);
        }
        grid.load(&programs(config, &made)).unwrap_or_else(|error| panic!("{place}: {error}"));
        run(grid, 100_000, &place);
        compare_cycles(grid, config, &made, &place);
        let found = read_data(grid);
        for (tile, (found, expected)) in found.iter().zip(&memories).enumerate() {
            let wrong = found.iter().zip(expected).position(|(found, expected)| found != expected);
            assert_eq!(wrong, None, "{place}, tile {tile}: first word that differs");
        }
        count += made.len();
    }
    (count, moved)
}

#[test]
fn random_exchanges_move_what_they_say_in_the_cycles_that_they_say() {
    let (mut count, mut moved) = (0, 0);
    for (tiles, batches) in [(1, 10), (2, 120), (3, 80), (4, 60), (5, 40), (8, 24), (13, 10), (16, 12)] {
        let config = config(tiles);
        let (some, words) = exchanges(&mut native(&config), &config, batches, SEED + tiles as u64);
        count += some;
        moved += words;
    }
    println!(
        "{count} random exchanges through the ports, {moved} words moved, all memories compared after each program"
    );
    assert!(count >= 2000 && moved > 100_000, "{count} exchanges, {moved} words");
}

#[test]
fn lanes_of_64_bits_move_two_words_a_cycle() {
    for tiles in [2, 5] {
        let mut config = config(tiles);
        config.fabric = FabricConfig { lane_bits: 64, ..config.fabric };
        let (count, moved) = exchanges(&mut native(&config), &config, 20, SEED);
        assert!(count >= 120 && moved > 2000, "{count} exchanges, {moved} words");
    }
}
