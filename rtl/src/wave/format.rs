//! How people read the bits of a value.

use crate::bits::words_for;

/// A number format that waveforms show as decimal numbers, beside the bits. A value that is a multiple of the format's
/// width is several elements, the lowest bits first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// IEEE 754 binary16.
    Fp16,
    /// IEEE 754 binary32.
    Fp32,
    /// Two's complement with so many bits right of the point; rounded to what an `f64` holds.
    Fixed {
        /// Weight of the lowest bit: 2^-fraction_bits.
        fraction_bits: u32,
    },
}

impl Format {
    /// What it is called in the names of waveforms.
    pub fn name(self) -> &'static str {
        match self {
            Format::Fp16 => "fp16",
            Format::Fp32 => "fp32",
            Format::Fixed { .. } => "fixed",
        }
    }

    /// Bits of an element of a value of `width` bits; `None` if such a value has none.
    pub fn element_bits(self, width: usize) -> Option<usize> {
        let bits = match self {
            Format::Fp16 => 16,
            Format::Fp32 => 32,
            Format::Fixed { .. } => width,
        };
        width.is_multiple_of(bits).then_some(bits)
    }

    /// The number that the `bits` bits from `low` up stand for, in a value's words, least significant first.
    pub fn number(self, words: &[u64], low: usize, bits: usize) -> f64 {
        match self {
            Format::Fp16 => half::f16::from_bits(field(words, low) as u16).to_f64(),
            Format::Fp32 => f32::from_bits(field(words, low) as u32).into(),
            Format::Fixed { fraction_bits } => fixed(words, bits) * (-f64::from(fraction_bits)).exp2(),
        }
    }
}

/// 64 bits from `low` up.
fn field(words: &[u64], low: usize) -> u64 {
    let (word, shift) = (low / 64, low % 64);
    let above = if shift == 0 { 0 } else { words.get(word + 1).map_or(0, |above| above << (64 - shift)) };
    words[word] >> shift | above
}

/// A two's complement number of `bits` bits.
fn fixed(words: &[u64], bits: usize) -> f64 {
    let top = bits - 1;
    let negative = words[top / 64] >> (top % 64) & 1 == 1;
    let used = words_for(bits);
    let mut magnitude = 0.0;
    // A negative number is minus its complement, and one less.
    for (index, &word) in words[..used].iter().enumerate().rev() {
        let inside = if index + 1 == used && !bits.is_multiple_of(64) { (1 << (bits % 64)) - 1 } else { u64::MAX };
        let word = if negative { !word & inside } else { word };
        magnitude = magnitude * 64f64.exp2() + word as f64;
    }
    if negative { -(magnitude + 1.0) } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_from_the_lowest_bits_up() {
        // 1, -2, infinity, 0.5 and the smallest subnormal
        let words = [0x3800_7c00_c000_3c00, 0x0001];
        let numbers: Vec<f64> = (0..5).map(|i| Format::Fp16.number(&words, 16 * i, 16)).collect();
        assert_eq!(numbers, [1.0, -2.0, f64::INFINITY, 0.5, (-24f64).exp2()]);
        assert_eq!(Format::Fp32.number(&[0xbfc0_0000_3f80_0000], 32, 32), -1.5);
        assert_eq!(Format::Fp16.element_bits(64), Some(16));
        assert_eq!(Format::Fp32.element_bits(48), None);
    }

    #[test]
    fn fixed_point_numbers_have_a_sign_and_a_point() {
        let number = |words: &[u64], bits, fraction_bits| Format::Fixed { fraction_bits }.number(words, 0, bits);
        assert_eq!(number(&[3 << 47], 49, 48), -0.5);
        assert_eq!(number(&[1 << 47], 49, 48), 0.5);
        let all = (1 << 40) - 1;
        assert_eq!(number(&[u64::MAX, all], 104, 0), -1.0);
        assert_eq!(number(&[0, 1], 104, 48), 65536.0);
        assert_eq!(number(&[0, 1 << 39], 104, 48), -(55f64).exp2());
        assert_eq!(number(&[u64::MAX], 64, 0), -1.0);
    }
}
