//! The `tessera` command line.
//!
//! | File            | What is there                                                     |
//! |-----------------|-------------------------------------------------------------------|
//! | `commands`      | one file for each subcommand                                      |
//! | `options`       | options that subcommands share                                    |
//! | `npy`           | matrices from and to NumPy's files                                |
//! | `npz`           | sparse matrices from SciPy's files                                |
//! | `report`        | a page about a run                                                |
//! | `trace`         | waveforms of a run                                                |
//! | `view_file`     | views beside waveforms, which people may change                   |
//! | `output_file`   | files that appear whole or not at all                             |
//! | `failure`       | exit statuses                                                     |
//!
//! Results go to standard output, notes and progress to standard error.

mod commands;
mod failure;
mod npy;
mod npz;
mod options;
mod output_file;
mod report;
mod trace;
mod view_file;

use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
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
    /// Convolve images with filters on a simulated tile and compare every bit with the golden model
    Conv(commands::conv::Arguments),
    /// Read handwritten digits with a small network on simulated tiles, and compare every bit with the golden model
    Digits(commands::digits::Arguments),
    /// Multiply a sparse and a dense matrix on simulated tiles and compare every bit with the golden model
    Spmm(commands::spmm::Arguments),
    /// Run a block of a transformer on a simulated tile and compare every bit with the golden model
    Attention(commands::attention::Arguments),
    /// List the named configurations
    Configs(commands::configs::Arguments),
    /// Write the Verilog of a tile, or of a part of it
    Emit(commands::emit::Arguments),
    /// Measure every figure that the README quotes
    Bench(commands::bench::Arguments),
}

/// Exit status of a command that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

/// What is wrong with the arguments, in one line: the parser explains in several.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information")).collect();
    lines.join("; ").replace(":; ", ": ").trim_start_matches("error: ").to_owned()
}

/// Says on standard error what is wrong. Where nobody can hear it, the exit status says so all the same.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "tessera: {text}");
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            complain(&one_line(&error));
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    let interrupted = ctrlc::set_handler(|| {
        output_file::remove_parts();
        std::process::exit(INTERRUPTED);
    });
    interrupted.expect("the first handler of the process");
    let result = match arguments.command {
        Command::Matmul(arguments) => commands::matmul::run(&arguments),
        Command::Conv(arguments) => commands::conv::run(&arguments),
        Command::Digits(arguments) => commands::digits::run(&arguments),
        Command::Spmm(arguments) => commands::spmm::run(&arguments),
        Command::Attention(arguments) => commands::attention::run(&arguments),
        Command::Configs(arguments) => commands::configs::run(&arguments),
        Command::Emit(arguments) => commands::emit::run(&arguments),
        Command::Bench(arguments) => commands::bench::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            failure.exit_code()
        }
    }
}
