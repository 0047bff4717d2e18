//! A value of any width inside a model's memory, in the layout that Verilator gives it.

/// Where a port, or one word of a memory, is stored.
///
/// Up to 8, 16, 32 and 64 bits Verilator uses the integer of that size; wider values are 32-bit words, lowest
/// first. The bits above the width are zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage {
    pub address: *mut u8,
    pub width_bits: u32,
}

/// 32-bit words that hold `width_bits` bits.
pub(crate) fn word_count(width_bits: u32) -> usize {
    width_bits.div_ceil(32) as usize
}

impl Storage {
    /// # Safety
    /// `address` must point to a value of `width_bits` bits in a live model that nobody else uses meanwhile,
    /// and `width_bits` must be at most 64.
    #[inline]
    pub unsafe fn read_u64(self) -> u64 {
        debug_assert!(self.width_bits <= 64);
        // SAFETY: the caller's promise; the layout is the one above.
        unsafe {
            match self.width_bits {
                0..=8 => self.address.read().into(),
                9..=16 => self.address.cast::<u16>().read().into(),
                17..=32 => self.address.cast::<u32>().read().into(),
                _ => self.address.cast::<u64>().read(),
            }
        }
    }

    /// # Panics
    /// If the value has more bits than the storage.
    ///
    /// # Safety
    /// As [`Storage::read_u64`].
    #[inline]
    pub unsafe fn write_u64(self, value: u64) {
        let fits = self.width_bits == 64 || value >> self.width_bits == 0;
        assert!(fits, "{value:#x} has more than {} bits", self.width_bits);
        // SAFETY: the caller's promise; the value was checked to fit, so no narrowing loses bits.
        unsafe {
            match self.width_bits {
                0..=8 => self.address.write(value as u8),
                9..=16 => self.address.cast::<u16>().write(value as u16),
                17..=32 => self.address.cast::<u32>().write(value as u32),
                _ => self.address.cast::<u64>().write(value),
            }
        }
    }

    /// # Panics
    /// If `words` is not as many words as the width needs.
    ///
    /// # Safety
    /// As [`Storage::read_u64`], for any width.
    pub unsafe fn read(self, words: &mut [u32]) {
        self.check_count(words.len());
        // SAFETY: the caller's promise; there are as many words as were counted.
        unsafe {
            if self.width_bits <= 64 {
                let value = self.read_u64();
                for (index, word) in words.iter_mut().enumerate() {
                    *word = (value >> (32 * index)) as u32;
                }
            } else {
                words.as_mut_ptr().copy_from_nonoverlapping(self.address.cast(), words.len());
            }
        }
    }

    /// # Panics
    /// If `words` is not as many words as the width needs, or has bits above the width.
    ///
    /// # Safety
    /// As [`Storage::read`].
    pub unsafe fn write(self, words: &[u32]) {
        self.check_count(words.len());
        let bits_in_last = self.width_bits % 32;
        let excess = if bits_in_last == 0 { 0 } else { words[words.len() - 1] >> bits_in_last };
        assert!(excess == 0, "{words:x?} has more than {} bits", self.width_bits);
        // SAFETY: the caller's promise; there are as many words as were counted.
        unsafe {
            if self.width_bits <= 64 {
                let high = words.get(1).copied().unwrap_or(0);
                self.write_u64(u64::from(high) << 32 | u64::from(words[0]));
            } else {
                self.address.cast::<u32>().copy_from_nonoverlapping(words.as_ptr(), words.len());
            }
        }
    }

    fn check_count(self, count: usize) {
        let needed = word_count(self.width_bits);
        assert!(count == needed, "{} bits are {needed} words of 32 bits, not {count}", self.width_bits);
    }
}
