//! Bit pattern to sign, exponent, significand and class.
//!
//! ```text
//!   number   | sign | exponent | fraction |
//!                |        |          |
//!                v        v          v
//!              sign    exponent   significand, zero, infinite, nan, signalling
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational                                                                    |
//! | Numerics   | exact, any [`Format`]; subnormals have a significand without its top bit         |
//! | Does not   | normalise subnormals, tell NaNs apart but for signalling and quiet               |

use rtl::{Signal, bundle, cat};

use crate::format::Format;

bundle! {
    /// A number taken apart. Its value, if finite, is `significand * 2^(exponent - bias - fraction_bits)`.
    pub struct Unpacked {
        /// Set for negative numbers.
        pub sign: Signal,
        /// Biased exponent; subnormals and zeros carry 1, as their scale demands.
        pub exponent: Signal,
        /// Fraction with the hidden bit on top.
        pub significand: Signal,
        /// Plus or minus zero.
        pub zero: Signal,
        /// Plus or minus infinity.
        pub infinite: Signal,
        /// A NaN of either kind.
        pub nan: Signal,
        /// A signalling NaN: its top fraction bit is clear.
        pub signalling: Signal,
    }
}

/// Takes a number of `format` apart; the parts are named `name` and what they are. Combinational.
#[track_caller]
pub fn unpack(name: &str, number: Signal, format: Format) -> Unpacked {
    let Format { exponent_bits, fraction_bits } = format;
    let part = |part: &str, signal: Signal| signal.named(format!("{name}_{part}"));
    let fraction = number.bits(0..fraction_bits);
    let biased = number.bits(fraction_bits..fraction_bits + exponent_bits);
    let normal = part("normal", biased.any());
    let special = part("special", biased.all());
    let fraction_zero = part("fraction_zero", fraction.is_zero());
    let nan = part("nan", special & !fraction_zero);
    Unpacked {
        sign: number.msb(),
        exponent: part("exponent", biased | (!normal).zero_extend(exponent_bits)),
        significand: part("significand", cat([normal, fraction])),
        zero: part("zero", !normal & fraction_zero),
        infinite: part("infinite", special & fraction_zero),
        nan,
        signalling: part("signalling", nan & !fraction.msb()),
    }
}
