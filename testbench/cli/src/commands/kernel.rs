//! What the subcommands that run a kernel share: their options, the run with its progress, and its verdict.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kernels::comparison::Comparison;
use kernels::device::DeviceError;

use crate::failure::Failure;
use crate::options::{ConfigOptions, KernelOptions, SimulatorOptions};
use crate::trace::{TraceArguments, TraceFiles};

/// What every kernel is told.
#[derive(Args)]
pub struct RunOptions {
    #[command(flatten)]
    pub config: ConfigOptions,
    #[command(flatten)]
    pub kernel: KernelOptions,
    #[command(flatten)]
    pub simulator: SimulatorOptions,
    #[command(flatten)]
    pub trace: TraceArguments,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Hosts see what tiles run in one word.
const MOST_TILES: usize = 64;

/// Refuses a number of tiles that no machine has.
pub fn check_tiles(tiles: usize) -> Result<(), Failure> {
    if !(1..=MOST_TILES).contains(&tiles) {
        return Err(Failure::Input(format!("--tiles {tiles}: expected 1 to {MOST_TILES}")));
    }
    Ok(())
}

/// Runs a kernel of about so many simulated cycles, with a progress bar, and measures how long it takes.
pub fn timed<R>(
    cycles: u64,
    run: impl FnOnce(&mut dyn FnMut(u64)) -> Result<R, DeviceError>,
) -> Result<(R, Duration), DeviceError> {
    let bar = progress_bar(cycles);
    let begin = Instant::now();
    let result = run(&mut |cycles| bar.set_position(cycles));
    bar.finish_and_clear();
    Ok((result?, begin.elapsed()))
}

/// Shown on a terminal only, and there only after a moment.
fn progress_bar(cycles: u64) -> ProgressBar {
    /// Simulations shorter than this end before a bar is read.
    const SHORT_CYCLES: u64 = 50_000;
    if cycles < SHORT_CYCLES || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} cycles, {eta} left");
    ProgressBar::new(cycles).with_style(style.expect("a template that indicatif knows"))
}

/// Puts the waveforms of a device that was finished in their places.
pub fn finish(finished: Result<(), DeviceError>, cycles: u64, files: Option<TraceFiles>) -> Result<(), Failure> {
    finished?;
    files.map_or(Ok(()), |files| files.commit(cycles))
}

/// Fails unless all is as in the golden model; `place` says where the first difference is.
pub fn verdict_at(comparison: &Comparison, place: impl FnOnce(usize, usize) -> String) -> Result<(), Failure> {
    if comparison.bit_exact() {
        return Ok(());
    }
    let Comparison { compared, different, first, flags } = comparison;
    Err(Failure::Run(match first {
        Some(first) => {
            let (place, values) = (place(first.row, first.column), first.values());
            format!("{different} of {compared} results differ; the first: {place}: {values}")
        }
        None => format!("the flags differ: simulated {:?}, golden {:?}", flags.0, flags.1),
    }))
}

/// The same for a matrix.
pub fn verdict(comparison: &Comparison) -> Result<(), Failure> {
    verdict_at(comparison, |row, column| format!("row {row}, column {column}"))
}
