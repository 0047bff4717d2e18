//! The `tessera` command line.
//!
//! | File            | What is there                                                     |
//! |-----------------|-------------------------------------------------------------------|
//! | `commands`      | one file for each subcommand                                      |
//! | `options`       | options that subcommands share                                    |
//! | `npy`           | matrices from and to NumPy's files                                |
//! | `report`        | a page about a run                                                |
//! | `trace`         | waveforms of a run                                                |
//! | `output_file`   | files that appear whole or not at all                             |
//! | `failure`       | exit statuses                                                     |
//!
//! Results go to standard output, notes and progress to standard error.

mod commands;
mod failure;
mod npy;
mod options;
mod output_file;
mod report;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An open tile: matrix products on its RTL, checked bit for bit, and its Verilog.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit status: 0 done; 1 results differ from the golden model, or the simulation failed; 2 bad input."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compute A x B on a simulated tile and compare every bit with the golden model
    Matmul(commands::matmul::Arguments),
    /// List the named configurations
    Configs(commands::configs::Arguments),
    /// Write the Verilog of a tile, or of a part of it
    Emit(commands::emit::Arguments),
    /// Measure every figure that the README quotes
    Bench(commands::bench::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Matmul(arguments) => commands::matmul::run(&arguments),
        Command::Configs(arguments) => commands::configs::run(&arguments),
        Command::Emit(arguments) => commands::emit::run(&arguments),
        Command::Bench(arguments) => commands::bench::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tessera: {failure}");
            failure.exit_code()
        }
    }
}
