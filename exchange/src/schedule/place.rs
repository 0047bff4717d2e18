//! From pieces in an order to lists with cycles.

use super::message::{Message, Piece};
use super::transfer::{ListTiming, Machine, Run};
use super::{Receive, Schedule, Send, TileLists};

/// A list in the making.
struct Port {
    /// The first cycle in which it has nothing to do.
    free: u64,
    /// Start, source (0 for sends) and words of its entries.
    entries: Vec<(u64, usize, Run)>,
    /// When its last entry was fetched.
    fetched: u64,
}

/// Places the pieces one after the other, each in the first cycle in which its source and all its receivers are free
/// and have fetched the entries that it needs.
///
/// An entry continues the one before it where the words and the cycles do.
pub(super) fn place(machine: &Machine, messages: &[Message], pieces: &[Piece]) -> Schedule {
    let new = || Port { free: 0, entries: vec![], fetched: 0 };
    let mut senders: Vec<Port> = (0..machine.tiles).map(|_| new()).collect();
    let mut receivers: Vec<Port> = (0..machine.tiles).map(|_| new()).collect();
    let mut end = 0;
    for piece in pieces {
        let message = &messages[piece.message];
        let words = |cycle: u64| cycle as usize * machine.lane_words;
        let slice = |run: &Run| run.slice(words(piece.from), words(piece.to));
        let sent = slice(&message.run);
        let received: Vec<(usize, Vec<Run>)> =
            message.receivers.iter().map(|(tile, run)| (*tile, slice(run))).collect();

        // Later is never too early: each port moves the start on until none does.
        let mut start = 0;
        loop {
            let mut possible = senders[message.source].earliest(machine, start, 0, &sent);
            for (tile, runs) in &received {
                possible = receivers[*tile].earliest(machine, possible, message.source, runs);
            }
            if possible == start {
                break;
            }
            start = possible;
        }
        senders[message.source].add(machine, start, 0, &sent);
        for (tile, runs) in &received {
            receivers[*tile].add(machine, start, message.source, runs);
        }
        end = end.max(start + piece.to - piece.from);
    }
    let lists = senders.into_iter().zip(receivers).map(|(sends, receives)| TileLists {
        sends: sends.entries.into_iter().map(|(start_cycle, _, run)| Send { start_cycle, run }).collect(),
        receives: receives
            .entries
            .into_iter()
            .map(|(start_cycle, source, run)| Receive { start_cycle, source, run })
            .collect(),
    });
    let makespan_cycles = if end == 0 { 0 } else { end + machine.latency_cycles };
    Schedule { tiles: lists.collect(), makespan_cycles }
}

impl Port {
    /// The last entry with the words of `run` behind it, if they follow in the next cycle.
    fn continued(&self, start: u64, source: usize, run: &Run) -> Option<(u64, usize, Run)> {
        let &(begun, last_source, last) = self.entries.last()?;
        let joined = last.append(run).filter(|_| start == self.free && source == last_source)?;
        Some((begun, source, joined))
    }

    /// When the entry after `number` entries is there.
    fn fetch(&self, lists: &ListTiming, number: usize, fetched: u64) -> u64 {
        if number == 0 {
            return lists.first_cycle;
        }
        let room = number.checked_sub(lists.queue_entries).map_or(0, |i| self.entries[i].0);
        fetched.max(room) + lists.cycles_per_entry
    }

    /// The first cycle from `start` on in which `runs` can begin.
    fn earliest(&self, machine: &Machine, start: u64, source: usize, runs: &[Run]) -> u64 {
        let mut start = start.max(self.free);
        let (mut number, mut fetched, mut offset) = (self.entries.len(), self.fetched, 0);
        for (i, run) in runs.iter().enumerate() {
            if i > 0 || self.continued(start, source, run).is_none() {
                fetched = self.fetch(&machine.lists, number, fetched);
                number += 1;
                start = start.max(fetched.saturating_sub(offset));
            }
            offset += (run.total_words() / machine.lane_words) as u64;
        }
        start
    }

    fn add(&mut self, machine: &Machine, start: u64, source: usize, runs: &[Run]) {
        let mut start = start;
        for (i, run) in runs.iter().enumerate() {
            if let Some(joined) = self.continued(start, source, run).filter(|_| i == 0) {
                *self.entries.last_mut().expect("an entry that is continued") = joined;
            } else {
                self.fetched = self.fetch(&machine.lists, self.entries.len(), self.fetched);
                self.entries.push((start, source, *run));
            }
            start += (run.total_words() / machine.lane_words) as u64;
            self.free = start;
        }
    }
}
