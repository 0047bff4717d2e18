//! Plans compute the product: on the golden model's tile, bit for bit, and without touching each other's memory.

use crate::products::{config, problem, run_on_golden};
use golden::{Activation, OutputType, Shape};
use isa::{AmpDescriptor, Command};
use kernels::matmul::{MatmulPlan, MatmulProblem, PlanError, StartKind, plan};
use proptest::prelude::*;
use tile::{Accumulator, TileConfig};

fn accumulators() -> impl Strategy<Value = Accumulator> {
    prop_oneof![Just(Accumulator::Fp32), Just(Accumulator::Exact)]
}

fn terms() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1), Just(2), Just(4), Just(8), Just(16)]
}

/// Memories from tiny ones, where everything is cut, to large ones.
fn memories() -> impl Strategy<Value = (usize, usize, usize)> {
    (prop_oneof![Just(16usize), Just(32), Just(64)], 2..=12usize, prop_oneof![Just(1usize), Just(2), Just(4), Just(16)])
}

fn sizes() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![(1..=40usize, 1..=40usize, 1..=40usize), (1..=100usize, 1..=100usize, 1..=100usize)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_product_on_any_memory_is_bit_exact_and_stays_in_its_regions(
        (m, n, k) in sizes(),
        terms in terms(),
        accumulator in accumulators(),
        (rows, banks, bank_kib) in memories(),
        options in 0u64..128,
        seed: u64,
    ) {
        let config = config(terms, accumulator, rows, banks, bank_kib);
        let problem = problem(Shape { m, n, k }, options);
        let (plan, bits) = run_on_golden(&config, &problem, seed);
        prop_assert_eq!(bits.len(), m * n);
        check_memory(&plan);
        check_cover(&plan);
    }
}

/// Regions do not overlap, lie in the memory and are aligned; each has its own banks where the plan says so; every
/// program is legal.
fn check_memory(plan: &MatmulPlan) {
    let config = &plan.config;
    let access = 8 * config.amp().access_words() as u32;
    let mut regions: Vec<_> = plan.layout.regions().into_iter().filter(|(_, region)| region.bytes > 0).collect();
    regions.sort_by_key(|(_, region)| region.address);
    for (name, region) in &regions {
        assert!(region.address.is_multiple_of(access), "{name} at {:#x}", region.address);
        assert!((region.pitch_words * 8).is_multiple_of(access), "{name} has rows of {} words", region.pitch_words);
        assert!(region.end() as usize <= config.memory_bytes(), "{name} ends at {:#x}", region.end());
    }
    for pair in regions.windows(2) {
        let ((low_name, low), (high_name, high)) = (pair[0], pair[1]);
        assert!(low.end() <= high.address, "{low_name} {:x?} runs into {high_name} {:x?}", low.range(), high.range());
        if plan.layout.conflict_free {
            let bank = config.bank_bytes() as u32;
            assert!((low.end() - 1) / bank < high.address / bank, "{low_name} and {high_name} share a bank");
        }
    }
    let limits = config.limits();
    for program in &plan.programs {
        program.program.validate(&limits).unwrap();
        for segment in &program.program.segments {
            let end = segment.address + 8 * segment.words.len() as u32;
            let region = plan.layout.program.range();
            assert!(region.contains(&segment.address) && end <= region.end, "program outside its region");
        }
    }
}

/// Every result is computed by exactly one command of one launch, over all of K.
fn check_cover(plan: &MatmulPlan) {
    let Shape { m, n, k } = plan.problem.shape;
    let mut covered = vec![0; m * n];
    for launch in &plan.launches {
        let program = &plan.programs[launch.program];
        for panel in &program.panels {
            assert!(panel.rows.len() <= plan.config.rows && panel.columns.len() <= 16);
            for row in panel.rows.clone() {
                for column in panel.columns.clone() {
                    covered[(launch.rows.start + row) * n + launch.columns.start + column] += launch.k.len();
                }
            }
        }
    }
    assert!(covered.iter().all(|&depth| depth == k));
}

fn rows_of_commands(plan: &MatmulPlan) -> Vec<usize> {
    plan.programs[0].panels.iter().map(|panel| panel.rows.len()).collect()
}

#[test]
fn a_product_that_fits_is_one_launch_in_banks_of_its_own() {
    for (config, size) in [(TileConfig::ipu64(), 256), (TileConfig::wide256(), 256), (TileConfig::small16(), 64)] {
        let plan = plan(&config, &MatmulProblem::new(size, size, size)).unwrap();
        assert_eq!(plan.launches.len(), 1);
        assert!(plan.layout.conflict_free);
        check_memory(&plan);
        check_cover(&plan);
    }
}

#[test]
fn a_product_larger_than_the_memory_moves_through_in_parts() {
    let small = config(4, Accumulator::Fp32, 16, 8, 1);
    let (plan, bits) = run_on_golden(&small, &MatmulProblem::new(97, 101, 211), 1);
    assert!(plan.launches.len() > 10);
    assert_eq!(bits.len(), 97 * 101);
    check_cover(&plan);
}

#[test]
fn k_is_cut_with_exact_accumulators_only_if_a_single_row_does_not_fit() {
    let memory = |accumulator| config(4, accumulator, 64, 8, 2);
    let problem = MatmulProblem::new(64, 32, 160);
    let exact = plan(&memory(Accumulator::Exact), &problem).unwrap();
    assert!(!exact.rounds_partial_sums() && exact.k_parts().len() == 1);

    let deep = MatmulProblem::new(2, 16, 1500);
    let exact = run_on_golden(&memory(Accumulator::Exact), &deep, 2).0;
    assert!(exact.rounds_partial_sums() && exact.k_parts().len() > 1);
    let fp32 = run_on_golden(&memory(Accumulator::Fp32), &deep, 2).0;
    assert!(!fp32.rounds_partial_sums() && fp32.k_parts().len() > 1);
}

#[test]
fn cutting_k_changes_nothing_with_fp32_accumulators() {
    let (m, n, k) = (5, 17, 1500);
    for options in [0, 1, 5, 16, 24] {
        let problem = problem(Shape { m, n, k }, options);
        let (cut, cut_bits) = run_on_golden(&config(4, Accumulator::Fp32, 16, 8, 2), &problem, 3);
        let (whole, whole_bits) = run_on_golden(&TileConfig::ipu64(), &problem, 3);
        assert!(cut.k_parts().len() > 1 && whole.k_parts().len() == 1);
        assert_eq!(cut_bits, whole_bits, "{problem:?}");
    }
}

#[test]
fn a_small_last_panel_is_balanced() {
    let plan = plan(&TileConfig::ipu64(), &MatmulProblem::new(65, 64, 256)).unwrap();
    let rows = rows_of_commands(&plan);
    assert!(rows.iter().all(|&rows| rows >= 16), "{rows:?}");
}

#[test]
fn the_last_results_leave_in_small_pieces() {
    let plan = plan(&TileConfig::ipu64(), &MatmulProblem::new(64, 64, 64)).unwrap();
    let rows = rows_of_commands(&plan);
    assert_eq!(rows[..3], [64, 64, 64]);
    assert!(*rows.last().unwrap() <= 32, "{rows:?}");
}

#[test]
fn partial_sums_and_bias_enter_by_the_descriptor() {
    let descriptor = |start| {
        let problem = MatmulProblem { start, ..MatmulProblem::new(64, 64, 64) };
        let plan = plan(&TileConfig::ipu64(), &problem).unwrap();
        let program = &plan.programs[0].program;
        let Ok(Command::Amp { descriptor }) = Command::decode(program.word(program.entry).unwrap()) else {
            panic!("the first command is AMP");
        };
        let words = std::array::from_fn(|i| program.word(descriptor + 8 * i as u32).unwrap());
        (AmpDescriptor::decode(&words).unwrap(), plan.layout)
    };
    let (zero, _) = descriptor(StartKind::Zero);
    assert!(!zero.partial_in);
    let (sums, layout) = descriptor(StartKind::PartialSums);
    assert_eq!((sums.partial_in, sums.partial_address), (true, layout.partials.address));
    assert_eq!(sums.partial_stride_x as u32, layout.partials.pitch_words);
    let (bias, layout) = descriptor(StartKind::Bias);
    assert_eq!((bias.partial_in, bias.partial_address, bias.partial_stride_x), (true, layout.bias.address, 0));
}

#[test]
fn read_out_options_reach_the_descriptor_of_the_last_part_only() {
    let mut problem = MatmulProblem::new(5, 16, 1500);
    problem.read_out.output = OutputType::Fp16;
    problem.read_out.activation = Activation::Relu;
    let plan = plan(&config(4, Accumulator::Fp32, 16, 8, 2), &problem).unwrap();
    for launch in &plan.launches {
        let program = &plan.programs[launch.program].program;
        let Ok(Command::Amp { descriptor }) = Command::decode(program.word(program.entry).unwrap()) else {
            panic!("the first command is AMP");
        };
        let words = std::array::from_fn(|i| program.word(descriptor + 8 * i as u32).unwrap());
        let descriptor = AmpDescriptor::decode(&words).unwrap();
        let last = launch.k.end == 1500;
        assert_eq!((descriptor.result_fp16, descriptor.activation == isa::Activation::RELU), (last, last));
    }
}

#[test]
fn sizes_of_zero_and_illegal_configurations_are_refused() {
    let refusal = |config: &TileConfig, m, n, k| plan(config, &MatmulProblem::new(m, n, k)).unwrap_err();
    let ipu64 = TileConfig::ipu64();
    assert_eq!(refusal(&ipu64, 0, 2, 3).to_string(), "M x N x K = 0 x 2 x 3: expected at least 1 in each direction");
    assert_eq!(refusal(&TileConfig { terms: 3, ..ipu64 }, 1, 1, 1).to_string(), "terms = 3; expected 1, 2, 4, 8 or 16");
    assert!(matches!(refusal(&TileConfig::ipu64(), 1, 0, 1), PlanError::Empty(1, 0, 1)));
}
