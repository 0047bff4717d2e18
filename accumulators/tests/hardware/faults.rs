//! Every deliberate fault in the arithmetic is noticed by the comparison with golden.

use rtl::fault::Fault;

use crate::SEED;
use crate::agreement::run;
use crate::bench::Bench;
use crate::cases::Cases;
use crate::mutation::{Line, assert_noticed};
use crate::simulators::Native;
use Fault::{
    BitInverted, BitStuckAtOne, BitStuckAtZero, Decremented, Incremented, Inverted, ShiftedLeft, ShiftedRight,
    StuckAtOne, StuckAtZero,
};

/// A fault that is not noticed within so many cycles counts as missed.
const LIMIT: u64 = 30_000;

/// Faults in the FP32 accumulator, of either target.
const FP32_ACCUMULATE: &[Line] = &[
    ("state_normal", StuckAtOne, "subnormal states get a hidden bit"),
    ("state_signalling", StuckAtZero, "signalling NaN taken for a quiet one"),
    ("below", StuckAtZero, "states below the window rounded without a sum"),
    ("above", StuckAtZero, "states above the window not selected"),
    ("far_below", StuckAtZero, "far smaller states get into the window"),
    ("distance", BitInverted(0), "state one place off"),
    ("placed_distance", BitInverted(2), "state 32 places off"),
    ("kept_significand", BitStuckAtZero(23), "hidden bit of the state dropped"),
    ("state_sticky", StuckAtZero, "sticky bit of the state dropped"),
    ("addend", BitStuckAtZero(133), "sign of the state dropped"),
    ("total", Incremented, "a carry too many"),
    ("complement", StuckAtZero, "no one completes a complement"),
    ("complement", StuckAtOne, "a one for what is complete"),
    ("magnitude", BitStuckAtZero(80), "a bit of the window lost"),
    ("long_step_0", StuckAtZero, "64 leading zeros kept"),
    ("middle_step_2", StuckAtZero, "the second 8 leading zeros kept"),
    ("long_lost", StuckAtZero, "sticky bit of the long steps dropped"),
    ("middle_lost", StuckAtZero, "sticky bit of the middle steps dropped"),
    ("short_step_2", Inverted, "normalised one place off"),
    ("short_lost", StuckAtZero, "sticky bit of the short steps dropped"),
    ("sum_zero", StuckAtZero, "states below the window are rounded"),
    ("sum_zero", StuckAtOne, "sums that matter are taken for zero"),
    ("direct", StuckAtZero, "no result bypasses the window"),
    ("negative_zero", StuckAtZero, "-0 lost"),
    ("infinities_meet", StuckAtZero, "Inf - Inf not recognised"),
    ("nan", StuckAtZero, "NaN lost"),
    ("infinite", StuckAtZero, "Inf lost"),
    ("coarse_inexact", StuckAtZero, "NX of a state above the window lost"),
    ("outside_invalid", StuckAtZero, "NV lost"),
    ("outside_sign", Inverted, "wrong sign of the state"),
    ("coarse_sign", Inverted, "wrong sign"),
    ("exponent", Incremented, "exponent one too large"),
    ("coarse_exponent", Decremented, "exponent one too small"),
    ("window_carry", StuckAtZero, "complement without its one where it reaches the round bit"),
    ("window_round_up", StuckAtZero, "truncates"),
    ("window_round_up", StuckAtOne, "always rounds up"),
    ("cancelled", StuckAtZero, "cancellation to nothing not recognised"),
];

/// Faults in the exact accumulator, of either target.
const EXACT_ACCUMULATE: &[Line] = &[
    ("wide", Incremented, "a carry too many"),
    ("wide", BitStuckAtZero(104), "headroom exceeded by every negative number"),
    ("wide", BitInverted(30), "carry into the high part wrong"),
    ("number", BitInverted(103), "wrong sign"),
    ("number", ShiftedLeft, "one place off"),
    ("number", BitStuckAtZero(63), "a bit of the state lost"),
    ("headroom", StuckAtZero, "HR and its NaN lost"),
    ("headroom", StuckAtOne, "HR of every sum"),
    ("positive_infinity", StuckAtZero, "+Inf lost"),
    ("negative_infinity", StuckAtZero, "-Inf lost"),
    ("both_before", StuckAtZero, "NV each time after both infinities"),
    ("infinities_meet", StuckAtZero, "Inf - Inf not recognised"),
    ("nan", StuckAtZero, "NaN lost"),
    ("flags_invalid", StuckAtZero, "NV lost"),
];

/// Faults in the FP32 accumulator of one product, of either target.
const MULTIPLY_ADD: &[Line] = &[
    ("pair_significand", BitStuckAtZero(21), "top bit of the product dropped"),
    ("product_sign", StuckAtZero, "wrong sign of the product"),
    ("product_shift", BitInverted(3), "product 8 places off"),
    ("product_step_0", StuckAtZero, "products of subnormals not normalised"),
    ("product_exponent", Incremented, "product one place too high"),
    ("difference", Decremented, "exponents compared wrong"),
    ("state_is_larger", StuckAtZero, "always aligned to the product"),
    ("direct", StuckAtZero, "no result without a sum"),
    ("hidden", StuckAtOne, "zero states get a hidden bit"),
    ("larger", BitStuckAtZero(0), "last place of the larger dropped"),
    ("smaller", BitStuckAtZero(2), "last place of the smaller dropped"),
    ("distance", BitInverted(0), "one place off"),
    ("distance", BitStuckAtZero(4), "16 places off"),
    ("far", StuckAtZero, "far smaller numbers get into the sum"),
    ("aligned_sticky", StuckAtZero, "sticky bit of the smaller dropped"),
    ("subtract", StuckAtZero, "magnitudes always added"),
    ("negative", StuckAtZero, "negative differences not complemented"),
    ("complement", StuckAtZero, "no one completes a difference"),
    ("complement", StuckAtOne, "a one for what is complete"),
    ("total", BitStuckAtZero(27), "carry of the sum dropped"),
    ("sum_step_4", Inverted, "normalised one place off"),
    ("sum_lost", StuckAtZero, "sticky bit of the normalisation dropped"),
    ("exponent", Decremented, "exponent one too small"),
    ("sum_carry", StuckAtZero, "difference without its one where it reaches the round bit"),
    ("sum_round_up", StuckAtZero, "truncates"),
    ("cancelled", StuckAtZero, "cancellation to nothing not recognised"),
    ("special", StuckAtZero, "Inf and NaN added as numbers"),
    ("infinities_meet", StuckAtZero, "Inf - Inf not recognised"),
    ("nan", StuckAtZero, "NaN lost"),
    ("unrounded_invalid", StuckAtZero, "NV lost"),
];

/// The faults of each module.
const FAULTS: [(&str, &[Line]); 7] = [
    (
        "dot_product_t4",
        &[
            ("pair_0_sign", Inverted, "wrong sign of a product"),
            ("pair_1_finite", StuckAtOne, "disabled and infinite products enter the sum"),
            ("pair_2_negative_zero", StuckAtZero, "a product of -0 counts as +0"),
            ("pair_3_zero_times_infinity", StuckAtZero, "0 x Inf is not recognised"),
            ("pair_3_significand", BitStuckAtZero(21), "top bit of a product dropped"),
            ("w_0_normal", StuckAtOne, "subnormals get a hidden bit"),
            ("w_1_exponent", BitStuckAtZero(0), "wrong scale of subnormals"),
            ("w_1_signalling", StuckAtZero, "signalling NaN taken for a quiet one"),
            ("product_0_shift", Incremented, "product one place too high"),
            ("product_3_shift", BitInverted(0), "product one place off"),
            ("product_1_magnitude", ShiftedRight, "low bit of a product lost"),
            ("placed_2", BitStuckAtZero(0), "2^-48 lost"),
            ("aligned_2", BitStuckAtZero(80), "sign of a product dropped"),
            ("sum_2_low_one", StuckAtZero, "no one completes a complement"),
            ("sum_2_high_one", StuckAtZero, "carry of the low part dropped"),
            ("sum_2_low", Incremented, "low part one too large"),
            ("sum_2_high_0", BitStuckAtZero(51), "sign of the sum dropped"),
            ("sum_2_high_1", BitStuckAtZero(52), "sign of the carries dropped"),
            ("sum_2_high_1", ShiftedRight, "carries one place too low"),
            ("class_1_nan", StuckAtZero, "NaN lost"),
            ("class_2_invalid", StuckAtZero, "NV lost"),
            ("class_1_positive_infinity", StuckAtZero, "+Inf lost"),
            ("class_2_negative_infinity", StuckAtZero, "-Inf lost"),
            ("class_2_all_negative_zero", StuckAtOne, "sums of zero keep -0"),
        ],
    ),
    ("fp32_accumulate_t4", FP32_ACCUMULATE),
    ("fp32_multiply_add", MULTIPLY_ADD),
    ("exact104_accumulate_t4", EXACT_ACCUMULATE),
    (
        "exact104_read_out",
        &[
            ("any_infinity", StuckAtZero, "infinities read as numbers"),
            ("exact_1_magnitude", Incremented, "complement off by one"),
            ("exact_1_special_sign", StuckAtZero, "sign lost"),
            ("exact_1_special_nan", StuckAtZero, "NaN lost"),
            ("stop", StuckAtZero, "subnormals normalised too far"),
            ("normalising_shift", BitInverted(0), "normalised one place off"),
            ("magnitude_top_2", StuckAtZero, "last leading zeros not counted"),
            ("shifted", BitStuckAtZero(103), "hidden bit dropped"),
            ("zero", StuckAtZero, "zero not recognised"),
            ("stage_2_fp16_exponent", Incremented, "FP16 exponent one too large"),
            ("stage_2_fp16_aligned_round", StuckAtZero, "FP16 round bit dropped"),
            ("stage_2_fp16_aligned_sticky", StuckAtZero, "FP16 sticky bit dropped"),
            ("stage_2_fp16_tiny", StuckAtZero, "UF lost"),
            ("stage_2_fp32_zero", StuckAtZero, "zero read as a power of two"),
            ("fp16_overflow", StuckAtZero, "FP16 overflow not recognised"),
            ("fp16_limit", BitStuckAtOne(0), "wrong infinity"),
            ("fp16_cleared", StuckAtZero, "no ReLU of FP16"),
            ("stage_2_fp16_tiny", StuckAtOne, "UF of normal results"),
            ("stage_2_fp32_exponent", Decremented, "FP32 exponent one too small"),
            ("stage_2_fp32_aligned_round", StuckAtZero, "FP32 round bit dropped"),
            ("stage_2_fp32_aligned_sticky", StuckAtZero, "FP32 sticky bit dropped"),
            ("fp32_round_up", StuckAtOne, "FP32 always rounds up"),
            ("fp32_cleared", StuckAtZero, "no ReLU of FP32"),
            ("fp32_inexact", StuckAtZero, "NX lost"),
            ("stage_2_mode_saturate", StuckAtZero, "never saturates"),
            ("stage_2_mode_stochastic", StuckAtZero, "always to nearest"),
            ("stage_2_fp16_discarded", ShiftedLeft, "discarded bits one place too high"),
            ("exact_1_random", BitStuckAtZero(31), "top random bit dropped"),
        ],
    ),
    (
        "fp32_read_out",
        &[
            ("state_normal", StuckAtOne, "subnormals get a hidden bit"),
            ("below", StuckAtZero, "subnormal results not recognised"),
            ("distance_below", BitInverted(0), "subnormal one place off"),
            ("distance_below", Incremented, "subnormal one place too low"),
            ("lowered", BitStuckAtZero(55), "round bit lost on the way"),
            ("stage_2_fp16_exponent", Decremented, "exponent one too small"),
            ("stage_2_fp16_aligned_round", StuckAtZero, "round bit dropped"),
            ("stage_2_fp16_aligned_round", StuckAtOne, "round bit stuck"),
            ("stage_2_fp16_aligned_sticky", StuckAtZero, "sticky bit dropped"),
            ("fp16_round_up", StuckAtZero, "truncates"),
            ("fp16_ordinary", StuckAtOne, "flags of special values"),
            ("fp16_overflow", StuckAtZero, "overflow not recognised"),
            ("fp16_limit", StuckAtOne, "wrong limit"),
            ("fp16_cleared", StuckAtZero, "no ReLU of FP16"),
            ("fp16_inexact", StuckAtZero, "NX lost"),
            ("stage_2_fp16_tiny", StuckAtZero, "UF lost"),
            ("stage_2_special_sign", StuckAtZero, "sign lost"),
            ("stage_2_special_signalling", StuckAtZero, "NV lost"),
            ("stage_2_special_infinite", StuckAtZero, "infinity saturates"),
            ("state_cleared", StuckAtZero, "no ReLU of FP32"),
            ("stage_3_result", BitInverted(31), "wrong sign of FP32"),
            ("fp16_random_up", StuckAtZero, "stochastic rounding truncates"),
            ("fp16_random_up", Inverted, "random bits compared the wrong way"),
            ("stage_2_fp16_discarded", BitStuckAtZero(31), "top discarded bit dropped"),
            ("stage_2_random", ShiftedRight, "random bits halved"),
            ("fp16_zeroed", StuckAtZero, "numbers that became zero are not counted"),
        ],
    ),
    (
        "exact104_partial",
        &[
            ("number_normal", StuckAtOne, "zero and subnormals get a hidden bit"),
            ("number_signalling", StuckAtZero, "NV lost"),
            ("below", StuckAtZero, "numbers below the grid not selected"),
            ("distance", Incremented, "one place too high"),
            ("distance_below", BitInverted(0), "one place off"),
            ("round", StuckAtZero, "round bit dropped"),
            ("round", StuckAtOne, "round bit stuck"),
            ("sticky", StuckAtZero, "sticky bit dropped"),
            ("round_up", StuckAtZero, "truncates"),
            ("lowest", StuckAtZero, "lowest number of the range overflows"),
            ("beyond", StuckAtZero, "overflow not recognised"),
            ("finite", StuckAtOne, "a number beside an infinity"),
            ("infinite", StuckAtZero, "Inf lost"),
            ("signed_magnitude", Decremented, "complement without its carry"),
            ("magnitude", BitInverted(0), "2^-48 wrong"),
            ("inexact", StuckAtZero, "NX lost"),
        ],
    ),
];

/// The faults of each module for FPGAs.
const FPGA_FAULTS: [(&str, &[Line]); 4] = [
    (
        "dot_product_t4_fpga",
        &[
            ("pair_0_sign", Inverted, "wrong sign of a product"),
            ("pair_1_finite", StuckAtOne, "disabled and infinite products enter the sum"),
            ("factors_0_x", BitStuckAtZero(10), "hidden bit of a factor dropped"),
            ("factors_2_shift", Incremented, "product one place too high"),
            ("shifted_1_x", ShiftedRight, "one place too few in the first shift"),
            ("shifted_3_shift", BitInverted(2), "product 32 places off"),
            ("product_1_magnitude", BitStuckAtZero(28), "top bit of a product dropped"),
            ("product_2_shift", BitInverted(0), "product a byte off"),
            ("rotated_0_word", BitStuckAtZero(31), "a bit of a product lost"),
            ("rotated_3_covered", BitStuckAtZero(0), "lowest byte of the grid lost"),
            ("rotated_3_covered", BitStuckAtZero(10), "highest byte of the grid lost"),
            ("rotated_1_covered", BitStuckAtOne(5), "a product twice on the grid"),
            ("aligned_2", BitStuckAtZero(80), "sign of a product dropped"),
            ("sum_5_0", BitStuckAtZero(81), "sign of two products dropped"),
            ("sum_5_1", Incremented, "a carry too many"),
            ("one_5_1", StuckAtZero, "no one completes a complement"),
            ("one_6_0", StuckAtOne, "a one for what is complete"),
            ("sum_6_0", ShiftedLeft, "one place off"),
            ("class_1_nan", StuckAtZero, "NaN lost"),
            ("class_6_all_negative_zero", StuckAtOne, "sums of zero keep -0"),
        ],
    ),
    ("fp32_accumulate_t4_fpga", FP32_ACCUMULATE),
    ("fp32_multiply_add_fpga", MULTIPLY_ADD),
    ("exact104_accumulate_t4_fpga", EXACT_ACCUMULATE),
];

#[test]
fn every_fault_in_lanes_for_fpgas_is_noticed() {
    every_fault_is_noticed_on(&Bench::small_fpga(), &FPGA_FAULTS);
}

#[test]
fn every_fault_is_noticed() {
    every_fault_is_noticed_on(&Bench::small(), &FAULTS);
}

fn every_fault_is_noticed_on(bench: &Bench, faults: &[(&str, &[Line])]) {
    let sound = rtl::elaborate(bench).unwrap_or_else(|errors| panic!("{errors}"));
    run(bench, &mut Native::new(&sound), Cases::new(bench, SEED), LIMIT)
        .unwrap_or_else(|wrong| panic!("without a fault: {wrong:#x?}"));

    assert_noticed(&sound, faults, LIMIT, |design| {
        run(bench, &mut Native::new(design), Cases::new(bench, SEED), LIMIT).err().map(|noticed| noticed.after)
    });
}
