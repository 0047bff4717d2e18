//! Memories by name, as a debugger or a loader sees them.

use super::error::SimulatorError;
use super::simulator::{Simulator, unknown};
use crate::bits::Bits;

/// A memory of a simulator; see [`Simulator::memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryHandle {
    index: u32,
    /// Number of words.
    pub depth: usize,
    /// Word width in bits.
    pub width: usize,
}

impl Simulator {
    /// The memory with this hierarchical name: instance names from below the top, and the memory's, joined by points
    /// (`amp.weights.mem`).
    ///
    /// # Errors
    /// [`SimulatorError::Unknown`], with the names that exist.
    pub fn memory(&self, path: &str) -> Result<MemoryHandle, SimulatorError> {
        let memories = &self.program.memories;
        match memories.iter().position(|memory| memory.name == path) {
            Some(index) => {
                let (depth, width) = (memories[index].depth, memories[index].width);
                Ok(MemoryHandle { index: index as u32, depth, width })
            }
            None => Err(unknown("memory", path, memories.iter().map(|memory| memory.name.as_str()).collect())),
        }
    }

    /// A word of a memory, little-endian in 64-bit words.
    ///
    /// # Panics
    /// If `index` is at or past the depth.
    pub fn read_word(&self, memory: MemoryHandle, index: usize) -> &[u64] {
        let (first, stride) = self.word_place(memory, index);
        &self.memory[first..][..stride]
    }

    /// A word of a memory.
    ///
    /// # Panics
    /// If `index` is at or past the depth.
    pub fn read_word_bits(&self, memory: MemoryHandle, index: usize) -> Bits {
        Bits::from_words(self.read_word(memory, index), memory.width)
    }

    /// Replaces a word of a memory; words that are missing are zero, and bits past the width are dropped.
    ///
    /// # Panics
    /// If `index` is at or past the depth.
    pub fn write_word(&mut self, memory: MemoryHandle, index: usize, words: &[u64]) {
        self.write_word_bits(memory, index, &Bits::from_words(words, memory.width));
    }

    /// Replaces a word of a memory.
    ///
    /// # Panics
    /// If `index` is at or past the depth, or `value` has another width than the memory.
    pub fn write_word_bits(&mut self, memory: MemoryHandle, index: usize, value: &Bits) {
        assert_eq!(value.width(), memory.width, "a word of `{}`", self.program.memories[memory.index as usize].name);
        let (first, stride) = self.word_place(memory, index);
        self.memory[first..][..stride].copy_from_slice(value.words());
        // Asynchronous reads may show it.
        self.states_changed = true;
        self.inputs_changed = true;
    }

    fn word_place(&self, memory: MemoryHandle, index: usize) -> (usize, usize) {
        let layout = &self.program.memories[memory.index as usize];
        assert!(index < layout.depth, "word {index} of `{}`, which has {} words", layout.name, layout.depth);
        (layout.base + index * layout.stride, layout.stride)
    }
}
