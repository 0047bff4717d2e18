//! Predicts the cycles of a product on many tiles.
//!
//! ```text
//!   tile 0  EXCHANGE SYNC |....... words .......| AMP ............ | EXCHANGE SYNC |... sums ...| AMP ... HALT
//!   tile 1  EXCHANGE SYNC |....... words ....|    AMP .........    |          SYNC |... sums ...| AMP ... HALT
//!           prepare       ^ all tiles at once                      ^ the slowest decides
//! ```

use exchange::GridConfig;
use exchange::schedule::{Schedule, TileLists};
use isa::{BLOCK, LANES};
use tile::TileConfig;
use tile::exchange_port::QUEUE_PLACES;

use super::partition::Partition;
use crate::matmul::MatmulProblem;

/// From a command's turn to be fetched to its execution.
const FETCH_CYCLES: u64 = 3;
/// From an EXCHANGE to the prepared port without lists; and for each entry that the queues take.
const PREPARE_CYCLES: u64 = 6;
const ENTRY_CYCLES: u64 = 2;
/// Beyond that, from the last entry that is asked for to the prepared port.
const LAST_ENTRY_CYCLES: u64 = 2;
/// Cycles of a product on many tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Predicted {
    /// From START to DONE of the last tile.
    pub total: u64,
    /// While AMPs work: those of the longest tile in each stage, over all stages.
    pub compute: u64,
    /// While words travel: the makespans of all exchanges.
    pub exchange: u64,
}

impl Predicted {
    /// What is neither: commands, lists, barriers. Less where one tile computes while words of others travel.
    pub fn overhead(&self) -> u64 {
        self.total.saturating_sub(self.compute + self.exchange)
    }
}

/// What all tiles do between two barriers: the exchange that begins it, and each tile's cycles of computing.
pub struct Stage<'a> {
    /// What is exchanged.
    pub exchange: Option<&'a Schedule>,
    /// By tile; `None` where it has nothing to compute.
    pub compute: Vec<Option<Compute>>,
}

/// The AMP commands of a tile between two barriers, as if the program began with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compute {
    /// When the sequencer has handed over the last.
    pub issued: u64,
    /// When the last is done.
    pub cycles: u64,
}

/// Predicts whole programs.
pub fn predict(config: &GridConfig, stages: &[Stage]) -> Predicted {
    let tiles = config.tiles();
    let machine = config.machine();
    let mut predicted = Predicted::default();
    // When each tile's next command can be fetched.
    let mut next = vec![1; tiles];
    // When each tile's AMP is idle again.
    let mut idle = vec![0; tiles];
    for stage in stages {
        if let Some(exchange) = stage.exchange {
            let arrivals = (0..tiles).map(|tile| arrival(&exchange.tiles[tile], next[tile], idle[tile]));
            let last = arrivals.max().expect("at least one tile");
            let released = last + config.sync().latency_cycles() as u64;
            for (tile, next) in next.iter_mut().enumerate() {
                let lists = &exchange.tiles[tile];
                let busy = config.exchange_port().idle_after_cycles(lists.end_cycle(&machine));
                let ended = if lists.is_empty() { 0 } else { busy };
                *next = released + ended.max(1 + FETCH_CYCLES) + 1;
            }
            predicted.exchange += exchange.makespan_cycles;
        }
        for (tile, compute) in stage.compute.iter().enumerate() {
            let Some(Compute { issued, cycles }) = *compute else { continue };
            idle[tile] = next[tile] - 1 + cycles;
            next[tile] += issued;
        }
        let cycles = stage.compute.iter().flatten().map(|compute| compute.cycles);
        predicted.compute += cycles.max().unwrap_or(0);
    }
    let end = |tile: usize| idle[tile].max(next[tile] + FETCH_CYCLES + 1);
    predicted.total = (0..tiles).map(end).max().expect("at least one tile");
    predicted
}

/// When a tile whose next command is fetched in cycle `next` and whose AMP is idle in cycle `idle` arrives at a barrier.
fn arrival(lists: &TileLists, next: u64, idle: u64) -> u64 {
    let command = FETCH_CYCLES + 1;
    // EXCHANGE, where there is something to exchange; WAIT; SYNC.
    let (prepared, wait) = if lists.is_empty() {
        (0, next)
    } else {
        let entries = lists.sends.len().min(QUEUE_PLACES) + lists.receives.len().min(QUEUE_PLACES);
        let lists = if entries == 0 { 0 } else { ENTRY_CYCLES * entries as u64 + LAST_ENTRY_CYCLES };
        (next + FETCH_CYCLES + PREPARE_CYCLES + lists, next + command)
    };
    let waited = if idle == 0 { wait } else { idle.max(wait + command) };
    prepared.max(waited + FETCH_CYCLES)
}

/// About how many cycles a partition takes: the largest tile's blocks, the busiest port's words, and each barrier.
pub fn rough(config: &GridConfig, problem: &MatmulProblem, partition: Partition) -> u64 {
    /// Commands, lists and the end of the pipelines, around each barrier.
    const STAGE_CYCLES: usize = 150;
    let most = |size: usize, block: usize, parts: usize| size.div_ceil(block).div_ceil(parts) * block;
    let (Partition { m, n, k }, shape) = (partition, problem.shape);
    let (rows, columns) = (shape.m.div_ceil(m), most(shape.n, LANES as usize, n));
    let k_part = most(shape.k, BLOCK as usize, k);
    let lane_words = config.machine().lane_words;
    let gather = rows * k_part / 2 * (n - 1) / n + columns * k_part / 2 * (m - 1) / m;
    let sums = (k - 1) * rows * most(columns, LANES as usize, k) * problem.sums().bytes() / 4;
    let computed = tile_cycles(&config.tile, rows, k * most(columns, LANES as usize, k), k_part);
    (computed + (gather + sums).div_ceil(lane_words) + k * STAGE_CYCLES) as u64
}

/// About how many cycles a tile computes.
fn tile_cycles(config: &TileConfig, rows: usize, columns: usize, k: usize) -> usize {
    let amp = config.amp();
    let block_load = BLOCK as usize * BLOCK as usize / 4 / amp.access_words();
    let block = |rows: usize| (amp.phases() * rows.max(amp.loop_cycles())).max(block_load);
    let rest = rows % config.rows;
    let all_rows = rows / config.rows * block(config.rows) + if rest == 0 { 0 } else { block(rest) };
    all_rows * columns.div_ceil(LANES as usize) * k.div_ceil(BLOCK as usize)
}
