//! What is in memory at a time, and where.

use std::ops::Range;

use golden::{MatmulOptions, SparseMatrix};
use isa::{BLOCK, LANES, Program, WORD_BYTES};
use thiserror::Error;
use tile::{TileConfig, TileConfigError};

use super::SparseProblem;
use super::gather::{Panel, gather, strip_width};
use super::program::{Part, commands_of, sizes, sort};
use crate::matmul::{Layout, Sharing, Writer};
use crate::timing::Timeline;

/// A product that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SparsePlanError {
    /// A size of 0.
    #[error("S x K x N = {0} x {1} x {2}: expected at least 1 in each direction")]
    Empty(usize, usize, usize),
    /// The configuration is not legal.
    #[error(transparent)]
    Config(#[from] TileConfigError),
    /// Not even one column with one panel fits.
    #[error("configuration {name} has {memory_bytes} bytes of memory, too few for {what}")]
    Memory {
        /// Name of the configuration.
        name: String,
        /// Its memory.
        memory_bytes: usize,
        /// What does not fit.
        what: String,
    },
    /// A pattern that has more strips than were planned for.
    #[error(
        "the pattern has {strips} strips of {width} x 16 numbers: expected at most {capacity}, the planned capacity"
    )]
    Capacity {
        /// Strips of the pattern.
        strips: usize,
        /// K of a strip.
        width: usize,
        /// Most strips.
        capacity: usize,
    },
}

/// How a product is computed on a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparsePlan {
    /// What is computed.
    pub problem: SparseProblem,
    /// On what.
    pub config: TileConfig,
    /// K of a strip.
    pub width: usize,
    /// Where everything lies.
    pub layout: Layout,
    /// One after the other.
    pub launches: Vec<SparseLaunch>,
    /// All blocks of 16 K.
    pub(super) blocks: Vec<usize>,
}

/// One START of the tile: some panels for some columns of X.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseLaunch {
    /// Columns of X (rows, where it comes first).
    pub dense: Range<usize>,
    /// In the order of their commands.
    pub panels: Vec<Panel>,
    /// Commands, lists and descriptors.
    pub program: Program,
    /// Predicted cycles from START to DONE.
    pub predicted_cycles: u64,
}

impl SparsePlan {
    /// Predicted cycles from START to DONE, over all launches.
    pub fn predicted_cycles(&self) -> u64 {
        self.launches.iter().map(|launch| launch.predicted_cycles).sum()
    }

    /// The golden model's options for this plan.
    pub fn options(&self) -> MatmulOptions {
        self.problem.options(&self.config)
    }

    /// The panels, each once.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        let first = self.launches[0].dense.clone();
        self.launches.iter().filter(move |launch| launch.dense == first).flat_map(|launch| &launch.panels)
    }

    /// Strips of W that are not empty.
    pub fn strips(&self) -> usize {
        self.panels().map(|panel| panel.strips.len()).sum()
    }

    /// Words that the pattern is: W, lists and descriptors.
    pub fn pattern_words(&self) -> usize {
        let lists: usize = self.launches.iter().map(|launch| pattern_words(self, launch).1.len()).sum();
        lists + self.strips() * self.width * LANES as usize / 4
    }

    /// What a launch computes.
    pub(super) fn part<'a>(&'a self, launch: &'a SparseLaunch) -> Part<'a> {
        let SparsePlan { problem, config, width, blocks, .. } = self;
        Part { config, problem, width: *width, dense: &launch.dense, blocks, panels: &launch.panels }
    }
}

/// What does not depend on the pattern.
struct Frame<'a> {
    config: &'a TileConfig,
    problem: &'a SparseProblem,
    width: usize,
    blocks: Vec<usize>,
}

impl<'a> Frame<'a> {
    fn new(config: &'a TileConfig, problem: &'a SparseProblem) -> Result<Self, SparsePlanError> {
        config.validate()?;
        let SparseProblem { sums, k, dense, .. } = *problem;
        if sums == 0 || k == 0 || dense == 0 {
            return Err(SparsePlanError::Empty(sums, k, dense));
        }
        let rows = commands_of(config, dense).map(|rows| rows.len()).max().expect("at least one column");
        let blocks = (0..k.div_ceil(BLOCK as usize)).collect();
        Ok(Frame { config, problem, width: strip_width(&config.amp(), rows), blocks })
    }

    /// A layout for so many columns of X, panels and strips at a time, if there is one.
    fn layout(&self, sharing: Sharing, dense: usize, panels: usize, strips: usize) -> Option<Layout> {
        let sizes = sizes(self.config, self.problem, self.width, dense, [self.blocks.len(), panels, strips]);
        sizes.fit(self.config, sharing).then(|| sizes.place(self.config, sharing))
    }

    fn too_small(&self, what: &str) -> SparsePlanError {
        let (name, memory_bytes) = (self.config.name.clone(), self.config.memory_bytes());
        SparsePlanError::Memory { name, memory_bytes, what: what.to_owned() }
    }

    fn launch(&self, layout: &Layout, dense: Range<usize>, mut panels: Vec<Panel>) -> SparseLaunch {
        sort(&mut panels);
        let Frame { config, problem, width, .. } = *self;
        let part = Part { config, problem, width, dense: &dense, blocks: &self.blocks, panels: &panels };
        let mut writer = Writer::new(layout.program.address, part.commands() + 1, 0);
        let mut timeline = Timeline::new(config.amp());
        part.write(layout, &mut writer, &mut timeline);
        writer.builder.halt();
        let (program, predicted_cycles) = (writer.finish(), timeline.end());
        SparseLaunch { dense, panels, program, predicted_cycles }
    }

    fn plan(&self, layout: Layout, launches: Vec<SparseLaunch>) -> SparsePlan {
        let (problem, config, width) = (*self.problem, self.config.clone(), self.width);
        SparsePlan { problem, config, width, layout, launches, blocks: self.blocks.clone() }
    }
}

/// Plans a product with a matrix of known pattern. Where not everything fits the memory, columns of X stay as long as
/// they are needed, and panels follow each other.
///
/// Panics if the matrix is none, or not the problem's.
///
/// # Errors
/// The sizes or the configuration are not legal, or its memory is too small.
pub fn plan(
    config: &TileConfig,
    problem: &SparseProblem,
    matrix: &SparseMatrix,
) -> Result<SparsePlan, SparsePlanError> {
    let frame = Frame::new(config, problem)?;
    let panels = gather(&problem.by_sums(matrix), problem.block, frame.width);
    let strips = |panels: &[Panel]| panels.iter().map(|panel| panel.strips.len()).sum::<usize>();
    let halves = || std::iter::successors(Some(problem.dense), |&dense| (dense > 1).then(|| dense.div_ceil(2)));
    let mut panels_at_a_time: Vec<usize> = (1..=panels.len()).map(|parts| panels.len().div_ceil(parts)).collect();
    panels_at_a_time.dedup();
    for sharing in Sharing::all() {
        for dense in halves() {
            for &at_a_time in &panels_at_a_time {
                let most = panels.chunks(at_a_time).map(strips).max().expect("at least one panel");
                let Some(layout) = frame.layout(sharing, dense, at_a_time, most) else { continue };
                let columns = (0..problem.dense).step_by(dense).map(|first| first..problem.dense.min(first + dense));
                let launch = |columns: Range<usize>| {
                    let chunks = panels.chunks(at_a_time);
                    let (frame, layout) = (&frame, &layout);
                    chunks.map(move |panels| frame.launch(layout, columns.clone(), panels.to_vec()))
                };
                let launches = columns.flat_map(launch).collect();
                return Ok(frame.plan(layout, launches));
            }
        }
    }
    Err(frame.too_small("one column with 16 sums of this product"))
}

/// A plan for any pattern that has at most so many strips: commands and places are the same for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicPlan {
    /// What is computed.
    pub problem: SparseProblem,
    /// On what.
    pub config: TileConfig,
    /// K of a strip.
    pub width: usize,
    /// Most strips of a pattern.
    pub capacity: usize,
    /// Where everything lies.
    pub layout: Layout,
}

/// Plans products with matrices of so many strips, whatever their pattern.
///
/// # Errors
/// The sizes or the configuration are not legal, or its memory is too small for all of it at once.
pub fn plan_dynamic(
    config: &TileConfig,
    problem: &SparseProblem,
    capacity: usize,
) -> Result<DynamicPlan, SparsePlanError> {
    let frame = Frame::new(config, problem)?;
    let panels = problem.sums.div_ceil(LANES as usize);
    // No pattern has more.
    let capacity = capacity.min(panels * problem.k.div_ceil(frame.width));
    let layout = Sharing::all().find_map(|sharing| frame.layout(sharing, problem.dense, panels, capacity));
    let layout = layout.ok_or_else(|| frame.too_small(&format!("X, the results and {capacity} strips at once")))?;
    Ok(DynamicPlan { problem: *problem, config: config.clone(), width: frame.width, capacity, layout })
}

impl DynamicPlan {
    /// The plan with a pattern. Panics if the matrix is none, or not the problem's.
    ///
    /// # Errors
    /// The pattern has more strips than were planned for.
    pub fn with_pattern(&self, matrix: &SparseMatrix) -> Result<SparsePlan, SparsePlanError> {
        let frame = Frame::new(&self.config, &self.problem)?;
        let panels = gather(&self.problem.by_sums(matrix), self.problem.block, self.width);
        let strips = panels.iter().map(|panel| panel.strips.len()).sum();
        let DynamicPlan { width, capacity, .. } = *self;
        if strips > capacity {
            return Err(SparsePlanError::Capacity { strips, width, capacity });
        }
        let launch = frame.launch(&self.layout, 0..self.problem.dense, panels);
        Ok(frame.plan(self.layout, vec![launch]))
    }
}

/// The words of a program behind its commands: lists and descriptors, with their address.
pub fn pattern_words(plan: &SparsePlan, launch: &SparseLaunch) -> (u32, Vec<u64>) {
    let address = launch.program.entry + (plan.part(launch).commands() as u32 + 1) * WORD_BYTES;
    let words = (address..).step_by(WORD_BYTES as usize).map_while(|address| launch.program.word(address));
    (address, words.collect())
}
