//! Sparse products on the whole tile, in the native simulator and in Verilator: every result and every flag is the golden
//! model's, and every run takes the predicted cycles.

use std::ops::Range;

use exchange::GridConfig;
use golden::{BlockSparseMatrix, OutputType, ReadOut, SparseMatrix};
use kernels::device::{Device, DeviceError, GridHost, NativeGrid, NativeTile, Pins, VerilatorTile};
use kernels::matmul::{self, MatmulProblem};
use kernels::random::Random;
use kernels::report::KernelReport;
use kernels::sparse::{
    Order, SparseOperands, SparsePlan, SparseProblem, expected, grid, plan, plan_dynamic, rerun_sparse, run_sparse,
};
use tile::TileConfig;

const SEED: u64 = 6;
/// Random patterns, and the block rows and columns of each.
const PATTERNS: usize = 100;
const BLOCKS: usize = 8;

/// [`run_sparse`] or [`rerun_sparse`].
type Run = fn(&mut dyn Device, &SparsePlan, &SparseOperands, &mut dyn FnMut(u64)) -> Result<KernelReport, DeviceError>;

/// One run on a device, compared. Panics unless all is as it should be.
fn compared(report: &KernelReport, plan: &SparsePlan, operands: &SparseOperands) -> usize {
    let golden = expected(plan, operands);
    assert_eq!(report.bits, golden.bits, "{:?}", plan.problem);
    assert_eq!(report.flags, golden.flags, "{:?}", plan.problem);
    assert_eq!(report.cycles, report.predicted_cycles, "{:?}", plan.problem);
    golden.bits.len()
}

/// What is left of a matrix without some of its rows' numbers.
fn without(matrix: &SparseMatrix, rows: Range<usize>) -> SparseMatrix {
    let SparseMatrix { row_starts, column_indices, values, .. } = matrix;
    let gone = row_starts[rows.start]..row_starts[rows.end];
    let start = |&start: &usize| start - (start.min(gone.end) - start.min(gone.start));
    let kept = |index: &usize| !gone.contains(index);
    SparseMatrix {
        row_starts: row_starts.iter().map(start).collect(),
        column_indices: (0..column_indices.len()).filter(kept).map(|index| column_indices[index]).collect(),
        values: (0..values.len()).filter(kept).map(|index| values[index]).collect(),
        ..*matrix
    }
}

/// Patterns of blocks of 16, 8 and 4: an empty matrix, a full one, one with one empty row of blocks, and random ones at
/// densities from 1/64 to 1.
fn patterns(random: &mut Random) -> Vec<(usize, SparseMatrix)> {
    let all = BLOCKS * BLOCKS;
    (0..PATTERNS)
        .map(|pattern| {
            let block = [16, 8, 4][pattern % 3];
            let sides = [BLOCKS * block; 2];
            let count = match pattern {
                0..3 => 0,
                3..9 => all,
                9..12 => 1,
                _ => 1 + random.below(all as u64) as usize,
            };
            let matrix = random.blocks(sides, [block; 2], count);
            let empty = if (6..9).contains(&pattern) { 2 * block..3 * block } else { 0..0 };
            (block, without(&matrix, empty))
        })
        .collect()
}

/// Runs all of them. Results that were compared.
fn check(device: &mut dyn Device, config: &TileConfig) -> usize {
    println!("seed {SEED}");
    let mut random = Random::new(SEED);
    let mut results = 0;
    for (index, (block, matrix)) in patterns(&mut random).into_iter().enumerate() {
        let order = if index % 2 == 0 { Order::SparseTimesDense } else { Order::DenseTimesSparse };
        let output = if index % 5 < 3 { OutputType::Fp16 } else { OutputType::Fp32 };
        let read_out = ReadOut { output, ..ReadOut::default() };
        let dense_size = 1 + random.below(16) as usize;
        let problem = SparseProblem { order, sums: matrix.rows, k: matrix.columns, dense: dense_size, block, read_out };
        let dense = random.fp16s(problem.k * dense_size);
        let operands = SparseOperands { sparse: &matrix, dense: &dense };
        let plan = plan(config, &problem, &matrix).unwrap_or_else(|error| panic!("{error}"));
        let report = run_sparse(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
        results += compared(&report, &plan, &operands);
    }
    println!("{PATTERNS} patterns, {results} results");
    results
}

/// A dynamic plan, and patterns that follow each other.
fn check_dynamic(device: &mut dyn Device, config: &TileConfig) -> usize {
    let mut random = Random::new(SEED);
    let (sums, k, dense) = (64, 64, 16);
    let problem =
        SparseProblem { order: Order::SparseTimesDense, sums, k, dense, block: 8, read_out: ReadOut::default() };
    let dynamic = plan_dynamic(config, &problem, sums * k / 64).unwrap_or_else(|error| panic!("{error}"));
    let x = random.fp16s(k * dense);
    let mut results = 0;
    for (again, count) in [(false, 20), (true, 0), (true, 64), (true, 3)] {
        let matrix = random.blocks([sums, k], [8, 8], count);
        let plan = dynamic.with_pattern(&matrix).unwrap_or_else(|error| panic!("{error}"));
        let operands = SparseOperands { sparse: &matrix, dense: &x };
        let run = if again { rerun_sparse } else { run_sparse };
        let report = run(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
        results += compared(&report, &plan, &operands);
    }
    results
}

/// Products of SciPy (`scripts/sparse-vectors`): a problem, its operands, and results in FP32, all of which are exact.
fn of_scipy() -> Vec<(SparseProblem, SparseMatrix, Vec<u16>, Vec<u32>)> {
    let case = |line: &str| {
        let fields: Vec<Vec<&str>> = line.split('|').map(|field| field.split_whitespace().collect()).collect();
        let decimals = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a number")).collect();
        let bits = |texts: &[&str]| texts.iter().map(|text| u64::from_str_radix(text, 16).expect("bits")).collect();
        let halves = |bits: Vec<u64>| -> Vec<u16> { bits.into_iter().map(|bits| bits as u16).collect() };
        let sizes: Vec<usize> = decimals(&fields[0][2..]);
        let [rows, columns, height, width, dense] = *sizes else { panic!("{line}") };
        let matrix = BlockSparseMatrix {
            rows,
            columns,
            block: [height, width],
            row_starts: decimals(&fields[1]),
            column_indices: decimals(&fields[2]),
            values: halves(bits(&fields[3])),
        };
        let (order, sums, k, block) = match fields[0][1] {
            "sparse-dense" => (Order::SparseTimesDense, rows, columns, height),
            _ => (Order::DenseTimesSparse, columns, rows, width),
        };
        let problem = SparseProblem { order, sums, k, dense, block, read_out: ReadOut::default() };
        let results = bits(&fields[5]).into_iter().map(|bits| bits as u32).collect();
        (problem, matrix.to_rows().expect("a matrix"), halves(bits(&fields[4])), results)
    };
    let lines = include_str!("../../golden/tests/sparse.txt").lines();
    lines.filter(|line| line.starts_with("integers")).map(case).collect()
}

/// Runs the products of SciPy, CSR and BSR, and compares with its results. Results that were compared.
fn check_scipy(device: &mut dyn Device, config: &TileConfig) -> usize {
    let mut results = 0;
    for (problem, matrix, dense, expected) in of_scipy() {
        let plan = plan(config, &problem, &matrix).unwrap_or_else(|error| panic!("{error}"));
        let operands = SparseOperands { sparse: &matrix, dense: &dense };
        let report = run_sparse(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.bits, expected, "{problem:?}");
        assert_eq!(compared(&report, &plan, &operands), expected.len());
        results += expected.len();
    }
    results
}

#[test]
fn sparse_products_are_bit_exact_on_the_native_simulator() {
    let config = TileConfig::small16();
    let mut tile = NativeTile::new(&config).expect("a tile");
    assert!(check(&mut tile, &config) > 50_000);
    assert_eq!(check_dynamic(&mut tile, &config), 4 * 64 * 16);
    assert_eq!(check_scipy(&mut tile, &config), 1065);
}

#[test]
fn sparse_products_are_bit_exact_in_verilator() {
    let config = TileConfig::small16();
    let mut tile = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
    assert!(check(&mut tile, &config) > 50_000);
    assert_eq!(check_dynamic(&mut tile, &config), 4 * 64 * 16);
    assert_eq!(check_scipy(&mut tile, &config), 1065);
}

/// 512 x 512 times 512 x 64 in blocks of 16, FP16 results: predictions for every density, and runs of two of them on
/// both simulators, static and dynamic.
#[test]
fn cycles_follow_the_blocks() {
    let config = TileConfig::ipu64();
    let read_out = ReadOut { output: OutputType::Fp16, ..ReadOut::default() };
    let (size, dense) = (512, 64);
    let product = MatmulProblem { read_out, ..MatmulProblem::new(dense, size, size) };
    let whole = matmul::plan(&config, &product).unwrap().predicted_cycles();
    let problem = SparseProblem { order: Order::SparseTimesDense, sums: size, k: size, dense, block: 16, read_out };
    let mut random = Random::new(SEED);
    let x = random.fp16s(size * dense);
    let verilator = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut tiles: [Box<dyn Device>; 2] = [Box::new(NativeTile::new(&config).expect("a tile")), Box::new(verilator)];
    for parts in [2, 4, 8, 16, 32] {
        let matrix = random.blocks([size; 2], [16; 2], 1024 / parts);
        let fixed = plan(&config, &problem, &matrix).unwrap();
        let any = plan_dynamic(&config, &problem, 4 * 1024 / parts).unwrap();
        let empty = without(&matrix, 0..size);
        let [dynamic, before] = [&matrix, &empty].map(|matrix| any.with_pattern(matrix).unwrap());
        assert_eq!(dynamic.predicted_cycles(), fixed.predicted_cycles());
        let cycles = fixed.predicted_cycles();
        println!("1/{parts}: {cycles} of {whole} cycles, {:.2} times as fast", whole as f64 / cycles as f64);
        assert!(cycles as f64 <= whole as f64 * (1.0 / parts as f64 + 0.03), "{cycles} {whole}");
        assert!(parts != 16 || whole >= 11 * cycles, "{cycles} {whole}");
        if parts < 16 {
            continue;
        }
        for tile in &mut tiles {
            let operands = SparseOperands { sparse: &matrix, dense: &x };
            let nothing = SparseOperands { sparse: &empty, dense: &x };
            for (plan, operands, run) in [
                (&fixed, &operands, run_sparse as Run),
                (&before, &nothing, run_sparse),
                (&dynamic, &operands, rerun_sparse),
            ] {
                let report = run(&mut **tile, plan, operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(compared(&report, plan, operands), size * dense);
            }
        }
    }
}

/// 1/16 of the same product on 16 tiles, with the exchange, against the best dense partition.
#[test]
fn sixteen_tiles_with_the_exchange_are_more_than_4_9_times_as_fast_as_dense() {
    let config = GridConfig::new(TileConfig::ipu64(), 16);
    let read_out = ReadOut { output: OutputType::Fp16, ..ReadOut::default() };
    let (size, dense) = (512, 64);
    let product = MatmulProblem { read_out, ..MatmulProblem::new(dense, size, size) };
    let whole = matmul::grid::plan(&config, &product).unwrap().predicted.total;
    let problem = SparseProblem { order: Order::SparseTimesDense, sums: size, k: size, dense, block: 16, read_out };
    let mut random = Random::new(SEED);
    let (matrix, x) = (random.blocks([size; 2], [16; 2], 64), random.fp16s(size * dense));
    let plan = grid::plan(&config, &problem, &matrix).unwrap();
    let operands = SparseOperands { sparse: &matrix, dense: &x };
    let mut machine = NativeGrid::new(&config).unwrap_or_else(|error| panic!("{error}"));
    let report = grid::run_grid_sparse(&mut machine, &plan, &operands, &mut |_| ()).unwrap();
    assert_eq!(report.bits, grid::expected(&plan, &operands).bits);
    assert_eq!(report.cycles, plan.predicted.total);
    println!("{} of {whole} cycles in {}", report.cycles, plan.partition);
    assert!(whole as f64 > 4.9 * report.cycles as f64, "{} {whole}", report.cycles);
}

/// Random patterns on a machine, some of which leave tiles without work. Results that were compared.
fn check_grid<S: Pins>(machine: &mut GridHost<S>, config: &GridConfig, patterns: usize) -> usize {
    let mut random = Random::new(SEED);
    let mut results = 0;
    for pattern in 0..patterns {
        let block = [16, 8, 1][pattern % 3];
        let blocks = [1 + random.below(160 / block as u64) as usize, 1 + random.below(160 / block as u64) as usize];
        let count = random.below((blocks[0] * blocks[1]) as u64 / (pattern as u64 % 4 * 2 + 1) + 1) as usize;
        let matrix = random.blocks(blocks.map(|blocks| blocks * block), [block; 2], count);
        let output = if pattern % 2 == 0 { OutputType::Fp16 } else { OutputType::Fp32 };
        let problem = SparseProblem {
            order: Order::SparseTimesDense,
            sums: matrix.rows,
            k: matrix.columns,
            dense: 1 + random.below(70) as usize,
            block,
            read_out: ReadOut { output, ..ReadOut::default() },
        };
        let x = random.fp16s(problem.k * problem.dense);
        let plan = grid::plan(config, &problem, &matrix).unwrap_or_else(|error| panic!("{error}"));
        let operands = SparseOperands { sparse: &matrix, dense: &x };
        let report =
            grid::run_grid_sparse(machine, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
        let golden = grid::expected(&plan, &operands);
        assert_eq!(report.bits, golden.bits, "{problem:?} in {}", plan.partition);
        assert_eq!(report.flags, golden.flags, "{problem:?} in {}", plan.partition);
        assert_eq!(report.cycles, plan.predicted.total, "{problem:?} in {}", plan.partition);
        results += golden.bits.len();
    }
    results
}

#[test]
fn sparse_products_on_many_tiles_are_bit_exact() {
    let config = GridConfig::new(TileConfig::small16(), 4);
    let mut machine = NativeGrid::new(&config).unwrap_or_else(|error| panic!("{error}"));
    assert!(check_grid(&mut machine, &config, 24) > 20_000);
}
