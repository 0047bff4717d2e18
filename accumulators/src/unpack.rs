//! Bit pattern to sign, exponent, significand and class.

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

/// Takes a number of `format` apart. Combinational.
pub fn unpack(number: Signal, format: Format) -> Unpacked {
    let Format { exponent_bits, fraction_bits } = format;
    let fraction = number.bits(0..fraction_bits);
    let exponent = number.bits(fraction_bits..fraction_bits + exponent_bits);
    let normal = exponent.any();
    let special = exponent.all();
    let fraction_zero = fraction.is_zero();
    let nan = special & !fraction_zero;
    Unpacked {
        sign: number.msb(),
        exponent: exponent | (!normal).zero_extend(exponent_bits),
        significand: cat([normal, fraction]),
        zero: !normal & fraction_zero,
        infinite: special & fraction_zero,
        nan,
        signalling: nan & !fraction.msb(),
    }
}
