//! # 4. The test
//!
//! The same program runs on the golden model's tile and on the simulated hardware; the results must be the same bit
//! for bit. A plain Rust version says that the program computes what it should.

use half::f16;
use isa::{disassemble, register};
use kernels::device::{Device, GoldenDevice, NativeTile, VerilatorTile};
use kernels::random::Random;
use own_kernel::{Layer, SAMPLES, WIDTH, run, two_layers};
use tile::TileConfig;

/// Numbers between -1 and 1 that FP16 represents.
fn numbers<const COLUMNS: usize, const ROWS: usize>(random: &mut Random) -> [[f32; COLUMNS]; ROWS] {
    std::array::from_fn(|_| std::array::from_fn(|_| f16::from_bits(random.fp16()).to_f32()))
}

fn network() -> ([[f32; WIDTH]; SAMPLES], [Layer; 2]) {
    let mut random = Random::new(2024);
    let samples = numbers(&mut random);
    let layers =
        std::array::from_fn(|_| Layer { weights: numbers(&mut random), bias: numbers::<_, 1>(&mut random)[0] });
    (samples, layers)
}

/// What the golden model's tile makes of it.
fn golden() -> [[f32; WIDTH]; SAMPLES] {
    let (samples, layers) = network();
    run(&mut GoldenDevice::new(&TileConfig::ipu64()), &samples, &layers).unwrap()
}

#[test]
fn the_program_is_legal_on_the_tile() {
    let config = TileConfig::ipu64();
    let program = two_layers().unwrap();
    program.validate(&config.limits()).unwrap();
    // What a debugger would show; it assembles to the same program.
    println!("{}", disassemble(&program));
}

#[test]
fn the_network_is_what_plain_rust_computes() {
    let (samples, layers) = network();
    let layer = |x: &[f64; WIDTH], layer: &Layer| -> [f64; WIDTH] {
        std::array::from_fn(|column| {
            let products = x.iter().zip(&layer.weights).map(|(x, weights)| x * f64::from(weights[column]));
            products.sum::<f64>() + f64::from(layer.bias[column])
        })
    };
    for (sample, output) in samples.iter().zip(golden()) {
        let hidden = layer(&sample.map(f64::from), &layers[0]).map(|value| value.max(0.0));
        for (found, expected) in output.iter().zip(layer(&hidden, &layers[1])) {
            // The hidden values are rounded to FP16: 11 significant bits.
            assert!((f64::from(*found) - expected).abs() < 0.02, "{found} {expected}");
        }
    }
}

#[test]
fn the_hardware_gives_the_golden_bits_in_the_native_simulator() {
    let (samples, layers) = network();
    let mut device = NativeTile::new(&TileConfig::ipu64()).unwrap();
    let output = run(&mut device, &samples, &layers).unwrap();
    assert_eq!(output.map(|row| row.map(f32::to_bits)), golden().map(|row| row.map(f32::to_bits)));

    // The tile counts what it does: 2 commands x 4 phases x 8 rows.
    assert_eq!(device.counters().unwrap().get(&register::AMP_ROWS), 2 * 4 * 8);
    let cycles = device.status().unwrap().cycles;
    assert!((100..400).contains(&cycles), "{cycles} cycles");
}

/// Needs Verilator: `scripts/setup` installs it.
#[test]
fn the_hardware_gives_the_golden_bits_in_verilator() {
    let (samples, layers) = network();
    let mut device = VerilatorTile::new(&TileConfig::ipu64()).unwrap_or_else(|error| panic!("{error}"));
    let output = run(&mut device, &samples, &layers).unwrap();
    assert_eq!(output.map(|row| row.map(f32::to_bits)), golden().map(|row| row.map(f32::to_bits)));
}
