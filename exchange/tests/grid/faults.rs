//! Wrong programs and wrong lists: the tile that notices stops with the code and the address, those that wait for it
//! are told, nothing else changes, and the machine goes on.

use exchange::GridConfig;
use exchange::fabric::FabricConfig;
use isa::{EngineMask, ErrorCode, ExchangeDescriptor, ExchangeEntry, Program, ProgramBuilder};
use kernels::device::{NativeGrid, RunStatus, TileStopped};

use crate::machine::{DATA, PROGRAM, WORDS, config, native, numbered, read_data, run, write_data, write_words};

const TILES: usize = 3;
/// The program of every tile: EXCHANGE, SYNC, WAIT, SYNC, HALT, then its descriptor and its lists.
const SYNC: u32 = PROGRAM + 8;
const LAST_SYNC: u32 = PROGRAM + 3 * 8;
const DESCRIPTOR: u32 = PROGRAM + 5 * 8;
const LISTS: u32 = DESCRIPTOR + 2 * 8;
const SECOND_ENTRY: u32 = LISTS + 2 * 8;
const MEMORY_BYTES: u32 = 4 * WORDS as u32;
/// What is sent and where it goes, in 32-bit words of different banks.
const FROM: usize = DATA;
const TO: usize = DATA + 2 * 512;

/// A machine of wrong programs, and the tile that is at fault.
struct Case {
    what: &'static str,
    programs: [Program; TILES],
    stopped: (usize, ErrorCode, u32),
    /// Words that tiles may have received, and from whom.
    received: Vec<(usize, std::ops::Range<usize>, usize)>,
}

fn words(start_cycle: u32, address: usize, words: u32) -> ExchangeEntry {
    ExchangeEntry {
        start_cycle,
        word_address: address as u32,
        row_words: words,
        row_stride: words,
        rows: 1,
        ..Default::default()
    }
}

fn from(source: u32, entry: ExchangeEntry) -> ExchangeEntry {
    ExchangeEntry { source, ..entry }
}

fn program(sends: &[ExchangeEntry], receives: &[ExchangeEntry]) -> Program {
    let mut program = ProgramBuilder::new(PROGRAM);
    program.exchange_with(sends, receives).sync(0).wait(EngineMask::EXCHANGE).sync(0).halt();
    program.finish().expect("a program")
}

/// The program, without an exchange of its own.
fn idle() -> Program {
    program(&[], &[])
}

/// A program of other commands before the barriers.
fn commands(build: impl Fn(&mut ProgramBuilder)) -> Program {
    let mut program = ProgramBuilder::new(PROGRAM);
    build(&mut program);
    program.sync(0).halt().finish().expect("a program")
}

/// The program with other bits.
fn flipped(mut program: Program, address: u32, bit: u32) -> Program {
    program.segments[0].words[((address - PROGRAM) / 8) as usize] ^= 1 << bit;
    program
}

/// The program with another descriptor.
fn described(descriptor: ExchangeDescriptor) -> Program {
    let mut program = idle();
    let place = ((DESCRIPTOR - PROGRAM) / 8) as usize;
    program.segments[0].words[place..place + 2].copy_from_slice(&descriptor.encode().expect("fits"));
    program
}

impl Case {
    /// Tile 0 sends, tile 1 receives at `TO`.
    fn lists(
        what: &'static str,
        sends: &[ExchangeEntry],
        receives: &[ExchangeEntry],
        stopped: (usize, ErrorCode, u32),
    ) -> Case {
        let programs = [program(sends, &[]), program(&[], receives), idle()];
        Case { what, programs, stopped, received: vec![(1, TO..TO + 16, 0)] }
    }

    /// Tile 0 has this program, and nobody sends.
    fn alone(what: &'static str, program: Program, code: ErrorCode, address: u32) -> Case {
        Case { what, programs: [program, idle(), idle()], stopped: (0, code, address), received: vec![] }
    }
}

/// What tile 1 does with entries that are right for it.
fn receives(count: u32) -> Vec<ExchangeEntry> {
    vec![from(0, words(0, TO, count))]
}

fn cases(config: &GridConfig) -> Vec<Case> {
    use ErrorCode::*;
    let byte = |word: usize| 4 * word as u32;
    let four = words(0, FROM, 4);
    let bad = |what, entry, code| Case::lists(what, &[entry], &receives(4), (0, code, LISTS));
    let turnaround = config.machine().turnaround_cycles() as usize;
    vec![
        Case::lists(
            "two sends at once",
            &[four, words(2, FROM + 8, 4)],
            &[from(0, words(0, TO, 4)), from(0, words(4, TO + 4, 4))],
            (0, LateEntry, SECOND_ENTRY),
        ),
        Case::lists(
            "sends in the wrong order",
            &[words(8, FROM, 4), four],
            &[from(0, words(0, TO, 4)), from(0, words(8, TO + 4, 4))],
            (0, LateEntry, SECOND_ENTRY),
        ),
        Case::lists(
            "two receives at once",
            &[words(0, FROM, 8)],
            &[from(0, words(0, TO, 4)), from(0, words(3, TO + 4, 4))],
            (1, LateEntry, SECOND_ENTRY),
        ),
        Case::lists("a send that is too short", &[four], &receives(5), (1, SilentLane, byte(TO + 4))),
        Case::lists("a sender that is silent", &[], &receives(4), (1, SilentLane, byte(TO))),
        Case::lists(
            "a receive that is too short",
            &[words(0, FROM, 5)],
            &receives(4),
            (0, UnheardWord, byte(FROM + 4)),
        ),
        Case::lists("a word for nobody", &[words(5, FROM + 3, 1)], &[], (0, UnheardWord, byte(FROM + 3))),
        Case::lists("the tile behind the last", &[], &[from(3, words(0, TO, 4))], (1, MissingTile, byte(TO))),
        Case::lists("no tile of any machine", &[], &[from(4095, words(9, TO + 1, 4))], (1, MissingTile, byte(TO + 1))),
        Case {
            what: "a bank that is read and written",
            programs: [
                program(&[words(0, FROM, 20)], &[from(1, words(0, FROM + 100, 4))]),
                program(&[four], &[from(0, words(0, TO, 20))]),
                idle(),
            ],
            stopped: (0, BankConflict, byte(FROM + turnaround)),
            received: vec![(0, FROM + 100..FROM + 104, 1), (1, TO..TO + 20, 0)],
        },
        bad("reserved bits of an entry", words(0, FROM, 4), BadDescriptor).flipped(0, LISTS, 63),
        bad("reserved bits of its second word", words(0, FROM, 4), BadDescriptor).flipped(0, LISTS + 8, 60),
        bad("no words", ExchangeEntry { row_words: 0, ..four }, BadDescriptor),
        bad("no rows", ExchangeEntry { rows: 0, ..four }, BadDescriptor),
        bad("a source in a send list", from(1, four), BadDescriptor),
        Case::lists(
            "no rows to receive",
            &[four],
            &[ExchangeEntry { rows: 0, ..from(0, words(0, TO, 4)) }],
            (1, BadDescriptor, LISTS),
        ),
        Case::lists("words past the memory", &[words(0, WORDS - 2, 4)], &receives(4), (0, OutOfRange, MEMORY_BYTES)),
        Case {
            received: vec![(1, WORDS - 2..WORDS, 0)],
            ..Case::lists(
                "a place past the memory",
                &[four],
                &[from(0, words(0, WORDS - 2, 4))],
                (1, OutOfRange, MEMORY_BYTES),
            )
        },
        Case::alone("reserved bits of a descriptor", flipped(idle(), DESCRIPTOR, 31), BadDescriptor, DESCRIPTOR),
        Case::alone("reserved bits of its second word", flipped(idle(), DESCRIPTOR + 8, 63), BadDescriptor, DESCRIPTOR),
        Case::alone(
            "a list between words",
            described(ExchangeDescriptor { receive_address: LISTS + 4, ..Default::default() }),
            Misaligned,
            DESCRIPTOR,
        ),
        Case::alone(
            "a list past the memory",
            described(ExchangeDescriptor { send_address: MEMORY_BYTES - 16, send_count: 2, ..Default::default() }),
            ListOutOfRange,
            MEMORY_BYTES,
        ),
        Case::alone("a descriptor between words", flipped(idle(), PROGRAM, 10), Misaligned, PROGRAM),
        Case::alone(
            "a descriptor past the memory",
            commands(|program| _ = program.exchange(MEMORY_BYTES)),
            OutOfRange,
            MEMORY_BYTES,
        ),
        Case::alone(
            "HALT before SYNC",
            commands(|program| _ = program.exchange_with(&[], &[]).halt()),
            ExchangeNotStarted,
            PROGRAM + 8,
        ),
        Case::alone(
            "WAIT before SYNC",
            commands(|program| _ = program.exchange_with(&[], &[]).wait(EngineMask::EXCHANGE)),
            ExchangeNotStarted,
            PROGRAM + 8,
        ),
        Case::alone(
            "a second EXCHANGE before SYNC",
            commands(|program| _ = program.exchange_with(&[], &[]).exchange_with(&[], &[])),
            ExchangeNotStarted,
            PROGRAM + 8,
        ),
        Case::alone("a zone of others", commands(|program| _ = program.sync(1)), BadZone, PROGRAM),
        Case::alone("a zone of nobody", commands(|program| _ = program.sync(isa::ZONES)), BadZone, PROGRAM),
    ]
}

impl Case {
    fn flipped(mut self, tile: usize, address: u32, bit: u32) -> Case {
        self.programs[tile] = flipped(self.programs[tile].clone(), address, bit);
        self
    }

    /// Runs the programs on memories of numbered words, and looks at what became of them.
    fn check(&self, grid: &mut NativeGrid, memories: &[Vec<u32>]) {
        let what = self.what;
        grid.load(&self.programs).unwrap_or_else(|error| panic!("{what}: {error}"));
        grid.start(PROGRAM).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(grid.run(10_000).expect("the simulator"), "{what}: a tile waits for ever");
        let statuses = grid.statuses().unwrap_or_else(|error| panic!("{what}: {error}"));
        let (tile, error, address) = self.stopped;
        let stopped = TileStopped { tile, error, address, others: TILES - 1 };
        assert_eq!(TileStopped::check(&statuses), Err(stopped), "{what}: {statuses:?}");
        for (other, status) in statuses.iter().enumerate().filter(|(other, _)| *other != tile) {
            self.check_other(other, status);
        }

        let (found, before) = (read_data(grid), memories);
        for (tile, (found, before)) in found.iter().zip(before).enumerate() {
            for (word, (&found, &before)) in found.iter().zip(before).enumerate() {
                let source = self.received.iter().find(|(to, words, _)| *to == tile && words.contains(&word));
                let arrived = source.is_some_and(|(.., source)| found >> 16 == *source as u32);
                assert!(found == before || arrived, "{what}: word {word} of tile {tile} became {found:#x}");
            }
        }
    }

    /// A tile that is in the exchange with the one that stopped may miss its words; all others wait at a barrier.
    fn check_other(&self, tile: usize, status: &RunStatus) {
        let what = self.what;
        let waits = status.error == ErrorCode::SyncBroken && [SYNC, LAST_SYNC].contains(&status.error_address);
        let misses = matches!(status.error, ErrorCode::SilentLane | ErrorCode::UnheardWord);
        assert!(waits || (misses && tile < 2), "{what}: tile {tile}: {status:?}");
    }
}

/// A right exchange on the same machine: tile 0 sends 4 words to tile 1.
fn check_that_it_works(grid: &mut NativeGrid, memories: &[Vec<u32>], place: &str) {
    write_data(grid, memories);
    let programs = [program(&[words(0, FROM, 4)], &[]), program(&[], &receives(4)), idle()];
    grid.load(&programs).unwrap_or_else(|error| panic!("{place}: {error}"));
    run(grid, 10_000, place);
    let mut expected = memories.to_vec();
    expected[1][TO..TO + 4].copy_from_slice(&memories[0][FROM..FROM + 4]);
    assert!(read_data(grid) == expected, "after {place}: a right exchange");
    write_words(grid, TO, &memories.iter().map(|memory| &memory[TO..TO + 4]).collect::<Vec<_>>());
}

#[test]
fn wrong_exchanges_stop_the_tile_that_notices_and_harm_nothing_else() {
    let config = config(TILES);
    let mut grid = native(&config);
    let memories = numbered(TILES);
    write_data(&mut grid, &memories);
    let cases = cases(&config);
    let mut refused = 0;
    for case in &cases {
        case.check(&mut grid, &memories);
        check_that_it_works(&mut grid, &memories, case.what);
        // What a program alone shows to be wrong is refused before it runs, with the same code.
        let (tile, code, _) = case.stopped;
        if let Err(error) = case.programs[tile].validate(&config.limits()) {
            assert_eq!(error.violation.code, code, "{}: {error}", case.what);
            refused += 1;
        }
    }
    assert_eq!((cases.len(), refused), (29, 13), "wrong exchanges, and those that are refused before they run");
}

#[test]
fn wide_lanes_need_whole_words() {
    let mut config = config(TILES);
    config.fabric = FabricConfig { lane_bits: 64, ..config.fabric };
    let mut grid = native(&config);
    let memories = numbered(TILES);
    write_data(&mut grid, &memories);
    let good = words(0, FROM, 4);
    for (what, entry) in [
        ("an odd place", ExchangeEntry { word_address: FROM as u32 + 1, ..good }),
        ("half a lane", ExchangeEntry { row_words: 3, ..good }),
        ("an odd stride", ExchangeEntry { row_stride: 7, rows: 2, ..good }),
    ] {
        Case::lists(what, &[entry], &receives(4), (0, ErrorCode::Misaligned, LISTS)).check(&mut grid, &memories);
        check_that_it_works(&mut grid, &memories, what);
    }
}

#[test]
fn entries_that_cannot_be_fetched_in_time_are_late() {
    let config = config(TILES);
    let mut grid = native(&config);
    let memories = numbered(TILES);
    write_data(&mut grid, &memories);
    let sends: Vec<ExchangeEntry> = (0..16).map(|i| words(i, FROM + i as usize, 1)).collect();
    let programs = [program(&sends, &[]), program(&[], &receives(16)), idle()];
    grid.load(&programs).expect("the programs fit");
    grid.start(PROGRAM).expect("no program runs");
    assert!(grid.run(10_000).expect("the simulator"));
    let late = TileStopped::check(&grid.statuses().expect("statuses")).expect_err("a tile stops");
    assert_eq!((late.tile, late.error), (0, ErrorCode::LateEntry));
    let entry = (late.address - LISTS) as usize / 16;
    assert!(
        entry >= config.machine().lists.queue_entries,
        "the entries that wait at the barrier are in time: {late:?}"
    );
    check_that_it_works(&mut grid, &memories, "late entries");
}

#[test]
fn a_word_with_wrong_parity_is_not_sent() {
    let config = config(TILES);
    let mut grid = native(&config);
    let memories = numbered(TILES);
    write_data(&mut grid, &memories);
    for (what, address) in [("a word", 4 * FROM as u32 + 8), ("an entry", LISTS + 8), ("a descriptor", DESCRIPTOR + 8)]
    {
        let bank_bytes = config.tile.bank_bytes();
        let (bank, word) = (address as usize / bank_bytes, address as usize % bank_bytes / 8);
        let stopped = (0, ErrorCode::Parity, address);
        let case = Case::lists(what, &[words(0, FROM, 4)], &receives(4), stopped);
        grid.load(&case.programs).expect("the programs fit");
        let simulator = grid.simulator().simulator();
        let memory = simulator.memory(&format!("tile_0.sram.bank_{bank}_words")).expect("the bank");
        let mut bits = simulator.read_word(memory, word).to_vec();
        bits[0] ^= 1 << 30;
        simulator.write_word(memory, word, &bits);
        grid.start(PROGRAM).expect("no program runs");
        assert!(grid.run(10_000).expect("the simulator"), "{what}");
        let found = TileStopped::check(&grid.statuses().expect("statuses")).expect_err("a tile stops");
        assert_eq!((found.tile, found.error, found.address), stopped, "{what}");
        write_data(&mut grid, &memories);
        check_that_it_works(&mut grid, &memories, what);
    }
}
