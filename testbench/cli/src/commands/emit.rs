//! `tessera emit`: Verilog files and a file list.

use std::path::PathBuf;

use clap::Args;
use rtl::verilog::{self, VerilogFile};
use rtl::{Design, elaborate};
use tile::{Tile, TileConfig};

use super::print_text;
use crate::failure::Failure;
use crate::options::ConfigOptions;
use crate::output_file::OutputFile;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigOptions,
    /// The outermost module, with everything below it
    #[arg(long, default_value = "tile")]
    top: String,
    /// Folder for one file a module, and TOP.f that lists them; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let design = below(tile_design(&config)?, &arguments.top)?;
    let files = verilog::emit(&design, &verilog::Options::default());
    std::fs::create_dir_all(&arguments.out)
        .map_err(Failure::input(format!("{}: cannot make the folder", arguments.out.display())))?;
    // First make sure that all can be written.
    let list = VerilogFile { name: format!("{}.f", arguments.top), text: file_list(&files) };
    let opened = files
        .iter()
        .chain([&list])
        .map(|file| Ok((OutputFile::create(&arguments.out.join(&file.name))?, &file.text)))
        .collect::<Result<Vec<_>, Failure>>()?;
    opened.into_iter().try_for_each(|(file, text)| file.commit_text(text))?;
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let (count, folder) = (files.len(), arguments.out.display());
    print_text(&format!("{count} modules, {} KB of Verilog: {folder}/{}\n", bytes / 1000, list.name))
}

/// The whole tile.
pub fn tile_design(config: &TileConfig) -> Result<Design, Failure> {
    elaborate(&Tile { config: config.clone() }).map_err(|errors| Failure::Run(errors.to_string()))
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

/// The files, children before parents, as simulators and synthesis tools read them with `-f`.
fn file_list(files: &[VerilogFile]) -> String {
    files.iter().map(|file| format!("{}\n", file.name)).collect()
}
