//! A fixed-point window wide enough for any FP32 plus any sum of FP16 products, exactly.
//!
//! ```text
//!   | sign | 2^169 ............. 2^128 ............. 2^0 ............. 2^-149 |     320 bits, two's complement
//!            room for carries    FP32's largest                        FP32's smallest subnormal
//! ```

use crate::format::FP32;
use crate::round::Unrounded;

const LIMBS: usize = 5;

/// An exact sum in units of FP32's smallest subnormal, 2^-149. Limb 0 is the least significant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Window([u64; LIMBS]);

impl Window {
    pub const ZERO: Window = Window([0; LIMBS]);

    /// Adds `magnitude * 2^exponent`, or subtracts it if `negative`. It must lie on the grid and within 2^168.
    pub fn add(&mut self, negative: bool, magnitude: u128, exponent: i32) {
        let shift = u32::try_from(exponent - FP32.lsb_exponent()).expect("on the grid of 2^-149");
        debug_assert!(magnitude == 0 || magnitude.ilog2() + shift < 64 * LIMBS as u32 - 3, "inside the window");
        let (first_limb, bit) = ((shift / 64) as usize, shift % 64);

        // The magnitude, shifted by less than a limb, takes three limbs from `first_limb` up.
        let low = magnitude << bit;
        let high = if bit == 0 { 0 } else { (magnitude >> (128 - bit)) as u64 };
        let shifted = [low as u64, (low >> 64) as u64, high];

        let mut carry = false;
        for (i, limb) in self.0.iter_mut().enumerate().skip(first_limb) {
            let addend = shifted.get(i - first_limb).copied().unwrap_or(0);
            (*limb, carry) =
                if negative { limb.borrowing_sub(addend, carry) } else { limb.carrying_add(addend, carry) };
        }
    }

    /// Sign and magnitude. Where there are more than 128 significant bits, the lower ones are folded into `sticky`.
    pub fn unrounded(&self) -> Unrounded {
        let negative = self.0[LIMBS - 1] >> 63 == 1;
        let limbs = if negative { self.negated().0 } else { self.0 };

        let top = limbs.iter().rposition(|&limb| limb != 0).unwrap_or(0);
        let significant_bits = 64 * (top as u32 + 1) - limbs[top].leading_zeros();
        let dropped_bits = significant_bits.saturating_sub(128);

        let (first_limb, bit) = ((dropped_bits / 64) as usize, dropped_bits % 64);
        let limb = |i: usize| u128::from(limbs.get(i).copied().unwrap_or(0));
        let low = limb(first_limb) | limb(first_limb + 1) << 64;
        let magnitude = if bit == 0 { low } else { low >> bit | limb(first_limb + 2) << (128 - bit) };
        let sticky = limbs[..first_limb].iter().any(|&limb| limb != 0) || limbs[first_limb] & ((1 << bit) - 1) != 0;
        Unrounded { negative, magnitude, exponent: FP32.lsb_exponent() + dropped_bits as i32, sticky }
    }

    fn negated(&self) -> Window {
        let mut result = Window::ZERO;
        let mut borrow = false;
        for (limb, &own) in result.0.iter_mut().zip(&self.0) {
            (*limb, borrow) = 0u64.borrowing_sub(own, borrow);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_and_subtracting_the_same_leaves_zero() {
        let mut window = Window::ZERO;
        for exponent in -149..=40 {
            window.add(false, u128::MAX, exponent);
        }
        for exponent in (-149..=40).rev() {
            window.add(true, u128::MAX, exponent);
        }
        assert_eq!(window, Window::ZERO);
    }

    #[test]
    fn bits_below_the_top_128_become_sticky() {
        let mut window = Window::ZERO;
        window.add(true, 1, -149);
        assert_eq!(window.unrounded(), Unrounded { negative: true, magnitude: 1, exponent: -149, sticky: false });

        // -(2^0 + 2^-149) needs 150 bits, -(2^-22 + 2^-149) exactly 128.
        window.add(true, 1, 0);
        assert_eq!(window.unrounded(), Unrounded { negative: true, magnitude: 1 << 127, exponent: -127, sticky: true });
        window.add(false, 1, 0);
        window.add(true, 1, -22);
        let exact = Unrounded { negative: true, magnitude: 1 << 127 | 1, exponent: -149, sticky: false };
        assert_eq!(window.unrounded(), exact);
    }
}
