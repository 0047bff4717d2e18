//! `tessera emit`: Verilog files, a file list, a FuseSoC core, and for the whole tile a testbench; of one tile or of a
//! machine of many.

mod fusesoc;
mod testbench;

use std::path::PathBuf;

use clap::Args;
use exchange::{Grid, GridConfig};
use rtl::verilog::{self, VerilogFile};
use rtl::{Design, Module, elaborate};
use tile::{Tile, TileConfig};

use self::fusesoc::Core;
use super::print_text;
use crate::failure::Failure;
use crate::options::ConfigOptions;
use crate::output_file::OutputFile;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigOptions,
    /// A machine of so many tiles, with what joins them, rather than one tile
    #[arg(long, value_name = "N")]
    tiles: Option<usize>,
    /// The outermost module, with everything below it [default: tile, or the machine]
    #[arg(long)]
    top: Option<String>,
    /// Folder for one file a module, TOP.f that lists them, and TOP.core; made if it is not there
    ///
    /// The names in TOP.f are relative to it: `verilator -F DIR/TOP.f` from anywhere; Icarus Verilog, which has no
    /// such option, takes `-f TOP.f` inside the folder. TOP.core is a core for FuseSoC with the targets lint and synth
    /// and, for the whole tile, sim, which runs the testbench tile_tb.sv: `fusesoc --cores-root DIR run --target lint
    /// NAME`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let mut design = match arguments.tiles {
        None => tile_design(&config)?,
        Some(tiles) => grid_design(&config, tiles)?,
    };
    if let Some(top) = &arguments.top {
        design = below(design, top)?;
    }
    let files = verilog::emit(&design, &verilog::Options::default());
    let top = &design.top().name;
    let testbench = (*top == whole(&config).name()).then_some(testbench::NAME);
    let summary = &design.top().summary;
    let core = Core { config: &config.name, top, summary, files: &files, testbench };
    let mut others = vec![
        VerilogFile { name: format!("{top}.f"), text: file_list(&files) },
        VerilogFile { name: format!("{top}.core"), text: core.text() },
    ];
    if testbench.is_some() {
        others.push(VerilogFile { name: format!("{}.sv", testbench::NAME), text: testbench::text(&config)? });
    }
    std::fs::create_dir_all(&arguments.out)
        .map_err(Failure::input(format!("{}: cannot make the folder", arguments.out.display())))?;
    // First make sure that all can be written.
    let opened = files
        .iter()
        .chain(&others)
        .map(|file| Ok((OutputFile::create(&arguments.out.join(&file.name))?, file.text.as_str())))
        .collect::<Result<Vec<_>, Failure>>()?;
    OutputFile::commit_all(opened)?;
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let (count, folder) = (files.len(), arguments.out.display());
    print_text(&format!(
        "{count} modules, {} KB of Verilog: {folder}/{top}.f\nFuseSoC core: {}\n",
        bytes / 1000,
        core.name()
    ))
}

/// The whole tile.
fn whole(config: &TileConfig) -> Tile {
    Tile::new(config.clone())
}

/// The design of the whole tile.
pub fn tile_design(config: &TileConfig) -> Result<Design, Failure> {
    elaborate(&whole(config)).map_err(|errors| Failure::Run(errors.to_string()))
}

/// The design of a machine.
fn grid_design(config: &TileConfig, tiles: usize) -> Result<Design, Failure> {
    let config = GridConfig::new(config.clone(), tiles);
    config.validate().map_err(Failure::input(format!("--tiles {tiles}")))?;
    elaborate(&Grid { config }).map_err(|errors| Failure::Run(errors.to_string()))
}

/// The part of a design from `top` down, children before parents.
fn below(mut design: Design, top: &str) -> Result<Design, Failure> {
    let Some(index) = design.modules.iter().position(|module| module.name == top) else {
        let names: Vec<&str> = design.modules.iter().rev().map(|module| module.name.as_str()).collect();
        return Err(Failure::Input(format!("--top {top}: expected one of {}", names.join(", "))));
    };
    let mut needed = vec![false; design.modules.len()];
    needed[index] = true;
    for parent in (0..=index).rev() {
        if needed[parent] {
            design.modules[parent].instances.iter().for_each(|instance| needed[instance.module] = true);
        }
    }
    // Instances name modules by their place, which changes as others leave.
    let places: Vec<usize> = needed
        .iter()
        .scan(0, |next, &needed| {
            let place = *next;
            *next += usize::from(needed);
            Some(place)
        })
        .collect();
    let mut keep = needed.iter();
    design.modules.retain(|_| *keep.next().expect("one for each module"));
    for module in &mut design.modules {
        module.instances.iter_mut().for_each(|instance| instance.module = places[instance.module]);
    }
    Ok(design)
}

/// The files, children before parents, by names that are relative to the list.
fn file_list(files: &[VerilogFile]) -> String {
    files.iter().map(|file| format!("{}\n", file.name)).collect()
}
