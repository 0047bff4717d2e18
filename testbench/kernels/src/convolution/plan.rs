//! Which output rows and filters are in memory at a time, and where everything lies.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use exchange::GridError;
use golden::{ConvolutionError, ConvolutionShape, MatmulOptions};
use isa::{BLOCK, LANES, Program, WORD_BYTES};
use thiserror::Error;
use tile::{TileConfig, TileConfigError};

use super::ConvolutionProblem;
use super::epilogue::{self, PANEL_BYTES};
use super::program::{self, BIAS_BYTES, Draft, Work, ZERO_INPUT_WORDS};
use super::rectangles::{BLOCK_WORDS, Band, OutOfReach, PixelLayout};
use crate::epilogue::{EpilogueError, program_words as epilogue_words, scratch_bytes};
use crate::matmul::{Layout, Region, Sharing, Sizes, access_bytes, golden_options};

/// A convolution that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConvolutionPlanError {
    /// The sizes are not those of a convolution.
    #[error(transparent)]
    Shape(#[from] ConvolutionError),
    /// The configuration is not legal.
    #[error(transparent)]
    Config(#[from] TileConfigError),
    /// The machine is not legal.
    #[error(transparent)]
    Machine(#[from] GridError),
    /// No partition over many tiles fits their memory.
    #[error(
        "no partition over {tiles} tiles of {name} fits the {memory_bytes} bytes of a tile; expected a smaller convolution or more \
         tiles, or one, which takes it in parts"
    )]
    Grid {
        /// Tiles of the machine.
        tiles: usize,
        /// Name of the configuration.
        name: String,
        /// Memory of each tile.
        memory_bytes: usize,
    },
    /// An epilogue without a vector engine.
    #[error(transparent)]
    Epilogue(#[from] EpilogueError),
    /// An epilogue on many tiles.
    #[error("an epilogue: expected one tile")]
    OneTile,
    /// Softmax over filters that are not together in memory.
    #[error("softmax over {filters} filters in {groups} groups: expected groups of a multiple of {multiple} filters")]
    Softmax {
        /// Filters.
        filters: usize,
        /// Groups.
        groups: usize,
        /// Sums that begin an access of both engines.
        multiple: usize,
    },
    /// Not even one output row of 16 filters fits.
    #[error(
        "configuration {name} has {memory_bytes} bytes of memory, too few for one output row of 16 filters of this convolution"
    )]
    Memory {
        /// Name of the configuration.
        name: String,
        /// Its memory.
        memory_bytes: usize,
    },
    /// The padding or the dilation is so large that a list entry cannot say how far a tap is.
    #[error("padding and dilation reach {words} words of 8 bytes beyond the image: expected less than 131072")]
    Reach {
        /// How far the farthest tap is.
        words: usize,
    },
}

/// Words of 8 bytes that the offset of a list entry cannot reach.
const REACH_WORDS: usize = 1 << 17;

/// Filters that a command computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// Their group.
    pub group: usize,
    /// The filters, at most 16.
    pub filters: Range<usize>,
    /// Bytes from a pixel's first result, or sum, in memory to theirs.
    pub result_offset: u32,
}

/// How a convolution is computed on a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvolutionPlan {
    /// What is computed.
    pub problem: ConvolutionProblem,
    /// On what.
    pub config: TileConfig,
    /// How a pixel lies in memory.
    pub(super) pixels: PixelLayout,
    /// Where everything lies.
    pub(super) regions: Regions,
    pub(super) bands: Vec<Band>,
    /// Panels that are in memory together.
    pub(super) panels: Vec<Vec<Panel>>,
    /// Each with its predicted cycles.
    pub(super) programs: Vec<(Program, u64)>,
    /// One after the other.
    pub launches: Vec<ConvolutionLaunch>,
}

/// One START of the tile: some filters of a band of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolutionLaunch {
    /// The image.
    pub image: usize,
    /// Index of the band of output rows.
    pub band: usize,
    /// Index of the panels.
    pub panels: usize,
    /// Index of the program.
    pub program: usize,
}

/// Where everything lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regions {
    pub program: Region,
    /// Pixels, a row of the region each.
    pub inputs: Region,
    /// A panel a row.
    pub weights: Region,
    /// Output pixels.
    pub results: Region,
    /// A panel a row; empty without.
    pub bias: Region,
    /// As results are, but FP32; empty without an epilogue.
    pub sums: Region,
    /// As results are, but FP16; empty without.
    pub residual: Region,
    /// What an epilogue keeps between its commands.
    pub scratch: Region,
}

impl Regions {
    /// Those of a layout.
    pub fn of(layout: &Layout) -> Regions {
        let Layout { program, inputs, weights, results, bias, sums, residual, scratch, .. } = *layout;
        Regions { program, inputs, weights, results, bias, sums, residual, scratch }
    }

    /// Where the AMP's results go.
    pub fn amp_results(&self, problem: &ConvolutionProblem) -> &Region {
        if problem.epilogue.is_none() { &self.results } else { &self.sums }
    }
}

impl ConvolutionPlan {
    /// Predicted cycles from START to DONE, over all launches.
    pub fn predicted_cycles(&self) -> u64 {
        self.launches.iter().map(|launch| self.programs[launch.program].1).sum()
    }

    /// The golden model's options for this plan.
    pub fn options(&self) -> MatmulOptions {
        golden_options(&self.config, self.problem.read_out)
    }
}

/// Plans a convolution.
///
/// # Errors
/// The sizes or the configuration are not legal, or its memory is too small.
pub fn plan(config: &TileConfig, problem: &ConvolutionProblem) -> Result<ConvolutionPlan, ConvolutionPlanError> {
    config.validate()?;
    problem.shape.validate()?;
    crate::epilogue::check(&problem.epilogue, config)?;
    let ConvolutionShape { filters, groups, .. } = problem.shape;
    let multiple = access_bytes(config).max(PANEL_BYTES) as usize / 4;
    if problem.epilogue.needs_whole_rows() && groups > 1 && !problem.shape.group_filters().is_multiple_of(multiple) {
        return Err(ConvolutionPlanError::Softmax { filters, groups, multiple });
    }
    let search = Search::new(config, problem);
    let mut cuts = BTreeMap::new();
    let chosen = Sharing::all().find_map(|sharing| search.cheapest(sharing, &mut cuts).transpose());
    let Some(chosen) = chosen.transpose()? else {
        return Err(search.too_large());
    };
    Ok(chosen.finish(config, problem, search.pixels))
}

/// Some way to cut a convolution, and where that puts things.
struct Choice {
    bands: Vec<Band>,
    panels: Vec<Vec<Panel>>,
    regions: Regions,
    /// The filters change slowest, so that weights stay; otherwise the pixels do.
    filters_outer: bool,
    cost_words: usize,
}

/// What is the same however a convolution is cut.
pub struct Search<'a> {
    config: &'a TileConfig,
    problem: &'a ConvolutionProblem,
    pub pixels: PixelLayout,
    /// All filters, without places.
    pub panels: Vec<Panel>,
}

impl<'a> Search<'a> {
    pub fn new(config: &'a TileConfig, problem: &'a ConvolutionProblem) -> Self {
        let shape = &problem.shape;
        let access = access_bytes(config);
        let group_words = (shape.group_channels() as u32 * 2).next_multiple_of(access) / WORD_BYTES;
        let pixels = PixelLayout { group_words, pixel_words: group_words * shape.groups as u32 };
        let filters = shape.group_filters();
        let panels_of_group = |group: usize| {
            let first = group * filters;
            (0..filters).step_by(LANES as usize).map(move |filter| Panel {
                group,
                filters: first + filter..first + filters.min(filter + LANES as usize),
                result_offset: 0,
            })
        };
        Search { config, problem, pixels, panels: (0..shape.groups).flat_map(panels_of_group).collect() }
    }

    /// The way that moves the fewest words, of those that fit; `None` if none does. `cuts` are the bands of so many rows
    /// that were looked at.
    fn cheapest(
        &self,
        sharing: Sharing,
        cuts: &mut BTreeMap<usize, Vec<Band>>,
    ) -> Result<Option<Choice>, ConvolutionPlanError> {
        let [output_rows, _] = self.problem.shape.output();
        let mut best: Option<Choice> = None;
        for panels in parts(self.panels.len()) {
            // Of the cuts that fit, the first: fewer rows at a time move more.
            let mut fits = |rows| -> Result<Option<Choice>, ConvolutionPlanError> {
                let bands = match cuts.entry(rows) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.bands(rows)?),
                };
                Ok(self.choice(bands, panels, sharing))
            };
            let Some(choice) = parts(output_rows).find_map(|rows| fits(rows).transpose()).transpose()? else {
                continue;
            };
            if best.as_ref().is_none_or(|best| choice.cost_words < best.cost_words) {
                best = Some(choice);
            }
        }
        Ok(best)
    }

    /// Bands of so many rows.
    fn bands(&self, rows: usize) -> Result<Vec<Band>, ConvolutionPlanError> {
        let [output_rows, _] = self.problem.shape.output();
        self.bands_of((0..output_rows).step_by(rows).map(|first| first..output_rows.min(first + rows)))
    }

    /// Bands of these output rows.
    pub fn bands_of(&self, rows: impl Iterator<Item = Range<usize>>) -> Result<Vec<Band>, ConvolutionPlanError> {
        let amp = self.config.amp();
        let band = |rows| Band::new(&self.problem.shape, &amp, self.pixels, rows);
        let bands: Result<Vec<Band>, OutOfReach> = rows.map(band).collect();
        // An entry that reaches every tap, but not every weight, has more weights than memory.
        bands.map_err(|_| match self.reach() {
            words if words >= REACH_WORDS => ConvolutionPlanError::Reach { words },
            _ => self.too_large(),
        })
    }

    fn too_large(&self) -> ConvolutionPlanError {
        ConvolutionPlanError::Memory { name: self.config.name.clone(), memory_bytes: self.config.memory_bytes() }
    }

    /// Words from a pixel to the farthest tap of its filter.
    fn reach(&self) -> usize {
        let ConvolutionShape { image, kernel, dilation, .. } = self.problem.shape;
        let far = |axis: usize| ((kernel[axis] - 1) * dilation[axis]).max(self.problem.shape.before()[axis]);
        (far(0) * image[1] + far(1)) * self.pixels.pixel_words as usize
    }

    /// Bands of so many rows with so many panels at a time; `None` if they do not fit.
    fn choice(&self, bands: &[Band], panels: usize, sharing: Sharing) -> Option<Choice> {
        let (shape, config) = (&self.problem.shape, self.config);
        let panels: Vec<Vec<Panel>> = self.panels.chunks(panels).map(|panels| self.placed(panels)).collect();
        if self.problem.epilogue.needs_whole_rows() && panels.len() > 1 {
            return None;
        }
        let sizes = self.sizes(bands, &panels, 1)?;
        if !sizes.fit(config, sharing) {
            return None;
        }
        let regions = Regions::of(&sizes.place(config, sharing));
        let input_words: usize = bands.iter().map(|band| band.input_rows.len()).sum::<usize>()
            * shape.image[1]
            * self.pixels.pixel_words as usize
            * shape.batch;
        let weight_words = self.panels.len() * (self.blocks() * BLOCK_WORDS) as usize;
        let many_images = shape.batch * bands.len() > 1;
        // The inner of the two is loaded again and again, unless there is one of it.
        let inputs_again = if many_images { panels.len() } else { 1 } * input_words + weight_words;
        let weights_again = if panels.len() > 1 { shape.batch * bands.len() } else { 1 } * weight_words + input_words;
        let filters_outer = inputs_again < weights_again;
        let cost_words = inputs_again.min(weights_again);
        Some(Choice { bands: bands.to_vec(), panels, regions, filters_outer, cost_words })
    }

    /// Sizes of the regions that hold any of these bands of so many images and any of these panels.
    pub fn sizes(&self, bands: &[Band], panels: &[Vec<Panel>], images: usize) -> Option<Sizes> {
        let shape = &self.problem.shape;
        let [_, output_columns] = shape.output();
        let access = access_bytes(self.config);
        let most = panels.iter().map(Vec::len).max()?;
        let rows = |count: usize, row_bytes: u32| (count as u32 * row_bytes, row_bytes / WORD_BYTES);
        let zeros = |(bytes, pitch_words): (u32, u32), words: u32| {
            let zeros = if bands.iter().any(Band::meets_only_padding) { words * WORD_BYTES } else { 0 };
            (bytes + zeros, pitch_words)
        };
        let most_of = |size: fn(&Band) -> usize| bands.iter().map(size).max();
        let epilogue_words =
            |panels: &Vec<Panel>| epilogue_words(&epilogue::commands(self.problem, &Regions::default(), 1, panels));
        let program_words = bands.iter().map(|band| program::program_words(band, most, images)).max()?
            + panels.iter().map(epilogue_words).max()?;
        let result_bytes = panels.iter().map(|panels| self.result_bytes(panels)).max()?;
        let most_pixels = images * most_of(|band| band.rows.len())? * output_columns;
        // With an epilogue, numbers of a pixel, gaps included.
        let ConvolutionProblem { epilogue, .. } = self.problem;
        let numbers = result_bytes as usize / 4;
        let pixels_of = |bytes: usize| rows(most_pixels, ((numbers * bytes) as u32).next_multiple_of(access));
        let with_epilogue = !epilogue.is_none();
        let pixel_bytes = self.pixels.pixel_words * WORD_BYTES;
        Some(Sizes {
            program: (program_words as u32 * WORD_BYTES, 0),
            inputs: zeros(
                rows(images * most_of(|band| band.input_rows.len())? * shape.image[1], pixel_bytes),
                ZERO_INPUT_WORDS,
            ),
            weights: zeros(rows(most, self.blocks() * BLOCK_WORDS * WORD_BYTES), BLOCK_WORDS),
            results: if with_epilogue {
                pixels_of(self.problem.results().bytes())
            } else {
                rows(most_pixels, result_bytes.next_multiple_of(access))
            },
            partials: (0, 0),
            bias: if self.problem.bias { rows(most, BIAS_BYTES) } else { (0, 0) },
            sums: if with_epilogue { pixels_of(4) } else { (0, 0) },
            residual: if epilogue.residual { pixels_of(2) } else { (0, 0) },
            scratch: (scratch_bytes(epilogue, most_pixels, numbers), 0),
        })
    }

    /// Weight blocks of a panel.
    fn blocks(&self) -> u32 {
        let ConvolutionShape { kernel: [rows, columns], .. } = self.problem.shape;
        (rows * columns * self.problem.shape.group_channels().div_ceil(BLOCK as usize)) as u32
    }

    /// The panels that are in memory together, with the places of their results: each begins a whole access.
    pub fn placed(&self, panels: &[Panel]) -> Vec<Panel> {
        let mut offset = 0;
        let place = |panel: &Panel| {
            let placed = Panel { result_offset: offset, ..panel.clone() };
            offset += self.panel_bytes(panel);
            placed
        };
        panels.iter().map(place).collect()
    }

    fn panel_bytes(&self, panel: &Panel) -> u32 {
        let bytes = (panel.filters.len() * self.problem.amp_results().bytes()) as u32;
        let access = access_bytes(self.config);
        bytes.next_multiple_of(if self.problem.epilogue.is_none() { access } else { access.max(PANEL_BYTES) })
    }

    pub fn result_bytes(&self, panels: &[Panel]) -> u32 {
        panels.iter().map(|panel| self.panel_bytes(panel)).sum()
    }
}

/// A number, and numbers that part it into two, three, four and so on, until 1.
fn parts(most: usize) -> impl Iterator<Item = usize> {
    let mut last = 0;
    (1..=most).map(move |parts| most.div_ceil(parts)).filter(move |&size| {
        let new = size != last;
        last = size;
        new
    })
}

impl Choice {
    fn finish(self, config: &TileConfig, problem: &ConvolutionProblem, pixels: PixelLayout) -> ConvolutionPlan {
        let Choice { bands, panels, regions, filters_outer, .. } = self;
        let mut programs = vec![];
        let mut index_of = BTreeMap::new();
        for (p, panels) in panels.iter().enumerate() {
            for (b, band) in bands.iter().enumerate() {
                let work = Work { config, problem, pixels, regions: &regions, band, panels, images: 1 };
                let Draft { program, timeline, epilogue_cycles } = program::build(&work, None);
                index_of.insert((b, p), programs.len());
                programs.push((program, timeline.end() + epilogue_cycles));
            }
        }
        let mut launches: Vec<ConvolutionLaunch> = (0..problem.shape.batch)
            .flat_map(|image| index_of.iter().map(move |(&key, &program)| (image, key, program)))
            .map(|(image, (band, panels), program)| ConvolutionLaunch { image, band, panels, program })
            .collect();
        if filters_outer {
            launches.sort_by_key(|launch| (launch.panels, launch.image, launch.band));
        }
        ConvolutionPlan {
            problem: *problem,
            config: config.clone(),
            pixels,
            regions,
            bands,
            panels,
            programs,
            launches,
        }
    }
}
