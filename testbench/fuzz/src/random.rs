//! Reproducible random values.

use rtl::Bits;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit
    }

    /// `width` bits, often a corner: zero, one, all ones, the sign alone, few bits, a small number.
    pub fn bits(&mut self, width: usize) -> Bits {
        let mut words: Vec<u64> = (0..width.div_ceil(64)).map(|_| self.next_u64()).collect();
        match self.below(12) {
            0 => return Bits::zero(width),
            1 => return Bits::ones(width),
            2 => return Bits::from_u64(self.below(4), width),
            3 => {
                words.fill(0);
                words[(width - 1) / 64] = 1 << ((width - 1) % 64);
            }
            4 => words.iter_mut().for_each(|word| *word = 0x5555_5555_5555_5555),
            5 => return Bits::from_u64(self.below(2 * width as u64), width),
            6 => {
                let mask: Vec<u64> = words.iter().map(|_| self.next_u64() & self.next_u64()).collect();
                words.iter_mut().zip(mask).for_each(|(word, mask)| *word &= mask);
            }
            _ => {}
        }
        Bits::from_words(&words, width)
    }
}

/// The pattern of this number: small numbers give corners.
pub fn pattern(number: u64, width: usize) -> Bits {
    match number {
        0 => Bits::zero(width),
        1 => Bits::from_u64(1, width),
        2 => Bits::ones(width),
        _ => Random(number).bits(width),
    }
}
