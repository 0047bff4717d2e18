//! Products on machines of many tiles: every bit and every flag as golden's, every cycle as predicted.

use exchange::GridConfig;
use golden::{Activation, OutputType, Overflow, ReadOut, Shape, Start};
use kernels::device::NativeGrid;
use kernels::matmul::grid::{GridPlan, Partition, expected, plan, plan_partition, run_grid_matmul};
use kernels::matmul::{MatmulProblem, Operands, StartKind};
use kernels::random::Random;
use tile::{Accumulator, TileConfig};

const SEED: u64 = 0x7e55_e7a0;

/// A machine of tiles of 64 KiB with few rows.
fn small(tiles: usize, terms: usize, accumulator: Accumulator) -> GridConfig {
    let tile = TileConfig {
        name: "small".into(),
        terms,
        accumulator,
        rows: 16,
        banks: 16,
        bank_kib: 4,
        ..TileConfig::ipu64()
    };
    GridConfig::new(tile, tiles)
}

/// Runs a plan with random operands. Every result, the flags and the cycles are compared; gives back the results' number
/// and the cycles.
fn check(grid: &mut NativeGrid, plan: &GridPlan, random: &mut Random) -> (usize, u64) {
    let MatmulProblem { shape: Shape { m, n, k }, start, .. } = plan.problem;
    let (a, b) = (random.fp16s(m * k), random.fp16s(k * n));
    let sums: Vec<u32> = (0..m * n).map(|_| random.fp32()).collect();
    let start = match start {
        StartKind::Zero => Start::Zero,
        StartKind::PartialSums => Start::PartialSums(&sums),
        StartKind::Bias => Start::Bias(&sums[..n]),
    };
    let operands = Operands { a: &a, b: &b, start, residual: None };
    let place = format!("{:?} in {}", plan.problem, plan.partition);
    let report = run_grid_matmul(grid, plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{place}: {error}"));
    let golden = expected(plan, &operands);
    let wrong = report.bits.iter().zip(&golden.bits).position(|(found, expected)| found != expected);
    assert_eq!((wrong, report.bits.len()), (None, m * n), "{place}: first result that differs");
    assert_eq!(report.flags, golden.flags, "{place}");
    assert_eq!(report.cycles, plan.predicted.total, "{place}: cycles against the prediction");
    (m * n, report.cycles)
}

#[test]
fn products_of_256_on_four_tiles_take_what_they_must() {
    let config = GridConfig::new(TileConfig::ipu64(), 4);
    let plan = plan(&config, &MatmulProblem::new(256, 256, 256)).expect("it fits");
    let mut grid = NativeGrid::new(&config).unwrap_or_else(|error| panic!("{error}"));
    let (_, cycles) = check(&mut grid, &plan, &mut Random::new(SEED));
    let bound = plan.compute_bound() + plan.busiest_port_cycles;
    println!("256 x 256 x 256 on 4 tiles in {}: {cycles} cycles, bound {bound}", plan.partition);
    assert!(cycles as f64 <= 1.02 * bound as f64 + 500.0, "{cycles} cycles, bound {bound}");
    let others = plan.candidates.iter().filter_map(|candidate| candidate.predicted);
    assert!(others.clone().count() >= 5 && others.clone().all(|other| other.total >= plan.predicted.total));
}

#[test]
fn every_partition_of_random_products_is_bit_exact_and_predicted() {
    let mut random = Random::new(SEED);
    let (mut products, mut exact_products, mut results) = (0, 0, 0);
    for (tiles, terms, accumulator) in
        [(4, 4, Accumulator::Fp32), (6, 1, Accumulator::Exact), (3, 16, Accumulator::Fp32)]
    {
        let config = small(tiles, terms, accumulator);
        let mut grid = NativeGrid::new(&config).unwrap_or_else(|error| panic!("{error}"));
        for round in 0..3 {
            let mut below = |most: usize| 1 + random.below(most as u64) as usize;
            let shape = Shape { m: below(30), n: below(80), k: below(90) };
            let starts = [StartKind::Zero, StartKind::PartialSums, StartKind::Bias];
            let output = if round % 2 == 0 { OutputType::Fp32 } else { OutputType::Fp16 };
            let activation = if round < 2 { Activation::None } else { Activation::Relu };
            let read_out = ReadOut { output, overflow: Overflow::Saturate, activation };
            let start = starts[round % 3];
            let problem = MatmulProblem { start, read_out, ..MatmulProblem::new(shape.m, shape.n, shape.k) };
            for partition in Partition::all(shape, tiles) {
                let Some(plan) = plan_partition(&config, &problem, partition) else { continue };
                results += check(&mut grid, &plan, &mut random).0;
                products += 1;
                // Sums that keep all their bits: whatever the partition, as on one tile.
                if accumulator == Accumulator::Exact && partition.k > 1 {
                    let exact = plan_partition(&config, &problem.with_exact_sums(), partition);
                    let Some(plan) = exact else { continue };
                    results += check(&mut grid, &plan, &mut random).0;
                    exact_products += 1;
                }
            }
        }
    }
    println!("{products} products in all partitions, {exact_products} with exact sums, {results} results compared");
    assert!(exact_products >= 5, "{exact_products} products with exact sums");
    assert!(products >= 40 && results > 20_000, "{products} products, {results} results");
}
