//! What running a kernel on many tiles gave.

use golden::Flags;
use isa::{Program, register};

use crate::device::{Counters, DeviceError, GridHost, Pins, TileStopped};

/// What a run of a kernel on many tiles gave.
#[derive(Debug, Clone, PartialEq)]
pub struct GridReport {
    /// The results, in the order that the kernel says; bit patterns, FP16 in the low 16 bits.
    pub bits: Vec<u32>,
    /// Sticky flags of all tiles.
    pub flags: Flags,
    /// Cycles from START to DONE of the tile that took longest.
    pub cycles: u64,
    /// Which tile that is.
    pub slowest: usize,
    /// The counters of each tile.
    pub counters: Vec<Counters>,
    /// Multiply-accumulates that the kernel needs.
    pub macs: u64,
    /// Those that all tiles can do in a cycle.
    pub macs_per_cycle: u64,
    /// Cycles of the simulation, loading and reading included.
    pub simulated_cycles: u64,
}

impl GridReport {
    /// The part of the tiles' multiply-accumulates that was useful, 0 to 1.
    pub fn utilisation(&self) -> f64 {
        self.macs as f64 / (self.macs_per_cycle * self.cycles) as f64
    }

    /// The largest value of a counter over the tiles.
    pub fn most(&self, register: &isa::Register) -> u64 {
        self.counters.iter().map(|counters| counters.get(register)).max().unwrap_or(0)
    }
}

/// What is run on a machine of many tiles.
pub(crate) struct GridRun<'a> {
    /// By tile.
    pub programs: Vec<&'a Program>,
    /// Byte address of all programs.
    pub start: u32,
    /// What each tile holds before: tile, byte address, words of 64 bits.
    pub data: Vec<(usize, u32, Vec<u64>)>,
    /// Cycles from START to DONE of the last tile.
    pub predicted_cycles: u64,
    /// Multiply-accumulates that the kernel needs.
    pub macs: u64,
    /// Those that all tiles can do in a cycle.
    pub macs_per_cycle: u64,
}

impl GridRun<'_> {
    /// Loads, starts, waits, and reads the results by `read`. `progress` hears now and then how many cycles were
    /// simulated.
    ///
    /// Panics if the machine has another number of tiles.
    ///
    /// # Errors
    /// The machine fails, or a program stops with an error; then it is said which tile.
    pub fn run<S: Pins>(
        self,
        grid: &mut GridHost<S>,
        read: impl FnOnce(&mut GridHost<S>) -> Result<Vec<u32>, DeviceError>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<GridReport, DeviceError> {
        /// Cycles between two reports of progress.
        const PROGRESS_CYCLES: u64 = 1_000;
        /// A program that takes so many times longer than predicted, and so many cycles more, has failed.
        const PATIENCE: (u64, u64) = (4, 100_000);

        assert_eq!(grid.tiles(), self.programs.len(), "the machine is the one that was planned for");
        let cycles_before = grid.simulated_cycles();
        grid.load(self.programs)?;
        let writes = self.data.iter().map(|(tile, address, words)| (*tile, *address, words.as_slice()));
        grid.write_memory(&writes.collect::<Vec<_>>())?;
        grid.broadcast(register::FLAGS.address(), &[u64::MAX])?;
        progress(grid.simulated_cycles() - cycles_before);

        grid.start(self.start)?;
        let limit_cycles = self.predicted_cycles * PATIENCE.0 + PATIENCE.1;
        let mut waited = 0;
        while !grid.run(PROGRESS_CYCLES)? {
            waited += PROGRESS_CYCLES;
            if waited > limit_cycles {
                return Err(grid.still_running(limit_cycles)?);
            }
            progress(grid.simulated_cycles() - cycles_before);
        }
        let statuses = grid.statuses()?;
        TileStopped::check(&statuses)?;
        let bits = read(grid)?;
        let by_tile = statuses.iter().enumerate().map(|(tile, status)| (status.cycles, tile));
        let (cycles, slowest) = by_tile.max().expect("at least one tile");
        Ok(GridReport {
            bits,
            flags: statuses.iter().fold(Flags::NONE, |flags, status| flags | status.flags),
            cycles,
            slowest,
            counters: grid.counters()?,
            macs: self.macs,
            macs_per_cycle: self.macs_per_cycle,
            simulated_cycles: grid.simulated_cycles() - cycles_before,
        })
    }
}
