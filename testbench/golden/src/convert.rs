//! Conversions between FP16 and FP32, and the ReLU activation.

use crate::flags::Flags;
use crate::format::{FP16, FP32, Format, NAN_FP16, NAN_FP32, Number};
use crate::round::{Overflow, Rounding, Unrounded};

/// FP16 to FP32, exactly. A NaN becomes the canonical one; a signalling NaN raises NV.
pub fn fp16_to_fp32(bits: u16) -> (u32, Flags) {
    match FP16.unpack(u32::from(bits)) {
        Number::Nan { signalling } => (NAN_FP32, Flags { nv: signalling, ..Flags::NONE }),
        Number::Infinity { negative } => (FP32.infinity(negative), Flags::NONE),
        Number::Finite { negative, significand, exponent } => {
            let exact = Unrounded { negative, magnitude: u128::from(significand), exponent, sticky: false };
            exact.round(FP32, Rounding::NearestEven, Overflow::ToInfinity)
        }
    }
}

/// FP32 to FP16 with one rounding. A NaN becomes the canonical one; a signalling NaN raises NV. An infinity stays
/// one whatever `overflow` says, and raises nothing.
pub fn fp32_to_fp16(bits: u32, rounding: Rounding, overflow: Overflow) -> (u16, Flags) {
    match FP32.unpack(bits) {
        Number::Nan { signalling } => (NAN_FP16, Flags { nv: signalling, ..Flags::NONE }),
        Number::Infinity { negative } => (FP16.infinity(negative) as u16, Flags::NONE),
        Number::Finite { negative, significand, exponent } => {
            let exact = Unrounded { negative, magnitude: u128::from(significand), exponent, sticky: false };
            let (rounded, flags) = exact.round(FP16, rounding, overflow);
            (rounded as u16, flags)
        }
    }
}

/// ReLU of an FP32: a positive number and any NaN pass unchanged, everything else gives +0. Raises no flag.
pub fn relu_fp32(bits: u32) -> u32 {
    relu(FP32, bits)
}

/// ReLU of an FP16: a positive number and any NaN pass unchanged, everything else gives +0. Raises no flag.
pub fn relu_fp16(bits: u16) -> u16 {
    relu(FP16, u32::from(bits)) as u16
}

fn relu(format: Format, bits: u32) -> u32 {
    let negative = bits & format.sign_bit(true) != 0;
    if negative && !format.is_nan(bits) { 0 } else { bits }
}
