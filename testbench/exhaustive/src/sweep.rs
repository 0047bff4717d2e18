//! A chunk of FP32 numbers: what the golden model returns against what the oracle says.

use std::ops::Range;
use std::time::Instant;

use functions::Function;
use golden::{Flags, transcendental};
use oracle::{FP32, Oracle, Rounded, exact, fp64, special};

use crate::tally::Tally;

/// Operands of all of FP32.
pub const OPERANDS: u64 = 1 << 32;

/// The first number beyond the largest finite one: an infinity counts as it when its error is measured.
const BEYOND: f64 = (1u128 << 127) as f64 * 2.0;

/// 2^-126.
const LEAST_NORMAL: f64 = f32::MIN_POSITIVE as f64;

/// The numbers in ascending order: NaNs of negative sign, -Inf to +Inf, NaNs of positive sign.
pub fn operand(rank: u64) -> u32 {
    let rank = rank as u32;
    if rank >> 31 == 0 { !rank } else { rank ^ 1 << 31 }
}

/// Compares the numbers of a range of ranks, every `step`-th; each with the one before it, the last of the range
/// before included.
pub fn sweep(function: Function, ranks: Range<u64>, step: u64, oracle: &mut Oracle) -> Tally {
    let start = Instant::now();
    let left_open = oracle.left_open;
    let mut tally = Tally::default();
    let falling = matches!(function, Function::Reciprocal | Function::ReciprocalSqrt);
    let mut previous = ranks.start.checked_sub(step).map_or(f32::NAN, |rank| result(function, operand(rank)).0);
    for rank in ranks.step_by(step as usize) {
        let operand = operand(rank);
        let (result, flags) = result(function, operand);
        compare(function, operand, result, flags, oracle, &mut tally);
        // A comparison with NaN never holds; the reciprocal leaps at 0.
        let (lower, higher) = if falling { (result, previous) } else { (previous, result) };
        tally.steps_back += u64::from(higher < lower && !(falling && result > 0.0 && previous < 0.0));
        previous = result;
    }
    tally.left_open = oracle.left_open - left_open;
    tally.seconds = start.elapsed().as_secs_f64();
    tally
}

fn result(function: Function, operand: u32) -> (f32, Flags) {
    let (bits, flags) = transcendental(function, golden::FP32, operand);
    (f32::from_bits(bits), flags)
}

/// Compares one result; FP64 decides where it can.
#[inline]
fn compare(function: Function, operand: u32, result: f32, flags: Flags, oracle: &mut Oracle, tally: &mut Tally) {
    tally.operands += 1;
    let x = f64::from(f32::from_bits(operand));
    if special(function, x).is_some() {
        tally.wrong += u64::from(oracle.expected(function, FP32, operand) != rounded(result, flags));
        return;
    }
    let value = fp64::approximate(function, x);
    let finite = if result.is_finite() { f64::from(result) } else { BEYOND.copysign(f64::from(result)) };
    let error = (finite - value.clamp(-BEYOND, BEYOND)).abs() / last_place(value);
    if error > tally.largest_error_ulp {
        (tally.largest_error_ulp, tally.worst_operand) = (error, operand);
    }
    // FP64 is off by less than 2^-48 of the value, and the value is below 2^24 last places.
    const MARGIN: f64 = fp64::RELATIVE_ERROR * (1 << 24) as f64;
    let tiny = value.abs() < LEAST_NORMAL;
    let near_least_normal = (value.abs() - LEAST_NORMAL).abs() <= LEAST_NORMAL * fp64::RELATIVE_ERROR;
    let open = (error - 0.5).abs() <= MARGIN || near_least_normal;
    if open {
        let expected = oracle.expected(function, FP32, operand);
        tally.misrounded += u64::from(expected.bits != result.to_bits());
        tally.wrong += u64::from(expected.underflow != flags.uf);
        return;
    }
    tally.misrounded += u64::from(error > 0.5);
    let inexact = finite != value || !exact::is_exact(function, x);
    let overflow = result.is_infinite();
    let expected = Flags { nv: false, of: overflow, uf: tiny && inexact, nx: inexact || overflow, hr: false };
    tally.wrong += u64::from(flags != expected);
}

/// The last place of FP32 at a value.
#[inline]
fn last_place(value: f64) -> f64 {
    let exponent = (value.to_bits() >> 52 & 0x7FF).clamp(1023 - 126, 1023 + 127);
    f64::from_bits((exponent - 23) << 52)
}

fn rounded(result: f32, flags: Flags) -> Rounded {
    let Flags { nv, of, uf, nx, .. } = flags;
    Rounded { bits: result.to_bits(), invalid: nv, overflow: of, underflow: uf, inexact: nx }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_ascend_through_all_numbers() {
        let mut previous = f32::from_bits(operand(0));
        let mut compared = 0;
        for rank in (1..OPERANDS).step_by(9973) {
            let number = f32::from_bits(operand(rank));
            assert!(number.is_nan() || previous.is_nan() || previous < number, "{rank}");
            compared += 1;
            previous = number;
        }
        assert!(compared > 400_000);
        assert_eq!((operand(1 << 31), operand((1 << 31) - 1)), (0, 0x8000_0000));
    }

    #[test]
    fn a_million_fp32_results_of_each_function_are_within_0_51_ulp_and_monotonic() {
        let mut oracle = Oracle::default();
        for function in Function::ALL {
            let found = sweep(function, 0..OPERANDS, 4253, &mut oracle);
            assert!(found.operands > 1_000_000, "{found:?}");
            assert!(found.is_sound() && found.largest_error_ulp < 0.51, "{}: {found:?}", function.name());
            assert!(found.misrounded > 0, "{}: not one in a million is misrounded?", function.name());
        }
    }

    #[test]
    fn neighbouring_results_are_in_order() {
        let mut oracle = Oracle::default();
        for function in Function::ALL {
            for around in [0.5f32, 0.75, 1.0, 1.5, 2.0, 9.0] {
                let rank = u64::from(around.to_bits()) + (1 << 31);
                let found = sweep(function, rank - 30_000..rank + 30_000, 1, &mut oracle);
                assert!(found.operands == 60_000 && found.is_sound(), "{}: {found:?}", function.name());
            }
        }
    }

    #[test]
    fn wrong_results_and_flags_are_noticed() {
        let (mut oracle, function, operand) = (Oracle::default(), Function::Exp, 0.3f32.to_bits());
        let (right, flags) = result(function, operand);
        let mut tally = |result: f32, flags: Flags| {
            let mut tally = Tally::default();
            compare(function, operand, result, flags, &mut oracle, &mut tally);
            tally
        };
        assert!(tally(right, flags).is_sound() && tally(right, flags).misrounded == 0);
        assert_eq!(tally(right.next_up(), flags).misrounded, 1);
        assert!(tally(right.next_up().next_up(), flags).largest_error_ulp > 1.0);
        assert_eq!(tally(right, Flags::NONE).wrong, 1);
        assert_eq!(tally(right, Flags::UNDERFLOW).wrong, 1);
        assert!(!tally(f32::INFINITY, Flags::OVERFLOW).is_sound());
    }
}
