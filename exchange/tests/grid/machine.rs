//! Machines of small tiles.

use exchange::GridConfig;
use exchange::schedule::{Machine, Schedule};
use isa::{EngineMask, Program, ProgramBuilder};
use kernels::device::{GridHost, NativeGrid, Pins};
use tile::{Accumulator, TileConfig};

/// Where programs begin, in every tile; words of data lie behind [`DATA`].
pub const PROGRAM: u32 = 0;
/// First 32-bit word of the data: behind two banks of program.
pub const DATA: usize = 2 * 512;
/// 32-bit words of a tile.
pub const WORDS: usize = 8 * 512;

/// A machine of tiles with eight banks of 2 KiB.
pub fn config(tiles: usize) -> GridConfig {
    let tile = TileConfig {
        name: "test".into(),
        terms: 1,
        rows: 16,
        accumulator: Accumulator::Fp32,
        banks: 8,
        bank_kib: 2,
        ..TileConfig::ipu64()
    };
    GridConfig::new(tile, tiles)
}

/// The machine in the native simulator.
pub fn native(config: &GridConfig) -> NativeGrid {
    NativeGrid::new(config).unwrap_or_else(|error| panic!("{error}"))
}

/// A program for each tile: the exchanges one after the other, each behind a barrier of all tiles.
pub fn programs(config: &GridConfig, exchanges: &[Schedule]) -> Vec<Program> {
    let program = |tile: usize| {
        let mut program = ProgramBuilder::new(PROGRAM);
        for exchange in exchanges {
            let lists = &exchange.tiles[tile];
            if !lists.is_empty() {
                let (sends, receives) = lists.entries();
                program.exchange_with(&sends, &receives);
            }
            program.sync(0).wait(EngineMask::EXCHANGE);
        }
        let program = program.halt().finish().expect("a program");
        program.validate(&config.limits()).unwrap_or_else(|error| panic!("{error}"));
        program
    };
    (0..config.tiles()).map(program).collect()
}

/// The schedule's machine.
pub fn machine(config: &GridConfig) -> Machine {
    config.machine()
}

/// Loads memories of 32-bit words, from `DATA` on.
pub fn write_data<S: Pins>(grid: &mut GridHost<S>, memories: &[Vec<u32>]) {
    let pack = |memory: &Vec<u32>| -> Vec<u64> {
        memory[DATA..].chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32).collect()
    };
    let words: Vec<Vec<u64>> = memories.iter().map(pack).collect();
    let writes: Vec<(usize, u32, &[u64])> =
        words.iter().enumerate().map(|(tile, words)| (tile, 4 * DATA as u32, words.as_slice())).collect();
    grid.write_memory(&writes).unwrap_or_else(|error| panic!("{error}"));
}

/// Reads memories, from `DATA` on; zeros before.
pub fn read_data<S: Pins>(grid: &mut GridHost<S>) -> Vec<Vec<u32>> {
    let reads: Vec<(usize, u32, usize)> =
        (0..grid.tiles()).map(|tile| (tile, 4 * DATA as u32, (WORDS - DATA) / 2)).collect();
    let data = grid.read_memory(&reads).unwrap_or_else(|error| panic!("{error}"));
    let unpack = |words: Vec<u64>| {
        let words = words.into_iter().flat_map(|word| [word as u32, (word >> 32) as u32]);
        std::iter::repeat_n(0, DATA).chain(words).collect()
    };
    data.into_iter().map(unpack).collect()
}

/// Memories whose words say where they are.
pub fn numbered(tiles: usize) -> Vec<Vec<u32>> {
    let word = |tile: usize, word: usize| if word < DATA { 0 } else { (tile << 16 | word) as u32 };
    (0..tiles).map(|tile| (0..WORDS).map(|at| word(tile, at)).collect()).collect()
}

/// Runs loaded programs to their end; every tile must end by HALT.
pub fn run<S: Pins>(grid: &mut GridHost<S>, limit_cycles: u64, place: &str) {
    grid.start(PROGRAM).unwrap_or_else(|error| panic!("{place}: {error}"));
    let ended = grid.run(limit_cycles).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert!(ended, "{place}: not ended within {limit_cycles} cycles");
    let statuses = grid.statuses().unwrap_or_else(|error| panic!("{place}: {error}"));
    kernels::device::TileStopped::check(&statuses).unwrap_or_else(|error| panic!("{place}: {error}"));
}
