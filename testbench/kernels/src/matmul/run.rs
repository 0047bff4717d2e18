//! Runs a plan on a device.

use std::ops::Range;

use golden::{Flags, OutputType, Start};
use isa::register;

use super::pack::{Matrix, pack_fp32_rows, pack_inputs, pack_weights, unpack_results};
use super::plan::{Launch, MatmulPlan};
use super::{MatmulProblem, StartKind};
use crate::device::{Counters, Device, DeviceError};

/// The matrices of a product, row-major bit patterns.
#[derive(Debug, Clone, Copy)]
pub struct Operands<'a> {
    /// FP16, M x K.
    pub a: &'a [u16],
    /// FP16, K x N.
    pub b: &'a [u16],
    /// What the sums start from; of the kind that was planned.
    pub start: Start<'a>,
}

impl Operands<'_> {
    /// Panics unless the operands are those of the problem.
    pub(super) fn check(&self, problem: &MatmulProblem) {
        let shape = problem.shape;
        assert_eq!(self.a.len(), shape.m * shape.k, "A is M x K");
        assert_eq!(self.b.len(), shape.k * shape.n, "B is K x N");
        let (kind, length) = match self.start {
            Start::Zero => (StartKind::Zero, None),
            Start::PartialSums(sums) => (StartKind::PartialSums, Some((sums.len(), shape.m * shape.n))),
            Start::Bias(bias) => (StartKind::Bias, Some((bias.len(), shape.n))),
        };
        assert_eq!(kind, problem.start, "the sums start from what was planned");
        assert!(length.is_none_or(|(found, expected)| found == expected), "partial sums are M x N, a bias is N");
    }
}

/// What a run gave.
#[derive(Debug, Clone, PartialEq)]
pub struct MatmulReport {
    /// The results, row-major M x N bit patterns; FP16 in the low 16 bits.
    pub bits: Vec<u32>,
    /// Sticky flags of all launches.
    pub flags: Flags,
    /// Cycles from START to DONE, over all launches; 0 on a device without time.
    pub cycles: u64,
    /// What the plan predicted for them.
    pub predicted_cycles: u64,
    /// Multiply-accumulates that the product needs.
    pub macs: u64,
    /// Those that the tile can do in a cycle.
    pub macs_per_cycle: u64,
    /// The tile's counters, over all launches.
    pub counters: Counters,
    /// Cycles of the simulation, loading and reading included.
    pub simulated_cycles: u64,
}

impl MatmulReport {
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

/// Cycles between two reports of progress.
const PROGRESS_CYCLES: u64 = 5_000;

/// A program that takes so many times longer than predicted, and so many cycles more, has failed.
const PATIENCE: (u64, u64) = (20, 100_000);

/// Runs the plan. `progress` hears now and then how many launches are done, and how many cycles were simulated.
///
/// Panics if the operands are not those of the plan.
///
/// # Errors
/// The device fails or a program stops with an error.
pub fn run_matmul(
    device: &mut dyn Device,
    plan: &MatmulPlan,
    operands: &Operands,
    progress: &mut dyn FnMut(usize, u64),
) -> Result<MatmulReport, DeviceError> {
    operands.check(&plan.problem);
    let shape = plan.problem.shape;
    let cycles_before = device.simulated_cycles();
    let mut report = MatmulReport {
        bits: vec![0; shape.m * shape.n],
        flags: Flags::NONE,
        cycles: 0,
        predicted_cycles: plan.predicted_cycles(),
        macs: plan.problem.macs(),
        macs_per_cycle: plan.config.macs_per_cycle() as u64,
        counters: Counters::default(),
        simulated_cycles: 0,
    };
    let mut memory = Resident::default();
    for (index, launch) in plan.launches.iter().enumerate() {
        memory.load(device, plan, operands, launch)?;
        device.write_register(&register::FLAGS, u64::MAX)?;
        let program = &plan.programs[launch.program];
        device.start(program.program.entry)?;
        let limit_cycles = program.predicted_cycles * PATIENCE.0 + PATIENCE.1;
        let mut waited = 0;
        while !device.run(PROGRESS_CYCLES)? {
            waited += PROGRESS_CYCLES;
            if waited > limit_cycles {
                return Err(DeviceError::Timeout { limit_cycles });
            }
            progress(index, device.simulated_cycles() - cycles_before);
        }
        let status = device.status()?.halted()?;
        report.cycles += status.cycles;
        report.flags |= Flags::from_bits(status.flags.encode().map_or(0, |words| words[0] as u32));
        report.counters.add(&device.counters()?);
        if launch.k.end == shape.k {
            read_results(device, plan, launch, &mut report.bits)?;
        }
        progress(index + 1, device.simulated_cycles() - cycles_before);
    }
    report.simulated_cycles = device.simulated_cycles() - cycles_before;
    Ok(report)
}

/// What the memory holds: nothing is loaded twice in a row.
#[derive(Default)]
struct Resident {
    program: Option<usize>,
    inputs: Option<(Range<usize>, Range<usize>)>,
    weights: Option<(Range<usize>, Range<usize>)>,
    bias: Option<Range<usize>>,
}

impl Resident {
    /// Loads what a launch needs and the memory does not hold.
    fn load(
        &mut self,
        device: &mut dyn Device,
        plan: &MatmulPlan,
        operands: &Operands,
        launch: &Launch,
    ) -> Result<(), DeviceError> {
        let Launch { rows, columns, k, program } = launch;
        let shape = plan.problem.shape;
        let layout = &plan.layout;
        if self.program.replace(*program) != Some(*program) {
            device.load(&plan.programs[*program].program)?;
        }
        let inputs = (rows.clone(), k.clone());
        if self.inputs.replace(inputs.clone()) != Some(inputs) {
            let a = Matrix { values: operands.a, columns: shape.k };
            device.write_memory(layout.inputs.address, &pack_inputs(a, rows, k, &layout.inputs))?;
        }
        let weights = (k.clone(), columns.clone());
        if self.weights.replace(weights.clone()) != Some(weights) {
            let b = Matrix { values: operands.b, columns: shape.n };
            device.write_memory(layout.weights.address, &pack_weights(b, k, columns, &layout.weights))?;
        }
        let first_part = k.start == 0;
        match operands.start {
            Start::PartialSums(sums) if first_part => {
                let sums = Matrix { values: sums, columns: shape.n };
                let words = pack_fp32_rows(sums, rows, columns, &layout.partials);
                device.write_memory(layout.partials.address, &words)?;
            }
            Start::Bias(bias) if first_part && self.bias.replace(columns.clone()) != Some(columns.clone()) => {
                let bias = Matrix { values: bias, columns: shape.n };
                device.write_memory(layout.bias.address, &pack_fp32_rows(bias, &(0..1), columns, &layout.bias))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads the results of a launch into their place.
fn read_results(
    device: &mut dyn Device,
    plan: &MatmulPlan,
    launch: &Launch,
    bits: &mut [u32],
) -> Result<(), DeviceError> {
    let region = plan.programs[launch.program].results;
    let output: OutputType = plan.problem.read_out.output;
    let words = device.read_memory(region.address, launch.rows.len() * region.pitch_words as usize)?;
    let results = unpack_results(&words, output, launch.columns.len(), &region);
    for (row, results) in launch.rows.clone().zip(results) {
        bits[row * plan.problem.shape.n..][launch.columns.clone()].copy_from_slice(&results);
    }
    Ok(())
}
