//! Sums of one vector of FP16 numbers of each tile, as FP32 numbers.
//!
//! ```text
//!                 | x of tile 0 |
//!   | I | I | I | | x of tile 1 |  =  the sum
//!                 | x of tile 2 |
//! ```
//! A sum of vectors is a product with identities whose K is cut over the tiles: x times 1 is exact, and the sums travel
//! round a ring, each tile adding its own (see [`crate::matmul::grid`]). Share s of the sum is x(s) + x(s + 1) + ...,
//! each addition rounded to FP32, with `Exact` accumulators as well: it is FP32 that travels. Afterwards the tile before
//! s has share s; an all-reduce then gathers the shares on every tile.
//!
//! Numbers must be finite: zeros of the identity times an infinity or a NaN are NaN, in all sums of the same column.
//!
//! A vector of e numbers is a matrix of [`BLOCK`] rows, row after row, and its shares are blocks of columns.

use exchange::GridConfig;
use exchange::schedule::{Destination, Transfer};
use golden::{Shape, Start};
use isa::{BLOCK, WORD_BYTES};

use super::movement::{CollectiveError, Movement};
use crate::device::{DeviceError, GridHost, Pins};
use crate::matmul::grid::{GridPlan, Partition, plan_partition, run_grid_matmul};
use crate::matmul::{MatmulProblem, Operands, access_bytes};

/// FP16 1.
const ONE: u16 = 0x3C00;

/// How vectors are summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduction {
    /// The product that leaves a share of the sum on each tile.
    pub plan: GridPlan,
    /// How each share comes to all tiles, in an all-reduce.
    pub gather: Option<Movement>,
    /// Byte address of the sum on every tile, after an all-reduce.
    pub sums_address: u32,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    /// FP32 sums: put together from the tiles' shares, or each tile's copy.
    pub sums: Vec<Vec<u32>>,
    /// Cycles from START to DONE, of both programs of an all-reduce.
    pub cycles: u64,
}

/// How many numbers each tile contributes: at least `elements`, so that they are rows of whole words of 64 bits.
pub fn contribution_elements(elements: usize) -> usize {
    elements.next_multiple_of(2 * BLOCK as usize)
}

impl Reduction {
    /// Each tile gets a share of the sum.
    ///
    /// # Errors
    /// There are fewer than 256 numbers for each tile, or more than fit its memory.
    pub fn scatter(config: &GridConfig, elements: usize) -> Result<Reduction, CollectiveError> {
        let (tiles, block, name) = (config.tiles(), BLOCK as usize, config.tile.name.clone());
        let refused = |reason: String| CollectiveError::Sum { elements, tiles, name: name.clone(), reason };
        let n = contribution_elements(elements) / block;
        if n.div_ceil(block) < tiles {
            let least = block * block * (tiles - 1) + 1;
            return Err(refused(format!("expected at least {least} numbers, a block for each tile")));
        }
        let problem = MatmulProblem::new(block, n, block * tiles);
        let memory_bytes = config.tile.memory_bytes();
        let too_small = || refused(format!("expected fewer: {memory_bytes} bytes are too few"));
        let plan = plan_partition(config, &problem, Partition { m: 1, n: 1, k: tiles }).ok_or_else(too_small)?;
        Ok(Reduction { plan, gather: None, sums_address: 0 })
    }

    /// Every tile gets the whole sum.
    ///
    /// # Errors
    /// As [`Reduction::scatter`].
    pub fn all(config: &GridConfig, elements: usize) -> Result<Reduction, CollectiveError> {
        let Reduction { plan, .. } = Reduction::scatter(config, elements)?;
        let Shape { m, n, .. } = plan.problem.shape;
        let sums_address = plan.layout.free_banks(&config.tile);
        let transfers: Vec<Transfer> = plan
            .tiles
            .iter()
            .enumerate()
            .map(|(tile, part)| {
                let region = plan.results(&part.result);
                let address = sums_address as usize / 4 + part.result.start;
                let everywhere = (0..config.tiles()).map(|tile| Destination { tile, address });
                Transfer::multicast(tile, region.address as usize / 4, part.result.len(), everywhere).strided(
                    m,
                    2 * region.pitch_words as usize,
                    n,
                )
            })
            .collect();
        let gather = Movement::new(config, &transfers, sums_address + 4 * (m * n) as u32)?;
        Ok(Reduction { plan, gather: Some(gather), sums_address })
    }

    /// Numbers that each tile contributes.
    pub fn elements(&self) -> usize {
        self.plan.problem.shape.m * self.plan.problem.shape.n
    }

    /// Cycles that a run takes.
    pub fn predicted_cycles(&self) -> u64 {
        self.plan.predicted.total + self.gather.as_ref().map_or(0, |gather| gather.predicted.total)
    }

    /// Cycles if the AMPs multiplied or stored sums all the time, whichever takes longer, and the busiest port moved a
    /// word in each of the others.
    pub fn bound_cycles(&self) -> u64 {
        let sum_bytes = (self.elements() * size_of::<u32>()) as u64;
        let stores = sum_bytes.div_ceil(u64::from(access_bytes(&self.plan.config.tile)));
        let gather = self.gather.as_ref().map_or(0, |gather| gather.bound_cycles);
        self.plan.compute_bound().max(stores) + self.plan.busiest_port_cycles + gather
    }

    /// Loads the tiles' FP16 numbers, adds them and reads the sums. Panics unless there are [`Reduction::elements`] of
    /// each.
    ///
    /// # Errors
    /// The machine fails.
    pub fn run<S: Pins>(&self, grid: &mut GridHost<S>, contributions: &[Vec<u16>]) -> Result<Reduced, DeviceError> {
        let Shape { m, k, .. } = self.plan.problem.shape;
        let identities: Vec<u16> = (0..m * k).map(|i| if i / k == i % k % m { ONE } else { 0 }).collect();
        let operands = Operands { a: &identities, b: &contributions.concat(), start: Start::Zero, residual: None };
        let report = run_grid_matmul(grid, &self.plan, &operands, &mut |_| ())?;
        let Some(gather) = &self.gather else {
            return Ok(Reduced { sums: vec![report.bits], cycles: report.cycles });
        };
        let cycles = report.cycles + gather.run(grid)?;
        let words = self.elements() * size_of::<u32>() / WORD_BYTES as usize;
        let reads: Vec<_> = (0..grid.tiles()).map(|tile| (tile, self.sums_address, words)).collect();
        let halves = |words: Vec<u64>| words.iter().flat_map(|word| [*word as u32, (word >> 32) as u32]).collect();
        let sums = grid.read_memory(&reads)?.into_iter().map(halves).collect();
        Ok(Reduced { sums, cycles })
    }
}
