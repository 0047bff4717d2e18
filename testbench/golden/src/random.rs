//! The random bits of stochastic rounding: xoroshiro128aox.
//!
//! A linear-feedback state of 128 bits, and an output of ANDs, ORs and XORs (Hanlon and Felix, "A Fast Hardware
//! Pseudorandom Number Generator Based on xoroshiro128", IEEE Transactions on Computers, 2022).

use crate::round::Rounding;

/// A generator: the state that an engine keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Random {
    /// The lower half of the state.
    pub s0: u64,
    /// The upper half. Of both, some bit is set.
    pub s1: u64,
}

impl Random {
    /// The generator after SET of its seed; after a reset the seed is 0.
    pub fn from_seed(seed: u32) -> Random {
        Random { s0: u64::from(!seed) << 32 | u64::from(seed), s1: 0x9E37_79B9_7F4A_7C15 }
    }

    /// How each of `count` FP16 results that lie one after the other from the beginning of a word is rounded: 128 bits
    /// for each word of four.
    pub fn roundings(&mut self, count: usize) -> Vec<Rounding> {
        let words = (0..count.div_ceil(4)).map(|_| [self.next_u64(), self.next_u64()]);
        let bits = words.flatten().flat_map(|bits| [bits as u32, (bits >> 32) as u32]);
        bits.map(|random| Rounding::Stochastic { random }).take(count).collect()
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let Random { s0, s1 } = *self;
        let (exclusive, both) = (s0 ^ s1, s0 & s1);
        self.s0 = s0.rotate_left(55) ^ exclusive ^ exclusive << 14;
        self.s1 = exclusive.rotate_left(36);
        exclusive ^ (both.rotate_left(1) | both.rotate_left(2))
    }
}
