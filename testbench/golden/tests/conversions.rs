//! Conversions and FP32 arithmetic against two oracles: exact integers, and LLVM's software floating point
//! (`rustc_apfloat`), which knows all five IEEE flags.
//!
//! How LLVM's results are compared: NaN with NaN, whatever the payload, since ours is always the canonical one; zeros
//! with their sign. It raises UF only where the rounded result is subnormal too; the tile detects tininess before
//! rounding. The two differ where a tiny value rounds up to the smallest normal number: those cases are counted.

mod common;

use common::Scoreboard;
use common::oracle::{self, HALF, SINGLE, Type};
use common::stimulus::{CORNERS_FP32, Random, STEP_KINDS, moderate_fp32, step_case};
use golden::{ALL_TERMS, FP32, Flags, Overflow, Rounding, amp_step, fp16_to_fp32, fp32_to_fp16, relu_fp16, relu_fp32};
use num_bigint::{BigInt, BigUint};
use rustc_apfloat::ieee::{Half, Quad, Single};
use rustc_apfloat::{Float, FloatConvert, Round, Status};

const RNE: Rounding = Rounding::NearestEven;

fn flags_of(status: Status) -> Flags {
    Flags {
        nv: status.contains(Status::INVALID_OP),
        of: status.contains(Status::OVERFLOW),
        uf: status.contains(Status::UNDERFLOW),
        nx: status.contains(Status::INEXACT),
        hr: false,
    }
}

/// A NaN becomes the canonical one.
fn canonical(format: Type, bits: u128) -> u32 {
    let bits = u32::try_from(bits).expect("at most 32 bits");
    if format.is_nan(bits) { format.quiet_nan } else { bits }
}

/// FP32 operands for a conversion to FP16: corners, every finite FP16 value and every midpoint of two with its
/// neighbours in FP32, and random numbers, most of them in FP16's range.
fn conversion_operands(random: &mut Random) -> Vec<u32> {
    let mut operands = CORNERS_FP32.to_vec();
    let half = |bits: u32| golden::FP16.to_f64(bits);
    for bits in 0..0x7BFF {
        for point in [half(bits), (half(bits) + half(bits + 1)) / 2.0] {
            let point = (point as f32).to_bits();
            for near in [point.saturating_sub(1), point, point + 1] {
                operands.extend([near, near | 0x8000_0000]);
            }
        }
    }
    for i in 0..1 << 21 {
        operands.push(if i % 4 == 0 { random.next() as u32 } else { moderate_fp32(random, 98, 46) });
    }
    operands
}

#[test]
fn every_fp16_widens_as_in_llvm() {
    let mut scoreboard = Scoreboard::new("FP16 to FP32");
    for bits in 0..=u16::MAX {
        let result: rustc_apfloat::StatusAnd<Single> = Half::from_bits(bits.into()).convert(&mut false);
        let expected = (canonical(SINGLE, result.value.to_bits()), flags_of(result.status));
        scoreboard.compare(fp16_to_fp32(bits), expected, || format!("{bits:#06x}"));
        if !HALF.is_nan(bits.into()) {
            scoreboard.compare(fp32_to_fp16(expected.0, RNE, Overflow::ToInfinity), (bits, Flags::NONE), || {
                format!("{bits:#06x} and back")
            });
        }
    }
    scoreboard.finish(65536 + 65536 - 2046);
}

#[test]
fn fp32_narrows_to_nearest_even_as_in_llvm() {
    let operands = conversion_operands(&mut Random::seeded(0xC0_4E47));
    let mut scoreboard = Scoreboard::new("FP32 to FP16, RNE, LLVM");
    for bits in operands {
        let result: rustc_apfloat::StatusAnd<Half> = Single::from_bits(bits.into()).convert(&mut false);
        let (actual, actual_flags) = fp32_to_fp16(bits, RNE, Overflow::ToInfinity);
        let mut flags = flags_of(result.status);
        let tiny_only_before_rounding = actual_flags.uf && !flags.uf && actual & 0x7FFF == 0x0400;
        scoreboard.note("tiny only before rounding", tiny_only_before_rounding);
        flags.uf |= tiny_only_before_rounding;
        let expected = (canonical(HALF, result.value.to_bits()) as u16, flags);
        scoreboard.compare((actual, actual_flags), expected, || format!("{bits:#010x}"));
        scoreboard.note_flags(flags);
    }
    assert!(scoreboard.noted("tiny only before rounding") > 0);
    scoreboard.finish(1 << 21);
}

#[test]
fn fp32_narrows_to_nearest_even_as_defined() {
    let operands = conversion_operands(&mut Random::seeded(0xDEF1));
    let mut scoreboard = Scoreboard::new("FP32 to FP16, RNE, exact integers");
    for bits in operands.into_iter().filter(|&bits| bits & 0x7FFF_FFFF < SINGLE.infinity()) {
        let (mut expected, mut flags) = HALF.nearest(&SINGLE.value(bits));
        expected |= bits >> 16 & 0x8000;
        let actual = fp32_to_fp16(bits, RNE, Overflow::ToInfinity);
        scoreboard.compare(actual, (expected as u16, flags), || format!("{bits:#010x}"));

        if flags.of {
            expected -= 1;
        }
        flags.nx |= flags.of;
        let actual = fp32_to_fp16(bits, RNE, Overflow::Saturate);
        scoreboard.compare(actual, (expected as u16, flags), || format!("{bits:#010x}, saturated"));
        scoreboard.note_flags(flags);
    }
    scoreboard.finish(1 << 22);
}

#[test]
fn stochastic_rounding_goes_up_exactly_below_the_discarded_fraction() {
    let mut random = Random::seeded(0x57_0C4A);
    let mut operands = conversion_operands(&mut random);
    operands.retain(|&bits| bits & 0x7FFF_FFFF < SINGLE.infinity());
    let mut scoreboard = Scoreboard::new("FP32 to FP16, stochastic");
    for bits in operands.into_iter().step_by(4) {
        let exact = SINGLE.value(bits);
        let below = HALF.floor(exact.magnitude());
        let in_range = below < HALF.infinity();
        let threshold = if in_range {
            let to_below = exact.magnitude() - HALF.magnitude(below);
            let to_above = HALF.magnitude(below + 1) - exact.magnitude();
            u32::try_from(oracle::fraction_32(&to_below, &to_above)).expect("less than 1")
        } else {
            0
        };
        // The last random number that rounds up, the first that does not, and others.
        for random in [threshold.wrapping_sub(1), threshold, 0, u32::MAX, random.next() as u32] {
            let (expected, flags) = HALF.stochastic(&exact, random);
            let expected = (expected | bits >> 16 & 0x8000) as u16;
            let rounding = Rounding::Stochastic { random };
            let describe = || format!("{bits:#010x} random {random:#x}");
            scoreboard.compare(fp32_to_fp16(bits, rounding, Overflow::ToInfinity), (expected, flags), describe);
            let saturated = if flags.of { expected - 1 } else { expected };
            scoreboard.compare(fp32_to_fp16(bits, rounding, Overflow::Saturate), (saturated, flags), describe);
            scoreboard.note_flags(flags);
            scoreboard.note("up", in_range && u32::from(expected & 0x7FFF) > below);
        }
    }
    scoreboard.finish(1 << 22);
}

/// Not only the threshold: over all 2^16 values of the top random bits, the share that rounds up is the fraction.
#[test]
fn stochastic_rounding_up_is_as_likely_as_the_discarded_fraction() {
    // 1 + 3/8 of a unit, and 2^-25 + 2^-26: three quarters of the smallest subnormal.
    for (bits, down, sixteenths) in [(0x3F80_0C00, 0x3C00, 6), (0x3340_0000, 0x0000, 12), (0x3F80_2000, 0x3C01, 0)] {
        let up = (0..1 << 16).filter(|high: &u32| {
            let rounding = Rounding::Stochastic { random: high << 16 | 0x1234 };
            fp32_to_fp16(bits, rounding, Overflow::ToInfinity).0 != down
        });
        assert_eq!(up.count(), sixteenths << 12, "{bits:#010x}");
    }
}

#[test]
fn infinities_are_never_saturated() {
    for (bits, expected) in [(0x7F80_0000, 0x7C00), (0xFF80_0000, 0xFC00)] {
        for overflow in [Overflow::ToInfinity, Overflow::Saturate] {
            assert_eq!(fp32_to_fp16(bits, RNE, overflow), (expected, Flags::NONE));
        }
    }
}

/// Narrowing that is wrong somewhere.
type Narrow = fn(u32) -> (u16, Flags);
const FAULTS: &[(&str, Narrow)] = &[
    ("sticky dropped", |bits| match bits & 0x7FFF_FFFF {
        0x3880_0000..0x4780_0000 => (fp32_to_fp16(bits & !0xFFF, RNE, Overflow::ToInfinity).0, true_flags(bits)),
        _ => fp32_to_fp16(bits, RNE, Overflow::ToInfinity),
    }),
    ("round half up", |bits| match bits & 0x7FFF_FFFF {
        0x3880_0000..0x4780_0000 => {
            (fp32_to_fp16((bits + 0x1000) & !0x1FFF, RNE, Overflow::ToInfinity).0, true_flags(bits))
        }
        _ => fp32_to_fp16(bits, RNE, Overflow::ToInfinity),
    }),
    ("subnormal results flushed", |bits| {
        let (result, flags) = fp32_to_fp16(bits, RNE, Overflow::ToInfinity);
        (if result & 0x7C00 == 0 { result & 0x8000 } else { result }, flags)
    }),
    ("subnormals rounded at the normal place first", |bits| {
        let magnitude = bits & 0x7FFF_FFFF;
        let rounded = (magnitude + 0xFFF + (magnitude >> 13 & 1)) & !0x1FFF;
        let operand = if magnitude < 0x3880_0000 { bits & 0x8000_0000 | rounded } else { bits };
        (fp32_to_fp16(operand, RNE, Overflow::ToInfinity).0, true_flags(bits))
    }),
    ("tininess detected after rounding", |bits| {
        let (result, flags) = fp32_to_fp16(bits, RNE, Overflow::ToInfinity);
        (result, Flags { uf: flags.uf && result & 0x7FFF < 0x0400, ..flags })
    }),
    ("65520 and above saturate", |bits| fp32_to_fp16(bits, RNE, Overflow::Saturate)),
];

fn true_flags(bits: u32) -> Flags {
    fp32_to_fp16(bits, RNE, Overflow::ToInfinity).1
}

#[test]
fn oracle_notices_every_injected_fault() {
    let mut operands = conversion_operands(&mut Random::seeded(0xFA17));
    operands.retain(|&bits| bits & 0x7FFF_FFFF < SINGLE.infinity());
    let expected: Vec<(u32, u16, Flags)> = operands
        .into_iter()
        .step_by(13)
        .map(|bits| {
            let (result, flags) = HALF.nearest(&SINGLE.value(bits));
            (bits, (result | bits >> 16 & 0x8000) as u16, flags)
        })
        .collect();
    for (fault, narrow) in FAULTS {
        let noticed = expected.iter().filter(|&&(bits, result, flags)| narrow(bits) != (result, flags)).count();
        println!("{fault}: {noticed} of {} differ", expected.len());
        assert!(noticed > 0, "{fault} went unnoticed");
    }
}

#[test]
fn relu_passes_positive_numbers_and_nans() {
    for bits in 0..=u16::MAX {
        let wanted = HALF.is_nan(bits.into()) || bits & 0x8000 == 0;
        assert_eq!(relu_fp16(bits), if wanted { bits } else { 0 }, "{bits:#06x}");
        let wide = u32::from(bits) << 16 | 0x0042;
        let wanted = SINGLE.is_nan(wide) || wide & 0x8000_0000 == 0;
        assert_eq!(relu_fp32(wide), if wanted { wide } else { 0 }, "{wide:#010x}");
    }
    assert_eq!((relu_fp32(0x8000_0000), relu_fp32(0xFF80_0000)), (0, 0));
}

/// A step of one term is IEEE's fused multiply-add of the widened operands, signed zeros and all flags included.
/// Where 0 x Inf meets a quiet NaN, IEEE leaves NV open; LLVM raises it, and so does the tile.
#[test]
fn step_of_1_term_is_a_fused_multiply_add() {
    let mut random = Random::seeded(0xF4A);
    let mut scoreboard = Scoreboard::new("T = 1 against fused multiply-add");
    for i in 0..1_000_000 {
        let case = step_case(&mut random, 1, i % STEP_KINDS);
        let (x, w, accumulator) = (case.x[0], case.w[0], case.accumulator);
        let (actual, flags) = amp_step(accumulator, &[x], &[w], ALL_TERMS);
        let describe = || format!("{accumulator:#010x} + {x:#06x} x {w:#06x}");

        let widen = |bits: u16| -> Single { Half::from_bits(bits.into()).convert(&mut false).value };
        let result = widen(x).mul_add(widen(w), Single::from_bits(accumulator.into()));
        // Widening has quietened signalling NaNs.
        let signalling = HALF.is_signalling(x.into()) || HALF.is_signalling(w.into());
        let mut expected_flags = flags_of(result.status);
        expected_flags.nv |= signalling || SINGLE.is_signalling(accumulator);
        let expected = canonical(SINGLE, result.value.to_bits());
        scoreboard.compare((actual, flags), (expected, expected_flags), describe);

        // And the host's, in hardware or its C library: values only.
        let host = |bits: u16| f32::from_bits(fp16_to_fp32(bits).0);
        let fused = host(x).mul_add(host(w), f32::from_bits(accumulator)).to_bits();
        scoreboard.compare(actual, canonical(SINGLE, fused.into()), describe);
        scoreboard.note_flags(expected_flags);
    }
    scoreboard.finish(2_000_000);
}

/// From a start of zero, a sum of up to 16 products has at most 84 significant bits: LLVM's binary128 holds it
/// exactly, so that its conversion to FP32 is the only rounding.
#[test]
fn step_from_zero_is_a_binary128_sum_rounded_once() {
    let mut random = Random::seeded(0x128);
    let mut scoreboard = Scoreboard::new("sums from zero against binary128");
    for terms in [1, 2, 4, 8, 16] {
        for i in 0..40_000u64 {
            let case = step_case(&mut random, terms, 1 + i % 5);
            let widen = |bits: &u16| -> Quad { Half::from_bits((*bits).into()).convert(&mut false).value };
            let sum = case.x.iter().zip(&case.w).fold(Quad::ZERO, |sum, (x, w)| {
                let product = widen(x) * widen(w);
                let sum = sum + product.value;
                assert_eq!((product.status, sum.status), (Status::OK, Status::OK), "the sum is exact");
                sum.value
            });
            let result: rustc_apfloat::StatusAnd<Single> = sum.convert_r(Round::NearestTiesToEven, &mut false);
            let expected = (canonical(SINGLE, result.value.to_bits()), flags_of(result.status));
            scoreboard.compare(amp_step(0, &case.x, &case.w, ALL_TERMS), expected, || format!("{case:x?}"));
        }
    }
    scoreboard.finish(200_000);
}

/// The oracle's own ground: its patterns ascend with their values, which are the host's.
#[test]
fn oracle_values_are_the_hosts() {
    let mut last = None;
    for pattern in 0..=HALF.infinity() {
        let magnitude = HALF.magnitude(pattern);
        assert!(last.is_none_or(|last| last < magnitude));
        assert_eq!(HALF.floor(&magnitude), pattern);
        let widened = (golden::FP16.to_f64(pattern.min(0x7BFF)) as f32).to_bits();
        if pattern < HALF.infinity() {
            assert_eq!(SINGLE.value(widened), BigInt::from(magnitude.clone()));
        }
        last = Some(magnitude);
    }
    assert_eq!(SINGLE.magnitude(0x3F80_0000), BigUint::from(1u32) << 149u32);
    assert_eq!(FP32.to_f64(0x3F80_0000), 1.0);
}
