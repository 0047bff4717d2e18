//! Layout, transfers and programs of a sparse product on many tiles.

use std::collections::BTreeSet;
use std::ops::Range;

use exchange::schedule::{Destination, Schedule, Transfer, busiest_port_cycles, schedule};
use exchange::{GridConfig, GridError};
use golden::{MatmulOptions, SparseMatrix};
use isa::{EngineMask, ExchangeEntry, LANES, Program, WORD_BYTES};
use thiserror::Error;

use super::partition::{Costs, SparsePartition, deal, owners};
use crate::matmul::grid::{Compute, Predicted, Stage, part, predict};
use crate::matmul::{Layout, Sharing, Writer};
use crate::sparse::SparseProblem;
use crate::sparse::gather::{Panel, gather, strip_width};
use crate::sparse::program::{BLOCK_K, OTHER_COMMANDS, Part, ROW_WORDS, blocks_of, commands_of, sizes, sort};
use crate::timing::Timeline;

/// A product that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SparseGridPlanError {
    /// A size of 0.
    #[error("S x K x N = {0} x {1} x {2}: expected at least 1 in each direction")]
    Empty(usize, usize, usize),
    /// The machine is not legal.
    #[error(transparent)]
    Config(#[from] GridError),
    /// The operands do not fit, however they are cut.
    #[error(
        "{tiles} tiles of {name}: no partition fits the {memory_bytes} bytes of a tile; expected a smaller product or more tiles, or one, which takes it in parts"
    )]
    Memory {
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
pub struct SparseGridPlan {
    /// What is computed.
    pub problem: SparseProblem,
    /// On what.
    pub config: GridConfig,
    /// How it is cut.
    pub partition: SparsePartition,
    /// K of a strip.
    pub width: usize,
    /// Where everything lies, on every tile.
    pub layout: Layout,
    /// What each tile has and does; those at the end may have nothing.
    pub tiles: Vec<SparseTile>,
    /// Cycles.
    pub predicted: Predicted,
    /// Words that the busiest port sends or receives: no exchange takes fewer cycles.
    pub busiest_port_cycles: u64,
    /// Partitions that were planned, with their cycles.
    pub candidates: Vec<(SparsePartition, u64)>,
}

/// A tile's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseTile {
    /// Columns of X (rows, where it comes first).
    pub dense: Range<usize>,
    /// In the order of their commands.
    pub panels: Vec<Panel>,
    /// Blocks of 16 K of X that it needs or has, ascending.
    pub blocks: Vec<usize>,
    /// Those that it has at the start.
    pub own_blocks: Vec<usize>,
    /// Strips of its panels that it has at the start, one after the other.
    pub own_strips: Range<usize>,
    /// Its program.
    pub program: Program,
}

impl SparseTile {
    fn strips(&self) -> usize {
        self.panels.iter().map(|panel| panel.strips.len()).sum()
    }

    /// Row of the region of inputs where a block begins.
    pub(super) fn block_row(&self, block: usize) -> usize {
        self.blocks.binary_search(&block).expect("a block that it has or gets") * self.dense.len()
    }
}

impl SparseGridPlan {
    /// The golden model's options for this plan.
    pub fn options(&self) -> MatmulOptions {
        self.problem.options(&self.config.tile)
    }

    /// Strips of W that are not empty.
    pub fn strips(&self) -> usize {
        self.panels().map(|panel| panel.strips.len()).sum()
    }

    /// The panels, each once.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        (0..self.partition.sums).flat_map(|sums| &self.tiles[self.partition.tile(sums, 0)].panels)
    }

    /// What a tile computes.
    pub(super) fn part<'a>(&'a self, tile: &'a SparseTile) -> Part<'a> {
        tile_part(&self.config, &self.problem, self.width, tile)
    }
}

fn tile_part<'a>(config: &'a GridConfig, problem: &'a SparseProblem, width: usize, tile: &'a SparseTile) -> Part<'a> {
    Part { config: &config.tile, problem, width, dense: &tile.dense, blocks: &tile.blocks, panels: &tile.panels }
}

/// Plans a product: the partition that takes the fewest cycles, of those that fit, of one, two, four and so on parts of
/// X's columns.
///
/// Panics if the matrix is none, or not the problem's.
///
/// # Errors
/// The sizes or the machine are not legal, or the memory of the tiles is too small.
pub fn plan(
    config: &GridConfig,
    problem: &SparseProblem,
    matrix: &SparseMatrix,
) -> Result<SparseGridPlan, SparseGridPlanError> {
    config.validate()?;
    let SparseProblem { sums, k, dense, .. } = *problem;
    if sums == 0 || k == 0 || dense == 0 {
        return Err(SparseGridPlanError::Empty(sums, k, dense));
    }
    let tiles = config.tiles();
    let by_sums = problem.by_sums(matrix);
    let parts = std::iter::successors(Some(1), |parts| Some(parts * 2)).take_while(|&parts| parts <= dense.min(tiles));
    let panels = sums.div_ceil(LANES as usize);
    let partition = |dense| SparsePartition { sums: panels.min(tiles / dense), dense };
    let plans: Vec<SparseGridPlan> =
        parts.filter_map(|parts| plan_partition(config, problem, &by_sums, partition(parts))).collect();
    let candidates = plans.iter().map(|plan| (plan.partition, plan.predicted.total)).collect();
    let best = plans.into_iter().min_by_key(|plan| plan.predicted.total);
    let (name, memory_bytes) = (config.tile.name.clone(), config.tile.memory_bytes());
    let best = best.ok_or(SparseGridPlanError::Memory { tiles, name, memory_bytes })?;
    Ok(SparseGridPlan { candidates, ..best })
}

/// The plan of a partition; `None` if it does not fit.
fn plan_partition(
    config: &GridConfig,
    problem: &SparseProblem,
    matrix: &SparseMatrix,
    partition: SparsePartition,
) -> Option<SparseGridPlan> {
    let columns = |dense: usize| part(problem.dense, partition.dense, dense);
    let most_columns = (0..partition.dense).map(|dense| columns(dense).len()).max().expect("at least one part");
    let rows = commands_of(&config.tile, most_columns).map(|rows| rows.len()).max().expect("at least one column");
    let width = strip_width(&config.tile.amp(), rows);

    let mut tiles = tiles_of(config, problem, width, partition, gather(matrix, problem.block, width));
    let most = |of: &dyn Fn(&SparseTile) -> usize| tiles.iter().map(of).max().expect("at least one tile");
    let counts = [most(&|tile| tile.blocks.len()), most(&|tile| tile.panels.len()), most(&SparseTile::strips)];
    let sizes = sizes(&config.tile, problem, width, most_columns, counts);
    let own_banks = Sharing::all().next().expect("a first");
    if !sizes.fit(&config.tile, own_banks) {
        return None;
    }
    let layout = sizes.place(&config.tile, own_banks);

    let machine = config.machine();
    let transfers = [inputs(&tiles, partition, &layout), weights(&tiles, partition, &layout, width)].concat();
    let exchange: Option<Schedule> =
        (!transfers.is_empty()).then(|| schedule(&machine, &transfers).expect("regions of the layout do not overlap"));
    let lists = layout.free_banks(&config.tile);
    if let Some(exchange) = &exchange {
        let entries = |lists: &exchange::schedule::TileLists| 1 + lists.sends.len() + lists.receives.len();
        let most = exchange.tiles.iter().map(entries).max().expect("at least one tile");
        if lists as usize + most * ExchangeEntry::WORDS * WORD_BYTES as usize > config.tile.memory_bytes() {
            return None;
        }
    }
    let mut compute = vec![];
    for (index, tile) in tiles.iter_mut().enumerate() {
        let of_tile = tile_part(config, problem, width, tile);
        let mut writer = Writer::new(layout.program.address, of_tile.commands() + OTHER_COMMANDS, lists);
        if let Some(exchange) = &exchange {
            if !exchange.tiles[index].is_empty() {
                writer.exchange(&exchange.tiles[index]);
            }
            writer.builder.sync(0).wait(EngineMask::EXCHANGE);
        }
        let mut timeline = Timeline::new(config.tile.amp());
        of_tile.write(&layout, &mut writer, &mut timeline);
        writer.builder.halt();
        let work = Compute { issued: timeline.issued(), cycles: timeline.end() };
        compute.push((of_tile.commands() > 0).then_some(work));
        tile.program = writer.finish();
    }
    let predicted = predict(config, &[Stage { exchange: exchange.as_ref(), compute }]);
    let busiest_port_cycles = busiest_port_cycles(&machine, &transfers);
    let (problem, config, candidates) = (*problem, config.clone(), vec![]);
    Some(SparseGridPlan {
        problem,
        config,
        partition,
        width,
        layout,
        tiles,
        predicted,
        busiest_port_cycles,
        candidates,
    })
}

/// What each tile has and needs.
fn tiles_of(
    config: &GridConfig,
    problem: &SparseProblem,
    width: usize,
    partition: SparsePartition,
    panels: Vec<Panel>,
) -> Vec<SparseTile> {
    let amp = config.tile.amp();
    let columns = problem.dense.div_ceil(partition.dense);
    let costs = Costs {
        strip: width.div_ceil(amp.terms) * columns,
        panel: columns * LANES as usize * 8 * problem.results().bytes() / amp.access_bits(),
        block: columns * BLOCK_K / 2 / config.machine().lane_words,
    };
    let hands = deal(panels, partition.sums, width, costs);
    let needed: Vec<BTreeSet<usize>> = hands.iter().map(|panels| blocks_of(panels, width)).collect();
    let owners = owners(&needed);
    let nothing = SparseTile {
        dense: 0..0,
        panels: vec![],
        blocks: vec![],
        own_blocks: vec![],
        own_strips: 0..0,
        program: Program { segments: vec![], entry: 0, symbols: Default::default() },
    };
    let mut tiles = vec![nothing; config.tiles()];
    for (sums, mut panels) in hands.into_iter().enumerate() {
        sort(&mut panels);
        let strips = panels.iter().map(|panel| panel.strips.len()).sum();
        let own_blocks: BTreeSet<usize> =
            owners.iter().filter(|(_, owner)| *owner == sums).map(|(block, _)| *block).collect();
        for dense in 0..partition.dense {
            let tile = &mut tiles[partition.tile(sums, dense)];
            tile.dense = part(problem.dense, partition.dense, dense);
            tile.panels = panels.clone();
            tile.blocks = needed[sums].union(&own_blocks).copied().collect();
            tile.own_blocks = own_blocks.iter().copied().collect();
            tile.own_strips = part(strips, partition.dense, dense);
        }
    }
    tiles
}

/// Who has a block of X sends it to all that need it.
fn inputs(tiles: &[SparseTile], partition: SparsePartition, layout: &Layout) -> Vec<Transfer> {
    let address = |tile: &SparseTile, block: usize| layout.inputs.row(tile.block_row(block)) as usize / 4;
    let mut transfers = vec![];
    for dense in 0..partition.dense {
        let of_columns: Vec<usize> = (0..partition.sums).map(|sums| partition.tile(sums, dense)).collect();
        for &source in &of_columns {
            for &block in &tiles[source].own_blocks {
                let others = of_columns.iter().filter(|&&tile| tile != source && tiles[tile].blocks.contains(&block));
                let destinations: Vec<Destination> =
                    others.map(|&tile| Destination { tile, address: address(&tiles[tile], block) }).collect();
                if !destinations.is_empty() {
                    let words = tiles[source].dense.len() * 2 * ROW_WORDS;
                    transfers.push(Transfer::multicast(source, address(&tiles[source], block), words, destinations));
                }
            }
        }
    }
    transfers
}

/// Who has strips of W sends them to all that have the same panels.
fn weights(tiles: &[SparseTile], partition: SparsePartition, layout: &Layout, width: usize) -> Vec<Transfer> {
    let mut transfers = vec![];
    for sums in 0..partition.sums {
        let of_panels: Vec<usize> = (0..partition.dense).map(|dense| partition.tile(sums, dense)).collect();
        for &source in &of_panels {
            let own = &tiles[source].own_strips;
            let address = layout.weights.row(own.start * width) as usize / 4;
            let others = of_panels.iter().filter(|&&tile| tile != source);
            let destinations: Vec<Destination> = others.map(|&tile| Destination { tile, address }).collect();
            if !own.is_empty() && !destinations.is_empty() {
                transfers.push(Transfer::multicast(source, address, own.len() * width * 2 * ROW_WORDS, destinations));
            }
        }
    }
    transfers
}
