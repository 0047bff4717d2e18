//! Machines of small tiles.

use exchange::GridConfig;
use exchange::schedule::Schedule;
use isa::{Program, ProgramBuilder, register};
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

/// A program for each tile: the exchanges one after the other, each behind a barrier of all tiles. EXCHANGE and HALT
/// wait for the exchange before.
pub fn programs(config: &GridConfig, exchanges: &[Schedule]) -> Vec<Program> {
    let program = |tile: usize| {
        let mut program = ProgramBuilder::new(PROGRAM);
        for exchange in exchanges {
            let lists = &exchange.tiles[tile];
            if !lists.is_empty() {
                let (sends, receives) = lists.entries();
                program.exchange_with(&sends, &receives);
            }
            program.sync(0);
        }
        let program = program.halt().finish().expect("a program");
        program.validate(&config.limits()).unwrap_or_else(|error| panic!("{error}"));
        program
    };
    (0..config.tiles()).map(program).collect()
}

/// Cycles in which a tile's port is busy, over the exchanges of a program.
pub fn predicted_cycles(config: &GridConfig, tile: usize, exchanges: &[Schedule]) -> u64 {
    let with_words = exchanges.iter().map(|exchange| &exchange.tiles[tile]).filter(|lists| !lists.is_empty());
    let port = config.exchange_port();
    with_words.map(|lists| port.idle_after_cycles(lists.end_cycle(&config.machine())) - 1).sum()
}

/// Whether the ports of all tiles were busy for as long as predicted.
pub fn compare_cycles<S: Pins>(grid: &mut GridHost<S>, config: &GridConfig, exchanges: &[Schedule], place: &str) {
    for tile in 0..config.tiles() {
        let found = grid.read_register(tile, &register::EXCHANGE_CYCLES).expect("a register");
        let predicted = predicted_cycles(config, tile, exchanges);
        assert_eq!(found, predicted, "{place}, tile {tile}: cycles of the exchanges");
    }
}

/// Writes 32-bit words into every tile, from word `at` on; even numbers of them.
pub fn write_words<S: Pins>(grid: &mut GridHost<S>, at: usize, words: &[impl AsRef<[u32]>]) {
    let pack = |words: &[u32]| -> Vec<u64> {
        words.chunks(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32).collect()
    };
    let packed: Vec<Vec<u64>> = words.iter().map(|words| pack(words.as_ref())).collect();
    let writes: Vec<(usize, u32, &[u64])> =
        packed.iter().enumerate().map(|(tile, words)| (tile, 4 * at as u32, words.as_slice())).collect();
    grid.write_memory(&writes).unwrap_or_else(|error| panic!("{error}"));
}

/// Reads `count` 32-bit words of every tile, from word `at` on; even numbers of them.
pub fn read_words<S: Pins>(grid: &mut GridHost<S>, at: usize, count: usize) -> Vec<Vec<u32>> {
    let reads: Vec<(usize, u32, usize)> = (0..grid.tiles()).map(|tile| (tile, 4 * at as u32, count / 2)).collect();
    let data = grid.read_memory(&reads).unwrap_or_else(|error| panic!("{error}"));
    let unpack = |words: Vec<u64>| words.into_iter().flat_map(|word| [word as u32, (word >> 32) as u32]).collect();
    data.into_iter().map(unpack).collect()
}

/// Loads memories of 32-bit words, from `DATA` on.
pub fn write_data<S: Pins>(grid: &mut GridHost<S>, memories: &[Vec<u32>]) {
    let data: Vec<&[u32]> = memories.iter().map(|memory| &memory[DATA..]).collect();
    write_words(grid, DATA, &data);
}

/// Reads memories, from `DATA` on; zeros before.
pub fn read_data<S: Pins>(grid: &mut GridHost<S>) -> Vec<Vec<u32>> {
    let data = read_words(grid, DATA, WORDS - DATA);
    data.into_iter().map(|words| [vec![0; DATA], words].concat()).collect()
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
