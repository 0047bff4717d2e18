//! A tile's part of a product: its lists, its commands, and how its operands lie in memory.
//!
//! ```text
//!   program region  | AMP | AMP | ... | HALT | descriptor | descriptor | ... | list | list | ...
//!   inputs          | 16 K: row 0, row 1, ... | 16 K: row 0, ... | ... | zeros |
//!   weights         | strip | strip | ...                        ... | zeros |
//! ```
//! A block of a list is read from its first strip on and is as long as four; what follows its own strips does not count.
//! Where a panel needs nothing, its results are zeros all the same: a product of zeros.

use std::collections::BTreeSet;
use std::ops::Range;

use golden::SparseMatrix;
use isa::{AmpDescriptor, BLOCK, LANES, ListEntry, WORD_BYTES};
use tile::TileConfig;

use super::SparseProblem;
use super::gather::Panel;
use crate::matmul::grid::part;
use crate::matmul::{Layout, Region, Sizes, Writer, leaving};
use crate::pack::{pack_fp16, unpacked};
use crate::timing::{CommandWork, Timeline};

/// K of a block; words of 8 bytes of a row of it, and of all.
pub const BLOCK_K: usize = BLOCK as usize;
pub const ROW_WORDS: usize = BLOCK_K * 2 / WORD_BYTES as usize;
const BLOCK_WORDS: usize = BLOCK_K * ROW_WORDS;

/// A size of a region that does not fit any memory, whatever else is in it.
const MORE_THAN_MEMORY: usize = 1 << 28;

/// HALT, and on many tiles EXCHANGE, SYNC and WAIT.
pub const OTHER_COMMANDS: usize = 4;

/// What a tile computes between START and DONE, or a part of it.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    pub config: &'a TileConfig,
    pub problem: &'a SparseProblem,
    /// K of a strip.
    pub width: usize,
    /// Columns of X (rows, where it comes first).
    pub dense: &'a Range<usize>,
    /// The blocks of 16 K of X that are in memory, ascending.
    pub blocks: &'a [usize],
    /// In the order of their commands.
    pub panels: &'a [Panel],
}

/// Strips of a panel that a list entry names: neighbours, in one block of K.
struct Entry {
    /// The first, by place among the panel's.
    first: usize,
    k: usize,
    k_count: usize,
}

/// The entries of a panel.
fn entries(panel: &Panel, width: usize, k: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![];
    for (place, strip) in panel.strips.iter().enumerate() {
        let first_k = strip * width;
        let k_count = width.min(k - first_k);
        match entries.last_mut() {
            Some(entry) if entry.k + entry.k_count == first_k && !first_k.is_multiple_of(BLOCK_K) => {
                entry.k_count += k_count;
            }
            _ => entries.push(Entry { first: place, k: first_k, k_count }),
        }
    }
    entries
}

/// Columns of X in parts that a command takes, as equal as can be.
pub fn commands_of(config: &TileConfig, dense: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = dense.div_ceil(config.rows);
    (0..parts).map(move |index| part(dense, parts, index))
}

/// Sorts panels so that results leave early: while one is computed, another's results leave, so what counts is the
/// first one's computation, the last one's results, and the longer of both between.
pub fn sort(panels: &mut [Panel]) {
    panels.sort_by_key(|panel| panel.strips.len());
}

/// Sizes of the regions for so many columns of X, blocks of 16 K, panels and strips.
pub fn sizes(
    config: &TileConfig,
    problem: &SparseProblem,
    width: usize,
    dense: usize,
    [blocks, panels, strips]: [usize; 3],
) -> Sizes {
    let commands = commands_of(config, dense).count();
    let lists = commands_of(config, dense).map(|rows| rows.len()).collect::<BTreeSet<usize>>().len();
    let program = panels * commands * (1 + AmpDescriptor::WORDS) + OTHER_COMMANDS + lists * (strips + panels);
    let result_words = LANES as usize * problem.results().bytes() / WORD_BYTES as usize;
    let bytes = |words: usize| (words * WORD_BYTES as usize).min(MORE_THAN_MEMORY) as u32;
    let region = |rows: usize, row_words: usize| (bytes(rows * row_words), row_words as u32);
    Sizes {
        program: (bytes(program), 0),
        inputs: region(blocks * dense + 1, ROW_WORDS),
        weights: region(strips * width + BLOCK_K, ROW_WORDS),
        results: region(panels * dense, result_words),
        ..Sizes::default()
    }
}

impl Part<'_> {
    /// Number of AMP commands.
    pub fn commands(&self) -> usize {
        self.panels.len() * commands_of(self.config, self.dense.len()).count()
    }

    /// Strips of all panels.
    pub fn strips(&self) -> usize {
        self.panels.iter().map(|panel| panel.strips.len()).sum()
    }

    /// Writes the commands with their lists, and tells the timeline.
    pub fn write(&self, layout: &Layout, writer: &mut Writer, timeline: &mut Timeline) {
        let rows_of_commands: Vec<Range<usize>> = commands_of(self.config, self.dense.len()).collect();
        // Commands say where descriptors are, and so are the same for all patterns.
        let descriptors = (writer.reserve(self.commands() * AmpDescriptor::WORDS)..)
            .step_by(AmpDescriptor::WORDS * WORD_BYTES as usize);
        let mut descriptors = descriptors.take(self.commands());
        let mut strips = 0;
        for (index, panel) in self.panels.iter().enumerate() {
            let entries = entries(panel, self.width, self.problem.k);
            let weights = layout.weights.row(strips * self.width);
            // Lists say how many rows they apply to.
            let mut lists: Vec<(u32, Vec<ListEntry>)> = vec![];
            for rows in &rows_of_commands {
                let list = self.list(&entries, rows.len());
                let known = lists.iter().find(|(_, known)| *known == list).map(|(address, _)| *address);
                let list_address = known.unwrap_or_else(|| writer.list(&list));
                let (input_address, weight_address) = match entries.is_empty() {
                    true => (zeros_address(layout.inputs, ROW_WORDS), zeros_address(layout.weights, BLOCK_WORDS)),
                    false => (layout.inputs.row(rows.start), weights),
                };
                let descriptor = AmpDescriptor {
                    list_address,
                    list_count: list.len() as u32,
                    weight_address,
                    input_address,
                    ..self.descriptor(layout, index, rows)
                };
                let address = descriptors.next().expect("one for each command");
                writer.builder.amp(address).place_descriptor(address, &descriptor);
                let work = CommandWork {
                    rows: rows.len(),
                    columns: panel.sums.len(),
                    result: self.problem.results(),
                    partial: None,
                    k_counts: &[],
                };
                timeline.push_list(&work, rows.len(), &list);
                lists.push((list_address, list));
            }
            strips += panel.strips.len();
        }
    }

    /// The list of a panel for so many columns of X.
    fn list(&self, entries: &[Entry], rows: usize) -> Vec<ListEntry> {
        let entry = |entry: &Entry| {
            let block = self.blocks.binary_search(&(entry.k / BLOCK_K)).expect("the blocks that panels need");
            let words_before = entry.k % BLOCK_K * ROW_WORDS / BLOCK_K;
            ListEntry {
                input_offset: (block * self.dense.len() * ROW_WORDS + words_before) as i32,
                weight_block: (entry.first * self.width * ROW_WORDS) as u32,
                k_count_minus_1: entry.k_count as u32 - 1,
                x_last: rows as u32 - 1,
                ..ListEntry::default()
            }
        };
        // One row of zeros meets one K of zeros.
        if entries.is_empty() { vec![ListEntry::default()] } else { entries.iter().map(entry).collect() }
    }

    /// The descriptor of a panel for some of the columns of X, but for what its list meets.
    fn descriptor(&self, layout: &Layout, panel: usize, rows: &Range<usize>) -> AmpDescriptor {
        AmpDescriptor {
            rows_x: rows.len() as u32,
            rows_y: 1,
            columns: self.panels[panel].sums.len() as u32,
            input_stride_x: ROW_WORDS as i32,
            weight_stride: ROW_WORDS as i32,
            result_address: layout.results.row(panel * self.dense.len() + rows.start),
            result_stride_x: layout.results.pitch_words as i32,
            ..leaving(&self.problem.read_out)
        }
    }

    /// W as the region of weights holds it, without the zeros at its end. `matrix` has a row for each sum.
    pub fn pack_weights(&self, matrix: &SparseMatrix) -> Vec<u64> {
        let lanes = LANES as usize;
        let panel = |panel: &Panel| -> Vec<u16> {
            let mut values = vec![0; panel.strips.len() * self.width * lanes];
            for (lane, &sum) in panel.sums.iter().enumerate() {
                for (k, value) in matrix.row(sum) {
                    let strip = panel.strips.binary_search(&(k / self.width)).expect("the strips of its rows");
                    values[(strip * self.width + k % self.width) * lanes + lane] = value;
                }
            }
            values
        };
        self.panels.iter().flat_map(|of| pack_fp16(&panel(of))).collect()
    }

    /// Some blocks of X as the region of inputs holds them, without the zeros at its end.
    pub fn pack_inputs(&self, dense: &[u16], blocks: &[usize]) -> Vec<u64> {
        let (k, dense_range) = (self.problem.k, self.dense);
        let row = |block: usize, row: usize| -> Vec<u16> {
            let ks = block * BLOCK_K..(block + 1) * BLOCK_K;
            ks.map(|index| if index < k { dense[self.problem.dense_index(index, row)] } else { 0 }).collect()
        };
        let rows = blocks.iter().flat_map(|&block| dense_range.clone().map(move |index| (block, index)));
        rows.flat_map(|(block, index)| pack_fp16(&row(block, index))).collect()
    }

    /// Puts the words of the region of results where they belong.
    pub fn unpack_results(&self, words: &[u64], bits: &mut [u32]) {
        let value_bits = self.problem.results().bytes() * 8;
        let row_words = LANES as usize * value_bits / 64;
        let mut rows = words.chunks(row_words);
        for panel in self.panels {
            for (dense, words) in self.dense.clone().zip(rows.by_ref()) {
                for (lane, &sum) in panel.sums.iter().enumerate() {
                    bits[self.problem.result_index(sum, dense)] = unpacked(words, value_bits, lane);
                }
            }
        }
    }

    /// Words of the region of results.
    pub fn result_words(&self, layout: &Layout) -> usize {
        self.panels.len() * self.dense.len() * layout.results.pitch_words as usize
    }
}

/// What the regions of inputs and weights end with: zeros, with their addresses.
pub fn zeros(layout: &Layout) -> [(u32, Vec<u64>); 2] {
    [(layout.inputs, ROW_WORDS), (layout.weights, BLOCK_WORDS)]
        .map(|(region, words)| (zeros_address(region, words), vec![0; words]))
}

fn zeros_address(region: Region, words: usize) -> u32 {
    region.end() - words as u32 * WORD_BYTES
}

/// Blocks of 16 K that some panels need, ascending.
pub fn blocks_of<'p>(panels: impl IntoIterator<Item = &'p Panel>, width: usize) -> BTreeSet<usize> {
    panels.into_iter().flat_map(|panel| &panel.strips).map(|strip| strip * width / BLOCK_K).collect()
}
