//! Rectangles of output pixels, and the block lists that they meet.

use std::collections::HashMap;
use std::ops::Range;

use accumulators::AmpConfig;
use golden::ConvolutionShape;
use isa::{BLOCK, ListEntry, WORD_BYTES};

/// Words of 8 bytes in a row of a weight block, and in a block.
pub const BLOCK_ROW_WORDS: u32 = BLOCK * 2 / WORD_BYTES;
pub const BLOCK_WORDS: u32 = BLOCK * BLOCK_ROW_WORDS;

/// About what a command costs beside its blocks.
const COMMAND_CYCLES: usize = 8;

/// How the pixels of an image lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelLayout {
    /// Words of 8 bytes of a group of a pixel, and of all groups.
    pub group_words: u32,
    pub pixel_words: u32,
}

/// Output pixels that one command computes, of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rectangle {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
    /// Index into [`Band::lists`]; `None` where every tap is in the padding.
    pub list: Option<usize>,
}

/// Output rows that are computed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Output rows.
    pub rows: Range<usize>,
    /// Input rows that they need; empty where there are only padding.
    pub input_rows: Range<usize>,
    pub rectangles: Vec<Rectangle>,
    /// Block lists, each once.
    pub lists: Vec<Vec<ListEntry>>,
}

/// A list entry cannot reach a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfReach;

impl Rectangle {
    /// Output pixels.
    pub fn pixels(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

impl Band {
    /// Cuts a band into the rectangles that take the fewest cycles.
    pub fn new(
        shape: &ConvolutionShape,
        amp: &AmpConfig,
        pixels: PixelLayout,
        rows: Range<usize>,
    ) -> Result<Band, OutOfReach> {
        let [_, output_columns] = shape.output();
        let sides = (1..=output_columns.min(amp.rows)).map(|width| [rows.len().min(amp.rows / width), width]);
        let cost = |sides: &[usize; 2]| -> usize {
            let cycles = |(rows, columns)| cycles_of(shape, amp, &rows, &columns) + COMMAND_CYCLES;
            cut(&rows, output_columns, *sides).map(cycles).sum()
        };
        let sides = sides.min_by_key(cost).expect("at least one column");
        let mut lists: Vec<Vec<ListEntry>> = vec![];
        let mut known: HashMap<Vec<ListEntry>, usize> = HashMap::new();
        let mut rectangles = vec![];
        for (rows, columns) in cut(&rows, output_columns, sides) {
            let list = block_list(shape, pixels, &rows, &columns)?;
            let list = (!list.is_empty()).then(|| {
                *known.entry(list).or_insert_with_key(|list| {
                    lists.push(list.clone());
                    lists.len() - 1
                })
            });
            rectangles.push(Rectangle { rows, columns, list });
        }
        Ok(Band { input_rows: input_rows(shape, &rows), rows, rectangles, lists })
    }

    /// Whether all taps of some rectangle are in the padding.
    pub fn meets_only_padding(&self) -> bool {
        self.rectangles.iter().any(|rectangle| rectangle.list.is_none())
    }

    /// Words of all lists.
    pub fn list_words(&self) -> usize {
        self.lists.iter().map(Vec::len).sum()
    }
}

/// Input rows that output rows need, from the one at the latest that the first output row would begin at without
/// padding: what offsets count from.
fn input_rows(shape: &ConvolutionShape, rows: &Range<usize>) -> Range<usize> {
    let met = |row| (0..shape.kernel[0]).filter_map(move |tap| shape.pixel(0, row, tap));
    let first = rows.clone().flat_map(met).min();
    let last = rows.clone().flat_map(met).max();
    first.zip(last).map_or(0..0, |(first, last)| first.min(rows.start * shape.stride[0])..last + 1)
}

/// Rectangles of these sides, smaller at the ends.
fn cut(
    rows: &Range<usize>,
    columns: usize,
    [height, width]: [usize; 2],
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let rows = rows.clone();
    rows.clone().step_by(height).flat_map(move |row| {
        let rows = row..rows.end.min(row + height);
        (0..columns).step_by(width).map(move |column| (rows.clone(), column..columns.min(column + width)))
    })
}

/// About how many cycles the blocks of a rectangle take, for one panel.
fn cycles_of(shape: &ConvolutionShape, amp: &AmpConfig, rows: &Range<usize>, columns: &Range<usize>) -> usize {
    let load = (BLOCK * BLOCK) as usize / amp.access_values();
    let loop_cycles = amp.loop_cycles();
    let taps = blocks(shape, rows, columns);
    taps.map(|tap| (tap.k_count.div_ceil(amp.terms) * tap.pixels().max(loop_cycles)).max(load)).sum()
}

/// A tap of 16 channels at most, and the output pixels of a rectangle that it meets, counted from its first.
struct TapBlock {
    /// Of the filter.
    tap: [usize; 2],
    /// Of the group's channels.
    channel_block: usize,
    k_count: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl TapBlock {
    fn pixels(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

/// What a rectangle meets, in the order of the sum.
fn blocks<'s>(
    shape: &'s ConvolutionShape,
    rows: &Range<usize>,
    columns: &Range<usize>,
) -> impl Iterator<Item = TapBlock> + use<'s> {
    let [kernel_rows, kernel_columns] = shape.kernel;
    let met = |axis: usize, outputs: &Range<usize>, taps: usize| -> Vec<Range<usize>> {
        (0..taps).map(|tap| met(shape, axis, outputs, tap)).collect()
    };
    let (met_rows, met_columns) = (met(0, rows, kernel_rows), met(1, columns, kernel_columns));
    let side = BLOCK as usize;
    let channels = shape.group_channels();
    (0..kernel_rows * kernel_columns).flat_map(move |tap| {
        let tap = [tap / kernel_columns, tap % kernel_columns];
        let (rows, columns) = (met_rows[tap[0]].clone(), met_columns[tap[1]].clone());
        let channel_blocks = if rows.is_empty() || columns.is_empty() { 0 } else { channels.div_ceil(side) };
        (0..channel_blocks).map(move |channel_block| TapBlock {
            tap,
            channel_block,
            k_count: side.min(channels - channel_block * side),
            rows: rows.clone(),
            columns: columns.clone(),
        })
    })
}

/// Which of the outputs, counted from the first, have this tap in the image.
fn met(shape: &ConvolutionShape, axis: usize, outputs: &Range<usize>, tap: usize) -> Range<usize> {
    let inside = |output: &usize| shape.pixel(axis, *output, tap).is_some();
    let first = outputs.clone().position(|output| inside(&output));
    let count = outputs.clone().filter(inside).count();
    first.map_or(0..0, |first| first..first + count)
}

/// The list of a rectangle. Offsets count from the pixel that the rectangle's first would be, were there no padding.
fn block_list(
    shape: &ConvolutionShape,
    pixels: PixelLayout,
    rows: &Range<usize>,
    columns: &Range<usize>,
) -> Result<Vec<ListEntry>, OutOfReach> {
    let blocks_of_tap = shape.group_channels().div_ceil(BLOCK as usize);
    let entry = |block: TapBlock| {
        let [y, x] = [0, 1].map(|axis| (block.tap[axis] * shape.dilation[axis]) as i64 - shape.before()[axis] as i64);
        let words = (y * shape.image[1] as i64 + x) * i64::from(pixels.pixel_words);
        let entry = ListEntry {
            input_offset: i32::try_from(words + (block.channel_block as i64) * i64::from(BLOCK_ROW_WORDS))
                .map_err(|_| OutOfReach)?,
            weight_block: ((block.tap[0] * shape.kernel[1] + block.tap[1]) * blocks_of_tap + block.channel_block)
                as u32
                * BLOCK_WORDS,
            k_count_minus_1: block.k_count as u32 - 1,
            transposed: false,
            y_first: block.rows.start as u32,
            y_last: block.rows.end as u32 - 1,
            x_first: block.columns.start as u32,
            x_last: block.columns.end as u32 - 1,
        };
        entry.encode().map(|_| entry).map_err(|_| OutOfReach)
    };
    blocks(shape, rows, columns).map(entry).collect()
}
