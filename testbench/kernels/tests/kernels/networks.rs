//! Networks on the golden model's tile and on the native simulator: bits, flags, and the cycles of each layer.

use golden::{FP16, MatmulOptions};
use kernels::attention::{self, Attention, AttentionShape, AttentionWeights, Linear, Norm};
use kernels::device::{Device, GoldenDevice, NativeTile};
use kernels::digits::{self, Digits, DigitsWeights, PIXELS};
use kernels::network::{NetworkPlan, NetworkReport};
use kernels::random::Random;
use proptest::prelude::*;
use tile::{Accumulator, TileConfig};

fn config() -> TileConfig {
    TileConfig { name: "test".into(), vector: true, ..TileConfig::ipu64() }
}

fn random_digits(images: usize) -> (DigitsWeights, Vec<u16>) {
    let mut random = Random::new(images as u64);
    let mut layer =
        |weights: usize, bias: usize| (random.fp16s(weights), (0..bias).map(|_| random.fp32()).collect::<Vec<u32>>());
    let convolutions = [layer(16 * 9, 16), layer(32 * 9 * 16, 32)];
    let weights = DigitsWeights { convolutions, dense: layer(128 * 10, 10) };
    (weights, random.fp16s(images * PIXELS))
}

fn random_attention(shape: &AttentionShape, seed: u64) -> (AttentionWeights, Vec<u16>) {
    let mut random = Random::new(seed);
    let AttentionShape { tokens, width, hidden, .. } = *shape;
    // As large as keeps what leaves a layer of the order of 1.
    let scaled = |random: &mut Random, count: usize, inputs: usize| -> Vec<u16> {
        let factor = (3.0 / inputs as f64).sqrt();
        (0..count).map(|_| half::f16::from_f64(factor * f64::from(f32::from_bits(random.fp32()))).to_bits()).collect()
    };
    let linear = |random: &mut Random, inputs: usize, outputs: usize| Linear {
        weights: scaled(random, inputs * outputs, inputs),
        bias: (0..outputs).map(|_| random.fp32()).collect(),
    };
    let norm = |random: &mut Random| Norm { gain: random.fp16s(width), bias: random.fp16s(width) };
    let weights = AttentionWeights {
        norms: [norm(&mut random), norm(&mut random)],
        heads: [0, 1, 2].map(|_| linear(&mut random, width, width)),
        output: linear(&mut random, width, width),
        expand: linear(&mut random, width, hidden),
        contract: linear(&mut random, hidden, width),
    };
    let x = scaled(&mut random, tokens * width, 1);
    (weights, x)
}

/// Runs a block and compares it.
fn attend(device: &mut dyn Device, config: &TileConfig, shape: &AttentionShape) -> (Attention, NetworkReport) {
    let (weights, x) = random_attention(shape, 1);
    let block = Attention::new(config, shape, &weights).unwrap();
    let expected = attention::expected(shape, &weights, &block.options, &x);
    block.plan.load(device).unwrap();
    let (y, report) = block.run(device, &x).unwrap();
    assert_eq!(y.len(), shape.tokens * shape.width);
    assert_eq!(y, expected.bits, "{shape:?} on {}", device.name());
    assert_eq!(report.flags, expected.flags, "{shape:?} on {}", device.name());
    (block, report)
}

#[test]
fn attention_is_bit_exact_and_takes_the_predicted_cycles() {
    let shape = AttentionShape { tokens: 24, width: 48, heads: 2, hidden: 96 };
    let (block, report) = attend(&mut NativeTile::new(&config()).unwrap(), &config(), &shape);
    check_cycles(&block.plan, &report);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn attention_of_any_size_is_the_golden_one(
        (tokens, heads, quarters, hidden) in (1..=40usize, 1..=3usize, 1..=6usize, 1..=50usize),
        (terms, exact) in (0..5u32, any::<bool>()),
    ) {
        let accumulator = if exact { Accumulator::Exact } else { Accumulator::Fp32 };
        let config = TileConfig { terms: 1 << terms, accumulator, banks: 64, ..config() };
        let multiple = 4 * (1usize << terms).div_ceil(4);
        let shape = AttentionShape { tokens, width: heads * quarters * multiple, heads, hidden };
        attend(&mut GoldenDevice::new(&config), &config, &shape);
    }
}

/// NumPy's blocks in FP64, of which `scripts/layer-vectors` made `attention.txt`.
#[test]
fn golden_attention_is_numpys_within_the_roundings_to_fp16() {
    let mut compared = 0;
    for line in include_str!("attention.txt").lines() {
        let fields: Vec<&str> = line.split(" | ").collect();
        let sizes: Vec<usize> = fields[1].split(' ').map(|size| size.parse().unwrap()).collect();
        let [tokens, width, heads, hidden] = *sizes else { panic!("{line}") };
        let bits = |field: usize| fields[field].split(' ').map(|bits| u64::from_str_radix(bits, 16).unwrap());
        let fp16 = |field| bits(field).map(|bits| bits as u16).collect::<Vec<u16>>();
        let norm = |field| Norm { gain: fp16(field), bias: fp16(field + 1) };
        let linear = |field| Linear { weights: fp16(field), bias: bits(field + 1).map(|bits| bits as u32).collect() };
        let weights = AttentionWeights {
            norms: [norm(3), norm(5)],
            heads: [linear(7), linear(9), linear(11)],
            output: linear(13),
            expand: linear(15),
            contract: linear(17),
        };
        let shape = AttentionShape { tokens, width, heads, hidden };
        let found = attention::expected(&shape, &weights, &MatmulOptions::default(), &fp16(2));
        let expected: Vec<f64> = bits(19).map(f64::from_bits).collect();
        assert_eq!(found.bits.len(), expected.len());
        let largest = expected.iter().fold(0f64, |largest, number| largest.max(number.abs()));
        let off = found.bits.iter().zip(&expected).map(|(&bits, expected)| (FP16.to_f64(bits) - expected).abs());
        let worst = off.fold(0f64, f64::max) / largest;
        println!("{shape:?}: at most 2^{:.1} of the largest result from FP64", worst.log2());
        assert!(worst < 2f64.powi(-9), "{shape:?}: {worst:e}");
        compared += expected.len();
    }
    assert_eq!(compared, 5 * 8 + 20 * 24);
}

#[test]
fn blocks_that_a_tile_cannot_run_are_refused_with_what_is_expected() {
    let refused = |config: &TileConfig, shape: AttentionShape| {
        let (weights, _) = random_attention(&shape, 1);
        Attention::new(config, &shape, &weights).unwrap_err().to_string()
    };
    let shape = AttentionShape { tokens: 8, width: 24, heads: 2, hidden: 8 };
    assert_eq!(
        refused(&config(), AttentionShape { heads: 4, ..shape }),
        "a width of 24 in 4 heads: expected heads of a multiple of 4"
    );
    assert_eq!(
        refused(&config(), AttentionShape { tokens: 0, ..shape }),
        "0 tokens of 24, 2 heads, 8 hidden: expected at least 1 of each"
    );
    assert_eq!(
        refused(&TileConfig::small16(), shape),
        "configuration small16 has no vector engine, which a network needs: expected one with vector = true"
    );
    let large = refused(&config(), AttentionShape { tokens: 1000, ..shape });
    assert!(large.starts_with("configuration test has 638976 bytes of memory, the network needs "), "{large}");
}

/// Every layer of more than a few hundred cycles, and all together, take what was predicted.
fn check_cycles(plan: &NetworkPlan, report: &NetworkReport) {
    let off = |predicted: u64, cycles: u64| 100.0 * (predicted as f64 / cycles as f64 - 1.0);
    assert_eq!(report.layer_cycles.len(), plan.layers.len());
    for (layer, &cycles) in plan.layers.iter().zip(&report.layer_cycles) {
        let off = off(layer.predicted_cycles, cycles);
        println!("{}: {cycles} cycles, predicted {} ({off:+.2} %)", layer.name, layer.predicted_cycles);
        assert!(cycles < 2_000 || off.abs() < 2.0, "{}: {off} %", layer.name);
    }
    let off = off(plan.predicted_cycles(), report.cycles);
    println!("all: {} cycles ({off:+.2} %)", report.cycles);
    assert!(off.abs() < 2.0, "{off} %");
}

#[test]
fn digits_are_bit_exact_and_take_the_predicted_cycles() {
    let images = 5;
    let (weights, pixels) = random_digits(images);
    let network = Digits::new(&config(), &weights, images).unwrap();
    let expected = digits::expected(&weights, &network.options, &pixels);
    let run = |device: &mut dyn Device| {
        network.plan.load(device).unwrap();
        let (chances, report) = network.run(device, &pixels).unwrap();
        assert_eq!(chances, expected.bits, "{}", device.name());
        assert_eq!(report.flags, expected.flags, "{}", device.name());
        assert_eq!(chances.len(), images * 10);
        report
    };
    run(&mut GoldenDevice::new(&config()));
    let mut device = NativeTile::new(&config()).unwrap();
    check_cycles(&network.plan, &run(&mut device));
    // The mark of the last run does not disturb the next.
    check_cycles(&network.plan, &run(&mut device));
}
