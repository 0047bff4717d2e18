//! Convolutions on the whole tile, in the native simulator and in Verilator: every result and every flag is the golden
//! model's, and the cycles are those that were predicted.

use exchange::GridConfig;
use golden::{ConvolutionShape, Epilogue, OutputType, Padding, ReadOut};
use kernels::convolution::grid::{self, GridConvolutionPlan, Partition, run_grid_convolution};
use kernels::convolution::{
    ConvolutionOperands, ConvolutionPlanError, ConvolutionProblem, expected, plan, run_convolution,
};
use kernels::device::{Device, NativeGrid, NativeTile, VerilatorTile};
use kernels::random::Random;
use tile::TileConfig;

/// Random shapes, beside those of ResNet-50.
const SHAPES: usize = 150;
const SEED: u64 = 5;

/// The layers of ResNet-50 that differ in kind, with fewer pixels and channels.
fn resnet50() -> Vec<ConvolutionShape> {
    let layer = |image, channels, filters, kernel: usize, stride| {
        let around = kernel / 2;
        let padding = Padding { top: around, bottom: around, left: around, right: around };
        let shape = ConvolutionShape::new([image, image], channels, filters, [kernel, kernel]);
        ConvolutionShape { padding, stride: [stride, stride], ..shape }
    };
    vec![
        layer(16, 3, 16, 7, 2),
        layer(8, 16, 16, 1, 1),
        layer(8, 16, 16, 3, 1),
        layer(8, 16, 64, 1, 1),
        layer(8, 64, 16, 1, 1),
        layer(8, 32, 32, 3, 2),
        layer(8, 64, 96, 1, 2),
    ]
}

/// Sizes that are a convolution's.
fn random_shape(random: &mut Random) -> ConvolutionShape {
    loop {
        let mut upto = |most: u64| 1 + (random.bits() % most) as usize;
        let pair = |most: u64, upto: &mut dyn FnMut(u64) -> usize| [upto(most), upto(most)];
        let groups = upto(4).saturating_sub(1).max(1);
        let shape = ConvolutionShape {
            batch: upto(2),
            image: pair(9, &mut upto),
            channels: groups * upto(20),
            filters: groups * upto(20),
            kernel: pair(4, &mut upto),
            stride: pair(3, &mut upto),
            dilation: pair(2, &mut upto),
            padding: Padding { top: upto(4) - 1, bottom: upto(4) - 1, left: upto(4) - 1, right: upto(4) - 1 },
            groups,
        };
        if shape.validate().is_ok() {
            return shape;
        }
    }
}

fn problems() -> Vec<ConvolutionProblem> {
    let mut random = Random::new(SEED);
    println!("seed {SEED}");
    let shapes: Vec<ConvolutionShape> =
        resnet50().into_iter().chain((0..SHAPES).map(|_| random_shape(&mut random))).collect();
    let problem = |shape| {
        let output = if random.one_in(2) { OutputType::Fp16 } else { OutputType::Fp32 };
        let read_out = ReadOut { output, ..ReadOut::default() };
        ConvolutionProblem { shape, bias: random.one_in(2), read_out, epilogue: Epilogue::default() }
    };
    shapes.into_iter().map(problem).collect()
}

/// Random operands.
struct Data {
    pixels: Vec<u16>,
    weights: Vec<u16>,
    bias: Option<Vec<u32>>,
}

impl Data {
    fn random(problem: &ConvolutionProblem, random: &mut Random) -> Data {
        let shape = &problem.shape;
        let [rows, columns] = shape.image;
        Data {
            pixels: random.fp16s(shape.batch * rows * columns * shape.channels),
            weights: random.fp16s(shape.filters * shape.kernel[0] * shape.kernel[1] * shape.group_channels()),
            bias: problem.bias.then(|| (0..shape.filters).map(|_| random.fp32()).collect()),
        }
    }

    fn operands(&self) -> ConvolutionOperands<'_> {
        let bias = self.bias.as_deref();
        ConvolutionOperands { pixels: &self.pixels, weights: &self.weights, bias, residual: None }
    }
}

/// Runs all of them. Results that were compared.
fn check(device: &mut dyn Device, config: &TileConfig) -> usize {
    let mut random = Random::new(SEED);
    let mut compared = 0;
    for problem in problems() {
        let plan = match plan(config, &problem) {
            Err(ConvolutionPlanError::Memory { .. }) => panic!("{problem:?} does not fit {}", config.name),
            plan => plan.unwrap_or_else(|error| panic!("{error}")),
        };
        let data = Data::random(&problem, &mut random);
        let operands = data.operands();
        let report = run_convolution(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
        let golden = expected(&plan, &operands);
        assert_eq!(report.bits, golden.bits, "{problem:?}");
        assert_eq!(report.flags, golden.flags, "{problem:?}");
        compared += report.bits.len();
        assert_eq!(report.cycles, report.predicted_cycles, "cycles of {problem:?}");
    }
    println!("{} convolutions, {compared} results", resnet50().len() + SHAPES);
    compared
}

#[test]
fn convolutions_are_bit_exact_on_the_native_simulator() {
    let config = TileConfig::small16();
    assert!(check(&mut NativeTile::new(&config).expect("a tile"), &config) > 50_000);
}

#[test]
fn convolutions_are_bit_exact_in_verilator() {
    let config = TileConfig::small16();
    let mut tile = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
    assert!(check(&mut tile, &config) > 50_000);
}

/// Runs a plan on many tiles. Results that were compared.
fn check_grid(grid: &mut NativeGrid, plan: &GridConvolutionPlan, random: &mut Random) -> usize {
    let data = Data::random(&plan.problem, random);
    let operands = data.operands();
    let place = format!("{:?} in {}", plan.problem, plan.partition);
    let report =
        run_grid_convolution(grid, plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{place}: {error}"));
    let golden = grid::expected(plan, &operands);
    assert_eq!(report.bits, golden.bits, "{place}");
    assert_eq!(report.flags, golden.flags, "{place}");
    assert_eq!(report.cycles, plan.predicted.total, "cycles of {place}");
    report.bits.len()
}

#[test]
fn every_partition_over_tiles_is_bit_exact_and_predicted() {
    let tile = TileConfig { rows: 16, banks: 16, bank_kib: 4, ..TileConfig::ipu64() };
    let config = GridConfig::new(tile, 6);
    let mut grid = NativeGrid::new(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut random = Random::new(SEED);
    let (mut partitions, mut halos, mut results) = (0, 0, 0);
    for problem in problems().into_iter().take(24) {
        let panels = problem.shape.groups * problem.shape.group_filters().div_ceil(16);
        let all: Vec<Partition> = Partition::all(&problem.shape, panels, config.tiles()).collect();
        // The first, the last, and some between.
        for partition in all.iter().step_by(all.len().div_ceil(4)).chain(all.last()) {
            let planned = grid::plan_partition(&config, &problem, *partition).unwrap_or_else(|error| panic!("{error}"));
            let Some(plan) = planned else { continue };
            results += check_grid(&mut grid, &plan, &mut random);
            partitions += 1;
            halos += usize::from(partition.rows > 1 && problem.shape.kernel[0] > 1);
        }
    }
    println!("{partitions} partitions, {halos} with neighbours' rows, {results} results");
    assert!(partitions >= 60 && halos >= 15 && results > 20_000, "{partitions}, {halos}, {results}");
}

#[test]
fn four_tiles_share_a_layer_of_64_channels() {
    let config = GridConfig::new(TileConfig::ipu64(), 4);
    let padding = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    let shape = ConvolutionShape { padding, ..ConvolutionShape::new([16, 16], 64, 64, [3, 3]) };
    let problem =
        ConvolutionProblem { shape, bias: false, read_out: ReadOut::default(), epilogue: Epilogue::default() };
    let plan = grid::plan(&config, &problem).unwrap_or_else(|error| panic!("{error}"));
    let mut grid = NativeGrid::new(&config).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(check_grid(&mut grid, &plan, &mut Random::new(SEED)), 16 * 16 * 64);
    let bound = plan.compute_bound() + plan.busiest_port_cycles;
    println!("in {}: {} cycles, bound {bound}", plan.partition, plan.predicted.total);
    assert!(plan.predicted.total as f64 <= 1.1 * bound as f64, "{} cycles, bound {bound}", plan.predicted.total);
}
