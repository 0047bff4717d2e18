//! Puts a plan together.

use std::ops::Range;

use golden::{MatmulOptions, OutputType, Overflow, ReadOut, Shape};
use isa::BLOCK;
use thiserror::Error;
use tile::{Accumulator, TileConfig, TileConfigError};

use super::chunks::{self, Chunks};
use super::expected::golden_options;
use super::layout::Layout;
use super::panels::{self, Common, Panel};
use super::program::{self, Flow, TileProgram, WeightLayout};
use super::{MatmulProblem, StartKind};
use crate::epilogue::{self, EpilogueError};
use crate::timing::Stored;
use crate::vector::Sequence;

/// A product that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A size of 0.
    #[error("M x N x K = {0} x {1} x {2}: expected at least 1 in each direction")]
    Empty(usize, usize, usize),
    /// The configuration is not legal.
    #[error(transparent)]
    Config(#[from] TileConfigError),
    /// Exact sums of accumulators that have none.
    #[error("exact sums: expected exact accumulators, the configuration's are FP32")]
    ExactSums,
    /// Random bits in the order of two engines.
    #[error("stochastic rounding: expected no epilogue")]
    StochasticEpilogue,
    /// An epilogue without a vector engine.
    #[error(transparent)]
    Epilogue(#[from] EpilogueError),
    /// Not even the smallest chunk fits.
    #[error("configuration {name} has {memory_bytes} bytes of memory, too few for the smallest chunk of a product")]
    Memory {
        /// Name of the configuration.
        name: String,
        /// Its memory.
        memory_bytes: usize,
    },
}

/// How a product is computed on a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatmulPlan {
    /// What is computed.
    pub problem: MatmulProblem,
    /// On what.
    pub config: TileConfig,
    /// Where everything lies.
    pub layout: Layout,
    /// The programs that the launches run.
    pub programs: Vec<TileProgram>,
    /// One after the other. A launch that continues sums follows the one that it continues.
    pub launches: Vec<Launch>,
}

/// One START of the tile: a part of the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Rows of A and C.
    pub rows: Range<usize>,
    /// Columns of B and C.
    pub columns: Range<usize>,
    /// Part of K.
    pub k: Range<usize>,
    /// Index into [`MatmulPlan::programs`].
    pub program: usize,
}

impl MatmulPlan {
    /// Predicted cycles from START to DONE, over all launches.
    pub fn predicted_cycles(&self) -> u64 {
        self.launches.iter().map(|launch| self.programs[launch.program].predicted_cycles).sum()
    }

    /// The parts that K is cut into, one after the other. More than one where all of K does not fit the memory.
    pub fn k_parts(&self) -> Vec<Range<usize>> {
        let first = &self.launches[0];
        let same = |launch: &&Launch| launch.rows == first.rows && launch.columns == first.columns;
        self.launches.iter().filter(same).map(|launch| launch.k.clone()).collect()
    }

    /// Whether sums are rounded to FP32 on the way because K is cut. An FP32 accumulator loses nothing by it.
    pub fn rounds_partial_sums(&self) -> bool {
        self.config.accumulator == Accumulator::Exact && self.k_parts().len() > 1 && !self.problem.exact_sums
    }

    /// The golden model's options for this plan.
    pub fn options(&self) -> MatmulOptions {
        golden_options(&self.config, self.problem.read_out)
    }
}

/// Plans a product.
///
/// # Errors
/// A size is 0, the configuration is not legal, or its memory is too small for anything.
pub fn plan(config: &TileConfig, problem: &MatmulProblem) -> Result<MatmulPlan, PlanError> {
    config.validate()?;
    if problem.exact_sums && config.accumulator != Accumulator::Exact {
        return Err(PlanError::ExactSums);
    }
    epilogue::check(&problem.epilogue, config)?;
    if problem.stochastic.is_some() && !problem.epilogue.is_none() {
        return Err(PlanError::StochasticEpilogue);
    }
    let Shape { m, n, k } = problem.shape;
    if m == 0 || n == 0 || k == 0 {
        return Err(PlanError::Empty(m, n, k));
    }
    let too_small = || PlanError::Memory { name: config.name.clone(), memory_bytes: config.memory_bytes() };
    let (chunks, sharing) = chunks::choose(problem, config).ok_or_else(too_small)?;
    let (kinds, launches) = launches(problem, &chunks);
    let drafts: Vec<Draft> = kinds.iter().map(|kind| Draft::new(config, problem, kind)).collect();

    // Addresses do not matter for its length.
    let program_bytes = |draft: &Draft| {
        program::program_bytes(&draft.panels, draft.k_counts.len(), draft.epilogue(&Layout::default()).commands())
    };
    let program_bytes = drafts.iter().map(program_bytes).max().expect("at least one launch");
    let layout = chunks::sizes(problem, config, chunks.chunk, program_bytes).place(config, sharing);
    let programs = drafts.into_iter().map(|draft| draft.finish(config, &layout)).collect();
    Ok(MatmulPlan { problem: *problem, config: config.clone(), layout, programs, launches })
}

/// What tells launches with different programs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    shape: Shape,
    /// Which part of K, and whether it is the last.
    k_part: usize,
    last: bool,
}

/// Every launch in order, and their kinds.
fn launches(problem: &MatmulProblem, chunks: &Chunks) -> (Vec<Kind>, Vec<Launch>) {
    let Shape { m, n, k } = problem.shape;
    let ranges = |size: usize, chunk: usize| -> Vec<Range<usize>> {
        (0..size).step_by(chunk).map(|first| first..size.min(first + chunk)).collect()
    };
    let (rows, columns) = (ranges(m, chunks.chunk.m), ranges(n, chunks.chunk.n));
    let mut order: Vec<(Range<usize>, Range<usize>)> =
        rows.iter().flat_map(|rows| columns.iter().map(move |columns| (rows.clone(), columns.clone()))).collect();
    if chunks.columns_outer {
        order.sort_by_key(|(rows, columns)| (columns.start, rows.start));
    }
    let k_parts = ranges(k, chunks.chunk.k);
    let mut kinds: Vec<Kind> = vec![];
    let mut launches = vec![];
    for (rows, columns) in order {
        for (part, k) in k_parts.iter().enumerate() {
            let shape = Shape { m: rows.len(), n: columns.len(), k: k.len() };
            let last = part + 1 == k_parts.len();
            // The parts between the first and the last take turns with two regions.
            let k_part = if part < 2 { part } else { 2 - part % 2 };
            let kind = Kind { shape, k_part, last };
            let program = kinds.iter().position(|&known| known == kind).unwrap_or_else(|| {
                kinds.push(kind);
                kinds.len() - 1
            });
            launches.push(Launch { rows: rows.clone(), columns: columns.clone(), k: k.clone(), program });
        }
    }
    (kinds, launches)
}

/// A program before its layout is known.
struct Draft<'a> {
    problem: &'a MatmulProblem,
    kind: Kind,
    start: StartKind,
    partial: Option<Stored>,
    result: Stored,
    read_out: ReadOut,
    k_counts: Vec<usize>,
    panels: Vec<Panel>,
    predicted_cycles: u64,
}

impl<'a> Draft<'a> {
    fn new(config: &TileConfig, problem: &'a MatmulProblem, kind: &Kind) -> Self {
        let Shape { m, n, k } = kind.shape;
        let start = if kind.k_part > 0 { StartKind::PartialSums } else { problem.start };
        // What is still to be continued, or to go through an epilogue, leaves as it is.
        let ends = kind.last && problem.epilogue.is_none();
        let read_out = if ends { problem.read_out } else { ReadOut::default() };
        let block = BLOCK as usize;
        // The host's partial sums are FP32; those of parts before are as the problem says.
        let partial = match start {
            StartKind::Zero => None,
            StartKind::PartialSums if kind.k_part > 0 => Some(problem.sums()),
            StartKind::PartialSums | StartKind::Bias => Some(Stored::Fp32),
        };
        let result = match (kind.last, ends) {
            (_, true) => problem.results(),
            (true, false) => Stored::Fp32,
            (false, _) => problem.sums(),
        };
        let k_counts: Vec<usize> = (0..k).step_by(block).map(|first| block.min(k - first)).collect();
        let common = Common { config, k_counts: &k_counts, partial, result };
        let (panels, predicted_cycles) = panels::panels(common, m, n);
        Draft { problem, kind: *kind, start, partial, result, read_out, k_counts, panels, predicted_cycles }
    }

    /// What follows the AMP commands.
    fn epilogue(&self, layout: &Layout) -> Sequence {
        let (problem, Shape { m, n, .. }) = (self.problem, self.kind.shape);
        let mut sequence = Sequence::new(m as u32, n as u32, layout.scratch.address);
        if self.kind.last && !problem.epilogue.is_none() {
            let results = layout.results.matrix(problem.read_out.output == OutputType::Fp16);
            let residual = problem.epilogue.residual.then(|| layout.residual.matrix(true));
            let saturate = problem.read_out.overflow == Overflow::Saturate;
            sequence.epilogue(&problem.epilogue, saturate, layout.sums.matrix(false), residual, results);
        }
        sequence
    }

    fn finish(self, config: &TileConfig, layout: &Layout) -> TileProgram {
        // The host's partial sums come in the region of partial sums; each part of K writes the region that the next
        // one reads.
        let (results, partials) = match self.kind.k_part % 2 {
            0 => (layout.results, layout.partials),
            _ => (layout.partials, layout.results),
        };
        let epilogue = self.epilogue(layout);
        let with_epilogue = !epilogue.commands().is_empty();
        let flow = Flow {
            results: if with_epilogue { layout.sums } else { results },
            partials: (self.start == StartKind::PartialSums).then_some(partials),
            bias: (self.start == StartKind::Bias).then_some(layout.bias),
            partial: self.partial,
            result: self.result,
            read_out: self.read_out,
            stochastic: self.problem.stochastic.is_some(),
            weights: if self.problem.transposed_b { WeightLayout::Columns } else { WeightLayout::Panels },
        };
        TileProgram {
            program: program::build(layout, &flow, &self.panels, &self.k_counts, epilogue.commands()),
            panels: self.panels,
            predicted_cycles: self.predicted_cycles + epilogue.cycles(config),
            results: if with_epilogue { layout.results } else { results },
            start: flow.partials.or(flow.bias),
        }
    }
}
