//! Layout, transfers and programs of a convolution on many tiles.

use std::ops::Range;

use exchange::GridConfig;
use exchange::schedule::{Schedule, busiest_port_cycles, schedule};
use golden::MatmulOptions;
use isa::{ExchangeEntry, Program, WORD_BYTES};

use super::partition::{Partition, Place};
use super::transfers::{Parts, Share};
use crate::convolution::ConvolutionProblem;
use crate::convolution::plan::{ConvolutionPlanError, Panel, Regions, Search};
use crate::convolution::program::{self, Draft, Exchange, Work};
use crate::convolution::rectangles::{Band, PixelLayout};
use crate::matmul::grid::{Compute, Predicted, Stage, part, predict};
use crate::matmul::{Sharing, golden_options};

/// Partitions that are planned to the end: those that the rough model likes best.
const CANDIDATES: usize = 4;

/// How a convolution is computed on many tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridConvolutionPlan {
    /// What is computed.
    pub problem: ConvolutionProblem,
    /// On what.
    pub config: GridConfig,
    /// How it is cut.
    pub partition: Partition,
    /// How a pixel lies in memory.
    pub(super) pixels: PixelLayout,
    /// Where everything lies, on every tile.
    pub(super) regions: Regions,
    /// By part of the rows.
    pub(super) bands: Vec<Band>,
    /// By part of the filters.
    pub(super) panels: Vec<Vec<Panel>>,
    /// What each tile has and does.
    pub(super) tiles: Vec<TilePart>,
    /// Cycles.
    pub predicted: Predicted,
    /// Words that the busiest port sends or receives: no exchange takes fewer cycles.
    pub busiest_port_cycles: u64,
}

/// What a tile has and does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TilePart {
    /// Its part; `None` if it has none.
    pub place: Option<Place>,
    /// Its images.
    pub images: Range<usize>,
    /// What it holds of the pixels at the start.
    pub pixels: Vec<Share>,
    /// What it holds of its filters' weights: words of 64 bits of their region.
    pub weights: Range<usize>,
    /// Its program.
    pub program: Program,
}

impl GridConvolutionPlan {
    /// Cycles that the tiles would need if all of them multiplied all the time.
    pub fn compute_bound(&self) -> u64 {
        self.problem.shape.macs().div_ceil(self.config.macs_per_cycle() as u64)
    }

    /// The golden model's options for this plan.
    pub fn options(&self) -> MatmulOptions {
        golden_options(&self.config.tile, self.problem.read_out)
    }
}

/// Plans a convolution: the fastest of the partitions that fit.
///
/// # Errors
/// The sizes or the machine are not legal, or no partition fits the tiles' memory.
pub fn plan(config: &GridConfig, problem: &ConvolutionProblem) -> Result<GridConvolutionPlan, ConvolutionPlanError> {
    config.validate()?;
    problem.shape.validate()?;
    if !problem.epilogue.is_none() {
        return Err(ConvolutionPlanError::OneTile);
    }
    let search = Search::new(&config.tile, problem);
    let mut partitions: Vec<Partition> = Partition::all(&problem.shape, search.panels.len(), config.tiles()).collect();
    partitions.sort_by_key(|&partition| rough(config, problem, search.panels.len(), partition));
    let mut best: Option<GridConvolutionPlan> = None;
    let mut planned = 0;
    for partition in partitions {
        let Some(plan) = plan_partition(config, problem, partition)? else { continue };
        planned += 1;
        if best.as_ref().is_none_or(|best| plan.predicted.total < best.predicted.total) {
            best = Some(plan);
        }
        if planned == CANDIDATES {
            break;
        }
    }
    best.ok_or_else(|| ConvolutionPlanError::Grid {
        tiles: config.tiles(),
        name: config.tile.name.clone(),
        memory_bytes: config.tile.memory_bytes(),
    })
}

/// About how many cycles a partition takes: the largest tile's blocks, and the words that it receives.
fn rough(config: &GridConfig, problem: &ConvolutionProblem, panels: usize, partition: Partition) -> usize {
    let shape = &problem.shape;
    let [output_rows, output_columns] = shape.output();
    let most = |size: usize, parts: usize| size.div_ceil(parts);
    let (images, rows) = (most(shape.batch, partition.images), most(output_rows, partition.rows));
    let panels = most(panels, partition.filters);
    let (taps, channels) = (shape.kernel[0] * shape.kernel[1], shape.group_channels());
    let steps = taps * channels.div_ceil(config.tile.terms);
    let input_rows = (rows * shape.stride[0] + (shape.kernel[0] - 1) * shape.dilation[0]).min(shape.image[0]);
    let own_rows = most(shape.image[0], partition.rows * partition.filters);
    let pixels = images * input_rows.saturating_sub(own_rows) * shape.image[1] * shape.channels;
    let sharers = partition.images * partition.rows;
    let weights = panels * isa::LANES as usize * taps * channels * (sharers - 1) / sharers;
    let computed = images * rows * output_columns * panels * steps;
    computed + (pixels + weights).div_ceil(2 * config.machine().lane_words)
}

/// Plans a convolution in a given partition; `None` if it does not fit. For a problem and a machine that [`plan()`]
/// accepts, and one of [`Partition::all`].
///
/// # Errors
/// A list entry cannot reach a tap.
pub fn plan_partition(
    config: &GridConfig,
    problem: &ConvolutionProblem,
    partition: Partition,
) -> Result<Option<GridConvolutionPlan>, ConvolutionPlanError> {
    let (search, shape) = (Search::new(&config.tile, problem), &problem.shape);
    let bands = search.bands_of(partition.row_ranges(shape))?;
    let panel_parts = (0..partition.filters).map(|index| part(search.panels.len(), partition.filters, index));
    let panels: Vec<Vec<Panel>> = panel_parts.map(|part| search.placed(&search.panels[part])).collect();
    let images: Vec<Range<usize>> = (0..partition.images).map(|index| partition.image_range(shape, index)).collect();
    let most_images = images.iter().map(Range::len).max().expect("at least one part");
    let own_banks = Sharing::all().next().expect("a first");
    let Some(sizes) = search.sizes(&bands, &panels, most_images).filter(|sizes| sizes.fit(&config.tile, own_banks))
    else {
        return Ok(None);
    };
    let layout = sizes.place(&config.tile, own_banks);
    let regions = Regions::of(&layout);
    let weight_words: Vec<usize> =
        panels.iter().map(|panels| panels.len() * regions.weights.pitch_words as usize).collect();
    let parts = Parts {
        partition,
        regions: &regions,
        bands: &bands,
        images: &images,
        row_words: shape.image[1] * search.pixels.pixel_words as usize,
        weight_words: &weight_words,
    };
    let (machine, transfers) = (config.machine(), parts.transfers());
    let made = || schedule(&machine, &transfers).expect("regions of the layout do not overlap");
    let exchange = (!transfers.is_empty()).then(made);

    // Lists are fetched while the AMP reads its own: they have banks of their own.
    let exchange_lists = layout.free_banks(&config.tile);
    if exchange_lists as usize + list_bytes(exchange.as_ref()) > config.tile.memory_bytes() {
        return Ok(None);
    }
    let (mut tiles, mut computes) = (vec![], vec![]);
    for tile in 0..config.tiles() {
        let lists = exchange.as_ref().map(|exchange| &exchange.tiles[tile]);
        let exchange = lists.map(|lists| Exchange { lists, address: exchange_lists });
        let Some(place) = partition.place(tile) else {
            tiles.push(TilePart::idle(program::idle(&regions, exchange)));
            computes.push(None);
            continue;
        };
        let images = images[place.images].clone();
        let (band, panels) = (&bands[place.rows], &panels[place.filters]);
        let work = Work {
            config: &config.tile,
            problem,
            pixels: search.pixels,
            regions: &regions,
            band,
            panels,
            images: images.len(),
        };
        let Draft { program, timeline, .. } = program::build(&work, exchange);
        computes.push(Some(Compute { issued: timeline.issued(), cycles: timeline.end() }));
        let (pixels, weights) = (parts.pixels(place), parts.weights(place));
        tiles.push(TilePart { place: Some(place), images, pixels, weights, program });
    }
    let predicted = predict(config, &[Stage { exchange: exchange.as_ref(), compute: computes }]);
    Ok(Some(GridConvolutionPlan {
        problem: *problem,
        config: config.clone(),
        partition,
        pixels: search.pixels,
        regions,
        tiles,
        predicted,
        busiest_port_cycles: busiest_port_cycles(&machine, &transfers),
        bands,
        panels,
    }))
}

/// Bytes of the longest lists of a tile.
fn list_bytes(exchange: Option<&Schedule>) -> usize {
    let lists = exchange.iter().flat_map(|exchange| &exchange.tiles);
    let entries = lists.map(|lists| 1 + lists.sends.len() + lists.receives.len()).max().unwrap_or(0);
    entries * ExchangeEntry::WORDS * WORD_BYTES as usize
}

impl TilePart {
    fn idle(program: Program) -> Self {
        TilePart { place: None, images: 0..0, pixels: vec![], weights: 0..0, program }
    }
}
