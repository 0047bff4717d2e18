//! The words that a program works on, aligned so that the lanes of an instruction lie in one line of the cache.

use std::ops::{Deref, DerefMut};

use super::program::LANES;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; LANES]);

/// A list of words.
pub struct Arena(Vec<Line>);

impl Arena {
    /// The words, and zeros up to a whole number of lines.
    pub fn new(words: &[u64]) -> Self {
        let line = |words: &[u64]| {
            let mut line = Line([0; LANES]);
            line.0[..words.len()].copy_from_slice(words);
            line
        };
        Arena(words.chunks(LANES).map(line).collect())
    }
}

impl Deref for Arena {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        // SAFETY: a line is exactly so many words, without padding, and initialised.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), LANES * self.0.len()) }
    }
}

impl DerefMut for Arena {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as above; the lines are borrowed for as long as the words are.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), LANES * self.0.len()) }
    }
}
