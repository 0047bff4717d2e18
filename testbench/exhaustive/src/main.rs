//! `exhaustive`: every FP32 number through every transcendental function.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use exhaustive::record::{CHUNK, CHUNKS};
use exhaustive::{Record, sweep, tally};
use functions::Function;
use indicatif::{ProgressBar, ProgressStyle};
use oracle::Oracle;

/// Compares every FP32 number through every transcendental function with the oracle, and prints a table. An
/// interrupted sweep goes on where it was.
#[derive(Parser)]
struct Options {
    /// Only this function; may be repeated
    #[arg(long, value_parser = |name: &str| Function::from_name(name).ok_or("no such function"))]
    function: Vec<Function>,
    /// Chunks that are compared at the same time
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Where finished chunks are kept
    #[arg(long)]
    record: PathBuf,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let functions = if options.function.is_empty() { Function::ALL.to_vec() } else { options.function };
    let record = Record::open(&options.record);
    let work: Vec<_> = functions
        .iter()
        .flat_map(|&function| record.missing(function).into_iter().map(move |chunk| (function, chunk)))
        .collect();

    let style = ProgressStyle::with_template("{msg:10} {bar:40} {percent:>3} %, {eta} to go");
    let bar = ProgressBar::new(functions.len() as u64 * CHUNKS).with_style(style.expect("a template of indicatif"));
    bar.set_position(functions.len() as u64 * CHUNKS - work.len() as u64);
    let (work, record) = (Mutex::new(work.into_iter()), Mutex::new(record));
    let next = || work.lock().expect("no thread panicked").next();
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                let mut oracle = Oracle::default();
                while let Some((function, chunk)) = next() {
                    bar.set_message(function.name());
                    let found = sweep::sweep(function, chunk * CHUNK..(chunk + 1) * CHUNK, 1, &mut oracle);
                    let mut record = record.lock().expect("no thread panicked");
                    if let Err(error) = record.add(function, chunk, found) {
                        bar.println(format!("the chunk is not kept: {error}"));
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();

    let record = record.into_inner().expect("no thread panicked");
    println!("{}", tally::HEAD);
    let mut sound = true;
    for function in functions {
        let found = record.tally(function);
        println!("{}", tally::line(function.name(), &found));
        sound &= found.is_sound();
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
