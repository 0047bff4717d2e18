//! Accumulators and their read-out against exact integers.

mod common;

use common::Scoreboard;
use common::oracle::{self, HALF, PRODUCT_SHIFT, Product, SINGLE, Type};
use common::stimulus::{CORNERS_FP32, Random, STEP_KINDS, finite_fp32, moderate_fp32, step_case};
use golden::{
    ALL_TERMS, Accumulator, AccumulatorKind, Activation, ExactState, Flags, OutputType, Overflow, ReadOut, Rounding,
    fp32_to_fp16,
};
use num_bigint::BigInt;
use proptest::prelude::*;

const RNE: Rounding = Rounding::NearestEven;

/// An exact accumulator in integers without a width.
#[derive(Clone, Debug, Default)]
struct ExactOracle {
    /// In units of 2^-48.
    value: BigInt,
    nan: bool,
    plus: bool,
    minus: bool,
}

impl ExactOracle {
    fn limit(bits: u32) -> BigInt {
        BigInt::from(1) << (bits - 1)
    }

    /// The partial sum as the nearest multiple of 2^-48, found by doubling the remainder.
    fn from_partial_sum(bits: u32, partial_sum: u32) -> (ExactOracle, Flags) {
        if SINGLE.is_nan(partial_sum) {
            let nv = SINGLE.is_signalling(partial_sum);
            return (ExactOracle { nan: true, ..Default::default() }, Flags { nv, ..Flags::NONE });
        }
        let minus = partial_sum & SINGLE.sign() != 0;
        let infinite = ExactOracle { plus: !minus, minus, ..Default::default() };
        if SINGLE.is_infinite(partial_sum) {
            return (infinite, Flags::NONE);
        }
        let exact = SINGLE.value(partial_sum);
        let unit = BigInt::from(1) << PRODUCT_SHIFT;
        let mut value: BigInt = &exact >> PRODUCT_SHIFT; // towards minus infinity
        let remainder: BigInt = &exact - &value * &unit;
        let twice = &remainder * 2;
        if twice > unit || twice == unit && value.bit(0) {
            value += 1;
        }
        if value < -Self::limit(bits) || value >= Self::limit(bits) {
            return (infinite, Flags::OVERFLOW);
        }
        (ExactOracle { value, ..Default::default() }, Flags { nx: remainder != BigInt::ZERO, ..Flags::NONE })
    }

    fn step(&mut self, bits: u32, x: &[u16], w: &[u16], enabled: u32) -> Flags {
        let mut flags = Flags::NONE;
        let before = self.plus && self.minus;
        for i in (0..x.len()).filter(|i| enabled >> i & 1 == 1) {
            match oracle::product(x[i], w[i]) {
                Product::Nan { invalid } => {
                    self.nan = true;
                    flags.nv |= invalid;
                }
                Product::Infinite { negative: false } => self.plus = true,
                Product::Infinite { negative: true } => self.minus = true,
                Product::Finite { value, .. } => self.value += value >> PRODUCT_SHIFT,
            }
        }
        if self.plus && self.minus && !before {
            flags.nv = true;
            self.nan = true;
        }
        let span = Self::limit(bits) * 2;
        while self.value >= Self::limit(bits) {
            self.value -= &span;
            flags.hr = true;
        }
        while self.value < -Self::limit(bits) {
            self.value += &span;
            flags.hr = true;
        }
        self.nan |= flags.hr;
        flags
    }

    fn read(&self, format: Type) -> (u32, Flags) {
        match self {
            ExactOracle { nan: true, .. } => (format.quiet_nan, Flags::NONE),
            ExactOracle { plus: true, .. } => (format.infinity(), Flags::NONE),
            ExactOracle { minus: true, .. } => (format.infinity() | format.sign(), Flags::NONE),
            ExactOracle { value, .. } => format.nearest(&(value << PRODUCT_SHIFT)),
        }
    }
}

fn exact_state(accumulator: &Accumulator) -> ExactState {
    match accumulator {
        Accumulator::Exact(state) => *state,
        Accumulator::Fp32(_) => panic!("not an exact accumulator"),
    }
}

fn exact_from_value(value: i128) -> Accumulator {
    let state = exact_state(&AccumulatorKind::EXACT.zero());
    Accumulator::Exact(ExactState { value, ..state })
}

/// Whole accumulations: a start, up to 12 steps, and every way to read, after each step.
#[test]
fn exact_accumulator_follows_integers_without_width() {
    let mut random = Random::seeded(0xACC);
    let mut scoreboard = Scoreboard::new("exact accumulator");
    for run in 0..60_000u64 {
        let bits = random.pick(&[104, 104, 104, 84, 64, 127]);
        let kind = AccumulatorKind::Exact { bits };
        let partial_sum = match run % 4 {
            0 => random.pick(&CORNERS_FP32),
            1 => finite_fp32(&mut random),
            2 => moderate_fp32(&mut random, 60, 60),
            _ => moderate_fp32(&mut random, 127 - 48 + u64::from(bits) - 10, 12),
        };
        let ((mut actual, actual_flags), (mut expected, expected_flags)) = if run % 8 < 3 {
            (kind.from_partial_sum(partial_sum), ExactOracle::from_partial_sum(bits, partial_sum))
        } else {
            ((kind.zero(), Flags::NONE), (ExactOracle::default(), Flags::NONE))
        };
        scoreboard.compare(actual_flags, expected_flags, || format!("partial sum {partial_sum:#010x}, {bits} bits"));
        scoreboard.note("partial sum beyond the range", expected_flags.of);

        let terms = random.pick(&[1, 2, 4, 8, 16]);
        for _ in 0..random.below(12) {
            // Mostly finite numbers: a NaN ends the interest of a sum.
            let kind = if random.chance(6) { random.below(STEP_KINDS) } else { 1 + random.below(8) };
            let case = step_case(&mut random, terms, kind);
            let flags = actual.step(&case.x, &case.w, case.enabled);
            let expected_flags = expected.step(bits, &case.x, &case.w, case.enabled);
            scoreboard.compare(flags, expected_flags, || format!("{bits} bits, {case:x?}"));
            scoreboard.note_flags(flags);
        }

        let state = exact_state(&actual);
        let describe = || format!("{state:x?}");
        scoreboard.compare(BigInt::from(state.value), expected.value.clone(), describe);
        let (single, single_flags) = expected.read(SINGLE);
        scoreboard.compare(actual.read_fp32(), (single, single_flags), describe);
        let (half, half_flags) = expected.read(HALF);
        let half = half as u16;
        scoreboard.compare(actual.read_fp16(RNE, Overflow::ToInfinity), (half, half_flags), describe);
        let saturated = if half_flags.of { half - 1 } else { half };
        scoreboard.compare(actual.read_fp16(RNE, Overflow::Saturate), (saturated, half_flags), describe);
        scoreboard.note("overflow to FP16", half_flags.of);
        scoreboard.note("underflow to FP16", half_flags.uf);
        scoreboard.note("read as NaN", HALF.is_nan(half.into()));
    }
    for what in ["nv", "hr", "overflow to FP16", "underflow to FP16", "partial sum beyond the range"] {
        assert!(scoreboard.noted(what) > 100, "too few cases of {what}");
    }
    scoreboard.finish(500_000);
}

/// At every midpoint between two FP16 numbers, from the smallest subnormal to overflow, and a hair beside it. There
/// rounding to FP32 first is wrong; directly is right.
#[test]
fn exact_reads_as_fp16_with_one_rounding_over_the_whole_range() {
    let mut scoreboard = Scoreboard::new("exact to FP16 at midpoints");
    let mut double_rounding_wrong = 0;
    for below in 0..HALF.infinity() {
        let twice_midpoint = HALF.magnitude(below) + HALF.magnitude(below + 1);
        let midpoint = i128::try_from(twice_midpoint >> (PRODUCT_SHIFT + 1)).expect("below 2^64");
        for offset in [0, 1, -1, 2, -2, 1 << 8, -(1 << 8)] {
            for sign in [1, -1] {
                let value = sign * (midpoint + offset);
                let accumulator = exact_from_value(value);
                let (expected, flags) = HALF.nearest(&(BigInt::from(value) << PRODUCT_SHIFT));
                let actual = accumulator.read_fp16(RNE, Overflow::ToInfinity);
                scoreboard.compare(actual, (expected as u16, flags), || format!("{value:#x}"));
                let twice = fp32_to_fp16(accumulator.read_fp32().0, RNE, Overflow::ToInfinity).0;
                double_rounding_wrong += u64::from(twice != expected as u16);
                scoreboard.note_flags(flags);
            }
        }
    }
    println!("double rounding would have been wrong {double_rounding_wrong} times");
    assert!(double_rounding_wrong > 50_000);
    scoreboard.finish(14 * 0x7C00);
}

/// Products of random numbers: how often double rounding would be wrong in practice.
#[test]
fn double_rounding_would_be_wrong_in_random_sums() {
    let mut random = Random::seeded(0xD0B1);
    let (mut wrong, mut sums) = (0u64, 0u64);
    for _ in 0..400_000 {
        let case = step_case(&mut random, 16, 2);
        let mut accumulator = AccumulatorKind::EXACT.zero();
        accumulator.step(&case.x, &case.w, ALL_TERMS);
        let direct = accumulator.read_fp16(RNE, Overflow::ToInfinity).0;
        let value = BigInt::from(exact_state(&accumulator).value) << PRODUCT_SHIFT;
        assert_eq!(u32::from(direct), HALF.nearest(&value).0);
        wrong += u64::from(direct != fp32_to_fp16(accumulator.read_fp32().0, RNE, Overflow::ToInfinity).0);
        sums += 1;
    }
    println!("double rounding would have been wrong in {wrong} of {sums} random sums");
    assert!(wrong > 0);
}

#[test]
fn exact_reads_stochastically_from_the_whole_sum() {
    let mut random = Random::seeded(0x5A);
    let mut scoreboard = Scoreboard::new("exact to FP16, stochastic");
    for _ in 0..300_000 {
        let bits = random.below(70) + 1;
        let value = (random.next() as i128) << 6 >> (70 - bits) | i128::from(random.chance(2));
        let value = if random.chance(2) { value } else { -value };
        let exact = BigInt::from(value) << PRODUCT_SHIFT;
        let random = random.next() as u32;
        let (expected, flags) = HALF.stochastic(&exact, random);
        let actual = exact_from_value(value).read_fp16(Rounding::Stochastic { random }, Overflow::ToInfinity);
        scoreboard.compare(actual, (expected as u16, flags), || format!("{value:#x} random {random:#x}"));
        scoreboard.note_flags(flags);
    }
    scoreboard.finish(300_000);
}

#[test]
fn fp32_accumulator_keeps_the_bits_of_its_partial_sum() {
    for bits in CORNERS_FP32 {
        let (accumulator, flags) = AccumulatorKind::Fp32.from_partial_sum(bits);
        assert_eq!((accumulator.read_fp32(), flags), ((bits, Flags::NONE), Flags::NONE));
        assert_eq!(accumulator.read_fp16(RNE, Overflow::Saturate), fp32_to_fp16(bits, RNE, Overflow::Saturate));
    }
}

#[test]
fn partial_sums_enter_the_exact_accumulator_on_its_grid() {
    let enter = |bits: u32| {
        let (accumulator, flags) = AccumulatorKind::EXACT.from_partial_sum(bits);
        (exact_state(&accumulator), flags)
    };
    let zero = exact_state(&AccumulatorKind::EXACT.zero());
    // Half a unit is a tie to 0, three halves to 2; the smallest subnormal is lost; -0 enters as 0.
    assert_eq!(enter(0x2700_0000), (ExactState { value: 0, ..zero }, Flags::INEXACT));
    assert_eq!(enter(0x27C0_0000), (ExactState { value: 2, ..zero }, Flags::INEXACT));
    assert_eq!(enter(0x8000_0001), (zero, Flags::INEXACT));
    assert_eq!(enter(0x8000_0000), (zero, Flags::NONE));
    // The range is that of 104 bits: 2^55 is beyond, -2^55 is the least number.
    assert_eq!(enter(0x5B00_0000), (ExactState { positive_infinity: true, ..zero }, Flags::OVERFLOW));
    assert_eq!(enter(0xDB00_0000), (ExactState { value: -(1 << 103), ..zero }, Flags::NONE));
    assert_eq!(enter(0xDB00_0001), (ExactState { negative_infinity: true, ..zero }, Flags::OVERFLOW));
    assert_eq!(enter(0x5AFF_FFFF), (ExactState { value: 0xFF_FFFF << 79, ..zero }, Flags::NONE));
}

#[test]
fn running_past_the_headroom_is_detected() {
    let mut accumulator = exact_from_value((1 << 103) - 1);
    assert_eq!(accumulator.step(&[0x0001], &[0x0001], ALL_TERMS), Flags::HEADROOM);
    assert_eq!(accumulator.read_fp32(), (0x7FC0_0000, Flags::NONE));
    assert_eq!(exact_state(&accumulator).value, -(1 << 103), "the number wraps");
    // Coming back does not heal it.
    accumulator.step(&[0x8001], &[0x0001], ALL_TERMS);
    assert_eq!(accumulator.read_fp16(RNE, Overflow::Saturate), (0x7E00, Flags::NONE));
}

#[test]
fn longest_sum_of_104_bits_has_2_to_the_22_largest_products() {
    let mut accumulator = AccumulatorKind::EXACT.zero();
    let mut flags = Flags::NONE;
    for _ in 0..(1 << 22) / 16 {
        flags |= accumulator.step(&[0x7BFF; 16], &[0x7BFF; 16], ALL_TERMS);
    }
    assert_eq!(flags, Flags::NONE);
    let exact = 65504.0 * 65504.0 * f64::from(1 << 22);
    assert_eq!(accumulator.read_fp32(), ((exact as f32).to_bits(), Flags::NONE));
}

#[test]
fn relu_comes_after_rounding_whose_flags_stand() {
    let relu = |output| ReadOut { output, overflow: Overflow::ToInfinity, activation: Activation::Relu };
    let minus_third = Accumulator::Fp32(0xBEAA_AAAB);
    assert_eq!(minus_third.read(relu(OutputType::Fp32)), (0, Flags::NONE));
    assert_eq!(minus_third.read(relu(OutputType::Fp16)), (0, Flags::INEXACT));
    let minus_huge = Accumulator::Fp32(0xFF00_0000);
    assert_eq!(minus_huge.read(relu(OutputType::Fp16)), (0, Flags::OVERFLOW));
    let nan = Accumulator::Fp32(0xFFC0_0000);
    assert_eq!(nan.read(relu(OutputType::Fp32)), (0xFFC0_0000, Flags::NONE));
    assert_eq!(nan.read(relu(OutputType::Fp16)), (0x7E00, Flags::NONE));
}

#[test]
#[should_panic(expected = "an exact accumulator has 64 to 127 bits, not 63")]
fn narrow_exact_accumulators_are_refused() {
    AccumulatorKind::Exact { bits: 63 }.zero();
}

proptest! {
    #[test]
    fn exact_sum_depends_on_neither_order_nor_terms_a_step(
        pairs in prop::collection::vec((any::<u16>(), any::<u16>()), 1..64),
        order in any::<prop::sample::Index>(),
        terms in prop::sample::select(vec![1usize, 2, 4, 8, 16]),
    ) {
        let sum = |pairs: &[(u16, u16)], terms: usize| {
            let mut accumulator = AccumulatorKind::EXACT.zero();
            let mut flags = Flags::NONE;
            for step in pairs.chunks(terms) {
                let (x, w): (Vec<u16>, Vec<u16>) = step.iter().copied().unzip();
                flags |= accumulator.step(&x, &w, ALL_TERMS);
            }
            (accumulator, flags)
        };
        let mut shuffled = pairs.clone();
        shuffled.rotate_left(order.index(pairs.len()));
        shuffled.reverse();
        prop_assert_eq!(sum(&pairs, 1), sum(&shuffled, terms));
    }

    #[test]
    fn step_does_not_depend_on_the_order_of_its_terms(
        pairs in prop::collection::vec((any::<u16>(), any::<u16>()), 1..=16),
        accumulator in any::<u32>(),
    ) {
        let step = |pairs: &[(u16, u16)]| {
            let (x, w): (Vec<u16>, Vec<u16>) = pairs.iter().copied().unzip();
            golden::amp_step(accumulator, &x, &w, ALL_TERMS)
        };
        let mut reversed = pairs.clone();
        reversed.reverse();
        prop_assert_eq!(step(&pairs), step(&reversed));
    }

    #[test]
    fn step_is_monotonic_in_the_partial_sum(
        pairs in prop::collection::vec((0u16..0x7C00, 0u16..0x7C00, any::<bool>()), 1..=16),
        one in any::<f32>(),
        other in any::<f32>(),
    ) {
        prop_assume!(!one.is_nan() && !other.is_nan());
        let x: Vec<u16> = pairs.iter().map(|&(x, _, negative)| x | u16::from(negative) << 15).collect();
        let w: Vec<u16> = pairs.iter().map(|&(_, w, _)| w).collect();
        let step = |from: f32| f32::from_bits(golden::amp_step(from.to_bits(), &x, &w, ALL_TERMS).0);
        prop_assert!(step(one.min(other)) <= step(one.max(other)));
    }
}
