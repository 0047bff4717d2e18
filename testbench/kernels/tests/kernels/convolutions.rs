//! Random convolutions, planned, run on the golden model's tile and on the native simulator, and compared.

use golden::{ConvolutionShape, Epilogue, OutputType, Padding, ReadOut};
use kernels::convolution::{
    ConvolutionOperands, ConvolutionPlan, ConvolutionPlanError, ConvolutionProblem, expected, plan, run_convolution,
};
use kernels::device::{Device, GoldenDevice, NativeTile};
use kernels::random::Random;
use kernels::report::KernelReport;
use proptest::prelude::*;
use tile::{Accumulator, TileConfig};

use crate::epilogues::FUNCTIONS;
use crate::products::config;

/// Plans, runs on a device and compares every bit and the flags.
fn run_on(device: &mut dyn Device, plan: &ConvolutionPlan, seed: u64) -> KernelReport {
    let shape = &plan.problem.shape;
    let mut random = Random::new(seed);
    let [rows, columns] = shape.image;
    let pixels = random.fp16s(shape.batch * rows * columns * shape.channels);
    let taps = shape.kernel[0] * shape.kernel[1];
    let weights = random.fp16s(shape.filters * taps * shape.group_channels());
    let bias: Vec<u32> = (0..shape.filters).map(|_| random.fp32()).collect();
    let bias = plan.problem.bias.then_some(bias.as_slice());
    let [output_rows, output_columns] = shape.output();
    let residual = random.fp16s(shape.batch * output_rows * output_columns * shape.filters);
    let residual = plan.problem.epilogue.residual.then_some(residual.as_slice());
    let operands = ConvolutionOperands { pixels: &pixels, weights: &weights, bias, residual };
    let report = run_convolution(device, plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    let golden = expected(plan, &operands);
    assert_eq!(report.bits.len(), golden.bits.len());
    let first = report.bits.iter().zip(&golden.bits).position(|(found, expected)| found != expected);
    assert_eq!(first, None, "first difference of {:?} on {}", plan.problem, device.name());
    assert_eq!(report.flags, golden.flags, "flags of {:?} on {}", plan.problem, device.name());
    report
}

fn shapes() -> impl Strategy<Value = ConvolutionShape> {
    let pair = |range: std::ops::RangeInclusive<usize>| [range.clone(), range];
    let sizes = (1..=2usize, pair(1..=9), pair(1..=4), pair(1..=3), pair(1..=3), [0..=3usize, 0..=3, 0..=3, 0..=3]);
    let channels = (1..=3usize, 1..=20usize, 1..=20usize);
    (sizes, channels).prop_filter_map("a filter larger than its image", |(sizes, channels)| {
        let (batch, image, kernel, stride, dilation, [top, bottom, left, right]) = sizes;
        let (groups, channels, filters) = channels;
        let padding = Padding { top, bottom, left, right };
        let (channels, filters) = (channels * groups, filters * groups);
        let shape = ConvolutionShape { batch, image, channels, filters, kernel, stride, dilation, padding, groups };
        shape.validate().is_ok().then_some(shape)
    })
}

fn problems() -> impl Strategy<Value = ConvolutionProblem> {
    (shapes(), any::<bool>(), any::<bool>()).prop_map(|(shape, bias, fp16)| {
        let output = if fp16 { OutputType::Fp16 } else { OutputType::Fp32 };
        let read_out = ReadOut { output, ..ReadOut::default() };
        ConvolutionProblem { shape, bias, read_out, epilogue: Epilogue::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn random_convolutions_are_the_golden_ones(problem in problems(), terms in 0..5u32, exact: bool, large: bool) {
        let accumulator = if exact { Accumulator::Exact } else { Accumulator::Fp32 };
        // Small memories cut the convolution into bands and panels.
        let banks = if large { 16 } else { 5 };
        let config = config(1 << terms, accumulator, 16, banks, 8);
        match plan(&config, &problem) {
            Ok(plan) => drop(run_on(&mut GoldenDevice::new(&config), &plan, 1)),
            Err(ConvolutionPlanError::Memory { .. }) => prop_assert!(!large, "{:?}", problem),
            Err(error) => panic!("{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn random_epilogues_of_convolutions_are_the_golden_ones(
        problem in problems(),
        (function, residual) in (0..FUNCTIONS.len(), any::<bool>()),
        (terms, large) in (0..5u32, any::<bool>()),
    ) {
        let banks = if large { 39 } else { 9 };
        let config = TileConfig { vector: true, ..config(1 << terms, Accumulator::Fp32, 16, banks, 8) };
        let epilogue = Epilogue { residual, function: FUNCTIONS[function] };
        match plan(&config, &ConvolutionProblem { epilogue, ..problem }) {
            Ok(plan) => drop(run_on(&mut GoldenDevice::new(&config), &plan, 1)),
            Err(ConvolutionPlanError::Softmax { multiple, .. }) => {
                prop_assert!(epilogue.needs_whole_rows() && !problem.shape.group_filters().is_multiple_of(multiple));
            }
            Err(ConvolutionPlanError::Memory { .. }) => prop_assert!(!large, "{:?}", problem),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn epilogues_of_convolutions_take_the_predicted_cycles() {
    let config = TileConfig { vector: true, ..TileConfig::ipu64() };
    let mut device = NativeTile::new(&config).unwrap();
    let shape = ConvolutionShape::new([8, 8], 16, 32, [3, 3]);
    for function in FUNCTIONS {
        let epilogue = Epilogue { residual: true, function };
        let plan = plan(&config, &ConvolutionProblem { epilogue, shape, ..of_16x16_pixels(3) }).unwrap();
        let report = run_on(&mut device, &plan, 2);
        println!("{function:?}: {} cycles, predicted {}", report.cycles, report.predicted_cycles);
        assert!(report.prediction_error().abs() < 0.02, "{function:?}: {}", report.prediction_error());
    }
}

#[test]
fn strides_may_be_longer_than_their_field_where_they_lead_into_the_padding() {
    let config = TileConfig::ipu64();
    let far = 1 << 20;
    let below = Padding { bottom: far, ..Padding::default() };
    let beside = Padding { right: far, ..Padding::default() };
    for (padding, stride, output) in [(below, [far, 1], [2, 3]), (beside, [1, far], [2, 2])] {
        let shape = ConvolutionShape { padding, stride, ..ConvolutionShape::new([2, 3], 5, 17, [1, 1]) };
        assert_eq!(shape.output(), output);
        let plan = plan(&config, &ConvolutionProblem { shape, ..of_16x16_pixels(1) }).unwrap();
        let report = run_on(&mut NativeTile::new(&config).unwrap(), &plan, 3);
        assert_eq!(report.bits.len(), output[0] * output[1] * 17);
    }
}

/// 3x3 with padding 1, 64 to 64 channels, and 1x1.
fn of_16x16_pixels(side: usize) -> ConvolutionProblem {
    let around = side / 2;
    let padding = Padding { top: around, bottom: around, left: around, right: around };
    let shape = ConvolutionShape { padding, ..ConvolutionShape::new([16, 16], 64, 64, [side, side]) };
    let (read_out, epilogue) = (ReadOut::default(), Epilogue::default());
    ConvolutionProblem { shape, bias: false, read_out, epilogue }
}

#[test]
fn convolutions_use_the_multipliers_and_take_the_predicted_cycles() {
    let config = TileConfig::ipu64();
    for (side, least) in [(3, 0.97), (1, 0.95)] {
        let plan = plan(&config, &of_16x16_pixels(side)).unwrap();
        let report = run_on(&mut NativeTile::new(&config).unwrap(), &plan, 2);
        println!(
            "{side}x{side}: {} cycles, predicted {}, {:.2} %",
            report.cycles,
            report.predicted_cycles,
            100.0 * report.utilisation()
        );
        assert!(report.prediction_error().abs() < 0.02, "{}", report.prediction_error());
        assert!(report.utilisation() >= least, "{}", report.utilisation());
    }
}
