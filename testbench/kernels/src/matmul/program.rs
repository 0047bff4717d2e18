//! The tile program of a chunk: one AMP command for each panel, a block list for each number of rows, and the vector
//! commands of an epilogue.
//!
//! ```text
//!   program region  | AMP | AMP | ... | WAIT | VECTOR | ... | HALT | list | descriptor | descriptor | list | descriptor | ...
//! ```
//! A list holds the blocks of all K. It says nothing about columns: the descriptor's weight address does, so all
//! commands of as many rows share one list.

use std::collections::BTreeMap;

use exchange::schedule::TileLists;
use golden::{Activation, OutputType, Overflow, ReadOut};
use isa::{
    AmpDescriptor, BLOCK, EngineMask, ExchangeDescriptor, LANES, ListEntry, Program, ProgramBuilder, VectorDescriptor,
    WORD_BYTES,
};

use super::layout::{Layout, Region};
use super::panels::Panel;
use crate::epilogue;
use crate::timing::Stored;

/// Words of 8 bytes in a row of a weight block, and in a block.
const BLOCK_ROW_WORDS: u32 = BLOCK * 2 / WORD_BYTES;
const BLOCK_WORDS: u32 = BLOCK * BLOCK_ROW_WORDS;

/// What a launch runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileProgram {
    /// The memory image, without data.
    pub program: Program,
    /// What its commands compute, in order.
    pub panels: Vec<Panel>,
    /// Predicted cycles from START to DONE.
    pub predicted_cycles: u64,
    /// Where the results go.
    pub results: Region,
    /// Where the partial sums or the bias come from.
    pub start: Option<Region>,
}

/// Where a chunk's sums come from and where they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    pub results: Region,
    /// Partial sums, in rows.
    pub partials: Option<Region>,
    /// A bias, one row for all.
    pub bias: Option<Region>,
    /// How partial sums lie in memory, if there are any; a bias is FP32.
    pub partial: Option<Stored>,
    /// How results do.
    pub result: Stored,
    pub read_out: ReadOut,
    /// FP16 results are rounded stochastically.
    pub stochastic: bool,
    /// How weights lie in memory.
    pub weights: WeightLayout,
}

/// How the weights of a product lie in their region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightLayout {
    /// For each 16 columns a row of the region, which is all K, 16 columns each.
    Panels,
    /// A row for each K.
    Rows,
    /// A row for each column: the weights are transposed when they are loaded.
    Columns,
}

impl WeightLayout {
    /// Byte address of the first block of 16 columns.
    fn address(self, region: &Region, column: u32) -> u32 {
        match self {
            WeightLayout::Panels => region.row((column / LANES) as usize),
            WeightLayout::Rows => region.address + column * 2,
            WeightLayout::Columns => region.row(column as usize),
        }
    }

    /// Words from one row of a block to the next.
    fn row_words(self, region: &Region) -> u32 {
        match self {
            WeightLayout::Panels => BLOCK_ROW_WORDS,
            WeightLayout::Rows | WeightLayout::Columns => region.pitch_words,
        }
    }

    /// Words from one block of K to the next.
    fn block_words(self, region: &Region) -> u32 {
        match self {
            WeightLayout::Panels => BLOCK_WORDS,
            WeightLayout::Rows => BLOCK * region.pitch_words,
            WeightLayout::Columns => BLOCK_ROW_WORDS,
        }
    }
}

/// Bytes that a program for these panels takes.
pub fn program_bytes(panels: &[Panel], blocks: usize, epilogue: &[VectorDescriptor]) -> u32 {
    let lists: std::collections::BTreeSet<usize> = panels.iter().map(|panel| panel.rows.len()).collect();
    let words = panels.len() * (1 + AmpDescriptor::WORDS) + 1 + lists.len() * blocks;
    let words = words + epilogue::program_words(epilogue);
    words as u32 * WORD_BYTES
}

/// Writes the program.
pub fn build(
    layout: &Layout,
    flow: &Flow,
    panels: &[Panel],
    k_counts: &[usize],
    epilogue: &[VectorDescriptor],
) -> Program {
    let commands = panels.len() + 1 + if epilogue.is_empty() { 0 } else { 1 + epilogue.len() };
    let mut writer = Writer::new(layout.program.address, commands, 0);
    panels.iter().for_each(|panel| writer.amp(layout, flow, panel, k_counts));
    if !epilogue.is_empty() {
        writer.builder.wait(EngineMask::AMP);
    }
    epilogue.iter().for_each(|command| writer.vector(command));
    writer.builder.halt();
    writer.finish()
}

/// A program in the making: commands, and behind them the lists and descriptors that they name.
pub struct Writer {
    /// What gets the commands.
    pub builder: ProgramBuilder,
    origin: u32,
    end: u32,
    /// Where the lists of the next exchange go.
    exchange: u32,
    /// Block lists by rows; all of a program's have the same blocks.
    lists: BTreeMap<usize, u32>,
}

impl Writer {
    /// A program of so many commands; the lists of exchanges lie somewhere else, from `exchange` on.
    pub fn new(origin: u32, commands: usize, exchange: u32) -> Self {
        let end = origin + commands as u32 * WORD_BYTES;
        Writer { builder: ProgramBuilder::new(origin), origin, end, exchange, lists: BTreeMap::new() }
    }

    /// Bytes so far, without exchanges.
    pub fn bytes(&self) -> u32 {
        self.end - self.origin
    }

    /// The command of a panel.
    pub fn amp(&mut self, layout: &Layout, flow: &Flow, panel: &Panel, k_counts: &[usize]) {
        let rows = panel.rows.len();
        let known = self.lists.get(&rows).copied();
        let list_address =
            known.unwrap_or_else(|| self.list(&block_list(rows, k_counts, flow.weights, &layout.weights)));
        self.lists.insert(rows, list_address);
        let descriptor = descriptor(layout, flow, panel, (list_address, k_counts.len() as u32));
        let address = self.reserve(AmpDescriptor::WORDS);
        self.builder.amp(address).place_descriptor(address, &descriptor);
    }

    /// Places a block list, and says where.
    pub fn list(&mut self, list: &[ListEntry]) -> u32 {
        let address = self.reserve(list.len());
        self.builder.place_list(address, list);
        address
    }

    /// The address of so many words that nothing else gets.
    pub fn reserve(&mut self, words: usize) -> u32 {
        let address = self.end;
        self.end += words as u32 * WORD_BYTES;
        address
    }

    /// A vector command.
    pub fn vector(&mut self, command: &VectorDescriptor) {
        let words = command.encode().expect("strides and sizes in a tile's memory fit their fields");
        let address = self.reserve(VectorDescriptor::WORDS);
        self.builder.vector(address).place_words(address, &words);
    }

    /// The command that prepares an exchange with these lists.
    pub fn exchange(&mut self, lists: &TileLists) {
        self.exchange += exchange_command(&mut self.builder, lists, self.exchange);
    }

    /// The program.
    pub fn finish(self) -> Program {
        self.builder.finish().expect("addresses below 1 MiB fit every field")
    }
}

/// The descriptor of a panel, without its list, and the list.
pub fn panel_command(
    layout: &Layout,
    flow: &Flow,
    panel: &Panel,
    k_counts: &[usize],
) -> (AmpDescriptor, Vec<ListEntry>) {
    let list = block_list(panel.rows.len(), k_counts, flow.weights, &layout.weights);
    (descriptor(layout, flow, panel, (0, 0)), list)
}

/// The command that prepares an exchange with these lists, which go to `address`. Their bytes.
pub fn exchange_command(builder: &mut ProgramBuilder, lists: &TileLists, address: u32) -> u32 {
    let (sends, receives) = lists.entries();
    let words = ExchangeDescriptor::with_lists(address, &sends, &receives).expect("a schedule fits its fields");
    builder.exchange(address).place_words(address, &words);
    words.len() as u32 * WORD_BYTES
}

/// All blocks along K for `rows` rows.
fn block_list(rows: usize, k_counts: &[usize], weights: WeightLayout, region: &Region) -> Vec<ListEntry> {
    let entry = |(block, &k_count): (usize, &usize)| ListEntry {
        input_offset: (block as u32 * BLOCK_ROW_WORDS) as i32,
        weight_block: block as u32 * weights.block_words(region),
        transposed: weights == WeightLayout::Columns,
        k_count_minus_1: k_count as u32 - 1,
        x_last: rows as u32 - 1,
        ..ListEntry::default()
    };
    k_counts.iter().enumerate().map(entry).collect()
}

/// What a command's descriptor says of how its results leave, and nothing else.
pub fn leaving(read_out: &ReadOut) -> AmpDescriptor {
    AmpDescriptor {
        result_fp16: read_out.output == OutputType::Fp16,
        saturate: read_out.overflow == Overflow::Saturate,
        activation: match read_out.activation {
            Activation::None => isa::Activation::NONE,
            Activation::Relu => isa::Activation::RELU,
        },
        ..AmpDescriptor::default()
    }
}

fn descriptor(layout: &Layout, flow: &Flow, panel: &Panel, (list_address, list_count): (u32, u32)) -> AmpDescriptor {
    let (row, column) = (panel.rows.start, panel.columns.start as u32);
    let partial_bytes = flow.partial.map_or(0, Stored::bytes) as u32;
    let (partial_address, partial_stride_x) = match (flow.partials, flow.bias) {
        (Some(partials), _) => (partials.row(row) + column * partial_bytes, partials.pitch_words as i32),
        (None, Some(bias)) => (bias.address + column * 4, 0),
        (None, None) => (0, 0),
    };
    AmpDescriptor {
        rows_x: panel.rows.len() as u32,
        rows_y: 1,
        columns: panel.columns.len() as u32,
        partial_in: flow.partials.is_some() || flow.bias.is_some(),
        partial_exact: flow.partial == Some(Stored::ExactSum),
        result_fp16: flow.result == Stored::Fp16,
        result_exact: flow.result == Stored::ExactSum,
        stochastic: flow.stochastic && flow.result == Stored::Fp16,
        list_count,
        input_address: layout.inputs.row(row),
        input_stride_x: layout.inputs.pitch_words as i32,
        list_address,
        weight_address: flow.weights.address(&layout.weights, column),
        weight_stride: flow.weights.row_words(&layout.weights) as i32,
        result_address: flow.results.row(row) + column * flow.result.bytes() as u32,
        result_stride_x: flow.results.pitch_words as i32,
        partial_address,
        partial_stride_x,
        ..leaving(&flow.read_out)
    }
}
