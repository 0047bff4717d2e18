//! The vector engine's elementwise operations against LLVM's software floating point (`rustc_apfloat`).
//!
//! The oracle computes in binary128, which holds every operand exactly, toward zero, and sets the last bit where that
//! was inexact: rounding such a result to a format of less than half as many bits is rounding the exact one. Where
//! operands and result share a format, LLVM's operation in that format must say the same.

mod common;

use common::Scoreboard;
use common::oracle::{HALF, SINGLE, Type};
use common::stimulus::{CORNERS_FP16, CORNERS_FP32, Random, finite_fp16, finite_fp32, moderate_fp16, moderate_fp32};
use functions::Function;
use golden::vector::{self, Operand};
use golden::{Counts, Element, FP16, FP32, Flags, Format, Overflow, Rounding, elementwise, transcendental};
use isa::VectorOperation;
use num_bigint::BigInt;
use rustc_apfloat::ieee::{Half, Quad, Single};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd};
use std::cmp::Ordering;

const RNE: Rounding = Rounding::NearestEven;

/// Every operation that is not a function, and how many operands it has.
const OPERATIONS: [(VectorOperation, usize); 13] = [
    (VectorOperation::COPY, 1),
    (VectorOperation::ADD, 2),
    (VectorOperation::SUBTRACT, 2),
    (VectorOperation::MULTIPLY, 2),
    (VectorOperation::FMA, 3),
    (VectorOperation::FNMA, 3),
    (VectorOperation::MIN, 2),
    (VectorOperation::MAX, 2),
    (VectorOperation::RELU, 1),
    (VectorOperation::LESS, 2),
    (VectorOperation::LESS_EQUAL, 2),
    (VectorOperation::EQUAL, 2),
    (VectorOperation::SELECT, 3),
];

/// An operation with its operands and the format of its result.
#[derive(Clone, Copy, Debug)]
struct Case {
    operation: VectorOperation,
    operands: [Operand; 3],
    result: Format,
}

impl Case {
    fn run(&self, rounding: Rounding, overflow: Overflow) -> Element {
        elementwise(self.operation, self.operands, self.result, rounding, overflow)
    }

    fn used(&self) -> usize {
        OPERATIONS.iter().find(|(operation, _)| *operation == self.operation).expect("listed").1
    }

    fn result_type(&self) -> Type {
        type_of(self.result)
    }
}

fn type_of(format: Format) -> Type {
    if format == FP16 { HALF } else { SINGLE }
}

/// What the oracle says before rounding: binary128 with the last bit set if inexact, NaN for every NaN.
struct Exact {
    value: Quad,
    invalid: bool,
    /// Some operand that counts is a NaN.
    nan_operand: bool,
}

fn quad(operand: Operand) -> Quad {
    if operand.format == FP16 {
        Half::from_bits(operand.bits.into()).convert(&mut false).value
    } else {
        Single::from_bits(operand.bits.into()).convert(&mut false).value
    }
}

fn exact(case: &Case) -> Exact {
    use VectorOperation as Op;
    let [a, b, c] = case.operands.map(quad);
    let zero_or_one = |one: bool| Quad::from_u128(one.into());
    let keep = |value: Quad| Status::OK.and(value);
    let order = a.partial_cmp(&b);
    let chosen = usize::from(a.is_zero()) + 1;
    let toward_zero = Round::TowardZero;
    let result: StatusAnd<Quad> = match case.operation {
        Op::COPY => keep(a),
        Op::ADD => a.add_r(b, toward_zero),
        Op::SUBTRACT => a.sub_r(b, toward_zero),
        Op::MULTIPLY => a.mul_r(b, toward_zero),
        Op::FMA => a.mul_add_r(b, c, toward_zero),
        Op::FNMA => (-a).mul_add_r(b, c, toward_zero),
        Op::MIN | Op::MAX => keep(match order {
            None if a.is_nan() => b,
            None => a,
            Some(Ordering::Equal) if (case.operation == Op::MIN) == a.is_negative() => a,
            Some(Ordering::Equal) => b,
            Some(order) if (order == Ordering::Less) == (case.operation == Op::MIN) => a,
            Some(_) => b,
        }),
        Op::RELU if a.is_nan() || !a.is_negative() => keep(a),
        Op::RELU => zero_or_one(false),
        Op::LESS => zero_or_one(order == Some(Ordering::Less)),
        Op::LESS_EQUAL => zero_or_one(matches!(order, Some(Ordering::Less | Ordering::Equal))),
        Op::EQUAL => zero_or_one(order == Some(Ordering::Equal)),
        Op::SELECT => keep([a, b, c][chosen]),
        other => unreachable!("{other:?} is not in the list"),
    };
    let counts: Vec<Operand> = match case.operation {
        Op::SELECT => vec![case.operands[0], case.operands[chosen]],
        _ => case.operands[..case.used()].to_vec(),
    };
    let any = |of: fn(Type, u32) -> bool| counts.iter().any(|operand| of(type_of(operand.format), operand.bits));
    let odd = u128::from(result.status.contains(Status::INEXACT));
    Exact {
        value: Quad::from_bits(result.value.to_bits() | odd),
        invalid: result.status.contains(Status::INVALID_OP) || any(Type::is_signalling),
        nan_operand: any(Type::is_nan),
    }
}

/// Bits, and flags with UF where the result is tiny after rounding: LLVM's way.
fn rounded<F: Float>(value: Quad) -> (u32, Flags)
where
    Quad: FloatConvert<F>,
{
    let StatusAnd { value, status } = value.convert_r(Round::NearestTiesToEven, &mut false);
    (value.to_bits() as u32, flags_of(status))
}

fn flags_of(status: Status) -> Flags {
    Flags {
        nv: status.contains(Status::INVALID_OP),
        of: status.contains(Status::OVERFLOW),
        uf: status.contains(Status::UNDERFLOW),
        nx: status.contains(Status::INEXACT),
        hr: false,
    }
}

/// Rounds to nearest even by LLVM, with the tininess of the tile: before rounding.
fn expected(case: &Case) -> Element {
    let Exact { value, invalid, nan_operand } = exact(case);
    let result = case.result_type();
    let (bits, mut flags) = if case.result == FP16 { rounded::<Half>(value) } else { rounded::<Single>(value) };
    let bits = if value.is_nan() { result.quiet_nan } else { bits };
    flags.nv = invalid;
    flags.uf = flags.nx && value.is_finite() && is_tiny(value, case.result);
    element(case, value, bits, flags, nan_operand)
}

/// Below the smallest normal number in magnitude.
fn is_tiny(value: Quad, format: Format) -> bool {
    let magnitude = if value.is_negative() { -value } else { value };
    magnitude < quad(Operand { format, bits: 1 << format.fraction_bits })
}

fn element(case: &Case, exact: Quad, bits: u32, flags: Flags, nan_operand: bool) -> Element {
    let zero = bits & (case.result_type().sign() - 1) == 0;
    let counts = Counts {
        nans: (exact.is_nan() && !nan_operand).into(),
        overflows: flags.of.into(),
        zeroed: (zero && !exact.is_zero()).into(),
    };
    Element { bits, flags, counts }
}

/// LLVM's operation in the format of all operands and of the result, where it has one: bits and NX.
fn in_format<F: Float>(case: &Case) -> Option<(u32, bool)> {
    let [a, b, c] = case.operands.map(|operand| F::from_bits(operand.bits.into()));
    let result = match case.operation {
        VectorOperation::ADD => a + b,
        VectorOperation::SUBTRACT => a - b,
        VectorOperation::MULTIPLY => a * b,
        VectorOperation::FMA => a.mul_add(b, c),
        VectorOperation::FNMA => (-a).mul_add(b, c),
        _ => return None,
    };
    let bits = if result.value.is_nan() { case.result_type().quiet_nan } else { result.value.to_bits() as u32 };
    Some((bits, result.status.contains(Status::INEXACT)))
}

fn number(random: &mut Random, format: Format, kind: u64) -> u32 {
    if format == FP16 {
        u32::from(match kind {
            0 => random.pick(&CORNERS_FP16),
            1 => random.next() as u16,
            2 => finite_fp16(random) & 0x8FFF, // small, a quarter of them subnormal
            _ => moderate_fp16(random, 10, 10),
        })
    } else {
        match kind {
            0 => random.pick(&CORNERS_FP32),
            1 => random.next() as u32,
            2 => finite_fp32(random) & 0x81FF_FFFF | random.pick(&[0, 0x3C00_0000]),
            _ => moderate_fp32(random, 108, 40),
        }
    }
}

/// The number of a format that is nearest to `value`.
fn nearest(value: Quad, format: Format) -> u32 {
    if format == FP16 { rounded::<Half>(value).0 } else { rounded::<Single>(value).0 }
}

/// Operands of any sort; in a third of the cases c nearly cancels a * b, and b nearly is a.
fn random_case(random: &mut Random, n: u64) -> Case {
    let (operation, _) = OPERATIONS[(n % 13) as usize];
    let any = random.next();
    let formats = random.pick(&[0, 0b1111, any, any]);
    let format = |i: u64| if formats >> i & 1 == 1 { FP16 } else { FP32 };
    let mut operands = [0, 1, 2].map(|i| {
        let kind = random.below(5);
        Operand { format: format(i), bits: number(random, format(i), kind) }
    });
    if random.chance(3) {
        let [a, b, c] = &mut operands;
        let off = |random: &mut Random, bits: u32| bits.wrapping_add(random.below(5) as u32).wrapping_sub(2);
        if operation == VectorOperation::FMA || operation == VectorOperation::FNMA {
            c.bits = off(random, nearest((quad(*a) * quad(*b)).value, c.format)) ^ type_of(c.format).sign();
        } else {
            b.bits = off(random, nearest(quad(*a), b.format));
            let negate = random.chance(2);
            b.bits ^= if negate { type_of(b.format).sign() } else { 0 };
        }
        for operand in [b, c] {
            let sign = type_of(operand.format).sign();
            operand.bits &= sign | (sign - 1);
        }
    }
    Case { operation, operands, result: format(3) }
}

fn compare_with_llvm(scoreboard: &mut Scoreboard, case: Case) {
    let expected = expected(&case);
    let actual = case.run(RNE, Overflow::ToInfinity);
    scoreboard.compare(actual, expected, || format!("{case:x?}"));

    let saturated = match (expected.flags.of, case.run(RNE, Overflow::Saturate)) {
        (true, Element { bits, .. }) => Element { bits: bits + 1, ..case.run(RNE, Overflow::Saturate) },
        (false, element) => element,
    };
    scoreboard.compare(saturated, expected, || format!("{case:x?}, saturated"));

    if case.operands.iter().all(|operand| operand.format == case.result) {
        let directly = if case.result == FP16 { in_format::<Half>(&case) } else { in_format::<Single>(&case) };
        if let Some(directly) = directly {
            scoreboard.compare((actual.bits, actual.flags.nx), directly, || format!("{case:x?}, in the format"));
            scoreboard.note("in the format", true);
        }
    }
    scoreboard.note_flags(expected.flags);
    scoreboard.note("nan", expected.counts.nans == 1);
    scoreboard.note("zeroed", expected.counts.zeroed == 1);
}

#[test]
fn operations_round_once_as_in_llvm_in_all_formats() {
    let mut random = Random::seeded(0x7EC7_0001);
    let mut scoreboard = Scoreboard::new("elementwise operations, any formats");
    for n in 0..400_000 {
        let case = random_case(&mut random, n);
        compare_with_llvm(&mut scoreboard, case);
    }
    for flag in ["nv", "of", "uf", "nx", "nan", "zeroed", "in the format"] {
        assert!(scoreboard.noted(flag) > 100, "only {} of {flag}", scoreboard.noted(flag));
    }
    scoreboard.finish(800_000);
}

#[test]
fn corners_meet_corners_in_every_operation() {
    let mut scoreboard = Scoreboard::new("pairs of corners");
    let corners = |format: Format| match format {
        FP16 => CORNERS_FP16.map(u32::from).to_vec(),
        _ => CORNERS_FP32.to_vec(),
    };
    // A third operand that makes a difference of signs, infinities and the last place.
    let third = [0x0000, 0x8000, 0x0001, 0x3C00, 0xFC00, 0x7C01];
    for (result, format_a, format_b) in [(FP16, FP16, FP16), (FP32, FP32, FP32), (FP16, FP32, FP16)] {
        for (a, b) in corners(format_a).into_iter().flat_map(|a| corners(format_b).into_iter().map(move |b| (a, b))) {
            for (n, (operation, _)) in OPERATIONS.into_iter().enumerate() {
                let c = third[(n + (a ^ b) as usize) % third.len()];
                let operand = |format: Format, bits: u32| Operand { format, bits };
                let operands = [operand(format_a, a), operand(format_b, b), operand(FP16, c)];
                compare_with_llvm(&mut scoreboard, Case { operation, operands, result });
            }
        }
    }
    scoreboard.finish(2 * 13 * (26 * 26 + 32 * 32 + 32 * 26));
}

/// The exact value in units of 2^-149; what lies below sets the last bit.
fn in_oracle_units(value: Quad) -> BigInt {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 112 & 0x7FFF) as i32, bits & ((1 << 112) - 1));
    let significand = BigInt::from(fraction | u128::from(exponent != 0) << 112);
    let shift = exponent.max(1) - 16383 - 112 + 149;
    let magnitude: BigInt = if shift >= 0 {
        significand << shift
    } else {
        let kept: BigInt = &significand >> -shift;
        let lost = (&kept << -shift) != significand;
        kept | BigInt::from(u8::from(lost))
    };
    if value.is_negative() { -magnitude } else { magnitude }
}

#[test]
fn stochastic_rounding_is_as_defined_and_for_fp16_only() {
    let mut random = Random::seeded(0x7EC7_0002);
    let mut scoreboard = Scoreboard::new("elementwise operations, stochastic");
    for n in 0..200_000 {
        let case = random_case(&mut random, n);
        let drawn = random.next() as u32;
        let actual = case.run(Rounding::Stochastic { random: drawn }, Overflow::ToInfinity);
        let Exact { value, invalid, nan_operand } = exact(&case);
        let expected = if case.result == FP32 || !value.is_finite() || value.is_zero() {
            expected(&case)
        } else {
            let (bits, flags) = HALF.stochastic(&in_oracle_units(value), drawn);
            // The oracle's zero has no sign.
            let bits = if value.is_negative() { bits | HALF.sign() } else { bits };
            let nearest = HALF.nearest(&in_oracle_units(value)).0;
            scoreboard.note("not the nearest", (bits ^ nearest) & 0x7FFF != 0);
            element(&case, value, bits, Flags { nv: invalid, ..flags }, nan_operand)
        };
        scoreboard.compare(actual, expected, || format!("{case:x?} with {drawn:#x}"));
    }
    assert!(scoreboard.noted("not the nearest") > 5000);
    scoreboard.finish(200_000);
}

#[test]
fn functions_are_those_of_the_transcendental_unit() {
    let mut random = Random::seeded(0x7EC7_0003);
    let mut scoreboard = Scoreboard::new("functions");
    for function in Function::ALL {
        let operation = VectorOperation(VectorOperation::FIRST_FUNCTION.0 + function.code() as u8);
        let name = VectorOperation::NAMES.iter().find(|name| name.value == i64::from(operation.0)).expect("a name");
        assert_eq!((vector::function(operation), name.name), (Some(function), function.name()));
        for format in [FP16, FP32] {
            for kind in 0..2000 {
                let bits = number(&mut random, format, kind % 4);
                let element = elementwise(operation, [Operand { format, bits }; 3], format, RNE, Overflow::Saturate);
                let expected = transcendental(function, format, bits);
                scoreboard.compare((element.bits, element.flags), expected, || format!("{function:?} {bits:#x}"));
            }
        }
    }
    let named = VectorOperation::NAMES.iter().filter(|name| (16..28).contains(&name.value)).count();
    assert_eq!(named, Function::ALL.len());
    scoreboard.finish(9 * 2 * 2000);
}

/// Operations that are wrong somewhere.
type Wrong = fn(&Case) -> Element;
const FAULTS: &[(&str, Wrong)] = &[
    ("FP16 through a rounded FP32", |case| {
        let wide = Case { result: FP32, ..*case }.run(RNE, Overflow::ToInfinity);
        let operand = Operand { format: FP32, bits: wide.bits };
        let narrow = Case { operation: VectorOperation::COPY, operands: [operand; 3], ..*case };
        let element = narrow.run(RNE, Overflow::ToInfinity);
        Element { bits: element.bits, ..case.run(RNE, Overflow::ToInfinity) }
    }),
    ("product rounded before the addition", |case| {
        let right = case.run(RNE, Overflow::ToInfinity);
        if case.operation != VectorOperation::FMA {
            return right;
        }
        let product = Case { operation: VectorOperation::MULTIPLY, result: FP32, ..*case };
        let product = Operand { format: FP32, bits: product.run(RNE, Overflow::ToInfinity).bits };
        let addition = [product, case.operands[2], case.operands[2]];
        let sum = Case { operation: VectorOperation::ADD, operands: addition, ..*case };
        Element { bits: sum.run(RNE, Overflow::ToInfinity).bits, ..right }
    }),
    ("min and max by value, zeros alike", |case| match case.operation {
        VectorOperation::MIN | VectorOperation::MAX if case.operands[..2].iter().all(|o| quad(*o).is_zero()) => {
            Case { operation: VectorOperation::COPY, ..*case }.run(RNE, Overflow::ToInfinity)
        }
        _ => case.run(RNE, Overflow::ToInfinity),
    }),
    ("a NaN operand counts as a NaN that was produced", |case| {
        let element = case.run(RNE, Overflow::ToInfinity);
        Element { counts: Counts::of(case.result, element.bits, element.flags), ..element }
    }),
];

#[test]
fn oracle_notices_every_injected_fault() {
    let mut random = Random::seeded(0x7EC7_0004);
    let cases: Vec<Case> = (0..200_000).map(|n| random_case(&mut random, n)).collect();
    for (fault, wrong) in FAULTS {
        let noticed = cases.iter().filter(|case| wrong(case) != expected(case)).count();
        println!("{fault}: {noticed} of {} differ", cases.len());
        assert!(noticed > 0, "{fault} went unnoticed");
    }
}
