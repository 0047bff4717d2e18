//! The two number formats, IEEE 754 binary16 and binary32, as bit patterns.
//!
//! Numbers are carried as their bits: an FP16 is a `u16`, an FP32 a `u32`. [`Format`] takes either as a `u32`.
//!
//! ```text
//!   | sign | biased_exponent | fraction |      FP16: 1, 5, 10 bits      FP32: 1, 8, 23 bits
//! ```

/// A binary interchange format of IEEE 754.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    /// Width of the biased exponent.
    pub exponent_bits: u32,
    /// Width of the stored fraction.
    pub fraction_bits: u32,
}

/// IEEE 754 binary16.
pub const FP16: Format = Format { exponent_bits: 5, fraction_bits: 10 };
/// IEEE 754 binary32.
pub const FP32: Format = Format { exponent_bits: 8, fraction_bits: 23 };

/// The canonical quiet NaN of FP16: the only NaN that an operation on FP16 returns.
pub const NAN_FP16: u16 = 0x7E00;
/// The canonical quiet NaN of FP32: the only NaN that an operation on FP32 returns.
pub const NAN_FP32: u32 = 0x7FC0_0000;

/// What a bit pattern stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// `significand * 2^exponent`, negated if `negative`. Zeros (significand 0) and subnormals are no special case:
    /// `exponent` is the weight of the significand's bit 0.
    Finite {
        /// The sign bit.
        negative: bool,
        /// Fraction with the hidden bit.
        significand: u32,
        /// Weight of bit 0 of the significand, as a power of two.
        exponent: i32,
    },
    /// An infinity.
    Infinity {
        /// The sign bit.
        negative: bool,
    },
    /// Not a number.
    Nan {
        /// The fraction's top bit is clear: as an operand it raises NV.
        signalling: bool,
    },
}

impl Format {
    /// Exponent of the smallest normal number.
    pub const fn emin(self) -> i32 {
        2 - (1 << (self.exponent_bits - 1))
    }

    /// Weight of the least significant bit of a subnormal number, as a power of two.
    pub const fn lsb_exponent(self) -> i32 {
        self.emin() - self.fraction_bits as i32
    }

    /// The sign bit, set if `negative`.
    pub const fn sign_bit(self, negative: bool) -> u32 {
        (negative as u32) << (self.exponent_bits + self.fraction_bits)
    }

    /// The infinity of that sign.
    pub const fn infinity(self, negative: bool) -> u32 {
        self.sign_bit(negative) | ((1 << self.exponent_bits) - 1) << self.fraction_bits
    }

    /// The finite number of largest magnitude of that sign.
    pub const fn max_finite(self, negative: bool) -> u32 {
        self.infinity(negative) - 1
    }

    /// The canonical quiet NaN.
    pub const fn nan(self) -> u32 {
        self.infinity(false) | 1 << (self.fraction_bits - 1)
    }

    /// Takes a bit pattern apart.
    #[inline]
    pub const fn unpack(self, bits: u32) -> Number {
        let negative = bits & self.sign_bit(true) != 0;
        let biased_exponent = bits >> self.fraction_bits & ((1 << self.exponent_bits) - 1);
        let fraction = bits & ((1 << self.fraction_bits) - 1);
        if biased_exponent == (1 << self.exponent_bits) - 1 {
            if fraction == 0 {
                Number::Infinity { negative }
            } else {
                Number::Nan { signalling: fraction >> (self.fraction_bits - 1) == 0 }
            }
        } else if biased_exponent == 0 {
            Number::Finite { negative, significand: fraction, exponent: self.lsb_exponent() }
        } else {
            let significand = fraction | 1 << self.fraction_bits;
            Number::Finite { negative, significand, exponent: self.lsb_exponent() + biased_exponent as i32 - 1 }
        }
    }

    /// Whether the bit pattern is a NaN.
    pub const fn is_nan(self, bits: u32) -> bool {
        matches!(self.unpack(bits), Number::Nan { .. })
    }

    /// The value as an `f64`, exactly; NaNs become the host's quiet NaN.
    pub fn to_f64(self, bits: u32) -> f64 {
        let magnitude = |negative: bool, value: f64| if negative { -value } else { value };
        match self.unpack(bits) {
            Number::Finite { negative, significand, exponent } => {
                magnitude(negative, f64::from(significand) * 2f64.powi(exponent))
            }
            Number::Infinity { negative } => magnitude(negative, f64::INFINITY),
            Number::Nan { .. } => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_the_standard_ones() {
        assert_eq!((FP16.emin(), FP16.lsb_exponent()), (-14, -24));
        assert_eq!((FP32.emin(), FP32.lsb_exponent()), (-126, -149));
        assert_eq!((FP16.infinity(true), FP16.max_finite(false), FP16.nan()), (0xFC00, 0x7BFF, u32::from(NAN_FP16)));
        assert_eq!((FP32.infinity(true), FP32.max_finite(false), FP32.nan()), (0xFF80_0000, 0x7F7F_FFFF, NAN_FP32));
    }

    #[test]
    fn fp32_unpacks_to_what_the_host_computes_with() {
        let mut compared = 0;
        for high in 0..=u16::MAX {
            for low in [0, 1, 0x7FFF, 0x8000, 0xFFFF] {
                let bits = u32::from(high) << 16 | low;
                let (ours, host) = (FP32.to_f64(bits), f64::from(f32::from_bits(bits)));
                assert!(ours.to_bits() == host.to_bits() || ours.is_nan() && host.is_nan(), "{bits:#010x}");
                compared += 1;
            }
        }
        assert_eq!(compared, 5 * 65536);
    }

    #[test]
    fn quiet_bit_separates_signalling_nans() {
        assert_eq!(FP16.unpack(0x7C01), Number::Nan { signalling: true });
        assert_eq!(FP16.unpack(0xFE01), Number::Nan { signalling: false });
        assert_eq!(FP32.unpack(0x7FBF_FFFF), Number::Nan { signalling: true });
        assert_eq!(FP32.unpack(NAN_FP32), Number::Nan { signalling: false });
    }
}
