//! Where everything lies in a tile's memory.
//!
//! Banks are contiguous ranges, and two streams in one bank take turns. So each stream gets banks of its own where
//! the memory has enough of them; otherwise those share that want the memory least.

use std::ops::Range;

use isa::WORD_BYTES;
use tile::TileConfig;

use crate::vector::Matrix;

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

    /// The same for the vector engine.
    pub fn matrix(&self, fp16: bool) -> Matrix {
        Matrix { address: self.address, pitch_words: self.pitch_words, fp16 }
    }

    /// Byte address of a row.
    pub fn row(&self, row: usize) -> u32 {
        self.address + row as u32 * self.pitch_words * WORD_BYTES
    }
}

/// The memory of a plan. All its launches share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    /// FP32 sums that an epilogue makes results of; empty without.
    pub sums: Region,
    /// What it adds to them; empty without.
    pub residual: Region,
    /// What it keeps on the way; empty without.
    pub scratch: Region,
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
    pub sums: (u32, u32),
    pub residual: (u32, u32),
    pub scratch: (u32, u32),
}

const REGIONS: usize = 9;

/// Which regions share banks, best first: the regions of a group follow each other, each group begins a bank. Regions
/// are numbered in the order of [`Layout::regions`].
const SHARINGS: [&[&[usize]]; 4] = [
    &[&[0], &[1], &[2], &[3], &[4], &[5], &[6], &[7], &[8]],
    &[&[0, 5, 4, 7], &[1], &[2], &[3], &[6], &[8]],
    &[&[0, 5, 4, 7, 2], &[1], &[3, 8], &[6]],
    &[&[0, 5, 4, 7, 2, 3, 8], &[1], &[6]],
];

/// One way to share banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing(Option<usize>);

impl Sharing {
    /// Every way, the one with the fewest conflicts first; with the last, everything follows each other.
    pub fn all() -> impl Iterator<Item = Sharing> {
        (0..SHARINGS.len()).map(|index| Sharing(Some(index))).chain([Sharing(None)])
    }

    fn groups(self) -> &'static [&'static [usize]] {
        self.0.map_or(&[&[0, 5, 4, 7, 2, 3, 8, 1, 6]], |index| SHARINGS[index])
    }
}

impl Sizes {
    fn all(&self) -> [(u32, u32); REGIONS] {
        let Sizes { program, inputs, weights, results, partials, bias, sums, residual, scratch } = *self;
        [program, inputs, weights, results, partials, bias, sums, residual, scratch]
    }

    /// Whether the regions fit when they share banks in this way.
    pub fn fit(&self, config: &TileConfig, sharing: Sharing) -> bool {
        let (access, bank) = (access_bytes(config), config.bank_bytes() as u32);
        let sizes = self.all();
        let group_bytes =
            |group: &&[usize]| -> u32 { group.iter().map(|&region| sizes[region].0.next_multiple_of(access)).sum() };
        let banks: u32 = sharing.groups().iter().map(|group| group_bytes(group).div_ceil(bank)).sum();
        banks as usize <= config.banks
    }

    /// Places the regions. Panics unless they fit.
    pub fn place(&self, config: &TileConfig, sharing: Sharing) -> Layout {
        assert!(self.fit(config, sharing), "the planner asks for {self:?}, more than {} has", config.name);
        let (access, bank) = (access_bytes(config), config.bank_bytes() as u32);
        let sizes = self.all();
        let mut regions = [Region::default(); REGIONS];
        let mut end = 0u32;
        for group in sharing.groups() {
            end = end.next_multiple_of(bank);
            for &region in *group {
                let (bytes, pitch_words) = sizes[region];
                regions[region] = Region { address: end, bytes, pitch_words };
                end += bytes.next_multiple_of(access);
            }
        }
        let [program, inputs, weights, results, partials, bias, sums, residual, scratch] = regions;
        let conflict_free = sharing == Sharing(Some(0));
        Layout { program, inputs, weights, results, partials, bias, sums, residual, scratch, conflict_free }
    }
}

impl Layout {
    /// The first bank in which there is no region, as a byte address.
    pub fn free_banks(&self, config: &TileConfig) -> u32 {
        let end = self.regions().map(|(_, region)| region.end()).into_iter().max().expect("regions");
        end.next_multiple_of(config.bank_bytes() as u32)
    }

    /// The regions, with their names.
    pub fn regions(&self) -> [(&'static str, Region); REGIONS] {
        [
            ("program", self.program),
            ("inputs", self.inputs),
            ("weights", self.weights),
            ("results", self.results),
            ("partials", self.partials),
            ("bias", self.bias),
            ("sums", self.sums),
            ("residual", self.residual),
            ("scratch", self.scratch),
        ]
    }
}

/// Bytes of a stream's access.
pub fn access_bytes(config: &TileConfig) -> u32 {
    config.amp().access_words() as u32 * WORD_BYTES
}
