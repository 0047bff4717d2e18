//! Operators on values of any width, as words.

use super::graph::{Graph, Word, ones};
use crate::bits::{Bits, words_for};

/// The words of a signal, least significant first. Bits above the width are zero.
pub type Value = Vec<Word>;

/// How many bits of word `index` a `width`-bit value has.
pub fn word_bits(width: usize, index: usize) -> usize {
    (width - 64 * index).min(64)
}

impl Graph {
    pub fn bits(&mut self, bits: &Bits) -> Value {
        bits.words().iter().map(|&word| self.constant(word)).collect()
    }

    pub fn map1(&mut self, a: &[Word], f: impl Fn(&mut Graph, Word, usize) -> Word) -> Value {
        a.iter().enumerate().map(|(i, &a)| f(self, a, i)).collect()
    }

    pub fn map2(&mut self, a: &[Word], b: &[Word], f: impl Fn(&mut Graph, Word, Word) -> Word) -> Value {
        a.iter().zip(b).map(|(&a, &b)| f(self, a, b)).collect()
    }

    pub fn complement(&mut self, a: &[Word], width: usize) -> Value {
        self.map1(a, |graph, a, i| graph.not(a, word_bits(width, i)))
    }

    /// One bit: any bit is one.
    pub fn reduce_or(&mut self, a: &[Word]) -> Word {
        let all = a[1..].iter().fold(a[0], |all, &word| self.or(all, word));
        self.any(all)
    }

    /// One bit: every bit is one.
    pub fn reduce_and(&mut self, a: &[Word], width: usize) -> Word {
        let ones: Value = (0..a.len()).map(|i| self.constant(ones(word_bits(width, i)))).collect();
        self.equal_words(a, &ones)
    }

    /// One bit: an odd number of ones.
    pub fn reduce_xor(&mut self, a: &[Word]) -> Word {
        let all = a[1..].iter().fold(a[0], |all, &word| self.xor(all, word));
        self.parity(all)
    }

    pub fn equal_words(&mut self, a: &[Word], b: &[Word]) -> Word {
        let one = self.constant(1);
        a.iter().zip(b).fold(one, |all, (&a, &b)| {
            let equal = self.equal(a, b);
            self.and(all, equal)
        })
    }

    /// Sum modulo 2^width.
    pub fn add_words(&mut self, a: &[Word], b: &[Word], width: usize) -> Value {
        let mut carry = self.zero();
        let mut sum = vec![];
        for i in 0..a.len() {
            sum.push(self.add_carry(a[i], b[i], carry, word_bits(width, i)));
            if i + 1 < a.len() {
                carry = self.carry(a[i], b[i], carry);
            }
        }
        sum
    }

    /// Difference modulo 2^width.
    pub fn sub_words(&mut self, a: &[Word], b: &[Word], width: usize) -> Value {
        let mut borrow = self.zero();
        let mut difference = vec![];
        for i in 0..a.len() {
            difference.push(self.sub_borrow(a[i], b[i], borrow, word_bits(width, i)));
            if i + 1 < a.len() {
                borrow = self.borrow(a[i], b[i], borrow);
            }
        }
        difference
    }

    /// One bit: unsigned less-than.
    pub fn less_than(&mut self, a: &[Word], b: &[Word]) -> Word {
        let zero = self.zero();
        a.iter().zip(b).fold(zero, |borrow, (&a, &b)| self.borrow(a, b, borrow))
    }

    /// One bit: two's complement less-than.
    pub fn less_than_signed(&mut self, a: &[Word], b: &[Word], width: usize) -> Word {
        let last = a.len() - 1;
        if last == 0 {
            return self.lt_signed(a[0], b[0], width);
        }
        // With both signs turned, the order is the unsigned one.
        let sign = self.constant(1 << ((width - 1) % 64));
        let (mut a, mut b) = (a.to_vec(), b.to_vec());
        a[last] = self.xor(a[last], sign);
        b[last] = self.xor(b[last], sign);
        self.less_than(&a, &b)
    }

    /// Product modulo 2^width of values of any number of words.
    pub fn mul_words(&mut self, a: &[Word], b: &[Word], width: usize) -> Value {
        let count = words_for(width);
        let zero = self.zero();
        let mut product = vec![zero; count];
        for (i, &a) in a.iter().enumerate().take(count) {
            // One row: the low halves and, a word further up, the high halves.
            let (mut low, mut high) = (vec![zero; count], vec![zero; count]);
            for (j, &b) in b.iter().enumerate().take(count - i) {
                low[i + j] = self.mul(a, b);
                if i + j + 1 < count {
                    high[i + j + 1] = self.mul_high(a, b);
                }
            }
            let row = self.add_words(&low, &high, 64 * count);
            product = self.add_words(&product, &row, 64 * count);
        }
        self.map1(&product, |graph, word, i| graph.place(word, 0, ones(word_bits(width, i))))
    }

    /// Two's complement product of `a_width + b_width` bits.
    pub fn mul_signed(&mut self, a: &[Word], a_width: usize, b: &[Word], b_width: usize) -> Value {
        let width = a_width + b_width;
        let whole = 64 * words_for(width);
        let (a, b) = (self.extend_signed(a, a_width, whole), self.extend_signed(b, b_width, whole));
        self.mul_words(&a, &b, width)
    }

    /// Two's complement extension from `from` to `to` bits.
    pub fn extend_signed(&mut self, a: &[Word], from: usize, to: usize) -> Value {
        let mut words = a.to_vec();
        let last = a.len() - 1;
        let unused = 64 - word_bits(from, last);
        words[last] = self.sign_extend(a[last], unused, unused, word_bits(to, last));
        for i in a.len()..words_for(to) {
            words.push(self.sign_extend(a[last], unused, 63, word_bits(to, i)));
        }
        words
    }

    /// Bits `low .. low + width`.
    pub fn slice(&mut self, a: &[Word], low: usize, width: usize) -> Value {
        let (first, offset) = (low / 64, low % 64);
        (0..words_for(width))
            .map(|i| {
                let mask = ones(word_bits(width, i));
                let rotate = ((64 - offset) % 64) as u8;
                let piece = self.place(a[first + i], rotate, mask & u64::MAX >> offset);
                match a.get(first + i + 1) {
                    Some(&next) if offset > 0 => self.insert(piece, next, rotate, mask & !(u64::MAX >> offset)),
                    _ => piece,
                }
            })
            .collect()
    }

    /// Concatenation of values and widths, the least significant first.
    pub fn concat(&mut self, parts: &[(&[Word], usize)]) -> Value {
        let width: usize = parts.iter().map(|(_, width)| width).sum();
        let zero = self.zero();
        let mut words = vec![zero; words_for(width)];
        let mut at = 0;
        let mut rest = parts;
        while let Some(&(part, part_width)) = rest.first() {
            let run = rest.iter().take_while(|(other, width)| *width == 1 && *other == part).count();
            // Three or more copies of one bit are its sign extension.
            let repeated = (run >= 3).then(|| self.extend_signed(part, 1, run));
            let (count, part, part_width) = match &repeated {
                Some(repeated) => (run, repeated.as_slice(), run),
                None => (1, part, part_width),
            };
            self.concat_one(&mut words, at, part, part_width);
            at += part_width;
            rest = &rest[count..];
        }
        words
    }

    /// Puts `part` at bit `at` of `words`, which are zero from there on.
    fn concat_one(&mut self, words: &mut [Word], at: usize, part: &[Word], width: usize) {
        for (i, &word) in part.iter().enumerate() {
            let (index, offset) = (at / 64 + i, at % 64);
            let mask = ones(word_bits(width, i)).rotate_left(offset as u32);
            let split = u64::MAX << offset;
            words[index] = self.insert(words[index], word, offset as u8, mask & split);
            if mask & !split != 0 {
                words[index + 1] = self.insert(words[index + 1], word, offset as u8, mask & !split);
            }
        }
    }

    pub fn mux_words(&mut self, select: Word, on_true: &[Word], on_false: &[Word]) -> Value {
        self.map2(on_true, on_false, |graph, t, f| graph.mux(select, t, f))
    }

    /// `options[index]`; past the end the last.
    pub fn select_words(&mut self, index: &[Word], options: &[&[Word]]) -> Value {
        let index = self.clamp(index);
        (0..options[0].len()).map(|i| self.select(index, options.iter().map(|option| option[i]).collect())).collect()
    }
}
