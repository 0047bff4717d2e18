//! Convolutions on the whole tile, in the native simulator and in Verilator: every result and every flag is the golden
//! model's.

use golden::{ConvolutionShape, OutputType, Padding, ReadOut};
use kernels::convolution::{
    ConvolutionOperands, ConvolutionPlanError, ConvolutionProblem, expected, plan, run_convolution,
};
use kernels::device::{Device, NativeTile, VerilatorTile};
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
        ConvolutionProblem { shape, bias: random.one_in(2), read_out: ReadOut { output, ..ReadOut::default() } }
    };
    shapes.into_iter().map(problem).collect()
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
        let shape = &problem.shape;
        let [rows, columns] = shape.image;
        let pixels = random.fp16s(shape.batch * rows * columns * shape.channels);
        let weights = random.fp16s(shape.filters * shape.kernel[0] * shape.kernel[1] * shape.group_channels());
        let bias: Vec<u32> = (0..shape.filters).map(|_| random.fp32()).collect();
        let bias = problem.bias.then_some(bias.as_slice());
        let operands = ConvolutionOperands { pixels: &pixels, weights: &weights, bias };
        let report = run_convolution(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
        let golden = expected(&plan, &operands);
        assert_eq!(report.bits, golden.bits, "{problem:?}");
        assert_eq!(report.flags, golden.flags, "{problem:?}");
        compared += report.bits.len();
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
