//! Every deliberate fault in the vector ALU is noticed by the comparison with golden.

use accumulators::VectorAlu;
use rtl::fault::Fault;

use crate::SEED;
use crate::mutation::{Line, assert_noticed};
use crate::simulators::Native;
use crate::vector::{random_beats, run};
use Fault::{
    BitInverted, BitStuckAtOne, BitStuckAtZero, Decremented, Incremented, Inverted, ShiftedLeft, ShiftedRight,
    StuckAtOne, StuckAtZero,
};

/// Cycles; a fault that is not noticed in them counts as missed.
const LIMIT: u64 = 30_000;

/// The faults of each module.
const FAULTS: [(&str, &[Line]); 2] = [
    (
        "vector_lane_fp32",
        &[
            ("x_wide_normal", StuckAtOne, "FP32 subnormals get a hidden bit"),
            ("y_narrow_normal", StuckAtOne, "FP16 subnormals get a hidden bit"),
            ("z_wide_signalling", StuckAtZero, "NV of a signalling NaN lost"),
            ("y_number", BitInverted(0), "the one of additions is not one"),
            ("smaller", StuckAtZero, "magnitudes not compared"),
            ("same", StuckAtZero, "equal numbers differ"),
            ("below", Inverted, "min for max"),
            ("both_zero", StuckAtZero, "-0 is less than +0"),
            ("ordered", StuckAtOne, "NaN compares"),
            ("takes_x", StuckAtZero, "copies are zero"),
            ("takes_y", StuckAtZero, "select never takes b"),
            ("taken_sign", Inverted, "wrong sign of the addend"),
            ("zero_times_infinity", StuckAtZero, "0 x Inf not recognised"),
            ("product_infinite", StuckAtZero, "infinite products lost"),
            ("infinities_meet", StuckAtZero, "Inf - Inf not recognised"),
            ("invalid", StuckAtZero, "NV lost"),
            ("nan_operand", StuckAtZero, "NaNs of operands are counted"),
            ("window_top", Incremented, "wrong scale of the product"),
            ("depth", BitInverted(0), "addend one place off"),
            ("product_zero", StuckAtZero, "a zero product moves the addend away"),
            ("at_top", StuckAtZero, "large addends far off"),
            ("deepest", StuckAtZero, "small addends wrap around"),
            ("addend_sticky", StuckAtZero, "what is below the window lost"),
            ("product", BitStuckAtZero(47), "top bit of the product lost"),
            ("product", Incremented, "product wrong"),
            ("subtracted", StuckAtZero, "differences are sums"),
            ("difference", BitInverted(0), "complement without its one"),
            ("addend_larger", StuckAtZero, "differences below zero"),
            ("long_step_0", StuckAtZero, "64 leading zeros kept"),
            ("long_lost", StuckAtZero, "sticky bit of the long steps dropped"),
            ("short_step_2", Inverted, "normalised one place off"),
            ("zero", StuckAtZero, "cancellation to nothing not recognised"),
            ("exponent", Incremented, "exponent one too large"),
            ("tiny", StuckAtZero, "subnormals not recognised"),
            ("limited_distance", BitInverted(0), "subnormal one place off"),
            ("lowered_lost", StuckAtZero, "sticky bit of subnormals dropped"),
            ("fp32_sticky", StuckAtZero, "sticky bit of FP32 dropped"),
            ("fp32_round_up", StuckAtZero, "FP32 truncates"),
            ("fp16_round_up", StuckAtOne, "FP16 always rounds up"),
            ("fp16_random_up", Inverted, "random bits compared the wrong way"),
            ("fp32_overflow", StuckAtZero, "overflow not recognised"),
            ("fp16_limit", BitStuckAtOne(0), "wrong infinity"),
            ("fp16_ordinary", StuckAtOne, "flags of special values"),
            ("fp32_inexact", StuckAtZero, "NX lost"),
            ("fp32_underflow", StuckAtZero, "UF lost"),
            ("fp16_zeroed", StuckAtZero, "numbers that became zero are not counted"),
        ],
    ),
    (
        "vector_lane_fp16",
        &[
            ("x_normal", StuckAtOne, "subnormals get a hidden bit"),
            ("z_exponent", BitStuckAtZero(0), "wrong scale of subnormals"),
            ("multiplies", StuckAtZero, "b of a product is not looked at"),
            ("has_addend", StuckAtZero, "nothing is added"),
            ("product_sign", Inverted, "wrong sign of the product"),
            ("equal", StuckAtZero, "nothing is equal"),
            ("is_one", StuckAtZero, "nothing is true"),
            ("nan", StuckAtZero, "NaN lost"),
            ("moved", ShiftedRight, "addend one place too low"),
            ("product", BitStuckAtZero(21), "top bit of the product lost"),
            ("sum_of_both", BitInverted(40), "a bit of the sum wrong"),
            ("placed_addend_sign", StuckAtZero, "sign of the addend lost"),
            ("sum_subtracted", StuckAtZero, "-0 from equal numbers"),
            ("coarse_word", ShiftedLeft, "one place off"),
            ("above_lowest", Decremented, "exponent one too small"),
            ("lowered", BitStuckAtZero(75), "hidden bit of subnormals dropped"),
            ("unrounded_mode_stochastic", StuckAtZero, "always to nearest"),
            ("unrounded_mode_saturate", StuckAtZero, "never saturates"),
            ("unrounded_mode_random", ShiftedRight, "random bits halved"),
            ("fp16_sticky", StuckAtZero, "sticky bit dropped"),
            ("result_result", BitInverted(15), "wrong sign"),
        ],
    ),
];

#[test]
fn every_fault_of_the_vector_alu_is_noticed() {
    let sound = rtl::elaborate(&VectorAlu).unwrap_or_else(|errors| panic!("{errors}"));
    run(&mut Native::new(&sound), random_beats(SEED, LIMIT), None)
        .unwrap_or_else(|wrong| panic!("without a fault: {wrong:#x?}"));

    assert_noticed(&sound, &FAULTS, 4 * LIMIT, |design| {
        run(&mut Native::new(design), random_beats(SEED, LIMIT), None).err().map(|noticed| noticed.after)
    });
}
