//! Random products, planned, run on the golden model's tile and compared.

use golden::{Activation, OutputType, Overflow, ReadOut, Shape, Start};
use kernels::device::{Device, GoldenDevice};
use kernels::matmul::{MatmulPlan, MatmulProblem, Operands, StartKind, expected, plan, run_matmul};

use kernels::random::Random;
use kernels::report::KernelReport;
use tile::{Accumulator, TileConfig};

/// A configuration with the given T, accumulator, rows and memory.
pub fn config(terms: usize, accumulator: Accumulator, rows: usize, banks: usize, bank_kib: usize) -> TileConfig {
    TileConfig { name: "test".into(), terms, accumulator, rows, banks, bank_kib, ..TileConfig::ipu64() }
}

/// Every combination of options, by number.
pub fn problem(shape: Shape, options: u64) -> MatmulProblem {
    let bit = |i: u64| options >> i & 1 == 1;
    let read_out = ReadOut {
        output: if bit(0) { OutputType::Fp16 } else { OutputType::Fp32 },
        overflow: if bit(1) { Overflow::Saturate } else { Overflow::ToInfinity },
        activation: if bit(2) { Activation::Relu } else { Activation::None },
    };
    let start = match options >> 3 & 3 {
        0 | 1 => StartKind::Zero,
        2 => StartKind::PartialSums,
        _ => StartKind::Bias,
    };
    let stochastic = bit(5).then_some(options as u32);
    let transposed_b = bit(6);
    MatmulProblem { start, read_out, stochastic, transposed_b, ..MatmulProblem::new(shape.m, shape.n, shape.k) }
}

/// Plans, runs on the golden model's tile and compares. Gives back the plan and the results.
pub fn run_on_golden(config: &TileConfig, problem: &MatmulProblem, seed: u64) -> (MatmulPlan, Vec<u32>) {
    let (plan, report) = run(&mut GoldenDevice::new(config), config, problem, seed);
    (plan, report.bits)
}

/// The same on any device. Gives back the plan and the report.
pub fn run(
    device: &mut dyn Device,
    config: &TileConfig,
    problem: &MatmulProblem,
    seed: u64,
) -> (MatmulPlan, KernelReport) {
    let plan = plan(config, problem).unwrap();
    let Shape { m, n, k } = problem.shape;
    let mut random = Random::new(seed);
    // Now and then any bit pattern.
    let sums: Vec<u32> =
        (0..m * n).map(|_| if random.one_in(64) { random.bits() as u32 } else { random.fp32() }).collect();
    let mut fp16s = |count| -> Vec<u16> {
        (0..count).map(|_| if random.one_in(64) { random.bits() as u16 } else { random.fp16() }).collect()
    };
    let (a, b) = (fp16s(m * k), fp16s(k * n));
    let start = match problem.start {
        StartKind::Zero => Start::Zero,
        StartKind::PartialSums => Start::PartialSums(&sums),
        StartKind::Bias => Start::Bias(&sums[..n]),
    };
    let residual = problem.epilogue.residual.then(|| fp16s(m * n));
    let operands = Operands { a: &a, b: &b, start, residual: residual.as_deref() };
    let report = run_matmul(device, &plan, &operands, &mut |_| ()).unwrap();
    let comparison = plan.problem.compare((&report.bits, report.flags), &expected(&plan, &operands));
    if let Some(difference) = comparison.first {
        panic!("{problem:?} on {config:?}: {} differ; {difference}", comparison.different);
    }
    assert_eq!(comparison.flags.0, comparison.flags.1, "flags of {problem:?} on {config:?}");
    assert_eq!(comparison.compared, m * n);
    (plan, report)
}
