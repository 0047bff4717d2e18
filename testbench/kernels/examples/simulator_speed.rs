//! How fast the simulators run the `ipu64` tile on a product of matrices, and how long they take to begin.
//!
//! Native and Verilator take turns, so that all of them see the machine in the same state; time is that of the
//! processor where the system tells it, and figures are medians of the rounds. "First cycle in" is from the
//! configuration to the end of the reset, with models of Verilator built anew unless a folder of builds is given.
//!
//! `cargo run --release -p tessera-kernels --example simulator_speed [size rounds [folder]]`

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cosim::{Optimization, Options};
use golden::{Shape, Start};
use kernels::device::{Device, DeviceError, NativeTile, VerilatorTile};
use kernels::matmul::{MatmulProblem, Operands, plan, run_matmul};
use kernels::random::Random;
use tile::TileConfig;

/// Time that this thread has run.
fn processor_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = text.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

struct Simulator {
    name: &'static str,
    device: Box<dyn Device>,
    /// From a configuration to the first cycle.
    begin: Duration,
    /// Of each round.
    cycles_per_second: Vec<f64>,
}

fn begin(name: &'static str, device: impl FnOnce() -> Result<Box<dyn Device>, DeviceError>) -> Simulator {
    let start = Instant::now();
    let device = device().unwrap_or_else(|error| panic!("{name}: {error}"));
    Simulator { name, device, begin: start.elapsed(), cycles_per_second: vec![] }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Verilator's `-O3` goes with that of the C++ compiler.
fn verilator(config: &TileConfig, optimization: Optimization, builds: &Path) -> Result<Box<dyn Device>, DeviceError> {
    let highest = optimization == Optimization::Most;
    let verilator_arguments = highest.then(|| "-O3".to_owned()).into_iter().collect();
    let options = Options { optimization, verilator_arguments, cache: Some(builds.into()), ..Options::default() };
    Ok(Box::new(VerilatorTile::with_options(config, &options)?))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| -> usize { text.parse().expect("a number") };
    let (size, rounds, kept) = match arguments.as_slice() {
        [] => (64, 5, None),
        [size, rounds] => (number(size), number(rounds), None),
        [size, rounds, folder] => (number(size), number(rounds), Some(PathBuf::from(folder))),
        _ => panic!("expected `size rounds folder`, `size rounds` or nothing"),
    };
    let config = TileConfig::ipu64();
    let anew = std::env::temp_dir().join(format!("tessera-simulator-speed-{}", std::process::id()));
    let builds = kept.as_deref().unwrap_or(&anew);
    let mut simulators = [
        begin("native", || Ok(Box::new(NativeTile::new(&config)?))),
        begin("verilator -O1", || verilator(&config, Optimization::Some, builds)),
        begin("verilator -O3", || verilator(&config, Optimization::Most, builds)),
    ];
    // Only if it is there: the models are loaded.
    std::fs::remove_dir_all(&anew).ok();

    let plan = plan(&config, &MatmulProblem::new(size, size, size)).expect("a product that fits");
    let mut random = Random::new(0);
    let (a, b) = (random.fp16s(size * size), random.fp16s(size * size));
    let operands = Operands { a: &a, b: &b, start: Start::Zero };
    let Shape { m, n, k } = plan.problem.shape;
    println!("{} runs {m} x {n} x {k}, {rounds} rounds", config.name);
    let mut results = vec![];
    for _ in 0..rounds {
        for Simulator { name, device, cycles_per_second, .. } in &mut simulators {
            let start = processor_time();
            let report = run_matmul(&mut **device, &plan, &operands, &mut |_| ())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let seconds = (processor_time() - start).as_secs_f64();
            cycles_per_second.push(report.simulated_cycles as f64 / seconds);
            results.push((report.bits, report.cycles));
        }
    }
    assert!(results.iter().all(|result| *result == results[0]), "the simulators differ");

    println!("{:<16} {:>10} {:>18} {:>16}", "", "cycles/s", "native is faster", "first cycle in");
    let native = &simulators[0].cycles_per_second;
    for Simulator { name, begin, cycles_per_second, .. } in &simulators {
        let ratios: Vec<f64> = native.iter().zip(cycles_per_second).map(|(native, other)| native / other).collect();
        let (speed, ratio) = (median(cycles_per_second), median(&ratios));
        println!("{name:<16} {speed:>10.0} {ratio:>16.2} x {:>14.2} s", begin.as_secs_f64());
    }
}
