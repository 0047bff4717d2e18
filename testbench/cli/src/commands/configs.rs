//! `tessera configs`: the named configurations.

use std::fmt::Write;

use clap::Args;
use tile::{Accumulator, TileConfig};

use super::{print_json, print_text};
use crate::failure::Failure;

#[derive(Args)]
pub struct Arguments {
    /// Print an array of objects, with the keys of a configuration file
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let named = TileConfig::named();
    if arguments.json { print_json(&named) } else { print_text(&table(&named)) }
}

fn table(configs: &[TileConfig]) -> String {
    let mut text = String::from("name       terms  MACs/cycle  rows  accumulator  vector  memory\n");
    for config in configs {
        let accumulator = match config.accumulator {
            Accumulator::Fp32 => "fp32".to_owned(),
            Accumulator::Exact => format!("exact {}", config.accumulator_bits),
        };
        let TileConfig { name, terms, rows, banks, bank_kib, .. } = config;
        let vector = if config.vector { "yes" } else { "no" };
        let (macs, total) = (config.macs_per_cycle(), banks * bank_kib);
        writeln!(
            text,
            "{name:<9}  {terms:>5}  {macs:>10}  {rows:>4}  {accumulator:<11}  {vector:<6}  {total} KiB, \
             {banks} banks of {bank_kib}"
        )
        .expect("a string takes everything");
    }
    text
}
