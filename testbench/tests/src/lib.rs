//! System tests: claims about the whole of Tessera rather than one part of it. They are in `tests/`.
//!
//! | test        | what it claims                                                                    |
//! |-------------|-----------------------------------------------------------------------------------|
//! | `verilog`   | three tools accept the Verilog of each named configuration; its size and modules  |
//! | `synthesis` | on two FPGA families, memories become RAM and products become multipliers         |
//! | `matmul`    | products on both simulators: bits, flags and cycles                               |
//! | `convolution` | convolutions on both simulators: bits and flags                                  |
//! | `vector`    | random vector programs, networks and epilogues in Verilator                       |
//! | `workspace` | who depends on whom, who starts processes, how the sources are kept               |

use rtl::design::ModuleDef;
use rtl::verilog::{self, Options};
use tile::{Tile, TileConfig};

/// A tile as it is exported: the checked design and its Verilog files.
pub struct ExportedTile {
    /// The configuration.
    pub config: TileConfig,
    /// The elaborated design.
    pub design: rtl::Design,
    /// One file a module.
    pub files: Vec<verilog::VerilogFile>,
}

impl ExportedTile {
    /// Elaborates and emits a tile.
    ///
    /// # Panics
    /// If the configuration cannot be built.
    pub fn new(config: TileConfig) -> Self {
        let design =
            rtl::elaborate(&Tile::new(config.clone())).unwrap_or_else(|errors| panic!("{}:\n{errors}", config.name));
        let files = verilog::emit(&design, &Options::default());
        Self { config, design, files }
    }

    /// Every module once for each place in the hierarchy where it stands, the top first.
    pub fn instances(&self) -> Vec<&ModuleDef> {
        fn visit<'d>(design: &'d rtl::Design, module: &'d ModuleDef, found: &mut Vec<&'d ModuleDef>) {
            found.push(module);
            module.instances.iter().for_each(|child| visit(design, &design.modules[child.module], found));
        }
        let mut found = vec![];
        visit(&self.design, self.design.top(), &mut found);
        found
    }

    /// Its files, for the tools that read Verilog.
    pub fn sources(&self) -> cosim::Design {
        let top = cosim::Design::new(&self.design.top().name);
        self.files.iter().fold(top, |sources, file| sources.source(&file.name, &file.text))
    }
}
