//! Predicts how many cycles a sequence of AMP commands takes.
//!
//! An event model of the engine's units as they hand blocks to one another (`tile/src/engine`), at the granularity of
//! a phase. It assumes that the streams never meet in a bank; then it is exact but for what the sequencer loses to
//! descriptors and lists, which is hidden behind them.
//!
//! ```text
//!   descriptors |c0 |c1 |                           a ring of four slots
//!   entries         |b0|b1|                         one entry at a time
//!   loader             |block 0|    |block 1|       one block ahead of the stepper, two buffers
//!   stepper               |block 0 ....|block 1 ....|        phases of max(rows, accumulator loop) cycles
//!   preloader   |half 0 |                           before the first step of the command
//!   drainer                                    |half 0 ...|  while the other half is stepped
//! ```

use std::collections::VecDeque;

use accumulators::AmpConfig;
use accumulators::amp::DRAIN_CYCLES;
use accumulators::config::BLOCK;
use golden::OutputType;
use isa::{AmpDescriptor, ListEntry};
use tile::engine::descriptors::SLOTS;
use tile::sram;

/// From a request to the memory to the cycle in which its data is there.
const SRAM_CYCLES: u64 = sram::LATENCY_CYCLES as u64;
/// What is written to a register in one cycle is seen in the next.
const REGISTER_CYCLES: u64 = 1;

/// A command: fetched, awaited, in its register, executed.
const COMMAND_CYCLES: u64 = 1 + SRAM_CYCLES + REGISTER_CYCLES;
/// From the first cycle of a program to its first command in the engine's queue.
const START_CYCLES: u64 = COMMAND_CYCLES + REGISTER_CYCLES;
/// From the last word of a descriptor that is asked for to the descriptor in the ring: it arrives, is counted, and is
/// looked at.
const DESCRIPTOR_CYCLES: u64 = SRAM_CYCLES + 2 * REGISTER_CYCLES;
/// From an entry that is asked for to its block: it arrives, is multiplied out and added up.
const ENTRY_CYCLES: u64 = SRAM_CYCLES + 3 * REGISTER_CYCLES;
/// From the last word of a group of weights that is asked for to the first step with it: it arrives and is counted.
const GROUP_CYCLES: u64 = SRAM_CYCLES + REGISTER_CYCLES;
/// From the last word of weights that is asked for, or the last result that is read out, to DONE: it arrives or leaves
/// the pipeline, and the sequencer sees all engines idle.
const LOAD_END_CYCLES: u64 = SRAM_CYCLES + 2 * REGISTER_CYCLES;
const DRAIN_END_CYCLES: u64 = DRAIN_CYCLES as u64 + 2 * REGISTER_CYCLES;

/// How sums lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stored {
    /// FP32.
    Fp32,
    /// FP16; results only.
    Fp16,
    /// Exact sums ([`isa::exact_sum`]).
    ExactSum,
}

impl From<OutputType> for Stored {
    /// How results of a type do.
    fn from(output: OutputType) -> Self {
        match output {
            OutputType::Fp32 => Stored::Fp32,
            OutputType::Fp16 => Stored::Fp16,
        }
    }
}

impl Stored {
    /// Bytes of a sum.
    pub fn bytes(self) -> usize {
        match self {
            Stored::Fp32 => 4,
            Stored::Fp16 => 2,
            Stored::ExactSum => isa::exact_sum::BYTES as usize,
        }
    }

    /// Access words of the first `columns` sums of a row.
    fn words(self, config: &AmpConfig, columns: usize) -> usize {
        (columns * 8 * self.bytes()).div_ceil(config.access_bits())
    }

    /// Sums that an access word holds; 1 where it holds less.
    fn in_word(self, config: &AmpConfig) -> usize {
        (config.access_bits() / (8 * self.bytes())).max(1)
    }
}

/// What of an AMP command its duration depends on.
#[derive(Debug, Clone, Copy)]
pub struct CommandWork<'a> {
    /// Rows.
    pub rows: usize,
    /// Result columns.
    pub columns: usize,
    /// How results lie in memory.
    pub result: Stored,
    /// How the partial sums do that the sums start from, if they do.
    pub partial: Option<Stored>,
    /// Valid K of each block of the list.
    pub k_counts: &'a [usize],
}

/// The engine while it works through commands. Times are in cycles since START; those of resources say in which cycle
/// they can be used again.
#[derive(Debug, Clone)]
pub struct Timeline {
    config: AmpConfig,
    /// When the sequencer was rid of the last command, and when the last two had left the queue, the older first.
    issued: u64,
    popped: [u64; 2],
    /// The unit that fetches descriptors.
    descriptors: u64,
    /// The unit that reads entries, and when it has asked for the last ones, the oldest first.
    entries: u64,
    asked: VecDeque<u64>,
    /// The loader: done with its block, and rid of it to the stepper.
    loader: u64,
    handed_over: u64,
    /// The unit that issues rows.
    stepper: u64,
    preloader: u64,
    drainer: u64,
    /// When the results of each of the last commands had been read out, the oldest first.
    drained: [u64; SLOTS],
    /// When the last result of all had been read out.
    last_result: u64,
}

impl Timeline {
    /// An idle engine at START.
    pub fn new(config: AmpConfig) -> Self {
        Timeline {
            config,
            issued: START_CYCLES - REGISTER_CYCLES - COMMAND_CYCLES,
            popped: [0; 2],
            descriptors: START_CYCLES,
            entries: 0,
            asked: VecDeque::new(),
            loader: 0,
            handed_over: 0,
            stepper: 0,
            preloader: 0,
            drainer: 0,
            drained: [0; SLOTS],
            last_result: 0,
        }
    }

    /// One more command, all of whose blocks meet all of its rows.
    pub fn push(&mut self, command: &CommandWork) {
        let half_ready = self.begin(command);
        let (rows, loop_cycles) = (command.rows as u64, self.config.loop_cycles() as u64);
        let mut row_free = half_ready;
        for &k_count in command.k_counts {
            self.step_block(k_count, |ready| {
                let first = ready.max(row_free);
                row_free = first + loop_cycles;
                first + rows
            });
        }
        self.finish(command);
    }

    /// One more command, with lines of `rows_x` rows, whose blocks are those of this list instead of its own.
    pub fn push_list(&mut self, command: &CommandWork, rows_x: usize, list: &[ListEntry]) {
        let half_ready = self.begin(command);
        let loop_cycles = self.config.loop_cycles() as u64;
        // Rows that may still be in the loop, and when each was issued.
        let mut recent: VecDeque<(usize, u64)> = VecDeque::new();
        for entry in list {
            self.step_block(entry.k_count() as usize, |ready| {
                let mut cycle = ready.max(half_ready);
                for row in rows_of(entry, rows_x) {
                    let before = recent.iter().rev().find(|(recent, _)| *recent == row);
                    cycle = before.map_or(cycle, |&(_, issued)| cycle.max(issued + loop_cycles));
                    recent.push_back((row, cycle));
                    if recent.len() as u64 == loop_cycles {
                        recent.pop_front();
                    }
                    cycle += 1;
                }
                cycle
            });
        }
        self.finish(command);
    }

    /// The next command: fetched, and its accumulators ready, which is said.
    fn begin(&mut self, command: &CommandWork) -> u64 {
        let fetched = self.fetch();
        let half_ready = self.preload(command, fetched);
        // Between lists the reader of entries looks for the next descriptor.
        self.entries = self.entries.max(fetched) + REGISTER_CYCLES;
        half_ready
    }

    /// The end of the command whose last block was stepped.
    fn finish(&mut self, command: &CommandWork) {
        let stepped = self.stepper - 1 + SRAM_CYCLES + self.config.step_cycles() as u64 + REGISTER_CYCLES;
        self.drain(command, stepped);
    }

    /// CYCLES at the end of the program, if nothing more follows.
    pub fn end(&self) -> u64 {
        (self.last_result + DRAIN_END_CYCLES).max(self.loader + LOAD_END_CYCLES)
    }

    /// When the sequencer has handed over the last command, and goes on to the next one of whatever kind.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// When the next descriptor is in the ring.
    fn fetch(&mut self) -> u64 {
        // The queue holds two commands; one that leaves is seen in the next cycle.
        self.issued = (self.issued + COMMAND_CYCLES).max(self.popped[0] + REGISTER_CYCLES);
        // Entries go first: every entry that is asked for meanwhile costs a cycle.
        let mut cycle = self.descriptors.max(self.drained[0]);
        self.popped = [self.popped[1], cycle];
        for _ in 0..AmpDescriptor::WORDS {
            cycle += 1;
            while self.asked.front().is_some_and(|&asked| asked < cycle) {
                self.asked.pop_front();
            }
            while self.asked.front() == Some(&cycle) {
                self.asked.pop_front();
                cycle += 1;
            }
        }
        self.descriptors = cycle + DESCRIPTOR_CYCLES;
        self.descriptors
    }

    /// When the command's half may be stepped.
    fn preload(&mut self, command: &CommandWork, fetched: u64) -> u64 {
        let start = self.preloader.max(fetched).max(self.drained[SLOTS - 2]);
        let words = command.rows * partial_words(&self.config, command);
        self.preloader = start + words as u64 + REGISTER_CYCLES;
        self.preloader
    }

    /// A block: loaded, then stepped phase by phase. `issue_rows` is told from when on its rows may be issued, and says
    /// when the next row may be, of whatever phase.
    fn step_block(&mut self, k_count: usize, mut issue_rows: impl FnMut(u64) -> u64) {
        let terms = self.config.terms;
        let group_values = self.config.access_values();
        self.asked.push_back(self.entries);
        let start = (self.entries + ENTRY_CYCLES).max(self.loader).max(self.handed_over);
        self.entries = start + REGISTER_CYCLES;
        self.loader = start + (BLOCK * BLOCK / group_values) as u64;

        // The stepper takes the block in the cycle of its last row, at the earliest.
        let taken = (self.stepper.saturating_sub(1)).max(start + REGISTER_CYCLES);
        self.handed_over = taken;
        self.stepper = taken + REGISTER_CYCLES;
        for k in (0..k_count).step_by(terms) {
            let groups = (k / group_values + 1) as u64;
            let loaded = start + groups * BLOCK as u64 + GROUP_CYCLES;
            self.stepper = issue_rows(self.stepper.max(loaded));
        }
    }

    /// The command's results, which are complete when `stepped`.
    fn drain(&mut self, command: &CommandWork, stepped: u64) {
        let words = command.rows * result_words(&self.config, command);
        self.last_result = self.drainer.max(stepped) + words as u64;
        self.drainer = self.last_result + REGISTER_CYCLES;
        self.drained.rotate_left(1);
        // The half is free once the last word has left the lanes' memories.
        self.drained[SLOTS - 1] = self.drainer + REGISTER_CYCLES;
    }
}

/// Numbers of the rows that an entry meets, in lines of `rows_x`.
fn rows_of(entry: &ListEntry, rows_x: usize) -> impl Iterator<Item = usize> {
    let columns = entry.x_first as usize..=entry.x_last as usize;
    (entry.y_first as usize..=entry.y_last as usize).flat_map(move |y| columns.clone().map(move |x| y * rows_x + x))
}

/// Access words of results in a row.
fn result_words(config: &AmpConfig, command: &CommandWork) -> usize {
    command.result.words(config, command.columns)
}

/// Access words of partial sums in a row: of all lanes that are stored.
fn partial_words(config: &AmpConfig, command: &CommandWork) -> usize {
    let stored = command.columns.next_multiple_of(command.result.in_word(config));
    command.partial.map_or(0, |partial| partial.words(config, stored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tile::TileConfig;

    fn cycles(config: &TileConfig, commands: &[(usize, usize)], k_counts: &[usize]) -> u64 {
        let mut timeline = Timeline::new(config.amp());
        for &(rows, columns) in commands {
            timeline.push(&CommandWork { rows, columns, result: Stored::Fp32, partial: None, k_counts });
        }
        timeline.end()
    }

    #[test]
    fn long_commands_cost_their_steps_and_the_last_results() {
        let ipu64 = TileConfig::ipu64();
        let (one, two) = (cycles(&ipu64, &[(64, 16)], &[16; 64]), cycles(&ipu64, &[(64, 16); 2], &[16; 64]));
        assert_eq!(two - one, 64 * 4 * 64);
        assert!((64 * 4 * 64 + 512..64 * 4 * 64 + 512 + 80).contains(&one), "{one}");
    }

    #[test]
    fn few_rows_wait_for_weights_and_for_the_accumulator() {
        let cost_of_a_block = |config: &TileConfig, rows| {
            (cycles(config, &[(rows, 16)], &[16; 40]) - cycles(config, &[(rows, 16)], &[16; 20])) / 20
        };
        assert_eq!(cost_of_a_block(&TileConfig::ipu64(), 1), 64);
        assert_eq!(cost_of_a_block(&TileConfig::ipu64(), 16), 64);
        assert_eq!(cost_of_a_block(&TileConfig::ipu64(), 17), 68);
        // T = 1: 16 phases of the loop's 3 cycles are less than the weights' 64.
        assert_eq!(cost_of_a_block(&TileConfig::small16(), 1), 64);
        assert_eq!(cost_of_a_block(&TileConfig::small16(), 5), 80);
    }

    #[test]
    fn short_commands_wait_for_results() {
        let ipu64 = TileConfig::ipu64();
        let per_command = (cycles(&ipu64, &[(64, 16); 20], &[16]) - cycles(&ipu64, &[(64, 16); 10], &[16])) / 10;
        assert_eq!(per_command, 64 * 8 + 1);
    }
}
