//! What the scheduler is asked for: the machine, regions of memory, transfers.

use tile::exchange_port::{CYCLES_PER_ENTRY, QUEUE_ENTRIES};

/// The machine that a schedule is made for.
///
/// A word has 32 bits; addresses and counts are in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Number of tiles, at least 1.
    pub tiles: usize,
    /// Words that a lane carries in a cycle: 1 or 2.
    pub lane_words: usize,
    /// Words of each tile's memory, a multiple of `lane_words`.
    pub memory_words: usize,
    /// Words of each bank of it. A bank serves one access a cycle: a tile reads and writes in different banks.
    pub bank_words: usize,
    /// Cycles from a word on its lane to the word at its receivers, as the fabric publishes it.
    pub latency_cycles: u64,
    /// Cycles from the access that reads a word to the word on its lane.
    pub read_cycles: u64,
    /// How fast a tile reads its lists.
    pub lists: ListTiming,
}

/// The list overhead: when entry i of a list (sends and receives alike) can start.
///
/// A port fetches entries ahead into a queue, which is full when the barrier opens. Any further entry i is there
/// `cycles_per_entry` after entry i - 1 and after the queue has room, that is, after entry i - `queue_entries` has
/// started. Long runs hide the fetches; lists of one-word entries are bound by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListTiming {
    /// Cycles of a fetch.
    pub cycles_per_entry: u64,
    /// Entries that wait, at least [`ListTiming::MIN_QUEUE`].
    pub queue_entries: usize,
}

impl ListTiming {
    /// The shortest queue: a piece of a strided transfer is up to three entries that follow each other without a gap.
    pub const MIN_QUEUE: usize = 3;
    /// An entry is two words of 64 bits; the lists of sends and receives share one SRAM port.
    pub const DEFAULT: ListTiming =
        ListTiming { cycles_per_entry: CYCLES_PER_ENTRY as u64, queue_entries: QUEUE_ENTRIES };
    /// Lists that cost nothing, for comparisons.
    pub const FREE: ListTiming = ListTiming { cycles_per_entry: 0, queue_entries: usize::MAX };
}

/// Rows of words at a constant distance.
///
/// ```text
///   address          address + stride
///   |<-- words -->|  |<-- words -->|  ...   `rows` times
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// First word of the first row.
    pub address: usize,
    /// Words of a row.
    pub words: usize,
    /// Number of rows.
    pub rows: usize,
    /// From the first word of a row to the first of the next; 0 where there is one row.
    pub stride: usize,
}

impl Machine {
    /// The word that a tile receives in cycle c is written when it reads what it sends in cycle c + this.
    pub fn turnaround_cycles(&self) -> u64 {
        self.latency_cycles + self.read_cycles
    }
}

impl Run {
    /// `words` words from `address` on.
    pub fn contiguous(address: usize, words: usize) -> Run {
        Run { address, words, rows: 1, stride: 0 }
    }

    /// Rows; those that touch become one.
    pub fn rows(address: usize, words: usize, rows: usize, stride: usize) -> Run {
        match (rows, stride) {
            (1, _) => Run::contiguous(address, words),
            _ if stride == words => Run::contiguous(address, words * rows),
            _ => Run { address, words, rows, stride },
        }
    }

    /// Words in all rows.
    pub fn total_words(&self) -> usize {
        self.words * self.rows
    }

    /// The address behind the last word.
    pub fn end(&self) -> usize {
        self.address + (self.rows - 1) * self.stride + self.words
    }

    /// The words from the `from`th to before the `to`th, in order, as at most three runs: the end of a row, whole
    /// rows, the beginning of a row.
    pub fn slice(&self, from: usize, to: usize) -> Vec<Run> {
        debug_assert!(from < to && to <= self.total_words());
        let place = |word: usize| self.address + word / self.words * self.stride + word % self.words;
        let mut runs = vec![];
        let mut from = from;
        if !from.is_multiple_of(self.words) {
            let row_end = from.next_multiple_of(self.words).min(to);
            runs.push(Run::contiguous(place(from), row_end - from));
            from = row_end;
        }
        let rows = (to - from) / self.words;
        if rows > 0 {
            runs.push(Run::rows(place(from), self.words, rows, self.stride));
            from += rows * self.words;
        }
        if from < to {
            runs.push(Run::contiguous(place(from), to - from));
        }
        runs
    }

    /// One run with the words of this one and then those of `next`, if there is such a run.
    pub fn append(&self, next: &Run) -> Option<Run> {
        if self.rows == 1 && next.rows == 1 && next.address == self.address + self.words {
            return Some(Run::contiguous(self.address, self.words + next.words));
        }
        if self.words != next.words {
            return None;
        }
        let stride = match (self.rows, next.rows) {
            (1, 1) => next.address.checked_sub(self.address)?,
            (1, _) => next.stride,
            _ => self.stride,
        };
        let fits = next.address == self.address + self.rows * stride && (next.rows == 1 || next.stride == stride);
        fits.then(|| Run::rows(self.address, self.words, self.rows + next.rows, stride))
    }
}

/// Where a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The tile.
    pub tile: usize,
    /// First word of the first row.
    pub address: usize,
}

/// Words of one tile that become words of one or more tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The tile that has them.
    pub source: usize,
    /// First word of the first row.
    pub address: usize,
    /// Words of a row.
    pub words: usize,
    /// Number of rows.
    pub rows: usize,
    /// From row to row at the source; rows may overlap there.
    pub source_stride: usize,
    /// From row to row at every destination.
    pub destination_stride: usize,
    /// Where they go.
    pub destinations: Vec<Destination>,
}

impl Transfer {
    /// `words` contiguous words to one tile.
    pub fn unicast(source: usize, address: usize, words: usize, tile: usize, to: usize) -> Transfer {
        Transfer::multicast(source, address, words, [Destination { tile, address: to }])
    }

    /// `words` contiguous words to several tiles.
    pub fn multicast(
        source: usize,
        address: usize,
        words: usize,
        destinations: impl IntoIterator<Item = Destination>,
    ) -> Transfer {
        let destinations = destinations.into_iter().collect();
        Transfer { source, address, words, rows: 1, source_stride: 0, destination_stride: 0, destinations }
    }

    /// The same in `rows` rows.
    pub fn strided(self, rows: usize, source_stride: usize, destination_stride: usize) -> Transfer {
        Transfer { rows, source_stride, destination_stride, ..self }
    }

    /// What is read.
    pub fn source_run(&self) -> Run {
        Run::rows(self.address, self.words, self.rows, self.source_stride)
    }

    /// What is written at a destination.
    pub fn destination_run(&self, destination: &Destination) -> Run {
        Run::rows(destination.address, self.words, self.rows, self.destination_stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(run: &Run) -> Vec<usize> {
        (0..run.rows).flat_map(|row| (0..run.words).map(move |word| run.address + row * run.stride + word)).collect()
    }

    #[test]
    fn slices_hold_the_words_in_their_order() {
        let mut compared = 0;
        for run in [Run::rows(7, 3, 4, 5), Run::rows(7, 1, 5, 9), Run::contiguous(2, 9), Run::rows(4, 3, 3, 0)] {
            let all = words(&run);
            for from in 0..all.len() {
                for to in from + 1..=all.len() {
                    let slices = run.slice(from, to);
                    let joined: Vec<usize> = slices.iter().flat_map(words).collect();
                    assert_eq!(joined, all[from..to], "{run:?} {from}..{to}");
                    assert!(slices.len() <= 3);
                    compared += 1;
                }
            }
        }
        assert!(compared > 150);
    }

    #[test]
    fn what_appends_holds_the_words_of_both() {
        let runs: Vec<Run> = (0..12)
            .flat_map(|a| (1..4).map(move |w| (a, w)))
            .flat_map(|(a, w)| (1..4).flat_map(move |r| (0..6).map(move |s| Run::rows(a, w, r, s))))
            .collect();
        let mut appended = 0;
        for a in &runs {
            for b in &runs {
                if let Some(both) = a.append(b) {
                    assert_eq!(words(&both), [words(a), words(b)].concat(), "{a:?} {b:?}");
                    appended += 1;
                }
            }
        }
        assert!(appended > 500, "{appended}");
        assert_eq!(Run::contiguous(4, 2).append(&Run::contiguous(6, 3)), Some(Run::contiguous(4, 5)));
        assert_eq!(Run::contiguous(4, 2).append(&Run::contiguous(9, 2)), Some(Run::rows(4, 2, 2, 5)));
        assert_eq!(Run::contiguous(4, 2).append(&Run::contiguous(7, 3)), None);
    }
}
