//! The tile program of a launch: one AMP command for each panel and rectangle.
//!
//! ```text
//!   program region  | AMP | AMP | ... | HALT | list | list | ... | descriptor | descriptor | ... | zeros |
//! ```

use golden::{Activation, OutputType, Overflow, ReadOut};
use isa::{AmpDescriptor, LANES, ListEntry, Program, ProgramBuilder, WORD_BYTES};
use tile::TileConfig;

use super::plan::Panel;
use super::rectangles::{BLOCK_ROW_WORDS, BLOCK_WORDS, Band, PixelLayout, Rectangle};
use super::{ConvolutionProblem, plan::Regions};
use crate::timing::{CommandWork, Stored, Timeline};

/// What a rectangle meets whose taps are all in the padding: one product of zeros, by each of its pixels.
const PADDING_LIST: usize = 1;

/// Words of a program.
pub fn program_words(band: &Band, panels: usize) -> usize {
    let commands = band.rectangles.len() * panels;
    // A list of its own for each rectangle in the padding, at most.
    let in_padding = band.rectangles.iter().filter(|rectangle| rectangle.list.is_none()).count() * PADDING_LIST;
    commands * (1 + AmpDescriptor::WORDS) + 1 + band.list_words() + in_padding + 2 * BLOCK_WORDS as usize
}

/// A program, and the cycles from START to DONE that it is predicted to take.
pub struct Draft {
    pub program: Program,
    pub predicted_cycles: u64,
}

/// Writes the program of a band for some panels.
pub fn build(
    config: &TileConfig,
    problem: &ConvolutionProblem,
    pixels: PixelLayout,
    regions: &Regions,
    band: &Band,
    panels: &[Panel],
) -> Draft {
    let mut builder = ProgramBuilder::new(regions.program.address);
    let mut end = regions.program.address + (band.rectangles.len() * panels.len() + 1) as u32 * WORD_BYTES;
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
    let access = config.amp().access_words() as u32 * WORD_BYTES;
    let zeros = (end + (band.rectangles.len() * panels.len() * AmpDescriptor::WORDS) as u32 * WORD_BYTES)
        .next_multiple_of(access);

    let mut timeline = Timeline::new(config.amp());
    let command = Command { problem, pixels, regions, band, zeros };
    for (index, panel) in panels.iter().enumerate() {
        for (rectangle, (list_address, list)) in band.rectangles.iter().zip(&placed) {
            let descriptor = command.descriptor(index, panel, rectangle, (*list_address, list.len() as u32));
            builder.amp(end).place_descriptor(end, &descriptor);
            end += AmpDescriptor::WORDS as u32 * WORD_BYTES;
            let work = CommandWork {
                rows: rectangle.pixels(),
                columns: panel.filters.len(),
                result: results(&problem.read_out),
                partial: problem.bias.then_some(Stored::Fp32),
                k_counts: &[],
            };
            timeline.push_blocks(&work, list.iter().map(entry_work));
        }
    }
    builder.halt();
    if band.rectangles.iter().any(|rectangle| rectangle.list.is_none()) {
        builder.place_words(zeros, &[0; BLOCK_WORDS as usize]);
    }
    let program = builder.finish().expect("addresses below 1 MiB fit every field");
    Draft { program, predicted_cycles: timeline.end() }
}

/// How results lie in memory.
pub fn results(read_out: &ReadOut) -> Stored {
    match read_out.output {
        OutputType::Fp32 => Stored::Fp32,
        OutputType::Fp16 => Stored::Fp16,
    }
}

/// Rows that a block meets, and its valid K.
pub fn entry_work(entry: &ListEntry) -> (usize, usize) {
    let rows = (entry.y_last - entry.y_first + 1) * (entry.x_last - entry.x_first + 1);
    (rows as usize, entry.k_count() as usize)
}

/// What all commands of a program have in common.
pub struct Command<'a> {
    pub problem: &'a ConvolutionProblem,
    pub pixels: PixelLayout,
    pub regions: &'a Regions,
    pub band: &'a Band,
    /// Byte address of zeros, where there are rectangles in the padding.
    pub zeros: u32,
}

impl Command<'_> {
    /// The AMP command of a panel, the `index`th, and a rectangle.
    pub fn descriptor(
        &self,
        index: usize,
        panel: &Panel,
        rectangle: &Rectangle,
        (list_address, list_count): (u32, u32),
    ) -> AmpDescriptor {
        let Command { problem, regions, band, .. } = *self;
        let (shape, read_out) = (&problem.shape, problem.read_out);
        let (rows_x, rows_y) = (rectangle.columns.len() as u32, rectangle.rows.len() as u32);
        let ([input_stride_x, input_stride_y], input_address, weight_address) = match rectangle.list {
            Some(_) => {
                let row = rectangle.rows.start * shape.stride[0] - band.input_rows.start;
                let pixel = row * shape.image[1] + rectangle.columns.start * shape.stride[1];
                let words = pixel as u32 * self.pixels.pixel_words + panel.group as u32 * self.pixels.group_words;
                (self.input_strides(), regions.inputs.address + words * WORD_BYTES, regions.weights.row(index))
            }
            None => ([0, 0], self.zeros, self.zeros),
        };
        let [_, output_columns] = shape.output();
        let result_pixel = (rectangle.rows.start - band.rows.start) * output_columns + rectangle.columns.start;
        // A rectangle of one row or column has no use for a stride, which may be too long for its field.
        let used = |count: u32, stride: i32| if count > 1 { stride } else { 0 };
        AmpDescriptor {
            rows_x,
            rows_y,
            columns: panel.filters.len() as u32,
            partial_in: problem.bias,
            result_fp16: read_out.output == OutputType::Fp16,
            saturate: read_out.overflow == Overflow::Saturate,
            activation: match read_out.activation {
                Activation::None => isa::Activation::NONE,
                Activation::Relu => isa::Activation::RELU,
            },
            list_count,
            input_address,
            input_stride_x: used(rows_x, input_stride_x),
            input_stride_y: used(rows_y, input_stride_y),
            list_address,
            weight_address,
            weight_stride: BLOCK_ROW_WORDS as i32,
            result_address: regions.results.row(result_pixel) + panel.result_offset,
            result_stride_x: regions.results.pitch_words as i32,
            result_stride_y: used(rows_y, (output_columns as u32 * regions.results.pitch_words) as i32),
            partial_address: if problem.bias { regions.bias.row(index) } else { 0 },
            ..AmpDescriptor::default()
        }
    }

    /// Words from one output pixel's input to the next, in x and in y.
    fn input_strides(&self) -> [i32; 2] {
        let shape = &self.problem.shape;
        let pixel = self.pixels.pixel_words as usize;
        [shape.stride[1] * pixel, shape.stride[0] * shape.image[1] * pixel].map(|words| words as i32)
    }
}

/// Bytes of a panel's bias: one FP32 number a lane.
pub const BIAS_BYTES: u32 = 4 * LANES;
