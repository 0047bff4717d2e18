//! Layout, transfers and programs of a product on many tiles.

use std::collections::HashMap;
use std::ops::Range;

use exchange::schedule::{Destination, Schedule, TileLists, Transfer, busiest_port_cycles, schedule};
use exchange::{GridConfig, GridError};
use golden::{MatmulOptions, ReadOut, Shape};
use isa::{BLOCK, EngineMask, ExchangeEntry, LANES, Program, WORD_BYTES};
use thiserror::Error;
use tile::Accumulator;

use super::partition::{Partition, Place, part};
use super::predict::{Compute, Predicted, Stage, predict, rough};
use crate::matmul::layout::{Layout, Region, Sharing, Sizes, access_bytes};
use crate::matmul::panels::{self, Common, Panel};
use crate::matmul::program::{Flow, WeightLayout, Writer};
use crate::matmul::{MatmulProblem, StartKind, golden_options};
use crate::timing::Stored;

/// A product that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GridPlanError {
    /// A size of 0.
    #[error("M x N x K = {0} x {1} x {2}: expected at least 1 in each direction")]
    Empty(usize, usize, usize),
    /// The machine is not legal.
    #[error(transparent)]
    Config(#[from] GridError),
    /// Exact sums of accumulators that have none.
    #[error("exact sums: expected exact accumulators, the configuration's are FP32")]
    ExactSums,
    /// What only one tile does.
    #[error("{0}: expected one tile")]
    OneTile(&'static str),
    /// The operands do not fit, however they are cut.
    #[error(
        "{m} x {n} x {k} on {tiles} tiles of {name}: operands and results of no partition fit the {memory_bytes} bytes of a \
         tile; expected a smaller product or more tiles, or one, which takes it in parts"
    )]
    Memory {
        /// Rows.
        m: usize,
        /// Columns.
        n: usize,
        /// Sums.
        k: usize,
        /// Tiles of the machine.
        tiles: usize,
        /// Name of the configuration.
        name: String,
        /// Memory of each tile.
        memory_bytes: usize,
    },
}

/// How a product is computed on many tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridPlan {
    /// What is computed.
    pub problem: MatmulProblem,
    /// On what.
    pub config: GridConfig,
    /// How it is cut.
    pub partition: Partition,
    /// Where everything lies, on every tile.
    pub layout: Layout,
    /// Where the lists of exchanges begin, on every tile: in banks of their own, since they are fetched while the AMP
    /// reads its lists.
    pub exchange_lists: u32,
    /// What each tile has and does.
    pub tiles: Vec<TilePart>,
    /// Cycles.
    pub predicted: Predicted,
    /// Words that the busiest port sends or receives, over all exchanges: none takes fewer cycles.
    pub busiest_port_cycles: u64,
    /// The partitions that were looked at, the best first.
    pub candidates: Vec<Candidate>,
}

/// A partition that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// It.
    pub partition: Partition,
    /// Cycles by the rough model.
    pub rough_cycles: u64,
    /// Those of its plan, where one was made.
    pub predicted: Option<Predicted>,
}

/// What a tile has and does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TilePart {
    /// Its part of the product; `None` if it has none.
    pub place: Option<Place>,
    /// The words of 64 bits of the region of inputs that it holds at the start.
    pub inputs: Range<usize>,
    /// The same of the region of weights.
    pub weights: Range<usize>,
    /// Its program.
    pub program: Program,
    /// The columns that it holds in the end, of its rows.
    pub result: Range<usize>,
}

impl GridPlan {
    /// Cycles that the tiles would need if all of them multiplied all the time.
    pub fn compute_bound(&self) -> u64 {
        self.problem.macs().div_ceil(self.config.macs_per_cycle() as u64)
    }

    /// The golden model's options for this plan.
    pub fn options(&self) -> MatmulOptions {
        golden_options(&self.config.tile, self.problem.read_out)
    }

    /// The region of results of a tile's last piece.
    pub(crate) fn results(&self, piece: &Range<usize>) -> Region {
        results(&self.config, &self.layout, piece, self.problem.results())
    }

    /// The region of partial sums of a tile's piece.
    pub(super) fn partials(&self, piece: &Range<usize>) -> Region {
        Region { pitch_words: row_words(&self.config, piece.len() * 4), ..self.layout.partials }
    }
}

/// Most partitions that are planned to the end.
const PLANNED: usize = 6;

/// Plans a product: the partition that takes the fewest cycles, of those that fit.
///
/// # Errors
/// A size is 0, the machine is not legal, exact sums are asked of FP32 accumulators, or the memory of the tiles is too
/// small.
pub fn plan(config: &GridConfig, problem: &MatmulProblem) -> Result<GridPlan, GridPlanError> {
    config.validate()?;
    if problem.exact_sums && config.tile.accumulator != Accumulator::Exact {
        return Err(GridPlanError::ExactSums);
    }
    let of_one_tile = [
        (problem.stochastic.is_some(), "stochastic rounding"),
        (problem.transposed_b, "B transposed"),
        (!problem.epilogue.is_none(), "an epilogue"),
    ];
    if let Some(&(_, what)) = of_one_tile.iter().find(|(asked, _)| *asked) {
        return Err(GridPlanError::OneTile(what));
    }
    let Shape { m, n, k } = problem.shape;
    if m == 0 || n == 0 || k == 0 {
        return Err(GridPlanError::Empty(m, n, k));
    }
    let mut candidates: Vec<Candidate> = Partition::all(problem.shape, config.tiles())
        .into_iter()
        .map(|partition| (partition, rough(config, problem, partition)))
        .map(|(partition, rough_cycles)| Candidate { partition, rough_cycles, predicted: None })
        .collect();
    candidates.sort_by_key(|candidate| candidate.rough_cycles);
    let mut best: Option<GridPlan> = None;
    let mut planned = 0;
    for candidate in &mut candidates {
        if planned == PLANNED {
            break;
        }
        let Some(plan) = plan_partition(config, problem, candidate.partition) else { continue };
        planned += 1;
        candidate.predicted = Some(plan.predicted);
        if best.as_ref().is_none_or(|best| plan.predicted.total < best.predicted.total) {
            best = Some(plan);
        }
    }
    candidates.sort_by_key(|candidate| (candidate.predicted.is_none(), candidate.predicted.map(|cycles| cycles.total)));
    let (tiles, name) = (config.tiles(), config.tile.name.clone());
    let too_small = || GridPlanError::Memory { m, n, k, tiles, name, memory_bytes: config.tile.memory_bytes() };
    Ok(GridPlan { candidates, ..best.ok_or_else(too_small)? })
}

/// Plans a product in a given partition; `None` if it does not fit. For a problem and a machine that [`plan()`] accepts, and
/// one of [`Partition::all`].
pub fn plan_partition(config: &GridConfig, problem: &MatmulProblem, partition: Partition) -> Option<GridPlan> {
    let draft = Draft::new(config, problem, partition);
    // How long the programs are is known when they are written.
    let mut program_bytes = config.tile.bank_bytes() as u32;
    loop {
        let sizes = draft.sizes(program_bytes);
        let own_banks = Sharing::all().next().expect("a first");
        if !sizes.fit(&config.tile, own_banks) {
            return None;
        }
        match draft.finish(&sizes.place(&config.tile, own_banks)) {
            Ok(plan) => return plan,
            Err(bytes) => program_bytes = bytes,
        }
    }
}

/// Words of 64 bits of a row of so many bytes, in whole accesses.
fn row_words(config: &GridConfig, bytes: usize) -> u32 {
    (bytes as u32).next_multiple_of(access_bytes(&config.tile)) / WORD_BYTES
}

fn results(config: &GridConfig, layout: &Layout, piece: &Range<usize>, stored: Stored) -> Region {
    Region { pitch_words: row_words(config, piece.len() * stored.bytes()), ..layout.results }
}

/// A plan without addresses.
struct Draft<'a> {
    config: &'a GridConfig,
    problem: &'a MatmulProblem,
    partition: Partition,
    /// Commands and cycles of each kind of work.
    computes: HashMap<Work, (Vec<Panel>, Compute)>,
}

/// What tells the commands of different tiles and stages apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Work {
    rows: usize,
    columns: usize,
    k: usize,
    first: bool,
    last: bool,
}

/// One tile's work between two barriers.
struct Step {
    rows: usize,
    piece: Range<usize>,
    k: usize,
    first: bool,
    last: bool,
}

impl<'a> Draft<'a> {
    fn new(config: &'a GridConfig, problem: &'a MatmulProblem, partition: Partition) -> Self {
        let mut draft = Draft { config, problem, partition, computes: HashMap::new() };
        for tile in 0..partition.tiles() {
            for stage in 0..partition.k {
                let step = draft.step(draft.place(tile), stage);
                draft.computes.entry(step.work()).or_insert_with(|| step.commands(config, problem));
            }
        }
        draft
    }

    fn place(&self, tile: usize) -> Place {
        self.partition.place(tile).expect("a tile with a part")
    }

    fn step(&self, place: Place, stage: usize) -> Step {
        let shape = self.problem.shape;
        Step {
            rows: self.partition.rows(shape, place).len(),
            piece: self.partition.piece(shape, place, stage),
            k: self.partition.k_range(shape, place).len(),
            first: stage == 0,
            last: stage + 1 == self.partition.k,
        }
    }

    /// The largest of something over all tiles with a part.
    fn most(&self, of: impl Fn(Place) -> usize) -> usize {
        (0..self.partition.tiles()).map(|tile| of(self.place(tile))).max().expect("at least one tile")
    }

    fn sizes(&self, program_bytes: u32) -> Sizes {
        let (shape, partition) = (self.problem.shape, self.partition);
        let rows = self.most(|place| partition.rows(shape, place).len());
        let columns = self.most(|place| partition.columns(shape, place).len());
        let k = self.most(|place| partition.k_range(shape, place).len());
        let piece = self.most(|place| {
            let pieces = (0..partition.k).map(|stage| partition.piece(shape, place, stage).len());
            pieces.max().expect("at least one stage")
        });
        let region = |rows: usize, bytes: usize| {
            let pitch = row_words(self.config, bytes);
            (rows as u32 * pitch * WORD_BYTES, pitch)
        };
        let blocks = k.div_ceil(BLOCK as usize) * (BLOCK * BLOCK * 2) as usize;
        let sums_travel = partition.k > 1;
        let sum_bytes = if sums_travel { self.problem.sums().bytes() } else { 4 };
        let result_bytes = if sums_travel { sum_bytes } else { self.problem.results().bytes() };
        let (partial_bytes, partial_pitch) = region(rows, piece * sum_bytes);
        let partials = sums_travel || self.problem.start == StartKind::PartialSums;
        Sizes {
            program: (program_bytes, 0),
            inputs: region(rows, k * 2),
            weights: region(columns.div_ceil(LANES as usize), blocks),
            results: region(rows, piece * result_bytes),
            // Reading partial sums touches all columns that share an access with the last one's result.
            partials: if partials { (partial_bytes + LANES * sum_bytes as u32, partial_pitch) } else { (0, 0) },
            bias: if self.problem.start == StartKind::Bias {
                region(1, columns.next_multiple_of(LANES as usize) * 4)
            } else {
                (0, 0)
            },
            ..Sizes::default()
        }
    }

    /// Puts everything in its place; `None` if the lists of exchanges do not fit behind it.
    ///
    /// # Errors
    /// The bytes of the longest program, if they are more than the layout has room for.
    fn finish(&self, layout: &Layout) -> Result<Option<GridPlan>, u32> {
        let (config, partition) = (self.config, self.partition);
        let machine = config.machine();
        let transfers: Vec<Vec<Transfer>> = std::iter::once(self.gather(layout))
            .chain((1..partition.k).map(|stage| self.sums(layout, stage)))
            .collect();
        let exchanges: Vec<Option<Schedule>> = transfers
            .iter()
            .map(|transfers| {
                let made = || schedule(&machine, transfers).expect("regions of the layout do not overlap");
                (!transfers.is_empty()).then(made)
            })
            .collect();

        let exchange_lists = layout.free_banks(&config.tile);
        let list_bytes = |tile: usize| -> usize {
            let lists = exchanges.iter().flatten().map(|exchange| &exchange.tiles[tile]);
            let entries = lists.map(|lists| 1 + lists.sends.len() + lists.receives.len());
            entries.sum::<usize>() * ExchangeEntry::WORDS * WORD_BYTES as usize
        };
        let most = (0..config.tiles()).map(list_bytes).max().expect("at least one tile");
        if exchange_lists as usize + most > config.tile.memory_bytes() {
            return Ok(None);
        }
        let mut tiles = vec![];
        let mut program_bytes = 0;
        for tile in 0..config.tiles() {
            let (program, bytes) = self.program(layout, tile, &exchanges);
            program_bytes = program_bytes.max(bytes);
            tiles.push(self.tile_part(layout, tile, program));
        }
        if program_bytes > layout.program.bytes {
            return Err(program_bytes);
        }
        let compute = |stage: usize| -> Vec<Option<Compute>> {
            let of = |tile| Some(self.computes[&self.step(partition.place(tile)?, stage).work()].1);
            (0..config.tiles()).map(of).collect()
        };
        let stages: Vec<Stage> = (0..)
            .zip(&exchanges)
            .map(|(stage, exchange)| Stage { exchange: exchange.as_ref(), compute: compute(stage) })
            .collect();
        Ok(Some(GridPlan {
            problem: *self.problem,
            config: config.clone(),
            partition,
            layout: *layout,
            exchange_lists,
            tiles,
            predicted: predict(config, &stages),
            busiest_port_cycles: transfers.iter().map(|transfers| busiest_port_cycles(&machine, transfers)).sum(),
            candidates: vec![],
        }))
    }

    /// The words of 64 bits of the regions of inputs and weights that a place needs, and those that it has at the start.
    fn shares(&self, layout: &Layout, place: Place) -> [(Region, Range<usize>, Vec<Place>); 2] {
        let (shape, partition) = (self.problem.shape, self.partition);
        let rows = partition.rows(shape, place).len();
        let panels = partition.columns(shape, place).len().div_ceil(LANES as usize);
        let share = |region: Region, rows: usize, (sharers, index): (Vec<Place>, usize)| {
            let words = rows * region.pitch_words as usize;
            (region, part(words, sharers.len(), index), sharers)
        };
        [
            share(layout.inputs, rows, partition.sharing_inputs(place)),
            share(layout.weights, panels, partition.sharing_weights(place)),
        ]
    }

    /// Every tile sends what it has of inputs and weights to all that need the same.
    fn gather(&self, layout: &Layout) -> Vec<Transfer> {
        let mut transfers = vec![];
        for tile in 0..self.partition.tiles() {
            for (region, own, sharers) in self.shares(layout, self.place(tile)) {
                let others = sharers.iter().map(|&place| self.partition.tile(place)).filter(|&other| other != tile);
                let address = region.address as usize / 4 + 2 * own.start;
                let destinations: Vec<Destination> = others.map(|tile| Destination { tile, address }).collect();
                if !destinations.is_empty() && !own.is_empty() {
                    transfers.push(Transfer::multicast(tile, address, 2 * own.len(), destinations));
                }
            }
        }
        transfers
    }

    /// Every tile sends what it has summed in the last stage to the one that adds to it in this stage.
    fn sums(&self, layout: &Layout, stage: usize) -> Vec<Transfer> {
        let transfer = |tile: usize| {
            let place = self.place(tile);
            let Step { rows, piece, .. } = self.step(place, stage - 1);
            let region = results(self.config, layout, &piece, self.problem.sums());
            let (from, to) = (region.address as usize / 4, layout.partials.address as usize / 4);
            let words = 2 * rows * region.pitch_words as usize;
            Transfer::unicast(tile, from, words, self.partition.tile(self.partition.next(place)), to)
        };
        (0..self.partition.tiles()).map(transfer).collect()
    }

    /// The program of a tile, and its bytes.
    fn program(&self, layout: &Layout, tile: usize, exchanges: &[Option<Schedule>]) -> (Program, u32) {
        let place = self.partition.place(tile);
        let nothing = TileLists::default();
        let lists = |stage: usize| exchanges[stage].as_ref().map(|exchange| &exchange.tiles[tile]);
        let panels = |stage: usize| place.map(|place| &self.computes[&self.step(place, stage).work()].0);
        // At most EXCHANGE, WAIT, SYNC, WAIT and the panels in each stage, and HALT.
        let commands = (0..exchanges.len()).map(|stage| 4 + panels(stage).map_or(0, Vec::len)).sum::<usize>() + 1;
        let mut writer = Writer::new(layout.program.address, commands, layout.free_banks(&self.config.tile));
        for stage in 0..exchanges.len() {
            if let Some(lists) = lists(stage) {
                if *lists != nothing {
                    writer.exchange(lists);
                }
                if stage > 0 {
                    writer.builder.wait(EngineMask::AMP);
                }
                writer.builder.sync(0).wait(EngineMask::EXCHANGE);
            }
            if let (Some(place), Some(panels)) = (place, panels(stage)) {
                let (layout, flow, k_counts) = self.compute(layout, place, stage);
                panels.iter().for_each(|panel| writer.amp(&layout, &flow, panel, &k_counts));
            }
        }
        writer.builder.halt();
        let bytes = writer.bytes();
        (writer.finish(), bytes)
    }

    /// What a stage's commands read and write.
    fn compute(&self, layout: &Layout, place: Place, stage: usize) -> (Layout, Flow, Vec<usize>) {
        let shape = self.problem.shape;
        let step = self.step(place, stage);
        let (partial, result) = (step.partial(self.problem), step.result(self.problem));
        let Step { piece, k, first, last, .. } = step;
        let column = piece.start - self.partition.columns(shape, place).start;
        let weights = Region { address: layout.weights.row(column / LANES as usize), ..layout.weights };
        let bias = Region { address: layout.bias.address + 4 * column as u32, ..layout.bias };
        let read_out = if last { self.problem.read_out } else { ReadOut::default() };
        let pitch_words = row_words(self.config, piece.len() * partial.map_or(4, Stored::bytes));
        let partials = Region { pitch_words, ..layout.partials };
        let flow = Flow {
            results: results(self.config, layout, &piece, result),
            partials: (!first || self.problem.start == StartKind::PartialSums).then_some(partials),
            bias: (first && self.problem.start == StartKind::Bias).then_some(bias),
            partial,
            result,
            read_out,
            stochastic: false,
            weights: WeightLayout::Panels,
        };
        (Layout { weights, ..*layout }, flow, k_counts(k))
    }

    fn tile_part(&self, layout: &Layout, tile: usize, program: Program) -> TilePart {
        let place = self.partition.place(tile);
        let (inputs, weights) = match place {
            Some(place) => {
                let [(_, inputs, _), (_, weights, _)] = self.shares(layout, place);
                (inputs, weights)
            }
            None => (0..0, 0..0),
        };
        let last_piece = |place| self.partition.piece(self.problem.shape, place, self.partition.k - 1);
        TilePart { place, inputs, weights, program, result: place.map_or(0..0, last_piece) }
    }
}

impl Step {
    /// How the partial sums lie in memory that the sums start from: the host's are FP32.
    fn partial(&self, problem: &MatmulProblem) -> Option<Stored> {
        match (self.first, problem.start) {
            (false, _) => Some(problem.sums()),
            (true, StartKind::Zero) => None,
            (true, _) => Some(Stored::Fp32),
        }
    }

    /// How the results do.
    fn result(&self, problem: &MatmulProblem) -> Stored {
        if self.last { problem.results() } else { problem.sums() }
    }

    fn work(&self) -> Work {
        Work { rows: self.rows, columns: self.piece.len(), k: self.k, first: self.first, last: self.last }
    }

    /// The commands, and when they are done.
    fn commands(&self, config: &GridConfig, problem: &MatmulProblem) -> (Vec<Panel>, Compute) {
        let common = Common {
            config: &config.tile,
            k_counts: &k_counts(self.k),
            partial: self.partial(problem),
            result: self.result(problem),
        };
        let (panels, _) = panels::panels(common, self.rows, self.piece.len());
        let commands = panels.iter().map(|panel| (panel.rows.len(), panel.columns.len()));
        let timeline = panels::timeline(common, commands);
        (panels, Compute { issued: timeline.issued(), cycles: timeline.end() })
    }
}

/// Valid K of each block.
fn k_counts(k: usize) -> Vec<usize> {
    (0..k).step_by(BLOCK as usize).map(|first| (BLOCK as usize).min(k - first)).collect()
}
