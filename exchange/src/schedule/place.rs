//! From pieces in an order to lists with cycles.

use super::message::{Message, Piece};
use super::transfer::{ListTiming, Machine, Run};
use super::{Receive, Schedule, Send, TileLists};

/// A list in the making.
struct Port {
    /// The first cycle in which it has nothing to do.
    free: u64,
    /// The banks that it uses from one cycle to before another, in the order of time.
    banks: Vec<(u64, u64, u64)>,
    /// Start, source (0 for sends) and words of its entries.
    entries: Vec<(u64, usize, Run)>,
    /// When its last entry was fetched.
    fetched: u64,
}

/// Places the pieces one after the other, each in the first cycle in which its source and all its receivers are free,
/// have fetched the entries that it needs, and do not read and write in one bank.
///
/// An entry continues the one before it where the words and the cycles do.
pub(super) fn place(machine: &Machine, messages: &[Message], pieces: &[Piece]) -> Schedule {
    let new = || Port { free: 0, banks: vec![], entries: vec![], fetched: 0 };
    let turnaround = machine.turnaround_cycles();
    let mut senders: Vec<Port> = (0..machine.tiles).map(|_| new()).collect();
    let mut receivers: Vec<Port> = (0..machine.tiles).map(|_| new()).collect();
    let mut end = 0;
    for piece in pieces.iter().flat_map(|piece| in_place(machine, &messages[piece.message], piece)) {
        let message = &messages[piece.message];
        let words = |cycle: u64| cycle as usize * machine.lane_words;
        let slice = |run: &Run| run.slice(words(piece.from), words(piece.to));
        let sent = slice(&message.run);
        let received: Vec<(usize, Vec<Run>)> =
            message.receivers.iter().map(|(tile, run)| (*tile, slice(run))).collect();

        // Later is never too early: each port moves the start on until none does.
        let mut start = 0;
        loop {
            let source = message.source;
            let mut possible = senders[source].earliest(machine, start, 0, &sent);
            possible = receivers[source].clear_of(possible, 0, turnaround, &banks(machine, &sent));
            for (tile, runs) in &received {
                possible = receivers[*tile].earliest(machine, possible, source, runs);
                possible = senders[*tile].clear_of(possible, turnaround, 0, &banks(machine, runs));
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
        if number < lists.queue_entries {
            return 0;
        }
        fetched.max(self.entries[number - lists.queue_entries].0) + lists.cycles_per_entry
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
            let end = start + (run.total_words() / machine.lane_words) as u64;
            self.banks.push((start, end, bank_set(machine, run)));
            (start, self.free) = (end, end);
        }
    }

    /// The first cycle from `start` on in which runs with these banks can begin without meeting this port, whose
    /// accesses come `mine` cycles later than its words and theirs `theirs`.
    fn clear_of(&self, start: u64, theirs: u64, mine: u64, runs: &[(u64, u64)]) -> u64 {
        let mut start = start;
        let mut offset = 0;
        for &(cycles, banks) in runs {
            let first = self.banks.partition_point(|&(_, end, _)| end + mine <= start + offset + theirs);
            for &(begin, end, used) in &self.banks[first..] {
                let meet = begin + mine < start + offset + cycles + theirs && start + offset + theirs < end + mine;
                if meet && used & banks != 0 {
                    start = (end + mine).saturating_sub(offset + theirs);
                }
            }
            offset += cycles;
        }
        start
    }
}

/// The piece, in parts so short that a tile that sends it to itself within a bank has read all of a part before it writes
/// any of it.
fn in_place(machine: &Machine, message: &Message, piece: &Piece) -> Vec<Piece> {
    let own = message.receivers.iter().find(|(tile, _)| *tile == message.source);
    let shares = own.is_some_and(|(_, run)| bank_set(machine, run) & bank_set(machine, &message.run) != 0);
    let most = if shares { machine.turnaround_cycles() } else { u64::MAX };
    let starts = std::iter::successors(Some(piece.from), |from| from.checked_add(most).filter(|&next| next < piece.to));
    starts.map(|from| Piece { from, to: piece.to.min(from.saturating_add(most)), ..*piece }).collect()
}

/// Cycles and banks of each run.
fn banks(machine: &Machine, runs: &[Run]) -> Vec<(u64, u64)> {
    runs.iter().map(|run| ((run.total_words() / machine.lane_words) as u64, bank_set(machine, run))).collect()
}

/// The banks from the first word of a run to its last, one bit each.
fn bank_set(machine: &Machine, run: &Run) -> u64 {
    let (first, last) = (run.address / machine.bank_words, (run.end() - 1) / machine.bank_words);
    (u64::MAX >> (63 - (last - first).min(63))) << first.min(63)
}
