//! `tessera bench`: every figure that the README quotes, measured now.

mod plot;
mod simulators;
mod tiles;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use golden::{ReadOut, Shape};
use kernels::device::{Device, NativeTile};
use kernels::random::Random;
use rtl::verilog;
use serde::Serialize;
use tile::TileConfig;

use super::emit::tile_design;
use super::kernel::verdict;
use super::matmul::{Product, Run, multiply};
use super::{print_text, to_json};
use crate::failure::Failure;
use crate::output_file::OutputFile;

#[derive(Args)]
pub struct Arguments {
    /// Fewer points and shorter runs, for a look
    #[arg(long)]
    quick: bool,
    /// Write an array of named figures to FILE, or print it instead of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    json: Option<Option<PathBuf>>,
    /// Plot utilisation against rows
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// One measured figure.
#[derive(Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// What measures it again.
    command: String,
}

/// What was measured so far.
struct Figures {
    list: Vec<Figure>,
    /// Print each as it comes.
    print: bool,
}

impl Figures {
    fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, command: &str) -> Result<(), Failure> {
        let figure = Figure { name: name.into(), value, unit, command: command.to_owned() };
        if self.print {
            print_text(&line(&figure))?;
        }
        self.list.push(figure);
        Ok(())
    }
}

/// How the command of a figure begins.
const PROGRAM: &str = "cargo run --release --";

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let json_file = arguments.json.iter().flatten().next().map(|path| OutputFile::create(path)).transpose()?;
    let plot_file = arguments.plot.as_deref().map(OutputFile::create).transpose()?;
    let mut figures = Figures { list: vec![], print: arguments.json.is_none() || json_file.is_some() };

    measure_emission(&mut figures)?;
    let sizes: &[(TileConfig, usize)] = &[
        (TileConfig::ipu64(), 64),
        (TileConfig::ipu64(), 128),
        (TileConfig::ipu64(), 256),
        (TileConfig::wide256(), 256),
    ];
    let count = if arguments.quick { 2 } else { sizes.len() };
    for (config, size) in &sizes[..count] {
        measure_product(&mut figures, config, *size)?;
    }
    let rows = measure_rows(&mut figures, arguments.quick)?;
    tiles::measure(&mut figures, arguments.quick)?;
    simulators::measure(&mut figures, arguments.quick)?;
    simulators::measure_tracing(&mut figures, arguments.quick)?;

    if let Some(file) = plot_file {
        let config = TileConfig::ipu64();
        file.commit_text(&plot::utilisation(&rows, &config).map_err(Failure::Run)?)?;
    }
    match (&arguments.json, json_file) {
        (_, Some(file)) => file.commit_text(&(to_json(&figures.list) + "\n")),
        (Some(_), None) => print_text(&(to_json(&figures.list) + "\n")),
        (None, None) => Ok(()),
    }
}

fn line(figure: &Figure) -> String {
    let Figure { name, value, unit, .. } = figure;
    let digits = if *value >= 1000.0 || value.fract() == 0.0 { 0 } else { 4 };
    let mut text = String::new();
    writeln!(text, "{name:<36} {value:>12.digits$} {unit}").expect("a string takes everything");
    text
}

/// From the description in Rust to the Verilog of `ipu64`.
fn measure_emission(figures: &mut Figures) -> Result<(), Failure> {
    let command = format!("{PROGRAM} bench --quick");
    let begin = Instant::now();
    let design = tile_design(&TileConfig::ipu64())?;
    let files = verilog::emit(&design, &verilog::Options::default());
    let seconds = begin.elapsed().as_secs_f64();
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    figures.add("ipu64_elaborate_and_emit", seconds, "s", &command)?;
    figures.add("ipu64_verilog_size", bytes as f64, "bytes", &command)?;
    figures.add("ipu64_verilog_modules", files.len() as f64, "modules", &command)
}

/// A random product of FP16 matrices with FP32 results, on `device`; fails unless it is bit-exact.
fn multiply_random(device: &mut dyn Device, config: &TileConfig, shape: Shape) -> Result<Run, Failure> {
    let product = Product::random(shape, &mut Random::new(0));
    let run = multiply(device, config, &product, ReadOut::default())?;
    verdict(&run.comparison)?;
    Ok(run)
}

/// Cycles and utilisation of a cube.
fn measure_product(figures: &mut Figures, config: &TileConfig, size: usize) -> Result<(), Failure> {
    let shape = Shape { m: size, n: size, k: size };
    let run = multiply_random(&mut NativeTile::new(config)?, config, shape)?;
    let name = format!("{}_{size}x{size}x{size}", config.name);
    let command = format!("{PROGRAM} matmul --config {} --m {size} --n {size} --k {size}", config.name);
    figures.add(format!("{name}_utilisation"), 100.0 * run.report.utilisation(), "%", &command)?;
    figures.add(format!("{name}_cycles"), run.report.cycles as f64, "cycles", &command)?;
    figures.add(format!("{name}_predicted_cycles"), run.report.predicted_cycles as f64, "cycles", &command)
}

/// Columns and K of the products whose rows are varied.
const ROWS_N: usize = 64;
const ROWS_K: usize = 256;

/// Utilisation of `ipu64` (0 to 1) against rows of A.
fn measure_rows(figures: &mut Figures, quick: bool) -> Result<Vec<(usize, f64)>, Failure> {
    let config = TileConfig::ipu64();
    let mut device = NativeTile::new(&config)?;
    let rows: Vec<usize> = if quick { vec![1, 4, 8, 16, 32, 64] } else { (1..=64).collect() };
    let mut points = vec![];
    for m in rows {
        let run = multiply_random(&mut device, &config, Shape { m, n: ROWS_N, k: ROWS_K })?;
        let utilisation = run.report.utilisation();
        let command = format!("{PROGRAM} matmul --m {m} --n {ROWS_N} --k {ROWS_K}");
        figures.add(format!("ipu64_rows_{m}_utilisation"), 100.0 * utilisation, "%", &command)?;
        points.push((m, utilisation));
    }
    Ok(points)
}
