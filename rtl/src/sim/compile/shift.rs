//! Shifts by a variable amount: one word, two words, and any number of words.

use super::graph::{Graph, Term, Word, fill_down, ones};

impl Graph {
    fn shift_left_word(&mut self, a: Word, by: Word, keep: usize) -> Word {
        match self.value(by) {
            Some(by) if by < 64 => self.place(a, by as u8, (u64::MAX << by) & ones(keep)),
            Some(_) => self.zero(),
            None if self.value(a) == Some(0) => a,
            None => self.intern(Term::ShiftLeft { a, by, keep: keep as u8 }, ones(keep)),
        }
    }

    fn shift_right_word(&mut self, a: Word, by: Word) -> Word {
        match self.value(by) {
            Some(by) if by < 64 => self.place(a, (64 - by as u8) % 64, u64::MAX >> by),
            Some(_) => self.zero(),
            None if self.value(a) == Some(0) => a,
            None => {
                let may = fill_down(self.may(a));
                self.intern(Term::ShiftRight { a, by }, may)
            }
        }
    }

    fn shift_right_signed_word(&mut self, a: Word, by: Word, bits: usize) -> Word {
        if self.may(a) >> (bits - 1) == 0 {
            return self.shift_right_word(a, by);
        }
        if let Some(by) = self.value(by) {
            let right = 64 - bits + by.min(bits as u64 - 1) as usize;
            return self.sign_extend(a, 64 - bits, right, bits);
        }
        self.intern(Term::ShiftRightSigned { a, by, bits: bits as u8 }, ones(bits))
    }

    fn funnel_left(&mut self, high: Word, low: Word, by: Word, keep: usize) -> Word {
        if self.value(low) == Some(0) {
            return self.shift_left_word(high, by, keep);
        }
        if let Some(by) = self.value(by) {
            let by = by.min(128) as u8;
            let (from_high, from_low) = match by {
                0..64 => (self.place(high, by, (u64::MAX << by) & ones(keep)), by),
                64..128 => (self.zero(), by - 64),
                _ => return self.zero(),
            };
            let mask = if by < 64 { ones(by.into()) } else { u64::MAX << from_low };
            return self.insert(from_high, low, from_low, mask & ones(keep));
        }
        self.intern(Term::FunnelLeft { high, low, by, keep: keep as u8 }, ones(keep))
    }

    fn funnel_right(&mut self, high: Word, low: Word, by: Word) -> Word {
        if self.value(high) == Some(0) {
            return self.shift_right_word(low, by);
        }
        if let Some(by) = self.value(by) {
            let by = by.min(128) as u8;
            return match by {
                0 => low,
                1..64 => {
                    let from_low = self.place(low, 64 - by, u64::MAX >> by);
                    self.insert(from_low, high, 64 - by, !(u64::MAX >> by))
                }
                64..128 => self.place(high, (128 - by) % 64, u64::MAX >> (by - 64)),
                _ => self.zero(),
            };
        }
        self.intern(Term::FunnelRight { high, low, by }, u64::MAX)
    }

    fn funnel_right_signed(&mut self, high: Word, low: Word, by: Word) -> Word {
        if self.may(high) >> 63 == 0 {
            return self.funnel_right(high, low, by);
        }
        if let Some(by) = self.value(by) {
            if by >= 64 {
                return self.sign_extend(high, 0, (by - 64).min(63) as usize, 64);
            }
            let by = self.constant(by);
            return self.funnel_right(high, low, by);
        }
        self.intern(Term::FunnelRightSigned { high, low, by }, u64::MAX)
    }

    /// An amount of any width as one word; what does not fit becomes the largest.
    pub fn clamp(&mut self, amount: &[Word]) -> Word {
        let mut upper = self.zero();
        for &word in &amount[1..] {
            upper = self.or(upper, word);
        }
        let too_large = self.any(upper);
        let largest = self.constant(u64::MAX);
        self.mux(too_large, largest, amount[0])
    }

    /// The words shifted by the whole words of `amount`, `entering` filling up, and the remaining shift (0..64).
    fn shift_words(&mut self, words: &[Word], amount: Word, entering: Word, left: bool) -> (Vec<Word>, Word) {
        let mut words = words.to_vec();
        let mut stage = 0;
        while 1 << stage < words.len() {
            let bit = self.place(amount, (64 - 6 - stage as u8) % 64, 1);
            let distance = 1usize << stage;
            let moved = |i: usize| match left {
                true => i.checked_sub(distance),
                false => Some(i + distance).filter(|&from| from < words.len()),
            };
            let sources: Vec<Option<usize>> = (0..words.len()).map(moved).collect();
            words = sources
                .iter()
                .enumerate()
                .map(|(i, from)| {
                    let shifted = from.map_or(entering, |from| words[from]);
                    self.mux(bit, shifted, words[i])
                })
                .collect();
            stage += 1;
        }
        let past = self.place(amount, (64 - 6 - stage as u8) % 64, u64::MAX >> (6 + stage));
        let past = self.any(past);
        let words = words.into_iter().map(|word| self.mux(past, entering, word)).collect();
        let rest = self.place(amount, 0, 63);
        (words, rest)
    }

    /// Left shift of a `width`-bit value.
    pub fn shift_left(&mut self, a: &[Word], amount: &[Word], width: usize) -> Vec<Word> {
        let by = self.clamp(amount);
        let top = width - 64 * (a.len() - 1);
        match *a {
            [a] => vec![self.shift_left_word(a, by, width)],
            [low, high] => vec![self.shift_left_word(low, by, 64), self.funnel_left(high, low, by, top)],
            _ => {
                let zero = self.zero();
                let (words, rest) = self.shift_words(a, by, zero, true);
                let keep = |i: usize| if i + 1 == words.len() { top } else { 64 };
                let low = |i: usize| if i == 0 { zero } else { words[i - 1] };
                (0..words.len()).map(|i| self.funnel_left(words[i], low(i), rest, keep(i))).collect()
            }
        }
    }

    /// Logical right shift.
    pub fn shift_right(&mut self, a: &[Word], amount: &[Word]) -> Vec<Word> {
        let by = self.clamp(amount);
        match *a {
            [a] => vec![self.shift_right_word(a, by)],
            [low, high] => vec![self.funnel_right(high, low, by), self.shift_right_word(high, by)],
            _ => {
                let zero = self.zero();
                let (words, rest) = self.shift_words(a, by, zero, false);
                let high = |i: usize| words.get(i + 1).copied().unwrap_or(zero);
                (0..words.len()).map(|i| self.funnel_right(high(i), words[i], rest)).collect()
            }
        }
    }

    /// Arithmetic right shift of a `width`-bit value.
    pub fn shift_right_signed(&mut self, a: &[Word], amount: &[Word], width: usize) -> Vec<Word> {
        let by = self.clamp(amount);
        let top = width - 64 * (a.len() - 1);
        if let [a] = *a {
            return vec![self.shift_right_signed_word(a, by, width)];
        }
        let mut words = a.to_vec();
        let last = words.len() - 1;
        words[last] = self.sign_extend(words[last], 64 - top, 64 - top, 64);
        let mut shifted = match *words {
            [low, high] => {
                vec![self.funnel_right_signed(high, low, by), self.shift_right_signed_word(high, by, 64)]
            }
            _ => {
                let sign = self.sign_extend(words[last], 0, 63, 64);
                let (words, rest) = self.shift_words(&words, by, sign, false);
                let high = |i: usize| words.get(i + 1).copied().unwrap_or(sign);
                (0..words.len()).map(|i| self.funnel_right(high(i), words[i], rest)).collect()
            }
        };
        shifted[last] = self.place(shifted[last], 0, ones(top));
        shifted
    }
}
