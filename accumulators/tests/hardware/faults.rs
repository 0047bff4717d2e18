//! Every deliberate fault in the arithmetic is noticed by the comparison with golden.

use rtl::fault::{self, Fault};

use crate::SEED;
use crate::agreement::run;
use crate::bench::Bench;
use crate::simulators::Native;
use Fault::{
    BitInverted, BitStuckAtOne, BitStuckAtZero, Decremented, Incremented, Inverted, ShiftedLeft, ShiftedRight,
    StuckAtOne, StuckAtZero,
};

/// A fault that is not noticed within so many cycles counts as missed.
const LIMIT: u64 = 30_000;

/// The value that it hits, the fault, and what it stands for.
type Line = (&'static str, Fault, &'static str);

/// The faults of each module.
const FAULTS: [(&str, &[Line]); 6] = [
    (
        "dot_product_t4",
        &[
            ("pair_0_sign", Inverted, "wrong sign of a product"),
            ("pair_1_finite", StuckAtOne, "disabled and infinite products enter the sum"),
            ("pair_2_negative_zero", StuckAtZero, "a product of -0 counts as +0"),
            ("pair_3_zero_times_infinity", StuckAtZero, "0 x Inf is not recognised"),
            ("pair_3_gated_x", BitStuckAtZero(10), "hidden bit of a factor dropped"),
            ("w_0_normal", StuckAtOne, "subnormals get a hidden bit"),
            ("w_1_exponent", BitStuckAtZero(0), "wrong scale of subnormals"),
            ("w_1_signalling", StuckAtZero, "signalling NaN taken for a quiet one"),
            ("product_0_shift", Incremented, "product one place too high"),
            ("product_3_shift", BitInverted(0), "product one place off"),
            ("product_1_magnitude", ShiftedRight, "low bit of a product lost"),
            ("placed_2", BitStuckAtZero(0), "2^-48 lost"),
            ("aligned_2", BitStuckAtZero(80), "sign of a product dropped"),
            ("negative_count", StuckAtZero, "no carry completes the complements"),
            ("sum_3", BitStuckAtZero(82), "sign of the sum dropped"),
            ("class_2_nan", StuckAtZero, "NaN lost"),
            ("class_3_invalid", StuckAtZero, "NV lost"),
            ("class_2_positive_infinity", StuckAtZero, "+Inf lost"),
            ("class_3_negative_infinity", StuckAtZero, "-Inf lost"),
            ("class_3_all_negative_zero", StuckAtOne, "sums of zero keep -0"),
        ],
    ),
    (
        "fp32_accumulate_t4",
        &[
            ("state_normal", StuckAtOne, "subnormal states get a hidden bit"),
            ("state_signalling", StuckAtZero, "signalling NaN taken for a quiet one"),
            ("below", StuckAtZero, "states below the window not selected"),
            ("above", StuckAtZero, "states above the window not selected"),
            ("distance", BitInverted(0), "state one place off"),
            ("distance_below", Incremented, "state below the window one place too low"),
            ("lowered_sticky", StuckAtZero, "sticky bit of the state dropped"),
            ("all_lost", StuckAtZero, "sticky bit of far smaller states dropped"),
            ("sum_and_carry", BitStuckAtZero(0), "no carry completes the complement"),
            ("addend", BitStuckAtZero(136), "sign of the state dropped"),
            ("sum_zero", StuckAtZero, "a sum of zero goes through the window"),
            ("negative_zero", StuckAtZero, "-0 lost"),
            ("infinities_meet", StuckAtZero, "Inf - Inf not recognised"),
            ("nan", StuckAtZero, "NaN lost"),
            ("infinite", StuckAtZero, "Inf lost"),
            ("direct_2_inexact", StuckAtZero, "NX of a state above the window lost"),
            ("direct_3_invalid", StuckAtZero, "NV lost"),
            ("sign_3", Inverted, "wrong sign"),
            ("magnitude", Decremented, "complement without its carry"),
            ("normalising_shift", BitInverted(0), "normalised one place off"),
            ("exponent_4", Incremented, "exponent one too large"),
            ("aligned_4_round", StuckAtZero, "round bit dropped"),
            ("aligned_4_round", StuckAtOne, "round bit stuck"),
            ("aligned_4_sticky", StuckAtZero, "sticky bit dropped"),
            ("window_round_up", StuckAtZero, "truncates"),
            ("cancelled", StuckAtZero, "cancellation to nothing not recognised"),
        ],
    ),
    (
        "exact104_accumulate_t4",
        &[
            ("addend", BitStuckAtZero(103), "sign not extended to the top"),
            ("addend", Incremented, "a carry too many"),
            ("number", BitInverted(103), "wrong sign"),
            ("number", ShiftedLeft, "one place off"),
            ("same_sign", StuckAtZero, "headroom never exceeded"),
            ("same_sign", StuckAtOne, "headroom exceeded by numbers of two signs"),
            ("headroom", StuckAtZero, "HR and its NaN lost"),
            ("positive_infinity", StuckAtZero, "+Inf lost"),
            ("negative_infinity", StuckAtZero, "-Inf lost"),
            ("both_before", StuckAtZero, "NV each time after both infinities"),
            ("infinities_meet", StuckAtZero, "Inf - Inf not recognised"),
            ("nan", StuckAtZero, "NaN lost"),
            ("state_1", BitStuckAtZero(104), "NaN of the state lost"),
            ("state_1", BitStuckAtZero(63), "a bit of the state lost"),
            ("flags_invalid", StuckAtZero, "NV lost"),
        ],
    ),
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
        ],
    ),
    (
        "fp32_read_out",
        &[
            ("state_normal", StuckAtOne, "subnormals get a hidden bit"),
            ("below", StuckAtZero, "subnormal results not recognised"),
            ("distance_below", BitInverted(0), "subnormal one place off"),
            ("distance_below", Incremented, "subnormal one place too low"),
            ("lowered", BitStuckAtZero(24), "round bit lost on the way"),
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

#[test]
fn every_fault_is_noticed() {
    let bench = Bench::small();
    let sound = rtl::elaborate(&bench).unwrap_or_else(|errors| panic!("{errors}"));
    run(&bench, &mut Native::new(&sound), SEED, LIMIT).unwrap_or_else(|wrong| panic!("without a fault: {wrong:#x?}"));

    println!("seed {SEED:#x}; cases until noticed");
    let mut missed = vec![];
    for (module, faults) in FAULTS {
        assert!(faults.len() >= 10, "{module} has {} faults", faults.len());
        println!("{module}");
        for &(name, fault, meaning) in faults {
            let mut design = sound.clone();
            fault::inject(&mut design, module, name, fault).unwrap_or_else(|error| panic!("{error}"));
            let label = format!("{name} {fault:?}");
            match run(&bench, &mut Native::new(&design), SEED, LIMIT) {
                Err(noticed) => println!("  {:>6}  {label:<50} {meaning}", noticed.after),
                Ok(_) => missed.push(format!("{module}: {label} ({meaning})")),
            }
        }
    }
    assert!(missed.is_empty(), "not noticed within {LIMIT} cases:\n{}", missed.join("\n"));
}
