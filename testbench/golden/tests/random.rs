//! The random generator against its published definition, and stochastic rounding with it: unbiased.

mod common;

use common::Scoreboard;
use golden::vector::Operand;
use golden::{FP16, FP32, Overflow, Random, Rounding, elementwise};
use isa::VectorOperation;

/// States, their first outputs and the 1,000,001st, as the authors' C program prints them: that of J. Hanlon's "The
/// hardware pseudorandom number generator of the Graphcore IPU" (2022), compiled by GCC. The second is seed 0.
const REFERENCE: [([u64; 2], [u64; 6], u64); 3] = [
    (
        [0x0000_0000_0000_0001, 0xffff_ffff_ffff_ffff],
        [
            0xffff_ffff_ffff_fff8,
            0xfc7f_ffef_fffe_7ffd,
            0xff7c_406f_97ff_be3e,
            0x8f02_643f_f763_811f,
            0x7203_cb95_8f34_d19e,
            0x4ac5_abf8_69f4_9e4f,
        ],
        0xb89d_1975_d355_c0b1,
    ),
    (
        [0xffff_ffff_0000_0000, 0x9e37_79b9_7f4a_7c15],
        [
            0x1d37_71b0_7f4a_7c16,
            0x345e_a6b1_7877_806d,
            0x3a43_eb8b_28a6_a3bc,
            0x7571_e24b_ad70_d166,
            0xc637_0d09_bbe5_102e,
            0x48ad_4212_1f84_82ca,
        ],
        0x2530_49ef_9dd3_a367,
    ),
    (
        [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210],
        [
            0xffff_ffff_ffff_ffff,
            0xf77c_0992_a3a0_e991,
            0x92c5_5b7b_df80_4d24,
            0x782c_e0ef_f0fa_17b8,
            0x824e_53b7_8e98_d16e,
            0x3aea_1404_7ffa_24ae,
        ],
        0x2a12_8722_b531_6dfc,
    ),
];

#[test]
fn outputs_are_those_of_the_published_program() {
    let mut scoreboard = Scoreboard::new("outputs of xoroshiro128aox");
    for ([s0, s1], first, last) in REFERENCE {
        let mut random = Random { s0, s1 };
        for (i, expected) in first.into_iter().enumerate() {
            scoreboard.compare(random.next_u64(), expected, || format!("output {i} of {s0:#x} {s1:#x}"));
        }
        (first.len()..1_000_000).for_each(|_| {
            random.next_u64();
        });
        scoreboard.compare(random.next_u64(), last, || format!("the last of {s0:#x} {s1:#x}"));
    }
    let [s0, s1] = REFERENCE[1].0;
    scoreboard.compare(Random::from_seed(0), Random { s0, s1 }, || "seed 0".to_owned());
    scoreboard.finish(22);
}

/// The coefficients of x^0 to x^127 of the characteristic polynomial of the state's step, as published with the
/// authors' tests (github.com/jameshanlon/prng-testing); that of x^128 is 1. It is primitive, hence the period 2^128 - 1.
const CHARACTERISTIC_POLYNOMIAL: u128 = 0x0065_3ced_7f29_f88a_5fd6_6762_f0e1_c001;

#[test]
fn the_published_characteristic_polynomial_annihilates_the_step() {
    for state in [1, 1 << 127, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210u128] {
        let mut random = Random { s0: state as u64, s1: (state >> 64) as u64 };
        let mut sum = Random { s0: 0, s1: 0 };
        for power in 0..=128 {
            if power == 128 || CHARACTERISTIC_POLYNOMIAL >> power & 1 == 1 {
                sum = Random { s0: sum.s0 ^ random.s0, s1: sum.s1 ^ random.s1 };
            }
            random.next_u64();
        }
        assert_eq!(sum, Random { s0: 0, s1: 0 }, "{state:#x}");
    }
}

/// Draws for each value.
const DRAWS: u32 = 1 << 16;

/// How far a mean may lie from the value, in standard errors. Of 98 independent means one is that far off in
/// 18,000 runs; the seed is fixed.
const MOST_STANDARD_ERRORS: f64 = 5.0;

/// Values between two FP16 numbers, a fraction of the way up: normal, subnormal, about zero, and up to the largest
/// finite number; of both signs.
fn values() -> Vec<(f64, f64, f64)> {
    let gaps = [0x3C00, 0x0401, 0x7BFE, 0x03FF, 0x0001, 0x0000, 0x4AAA];
    let fractions = [1.0 / 1024.0, 0.25, 0.5, 0.626953125, 0.9375, 1023.0 / 1024.0, 0.1];
    let between = |below: u32, fraction: f64, sign: f64| {
        let (low, high) = (FP16.to_f64(below), FP16.to_f64(below + 1));
        (sign * low, sign * high, sign * (low + fraction * (high - low)))
    };
    let pairs = gaps.into_iter().flat_map(|gap| fractions.into_iter().map(move |fraction| (gap, fraction)));
    pairs.flat_map(|(gap, fraction)| [between(gap, fraction, 1.0), between(gap, fraction, -1.0)]).collect()
}

/// Rounding by 32 random bits.
type Draw = fn(u32) -> Rounding;

/// How far the mean of many roundings of a value lies from it, in standard errors.
fn deviation((low, high, value): (f64, f64, f64), random: &mut Random, rounding: Draw) -> f64 {
    let value = f64::from(value as f32);
    let operand = Operand { format: FP32, bits: (value as f32).to_bits() };
    let mut up = 0;
    for _ in 0..DRAWS / 2 {
        let bits = random.next_u64();
        for random in [bits as u32, (bits >> 32) as u32] {
            let copy = VectorOperation::COPY;
            let result = elementwise(copy, [operand; 3], FP16, rounding(random), Overflow::ToInfinity);
            let result = FP16.to_f64(result.bits);
            assert!(result == low || result == high, "{value} became {result}");
            up += u32::from(result == high);
        }
    }
    // Binomial: the share of those that go up has the variance p (1 - p) / n.
    let probability = (value - low) / (high - low);
    let standard_error = (probability * (1.0 - probability) / f64::from(DRAWS)).sqrt();
    (f64::from(up) / f64::from(DRAWS) - probability) / standard_error
}

#[test]
fn stochastic_rounding_is_unbiased_for_normal_subnormal_and_large_values() {
    let mut random = Random::from_seed(2022);
    let stochastic = |random| Rounding::Stochastic { random };
    let deviations: Vec<f64> = values().into_iter().map(|value| deviation(value, &mut random, stochastic)).collect();
    let worst = deviations.iter().fold(0f64, |worst, deviation| worst.max(deviation.abs()));
    println!("{} values, {DRAWS} draws each: at most {worst:.2} standard errors off", deviations.len());
    assert_eq!(deviations.len(), 98);
    assert!(worst < MOST_STANDARD_ERRORS, "{deviations:.1?}");
}

#[test]
fn rounding_with_a_bias_is_noticed() {
    let faults: [(&str, Draw); 4] = [
        ("to nearest", |_| Rounding::NearestEven),
        ("random bits halved", |random| Rounding::Stochastic { random: random >> 1 }),
        ("top random bit stuck", |random| Rounding::Stochastic { random: random | 1 << 31 }),
        ("4 random bits", |random| Rounding::Stochastic { random: random & 0xF000_0000 }),
    ];
    for (fault, rounding) in faults {
        let mut random = Random::from_seed(2022);
        let biased = values().into_iter().step_by(5).map(|value| deviation(value, &mut random, rounding));
        let noticed = biased.filter(|deviation| deviation.abs() >= MOST_STANDARD_ERRORS).count();
        println!("{fault}: noticed in {noticed} of 20 values");
        assert!(noticed > 0, "{fault} went unnoticed");
    }
}
