//! Predicts how many cycles a sequence of AMP commands takes.
//!
//! An event model of the engine's units as they hand blocks to one another (`tile/src/engine`), at the granularity of
//! a phase. It assumes that no two streams meet in a bank.
//!
//! ```text
//!   descriptors |c0 |c1 |                           a ring of four slots
//!   entries         |b0|b1|                         one entry at a time
//!   loader             |block 0|    |block 1|       one block ahead of the stepper, two buffers
//!   stepper               |block 0 ....|block 1 ....|        phases of max(rows, accumulator loop) cycles
//!   preloader   |half 0 |                           before the first step of the command
//!   drainer                                    |half 0 ...|  while the other half is stepped
//! ```

use accumulators::AmpConfig;
use accumulators::config::BLOCK;

/// What of an AMP command its duration depends on.
#[derive(Debug, Clone, Copy)]
pub struct CommandWork<'a> {
    /// Rows.
    pub rows: usize,
    /// Result columns.
    pub columns: usize,
    /// Results leave as FP16.
    pub result_fp16: bool,
    /// Sums start from partial sums.
    pub partial_in: bool,
    /// Valid K of each block of the list.
    pub k_counts: &'a [usize],
}

/// From a request to the memory to its data.
const SRAM_CYCLES: u64 = 2;
/// Slots of the descriptor ring.
const SLOTS: usize = 4;
/// From the host's START to the first AMP command in the engine's queue.
const START_CYCLES: u64 = 8;
/// From a command in the queue to its descriptor in the ring, and between descriptors.
const DESCRIPTOR_CYCLES: u64 = 10;
/// From a descriptor in the ring to its first block, from a block taken to the next.
const ENTRY_CYCLES: u64 = 7;
/// From the loader taking a block to its first request.
const LOADER_START_CYCLES: u64 = 1;
/// From the last request of a group of weights to the first step that may use it.
const GROUP_CYCLES: u64 = SRAM_CYCLES + 1;
/// From the last row issued to the drainer seeing it stepped, less the AMP's own latency.
const STEPPED_CYCLES: u64 = SRAM_CYCLES + 2;
/// From the last request of the drainer to the half being free.
const DRAINED_CYCLES: u64 = accumulators::amp::DRAIN_CYCLES as u64 + 2;
/// From the last request for partial sums to the first row that may be issued.
const PRELOADED_CYCLES: u64 = SRAM_CYCLES + 3;
/// From the last result written to the end of the program.
const HALT_CYCLES: u64 = 4;

/// The engine while it works through commands. Times are in cycles since START.
#[derive(Debug, Clone)]
pub struct Timeline {
    config: AmpConfig,
    /// When each of the last commands left the ring, the oldest first.
    freed: [u64; SLOTS],
    /// When the last descriptor was fetched.
    fetched: u64,
    /// When the entry reader can offer the next block.
    entry_free: u64,
    /// When the loader can begin the next block: it is done with the last.
    loader_free: u64,
    /// When the stepper took the last block: the loader may begin the next one.
    taken: u64,
    /// When the stepper can issue the next row.
    issue_free: u64,
    preload_free: u64,
    drain_free: u64,
    /// When each half is drained; the half of the next command first.
    drained: [u64; 2],
}

impl Timeline {
    /// An idle engine at START.
    pub fn new(config: AmpConfig) -> Self {
        Timeline {
            config,
            freed: [0; SLOTS],
            fetched: START_CYCLES,
            entry_free: 0,
            loader_free: 0,
            taken: 0,
            issue_free: 0,
            preload_free: 0,
            drain_free: 0,
            drained: [0; 2],
        }
    }

    /// One more command.
    pub fn push(&mut self, command: &CommandWork) {
        self.fetched = self.fetched.max(self.freed[0]) + DESCRIPTOR_CYCLES;
        self.entry_free = self.entry_free.max(self.fetched);
        let half_ready = self.preload(command);
        for &k_count in command.k_counts {
            self.step_block(command.rows as u64, k_count, half_ready);
        }
        let stepped = self.issue_free + STEPPED_CYCLES + self.config.step_cycles() as u64;
        let words = command.rows * result_words(&self.config, command);
        self.drain_free = self.drain_free.max(stepped) + words as u64;
        let drained = self.drain_free + DRAINED_CYCLES;
        self.drained = [self.drained[1], drained];
        self.freed.rotate_left(1);
        self.freed[SLOTS - 1] = drained;
    }

    /// When the program ends, if nothing more follows.
    pub fn end(&self) -> u64 {
        self.drained[1] + HALT_CYCLES
    }

    /// When the command's half may be stepped.
    fn preload(&mut self, command: &CommandWork) -> u64 {
        let free = self.drained[0].max(self.fetched);
        if !command.partial_in {
            return free;
        }
        let words = command.rows * (2 * command.columns).div_ceil(self.config.access_values());
        self.preload_free = self.preload_free.max(free) + words as u64;
        self.preload_free + PRELOADED_CYCLES
    }

    /// A block: loaded, then stepped phase by phase.
    fn step_block(&mut self, rows: u64, k_count: usize, half_ready: u64) {
        let AmpConfig { terms, accumulator, .. } = self.config;
        let group_values = self.config.access_values();
        let load_start = self.loader_free.max(self.entry_free + ENTRY_CYCLES).max(self.taken);
        self.entry_free = load_start;
        let words = (BLOCK * BLOCK / group_values) as u64;
        self.loader_free = load_start + words;
        self.taken = self.issue_free.max(load_start + LOADER_START_CYCLES);

        let group_words = BLOCK as u64;
        let mut next_issue = self.taken;
        for k in (0..k_count).step_by(terms) {
            let groups = (k / group_values + 1) as u64;
            let loaded = load_start + LOADER_START_CYCLES + groups * group_words + GROUP_CYCLES;
            let first = next_issue.max(loaded).max(half_ready);
            self.issue_free = first + rows;
            next_issue = first + rows.max(accumulator.loop_cycles() as u64);
        }
    }
}

/// Access words of results in a row.
fn result_words(config: &AmpConfig, command: &CommandWork) -> usize {
    let values = if command.result_fp16 { config.access_values() } else { config.access_values() / 2 };
    command.columns.div_ceil(values)
}
