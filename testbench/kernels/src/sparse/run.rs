//! Runs a plan on a device.

use std::ops::Range;

use golden::{Gathering, MatmulResult, SparseMatrix, dense_times_sparse, sparse_times_dense};

use super::plan::{SparseLaunch, SparsePlan, pattern_words};
use super::program::zeros;
use super::{Order, SparseProblem};
use crate::device::{Device, DeviceError};
use crate::report::{Expectation, KernelReport, KernelRun, launch_cycles, program_words};

/// The matrices of a product.
#[derive(Debug, Clone, Copy)]
pub struct SparseOperands<'a> {
    /// W, in the pattern of the plan.
    pub sparse: &'a SparseMatrix,
    /// X: FP16 bit patterns, row-major.
    pub dense: &'a [u16],
}

impl SparseOperands<'_> {
    fn check(&self, problem: &SparseProblem) {
        assert_eq!(self.dense.len(), problem.k * problem.dense, "X is K x N, or N x K where it comes first");
    }
}

/// What the plan computes, by the golden model. Panics if the operands are not those of the plan.
pub fn expected(plan: &SparsePlan, operands: &SparseOperands) -> MatmulResult {
    let groups = plan.panels().map(|panel| panel.sums.clone()).collect();
    golden_product(&plan.problem, operands, &Gathering { groups, width: plan.width }, &plan.options())
}

/// The product of two matrices by the golden model.
pub(super) fn golden_product(
    problem: &SparseProblem,
    operands: &SparseOperands,
    gathering: &Gathering,
    options: &golden::MatmulOptions,
) -> MatmulResult {
    operands.check(problem);
    let SparseOperands { sparse, dense } = *operands;
    match problem.order {
        Order::SparseTimesDense => sparse_times_dense(sparse, dense, problem.dense, gathering, options),
        Order::DenseTimesSparse => dense_times_sparse(dense, problem.dense, sparse, gathering, options),
    }
}

/// Runs the plan. `progress` hears now and then how many cycles were simulated. Results are row-major.
///
/// Panics if the operands are not those of the plan.
///
/// # Errors
/// The device fails or a program stops with an error.
pub fn run_sparse(
    device: &mut dyn Device,
    plan: &SparsePlan,
    operands: &SparseOperands,
    progress: &mut dyn FnMut(u64),
) -> Result<KernelReport, DeviceError> {
    let matrix = plan.problem.by_sums(operands.sparse);
    let mut run = begin(device, plan, operands, progress);
    let mut inputs: Option<&Range<usize>> = None;
    for (address, words) in zeros(&plan.layout) {
        run.device.write_memory(address, &words)?;
    }
    for launch in &plan.launches {
        let part = plan.part(launch);
        if inputs.replace(&launch.dense) != Some(&launch.dense) {
            let words = part.pack_inputs(operands.dense, &plan.blocks);
            run.device.write_memory(plan.layout.inputs.address, &words)?;
        }
        run.device.load(&launch.program)?;
        run.device.write_memory(plan.layout.weights.address, &part.pack_weights(&matrix))?;
        compute(&mut run, plan, launch)?;
    }
    Ok(run.finish())
}

/// Runs the plan of a pattern on a device whose last run was of the same [`DynamicPlan`](super::DynamicPlan), and of the
/// same X: only the pattern is written, that is W, lists and descriptors.
///
/// Panics if W is not the plan's.
///
/// # Errors
/// The device fails or a program stops with an error.
pub fn rerun_sparse(
    device: &mut dyn Device,
    plan: &SparsePlan,
    operands: &SparseOperands,
    progress: &mut dyn FnMut(u64),
) -> Result<KernelReport, DeviceError> {
    let matrix = plan.problem.by_sums(operands.sparse);
    let mut run = begin(device, plan, operands, progress);
    for launch in &plan.launches {
        let (address, words) = pattern_words(plan, launch);
        run.device.write_memory(address, &words)?;
        run.device.write_memory(plan.layout.weights.address, &plan.part(launch).pack_weights(&matrix))?;
        compute(&mut run, plan, launch)?;
    }
    Ok(run.finish())
}

fn begin<'a>(
    device: &'a mut dyn Device,
    plan: &SparsePlan,
    operands: &SparseOperands,
    progress: &'a mut dyn FnMut(u64),
) -> KernelRun<'a> {
    let problem = &plan.problem;
    operands.check(problem);
    let expectation = Expectation {
        results: problem.sums * problem.dense,
        macs: (operands.sparse.stored() * problem.dense) as u64,
        macs_per_cycle: plan.config.macs_per_cycle() as u64,
        predicted_cycles: plan.predicted_cycles(),
    };
    KernelRun::new(device, expectation, progress)
}

fn compute(run: &mut KernelRun, plan: &SparsePlan, launch: &SparseLaunch) -> Result<(), DeviceError> {
    run.launch(launch.program.entry, launch.predicted_cycles)?;
    let part = plan.part(launch);
    let words = run.device.read_memory(plan.layout.results.address, part.result_words(&plan.layout))?;
    part.unpack_results(&words, &mut run.report.bits);
    Ok(())
}

/// About how many cycles the simulation of a plan takes.
pub fn simulation_cycles(plan: &SparsePlan) -> u64 {
    let cycles = |launch: &SparseLaunch| {
        let part = plan.part(launch);
        let inputs = plan.blocks.len() * 4 * launch.dense.len();
        let moved = inputs + part.strips() * plan.width * 4 + part.result_words(&plan.layout);
        launch_cycles(launch.predicted_cycles, program_words(&launch.program) + moved as u64)
    };
    plan.launches.iter().map(cycles).sum()
}
