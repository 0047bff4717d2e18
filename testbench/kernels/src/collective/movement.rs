//! Transfers as a program of one exchange.
//!
//! ```text
//!   | what the transfers read and write ... | EXCHANGE SYNC WAIT HALT | list of sends and receives |
//!                                           ^ a bank                  ^ a bank
//! ```

use exchange::GridConfig;
use exchange::schedule::{Refusal, Transfer, busiest_port_cycles, schedule};
use isa::{EngineMask, ExchangeEntry, Program, WORD_BYTES};
use thiserror::Error;

use crate::device::{DeviceError, GridHost, Pins, TileStopped};
use crate::matmul::Writer;
use crate::matmul::grid::{Predicted, Stage, predict};

/// Commands of a program: EXCHANGE, SYNC, WAIT, HALT.
const COMMANDS: usize = 4;

/// A program that takes so many times longer than predicted, and so many cycles more, has failed.
const PATIENCE: (u64, u64) = (4, 1_000);

/// A collective that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CollectiveError {
    /// Transfers that cannot be.
    #[error(transparent)]
    Transfers(#[from] Refusal),
    /// A memory that is too small for data, programs and lists.
    #[error("the {memory_bytes} bytes of a tile of {name} are too few; expected at least {needed_bytes}")]
    Memory {
        /// Name of the configuration.
        name: String,
        /// Memory of each tile.
        memory_bytes: usize,
        /// What programs and lists would end at.
        needed_bytes: usize,
    },
    /// Transfers that read or write where programs and lists lie.
    #[error("a transfer ends at byte {end}; expected at most {limit}, the bytes below programs and lists")]
    Reserved {
        /// Byte address behind its last word.
        end: usize,
        /// Where the programs begin.
        limit: usize,
    },
    /// A sum of vectors of which not every tile would get a share, or which do not fit the memory.
    #[error("sums of {elements} numbers on {tiles} tiles of {name}: {reason}")]
    Sum {
        /// Numbers of each vector.
        elements: usize,
        /// Tiles.
        tiles: usize,
        /// Name of the configuration.
        name: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
}

/// Transfers as a program for each tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// By tile.
    pub programs: Vec<Program>,
    /// Byte address of all programs.
    pub start: u32,
    /// Cycles from START to DONE.
    pub predicted: Predicted,
    /// Words that the busiest port sends or receives: no exchange takes fewer cycles.
    pub bound_cycles: u64,
}

impl Movement {
    /// Programs in the banks from byte address `reserved` on, which must be behind all that is read and written.
    ///
    /// # Errors
    /// Transfers that cannot be, or memory that does not suffice.
    pub fn new(config: &GridConfig, transfers: &[Transfer], reserved: u32) -> Result<Movement, CollectiveError> {
        let machine = config.machine();
        let exchange = schedule(&machine, transfers)?;
        let ends = transfers.iter().flat_map(|transfer| {
            let written = transfer.destinations.iter().map(|destination| transfer.destination_run(destination));
            written.chain([transfer.source_run()]).map(|run| run.end())
        });
        let bank_bytes = config.tile.bank_bytes() as u32;
        let start = reserved.next_multiple_of(bank_bytes);
        let end = ends.max().unwrap_or(0) * size_of::<u32>();
        if end > start as usize {
            return Err(CollectiveError::Reserved { end, limit: start as usize });
        }
        // Commands and lists are read at the same time.
        let lists = start + bank_bytes;
        let entries =
            exchange.tiles.iter().map(|lists| 1 + lists.sends.len() + lists.receives.len()).max().unwrap_or(0);
        let needed_bytes = lists as usize + entries * ExchangeEntry::WORDS * WORD_BYTES as usize;
        let memory_bytes = config.tile.memory_bytes();
        if needed_bytes > memory_bytes {
            return Err(CollectiveError::Memory { name: config.tile.name.clone(), memory_bytes, needed_bytes });
        }
        let programs = exchange.tiles.iter().map(|tile| {
            let mut writer = Writer::new(start, COMMANDS, lists);
            if !tile.is_empty() {
                writer.exchange(tile);
            }
            writer.builder.sync(0).wait(EngineMask::EXCHANGE).halt();
            writer.finish()
        });
        let programs = programs.collect();
        let stage = Stage { exchange: Some(&exchange), compute: vec![None; config.tiles()] };
        let bound_cycles = busiest_port_cycles(&machine, transfers);
        Ok(Movement { programs, start, predicted: predict(config, &[stage]), bound_cycles })
    }

    /// Moves the words, and says how many cycles it took from START to DONE of the last tile.
    ///
    /// # Errors
    /// The machine fails, or a program stops with an error; then it is said which tile.
    pub fn run<S: Pins>(&self, grid: &mut GridHost<S>) -> Result<u64, DeviceError> {
        assert_eq!(grid.tiles(), self.programs.len(), "the machine is the one that was planned for");
        grid.load(&self.programs)?;
        grid.start(self.start)?;
        let limit_cycles = self.predicted.total * PATIENCE.0 + PATIENCE.1;
        if !grid.run(limit_cycles)? {
            return Err(DeviceError::Timeout { limit_cycles });
        }
        let statuses = grid.statuses()?;
        TileStopped::check(&statuses)?;
        Ok(statuses.iter().map(|status| status.cycles).max().expect("at least one tile"))
    }
}
