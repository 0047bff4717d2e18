//! Networks on the golden model's tile and on the native simulator: bits, flags, and the cycles of each layer.

use kernels::device::{Device, GoldenDevice, NativeTile};
use kernels::digits::{self, Digits, DigitsWeights, PIXELS};
use kernels::network::{NetworkPlan, NetworkReport};
use kernels::random::Random;
use tile::TileConfig;

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
