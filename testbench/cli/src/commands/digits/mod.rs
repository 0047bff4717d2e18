//! `tessera digits`: handwritten digits through a small network, on one tile or many.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use exchange::GridConfig;
use golden::{Flags, OutputType};
use kernels::comparison::Comparison;
use kernels::device::{Counters, Device, GridHost, NativeGrid, Pins, VerilatorGrid};
use kernels::digits::{CLASSES, Digits, DigitsWeights, PIXELS, expected, read_digits};
use kernels::network::{NetworkError, NetworkReport};
use serde::Serialize;
use tile::TileConfig;

use super::kernel::{check_tiles, timed, verdict_at};
use super::summary::{Lines, flag_names, golden_line, grouped, lost, numeric_lines, prediction, table};
use super::{print_json, print_text};
use crate::failure::Failure;
use crate::options::{ConfigOptions, Simulator, SimulatorOptions, WITH_VECTOR_ENGINE};

mod data;
mod pictures;

#[derive(Args)]
#[command(mut_arg("config", |config| config.default_value(WITH_VECTOR_ENGINE)))]
pub struct Arguments {
    /// Images, of those that were held out; else all
    #[arg(long, value_name = "N")]
    images: Option<usize>,
    /// Tiles that share the images, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 1)]
    tiles: usize,
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    simulator: SimulatorOptions,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// What all runs together gave.
struct Run {
    /// The chances of the digits, an image a row.
    chances: Vec<u32>,
    flags: Flags,
    cycles: u64,
    layer_cycles: Vec<u64>,
    counters: Counters,
    launches: usize,
}

/// An image that was taken for another digit.
#[derive(Serialize)]
struct Misread {
    image: usize,
    read: usize,
    is: usize,
}

/// Cycles that an image takes in a layer.
#[derive(Serialize)]
struct LayerSummary<'a> {
    name: &'a str,
    cycles_per_image: f64,
    predicted_cycles_per_image: f64,
    macs_per_image: u64,
}

/// The object that `--json` prints. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
struct Summary<'a> {
    config: &'a str,
    simulator: &'a str,
    tiles: usize,
    images: usize,
    /// Images of a launch on each tile.
    images_at_a_time: usize,
    accuracy: f64,
    misread: Vec<Misread>,
    /// From START to DONE, over all launches, of the tile that took longest.
    cycles: u64,
    predicted_cycles: u64,
    layers: Vec<LayerSummary<'a>>,
    /// Sticky flags that were raised.
    flags: Vec<&'static str>,
    /// Results that are NaN, overflowed, or were rounded to zero, of all tiles.
    lost: BTreeMap<&'static str, u64>,
    compared: usize,
    bit_exact: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { tiles, images: count, .. } = *arguments;
    check_tiles(tiles)?;
    let (weights, held_out) = (data::weights(), data::images(count));
    let images = held_out.labels.len();
    if count.is_some_and(|count| count != images || count == 0) {
        let all = data::images(None).labels.len();
        return Err(Failure::Input(format!("--images {}: expected 1 to {all}", count.unwrap_or(0))));
    }
    let config = arguments.config.load()?;
    let digits =
        planned(&config, &weights, images.div_ceil(tiles)).map_err(|error| Failure::Input(error.to_string()))?;
    // Every launch has as many images; blank ones fill the last.
    let mut pixels = held_out.pixels.clone();
    pixels.resize(pixels.len().next_multiple_of(tiles * digits.images * PIXELS), 0);

    let ((run, simulator), simulation) = timed_run(arguments, &config, &digits, &pixels)?;
    let golden = expected(&weights, &digits.options, &pixels);
    let comparison = Comparison::new(CLASSES, OutputType::Fp32, (&run.chances, run.flags), &golden);
    let read = read_digits(&run.chances);
    let labelled = held_out.labels.iter().zip(read).enumerate();
    let misread: Vec<Misread> = labelled
        .filter(|(_, (is, read))| *is != read)
        .map(|(image, (&is, read))| Misread { image, read, is })
        .collect();

    let per_image = |cycles: u64| cycles as f64 / (run.launches * digits.images) as f64;
    let predicted = |cycles: u64| cycles as f64 / digits.images as f64;
    let layers = digits.plan.layers.iter().zip(&run.layer_cycles).map(|(layer, &cycles)| LayerSummary {
        name: &layer.name,
        cycles_per_image: per_image(cycles),
        predicted_cycles_per_image: predicted(layer.predicted_cycles),
        macs_per_image: layer.macs / digits.images as u64,
    });
    let summary = Summary {
        config: &config.name,
        simulator,
        tiles,
        images,
        images_at_a_time: digits.images,
        accuracy: 1.0 - misread.len() as f64 / images as f64,
        misread,
        cycles: run.cycles,
        predicted_cycles: digits.plan.predicted_cycles() * run.launches as u64,
        layers: layers.collect(),
        flags: flag_names(run.flags),
        lost: lost(&run.counters),
        compared: comparison.compared,
        bit_exact: comparison.bit_exact(),
    };
    if arguments.json {
        print_json(&summary)?;
    } else {
        let numeric = numeric_lines(run.flags, &run.counters);
        print_text(&summary.text(numeric, &comparison, simulation))?;
        print_text(&pictures::pictures(&summary.misread, &held_out.pixels))?;
    }
    verdict_at(&comparison, |image, digit| format!("image {image}, digit {digit}"))
}

/// The network for as many of a tile's images at a time as fit.
fn planned(config: &TileConfig, weights: &DigitsWeights, images: usize) -> Result<Digits, NetworkError> {
    let mut launches = 1;
    loop {
        let at_a_time = images.div_ceil(launches);
        match Digits::new(config, weights, at_a_time) {
            Err(NetworkError::Memory { .. }) if at_a_time > 1 => launches += 1,
            digits => return digits,
        }
    }
}

fn timed_run(
    arguments: &Arguments,
    config: &TileConfig,
    digits: &Digits,
    pixels: &[u16],
) -> Result<((Run, &'static str), Duration), Failure> {
    let tiles = arguments.tiles;
    let launches = pixels.len() / (tiles * digits.images * PIXELS);
    let cycles = digits.plan.predicted_cycles() * launches as u64;
    if tiles == 1 {
        let mut device = arguments.simulator.device(config, vec![])?;
        return Ok(timed(cycles, |progress| Ok((on_a_tile(&mut *device, digits, pixels, progress)?, device.name())))?);
    }
    let machine = GridConfig::new(config.clone(), tiles);
    match arguments.simulator.sim {
        Simulator::Native => {
            let mut grid = NativeGrid::new(&machine)?;
            Ok(timed(cycles, |progress| Ok((on_tiles(&mut grid, digits, pixels, progress)?, grid.name())))?)
        }
        Simulator::Verilator => {
            let mut grid = VerilatorGrid::new(&machine, &cosim::Options::default())?;
            Ok(timed(cycles, |progress| Ok((on_tiles(&mut grid, digits, pixels, progress)?, grid.name())))?)
        }
    }
}

fn on_a_tile(
    device: &mut dyn Device,
    digits: &Digits,
    pixels: &[u16],
    progress: &mut dyn FnMut(u64),
) -> Result<Run, kernels::device::DeviceError> {
    digits.plan.load(device)?;
    let mut run = Run::new(digits);
    for pixels in pixels.chunks(digits.images * PIXELS) {
        run.add(digits.run(device, pixels)?);
        progress(run.cycles);
    }
    Ok(run)
}

fn on_tiles<S: Pins>(
    grid: &mut GridHost<S>,
    digits: &Digits,
    pixels: &[u16],
    progress: &mut dyn FnMut(u64),
) -> Result<Run, kernels::device::DeviceError> {
    digits.plan.load_all(grid)?;
    let mut run = Run::new(digits);
    for pixels in pixels.chunks(grid.tiles() * digits.images * PIXELS) {
        run.add(digits.run_all(grid, pixels)?);
        progress(run.cycles);
    }
    Ok(run)
}

impl Run {
    fn new(digits: &Digits) -> Run {
        let layer_cycles = vec![0; digits.plan.layers.len()];
        Run { chances: vec![], flags: Flags::NONE, cycles: 0, layer_cycles, counters: Counters::default(), launches: 0 }
    }

    fn add(&mut self, (chances, report): (Vec<u32>, NetworkReport)) {
        self.chances.extend(chances);
        self.flags |= report.flags;
        self.cycles += report.cycles;
        self.counters.add(&report.counters);
        self.launches += 1;
        self.layer_cycles.iter_mut().zip(report.layer_cycles).for_each(|(sum, cycles)| *sum += cycles);
    }
}

impl Summary<'_> {
    fn text(&self, numeric: Lines, comparison: &Comparison, simulation: Duration) -> String {
        let Summary { tiles, images, images_at_a_time, .. } = *self;
        let wrong = self.misread.len();
        let tiles = if tiles == 1 { "one tile".to_owned() } else { format!("{tiles} tiles") };
        let seconds = simulation.as_secs_f64();
        let mut lines = vec![
            ("tile", format!("{}, in the {} simulator", self.config, self.simulator)),
            ("images", format!("{images} held out, {images_at_a_time} at a time on {tiles}")),
            ("accuracy", format!("{:.2} %: {wrong} of {images} misread", 100.0 * self.accuracy)),
            ("cycles", format!("{}; {}", grouped(self.cycles), prediction(self.cycles, self.predicted_cycles))),
            ("simulation", format!("{seconds:.2} s")),
        ];
        lines.extend(numeric);
        lines.push(("golden", golden_line(comparison)));
        let layers = self.layers.iter().map(|layer| {
            let (cycles, predicted) = (layer.cycles_per_image, layer.predicted_cycles_per_image);
            let off = 100.0 * (predicted / cycles - 1.0);
            format!(
                "  {:<14} {cycles:>10.1} {predicted:>10.1} {off:>+7.2} % {:>10}\n",
                layer.name,
                grouped(layer.macs_per_image)
            )
        });
        let head = format!(
            "  {:<14} {:>10} {:>10} {:>9} {:>10}\n",
            "layer, a tile", "cycles/im.", "predicted", "off", "MACs/im."
        );
        format!("{}\n{head}{}\n", table(&lines), layers.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use kernels::device::GoldenDevice;

    use super::*;

    #[test]
    fn the_golden_tile_reads_all_held_out_images_as_the_golden_model_does() {
        let config = TileConfig { vector: true, ..TileConfig::ipu64() };
        let (weights, held_out) = (data::weights(), data::images(None));
        let digits = planned(&config, &weights, held_out.labels.len()).unwrap();
        let mut device = GoldenDevice::new(&config);
        let run = on_a_tile(&mut device, &digits, &held_out.pixels, &mut |_| ()).unwrap();
        let golden = expected(&weights, &digits.options, &held_out.pixels);
        assert_eq!((run.chances.len(), held_out.labels.len()), (3600, 360));
        assert_eq!((run.chances, run.flags), (golden.bits.clone(), golden.flags));
        let right = read_digits(&golden.bits).iter().zip(&held_out.labels).filter(|(read, is)| read == is).count();
        assert_eq!(right, 357, "of 360");
    }
}
