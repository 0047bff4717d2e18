//! Values of any width: the constants of a design and the values that simulators exchange.

use std::fmt;

/// Number of 64-bit words that hold `width` bits.
pub fn words_for(width: usize) -> usize {
    width.div_ceil(64)
}

/// An unsigned bit string of fixed width, little-endian in 64-bit words. Bits above the width are always zero.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bits {
    width: usize,
    words: Vec<u64>,
}

impl Bits {
    /// All zeros.
    pub fn zero(width: usize) -> Self {
        Bits { width, words: vec![0; words_for(width)] }
    }

    /// All ones.
    pub fn ones(width: usize) -> Self {
        let mut bits = Bits { width, words: vec![u64::MAX; words_for(width)] };
        bits.clear_padding();
        bits
    }

    /// The low `width` bits of `value`.
    pub fn from_u64(value: u64, width: usize) -> Self {
        Bits::from_u128(value as u128, width)
    }

    /// The low `width` bits of `value`.
    pub fn from_u128(value: u128, width: usize) -> Self {
        let mut bits = Bits::zero(width);
        for (i, word) in bits.words.iter_mut().take(2).enumerate() {
            *word = (value >> (64 * i)) as u64;
        }
        bits.clear_padding();
        bits
    }

    /// The low `width` bits of a little-endian word sequence; missing words read as zero.
    pub fn from_words(words: &[u64], width: usize) -> Self {
        let mut bits = Bits::zero(width);
        for (to, from) in bits.words.iter_mut().zip(words) {
            *to = *from;
        }
        bits.clear_padding();
        bits
    }

    fn clear_padding(&mut self) {
        let used = self.width % 64;
        if used != 0
            && let Some(top) = self.words.last_mut()
        {
            *top &= (1 << used) - 1;
        }
    }

    /// Width in bits.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The value, little-endian in 64-bit words.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Bit `index`; bits above the width read as zero.
    pub fn bit(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// The value, where it fits 64 bits.
    pub fn to_u64(&self) -> Option<u64> {
        self.words.iter().skip(1).all(|&word| word == 0).then(|| self.words.first().copied().unwrap_or(0))
    }

    /// The value, where it fits 128 bits.
    pub fn to_u128(&self) -> Option<u128> {
        let word = |i: usize| self.words.get(i).copied().unwrap_or(0) as u128;
        self.words.iter().skip(2).all(|&word| word == 0).then(|| word(0) | word(1) << 64)
    }

    /// True when every bit is zero.
    pub fn is_zero(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The digits of a Verilog hexadecimal literal, without width or base.
    pub fn to_hex(&self) -> String {
        let digits: String = (0..self.width.div_ceil(4))
            .rev()
            .map(|digit| {
                let nibble = (0..4).fold(0, |n, i| n | (self.bit(4 * digit + i) as u32) << i);
                char::from_digit(nibble, 16).expect("a nibble is below 16")
            })
            .collect();
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() { "0".into() } else { significant.into() }
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'h{}", self.width, self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_always_zero() {
        assert_eq!(Bits::from_u64(u64::MAX, 5).to_u64(), Some(31));
        assert_eq!(Bits::ones(70).words(), &[u64::MAX, 63]);
        assert_eq!(Bits::from_words(&[1, 2, 3], 66).words(), &[1, 2]);
    }

    #[test]
    fn hex_has_no_leading_zeros() {
        assert_eq!(format!("{:?}", Bits::from_u64(0xab, 12)), "12'hab");
        assert_eq!(format!("{:?}", Bits::zero(300)), "300'h0");
        assert_eq!(format!("{:?}", Bits::from_u128(1 << 100, 101)), "101'h10000000000000000000000000");
    }

    #[test]
    fn values_that_do_not_fit_are_not_truncated() {
        assert_eq!(Bits::from_u128(1 << 64, 65).to_u64(), None);
        assert_eq!(Bits::from_u128(1 << 64, 65).to_u128(), Some(1 << 64));
        assert_eq!(Bits::from_words(&[0, 0, 1], 130).to_u128(), None);
    }
}
