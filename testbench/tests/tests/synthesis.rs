//! What Yosys makes of `small16`, the tile for boards, on two FPGA families: SRAM becomes block RAM, accumulators,
//! weights and queues distributed RAM, products hard multipliers; no memory becomes flip-flops.
//!
//! The synthesis stops before logic is mapped to look-up tables, which takes longest and changes none of that;
//! `scripts/synthesis` goes on to the end and reports the area.

use std::collections::BTreeMap;

use rtl::design::{MemoryDef, ReadKind};
use system_tests::ExportedTile;
use tile::TileConfig;

/// The result of a synthesis.
struct Mapped {
    /// Number of cells by type.
    cells: BTreeMap<String, usize>,
    log: String,
}

impl Mapped {
    /// Runs `commands`, which end with a flat tile.
    fn new(tile: &ExportedTile, commands: &str) -> Self {
        let log = cosim::yosys(&tile.sources(), &format!("{commands}; stat")).unwrap_or_else(|error| panic!("{error}"));
        let report = log.rsplit_once("Printing statistics.").expect("a report").1;
        let row = |line: &str| {
            let (count, cell) = line.trim().split_once(char::is_whitespace)?;
            Some((cell.trim().to_string(), count.parse().ok()?))
        };
        let cells = report.lines().filter_map(row).collect();
        Self { cells, log }
    }

    fn count(&self, cell: &str) -> usize {
        self.cells.get(cell).copied().unwrap_or(0)
    }

    /// The kinds of memory that Yosys chose, and how many memories each has.
    fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for line in self.log.lines().filter(|line| line.starts_with("mapping memory ")) {
            *kinds.entry(line.rsplit_once(" via ").expect("a kind").1).or_insert(0) += 1;
        }
        kinds
    }

    /// Memories of which Yosys said that they become flip-flops.
    fn turned_into_flip_flops(&self) -> Vec<&str> {
        self.log.lines().filter(|line| line.contains("using FF mapping for memory")).collect()
    }
}

/// The memories of the tile, once for each place where their module stands: SRAM, and all others.
fn memories(tile: &ExportedTile) -> (Vec<&MemoryDef>, Vec<&MemoryDef>) {
    let single_port = |memory: &&MemoryDef| matches!(memory.reads[0].kind, ReadKind::SinglePort { .. });
    tile.instances().into_iter().flat_map(|module| &module.memories).partition(single_port)
}

/// RAM primitives of `words` x `bits` that the memories need.
fn primitives(memories: &[&MemoryDef], words: usize, bits: usize) -> usize {
    memories.iter().map(|memory| memory.depth.div_ceil(words) * memory.width.div_ceil(bits)).sum()
}

/// Checks flip-flops and multipliers, of any family.
fn assert_rams_and_multipliers(mapped: &Mapped, flip_flops: usize, multipliers: usize) {
    assert_eq!(mapped.turned_into_flip_flops(), [""; 0]);
    // About 14,000, registers of pipelines and of memory reads. The weights alone hold 8,192 bits, the accumulators
    // 54,784, the SRAM 589,824.
    assert!((8_000..18_000).contains(&flip_flops), "{flip_flops} flip-flops: {:?}", mapped.cells);
    // A product for each lane and term; the others multiply the counts and strides of descriptors.
    assert!((16..=24).contains(&multipliers), "{multipliers} multipliers: {:?}", mapped.cells);
}

#[test]
fn memories_of_small16_become_ram_and_products_multipliers_on_ecp5() {
    let tile = ExportedTile::new(TileConfig::small16());
    let (sram, others) = memories(&tile);
    let mapped = Mapped::new(&tile, "synth_ecp5 -top tile -run begin:map_luts");
    let kinds = BTreeMap::from([("$__DP16KD_", sram.len()), ("$__TRELLIS_DPR16X4_", others.len())]);
    assert_eq!(mapped.kinds(), kinds);
    assert_eq!(sram.len(), tile.config.banks);
    assert_eq!(mapped.count("DP16KD"), primitives(&sram, 1024, 18));
    assert_eq!(mapped.count("TRELLIS_DPR16X4"), primitives(&others, 16, 4));
    assert_rams_and_multipliers(&mapped, mapped.count("TRELLIS_FF"), mapped.count("MULT18X18D"));
}

#[test]
fn memories_of_small16_become_ram_and_products_multipliers_on_xilinx_7() {
    let tile = ExportedTile::new(TileConfig::small16());
    let (sram, others) = memories(&tile);
    let mapped = Mapped::new(&tile, "synth_xilinx -family xc7 -flatten -top tile -run begin:map_luts");
    let kinds = BTreeMap::from([("$__XILINX_BLOCKRAM_TDP_", sram.len()), ("$__XILINX_LUTRAM_SDP_", others.len())]);
    assert_eq!(mapped.kinds(), kinds);
    assert_eq!(mapped.count("RAMB36E1"), primitives(&sram, 1024, 36));
    assert_eq!(mapped.count("RAM32M"), primitives(&others, 32, 6));
    let flip_flops = mapped.count("FDRE") + mapped.count("FDSE");
    assert_rams_and_multipliers(&mapped, flip_flops, mapped.count("DSP48E1"));
}
