//! Bulk-synchronous programs: compute, sync, exchange, in a LOOP, with no host in it.

use exchange::schedule::{Transfer, schedule};
use isa::{AmpDescriptor, EngineMask, ListEntry, Program, ProgramBuilder, register};
use kernels::device::{Device, GoldenDevice};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::SEED;
use crate::machine::{DATA, PROGRAM, config, native, predicted_cycles, read_data, run, write_data};
use crate::transfers::apply;

const TILES: usize = 4;
const SUPERSTEPS: u32 = 7;
/// Rows of 16 FP16 numbers: what a tile multiplies, its weights, and its results. Each in a bank of its own.
const INPUT: usize = DATA;
const WEIGHTS: usize = DATA + 512;
const RESULT: usize = DATA + 2 * 512;
const ROWS: u32 = 4;
/// 64-bit words of a row, and 32-bit words of all.
const ROW: i32 = 4;
const WORDS: usize = (ROWS as usize) * 8;

/// Multiplies the input by the weights.
fn multiply() -> (AmpDescriptor, [ListEntry; 1]) {
    let byte = |word: usize| 4 * word as u32;
    let descriptor = AmpDescriptor {
        rows_x: ROWS,
        rows_y: 1,
        columns: 16,
        result_fp16: true,
        saturate: true,
        input_address: byte(INPUT),
        input_stride_x: ROW,
        weight_address: byte(WEIGHTS),
        weight_stride: ROW,
        result_address: byte(RESULT),
        result_stride_x: ROW,
        ..Default::default()
    };
    (descriptor, [ListEntry { k_count_minus_1: 15, x_last: ROWS - 1, ..Default::default() }])
}

/// FP16 numbers of about 2^-3.
fn random_pair(random: &mut StdRng) -> u32 {
    let mut number =
        || random.random_range(0..2u32) << 15 | random.random_range(10..13) << 10 | random.random_range(0..1024);
    number() | number() << 16
}

#[test]
fn a_ring_of_tiles_passes_partial_results_on_without_a_host() {
    let config = config(TILES);
    let mut random = StdRng::seed_from_u64(SEED);
    let mut memories = vec![vec![0u32; crate::machine::WORDS]; TILES];
    for memory in &mut memories {
        memory[INPUT..INPUT + WORDS].fill_with(|| random_pair(&mut random));
        memory[WEIGHTS..WEIGHTS + 128].fill_with(|| random_pair(&mut random));
    }

    // What a tile computes becomes what the next one computes with.
    let ring: Vec<Transfer> =
        (0..TILES).map(|tile| Transfer::unicast(tile, RESULT, WORDS, (tile + 1) % TILES, INPUT)).collect();
    let lists = schedule(&config.machine(), &ring).expect("a schedule");
    let (descriptor, list) = multiply();
    let program = |tile: usize| {
        let (sends, receives) = lists.tiles[tile].entries();
        let mut program = ProgramBuilder::new(PROGRAM);
        program.repeat(SUPERSTEPS, |superstep| {
            // The lists are fetched while the tile computes.
            superstep.exchange_with(&sends, &receives).amp_with(descriptor, &list).wait(EngineMask::AMP);
            superstep.sync(0).wait(EngineMask::EXCHANGE);
        });
        let program = program.halt().finish().expect("a program");
        program.validate(&config.limits()).unwrap_or_else(|error| panic!("{error}"));
        program
    };
    let mut grid = native(&config);
    write_data(&mut grid, &memories);
    grid.load(&(0..TILES).map(program).collect::<Vec<Program>>()).expect("the programs fit");
    run(&mut grid, 100_000, "the ring");

    // The same by golden tiles and by moving words.
    let alone = ProgramBuilder::new(PROGRAM).amp_with(descriptor, &list).halt().finish().expect("a program");
    let address = 4 * DATA as u32;
    for _ in 0..SUPERSTEPS {
        for memory in &mut memories {
            let mut golden = GoldenDevice::new(&config.tile);
            let words: Vec<u64> =
                memory[DATA..].chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32).collect();
            golden.load(&alone).expect("the program fits");
            golden.write_memory(address, &words).expect("memory");
            golden.start(PROGRAM).expect("no program runs");
            let words = golden.read_memory(address, words.len()).expect("memory");
            memory.splice(DATA.., words.into_iter().flat_map(|word| [word as u32, (word >> 32) as u32]));
        }
        apply(&mut memories, &ring);
    }
    let found = read_data(&mut grid);
    for (tile, (found, expected)) in found.iter().zip(&memories).enumerate() {
        let wrong = found.iter().zip(expected).position(|(found, expected)| found != expected);
        assert_eq!(wrong, None, "tile {tile}: first word that differs");
        let distinct = found[RESULT..RESULT + WORDS].iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(distinct > WORDS / 2, "tile {tile}: {distinct} different results");
    }
    for tile in 0..TILES {
        let cycles = grid.read_register(tile, &register::EXCHANGE_CYCLES).expect("a register");
        let predicted = u64::from(SUPERSTEPS) * predicted_cycles(&config, tile, std::slice::from_ref(&lists));
        assert_eq!(cycles, predicted, "tile {tile}");
    }
}
