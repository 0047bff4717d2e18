//! Schedules on the fabric: every tile's lists, carried out by ports in software around the hardware.

use exchange::fabric::FabricConfig;
use exchange::schedule::{Destination, ListTiming, Machine, Run, Schedule, Transfer, execute, schedule};
use proptest::prelude::*;

use crate::bench::{Bench, Inputs};
use crate::elaborate;
use crate::simulators::Native;

/// Faults of a kind: tile and cycle of each.
type Found = Vec<(usize, u64)>;

/// What the fabric made of lists.
struct Outcome {
    memories: Vec<Vec<u32>>,
    /// The cycle behind the last word that came.
    end: u64,
    silent: Found,
    missing: Found,
    unheard: Found,
}

fn machine(config: FabricConfig) -> Machine {
    let (tiles, lane_words) = (config.tiles, config.lane_bits / 32);
    let latency_cycles = config.latency_cycles() as u64;
    let memory_words = memory_words(config);
    let (bank_words, lists) = (memory_words / 4, ListTiming::DEFAULT);
    Machine { tiles, lane_words, memory_words, bank_words, latency_cycles, read_cycles: 2, lists }
}

/// Little for four tiles, of which there are many tests.
fn memory_words(config: FabricConfig) -> usize {
    if config.tiles == 4 { 64 } else { 4096 }
}

fn addresses(run: &Run, lane_words: usize) -> impl Iterator<Item = usize> {
    let run = *run;
    (0..run.rows)
        .flat_map(move |row| (0..run.words).step_by(lane_words).map(move |word| run.address + row * run.stride + word))
}

/// Carries out the lists; memories hold their own addresses at the start.
fn carry_out(config: FabricConfig, schedule: &Schedule) -> Outcome {
    let design = elaborate(config);
    carry_out_on(&mut Bench::new(Native::new(&design), &design, config), config, schedule)
}

fn carry_out_on(bench: &mut Bench<Native>, config: FabricConfig, schedule: &Schedule) -> Outcome {
    let lane_words = config.lane_bits / 32;
    // Until what goes wrong in the last cycle has come out.
    let cycles = schedule.makespan_cycles as usize + 4;
    let nothing = Inputs { lanes: vec![None; config.tiles], selects: vec![None; config.tiles] };
    let mut inputs = vec![nothing; cycles];
    let mut outcome = Outcome { memories: memories(config), end: 0, silent: vec![], missing: vec![], unheard: vec![] };
    // Where the word goes that a tile gets in a cycle.
    let mut places = vec![vec![None; cycles]; config.tiles];
    for (tile, lists) in schedule.tiles.iter().enumerate() {
        for send in &lists.sends {
            for (cycle, address) in (send.start_cycle as usize..).zip(addresses(&send.run, lane_words)) {
                let words = &outcome.memories[tile][address..address + lane_words];
                let word = words.iter().rev().fold(0, |lane, &word| lane << 32 | u64::from(word));
                inputs[cycle].lanes[tile] = Some(word);
            }
        }
        for receive in &lists.receives {
            for (cycle, address) in (receive.start_cycle as usize..).zip(addresses(&receive.run, lane_words)) {
                inputs[cycle].selects[tile] = Some(receive.source);
                places[tile][cycle + config.latency_cycles()] = Some(address);
            }
        }
    }
    for (cycle, inputs) in inputs.iter().enumerate() {
        let outputs = bench.cycle(inputs);
        for tile in 0..config.tiles {
            let at = |faults: &[bool]| faults[tile].then_some((tile, cycle as u64));
            outcome.silent.extend(at(&outputs.silent));
            outcome.missing.extend(at(&outputs.missing));
            outcome.unheard.extend(at(&outputs.unheard));
            if let Some(word) = outputs.received[tile] {
                let address = places[tile][cycle].expect("a word comes where a receive expects it");
                for i in 0..lane_words {
                    outcome.memories[tile][address + i] = (word >> (32 * i)) as u32;
                }
                outcome.end = cycle as u64 + 1;
            }
        }
    }
    outcome
}

fn memories(config: FabricConfig) -> Vec<Vec<u32>> {
    (0..config.tiles).map(|tile| (0..memory_words(config)).map(|word| (tile << 16 | word) as u32).collect()).collect()
}

/// A transfer by number of source, receivers (a bit each), lane words and rows; places come later.
type Wish = (usize, u32, usize, usize);

/// Transfers with places for all words, from wishes; those that have no room are left out.
fn transfers(machine: &Machine, wishes: &[Wish]) -> Vec<Transfer> {
    let mut next = vec![machine.memory_words / 2; machine.tiles];
    let mut made = vec![];
    for (i, &(source, receivers, lanes, rows)) in wishes.iter().enumerate() {
        let words = lanes * machine.lane_words;
        let space = words * rows;
        let tiles = (0..machine.tiles).filter(|tile| receivers >> tile & 1 == 1);
        let tiles: Vec<usize> = tiles.filter(|&tile| next[tile] + space <= machine.memory_words).collect();
        let destinations = tiles.iter().map(|&tile| Destination { tile, address: next[tile] });
        let destinations: Vec<Destination> = destinations.collect();
        tiles.iter().for_each(|&tile| next[tile] += space);
        if !destinations.is_empty() {
            let address = i * 16 % 512 / machine.lane_words * machine.lane_words;
            let transfer = Transfer::multicast(source % machine.tiles, address, words, destinations);
            made.push(transfer.strided(rows, words + 2 * machine.lane_words, words));
        }
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn memories_after_the_hardware_are_those_of_the_software(
        tiles in prop::sample::select(vec![2usize, 3, 5, 7, 8, 9, 12, 15, 16]),
        lane_bits in prop::sample::select(vec![32, 64]),
        radix in prop::sample::select(vec![2, 4, 8]),
        wishes in prop::collection::vec((0usize..16, 1u32..1 << 16, 1usize..24, 1usize..4), 1..24),
    ) {
        let config = FabricConfig { tiles, lane_bits, radix };
        let machine = machine(config);
        let transfers = transfers(&machine, &wishes);
        let schedule = schedule(&machine, &transfers).unwrap();
        let outcome = carry_out(config, &schedule);
        let mut expected = memories(config);
        execute(&machine, &schedule, &mut expected);
        prop_assert!(outcome.memories == expected, "memories differ");
        prop_assert_eq!(outcome.end, schedule.makespan_cycles, "the prediction of cycles");
        let none: Found = vec![];
        prop_assert_eq!((&outcome.silent, &outcome.missing, &outcome.unheard), (&none, &none, &none));
    }
}

/// Every 13th pattern; all of them go through the ports of tiles, in the tests of the grid.
#[test]
fn patterns_of_one_word_messages_on_4_tiles_are_packed_closely() {
    let config = FabricConfig::new(4);
    // Lists that cost nothing pack the words as closely as they can be.
    let machine = Machine { lists: ListTiming::FREE, ..machine(config) };
    let design = elaborate(config);
    let mut bench = Bench::new(Native::new(&design), &design, config);
    let mut words = 0;
    for pattern in (0u32..1 << 16).step_by(13) {
        let pairs = (0..16).filter(|pair| pattern >> pair & 1 == 1);
        let transfers: Vec<Transfer> =
            pairs.map(|pair| Transfer::unicast(pair / 4, pair % 4, 1, pair % 4, 32 + pair / 4)).collect();
        let schedule = schedule(&machine, &transfers).unwrap();
        let outcome = carry_out_on(&mut bench, config, &schedule);
        let mut expected = memories(config);
        for transfer in &transfers {
            let to = transfer.destinations[0];
            expected[to.tile][to.address] = (transfer.source << 16 | transfer.address) as u32;
        }
        assert!(outcome.memories == expected, "pattern {pattern:#x}");
        assert_eq!(outcome.end, schedule.makespan_cycles, "pattern {pattern:#x}");
        assert_eq!(outcome.silent.len() + outcome.missing.len() + outcome.unheard.len(), 0, "pattern {pattern:#x}");
        words += transfers.len();
    }
    assert!(words > 40_000, "{words} words");
}

/// Right lists of one message of 10 words from tile 0 to tiles 1 and 2.
fn multicast() -> (FabricConfig, Schedule) {
    let config = FabricConfig::new(5);
    let receivers = [1, 2].map(|tile| Destination { tile, address: 2048 });
    (config, schedule(&machine(config), &[Transfer::multicast(0, 0, 10, receivers)]).unwrap())
}

#[test]
fn a_send_that_is_too_short_is_silent() {
    let (config, mut schedule) = multicast();
    schedule.tiles[0].sends[0].run.words = 8;
    let outcome = carry_out(config, &schedule);
    let last = 9 + config.latency_cycles() as u64;
    assert_eq!(outcome.silent, [(1, last - 1), (2, last - 1), (1, last), (2, last)]);
    assert_eq!((outcome.missing.len(), outcome.unheard.len()), (0, 0));
    assert_eq!(outcome.memories[1][2056..2058], memories(config)[1][2056..2058], "nothing is written");
}

#[test]
fn a_word_that_nobody_takes_is_unheard() {
    let (config, mut schedule) = multicast();
    schedule.tiles[1].receives[0].run.words = 8;
    // The other receiver still takes all of them.
    assert_eq!(carry_out(config, &schedule).unheard, []);
    schedule.tiles[2].receives[0].run.words = 9;
    let outcome = carry_out(config, &schedule);
    assert_eq!(outcome.unheard, [(0, 9 + FabricConfig::UNHEARD_CYCLES as u64)]);
    assert_eq!((outcome.missing.len(), outcome.silent.len()), (0, 0));
}

#[test]
fn a_receive_that_is_a_cycle_late_is_silent_and_one_from_nowhere_missing() {
    let (config, mut schedule) = multicast();
    schedule.tiles[1].receives[0].start_cycle += 1;
    schedule.tiles[2].receives[0].source = 5;
    let outcome = carry_out(config, &schedule);
    assert_eq!(outcome.silent, [(1, 10 + config.latency_cycles() as u64)]);
    assert_eq!(outcome.missing.len(), 10);
    assert_eq!(outcome.unheard, [(0, FabricConfig::UNHEARD_CYCLES as u64)]);
}
