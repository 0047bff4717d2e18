//! The subcommands.

pub mod attention;
pub mod bench;
pub mod configs;
pub mod conv;
pub mod digits;
pub mod emit;
pub mod grid_summary;
pub mod kernel;
pub mod matmul;
pub mod spmm;
pub mod summary;

use std::io::Write;

use serde::Serialize;

use crate::failure::Failure;

/// Prints a value as JSON on standard output.
fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print_text(&(to_json(value) + "\n"))
}

/// Prints a text on standard output. A reader who has seen enough (`| head`) is no failure.
fn print_text(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Run(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("reports have only string keys")
}
