//! Epilogues of products: bits on the golden model's tile, bits and cycles on the native simulator.

use golden::{Epilogue, EpilogueFunction, OutputType, Overflow, ReadOut, Shape};
use kernels::device::NativeTile;
use kernels::matmul::{MatmulProblem, PlanError, StartKind, plan};
use proptest::prelude::*;
use tile::{Accumulator, TileConfig};

use crate::products::{config, run, run_on_golden};

pub const FUNCTIONS: [EpilogueFunction; 6] = [
    EpilogueFunction::None,
    EpilogueFunction::Relu,
    EpilogueFunction::Gelu,
    EpilogueFunction::Sigmoid,
    EpilogueFunction::Tanh,
    EpilogueFunction::Softmax,
];

fn problem(shape: Shape, function: usize, residual: bool, fp16: bool) -> MatmulProblem {
    let output = if fp16 { OutputType::Fp16 } else { OutputType::Fp32 };
    MatmulProblem {
        read_out: ReadOut { output, overflow: Overflow::Saturate, ..ReadOut::default() },
        epilogue: Epilogue { residual, function: FUNCTIONS[function] },
        ..MatmulProblem::new(shape.m, shape.n, shape.k)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_epilogue_is_bit_exact_also_where_the_product_is_cut(
        (m, n, k) in (1..=40usize, 1..=70usize, 1..=200usize),
        terms in 0..5u32,
        (function, residual, fp16, transposed_b) in (0..6usize, any::<bool>(), any::<bool>(), any::<bool>()),
        start in prop_oneof![Just(StartKind::Zero), Just(StartKind::Bias), Just(StartKind::PartialSums)],
        (exact, large) in (any::<bool>(), any::<bool>()),
        seed: u64,
    ) {
        let accumulator = if exact { Accumulator::Exact } else { Accumulator::Fp32 };
        let (banks, bank_kib) = if large { (39, 16) } else { (9, 4) };
        let config = TileConfig { vector: true, ..config(1 << terms, accumulator, 16, banks, bank_kib) };
        let problem = MatmulProblem { start, transposed_b, ..problem(Shape { m, n, k }, function, residual, fp16) };
        let (plan, bits) = run_on_golden(&config, &problem, seed);
        prop_assert_eq!(bits.len(), m * n);
        prop_assert!(!large || plan.launches.len() == 1);
    }
}

#[test]
fn epilogues_are_bit_exact_and_take_the_predicted_cycles_on_the_native_simulator() {
    let config = TileConfig { vector: true, ..TileConfig::ipu64() };
    let mut device = NativeTile::new(&config).unwrap();
    let mut compared = 0;
    for (function, name) in FUNCTIONS.iter().enumerate() {
        for (shape, residual, fp16) in [
            (Shape { m: 64, n: 64, k: 64 }, true, true),
            (Shape { m: 33, n: 75, k: 20 }, false, false),
            (Shape { m: 50, n: 10, k: 128 }, false, true),
        ] {
            let problem = problem(shape, function, residual, fp16);
            let (plan, report) = run(&mut device, &config, &problem, 1);
            assert!(plan.layout.conflict_free);
            println!(
                "{name:?} {shape:?}: {} cycles, predicted {} ({:+.2} %)",
                report.cycles,
                report.predicted_cycles,
                100.0 * report.prediction_error()
            );
            assert!(report.prediction_error().abs() < 0.02, "{problem:?}: {}", report.prediction_error());
            compared += report.bits.len();
        }
    }
    assert_eq!(compared, 6 * (64 * 64 + 33 * 75 + 50 * 10));
}

#[test]
fn epilogues_that_a_tile_cannot_do_are_refused_with_what_is_missing() {
    let gelu = problem(Shape { m: 8, n: 8, k: 8 }, 2, false, true);
    let refused = |config: &TileConfig, problem: &MatmulProblem| plan(config, problem).unwrap_err().to_string();
    assert_eq!(
        refused(&TileConfig { vector: false, ..TileConfig::ipu64() }, &gelu),
        "configuration ipu64 has no vector engine, which an epilogue needs: expected one with vector = true"
    );
    let stochastic = MatmulProblem { stochastic: Some(1), ..gelu };
    assert_eq!(refused(&TileConfig::vector64(), &stochastic), "stochastic rounding: expected no epilogue");
    let wide = problem(Shape { m: 1, n: 200_000, k: 1 }, 5, false, true);
    assert!(matches!(plan(&TileConfig::vector64(), &wide), Err(PlanError::Memory { .. })));
}
