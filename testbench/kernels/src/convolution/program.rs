//! The tile program of a launch, or of a tile among many, which first receives: an AMP command for each panel and
//! rectangle.
//!
//! ```text
//!   program region  | [EXCHANGE] SYNC WAIT | AMP | AMP | ... | [WAIT VECTOR ...] HALT | list | list | ... | descriptor | descriptor | ... |
//! ```

use exchange::schedule::TileLists;
use isa::{AmpDescriptor, EngineMask, LANES, ListEntry, Program, ProgramBuilder, VectorDescriptor, WORD_BYTES};
use tile::TileConfig;

use super::epilogue;
use super::plan::Panel;
use super::rectangles::{BLOCK_ROW_WORDS, BLOCK_WORDS, Band, PixelLayout, Rectangle};
use super::{ConvolutionProblem, plan::Regions};
use crate::matmul::{exchange_command, leaving};
use crate::timing::{CommandWork, Stored, Timeline};
use crate::vector::timing::sequence_cycles;

/// What a rectangle meets whose taps are all in the padding: one product of zeros, by each of its pixels.
const PADDING_LIST: usize = 1;

/// What a program computes: some filters of a band of some images.
pub struct Work<'a> {
    pub config: &'a TileConfig,
    pub problem: &'a ConvolutionProblem,
    pub pixels: PixelLayout,
    pub regions: &'a Regions,
    pub band: &'a Band,
    pub panels: &'a [Panel],
    /// Images, one behind the other in memory.
    pub images: usize,
}

/// Words of a program that computes so many panels of so many images.
pub fn program_words(band: &Band, panels: usize, images: usize) -> usize {
    let commands = band.rectangles.len() * panels * images;
    // A list of its own for each rectangle in the padding, at most.
    let in_padding = band.rectangles.iter().filter(|rectangle| rectangle.list.is_none()).count() * PADDING_LIST;
    commands * (1 + AmpDescriptor::WORDS) + OTHER_COMMANDS + band.list_words() + in_padding
}

/// HALT, and before the AMP's commands EXCHANGE, SYNC and WAIT.
const OTHER_COMMANDS: usize = 4;

/// Words of inputs that are zero, behind the pixels: what rectangles in the padding meet. A block of weights that are
/// zero lies behind the weights.
pub const ZERO_INPUT_WORDS: u32 = BLOCK_ROW_WORDS;

fn zero_inputs(regions: &Regions) -> u32 {
    regions.inputs.end() - ZERO_INPUT_WORDS * WORD_BYTES
}

fn zero_weights(regions: &Regions) -> u32 {
    regions.weights.end() - BLOCK_WORDS * WORD_BYTES
}

/// A program, and its AMP commands in time, as if it began with them.
pub struct Draft {
    pub program: Program,
    pub timeline: Timeline,
    /// Cycles of the epilogue behind them.
    pub epilogue_cycles: u64,
}

/// What a program does first: it receives what others have. Lists of the tile, and where they go.
pub struct Exchange<'a> {
    pub lists: &'a TileLists,
    pub address: u32,
}

/// Writes a program.
pub fn build(work: &Work, exchange: Option<Exchange>) -> Draft {
    let Work { config, problem, regions, band, panels, images, .. } = *work;
    let mut builder = ProgramBuilder::new(regions.program.address);
    let [_, output_columns] = problem.shape.output();
    let epilogue = epilogue::commands(problem, regions, images * band.rows.len() * output_columns, panels);
    // WAIT, and the commands themselves.
    let epilogue_commands = if epilogue.is_empty() { 0 } else { 1 + epilogue.len() };
    let commands = band.rectangles.len() * panels.len() * images + OTHER_COMMANDS + epilogue_commands;
    let mut end = regions.program.address + commands as u32 * WORD_BYTES;
    let mut place = |builder: &mut ProgramBuilder, list: &[ListEntry]| {
        let address = end;
        builder.place_list(address, list);
        end += list.len() as u32 * WORD_BYTES;
        address
    };
    let lists: Vec<u32> = band.lists.iter().map(|list| place(&mut builder, list)).collect();
    let padding_list = |rectangle: &Rectangle| {
        let (y_last, x_last) = (rectangle.rows.len() as u32 - 1, rectangle.columns.len() as u32 - 1);
        vec![ListEntry { y_last, x_last, ..ListEntry::default() }]
    };
    let placed: Vec<(u32, Vec<ListEntry>)> = band
        .rectangles
        .iter()
        .map(|rectangle| match rectangle.list {
            Some(list) => (lists[list], band.lists[list].clone()),
            None => {
                let list = padding_list(rectangle);
                (place(&mut builder, &list), list)
            }
        })
        .collect();

    receive(&mut builder, exchange);
    let mut timeline = Timeline::new(config.amp());
    for (index, panel) in panels.iter().enumerate() {
        for image in 0..images {
            for (rectangle, (list_address, list)) in band.rectangles.iter().zip(&placed) {
                let descriptor = work.descriptor((image, index), panel, rectangle, (*list_address, list.len() as u32));
                builder.amp(end).place_descriptor(end, &descriptor);
                end += AmpDescriptor::WORDS as u32 * WORD_BYTES;
                let work = CommandWork {
                    rows: rectangle.pixels(),
                    columns: panel.filters.len(),
                    result: problem.amp_results(),
                    partial: problem.bias.then_some(Stored::Fp32),
                    k_counts: &[],
                };
                timeline.push_list(&work, rectangle.columns.len(), list);
            }
        }
    }
    if !epilogue.is_empty() {
        builder.wait(EngineMask::AMP);
    }
    for command in &epilogue {
        let words = command.encode().expect("strides and sizes in a tile's memory fit their fields");
        builder.vector(end).place_words(end, &words);
        end += VectorDescriptor::WORDS as u32 * WORD_BYTES;
    }
    builder.halt();
    if band.meets_only_padding() {
        builder.place_words(zero_inputs(regions), &[0; ZERO_INPUT_WORDS as usize]);
        builder.place_words(zero_weights(regions), &[0; BLOCK_WORDS as usize]);
    }
    let program = builder.finish().expect("addresses below 1 MiB fit every field");
    Draft { program, timeline, epilogue_cycles: sequence_cycles(&epilogue, config) }
}

/// Writes the program of a tile that computes nothing.
pub fn idle(regions: &Regions, exchange: Option<Exchange>) -> Program {
    let mut builder = ProgramBuilder::new(regions.program.address);
    receive(&mut builder, exchange);
    builder.halt();
    builder.finish().expect("addresses below 1 MiB fit every field")
}

/// The commands of an exchange.
fn receive(builder: &mut ProgramBuilder, exchange: Option<Exchange>) {
    let Some(Exchange { lists, address }) = exchange else { return };
    if !lists.is_empty() {
        exchange_command(builder, lists, address);
    }
    builder.sync(0).wait(EngineMask::EXCHANGE);
}

impl Work<'_> {
    /// The AMP command of a panel, the `index`th, and a rectangle of an image.
    pub fn descriptor(
        &self,
        (image, index): (usize, usize),
        panel: &Panel,
        rectangle: &Rectangle,
        (list_address, list_count): (u32, u32),
    ) -> AmpDescriptor {
        let Work { problem, regions, band, .. } = *self;
        let (shape, results) = (&problem.shape, regions.amp_results(problem));
        let (rows_x, rows_y) = (rectangle.columns.len() as u32, rectangle.rows.len() as u32);
        let ([input_stride_x, input_stride_y], input_address, weight_address) = match rectangle.list {
            Some(list) => {
                let row = rectangle.rows.start * shape.stride[0] - band.input_rows.start;
                let row = image * band.input_rows.len() + row;
                let pixel = row * shape.image[1] + rectangle.columns.start * shape.stride[1];
                let words = pixel as u32 * self.pixels.pixel_words + panel.group as u32 * self.pixels.group_words;
                (
                    self.input_strides(&band.lists[list]),
                    regions.inputs.address + words * WORD_BYTES,
                    regions.weights.row(index),
                )
            }
            None => ([0, 0], zero_inputs(regions), zero_weights(regions)),
        };
        let [_, output_columns] = shape.output();
        let row = image * band.rows.len() + rectangle.rows.start - band.rows.start;
        let result_pixel = row * output_columns + rectangle.columns.start;
        AmpDescriptor {
            rows_x,
            rows_y,
            columns: panel.filters.len() as u32,
            partial_in: problem.bias,
            list_count,
            input_address,
            input_stride_x,
            input_stride_y,
            list_address,
            weight_address,
            weight_stride: BLOCK_ROW_WORDS as i32,
            result_address: results.row(result_pixel) + panel.result_offset,
            result_stride_x: results.pitch_words as i32,
            result_stride_y: (output_columns as u32 * results.pitch_words) as i32,
            partial_address: if problem.bias { regions.bias.row(index) } else { 0 },
            ..leaving(&problem.amp_read_out())
        }
    }

    /// Words from one output pixel's input to the next, in x and in y. Where the pixels beyond the first are all in the
    /// padding, a stride may be too long for its field; then it is 0, since no entry goes there.
    fn input_strides(&self, list: &[ListEntry]) -> [i32; 2] {
        let shape = &self.problem.shape;
        let pixel = self.pixels.pixel_words as usize;
        let used = |last: fn(&ListEntry) -> u32, words: usize| {
            if list.iter().any(|entry| last(entry) > 0) { words as i32 } else { 0 }
        };
        [
            used(|entry| entry.x_last, shape.stride[1] * pixel),
            used(|entry| entry.y_last, shape.stride[0] * shape.image[1] * pixel),
        ]
    }
}

/// Bytes of a panel's bias: one FP32 number a lane.
pub const BIAS_BYTES: u32 = 4 * LANES;
