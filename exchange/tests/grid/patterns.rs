//! Every pattern of one-word messages among four tiles, also from a tile to itself, each an exchange of its own.
//! In two tests, which run at the same time.

use std::ops::Range;

use exchange::schedule::{Schedule, Transfer, schedule};
use tile::TileConfig;

use crate::machine::{compare_cycles, config, native, programs, read_words, run, write_words};

const TILES: usize = 4;
/// Sets of pairs of source and destination.
const PATTERNS: usize = 1 << (TILES * TILES);
/// Patterns of a program, one exchange after the other.
const BATCH: usize = 512;
/// Kibibytes of each of the eight banks: programs and their lists fill the first six.
const BANK_KIB: usize = 16;
/// First of the words that are sent, one for each destination.
const SOURCES: usize = 6 * BANK_KIB * 256;
/// First of the words that are received, one for each pattern of the program and source.
const DESTINATIONS: usize = 7 * BANK_KIB * 256;

/// One word for each bit of the pattern: from tile `bit / 4` to tile `bit % 4`.
fn transfers(pattern: usize) -> Vec<Transfer> {
    let pairs = (0..TILES * TILES).filter(|pair| pattern >> pair & 1 == 1).map(|pair| (pair / TILES, pair % TILES));
    let place = DESTINATIONS + pattern % BATCH * TILES;
    pairs.map(|(source, tile)| Transfer::unicast(source, SOURCES + tile, 1, tile, place + source)).collect()
}

/// Runs every pattern of a range, whole programs of them.
fn check(patterns: Range<usize>) {
    let mut config = config(TILES);
    config.tile = TileConfig { bank_kib: BANK_KIB, ..config.tile };
    let machine = config.machine();
    let mut grid = native(&config);
    let mut expected = vec![vec![0; BATCH * TILES]; TILES];
    write_words(&mut grid, DESTINATIONS, &expected);
    let mut moved = 0;
    for batch in patterns.start / BATCH..patterns.end / BATCH {
        let place = format!("patterns from {:#x} on", batch * BATCH);
        let word = |source: usize, tile: usize| ((1 + batch) << 8 | source << 4 | tile) as u32;
        let sources: Vec<Vec<u32>> = (0..TILES).map(|from| (0..TILES).map(|to| word(from, to)).collect()).collect();
        write_words(&mut grid, SOURCES, &sources);

        let mut exchanges: Vec<Schedule> = vec![];
        for pattern in batch * BATCH..(batch + 1) * BATCH {
            let transfers = transfers(pattern);
            exchanges.push(schedule(&machine, &transfers).unwrap_or_else(|error| panic!("{place}: {error}")));
            for transfer in &transfers {
                let to = transfer.destinations[0];
                expected[to.tile][to.address - DESTINATIONS] = word(transfer.source, to.tile);
                moved += 1;
            }
        }
        let programs = programs(&config, &exchanges);
        let end = |segment: &isa::Segment| segment.address as usize + 8 * segment.words.len();
        assert!(programs.iter().flat_map(|program| &program.segments).all(|segment| end(segment) <= 4 * SOURCES));
        grid.load(&programs).unwrap_or_else(|error| panic!("{place}: {error}"));
        run(&mut grid, 100_000, &place);
        compare_cycles(&mut grid, &config, &exchanges, &place);
        assert!(read_words(&mut grid, SOURCES, TILES) == sources, "{place}: what was sent has changed");
        assert!(read_words(&mut grid, DESTINATIONS, BATCH * TILES) == expected, "{place}: what was received");
    }
    let bits: usize = patterns.clone().map(|pattern| pattern.count_ones() as usize).sum();
    assert_eq!(moved, bits);
    println!("{} exchanges, {moved} words, {} cycles", patterns.len(), grid.simulated_cycles());
}

#[test]
fn every_pattern_of_one_word_messages_on_4_tiles_without_the_last_pair() {
    check(0..PATTERNS / 2);
}

#[test]
fn every_pattern_of_one_word_messages_on_4_tiles_with_the_last_pair() {
    check(PATTERNS / 2..PATTERNS);
}
