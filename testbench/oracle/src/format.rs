//! FP16 and FP32, and the one rounding.

/// An interchange format of IEEE 754.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    exponent_bits: u32,
    fraction_bits: u32,
}

/// binary16.
pub const FP16: Format = Format { exponent_bits: 5, fraction_bits: 10 };
/// binary32.
pub const FP32: Format = Format { exponent_bits: 8, fraction_bits: 23 };

/// `significand * 2^exponent`, negated if `negative`; an infinity has the largest of exponents.
#[derive(Clone, Copy, Debug)]
pub struct Real {
    /// The sign.
    pub negative: bool,
    /// The significand.
    pub significand: u128,
    /// Weight of its lowest bit.
    pub exponent: i32,
}

/// A result, and the flags that it raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// The bit pattern.
    pub bits: u32,
    /// NV.
    pub invalid: bool,
    /// OF.
    pub overflow: bool,
    /// UF.
    pub underflow: bool,
    /// NX.
    pub inexact: bool,
}

impl Real {
    /// A number, or an infinity, exactly.
    pub fn from_f64(value: f64) -> Real {
        let biased = (value.to_bits() >> 52 & 0x7FF) as i32;
        let fraction = u128::from(value.to_bits() & ((1 << 52) - 1));
        let significand = if biased == 0 { fraction } else { fraction | 1 << 52 };
        Real { negative: value.is_sign_negative(), significand, exponent: biased.max(1) - 1075 }
    }
}

impl Format {
    /// Bits of a number.
    pub fn bits(self) -> u32 {
        1 + self.exponent_bits + self.fraction_bits
    }

    fn infinity(self) -> u32 {
        ((1 << self.exponent_bits) - 1) << self.fraction_bits
    }

    /// The canonical quiet NaN.
    pub fn nan(self) -> u32 {
        self.infinity() | 1 << (self.fraction_bits - 1)
    }

    /// A NaN whose top fraction bit is clear.
    pub fn is_signalling(self, bits: u32) -> bool {
        self.to_f64(bits).is_nan() && bits & self.nan() != self.nan()
    }

    /// The value.
    pub fn to_f64(self, bits: u32) -> f64 {
        let widened_bias = 1023 - ((1 << (self.exponent_bits - 1)) - 1);
        let sign = u64::from(bits >> (self.bits() - 1)) << 63;
        let magnitude = u64::from(bits & (self.infinity() | ((1 << self.fraction_bits) - 1)));
        let placed = magnitude << (52 - self.fraction_bits);
        let magnitude = match magnitude as u32 >> self.fraction_bits {
            0 => magnitude as f64 * f64::from_bits((widened_bias + 1 + 52 - u64::from(self.fraction_bits) - 52) << 52),
            biased if biased == self.infinity() >> self.fraction_bits => f64::from_bits(placed | 0x7FF << 52),
            _ => f64::from_bits(placed + (widened_bias << 52)),
        };
        f64::from_bits(magnitude.to_bits() | sign)
    }

    /// Rounds to nearest even. A number that is not `exact` stands for one in its immediate neighbourhood that is
    /// neither a number of the format nor halfway between two.
    pub fn round(self, real: Real, exact: bool) -> Rounded {
        let Real { negative, significand, exponent } = real;
        let sign = u32::from(negative) << (self.bits() - 1);
        if significand == 0 {
            return Rounded { bits: sign, invalid: false, overflow: false, underflow: false, inexact: false };
        }
        let leading = exponent + 127 - significand.leading_zeros() as i32;
        let least_normal = 2 - (1 << (self.exponent_bits - 1));
        let last_place = leading.max(least_normal) - self.fraction_bits as i32;
        let (whole, rest, half) = match last_place - exponent {
            ..=0 => (significand << (exponent - last_place), 0, 1),
            discarded @ 1..=127 => {
                (significand >> discarded, significand & ((1 << discarded) - 1), 1 << (discarded - 1))
            }
            _ => (0, 1, 2),
        };
        let up = rest > half || rest == half && (!exact || whole & 1 == 1);
        let inexact = !exact || rest != 0;
        // The hidden bit counts in the exponent.
        let biased = (leading.max(least_normal) - least_normal) as u64;
        let magnitude = (biased << self.fraction_bits) + whole as u64 + u64::from(up);
        let overflow = magnitude >= u64::from(self.infinity());
        Rounded {
            bits: sign | magnitude.min(u64::from(self.infinity())) as u32,
            invalid: false,
            overflow,
            underflow: leading < least_normal && inexact,
            inexact: inexact || overflow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_to_fp64_and_back() {
        let mut compared = 0;
        for (format, step) in [(FP16, 1), (FP32, 65_521)] {
            for bits in (0..1u64 << format.bits()).step_by(step).map(|bits| bits as u32) {
                let value = format.to_f64(bits);
                if format == FP32 {
                    assert!(value == f64::from(f32::from_bits(bits)) || value.is_nan());
                }
                if value.is_finite() {
                    let rounded = format.round(Real::from_f64(value), true);
                    assert_eq!((rounded.bits, rounded.inexact), (bits, false));
                    compared += 1;
                }
            }
        }
        assert!(compared > 120_000, "{compared}");
    }

    #[test]
    fn fp32_rounds_as_the_host_does() {
        let mut compared = 0;
        for high in (0..1u64 << 32).step_by(30_011) {
            for low in [0, 1, 0x0FFF_FFFF, 0x1000_0000, 0x1000_0001, 0x2000_0000, 0x3000_0000, 0xFFFF_FFFF] {
                let value = f64::from_bits(high << 32 | low);
                if value.is_finite() {
                    let (ours, host) = (FP32.round(Real::from_f64(value), true), value as f32);
                    assert_eq!(ours.bits, host.to_bits(), "{value:e}");
                    assert_eq!(ours.inexact, f64::from(host) != value, "{value:e}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 1_000_000, "{compared}");
    }
}
