//! Where everything lies in a tile's memory.
//!
//! Banks are contiguous ranges, and two streams in one bank take turns. So each stream gets banks of its own where
//! the memory has enough of them; otherwise the regions follow each other without a gap.

use std::ops::Range;

use isa::WORD_BYTES;
use tile::TileConfig;

/// Consecutive bytes: rows of equal length, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Region {
    /// Byte address, a multiple of a stream's access.
    pub address: u32,
    /// Size in bytes, likewise.
    pub bytes: u32,
    /// Words of 8 bytes from one row to the next.
    pub pitch_words: u32,
}

impl Region {
    /// The bytes.
    pub fn range(&self) -> Range<u32> {
        self.address..self.address + self.bytes
    }

    /// The address after the last byte.
    pub fn end(&self) -> u32 {
        self.address + self.bytes
    }

    /// Byte address of a row.
    pub fn row(&self, row: usize) -> u32 {
        self.address + row as u32 * self.pitch_words * WORD_BYTES
    }
}

/// The memory of a plan. All its launches share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Commands, descriptors and the block list.
    pub program: Region,
    /// Rows of A.
    pub inputs: Region,
    /// Weight blocks of B: for each 16 columns all K, 16 columns a row.
    pub weights: Region,
    /// Results.
    pub results: Region,
    /// Partial sums, as results are laid out; empty where there are none. Launches that continue one another swap
    /// the two.
    pub partials: Region,
    /// The bias, one row; empty where there is none.
    pub bias: Region,
    /// Each region has banks of its own.
    pub conflict_free: bool,
}

/// Sizes of the regions, in bytes, and of their rows, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    pub program: (u32, u32),
    pub inputs: (u32, u32),
    pub weights: (u32, u32),
    pub results: (u32, u32),
    pub partials: (u32, u32),
    pub bias: (u32, u32),
}

impl Sizes {
    fn all(&self) -> [(u32, u32); 6] {
        [self.program, self.inputs, self.weights, self.results, self.partials, self.bias]
    }

    /// Whether the regions fit, each in banks of its own.
    pub fn fit_in_banks(&self, config: &TileConfig) -> bool {
        let bank = config.bank_bytes() as u32;
        self.all().iter().map(|(bytes, _)| bytes.div_ceil(bank) as usize).sum::<usize>() <= config.banks
    }

    /// Whether the regions fit at all.
    pub fn fit(&self, config: &TileConfig) -> bool {
        let access = access_bytes(config);
        self.all().iter().map(|(bytes, _)| bytes.next_multiple_of(access) as usize).sum::<usize>()
            <= config.memory_bytes()
    }

    /// Places the regions. Panics unless they fit.
    pub fn place(&self, config: &TileConfig) -> Layout {
        assert!(self.fit(config), "the planner asks for {self:?}, more than {} has", config.name);
        let conflict_free = self.fit_in_banks(config);
        let alignment = if conflict_free { config.bank_bytes() as u32 } else { access_bytes(config) };
        let mut end = 0;
        let regions = self.all().map(|(bytes, pitch_words)| {
            let region = Region { address: end, bytes, pitch_words };
            end = region.end().next_multiple_of(alignment);
            region
        });
        let [program, inputs, weights, results, partials, bias] = regions;
        Layout { program, inputs, weights, results, partials, bias, conflict_free }
    }
}

impl Layout {
    /// The regions, with their names.
    pub fn regions(&self) -> [(&'static str, Region); 6] {
        [
            ("program", self.program),
            ("inputs", self.inputs),
            ("weights", self.weights),
            ("results", self.results),
            ("partials", self.partials),
            ("bias", self.bias),
        ]
    }
}

/// Bytes of a stream's access.
pub fn access_bytes(config: &TileConfig) -> u32 {
    config.amp().access_words() as u32 * WORD_BYTES
}
