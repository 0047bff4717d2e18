//! A model's memories and public registers, by name.

use std::ffi::CStr;

use crate::library::RawVariable;
use crate::tools::name_list;
use crate::value::{Storage, word_count};
use crate::{Error, Model};

/// Handle of a memory, found once by name with [`Model::memory`]. It is good for every model of the same design.
/// A public register is a memory of one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    library: usize,
    index: usize,
    width_bits: u32,
    depth: usize,
}

impl Memory {
    /// The width of a word in bits.
    pub fn width_bits(self) -> u32 {
        self.width_bits
    }

    /// The number of words.
    pub fn depth(self) -> usize {
        self.depth
    }
}

/// A public variable of a model.
#[derive(Debug)]
pub(crate) struct Variable {
    name: String,
    first: Storage,
    depth: usize,
    stride_bytes: usize,
}

/// Memories and registers that the Verilog marks with `/*verilator public_flat_rw*/`, or that
/// [`crate::Options::public`] names. A name is the path from the top module: `bank_0.words`.
impl Model {
    /// The memory of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`], with the names that there are.
    pub fn memory(&self, name: &str) -> Result<Memory, Error> {
        let found = self.variables.iter().position(|variable| variable.name == name);
        let index = found.ok_or_else(|| Error::Unknown {
            kind: "memory",
            name: name.into(),
            top: self.library.top.clone(),
            known: name_list(self.variables.iter().map(|variable| variable.name.as_str())),
        })?;
        let Variable { first, depth, .. } = self.variables[index];
        Ok(Memory { library: self.library.id, index, width_bits: first.width_bits, depth })
    }

    /// The names of all memories and public registers.
    pub fn memory_names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|variable| variable.name.as_str())
    }

    /// Reads one word of a memory into its 32-bit words, lowest first. Words count from the lowest index.
    ///
    /// # Panics
    /// If the memory is of another design or has no such word, or if `words` does not fit it exactly.
    pub fn read_memory(&self, memory: Memory, index: usize, words: &mut [u32]) {
        let storage = self.word(memory, index);
        // SAFETY: the storage belongs to this model, which is alive and used by this thread only.
        unsafe { storage.read(words) }
    }

    /// Writes one word of a memory. Logic that reads it sees the new value at the next [`Model::step`] or
    /// [`Model::eval`].
    ///
    /// # Panics
    /// As [`Model::read_memory`].
    pub fn write_memory(&mut self, memory: Memory, index: usize, words: &[u32]) {
        let storage = self.word(memory, index);
        // SAFETY: as in `read_memory`.
        unsafe { storage.write(words) }
    }

    /// Reads one word of a memory of at most 64 bits.
    ///
    /// # Panics
    /// As [`Model::read_memory`], or if the memory is wider.
    pub fn read_memory_u64(&self, memory: Memory, index: usize) -> u64 {
        let storage = self.narrow_word(memory, index);
        // SAFETY: as in `read_memory`; the width was checked.
        unsafe { storage.read_u64() }
    }

    /// Writes one word of a memory of at most 64 bits, as [`Model::write_memory`].
    ///
    /// # Panics
    /// As [`Model::read_memory`], or if the memory is wider or the value does not fit.
    pub fn write_memory_u64(&mut self, memory: Memory, index: usize, value: u64) {
        let storage = self.narrow_word(memory, index);
        // SAFETY: as in `read_memory`; the width was checked.
        unsafe { storage.write_u64(value) }
    }

    fn word(&self, memory: Memory, index: usize) -> Storage {
        assert!(memory.library == self.library.id, "the memory belongs to another design than `{}`", self.library.top);
        let Variable { ref name, first, depth, stride_bytes } = self.variables[memory.index];
        assert!(index < depth, "`{name}` has {depth} words, and no word {index}");
        Storage { address: first.address.wrapping_add(index * stride_bytes), ..first }
    }

    fn narrow_word(&self, memory: Memory, index: usize) -> Storage {
        assert!(memory.width_bits <= 64, "words of {} bits are wider than 64", memory.width_bits);
        self.word(memory, index)
    }

    pub(crate) fn list_variables(&self) -> Vec<Variable> {
        let raw_variable = |index| {
            let mut raw = std::mem::MaybeUninit::<RawVariable>::uninit();
            // SAFETY: the simulation is alive; `true` means that the variable was filled in.
            unsafe {
                (self.library.variable)(self.simulation.as_ptr(), index, raw.as_mut_ptr()).then(|| raw.assume_init())
            }
        };
        (0..).map_while(raw_variable).map(|raw| self.named_variable(&raw)).collect()
    }

    fn named_variable(&self, raw: &RawVariable) -> Variable {
        // SAFETY: both texts belong to the simulation, which is alive.
        let (scope, name) = unsafe { (CStr::from_ptr(raw.scope), CStr::from_ptr(raw.name)) };
        let path = format!("{}.{}", scope.to_string_lossy(), name.to_string_lossy());
        let from_top = path.strip_prefix(self.library.top.as_str()).and_then(|path| path.strip_prefix('.'));
        let words_fit = word_count(raw.width_bits) * 4 >= raw.stride_bytes as usize;
        assert!(words_fit, "`{path}`: {} bits in {} bytes", raw.width_bits, raw.stride_bytes);
        Variable {
            name: from_top.unwrap_or(&path).to_string(),
            first: Storage { address: raw.data.cast(), width_bits: raw.width_bits },
            depth: raw.depth as usize,
            stride_bytes: raw.stride_bytes as usize,
        }
    }
}
