//! The AMP step against exact sums, for every T; and deliberately broken steps, which the comparison must notice.

mod common;

use common::Scoreboard;
use common::oracle::{self, HALF, SINGLE};
use common::stimulus::{Random, STEP_KINDS, StepCase, step_case};
use golden::round::Unrounded;
use golden::{ALL_TERMS, FP32, Flags, NAN_FP32, Overflow, Rounding, amp_step};
use num_bigint::{BigInt, Sign};

const CASES: u64 = 1_000_000;

type Step = fn(u32, &[u16], &[u16], u32) -> (u32, Flags);

/// Runs `cases` through a step and the oracle.
fn compare_with_oracle(scoreboard: &mut Scoreboard, step: Step, cases: impl Iterator<Item = StepCase>) {
    for StepCase { accumulator, x, w, enabled } in cases {
        let expected = oracle::step(accumulator, &x, &w, enabled);
        let describe = || format!("acc {accumulator:#010x} x {x:#06x?} w {w:#06x?} enabled {enabled:#x}");
        scoreboard.compare(step(accumulator, &x, &w, enabled), expected, describe);
        scoreboard.note_flags(expected.1);
        scoreboard.note("nan", SINGLE.is_nan(expected.0));
        scoreboard.note("infinite", SINGLE.is_infinite(expected.0));
        scoreboard.note("minus zero", expected.0 == SINGLE.sign());
        scoreboard.note("subnormal", expected.0 & 0x7FFF_FFFF != 0 && expected.0 & 0x7F80_0000 == 0);
    }
}

fn random_cases(random: &mut Random, terms: usize, count: u64) -> impl Iterator<Item = StepCase> {
    (0..count).map(move |i| step_case(random, terms, i % STEP_KINDS))
}

fn step_equals_exact_sum_rounded_once(terms: usize) {
    let mut random = Random::seeded(0x7E55_E4A0 + terms as u64);
    let mut scoreboard = Scoreboard::new(format!("amp_step, T = {terms}"));
    compare_with_oracle(&mut scoreboard, amp_step, random_cases(&mut random, terms, CASES));
    for what in ["nv", "nx", "nan", "infinite", "minus zero", "subnormal"] {
        assert!(scoreboard.noted(what) > 1000, "too few cases of {what}");
    }
    // A sum is a multiple of the smallest subnormal, and products are far below half a unit of the largest number.
    assert_eq!((scoreboard.noted("uf"), scoreboard.noted("of")), (0, 0));
    scoreboard.finish(CASES);
}

#[test]
fn step_of_1_term_equals_exact_sum_rounded_once() {
    step_equals_exact_sum_rounded_once(1);
}

#[test]
fn step_of_2_terms_equals_exact_sum_rounded_once() {
    step_equals_exact_sum_rounded_once(2);
}

#[test]
fn step_of_4_terms_equals_exact_sum_rounded_once() {
    step_equals_exact_sum_rounded_once(4);
}

#[test]
fn step_of_8_terms_equals_exact_sum_rounded_once() {
    step_equals_exact_sum_rounded_once(8);
}

#[test]
fn step_of_16_terms_equals_exact_sum_rounded_once() {
    step_equals_exact_sum_rounded_once(16);
}

#[test]
fn zeros_infinities_and_nans_follow_the_rules() {
    const INF: u16 = 0x7C00;
    const QUIET: u16 = 0x7E01;
    const SIGNALLING: u16 = 0x7C01;
    const ONE: u16 = 0x3C00;
    let invalid = (NAN_FP32, Flags::INVALID);
    let quiet = (NAN_FP32, Flags::NONE);
    type Row = (&'static str, u32, [u16; 2], [u16; 2], u32, (u32, Flags));
    let rows: &[Row] = &[
        ("-0 and products of -0", 0x8000_0000, [0x8000, 0], [ONE, 0x8000], 3, (0x8000_0000, Flags::NONE)),
        ("-0 and a product of +0", 0x8000_0000, [0x8000, 0], [ONE, 0], 3, (0, Flags::NONE)),
        ("+0 and products of -0", 0, [0x8000, 0], [ONE, 0x8000], 3, (0, Flags::NONE)),
        ("-0 and no product", 0x8000_0000, [0, ONE], [0, ONE], 0, (0x8000_0000, Flags::NONE)),
        ("1 - 1 is +0", 0, [ONE, ONE], [ONE, ONE | 0x8000], 3, (0, Flags::NONE)),
        ("0 x Inf", 0, [0, ONE], [INF, ONE], 3, invalid),
        ("0 x Inf beside a quiet NaN", 0, [QUIET, 0], [ONE, INF], 3, invalid),
        ("0 x Inf, the partial sum a quiet NaN", 0x7FC0_0001, [ONE, 0], [ONE, INF], 3, invalid),
        ("Inf - Inf among products", 0, [INF, INF], [ONE, ONE | 0x8000], 3, invalid),
        ("Inf - Inf with the partial sum", 0xFF80_0000, [INF, ONE], [ONE, ONE], 3, invalid),
        ("Inf - Inf beside a quiet NaN", 0xFF80_0000, [INF, QUIET], [ONE, ONE], 3, invalid),
        ("infinities of one sign", 0xFF80_0000, [INF, ONE], [0xBC00, ONE], 3, (0xFF80_0000, Flags::NONE)),
        ("a quiet NaN", 0, [QUIET, ONE], [ONE, ONE], 3, quiet),
        ("a quiet NaN x Inf is no invalid product", 0, [QUIET, ONE], [INF, ONE], 3, quiet),
        ("a signalling NaN", 0, [ONE, SIGNALLING], [ONE, ONE], 3, invalid),
        ("a signalling partial sum", 0x7F80_0001, [ONE, ONE], [ONE, ONE], 3, invalid),
        ("a quiet partial sum", 0xFFFF_FFFF, [ONE, ONE], [ONE, ONE], 3, quiet),
        ("a disabled signalling NaN takes no part", 0, [ONE, SIGNALLING], [ONE, INF], 1, (0x3F80_0000, Flags::NONE)),
    ];
    for (what, accumulator, x, w, enabled, expected) in rows {
        assert_eq!(amp_step(*accumulator, x, w, *enabled), *expected, "{what}");
        assert_eq!(oracle::step(*accumulator, x, w, *enabled), *expected, "the oracle: {what}");
    }
}

#[test]
#[should_panic(expected = "a step has at most 16 terms, not 17")]
fn more_than_16_terms_are_refused() {
    amp_step(0, &[0; 17], &[0; 17], ALL_TERMS);
}

#[test]
#[should_panic(expected = "a step multiplies pairs")]
fn unpaired_operands_are_refused() {
    amp_step(0, &[0; 2], &[0; 3], ALL_TERMS);
}

/// A step whose flags are right and whose sum is broken on purpose: `alter` is given the exact partial sum and the
/// exact sum of the products, in units of 2^-149, where all are finite and the sum is not zero.
fn broken_sum(case: (u32, &[u16], &[u16], u32), alter: fn(BigInt, BigInt) -> u32) -> (u32, Flags) {
    let (accumulator, x, w, enabled) = case;
    let truth = amp_step(accumulator, x, w, enabled);
    if truth.0 & 0x7FFF_FFFF == 0 || SINGLE.is_nan(truth.0) || SINGLE.is_infinite(truth.0) {
        return truth;
    }
    let finite_product = |i: usize| match oracle::product(x[i], w[i]) {
        oracle::Product::Finite { value, .. } => value,
        _ => unreachable!("a finite sum has finite products"),
    };
    let products = (0..x.len()).filter(|i| enabled >> i & 1 == 1).map(finite_product).sum();
    (alter(SINGLE.value(accumulator), products), truth.1)
}

/// Rounds the top `bits` of an exact value, adjusted; all below is cut off.
fn round_top_bits(exact: &BigInt, bits: u64, adjust: fn(u128) -> u128) -> u32 {
    let dropped = exact.magnitude().bits().saturating_sub(bits);
    let magnitude = u128::try_from(exact.magnitude() >> dropped).expect("few bits");
    let negative = exact.sign() == Sign::Minus;
    let cut = Unrounded { negative, magnitude: adjust(magnitude), exponent: -149 + dropped as i32, sticky: false };
    cut.round(FP32, Rounding::NearestEven, Overflow::ToInfinity).0
}

fn flush_fp16(bits: &u16) -> u16 {
    if bits & 0x7C00 == 0 { bits & 0x8000 } else { *bits }
}

/// Faults that hardware is prone to. Each is a step that is wrong somewhere.
const FAULTS: &[(&str, Step)] = &[
    ("sticky dropped", |a, x, w, e| broken_sum((a, x, w, e), |s, p| round_top_bits(&(s + p), 25, |m| m))),
    ("round half up", |a, x, w, e| {
        broken_sum((a, x, w, e), |s, p| round_top_bits(&(s + p), 25, |m| if m.ilog2() == 24 { m + (m & 1) } else { m }))
    }),
    ("rounded towards zero", |a, x, w, e| broken_sum((a, x, w, e), |s, p| round_top_bits(&(s + p), 24, |m| m))),
    ("products shifted one place too far", |a, x, w, e| {
        broken_sum((a, x, w, e), |s, p| SINGLE.nearest(&(s + (p >> 1u32))).0)
    }),
    ("products rounded before the partial sum is added", |a, x, w, e| {
        broken_sum((a, x, w, e), |s, p| SINGLE.nearest(&(s + SINGLE.value(SINGLE.nearest(&p).0))).0)
    }),
    ("partial sum aligned to the products' grid", |a, x, w, e| {
        broken_sum((a, x, w, e), |s, p| SINGLE.nearest(&(((s >> 101u32) << 101u32) + p)).0)
    }),
    ("one rounding for each term", |a, x, w, e| {
        let terms = (0..x.len()).filter(|i| e >> i & 1 == 1);
        terms.fold((a, Flags::NONE), |(sum, flags), i| {
            let (sum, more) = amp_step(sum, &x[i..=i], &w[i..=i], 1);
            (sum, flags | more)
        })
    }),
    ("summed in FP64, then rounded again", |a, x, w, e| {
        let (exact, flags) = amp_step(a, x, w, e);
        let terms = (0..x.len()).filter(|i| e >> i & 1 == 1);
        let as_f64 = |bits: u16| golden::FP16.to_f64(u32::from(bits));
        let sum = terms.fold(f64::from(f32::from_bits(a)), |sum, i| sum + as_f64(x[i]) * as_f64(w[i])) as f32;
        (if sum.is_nan() || exact == 0x8000_0000 { exact } else { sum.to_bits() }, flags)
    }),
    ("subnormal operands flushed", |a, x, w, e| {
        let flush = |v: &[u16]| v.iter().map(flush_fp16).collect::<Vec<_>>();
        amp_step(a, &flush(x), &flush(w), e)
    }),
    ("subnormal partial sums flushed", |a, x, w, e| {
        amp_step(if a & 0x7F80_0000 == 0 { a & 0x8000_0000 } else { a }, x, w, e)
    }),
    ("disabled terms not disabled", |a, x, w, _| amp_step(a, x, w, ALL_TERMS)),
    ("-0 lost", |a, x, w, e| {
        let (bits, flags) = amp_step(a, x, w, e);
        (if bits == 0x8000_0000 { 0 } else { bits }, flags)
    }),
    ("NaN payload of the partial sum kept", |a, x, w, e| {
        let (bits, flags) = amp_step(a, x, w, e);
        (if SINGLE.is_nan(a) { a | 0x40_0000 } else { bits }, flags)
    }),
    ("signalling NaN raises nothing", |a, x, w, e| {
        let quieten = |v: &[u16]| -> Vec<u16> {
            v.iter().map(|&bits| if HALF.is_nan(u32::from(bits)) { bits | 0x200 } else { bits }).collect()
        };
        amp_step(a, &quieten(x), &quieten(w), e)
    }),
    ("a NaN hides the invalid product beside it", |a, x, w, e| {
        let (bits, flags) = amp_step(a, x, w, e);
        let quiet_nan = |&bits: &u16| HALF.is_nan(u32::from(bits)) && !HALF.is_signalling(u32::from(bits));
        let hidden = x.iter().chain(w).any(quiet_nan);
        (bits, Flags { nv: flags.nv && !hidden, ..flags })
    }),
    ("NX never raised", |a, x, w, e| {
        let (bits, flags) = amp_step(a, x, w, e);
        (bits, Flags { nx: false, ..flags })
    }),
];

#[test]
fn oracle_notices_every_injected_fault() {
    const FAULT_CASES: u64 = 40_000;
    for (fault, step) in FAULTS {
        let mut random = Random::seeded(0xFA17);
        let mut scoreboard = Scoreboard::new(*fault);
        compare_with_oracle(&mut scoreboard, *step, random_cases(&mut random, 4, FAULT_CASES));
        println!("{fault}: {} of {FAULT_CASES} differ", scoreboard.differences());
        assert!(scoreboard.differences() >= 5, "{fault} went unnoticed");
    }
}
