//! Transcendental functions against an oracle that shares no code with them.

use functions::Function;
use golden::{FP16, FP32, Flags, transcendental};
use oracle::Oracle;
use proptest::prelude::{any, prop_assert_eq, proptest};

fn flags(result: oracle::Rounded) -> Flags {
    let oracle::Rounded { invalid, overflow, underflow, inexact, .. } = result;
    Flags { nv: invalid, of: overflow, uf: underflow, nx: inexact, hr: false }
}

#[test]
fn every_fp16_result_is_correctly_rounded_with_its_flags() {
    let mut oracle = Oracle::default();
    let mut compared = 0;
    for function in Function::ALL {
        for operand in 0..1 << 16 {
            let expected = oracle.expected(function, oracle::FP16, operand);
            let found = transcendental(function, FP16, operand);
            assert_eq!(found, (expected.bits, flags(expected)), "{} of {operand:#06x}", function.name());
            compared += 1;
        }
    }
    assert_eq!(compared, 9 << 16);
}

#[test]
fn special_values_are_those_of_libm() {
    let mut oracle = Oracle::default();
    let (infinity, nan) = (f32::INFINITY, f32::NAN);
    let operands = [0.0, -0.0, infinity, -infinity, nan, -nan, 1.0, -1.0, -f32::MIN_POSITIVE];
    let signalling = [0x7F80_0001, 0xFFBF_FFFF].map(f32::from_bits);
    let mut compared = 0;
    for operand in operands.into_iter().chain(signalling).map(f32::to_bits) {
        for function in Function::ALL {
            let expected = oracle.expected(function, oracle::FP32, operand);
            let found = transcendental(function, FP32, operand);
            assert_eq!(found, (expected.bits, flags(expected)), "{} of {operand:#010x}", function.name());
            compared += 1;
        }
    }
    assert_eq!(compared, 11 * 9);
}

#[test]
fn a_pole_raises_overflow_alone() {
    let alone = Flags { of: true, ..Flags::NONE };
    for (function, operand, result) in [
        (Function::Ln, 0.0, -f32::INFINITY),
        (Function::Log2, -0.0, -f32::INFINITY),
        (Function::Reciprocal, 0.0, f32::INFINITY),
        (Function::Reciprocal, -0.0, -f32::INFINITY),
        (Function::ReciprocalSqrt, 0.0, f32::INFINITY),
        (Function::ReciprocalSqrt, -0.0, -f32::INFINITY),
    ] {
        let found = transcendental(function, FP32, f32::to_bits(operand));
        assert_eq!(found, (result.to_bits(), alone), "{} of {operand}", function.name());
    }
}

#[test]
fn exact_roots_are_exact_and_their_neighbours_are_not() {
    let mut roots = 0;
    // Every root whose square has no more than 24 bits: it has 12.
    for root in 4096..8192u32 {
        let square = f64::from(root * root);
        for scale in [1.0, 2f64.powi(-140), 2f64.powi(100)] {
            let operand = (square * scale) as f32;
            if f64::from(operand) != square * scale {
                continue;
            }
            let (bits, flags) = transcendental(Function::Sqrt, FP32, operand.to_bits());
            assert_eq!((f64::from(f32::from_bits(bits)), flags), ((square * scale).sqrt(), Flags::NONE), "{operand}");
            for neighbour in [operand.next_down(), operand.next_up()] {
                let (_, flags) = transcendental(Function::Sqrt, FP32, neighbour.to_bits());
                assert_eq!(flags, Flags::INEXACT, "{neighbour}");
            }
            roots += 1;
        }
    }
    assert_eq!(roots, 3 * 2048);
}

proptest! {
    #[test]
    fn odd_functions_are_odd(operand in any::<u32>()) {
        for function in [Function::Tanh, Function::Reciprocal] {
            let [(one, flags), (other, other_flags)] =
                [operand, operand ^ 1 << 31].map(|operand| transcendental(function, FP32, operand));
            let sign = if FP32.is_nan(one) { 0 } else { 1 << 31 };
            prop_assert_eq!((one ^ sign, flags), (other, other_flags));
        }
    }

    #[test]
    fn a_root_doubles_with_the_exponent(exponent in 1..252u32, fraction in 0..1u32 << 23) {
        let operand = exponent << 23 | fraction;
        for (function, doubled) in [(Function::Sqrt, 1 << 23), (Function::ReciprocalSqrt, -1 << 23)] {
            let [(one, flags), (four, four_flags)] =
                [operand, operand + (2 << 23)].map(|operand| transcendental(function, FP32, operand));
            prop_assert_eq!((one.wrapping_add_signed(doubled), flags), (four, four_flags));
        }
    }

    #[test]
    fn fp16_is_the_same_function(function in 0..9usize, operand in any::<u16>()) {
        let function = Function::ALL[function];
        let (widened, _) = golden::fp16_to_fp32(operand);
        let (narrow, _) = transcendental(function, FP16, u32::from(operand));
        let (wide, _) = transcendental(function, FP32, widened);
        // Rounded twice, a result may be the next number.
        let (twice, _) = golden::fp32_to_fp16(wide, golden::Rounding::NearestEven, golden::Overflow::ToInfinity);
        prop_assert_eq!(u32::from(twice).abs_diff(narrow) <= 1, true, "{:#x} {:#x}", twice, narrow);
    }
}
