//! Every deliberate fault in the transcendental unit is noticed by the comparison with golden.

use accumulators::Transcendental;
use rtl::fault::Fault;

use crate::SEED;
use crate::mutation::{Line, assert_noticed};
use crate::simulators::Native;
use crate::transcendental::{mixed_cases, run};
use Fault::{
    BitInverted, BitStuckAtOne, BitStuckAtZero, Decremented, Incremented, Inverted, ShiftedLeft, ShiftedRight,
    StuckAtOne, StuckAtZero,
};

/// A fault that is not noticed within so many cases counts as missed.
const LIMIT: u64 = 60_000;

/// The faults of each module.
const FAULTS: [(&str, &[Line]); 3] = [
    (
        "transcendental_reduce",
        &[
            ("wide_normal", StuckAtOne, "FP32 subnormals get a hidden bit"),
            ("narrow_normal", StuckAtOne, "FP16 subnormals get a hidden bit"),
            ("narrow_signalling", StuckAtZero, "NV of signalling NaN lost"),
            ("significand_zeros", BitInverted(0), "subnormals normalised one place off"),
            ("normalised_exponent", Incremented, "exponent one too large"),
            ("one", StuckAtZero, "ln 1 from the tables"),
            ("outside", StuckAtZero, "roots of negative numbers"),
            ("pole", StuckAtZero, "ln 0 from the tables"),
            ("special_zero", StuckAtZero, "1/Inf from the tables"),
            ("exponent_magnitude", BitInverted(0), "wrong whole part of a logarithm"),
            ("factor", BitInverted(4), "log2(e) off by 2^-35"),
            ("distance", Decremented, "distance from one off by 2^-24"),
            ("distance_zeros", Incremented, "wrong binade near one"),
            ("sum_of_parts", BitStuckAtZero(63), "top bit of the product lost"),
            ("near_one", StuckAtZero, "cancellation near one"),
            ("near_one", StuckAtOne, "always near one"),
            ("odd", StuckAtZero, "parity of the exponent ignored"),
            ("algebraic_scale", Inverted, "wrong scale of roots"),
            ("algebraic_exact", StuckAtZero, "NX of 1/2"),
            ("doubled_exponent", Decremented, "tanh of half the operand"),
            ("down", BitInverted(0), "exponential's operand one place off"),
            ("clamped", BitStuckAtZero(40), "large operands wrap"),
            ("flip", StuckAtZero, "e^-x for e^x"),
            ("octave_g", BitStuckAtZero(31), "top bit of the fraction lost"),
            ("octave_n", Incremented, "exponential twice too small"),
            ("near_zero", StuckAtZero, "tanh cancels near zero"),
            ("depth", BitStuckAtZero(3), "wrong binade of tanh"),
            ("far", BitStuckAtZero(0), "wrong octave of sigmoid"),
            ("beside_one", StuckAtZero, "complement to one left out"),
            ("below_point", StuckAtZero, "2^x always exact"),
            ("whole_exponent", StuckAtZero, "NX of 2^1"),
            ("logarithm_whole", StuckAtZero, "whole part of the logarithm lost"),
            ("logarithm_scale", StuckAtZero, "distance from one taken for 1"),
        ],
    ),
    (
        "transcendental_curve",
        &[
            ("place", BitStuckAtZero(5), "wrong part of the table"),
            ("first_segment", BitStuckAtZero(7), "another region's segments"),
            ("index_bits", BitStuckAtZero(0), "segments twice too wide"),
            ("fraction_1", BitStuckAtZero(31), "top bit of the fraction lost"),
            ("segment", BitStuckAtZero(0), "every other segment"),
            ("address", BitStuckAtZero(1), "a neighbouring segment"),
            ("coefficients", BitInverted(16), "c0 off by 2^-18"),
            ("coefficients", BitInverted(46), "c1 off by 2^-24"),
            ("coefficients", BitInverted(81), "c2 off by 2^-25"),
            ("coefficients", BitInverted(108), "c3 off by 2^-24"),
            ("argument", BitStuckAtZero(27), "top bit of the argument lost"),
            ("argument", BitStuckAtZero(9), "a bit of the argument lost"),
            ("second_half_product_upper", ShiftedRight, "first product halved"),
            ("second_sum", BitInverted(12), "second coefficient's sum wrong"),
            ("first_half_product_upper", BitInverted(25), "sign of the second product"),
            ("first_sum", ShiftedLeft, "first coefficient's sum doubled"),
            ("value_half_product_lower", BitInverted(40), "last product wrong"),
            ("cubic_value", BitStuckAtZero(33), "value's half lost"),
        ],
    ),
    (
        "transcendental_round",
        &[
            ("exact_root", StuckAtZero, "NX of exact roots"),
            ("exact_root", StuckAtOne, "roots cut to 12 places"),
            ("cleared", BitInverted(14), "value wrong"),
            ("summand", Inverted, "value of the other sign"),
            ("moved_addend", BitStuckAtZero(41), "sign of the addend lost"),
            ("counted_zeros", BitInverted(0), "normalised one place off"),
            ("shifted", BitStuckAtZero(41), "hidden bit dropped"),
            ("exponent", Decremented, "exponent one too small"),
            ("tiny", StuckAtZero, "subnormals not recognised"),
            ("lowered_distance", BitInverted(0), "subnormal one place off"),
            ("lowered_distance", StuckAtZero, "subnormal in the wrong place"),
            ("limited", BitStuckAtZero(4), "exponent's bit lost"),
            ("unrounded_magnitude", BitStuckAtZero(30), "round bit of FP16 lost"),
            ("fp32_sticky", StuckAtZero, "sticky bit of FP32 dropped"),
            ("fp32_round_up", StuckAtZero, "FP32 truncates"),
            ("fp16_round_up", StuckAtOne, "FP16 always rounds up"),
            ("special", StuckAtZero, "special values from the tables"),
            ("overflow", StuckAtZero, "overflow not recognised"),
            ("overflow", StuckAtOne, "everything overflows"),
            ("inexact", StuckAtZero, "NX lost"),
            ("underflow", StuckAtZero, "UF lost"),
            ("normalised_mode_negative", StuckAtZero, "sign lost"),
            ("unrounded_mode_special_half", StuckAtZero, "sigmoid of zero"),
            ("result_result", BitStuckAtOne(31), "always negative"),
        ],
    ),
];

#[test]
fn every_fault_of_the_transcendental_unit_is_noticed() {
    let sound = rtl::elaborate(&Transcendental).unwrap_or_else(|errors| panic!("{errors}"));
    let compared = run(&mut Native::new(&sound), mixed_cases(SEED, LIMIT), None);
    assert_eq!(compared.unwrap_or_else(|wrong| panic!("without a fault: {wrong:#x?}")), LIMIT);

    assert_noticed(&sound, &FAULTS, LIMIT, |design| {
        run(&mut Native::new(design), mixed_cases(SEED, LIMIT), None).err().map(|noticed| noticed.after)
    });
}
