//! How fast the simulators run the whole `ipu64` tile, and how long they take to begin.
//!
//! Native and Verilator take turns on the same product, so that all of them see the machine in the same state; time is
//! that of the processor where the system tells it, and figures are medians of the rounds. "First cycle" is from the
//! configuration to the end of the reset, with models of Verilator built anew.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use cosim::{Optimization, Options};
use golden::Start;
use kernels::device::{Device, DeviceError, NativeTile, VerilatorTile};
use kernels::matmul::{MatmulPlan, MatmulProblem, Operands, plan, run_matmul};
use kernels::random::Random;
use kernels::report::KernelReport;
use rtl::wave::{TraceOptions, Waveform};
use tile::TileConfig;

use super::{Figures, PROGRAM};
use crate::failure::Failure;

/// Rows, columns and K of the product.
const SIZE: usize = 64;

/// One simulator, ready to run, and what was measured.
struct Contestant {
    name: &'static str,
    device: Box<dyn Device>,
    first_cycle: Duration,
    cycles_per_second: Vec<f64>,
}

impl Contestant {
    fn begin(name: &'static str, device: Result<impl Device + 'static, DeviceError>, begin: Instant) -> Option<Self> {
        match device {
            Ok(device) => {
                let device = Box::new(device);
                Some(Contestant { name, device, first_cycle: begin.elapsed(), cycles_per_second: vec![] })
            }
            Err(error) => {
                eprintln!("note: without the figures of {name}: {error}");
                None
            }
        }
    }
}

/// Speed of the simulators on a product, that of native over Verilator's, and seconds to the first cycle.
pub fn measure(figures: &mut Figures, quick: bool) -> Result<(), Failure> {
    let config = TileConfig::ipu64();
    let builds = tempfile::tempdir().map_err(Failure::run("a folder for Verilator's models"))?;
    let mut contestants: Vec<Contestant> = vec![];
    let begin = Instant::now();
    contestants.extend(Contestant::begin("native", Ok(NativeTile::new(&config)?), begin));
    for (name, optimization) in [("verilator_o1", Optimization::Some), ("verilator_o3", Optimization::Most)] {
        if quick && optimization == Optimization::Most {
            continue;
        }
        let begin = Instant::now();
        contestants.extend(Contestant::begin(name, verilator(&config, optimization, builds.path()), begin));
    }
    race(&mut contestants, &config, if quick { 1 } else { 7 })?;

    let command = command(quick);
    let native = contestants[0].cycles_per_second.clone();
    for Contestant { name, cycles_per_second, first_cycle, .. } in &contestants {
        figures.add(format!("{name}_speed"), median(cycles_per_second), "cycles/s", &command)?;
        figures.add(format!("{name}_first_cycle"), first_cycle.as_secs_f64(), "s", &command)?;
        if *name != "native" {
            let ratios: Vec<f64> = native.iter().zip(cycles_per_second).map(|(native, other)| native / other).collect();
            figures.add(format!("native_speed_over_{name}"), median(&ratios), "ratio", &command)?;
        }
    }
    Ok(())
}

/// What waveforms of the whole hierarchy cost the native simulator: how many times longer the product takes, with the
/// end of the file, by the clock on the wall, as a thread of its own writes the file. The fastest round of each: two
/// threads are slowed down by what else runs on the machine more than one is.
pub fn measure_tracing(figures: &mut Figures, quick: bool) -> Result<(), Failure> {
    let config = TileConfig::ipu64();
    let (plan, a, b) = product(&config)?;
    let operands = Operands { a: &a, b: &b, start: Start::Zero, residual: None };
    let folder = tempfile::tempdir().map_err(Failure::run("a folder for waveforms"))?;
    let command = command(quick);
    let file = folder.path().join("waveform");
    let create = || File::create(&file).map_err(Failure::run("a waveform"));
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for _ in 0..if quick { 1 } else { 7 } {
        for (index, seconds) in seconds.iter_mut().enumerate() {
            let options = TraceOptions::default();
            let waveforms = match index {
                0 => vec![],
                1 => vec![Waveform::vcd(create()?, options).map_err(Failure::run("a waveform"))?],
                _ => vec![Waveform::fst(create()?, options)],
            };
            let mut device = NativeTile::traced(&config, waveforms)?;
            let begin = Instant::now();
            run_matmul(&mut device, &plan, &operands, &mut |_| ())?;
            device.finish()?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
    }
    let [plain, vcd, fst] = seconds.map(|seconds| seconds.into_iter().fold(f64::INFINITY, f64::min));
    figures.add("native_traced_vcd_cost", vcd / plain, "times", &command)?;
    figures.add("native_traced_fst_cost", fst / plain, "times", &command)
}

/// Verilator's `-O3` goes with that of the C++ compiler.
fn verilator(config: &TileConfig, optimization: Optimization, builds: &Path) -> Result<VerilatorTile, DeviceError> {
    let most = optimization == Optimization::Most;
    let verilator_arguments = most.then(|| "-O3".to_owned()).into_iter().collect();
    let options = Options { optimization, verilator_arguments, cache: Some(builds.into()), ..Options::default() };
    VerilatorTile::with_options(config, &options)
}

fn command(quick: bool) -> String {
    format!("{PROGRAM} bench{}", if quick { " --quick" } else { "" })
}

/// The product that is run, with its random operands.
fn product(config: &TileConfig) -> Result<(MatmulPlan, Vec<u16>, Vec<u16>), Failure> {
    let plan = plan(config, &MatmulProblem::new(SIZE, SIZE, SIZE)).map_err(Failure::run("bench"))?;
    let mut random = Random::new(0);
    Ok((plan, random.fp16s(SIZE * SIZE), random.fp16s(SIZE * SIZE)))
}

/// Runs the product `rounds` times on each in turn; fails unless all results and cycles are the same.
fn race(contestants: &mut [Contestant], config: &TileConfig, rounds: usize) -> Result<(), Failure> {
    let (plan, a, b) = product(config)?;
    let operands = Operands { a: &a, b: &b, start: Start::Zero, residual: None };
    let mut first: Option<KernelReport> = None;
    for _ in 0..rounds {
        for Contestant { name, device, cycles_per_second, .. } in contestants.iter_mut() {
            let (report, seconds) = timed(&mut **device, &plan, &operands)?;
            cycles_per_second.push(report.simulated_cycles as f64 / seconds);
            let first = first.get_or_insert_with(|| report.clone());
            if (&report.bits, report.cycles) != (&first.bits, first.cycles) {
                return Err(Failure::Run(format!("{name} differs from the other simulators")));
            }
        }
    }
    Ok(())
}

fn timed(device: &mut dyn Device, plan: &MatmulPlan, operands: &Operands) -> Result<(KernelReport, f64), Failure> {
    let start = processor_time();
    let report = run_matmul(device, plan, operands, &mut |_| ())?;
    Ok((report, (processor_time() - start).as_secs_f64()))
}

/// Time that this thread has run.
fn processor_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = text.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
