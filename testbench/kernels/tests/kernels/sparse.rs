//! Random sparse products, planned, run on the golden model's tile and compared.

use golden::{Activation, OutputType, Overflow, ReadOut, SparseMatrix};
use kernels::device::{Device, GoldenDevice};
use kernels::random::Random;
use kernels::sparse::{
    Order, SparseOperands, SparsePlan, SparsePlanError, SparseProblem, expected, plan, plan_dynamic, rerun_sparse,
    run_sparse,
};
use proptest::prelude::*;
use tile::{Accumulator, TileConfig};

use crate::products::config;

/// A problem and the size of its matrix in blocks of a size that goes into 16.
#[derive(Debug, Clone)]
struct Product {
    order: Order,
    block: usize,
    /// Of the matrix as it is given.
    blocks: [usize; 2],
    dense: usize,
    read_out: ReadOut,
}

impl Product {
    fn size(&self) -> [usize; 2] {
        self.blocks.map(|blocks| blocks * self.block)
    }

    fn problem(&self) -> SparseProblem {
        let [rows, columns] = self.size();
        let (sums, k) = if self.order == Order::SparseTimesDense { (rows, columns) } else { (columns, rows) };
        let Product { order, block, dense, read_out, .. } = *self;
        SparseProblem { order, sums, k, dense, block, read_out }
    }

    fn matrix(&self, random: &mut Random) -> SparseMatrix {
        let all = (self.blocks[0] * self.blocks[1]) as u64;
        // As often empty and full as anything between.
        let count = match random.below(4) {
            0 => 0,
            1 => all,
            _ => random.below(all + 1),
        };
        let mut matrix = random.blocks(self.size(), [self.block; 2], count as usize);
        anything(random, &mut matrix.values);
        matrix
    }

    fn dense(&self, random: &mut Random) -> Vec<u16> {
        let problem = self.problem();
        let mut dense = random.fp16s(problem.k * problem.dense);
        anything(random, &mut dense);
        dense
    }
}

/// Now and then any bit pattern.
fn anything(random: &mut Random, values: &mut [u16]) {
    values.iter_mut().for_each(|value| *value = if random.one_in(200) { random.bits() as u16 } else { *value });
}

fn products() -> impl Strategy<Value = Product> {
    let size = (prop_oneof![Just(1), Just(2), Just(4), Just(8), Just(16)], [1..=6usize, 1..=6], 1..=150usize);
    (any::<bool>(), size, any::<[bool; 3]>()).prop_map(|(first, (block, blocks, dense), [fp16, saturate, relu])| {
        let read_out = ReadOut {
            output: if fp16 { OutputType::Fp16 } else { OutputType::Fp32 },
            overflow: if saturate { Overflow::Saturate } else { Overflow::ToInfinity },
            activation: if relu { Activation::Relu } else { Activation::None },
        };
        let order = if first { Order::SparseTimesDense } else { Order::DenseTimesSparse };
        Product { order, block, blocks, dense, read_out }
    })
}

/// Runs or reruns a plan, and compares. Results that were compared.
fn check(device: &mut dyn Device, plan: &SparsePlan, operands: &SparseOperands, again: bool) -> usize {
    let run = if again { rerun_sparse } else { run_sparse };
    let report = run(device, plan, operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    let golden = expected(plan, operands);
    let first = report.bits.iter().zip(&golden.bits).position(|(found, expected)| found != expected);
    assert_eq!(first, None, "first difference of {:?}", plan.problem);
    assert_eq!(report.flags, golden.flags, "flags of {:?}", plan.problem);
    assert_eq!(report.bits.len(), golden.bits.len());
    golden.bits.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn random_sparse_products_are_the_golden_ones(
        product in products(), terms in 0..5u32, exact: bool, large: bool, seed: u64
    ) {
        let accumulator = if exact { Accumulator::Exact } else { Accumulator::Fp32 };
        // Small memories cut the product into launches.
        let config = config(1 << terms, accumulator, 16, if large { 16 } else { 5 }, if large { 16 } else { 2 });
        let mut random = Random::new(seed);
        let (matrix, dense) = (product.matrix(&mut random), product.dense(&mut random));
        let plan = plan(&config, &product.problem(), &matrix);
        let plan = match plan {
            Err(SparsePlanError::Memory { .. }) if !large => return Ok(()),
            plan => plan.unwrap_or_else(|error| panic!("{error}")),
        };
        let operands = SparseOperands { sparse: &matrix, dense: &dense };
        prop_assert!(check(&mut GoldenDevice::new(&config), &plan, &operands, false) > 0);
    }

    #[test]
    fn patterns_are_rewritten_without_another_plan(product in products(), terms in 0..5u32, seed: u64) {
        let config = config(1 << terms, Accumulator::Fp32, 16, 16, 32);
        let mut random = Random::new(seed);
        let dense = product.dense(&mut random);
        let problem = product.problem();
        let most = problem.sums.next_multiple_of(16) * problem.k.next_multiple_of(16) / (4 * 16);
        let dynamic = plan_dynamic(&config, &problem, most.max(16)).unwrap();
        let mut device = GoldenDevice::new(&config);
        let mut commands = None;
        for again in [false, true, true] {
            let matrix = product.matrix(&mut random);
            let plan = dynamic.with_pattern(&matrix).unwrap();
            check(&mut device, &plan, &SparseOperands { sparse: &matrix, dense: &dense }, again);
            // The commands are the same words, whatever the pattern.
            let program = &plan.launches[0].program;
            let count = problem.sums.div_ceil(16) * problem.dense.div_ceil(16) + 1;
            let words: Vec<_> = (0..count as u32).map(|index| program.word(program.entry + 8 * index)).collect();
            prop_assert_eq!(commands.get_or_insert_with(|| words.clone()), &words);
        }
    }
}

#[test]
fn a_memory_that_is_too_small_for_the_product_takes_it_in_parts() {
    let config = config(4, Accumulator::Fp32, 16, 6, 2);
    let problem = SparseProblem {
        order: Order::SparseTimesDense,
        sums: 96,
        k: 64,
        dense: 50,
        block: 8,
        read_out: ReadOut::default(),
    };
    let mut random = Random::new(1);
    let (matrix, dense) = (random.blocks([96, 64], [8, 8], 60), random.fp16s(64 * 50));
    let plan = plan(&config, &problem, &matrix).unwrap();
    assert!(plan.launches.len() > 3, "{}", plan.launches.len());
    let operands = SparseOperands { sparse: &matrix, dense: &dense };
    assert_eq!(check(&mut GoldenDevice::new(&config), &plan, &operands, false), 96 * 50);
}

#[test]
fn what_cannot_be_planned_is_refused_with_what_is_wrong() {
    let order = Order::SparseTimesDense;
    let problem = SparseProblem { order, sums: 64, k: 64, dense: 64, block: 16, read_out: ReadOut::default() };
    let config = TileConfig::ipu64();
    let mut random = Random::new(1);
    let matrix = random.blocks([64, 64], [16, 16], 3);
    let dynamic = plan_dynamic(&config, &problem, 11).unwrap();
    let refused = dynamic.with_pattern(&matrix).unwrap_err().to_string();
    assert_eq!(refused, "the pattern has 12 strips of 4 x 16 numbers: expected at most 11, the planned capacity");
    assert!(plan_dynamic(&config, &problem, 12).unwrap().with_pattern(&matrix).is_ok());
    // A capacity is at most that of a full matrix.
    assert_eq!(plan_dynamic(&config, &problem, usize::MAX).unwrap().capacity, 64);
    let large = SparseProblem { sums: 1024, k: 1024, ..problem };
    let refused = plan_dynamic(&config, &large, 5_000).unwrap_err().to_string();
    let text = "configuration ipu64 has 638976 bytes of memory, too few for X, the results and 5000 strips at once";
    assert_eq!(refused, text);
    let refused = plan_dynamic(&config, &SparseProblem { k: 0, ..problem }, 1).unwrap_err().to_string();
    assert_eq!(refused, "S x K x N = 64 x 0 x 64: expected at least 1 in each direction");
    // Sizes that only their product makes too large.
    let wide = SparseProblem { sums: 65_536, k: 16, dense: 65_536, block: 16, ..problem };
    let refused = plan_dynamic(&config, &wide, 1).unwrap_err().to_string();
    assert!(refused.ends_with("too few for X, the results and 1 strips at once"), "{refused}");
    let small = TileConfig { banks: 2, bank_kib: 1, ..TileConfig::small16() };
    let long = SparseProblem { k: 1024, ..problem };
    let refused = plan(&small, &long, &random.blocks([64, 1024], [16, 16], 3)).unwrap_err().to_string();
    assert!(refused.ends_with("too few for one column with 16 sums of this product"), "{refused}");
}
