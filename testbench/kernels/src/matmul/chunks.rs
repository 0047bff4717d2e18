//! Which part of a product is in memory at a time.
//!
//! The whole product, if it fits. Otherwise M, N and K are cut into chunks that go through the host port one after
//! the other, so that the cycles of computing and of moving together are as few as possible. K is cut last: an exact
//! accumulator is then rounded to FP32 between chunks, so with it K is cut only if nothing else makes a chunk fit.

use golden::Shape;
use isa::{AmpDescriptor, BLOCK, LANES, ListEntry, WORD_BYTES};
use tile::{Accumulator, TileConfig};

use super::layout::{Sharing, Sizes, access_bytes};
use super::panels::MAX_PIECES;
use super::{MatmulProblem, StartKind};
use crate::epilogue;

const LANE_COUNT: usize = LANES as usize;
const BLOCK_SIDE: usize = BLOCK as usize;
const BLOCK_WORDS: usize = BLOCK_SIDE * BLOCK_SIDE / 4;

/// How a product is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunks {
    /// Largest chunk.
    pub chunk: Shape,
    /// Number of chunks in each direction.
    pub count: Shape,
    /// The columns change slowest, so that weights stay; otherwise the rows do, so that inputs stay.
    pub columns_outer: bool,
}

impl Chunks {
    /// Whether sums are interrupted and continued.
    pub fn splits_k(&self) -> bool {
        self.count.k > 1
    }
}

/// Sizes of the memory regions for chunks of `chunk`, with `program_bytes` of program.
pub fn sizes(problem: &MatmulProblem, config: &TileConfig, chunk: Shape, program_bytes: u32) -> Sizes {
    let splits_k = chunk.k < problem.shape.k;
    let access = access_bytes(config) as usize;
    let Shape { m, n, k } = chunk;
    let rows = |count: usize, row_bytes: usize| {
        let pitch = row_bytes.next_multiple_of(access);
        ((count * pitch) as u32, pitch as u32 / WORD_BYTES)
    };
    let (fp32, fp16) = (4, 2);
    let results = rows(m, n * problem.results().bytes());
    // Reading partial sums touches all columns that share an access with the last one's result.
    let sum = if splits_k { problem.sums().bytes() } else { fp32 };
    let (partial_bytes, partial_pitch) = rows(m, n * sum);
    let partials = (partial_bytes + LANES * sum as u32, partial_pitch);
    Sizes {
        program: (program_bytes, 0),
        inputs: rows(m, k * fp16),
        weights: if problem.transposed_b {
            // A load reads whole blocks, also beyond the last column and the last of K.
            let (bytes, pitch) = rows(n.next_multiple_of(BLOCK_SIDE), k * fp16);
            (bytes + BLOCK * fp16 as u32, pitch)
        } else {
            rows(n.div_ceil(LANE_COUNT), k.div_ceil(BLOCK_SIDE) * BLOCK_WORDS * WORD_BYTES as usize)
        },
        results: if splits_k { partials } else { results },
        partials: if splits_k || problem.start == StartKind::PartialSums { partials } else { (0, 0) },
        bias: if problem.start == StartKind::Bias { rows(1, n.next_multiple_of(LANE_COUNT) * fp32) } else { (0, 0) },
        sums: if problem.epilogue.is_none() { (0, 0) } else { rows(m, n * fp32) },
        residual: if problem.epilogue.residual { rows(m, n * fp16) } else { (0, 0) },
        scratch: (epilogue::scratch_bytes(&problem.epilogue, m, n), 0),
    }
}

/// Most bytes that the program of a chunk takes.
fn program_bytes_at_most(problem: &MatmulProblem, config: &TileConfig, chunk: Shape) -> u32 {
    let commands = chunk.n.div_ceil(LANE_COUNT) * chunk.m.div_ceil(config.rows) + 2 * MAX_PIECES;
    let lists = 3 + 2 * MAX_PIECES;
    let words = commands * (1 + AmpDescriptor::WORDS) + 1 + lists * ListEntry::WORDS * chunk.k.div_ceil(BLOCK_SIDE);
    let words = words + if problem.epilogue.is_none() { 0 } else { epilogue::MAX_PROGRAM_WORDS };
    words as u32 * WORD_BYTES
}

/// Cuts the product so that its chunks fit, and says how regions share banks. `None` if no chunk fits.
pub fn choose(problem: &MatmulProblem, config: &TileConfig) -> Option<(Chunks, Sharing)> {
    Sharing::all().find_map(|sharing| Some((search(problem, config, sharing)?, sharing)))
}

/// The cheapest way to cut, of those where the chunks fit.
fn search(problem: &MatmulProblem, config: &TileConfig, sharing: Sharing) -> Option<Chunks> {
    let Shape { m, n, k } = problem.shape;
    let blocks = k.div_ceil(BLOCK_SIDE);
    let column_panels = n.div_ceil(LANE_COUNT);
    let mut best: Option<(u64, Chunks)> = None;
    let mut counts_that_fit = 0;
    for k_count in counts(blocks) {
        let chunk_k = k.min(blocks.div_ceil(k_count) * BLOCK_SIDE);
        let mut any = false;
        for chunk_m in row_counts(m, config.rows) {
            let chunk_fits = |panels: usize| {
                let chunk = Shape { m: chunk_m, n: n.min(panels * LANE_COUNT), k: chunk_k };
                sizes(problem, config, chunk, program_bytes_at_most(problem, config, chunk)).fit(config, sharing)
            };
            let most_panels = largest(column_panels, chunk_fits);
            if most_panels == 0 {
                continue;
            }
            // As many chunks as that needs, all about as large.
            let n_count = column_panels.div_ceil(most_panels);
            if n_count > 1 && problem.epilogue.needs_whole_rows() {
                continue;
            }
            any = true;
            let chunk_n = n.min(column_panels.div_ceil(n_count) * LANE_COUNT);
            let chunk = Shape { m: chunk_m, n: chunk_n, k: chunk_k };
            let count = Shape { m: m.div_ceil(chunk_m), n: n.div_ceil(chunk_n), k: k.div_ceil(chunk_k) };
            for columns_outer in [false, true] {
                let chunks = Chunks { chunk, count, columns_outer };
                let cost = cost_cycles(problem, config, &chunks);
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, chunks));
                }
            }
        }
        counts_that_fit += usize::from(any);
        let enough = match config.accumulator {
            Accumulator::Exact => 1,
            Accumulator::Fp32 => 4,
        };
        if counts_that_fit == enough {
            break;
        }
    }
    best.map(|(_, chunks)| chunks)
}

/// Numbers of chunks to try: each once up to 8, then in growing steps, and `most` itself.
fn counts(most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |count| Some(count + (count / 8).max(1)))
        .take_while(move |&count| count < most)
        .chain([most])
}

/// Rows of a chunk to try: whole panels in chunks of about the same size, then parts of a panel.
fn row_counts(m: usize, panel_rows: usize) -> impl Iterator<Item = usize> {
    let panels = m.div_ceil(panel_rows);
    let whole = counts(panels).map(move |count| m.min(panels.div_ceil(count) * panel_rows));
    let parts = std::iter::successors(Some(panel_rows / 2), |rows| Some(rows / 2));
    whole.chain(parts.take_while(|&rows| rows > 0).filter(move |&rows| rows < m))
}

/// The largest number up to `most` for which a falling predicate holds; 0 if none.
fn largest(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, most + 1);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

/// About how many cycles it takes to move and to compute.
fn cost_cycles(problem: &MatmulProblem, config: &TileConfig, chunks: &Chunks) -> u64 {
    let Shape { m, n, k } = problem.shape;
    let Chunks { chunk, count, columns_outer } = *chunks;
    // The inner matrix is loaded again and again, unless there is one chunk of it, or a chunk of K between.
    let (a_loads, b_loads) = match (columns_outer, chunks.splits_k()) {
        (_, true) => (count.n, count.m),
        (false, false) => (1, if count.n == 1 { 1 } else { count.m }),
        (true, false) => (if count.m == 1 { 1 } else { count.n }, 1),
    };
    let result_words = m * n / 2;
    let start_words = if problem.start == StartKind::PartialSums { result_words } else { 0 };
    let moved = a_loads * (m * k).div_ceil(4) + b_loads * (k * n).div_ceil(4) + result_words + start_words;

    let amp = config.amp();
    let block_load = BLOCK_WORDS / amp.access_words();
    let block = |rows: usize| (amp.phases() * rows.max(amp.loop_cycles())).max(block_load);
    let rows_of_chunk = |rows: usize| {
        let rest = rows % config.rows;
        rows / config.rows * block(config.rows) + if rest == 0 { 0 } else { block(rest) }
    };
    let all_rows = m / chunk.m * rows_of_chunk(chunk.m) + rows_of_chunk(m % chunk.m);
    let computed = all_rows * n.div_ceil(LANE_COUNT) * k.div_ceil(BLOCK_SIDE);
    let launches = count.m * count.n * count.k;
    (moved + computed + launches * LAUNCH_CYCLES) as u64
}

/// About what a launch costs beside its blocks: start, first load, last drain, registers.
const LAUNCH_CYCLES: usize = 300;
