//! Runs a plan on a device.

use std::ops::Range;

use golden::{OutputType, Start};
use isa::{ControlRegister, ProgramBuilder};

use super::plan::{Launch, MatmulPlan};
use super::{MatmulProblem, StartKind};
use crate::device::{Device, DeviceError, run_program};
use crate::pack::{Matrix, pack_fp32_rows, pack_inputs, pack_weights, unpack_results};
use crate::report::{Expectation, KernelReport, KernelRun, launch_cycles, program_words};

/// The matrices of a product, row-major bit patterns.
#[derive(Debug, Clone, Copy)]
pub struct Operands<'a> {
    /// FP16, M x K.
    pub a: &'a [u16],
    /// FP16, K x N; N x K where the problem has it transposed.
    pub b: &'a [u16],
    /// What the sums start from; of the kind that was planned.
    pub start: Start<'a>,
    /// FP16, M x N, where the problem has a residual.
    pub residual: Option<&'a [u16]>,
}

impl Operands<'_> {
    /// Panics unless the operands are those of the problem.
    pub(super) fn check(&self, problem: &MatmulProblem) {
        let shape = problem.shape;
        assert_eq!(self.a.len(), shape.m * shape.k, "A is M x K");
        assert_eq!(self.b.len(), shape.k * shape.n, "B is K x N");
        let residual = problem.epilogue.residual.then_some(shape.m * shape.n);
        assert_eq!(self.residual.map(<[u16]>::len), residual, "a residual is M x N, where there is one");
        let (kind, length) = match self.start {
            Start::Zero => (StartKind::Zero, None),
            Start::PartialSums(sums) => (StartKind::PartialSums, Some((sums.len(), shape.m * shape.n))),
            Start::Bias(bias) => (StartKind::Bias, Some((bias.len(), shape.n))),
        };
        assert_eq!(kind, problem.start, "the sums start from what was planned");
        assert!(length.is_none_or(|(found, expected)| found == expected), "partial sums are M x N, a bias is N");
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
) -> Result<KernelReport, DeviceError> {
    operands.check(&plan.problem);
    let shape = plan.problem.shape;
    let expectation = Expectation {
        results: shape.m * shape.n,
        macs: plan.problem.macs(),
        macs_per_cycle: plan.config.macs_per_cycle() as u64,
        predicted_cycles: plan.predicted_cycles(),
    };
    let mut run = KernelRun::new(device, expectation, progress);
    if let Some(seed) = plan.problem.stochastic {
        set_seed(run.device, plan.layout.program.address, seed)?;
    }
    let mut memory = Resident::default();
    for launch in &plan.launches {
        memory.load(run.device, plan, operands, launch)?;
        let program = &plan.programs[launch.program];
        run.launch(program.program.entry, program.predicted_cycles)?;
        if launch.k.end == shape.k {
            read_results(run.device, plan, launch, &mut run.report.bits)?;
        }
    }
    Ok(run.finish())
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
    residual: bool,
}

impl Resident {
    /// What `launch` needs and the memory does not hold; from now on it does.
    fn loads(&mut self, problem: &MatmulProblem, launch: &Launch) -> Loads {
        fn changes<T: PartialEq>(held: &mut Option<T>, needed: T) -> bool {
            let change = held.as_ref() != Some(&needed);
            *held = Some(needed);
            change
        }
        let Launch { rows, columns, k, program } = launch;
        let (first_part, start) = (k.start == 0, problem.start);
        Loads {
            program: changes(&mut self.program, *program),
            inputs: changes(&mut self.inputs, (rows.clone(), k.clone())),
            weights: changes(&mut self.weights, (k.clone(), columns.clone())),
            partials: first_part && start == StartKind::PartialSums,
            bias: first_part && start == StartKind::Bias && changes(&mut self.bias, columns.clone()),
            residual: problem.epilogue.residual && k.end == problem.shape.k,
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
        let loads = self.loads(&plan.problem, launch);
        if loads.program {
            device.load(&plan.programs[*program].program)?;
        }
        if loads.inputs {
            let a = Matrix { values: operands.a, columns: shape.k };
            device.write_memory(layout.inputs.address, &pack_inputs(a, rows, k, &layout.inputs))?;
        }
        if loads.weights {
            let words = if plan.problem.transposed_b {
                pack_inputs(Matrix { values: operands.b, columns: shape.k }, columns, k, &layout.weights)
            } else {
                pack_weights(Matrix { values: operands.b, columns: shape.n }, k, columns, &layout.weights)
            };
            device.write_memory(layout.weights.address, &words)?;
        }
        if let Some(residual) = operands.residual.filter(|_| loads.residual) {
            let residual = Matrix { values: residual, columns: shape.n };
            device.write_memory(layout.residual.address, &pack_inputs(residual, rows, columns, &layout.residual))?;
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

/// About how many cycles the simulation of a plan takes: its programs, and a cycle for each word that the host moves.
pub fn simulation_cycles(plan: &MatmulPlan) -> u64 {
    let layout = &plan.layout;
    let row_words = |rows: usize, pitch_words: u32| rows as u64 * u64::from(pitch_words);
    let mut memory = Resident::default();
    let cycles = |launch: &Launch| {
        let program = &plan.programs[launch.program];
        let Loads { program: new_program, inputs, weights, partials, bias, residual } =
            memory.loads(&plan.problem, launch);
        let columns = launch.columns.len();
        let weight_rows = if plan.problem.transposed_b { columns } else { columns.div_ceil(isa::LANES as usize) };
        let parts = [
            (new_program, program_words(&program.program)),
            (inputs, row_words(launch.rows.len(), layout.inputs.pitch_words)),
            (weights, row_words(weight_rows, layout.weights.pitch_words)),
            (partials, row_words(launch.rows.len(), layout.partials.pitch_words)),
            (bias, row_words(1, layout.bias.pitch_words)),
            (residual, row_words(launch.rows.len(), layout.residual.pitch_words)),
            (launch.k.end == plan.problem.shape.k, row_words(launch.rows.len(), program.results.pitch_words)),
        ];
        let moved: u64 = parts.iter().filter(|(moves, _)| *moves).map(|(_, words)| words).sum();
        launch_cycles(program.predicted_cycles, moved)
    };
    plan.launches.iter().map(cycles).sum()
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
