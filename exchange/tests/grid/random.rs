//! Random exchanges through the real ports.

use std::panic::{AssertUnwindSafe, catch_unwind};

use exchange::fabric::FabricConfig;
use exchange::schedule::{check, schedule};
use exchange::{Grid, GridConfig};
use kernels::device::{GridHost, NativeGrid, Pins};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtl::fault::{self, Fault};

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

#[test]
fn faults_in_the_ports_are_noticed() {
    let config = config(3);
    let elaborate = || rtl::elaborate(&Grid { config: config.clone() }).unwrap_or_else(|errors| panic!("{errors}"));
    let noticed = |design: &rtl::Design| {
        let mut grid = NativeGrid::of_design(design, 3).expect("a machine");
        catch_unwind(AssertUnwindSafe(|| exchanges(&mut grid, &config, 6, SEED))).is_err()
    };
    assert!(!noticed(&elaborate()), "nothing is wrong");
    let (port, lists) = ("exchange_port_l32_s2_d2_u3", "exchange_list_reader");
    let (send, receive) = ("walker_send_32", "walker_receive_32");
    for (module, name, fault, meaning) in [
        (port, "send_half_2", Fault::Inverted, "the other half of a memory word is sent"),
        (port, "arrival_address_2", Fault::BitInverted(0), "the other half of a memory word is written"),
        (port, "arrival_address_1", Fault::BitInverted(5), "a word goes elsewhere"),
        (port, "receive_starts_1", Fault::StuckAtZero, "a receiver never starts"),
        (port, "source_beyond", Fault::StuckAtOne, "every tile is missing"),
        (port, "ended", Fault::StuckAtOne, "an exchange ends before its words are there"),
        (send, "next_cycle", Fault::Incremented, "a sender is early"),
        (send, "next_row", Fault::Incremented, "the second row is read elsewhere"),
        (send, "row_ends", Fault::StuckAtOne, "a row is one word"),
        (receive, "take_entry", Fault::StuckAtZero, "no entry is taken"),
        (receive, "late", Fault::StuckAtOne, "every entry is late"),
        (receive, "source_state", Fault::BitInverted(0), "a receiver listens to another tile"),
        (receive, "next_row", Fault::BitInverted(2), "the second row is written elsewhere"),
        (lists, "of_receives", Fault::Inverted, "entries go to the other list"),
        (lists, "first_word", Fault::BitInverted(24), "a row of another length"),
    ] {
        let mut design = elaborate();
        fault::inject(&mut design, module, name, fault).unwrap_or_else(|error| panic!("{error}"));
        assert!(noticed(&design), "{module}.{name}: {fault:?}: {meaning}: not noticed");
    }
}
