//! `scripts/fuzz-hdl`: random designs through all simulators for as long as it may take.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use fuzz::faults::Fault;
use fuzz::icarus::Icarus;
use fuzz::recipe::Recipe;
use fuzz::regression::{self, Regression};
use fuzz::run::{Compared, Simulator};
use fuzz::session::{Find, Generator, Session};
use fuzz::verilator::Verilator;
use fuzz::yosys::Yosys;

/// Random designs, on which the native simulator, Verilator, Icarus Verilog and Yosys must agree in every output and
/// cycle, and in every memory at the end.
#[derive(Parser)]
#[command(name = "fuzz-hdl")]
struct Arguments {
    /// For how long.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Of the first batch; each batch takes the next number.
    #[arg(long)]
    seed: Option<u64>,
    /// Designs in a batch.
    #[arg(long, default_value_t = 40)]
    designs: usize,
    /// Cycles that each design runs.
    #[arg(long, default_value_t = 200)]
    cycles: usize,
    /// What the native simulator is compared with.
    #[arg(long, value_delimiter = ',', default_value = "icarus,verilator,yosys")]
    simulators: Vec<Name>,
    /// Puts this mistake into the emitted text: the first find ends the run, and nothing is saved.
    #[arg(long)]
    inject: Option<Fault>,
    /// Runs this find alone instead, after printing its Verilog.
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Where finds are saved; those in the default folder are replayed by `cargo test -p tessera-fuzz`.
    #[arg(long, default_value_os_t = regression::folder())]
    finds: PathBuf,
    /// Ends the run after so many finds.
    #[arg(long, default_value_t = 5)]
    most_finds: usize,
    /// Minutes that may go into making one find smaller.
    #[arg(long, default_value_t = 5.0)]
    shrink_minutes: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Name {
    Verilator,
    Icarus,
    Yosys,
}

impl Name {
    fn simulator(self) -> Box<dyn Simulator> {
        match self {
            Name::Verilator => Box::new(Verilator { forgets: true }),
            Name::Icarus => Box::new(Icarus),
            Name::Yosys => Box::new(Yosys),
        }
    }
}

fn minutes(number: f64) -> Duration {
    Duration::from_secs_f64(60.0 * number)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Panics of what is tested are finds, and are told as such; all others end the run with their own words.
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !fuzz::session::is_catching() {
            told(panic);
        }
    }));
    if let Some(path) = &arguments.replay {
        return replay(&arguments, path);
    }
    let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |time| time.as_secs());
    let seed = arguments.seed.unwrap_or_else(clock);
    println!("seed {seed}: batches of {} designs, {} cycles", arguments.designs, arguments.cycles);
    let start = Instant::now();
    let mut total = vec![Compared::default(); arguments.simulators.len()];
    let mut finds = 0;
    let mut batch = 0;
    while start.elapsed() < minutes(arguments.minutes) && finds < arguments.most_finds {
        finds += one_batch(&arguments, seed + batch, start, &mut total);
        batch += 1;
        if arguments.inject.is_some() && finds > 0 {
            break;
        }
    }
    println!("{batch} batches in {:.1} minutes, {finds} finds", start.elapsed().as_secs_f64() / 60.0);
    for (name, total) in arguments.simulators.iter().zip(&total) {
        let name = format!("{name:?}").to_lowercase();
        println!("{name}: {} designs, {} output values, {} memory words", total.designs, total.outputs, total.words);
    }
    if (finds > 0) == arguments.inject.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One kept find through every simulator.
fn replay(arguments: &Arguments, path: &std::path::Path) -> ExitCode {
    let regression = match Regression::load(path) {
        Ok(regression) => regression,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    println!("// found by {}: {}", regression.simulator, regression.message);
    match fuzz::session::verilog(&regression.recipe) {
        Ok(text) => println!("{text}"),
        Err(message) => println!("// no text: {message}"),
    }
    let mut agree = true;
    for name in &arguments.simulators {
        let simulator = name.simulator();
        let session = Session { simulator: &*simulator, cycles: arguments.cycles, fault: arguments.inject };
        match session.check(std::slice::from_ref(&regression.recipe)) {
            Ok(compared) => println!("// {}: {} output values agree", simulator.name(), compared.outputs),
            Err((_, find)) => {
                agree = false;
                println!("// {}: {}", find.simulator, find.message);
            }
        }
    }
    if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One batch through every simulator; returns the number of finds.
fn one_batch(arguments: &Arguments, seed: u64, start: Instant, total: &mut [Compared]) -> usize {
    let mut trees = Generator::new(seed).draw(arguments.designs);
    let recipes: Vec<Recipe> = trees.iter().map(|tree| tree.current()).collect();
    let mut line = format!("{:8.1} s  seed {seed}", start.elapsed().as_secs_f64());
    for (name, total) in arguments.simulators.iter().zip(total) {
        let simulator = name.simulator();
        let session = Session { simulator: &*simulator, cycles: arguments.cycles, fault: arguments.inject };
        let before = Instant::now();
        match session.check(&recipes) {
            Ok(compared) => {
                *total += compared;
                let (name, values) = (simulator.name(), compared.outputs + compared.words);
                line += &format!("  {name} {values} in {:.1} s", before.elapsed().as_secs_f64());
            }
            Err((index, find)) => {
                println!("{line}");
                println!("find after {:.1} s: {}: {}", start.elapsed().as_secs_f64(), find.simulator, find.message);
                if arguments.inject.is_none() {
                    let find = session.shrink(&mut *trees[index], find, minutes(arguments.shrink_minutes));
                    save(arguments, seed, find);
                }
                return 1;
            }
        }
    }
    println!("{line}");
    0
}

fn save(arguments: &Arguments, seed: u64, find: Find) {
    println!("shrunk: {}: {}", find.simulator, find.message);
    let name = format!("{}_{seed}", find.simulator);
    let regression = Regression { simulator: find.simulator.into(), message: find.message, recipe: find.recipe };
    match regression.save(&arguments.finds, &name) {
        Ok(path) => println!("saved {}", path.display()),
        Err(error) => println!("not saved in {}: {error}", arguments.finds.display()),
    }
}
