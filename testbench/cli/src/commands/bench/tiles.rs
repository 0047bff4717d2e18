//! Machines of many tiles: cycles of products and collectives beside their bounds, and how fast simulators run them.
//!
//! Speeds are by the clock on the wall, of the runs that give the cycles, with loading and reading; those of a machine
//! times its tiles tell what each tile costs.

use std::time::Instant;

use exchange::GridConfig;
use golden::{ReadOut, Shape};
use kernels::collective::{Matrix, Movement, Reduction, all_gather, all_to_all, broadcast, gather, scatter, transpose};
use kernels::device::{GridHost, NativeGrid, Pins, VerilatorGrid};
use kernels::random::Random;
use tile::TileConfig;

use super::{Figures, PROGRAM};
use crate::commands::kernel::verdict;
use crate::commands::matmul::Product;
use crate::commands::matmul::grid::{GridRun, multiply, planned};
use crate::failure::Failure;

/// Tiles, and rows, columns and K of the product that they share.
const PRODUCTS: [(usize, usize); 2] = [(4, 256), (16, 512)];

/// Tiles on which collectives are measured, and words or numbers of their vectors.
const COLLECTIVE_TILES: usize = 16;
const COLLECTIVE_WORDS: usize = 1 << 14;

/// Cycles and speeds; the short ones only if `quick`.
pub fn measure(figures: &mut Figures, quick: bool) -> Result<(), Failure> {
    let builds = tempfile::tempdir().map_err(Failure::run("a folder for Verilator's models"))?;
    let command = format!("{PROGRAM} bench{}", if quick { " --quick" } else { "" });
    for (tiles, size) in if quick { &PRODUCTS[..1] } else { &PRODUCTS } {
        let config = GridConfig::new(TileConfig::ipu64(), *tiles);
        let run = multiply_random(&mut NativeGrid::new(&config)?, &config, *size)?;
        add_product(figures, &run, *size)?;
        add_speed(figures, "native", &run, &command)?;
        if quick {
            continue;
        }
        let options = cosim::Options { cache: Some(builds.path().into()), ..cosim::Options::default() };
        let begin = Instant::now();
        match VerilatorGrid::new(&config, &options) {
            Ok(mut grid) => {
                let seconds = begin.elapsed().as_secs_f64();
                figures.add(format!("verilator_{tiles}_tiles_first_cycle"), seconds, "s", &command)?;
                add_speed(figures, "verilator", &multiply_random(&mut grid, &config, *size)?, &command)?;
            }
            Err(error) => eprintln!("note: without the figures of verilator: {error}"),
        }
    }
    if quick { Ok(()) } else { measure_collectives(figures, &command) }
}

/// A random cube; fails unless it is bit-exact.
fn multiply_random<S: Pins>(grid: &mut GridHost<S>, config: &GridConfig, size: usize) -> Result<GridRun, Failure> {
    let shape = Shape { m: size, n: size, k: size };
    let product = Product::random(shape, &mut Random::new(0));
    let run = multiply(grid, planned(config, &product, ReadOut::default())?, &product)?;
    verdict(&run.comparison)?;
    Ok(run)
}

fn add_product(figures: &mut Figures, run: &GridRun, size: usize) -> Result<(), Failure> {
    let (plan, report) = (&run.plan, &run.report);
    let tiles = plan.config.tiles();
    let name = format!("{tiles}_tiles_{size}x{size}x{size}");
    let command = format!("{PROGRAM} matmul --tiles {tiles} --m {size} --n {size} --k {size}");
    figures.add(format!("{name}_utilisation"), 100.0 * report.utilisation(), "%", &command)?;
    figures.add(format!("{name}_cycles"), report.cycles as f64, "cycles", &command)?;
    figures.add(format!("{name}_predicted_cycles"), plan.predicted.total as f64, "cycles", &command)?;
    let bound = plan.compute_bound() + plan.busiest_port_cycles;
    figures.add(format!("{name}_bound"), bound as f64, "cycles", &command)
}

fn add_speed(figures: &mut Figures, simulator: &str, run: &GridRun, command: &str) -> Result<(), Failure> {
    let tiles = run.plan.config.tiles();
    let speed = run.report.simulated_cycles as f64 / run.simulation.as_secs_f64();
    figures.add(format!("{simulator}_{tiles}_tiles_speed"), speed, "cycles/s", command)?;
    figures.add(format!("{simulator}_{tiles}_tiles_tile_speed"), tiles as f64 * speed, "tile cycles/s", command)
}

fn measure_collectives(figures: &mut Figures, command: &str) -> Result<(), Failure> {
    let (tiles, words) = (COLLECTIVE_TILES, COLLECTIVE_WORDS);
    let config = GridConfig::new(TileConfig::ipu64(), tiles);
    let mut grid = NativeGrid::new(&config)?;
    // What is read, what is written, and programs have banks of their own.
    let (from, to, programs) = (0, words, 2 * 4 * words as u32);
    let matrix = Matrix { rows: 1 << 7, columns: (words * tiles) >> 7 };
    for (name, transfers) in [
        ("broadcast", broadcast(tiles, 0, words, from, to)),
        ("scatter", scatter(tiles, 0, words, from, to)),
        ("gather", gather(tiles, 0, words, from, to)),
        ("all_gather", all_gather(tiles, words, from, to)),
        ("all_to_all", all_to_all(tiles, words / tiles, from, to)),
        ("transpose", transpose(tiles, matrix, from, to)),
    ] {
        let movement = Movement::new(&config, &transfers, programs).map_err(Failure::run(name))?;
        add_collective(figures, name, movement.run(&mut grid)?, movement.bound_cycles, command)?;
    }
    let mut random = Random::new(0);
    let contributions: Vec<Vec<u16>> = (0..tiles).map(|_| random.fp16s(words)).collect();
    for (name, reduction) in
        [("reduce_scatter", Reduction::scatter(&config, words)), ("all_reduce", Reduction::all(&config, words))]
    {
        let reduction = reduction.map_err(Failure::run(name))?;
        let cycles = reduction.run(&mut grid, &contributions)?.cycles;
        add_collective(figures, name, cycles, reduction.bound_cycles(), command)?;
    }
    Ok(())
}

fn add_collective(figures: &mut Figures, name: &str, cycles: u64, bound: u64, command: &str) -> Result<(), Failure> {
    let name = format!("{COLLECTIVE_TILES}_tiles_{name}");
    figures.add(format!("{name}_cycles"), cycles as f64, "cycles", command)?;
    figures.add(format!("{name}_bound"), bound as f64, "cycles", command)
}
