//! What lists do to memories, in software: every tile, cycle by cycle.

use std::collections::VecDeque;

use super::{Machine, Run, Schedule};

/// A list's position.
#[derive(Clone, Copy, Default)]
struct Place {
    entry: usize,
    row: usize,
    word: usize,
}

/// Runs the lists on `memories`, words of 32 bits by tile, as the hardware would: a word is read in the cycle in which it
/// is driven and written `latency_cycles` later. A word that a silent lane would have brought is not written.
///
/// # Panics
/// If an entry leaves a memory: such lists are refused by [`super::check()`].
pub fn execute(machine: &Machine, schedule: &Schedule, memories: &mut [Vec<u32>]) {
    let tiles = schedule.tiles.len();
    let mut sends = vec![Place::default(); tiles];
    let mut receives = vec![Place::default(); tiles];
    // Words in the fabric: arrival, tile, address, data.
    let mut flying: VecDeque<(u64, usize, usize, Vec<u32>)> = VecDeque::new();
    let done = |sends: &[Place], receives: &[Place]| {
        let lists = schedule.tiles.iter().enumerate();
        lists
            .into_iter()
            .all(|(i, lists)| sends[i].entry == lists.sends.len() && receives[i].entry == lists.receives.len())
    };
    let mut cycle = 0;
    while !(done(&sends, &receives) && flying.is_empty()) {
        // What is written in this cycle is there in the next.
        let mut lanes: Vec<Option<Vec<u32>>> = vec![None; tiles];
        for tile in 0..tiles {
            let list = schedule.tiles[tile].sends.iter().map(|send| (send.start_cycle, &send.run));
            if let Some(address) = sends[tile].step(cycle, list, machine.lane_words) {
                lanes[tile] = Some(memories[tile][address..address + machine.lane_words].to_vec());
            }
        }
        while flying.front().is_some_and(|(arrival, ..)| *arrival <= cycle) {
            let (_, tile, address, data) = flying.pop_front().expect("a word");
            memories[tile][address..address + data.len()].copy_from_slice(&data);
        }
        for (tile, lists) in schedule.tiles.iter().enumerate() {
            let entry = receives[tile].entry;
            let list = lists.receives.iter().map(|receive| (receive.start_cycle, &receive.run));
            if let Some(address) = receives[tile].step(cycle, list, machine.lane_words)
                && let Some(data) = &lanes[lists.receives[entry].source]
            {
                flying.push_back((cycle + machine.latency_cycles, tile, address, data.clone()));
            }
        }
        cycle += 1;
    }
}

impl Place {
    /// The address of this cycle, if the list has one; moves on.
    fn step<'l>(
        &mut self,
        cycle: u64,
        mut list: impl Iterator<Item = (u64, &'l Run)>,
        lane_words: usize,
    ) -> Option<usize> {
        let (start, run) = list.nth(self.entry)?;
        if cycle < start {
            return None;
        }
        let address = run.address + self.row * run.stride + self.word;
        self.word += lane_words;
        if self.word == run.words {
            (self.row, self.word) = (self.row + 1, 0);
        }
        if self.row == run.rows {
            *self = Place { entry: self.entry + 1, row: 0, word: 0 };
        }
        Some(address)
    }
}
