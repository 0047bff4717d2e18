//! The memory of a network.
//!
//! ```text
//!   0 | activations --> ...      | program --> |     <-- rows | weights | ... | end
//! ```
//! What is read or written at the same time is in different banks: each activation begins a bank, weights share banks
//! with weights, and single rows (biases, factors) with single rows.

use tile::TileConfig;

/// Who has what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkMemory {
    bank_bytes: u32,
    /// End of the activations that are needed, and of all that there ever were.
    activations: u32,
    highest: u32,
    /// End of the memory, and bytes below it that constants have.
    end: u32,
    constants: u32,
    weights: Banks,
    rows: Banks,
}

/// Banks that are not full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Banks {
    next: u32,
    end: u32,
}

impl NetworkMemory {
    pub fn new(config: &TileConfig) -> Self {
        NetworkMemory {
            bank_bytes: config.bank_bytes() as u32,
            activations: 0,
            highest: 0,
            end: config.memory_bytes() as u32,
            constants: 0,
            weights: Banks::default(),
            rows: Banks::default(),
        }
    }

    /// Place for an activation.
    pub fn activations(&mut self, bytes: u32) -> u32 {
        let address = self.activations;
        self.touch(address + bytes);
        self.activations = (address + bytes).next_multiple_of(self.bank_bytes);
        address
    }

    /// Something is there up to an address, for now.
    pub fn touch(&mut self, end: u32) {
        self.highest = self.highest.max(end.next_multiple_of(self.bank_bytes));
    }

    /// Where the next activation goes.
    pub fn mark(&self) -> u32 {
        self.activations
    }

    /// The next activation goes where it would have gone at the mark.
    pub fn release(&mut self, mark: u32) {
        self.activations = mark;
    }

    /// Place for weights.
    pub fn weights(&mut self, bytes: u32) -> u32 {
        let banks = self.room(self.weights, bytes);
        self.weights = Banks { next: banks.next + Self::aligned(bytes), ..banks };
        banks.next
    }

    /// Place for a row.
    pub fn row(&mut self, bytes: u32) -> u32 {
        let banks = self.room(self.rows, bytes);
        self.rows = Banks { next: banks.next + Self::aligned(bytes), ..banks };
        banks.next
    }

    /// Where the program begins.
    pub fn program(&self) -> u32 {
        self.highest
    }

    /// Bytes without the program.
    pub fn bytes(&self) -> usize {
        self.highest as usize + self.constants as usize
    }

    /// The banks, or new ones below all others if they have no room. Where there are none left, [`NetworkMemory::bytes`]
    /// says so.
    fn room(&mut self, banks: Banks, bytes: u32) -> Banks {
        if banks.next + bytes <= banks.end {
            return banks;
        }
        let new = bytes.next_multiple_of(self.bank_bytes);
        self.constants += new;
        let next = self.end.saturating_sub(self.constants);
        Banks { next, end: next + new }
    }

    /// Streams move up to 32 bytes at a time.
    fn aligned(bytes: u32) -> u32 {
        bytes.next_multiple_of(32)
    }
}
