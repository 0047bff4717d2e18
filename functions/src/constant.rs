//! Constants by which arguments are multiplied, with 39 places, rounded to nearest.
//!
//! A product with an exponential's argument, below 2^7 where the result is finite, is off by 2^-33 at most; one with
//! a logarithm's exponent likewise.

/// Places after the binary point.
pub const PLACES: u32 = 39;
/// Bits of a constant.
pub const BITS: u32 = PLACES + 1;

/// 1, for base 2.
pub const ONE: u64 = 1 << PLACES;
/// log2(e).
pub const LOG2_E: u64 = 0xB8_AA3B_295C;
/// ln(2).
pub const LN_2: u64 = 0x58_B90B_FBE9;

const _: () = assert!(LOG2_E >> BITS == 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_rounded_to_nearest() {
        let scaled = |value: f64| (value * ONE as f64).round() as u64;
        assert_eq!((LOG2_E, LN_2), (scaled(std::f64::consts::LOG2_E), scaled(std::f64::consts::LN_2)));
    }
}
