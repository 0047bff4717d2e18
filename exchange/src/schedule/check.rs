//! Checks lists: replays them cycle by cycle and compares every word with what the transfers ask for.
//!
//! Shares the declarations of lists and transfers with the scheduler, and nothing else. Meant for tests and for lists
//! that were made elsewhere.

use std::collections::{HashMap, HashSet};

use super::{Machine, Run, Schedule, Transfer};

/// What is wrong with lists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Not a list for each tile.
    #[error("lists for {found} tiles; expected {expected}")]
    TileCount {
        /// Tiles with lists.
        found: usize,
        /// Tiles of the machine.
        expected: usize,
    },
    /// An entry without words, or with a part of a lane word.
    #[error("tile {tile}: {list} entry {entry} has {rows} rows of {words} words; expected whole lane words")]
    Shape {
        /// The tile.
        tile: usize,
        /// Send or receive.
        list: &'static str,
        /// Number of the entry.
        entry: usize,
        /// Its rows.
        rows: usize,
        /// Its words a row.
        words: usize,
    },
    /// An entry starts while the one before it runs.
    #[error("tile {tile}: {list} entry {entry} starts in cycle {start}; the port is busy before cycle {free}")]
    Busy {
        /// The tile.
        tile: usize,
        /// Send or receive.
        list: &'static str,
        /// Number of the entry.
        entry: usize,
        /// Its start.
        start: u64,
        /// The first cycle in which the port is free.
        free: u64,
    },
    /// An entry starts before it can have been fetched.
    #[error("tile {tile}: {list} entry {entry} starts in cycle {start}; it is fetched in cycle {fetched}")]
    NotFetched {
        /// The tile.
        tile: usize,
        /// Send or receive.
        list: &'static str,
        /// Number of the entry.
        entry: usize,
        /// Its start.
        start: u64,
        /// When it is there.
        fetched: u64,
    },
    /// A tile reads and writes in one bank at a time.
    #[error("tile {tile}: in cycle {cycle} it sends word {read} while it writes word {written}, in the same bank")]
    Bank {
        /// The tile.
        tile: usize,
        /// The cycle of the word that is sent.
        cycle: u64,
        /// Address of the word that is sent.
        read: usize,
        /// Address of the word that is written.
        written: usize,
    },
    /// An entry leaves the memory.
    #[error("tile {tile}: {list} entry {entry} reaches word {address}; the memory ends at {memory_words}")]
    PastMemory {
        /// The tile.
        tile: usize,
        /// Send or receive.
        list: &'static str,
        /// Number of the entry.
        entry: usize,
        /// The address.
        address: usize,
        /// Words of the memory.
        memory_words: usize,
    },
    /// A receiver selects a lane that nobody drives.
    #[error("cycle {cycle}: tile {tile} receives from tile {source_tile}, whose lane is silent")]
    Silent {
        /// The cycle.
        cycle: u64,
        /// The receiver.
        tile: usize,
        /// The tile that is selected.
        source_tile: usize,
    },
    /// A tile drives a word that nobody selects.
    #[error("cycle {cycle}: tile {tile} drives a word that nobody receives")]
    Unheard {
        /// The cycle.
        cycle: u64,
        /// The sender.
        tile: usize,
    },
    /// A word that is read has been written in this exchange.
    #[error("tile {tile} sends word {address}, which the exchange writes")]
    Overwritten {
        /// The tile.
        tile: usize,
        /// The word.
        address: usize,
    },
    /// A word is written that no transfer names, or from elsewhere, or twice.
    #[error("tile {tile}: word {address} gets word {found_address} of tile {found_tile}; expected {expected}")]
    Wrong {
        /// The receiver.
        tile: usize,
        /// The word written.
        address: usize,
        /// The tile it comes from.
        found_tile: usize,
        /// The word it comes from.
        found_address: usize,
        /// What should be there.
        expected: String,
    },
    /// Words of transfers that no list carries.
    #[error("{count} words are not transferred, among them word {address} of tile {tile}")]
    Missing {
        /// How many.
        count: usize,
        /// The tile of one of them.
        tile: usize,
        /// Its address.
        address: usize,
    },
    /// The makespan is not when the last word arrives.
    #[error("the last word arrives in cycle {found}; the makespan is {stated}")]
    Makespan {
        /// What the lists do.
        found: u64,
        /// What is stated.
        stated: u64,
    },
}

/// Checks that `schedule` is what the hardware can do and does exactly what `transfers` say. Returns the number of words
/// that were compared.
///
/// # Errors
/// The first [`Violation`].
pub fn check(machine: &Machine, transfers: &[Transfer], schedule: &Schedule) -> Result<usize, Violation> {
    let tiles = machine.tiles;
    if schedule.tiles.len() != tiles {
        return Err(Violation::TileCount { found: schedule.tiles.len(), expected: tiles });
    }
    // Each port's address in each of its cycles.
    let mut driven: Vec<HashMap<u64, usize>> = vec![];
    let mut selected: Vec<HashMap<u64, (usize, usize)>> = vec![];
    for (tile, lists) in schedule.tiles.iter().enumerate() {
        let sends: Vec<_> = lists.sends.iter().map(|send| (send.start_cycle, 0, send.run)).collect();
        let receives: Vec<_> =
            lists.receives.iter().map(|entry| (entry.start_cycle, entry.source, entry.run)).collect();
        let cycles = replay(machine, tile, "send", &sends)?;
        driven.push(cycles.into_iter().map(|(cycle, (_, address))| (cycle, address)).collect());
        selected.push(replay(machine, tile, "receive", &receives)?);
    }

    // What every word is to become, from the transfers, one word at a time.
    let mut expected: HashMap<(usize, usize), (usize, usize)> = HashMap::new();
    for transfer in transfers {
        for row in 0..transfer.rows {
            for word in 0..transfer.words {
                let from = transfer.address + row * transfer.source_stride + word;
                for destination in &transfer.destinations {
                    let to = destination.address + row * transfer.destination_stride + word;
                    expected.insert((destination.tile, to), (transfer.source, from));
                }
            }
        }
    }
    let wanted = expected.len();

    let mut last_arrival = 0;
    let mut heard: HashSet<(usize, u64)> = HashSet::new();
    let mut written: HashSet<(usize, usize)> = HashSet::new();
    for (tile, cycles) in selected.iter().enumerate() {
        for (&cycle, &(source_tile, address)) in cycles {
            let Some(&found) = driven.get(source_tile).and_then(|lane| lane.get(&cycle)) else {
                return Err(Violation::Silent { cycle, tile, source_tile });
            };
            heard.insert((source_tile, cycle));
            last_arrival = last_arrival.max(cycle + 1 + machine.latency_cycles);
            for word in 0..machine.lane_words {
                let (address, found_address) = (address + word, found + word);
                let right = expected.remove(&(tile, address));
                if right != Some((source_tile, found_address)) {
                    let expected = match right {
                        Some((tile, address)) => format!("word {address} of tile {tile}"),
                        None => "nothing, or nothing more".into(),
                    };
                    return Err(Violation::Wrong { tile, address, found_tile: source_tile, found_address, expected });
                }
                written.insert((tile, address));
            }
        }
    }
    for (tile, cycles) in driven.iter().enumerate() {
        for (&cycle, &address) in cycles {
            if !heard.contains(&(tile, cycle)) {
                return Err(Violation::Unheard { cycle, tile });
            }
            if let Some(address) = (address..address + machine.lane_words).find(|word| written.contains(&(tile, *word)))
            {
                return Err(Violation::Overwritten { tile, address });
            }
            let before = cycle.checked_sub(machine.latency_cycles + machine.read_cycles);
            if let Some(&(_, written)) = before.and_then(|then| selected[tile].get(&then))
                && written / machine.bank_words == address / machine.bank_words
            {
                return Err(Violation::Bank { tile, cycle, read: address, written });
            }
        }
    }
    if let Some((&(tile, address), _)) = expected.iter().next() {
        return Err(Violation::Missing { count: expected.len(), tile, address });
    }
    if last_arrival != schedule.makespan_cycles {
        return Err(Violation::Makespan { found: last_arrival, stated: schedule.makespan_cycles });
    }
    Ok(wanted)
}

/// The source and the address of each cycle in which a port is busy.
fn replay(
    machine: &Machine,
    tile: usize,
    list: &'static str,
    entries: &[(u64, usize, Run)],
) -> Result<HashMap<u64, (usize, usize)>, Violation> {
    let mut cycles = HashMap::new();
    let (mut free, mut fetched) = (0, 0);
    for (entry, &(start, source, run)) in entries.iter().enumerate() {
        if run.rows == 0 || run.words == 0 || run.words % machine.lane_words != 0 {
            return Err(Violation::Shape { tile, list, entry, rows: run.rows, words: run.words });
        }
        if start < free {
            return Err(Violation::Busy { tile, list, entry, start, free });
        }
        let timing = machine.lists;
        if entry >= timing.queue_entries {
            fetched = u64::max(fetched, entries[entry - timing.queue_entries].0) + timing.cycles_per_entry;
        }
        if start < fetched {
            return Err(Violation::NotFetched { tile, list, entry, start, fetched });
        }
        let mut cycle = start;
        for row in 0..run.rows {
            for word in (0..run.words).step_by(machine.lane_words) {
                let address = run.address + row * run.stride + word;
                if address + machine.lane_words > machine.memory_words {
                    let memory_words = machine.memory_words;
                    return Err(Violation::PastMemory { tile, list, entry, address, memory_words });
                }
                cycles.insert(cycle, (source, address));
                cycle += 1;
            }
        }
        free = cycle;
    }
    Ok(cycles)
}
