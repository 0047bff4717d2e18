//! Networks and epilogues on both simulators: every result and every flag is the golden model's.

use golden::{ConvolutionShape, Epilogue, EpilogueFunction, OutputType, ReadOut};
use kernels::attention::{self, Attention, AttentionShape, AttentionWeights, Linear, Norm};
use kernels::convolution::{self, ConvolutionOperands, ConvolutionProblem, run_convolution};
use kernels::device::{Device, NativeTile, VerilatorTile};
use kernels::digits::{self, Digits, DigitsWeights, PIXELS};
use kernels::matmul::{MatmulProblem, Operands, expected, plan, run_matmul};
use kernels::random::Random;

use crate::config;

/// Images on each simulator.
const IMAGES: usize = 3;

/// Runs on both simulators; what it gives, cycles too, must be the same.
fn on_both<R: PartialEq + std::fmt::Debug>(mut run: impl FnMut(&mut dyn Device) -> R) {
    let native = run(&mut NativeTile::new(&config()).expect("a tile"));
    let verilator = run(&mut VerilatorTile::new(&config()).unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(native, verilator);
}

/// The data of a NumPy file.
fn data(file: &[u8]) -> &[u8] {
    let header_bytes = u16::from_le_bytes([file[8], file[9]]);
    &file[10 + usize::from(header_bytes)..]
}

fn fp16(file: &[u8]) -> Vec<u16> {
    data(file).chunks(2).map(|pair| u16::from_le_bytes(pair.try_into().expect("two bytes"))).collect()
}

fn fp32(file: &[u8]) -> Vec<u32> {
    data(file).chunks(4).map(|four| u32::from_le_bytes(four.try_into().expect("four bytes"))).collect()
}

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../cli/digits/", $name, ".npy"))
    };
}

#[test]
fn handwritten_digits_are_read_as_by_the_golden_model() {
    let convolutions =
        [(fp16(file!("conv1")), fp32(file!("conv1_bias"))), (fp16(file!("conv2")), fp32(file!("conv2_bias")))];
    let weights = DigitsWeights { convolutions, dense: (fp16(file!("dense")), fp32(file!("dense_bias"))) };
    let pixels = &fp16(file!("images"))[..IMAGES * PIXELS];
    let labels = fp16(file!("labels"));
    let network = Digits::new(&config(), &weights, IMAGES).expect("a network that fits");
    let golden = digits::expected(&weights, &network.options, pixels);
    on_both(|device| {
        network.plan.load(device).expect("a load");
        let (chances, report) = network.run(device, pixels).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((&chances, report.flags), (&golden.bits, golden.flags), "{}", device.name());
        report.cycles
    });
    let read = digits::read_digits(&golden.bits);
    let labels: Vec<usize> = labels[..IMAGES].iter().map(|&bits| golden::FP16.to_f64(bits.into()) as usize).collect();
    assert_eq!(read, labels);
}

#[test]
fn attention_is_the_golden_one() {
    let shape = AttentionShape { tokens: 7, width: 8, heads: 2, hidden: 18 };
    let AttentionShape { tokens, width, hidden, .. } = shape;
    let mut random = Random::new(2);
    let mut linear = |inputs: usize, outputs: usize| Linear {
        weights: random.fp16s(inputs * outputs),
        bias: (0..outputs).map(|_| random.fp32()).collect(),
    };
    let heads = [linear(width, width), linear(width, width), linear(width, width)];
    let (output, expand, contract) = (linear(width, width), linear(width, hidden), linear(hidden, width));
    let mut norm = || Norm { gain: random.fp16s(width), bias: random.fp16s(width) };
    let weights = AttentionWeights { norms: [norm(), norm()], heads, output, expand, contract };
    let x = random.fp16s(tokens * width);
    let block = Attention::new(&config(), &shape, &weights).expect("a block that fits");
    let golden = attention::expected(&shape, &weights, &block.options, &x);
    assert_eq!(golden.bits.len(), tokens * width);
    on_both(|device| {
        block.plan.load(device).expect("a load");
        let (y, report) = block.run(device, &x).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((&y, report.flags), (&golden.bits, golden.flags), "{}", device.name());
        report.cycles
    });
}

#[test]
fn epilogues_are_the_golden_ones() {
    let functions = [
        EpilogueFunction::None,
        EpilogueFunction::Relu,
        EpilogueFunction::Gelu,
        EpilogueFunction::Sigmoid,
        EpilogueFunction::Tanh,
        EpilogueFunction::Softmax,
    ];
    let mut random = Random::new(3);
    let (m, n, k) = (9, 22, 35);
    let (a, b, residual) = (random.fp16s(m * k), random.fp16s(k * n), random.fp16s(m * n));
    let mut compared = 0;
    on_both(|device| {
        let mut cycles = vec![];
        for (index, function) in functions.into_iter().enumerate() {
            let output = if index % 2 == 0 { OutputType::Fp16 } else { OutputType::Fp32 };
            let problem = MatmulProblem {
                read_out: ReadOut { output, ..ReadOut::default() },
                transposed_b: index % 3 == 0,
                epilogue: Epilogue { residual: true, function },
                ..MatmulProblem::new(m, n, k)
            };
            let plan = plan(&config(), &problem).expect("a product that fits");
            let operands = Operands { a: &a, b: &b, start: golden::Start::Zero, residual: Some(&residual) };
            let report = run_matmul(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
            let golden = expected(&plan, &operands);
            assert_eq!((&report.bits, report.flags), (&golden.bits, golden.flags), "{function:?} on {}", device.name());
            compared += report.bits.len();
            cycles.push(report.cycles);
        }
        cycles
    });
    assert_eq!(compared, 2 * functions.len() * m * n);
}

#[test]
fn epilogues_of_convolutions_are_the_golden_ones() {
    let mut random = Random::new(4);
    // Filters of a group end within a word, so that its results have a gap behind them.
    let shape = ConvolutionShape { groups: 2, ..ConvolutionShape::new([5, 6], 6, 14, [2, 3]) };
    let [rows, columns] = shape.output();
    let (pixels, weights) = (random.fp16s(5 * 6 * 6), random.fp16s(14 * 2 * 3 * 3));
    let residual = random.fp16s(rows * columns * 14);
    let mut compared = 0;
    on_both(|device| {
        let mut cycles = vec![];
        for function in [EpilogueFunction::None, EpilogueFunction::Relu, EpilogueFunction::Gelu] {
            let read_out = ReadOut { output: OutputType::Fp16, ..ReadOut::default() };
            let epilogue = Epilogue { residual: true, function };
            let problem = ConvolutionProblem { shape, bias: false, read_out, epilogue };
            let plan = convolution::plan(&config(), &problem).expect("a convolution that fits");
            let (pixels, weights) = (&pixels, &weights);
            let operands = ConvolutionOperands { pixels, weights, bias: None, residual: Some(&residual) };
            let report =
                run_convolution(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
            let golden = convolution::expected(&plan, &operands);
            assert_eq!((&report.bits, report.flags), (&golden.bits, golden.flags), "{function:?} on {}", device.name());
            compared += report.bits.len();
            cycles.push(report.cycles);
        }
        cycles
    });
    assert_eq!(compared, 2 * 3 * rows * columns * 14);
}
