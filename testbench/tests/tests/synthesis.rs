//! What Yosys makes of `small16`, the tile for boards, on two FPGA families: SRAM becomes block RAM, accumulators,
//! weights and queues distributed RAM, products hard multipliers; no memory becomes flip-flops.
//!
//! Modules without memories are left out of the tile, and one lane's dot product stands for all; the synthesis stops
//! before logic is mapped to look-up tables. `scripts/synthesis` takes everything to the end and reports the area.

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

/// Yosys' command that empties the modules at the ends of the hierarchy in which there is no memory.
fn without_memories(tile: &ExportedTile) -> String {
    let modules = tile.design.modules.iter().filter(|module| module.instances.is_empty() && module.memories.is_empty());
    let names: Vec<&str> = modules.map(|module| module.name.as_str()).collect();
    assert!(names.iter().any(|name| name.starts_with("dot_product")), "{names:?}");
    format!("hierarchy -check -top tile; blackbox {}", names.join(" "))
}

/// The module that multiplies.
fn dot_product(tile: &ExportedTile) -> &str {
    let mut names = tile.design.modules.iter().map(|module| module.name.as_str());
    names.find(|name| name.starts_with("dot_product")).expect("a dot product")
}

/// Checks that memories did not become flip-flops: about 5,000 are registers of pipelines and of memory reads. The weights
/// alone hold 8,192 bits, the accumulators 54,784, the SRAM 589,824.
fn assert_flip_flops(mapped: &Mapped, flip_flops: usize) {
    assert_eq!(mapped.turned_into_flip_flops(), [""; 0]);
    assert!((2_000..12_000).contains(&flip_flops), "{flip_flops} flip-flops: {:?}", mapped.cells);
}

#[test]
fn memories_of_small16_become_ram_and_products_multipliers_on_ecp5() {
    let tile = ExportedTile::new(TileConfig::small16());
    let (sram, others) = memories(&tile);
    let mapped = Mapped::new(&tile, &format!("{}; synth_ecp5 -top tile -run begin:map_luts", without_memories(&tile)));
    let kinds = BTreeMap::from([("$__DP16KD_", sram.len()), ("$__TRELLIS_DPR16X4_", others.len())]);
    assert_eq!(mapped.kinds(), kinds);
    assert_eq!(sram.len(), tile.config.banks);
    assert_eq!(mapped.count("DP16KD"), primitives(&sram, 1024, 18));
    assert_eq!(mapped.count("TRELLIS_DPR16X4"), primitives(&others, 16, 4));
    assert_flip_flops(&mapped, mapped.count("TRELLIS_FF"));
    let lane = Mapped::new(&tile, &format!("synth_ecp5 -top {} -run begin:map_luts", dot_product(&tile)));
    assert_eq!(lane.count("MULT18X18D"), tile.config.terms, "{:?}", lane.cells);
}

#[test]
fn memories_of_small16_become_ram_and_products_multipliers_on_xilinx_7() {
    let tile = ExportedTile::new(TileConfig::small16());
    let (sram, others) = memories(&tile);
    let synthesis = "synth_xilinx -family xc7 -flatten -run begin:map_luts";
    let mapped = Mapped::new(&tile, &format!("{}; {synthesis} -top tile", without_memories(&tile)));
    let kinds = BTreeMap::from([("$__XILINX_BLOCKRAM_TDP_", sram.len()), ("$__XILINX_LUTRAM_SDP_", others.len())]);
    assert_eq!(mapped.kinds(), kinds);
    assert_eq!(mapped.count("RAMB36E1"), primitives(&sram, 1024, 36));
    assert_eq!(mapped.count("RAM32M"), primitives(&others, 32, 6));
    assert_flip_flops(&mapped, mapped.count("FDRE") + mapped.count("FDSE"));
    let lane = Mapped::new(&tile, &format!("{synthesis} -top {}", dot_product(&tile)));
    assert_eq!(lane.count("DSP48E1"), tile.config.terms, "{:?}", lane.cells);
}
