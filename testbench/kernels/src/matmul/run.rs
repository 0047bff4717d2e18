//! Runs a plan on a device.

use std::ops::Range;

use golden::{Flags, OutputType, Start};
use isa::{ControlRegister, ProgramBuilder, register};

use super::plan::{Launch, MatmulPlan};
use super::{MatmulProblem, StartKind};
use crate::device::{Counters, Device, DeviceError, run_program};
use crate::pack::{Matrix, pack_fp32_rows, pack_inputs, pack_weights, unpack_results};

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

/// Runs the plan. `progress` hears now and then how many cycles were simulated, of about [`simulation_cycles`].
///
/// Panics if the operands are not those of the plan.
///
/// # Errors
/// The device fails or a program stops with an error.
pub fn run_matmul(
    device: &mut dyn Device,
    plan: &MatmulPlan,
    operands: &Operands,
    progress: &mut dyn FnMut(u64),
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
    if let Some(seed) = plan.problem.stochastic {
        set_seed(device, plan.layout.program.address, seed)?;
    }
    let mut memory = Resident::default();
    for launch in &plan.launches {
        memory.load(device, plan, operands, launch)?;
        device.write_register(&register::FLAGS, u64::MAX)?;
        let program = &plan.programs[launch.program];
        let mut tell = |cycles| progress(cycles - cycles_before);
        let status = run_program(device, program.program.entry, program.predicted_cycles, &mut tell)?;
        report.cycles += status.cycles;
        report.flags |= status.flags;
        report.counters.add(&device.counters()?);
        if launch.k.end == shape.k {
            read_results(device, plan, launch, &mut report.bits)?;
        }
        progress(device.simulated_cycles() - cycles_before);
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

/// What a launch has to load.
struct Loads {
    program: bool,
    inputs: bool,
    weights: bool,
    partials: bool,
    bias: bool,
}

impl Resident {
    /// What `launch` needs and the memory does not hold; from now on it does.
    fn loads(&mut self, start: StartKind, launch: &Launch) -> Loads {
        fn changes<T: PartialEq>(held: &mut Option<T>, needed: T) -> bool {
            let change = held.as_ref() != Some(&needed);
            *held = Some(needed);
            change
        }
        let Launch { rows, columns, k, program } = launch;
        let first_part = k.start == 0;
        Loads {
            program: changes(&mut self.program, *program),
            inputs: changes(&mut self.inputs, (rows.clone(), k.clone())),
            weights: changes(&mut self.weights, (k.clone(), columns.clone())),
            partials: first_part && start == StartKind::PartialSums,
            bias: first_part && start == StartKind::Bias && changes(&mut self.bias, columns.clone()),
        }
    }

    fn load(
        &mut self,
        device: &mut dyn Device,
        plan: &MatmulPlan,
        operands: &Operands,
        launch: &Launch,
    ) -> Result<(), DeviceError> {
        let Launch { rows, columns, k, program } = launch;
        let (shape, layout) = (plan.problem.shape, &plan.layout);
        let loads = self.loads(plan.problem.start, launch);
        if loads.program {
            device.load(&plan.programs[*program].program)?;
        }
        if loads.inputs {
            let a = Matrix { values: operands.a, columns: shape.k };
            device.write_memory(layout.inputs.address, &pack_inputs(a, rows, k, &layout.inputs))?;
        }
        if loads.weights {
            let b = Matrix { values: operands.b, columns: shape.n };
            device.write_memory(layout.weights.address, &pack_weights(b, k, columns, &layout.weights))?;
        }
        match operands.start {
            Start::PartialSums(sums) if loads.partials => {
                let sums = Matrix { values: sums, columns: shape.n };
                let words = pack_fp32_rows(sums, rows, columns, &layout.partials);
                device.write_memory(layout.partials.address, &words)?;
            }
            Start::Bias(bias) if loads.bias => {
                let bias = Matrix { values: bias, columns: shape.n };
                device.write_memory(layout.bias.address, &pack_fp32_rows(bias, &(0..1), columns, &layout.bias))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Runs a program that sets the seed of the AMP's random bits, in the place of the first launch's.
fn set_seed(device: &mut dyn Device, address: u32, seed: u32) -> Result<(), DeviceError> {
    let mut builder = ProgramBuilder::new(address);
    builder.set(ControlRegister::SEED_AMP, seed).halt();
    device.load(&builder.finish().expect("every seed fits its field"))?;
    run_program(device, address, 0, &mut |_| ()).map(|_| ())
}

/// About how many requests a launch makes beside its data: registers before and after it.
const REQUESTS_A_LAUNCH: u64 = 50;

/// About how many cycles the simulation of a plan takes: its programs, and a cycle for each word that the host moves.
pub fn simulation_cycles(plan: &MatmulPlan) -> u64 {
    let layout = &plan.layout;
    let row_words = |rows: usize, pitch_words: u32| rows as u64 * u64::from(pitch_words);
    let mut memory = Resident::default();
    let launch_cycles = |launch: &Launch| {
        let program = &plan.programs[launch.program];
        let Loads { program: new_program, inputs, weights, partials, bias } = memory.loads(plan.problem.start, launch);
        let panels = launch.columns.len().div_ceil(isa::LANES as usize);
        let parts = [
            (new_program, program.program.segments.iter().map(|segment| segment.words.len() as u64).sum()),
            (inputs, row_words(launch.rows.len(), layout.inputs.pitch_words)),
            (weights, row_words(panels, layout.weights.pitch_words)),
            (partials, row_words(launch.rows.len(), layout.partials.pitch_words)),
            (bias, row_words(1, layout.bias.pitch_words)),
            (launch.k.end == plan.problem.shape.k, row_words(launch.rows.len(), program.results.pitch_words)),
        ];
        let moved: u64 = parts.iter().filter(|(moves, _)| *moves).map(|(_, words)| words).sum();
        program.predicted_cycles + moved + REQUESTS_A_LAUNCH
    };
    plan.launches.iter().map(launch_cycles).sum()
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
