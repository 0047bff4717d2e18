//! What running a kernel gave, and the launches that add up to it.

mod grid;

pub use grid::GridReport;
pub(crate) use grid::GridRun;

use golden::Flags;
use isa::{Program, register};

use crate::device::{Counters, Device, DeviceError, run_program};

/// What a run of a kernel on one tile gave.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelReport {
    /// The results, in the order that the kernel says; bit patterns, FP16 in the low 16 bits.
    pub bits: Vec<u32>,
    /// Sticky flags of all launches.
    pub flags: Flags,
    /// Cycles from START to DONE, over all launches; 0 on a device without time.
    pub cycles: u64,
    /// What the plan predicted for them.
    pub predicted_cycles: u64,
    /// Multiply-accumulates that the kernel needs.
    pub macs: u64,
    /// Those that the tile can do in a cycle.
    pub macs_per_cycle: u64,
    /// The tile's counters, over all launches.
    pub counters: Counters,
    /// Cycles of the simulation, loading and reading included.
    pub simulated_cycles: u64,
}

impl KernelReport {
    /// The part of the tile's multiply-accumulates from START to DONE that was useful, 0 to 1; 0 without time.
    pub fn utilisation(&self) -> f64 {
        match self.cycles {
            0 => 0.0,
            cycles => self.macs as f64 / (self.macs_per_cycle * cycles) as f64,
        }
    }

    /// How far the prediction was off, as a part of the cycles; 0 without time.
    pub fn prediction_error(&self) -> f64 {
        match self.cycles {
            0 => 0.0,
            cycles => self.predicted_cycles as f64 / cycles as f64 - 1.0,
        }
    }
}

/// What a plan says of a run before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation {
    /// Number of results.
    pub results: usize,
    /// Multiply-accumulates that the kernel needs.
    pub macs: u64,
    /// Those that the tile can do in a cycle.
    pub macs_per_cycle: u64,
    /// Cycles from START to DONE, over all launches.
    pub predicted_cycles: u64,
}

/// A kernel while it runs: a launch loads what it needs, starts, waits, and reads what it made.
pub(crate) struct KernelRun<'a> {
    pub device: &'a mut dyn Device,
    pub report: KernelReport,
    progress: &'a mut dyn FnMut(u64),
    cycles_before: u64,
}

impl<'a> KernelRun<'a> {
    /// Begins. `progress` hears now and then how many cycles were simulated.
    pub fn new(device: &'a mut dyn Device, expectation: Expectation, progress: &'a mut dyn FnMut(u64)) -> Self {
        let Expectation { results, macs, macs_per_cycle, predicted_cycles } = expectation;
        let report = KernelReport {
            bits: vec![0; results],
            flags: Flags::NONE,
            cycles: 0,
            predicted_cycles,
            macs,
            macs_per_cycle,
            counters: Counters::default(),
            simulated_cycles: 0,
        };
        let cycles_before = device.simulated_cycles();
        KernelRun { device, report, progress, cycles_before }
    }

    /// Runs the program at `entry`, a byte address, to its end.
    pub fn launch(&mut self, entry: u32, predicted_cycles: u64) -> Result<(), DeviceError> {
        let KernelRun { device, report, progress, cycles_before } = self;
        device.write_register(&register::FLAGS, u64::MAX)?;
        let mut tell = |cycles| progress(cycles - *cycles_before);
        let status = run_program(&mut **device, entry, predicted_cycles, &mut tell)?;
        report.cycles += status.cycles;
        report.flags |= status.flags;
        report.counters.add(&device.counters()?);
        tell(device.simulated_cycles());
        Ok(())
    }

    /// What it gave.
    pub fn finish(mut self) -> KernelReport {
        self.report.simulated_cycles = self.device.simulated_cycles() - self.cycles_before;
        (self.progress)(self.report.simulated_cycles);
        self.report
    }
}

/// About how many cycles the simulation of a launch takes: its program, a cycle for each word that the host moves, and
/// the registers that it reads and writes before and after.
pub(crate) fn launch_cycles(predicted_cycles: u64, moved_words: u64) -> u64 {
    const REGISTER_REQUESTS: u64 = 50;
    predicted_cycles + moved_words + REGISTER_REQUESTS
}

/// Words of a program in memory.
pub(crate) fn program_words(program: &Program) -> u64 {
    program.segments.iter().map(|segment| segment.words.len() as u64).sum()
}
