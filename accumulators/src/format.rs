//! Binary floating-point formats (IEEE 754-2019, table 3.5).

/// Widths of a binary interchange format: one sign bit, then exponent, then fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Bits of the biased exponent.
    pub exponent_bits: usize,
    /// Stored bits of the significand.
    pub fraction_bits: usize,
}

/// binary16.
pub const FP16: Format = Format { exponent_bits: 5, fraction_bits: 10 };

/// binary32.
pub const FP32: Format = Format { exponent_bits: 8, fraction_bits: 23 };

/// Weight of the lowest bit of every fixed-point sum: 2^-48, the square of the smallest FP16 subnormal.
pub const FIXED_LSB_EXPONENT: i32 = -48;

/// Bits of the magnitude of one FP16 product on the 2^-48 grid: products are below 2^32.
pub const PRODUCT_FIXED_BITS: usize = 80;

impl Format {
    /// Bits of a number.
    pub const fn bits(self) -> usize {
        1 + self.exponent_bits + self.fraction_bits
    }

    /// What is added to the unbiased exponent.
    pub const fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// Bits of the significand, hidden bit included.
    pub const fn significand_bits(self) -> usize {
        self.fraction_bits + 1
    }

    /// The biased exponent of infinities and NaNs: all ones.
    pub const fn special_exponent(self) -> u64 {
        (1 << self.exponent_bits) - 1
    }

    /// +Inf, as a bit pattern.
    pub const fn infinity(self) -> u64 {
        self.special_exponent() << self.fraction_bits
    }

    /// The canonical quiet NaN: positive, only the top fraction bit set.
    pub const fn canonical_nan(self) -> u64 {
        self.infinity() | 1 << (self.fraction_bits - 1)
    }
}
