//! Barriers of machines: tiles that come when they come, zones, tiles that are stopped, broadcasts.

use exchange::schedule::{Transfer, schedule};
use isa::{Command, ErrorCode, Program, ProgramBuilder, register};
use kernels::device::{DeviceError, NativeGrid, Pins, TileStopped};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::SEED;
use crate::machine::{DATA, PROGRAM, config, native, numbered, read_data, run, write_data};

/// Cycles of a LOOP that runs itself again.
const LOOP_CYCLES: u64 = 4;
/// From the cycle in which SYNC is executed to its arrival, and the one in which it hears of the release.
const SYNC_CYCLES: u64 = 1;

/// Does nothing for `runs` runs of a LOOP.
fn idle(program: &mut ProgramBuilder, runs: u32) -> &mut ProgramBuilder {
    let target = program.here();
    program.command(Command::Loop { level: 0, count: runs, target })
}

/// Idles, and meets all tiles at a barrier.
fn meet_after(runs: u32) -> Program {
    idle(&mut ProgramBuilder::new(PROGRAM), runs).sync(0).halt().finish().expect("a program")
}

fn sync_cycles(grid: &mut NativeGrid, tile: usize) -> u64 {
    grid.read_register(tile, &register::SYNC_CYCLES).expect("a register")
}

#[test]
fn all_tiles_go_on_a_latency_after_the_last_has_arrived() {
    let config = config(5);
    let mut grid = native(&config);
    let mut random = StdRng::seed_from_u64(SEED);
    for round in 0..40 {
        let runs: Vec<u32> = (0..5).map(|_| random.random_range(1..60)).collect();
        grid.load(&runs.iter().map(|&runs| meet_after(runs)).collect::<Vec<_>>()).expect("the programs fit");
        run(&mut grid, 10_000, &format!("round {round}"));
        let last = *runs.iter().max().expect("tiles");
        let released = config.sync().latency_cycles() as u64 + SYNC_CYCLES;
        let found: Vec<u64> = (0..5).map(|tile| sync_cycles(&mut grid, tile)).collect();
        let expected: Vec<u64> = runs.iter().map(|&runs| released + LOOP_CYCLES * u64::from(last - runs)).collect();
        assert_eq!(found, expected, "round {round}, seed {SEED:#x}: {runs:?}");
        let ends: Vec<u64> = grid.statuses().expect("statuses").iter().map(|status| status.cycles).collect();
        assert!(ends.iter().all(|&end| end == ends[0]), "round {round}: {ends:?}");
    }
}

#[test]
fn zones_meet_in_rhythms_of_their_own() {
    // Tiles 0 and 1 meet in zone 1 six times, and each time a word goes on; tiles 1 and 2 meet in zone 2 three times,
    // and every second word goes on; tile 3 meets itself in zone 3.
    let config = config(4);
    let machine = config.machine();
    let mut grid = native(&config);
    let mut memories = numbered(4);
    write_data(&mut grid, &memories);
    let (from, to, end) = (DATA, DATA + 512, DATA + 1024);
    let mut random = StdRng::seed_from_u64(SEED);
    let mut builders: Vec<ProgramBuilder> = (0..4).map(|_| ProgramBuilder::new(PROGRAM)).collect();
    let mut pass = |source: usize, address: usize, tile: usize, place: usize, zone: u32| {
        let lists = schedule(&machine, &[Transfer::unicast(source, address, 1, tile, place)]).expect("a schedule");
        for tile in [source, tile] {
            let (sends, receives) = lists.tiles[tile].entries();
            let program = idle(&mut builders[tile], random.random_range(1..40));
            program.exchange_with(&sends, &receives).sync(zone);
        }
        memories[tile][place] = memories[source][address];
    };
    for meeting in 0..3 {
        pass(0, from + 2 * meeting, 1, to + 2 * meeting, 1);
        pass(0, from + 2 * meeting + 1, 1, to + 2 * meeting + 1, 1);
        pass(1, to + 2 * meeting + 1, 2, end + meeting, 2);
    }
    (0..7).for_each(|_| _ = builders[3].sync(3));
    let programs: Vec<Program> =
        builders.iter_mut().map(|program| program.halt().finish().expect("a program")).collect();
    for (tile, zones) in [0b0010, 0b0110, 0b0100, 0b1000].into_iter().enumerate() {
        grid.write_register(tile, &register::ZONES, zones).expect("a register");
        assert_eq!(grid.read_register(tile, &register::ZONES).expect("a register"), zones);
    }
    grid.load(&programs).expect("the programs fit");
    run(&mut grid, 10_000, "zones");
    assert!(read_data(&mut grid) == memories, "what was passed on");
    let alone = 7 * (config.sync().latency_cycles() as u64 + SYNC_CYCLES);
    assert_eq!(sync_cycles(&mut grid, 3), alone, "a tile alone in its zone");
}

#[test]
fn a_tile_that_is_stopped_breaks_the_barrier_and_has_not_arrived_later() {
    let config = config(3);
    let mut grid = native(&config);
    let sync = PROGRAM + 8;
    // Tiles 1 and 2 wait; the host stops tile 1; tile 0 comes to a broken barrier.
    grid.load(&[meet_after(400), meet_after(1), meet_after(1)]).expect("the programs fit");
    grid.start(PROGRAM).expect("no program runs");
    assert!(!grid.run(200).expect("the simulator"), "all wait for tile 0");
    grid.write_register(1, &register::STOP, 0).expect("a register");
    assert!(grid.run(4000).expect("the simulator"), "a tile waits for ever");
    let statuses = grid.statuses().expect("statuses");
    let stopped = TileStopped { tile: 1, error: ErrorCode::Stopped, address: sync, others: 2 };
    assert_eq!(TileStopped::check(&statuses), Err(stopped.clone()));
    for waiting in [0, 2] {
        assert_eq!((statuses[waiting].error, statuses[waiting].error_address), (ErrorCode::SyncBroken, sync));
    }
    assert!(
        stopped.to_string().starts_with("tile 1 stopped with STOPPED at address 0x8: The host wrote STOP."),
        "{stopped}"
    );

    // Started again, tile 1 comes last, and all wait for it.
    grid.load(&[meet_after(1), meet_after(300), meet_after(1)]).expect("the programs fit");
    run(&mut grid, 4000, "after STOP");
    let released = config.sync().latency_cycles() as u64 + SYNC_CYCLES;
    assert_eq!(sync_cycles(&mut grid, 0), released + 299 * LOOP_CYCLES);
    assert_eq!(sync_cycles(&mut grid, 1), released);
}

#[test]
fn a_reset_forgets_who_has_arrived() {
    let config = config(3);
    let mut grid = native(&config);
    grid.load(&[meet_after(1000), meet_after(1), meet_after(1)]).expect("the programs fit");
    grid.write_register(2, &register::ZONES, 0b11).expect("a register");
    grid.start(PROGRAM).expect("no program runs");
    assert!(!grid.run(200).expect("the simulator"), "all wait for tile 0");
    grid.simulator().simulator().reset(2).expect("a reset");
    let statuses = grid.statuses().expect("statuses");
    assert!(statuses.iter().all(|status| status.error == ErrorCode::None), "{statuses:?}");
    assert_eq!(grid.read_register(2, &register::ZONES).expect("a register"), 1);
    grid.load(&[meet_after(1), meet_after(100), meet_after(1)]).expect("the programs fit");
    run(&mut grid, 4000, "after the reset");
    assert!(sync_cycles(&mut grid, 2) > 99 * LOOP_CYCLES, "all wait for tile 1");
}

#[test]
fn broadcasts_reach_all_tiles_and_start_them_in_one_cycle() {
    let config = config(4);
    let mut grid = native(&config);
    let words: Vec<u64> = (0..100).map(|word: u64| word.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let address = 4 * DATA as u32;
    grid.broadcast(address, &words).expect("a broadcast");
    let found = grid.read_memory(&[0, 1, 2, 3].map(|tile| (tile, address, 100))).expect("memory");
    assert!(found.iter().all(|found| *found == words));

    let beyond = config.tile.memory_bytes() as u32;
    let refused = grid.broadcast(beyond - 8, &[1, 2, 3]);
    assert_eq!(refused, Err(DeviceError::Refused { access: "write", address: beyond }));
    let last = grid.read_memory(&[0, 1, 2, 3].map(|tile| (tile, beyond - 8, 1))).expect("memory");
    assert!(last.iter().all(|last| *last == [1]), "what comes before the refused word is written");

    let program = meet_after(20);
    for segment in &program.segments {
        grid.broadcast(segment.address, &segment.words).expect("the program fits");
    }
    let running = grid.simulator().output("status_running").expect("a port");
    assert_eq!(grid.simulator().get(running).expect("a value"), 0);
    grid.start(PROGRAM).expect("no program runs");
    // All run, and all end at once; the broadcast of START has let the first cycles pass.
    let mut seen = vec![];
    while seen.last() != Some(&0) && seen.len() < 1000 {
        seen.push(grid.simulator().get(running).expect("a value"));
        grid.simulator().step(1).expect("the simulator");
    }
    assert!(seen.iter().all(|&running| running == 0 || running == 0b1111), "{seen:?}");
    assert!(seen.len() > 80 && seen.last() == Some(&0), "{seen:?}");
}
