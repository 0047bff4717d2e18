//! `tessera matmul`: a matrix product on a simulated tile, or on a machine of many.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use golden::matmul::transposed;
use golden::reference::{ErrorSummary, epilogue_fp64, matmul_fp64, summarize_errors};
use golden::{Epilogue, FP16, OutputType, Overflow, Shape, Start};
use kernels::activity::Activity;
use kernels::comparison::Comparison;
use kernels::device::Device;
use kernels::matmul::{MatmulPlan, MatmulProblem, Operands, StartKind, expected, plan, run_matmul, simulation_cycles};
use kernels::random::Random;
use kernels::report::KernelReport;
use tile::TileConfig;

use super::emit::tile_design;
use super::kernel::{RunOptions, finish, timed, verdict};
use super::summary::table;
use super::{print_json, print_text};
use crate::failure::Failure;
use crate::npy::{self, Matrix};
use crate::options::KernelOptions;
use crate::output_file::{OutputFile, protect};
use crate::report::Report;

pub mod grid;
mod summary;

#[derive(Args)]
pub struct Arguments {
    /// A, M x K: float16 (float32 and float64 are rounded to it)
    #[arg(value_name = "A.npy", requires = "b")]
    a: Option<PathBuf>,
    /// B, K x N, or N x K with --transpose-b, likewise
    #[arg(value_name = "B.npy")]
    b: Option<PathBuf>,
    /// Write the results, float32 or float16 as --out-type says
    #[arg(long, value_name = "C.npy")]
    out: Option<PathBuf>,
    /// Rows of A, without files: random numbers from -1 to 1
    #[arg(long, default_value_t = 64, conflicts_with = "a")]
    m: usize,
    /// Columns of B, without files
    #[arg(long, default_value_t = 64, conflicts_with = "a")]
    n: usize,
    /// Columns of A and rows of B, without files
    #[arg(long, default_value_t = 64, conflicts_with = "a")]
    k: usize,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 0, conflicts_with = "a")]
    seed: u64,
    /// B is N x K, and is loaded as it lies
    #[arg(long)]
    transpose_b: bool,
    /// Tiles that share the work, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 1)]
    tiles: usize,
    #[command(flatten)]
    run: RunOptions,
    /// Write a page with a timeline, a roofline and tables of the run
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// Largest M, N and K, and largest number of elements, of random matrices: what a simulation can be waited for.
const LARGEST_SIZE: usize = 1 << 20;
const LARGEST_MATRIX: usize = 1 << 26;

/// What is multiplied.
pub struct Product {
    pub shape: Shape,
    pub a: Vec<u16>,
    pub b: Vec<u16>,
    /// N or M x N FP32 numbers.
    pub bias: Option<Matrix>,
    /// Interrupted sums keep all their bits.
    pub exact_sums: bool,
    /// Results are rounded stochastically, from this seed.
    pub stochastic: Option<u32>,
    /// B is N x K.
    pub transposed_b: bool,
    /// What makes results of the sums.
    pub epilogue: Epilogue,
    /// M x N, where the epilogue adds it.
    pub residual: Option<Vec<u16>>,
}

/// A run, and what there is to say about it.
pub struct Run {
    pub plan: MatmulPlan,
    pub report: KernelReport,
    pub comparison: Comparison,
    pub error: ErrorSummary,
    /// What the simulation took, without planning, building and comparing.
    pub simulation: Duration,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.run.kernel.check()?;
    let config = arguments.run.kernel.apply(arguments.run.config.load()?);
    if arguments.tiles != 1 {
        return grid::run(arguments, config);
    }
    let product = product(arguments)?;
    let out = arguments.results()?;
    let page = arguments.report.as_deref().map(report_file).transpose()?;

    let (mut waveforms, files) = arguments.run.trace.open(|| tile_design(&config))?;
    let (waveform, watched) = Activity::watch(&config);
    if page.is_some() {
        waveforms.push(waveform);
    }

    let mut device = arguments.run.simulator.device(&config, waveforms)?;
    let run = multiply(&mut *device, &config, &product, arguments.run.kernel.read_out());
    let run = match run {
        Err(Failure::Run(failure)) => {
            // A waveform is wanted most where a run fails; a failure to write it does not hide that one.
            if let Err(also) = finish(device.finish(), device.simulated_cycles(), files) {
                eprintln!("note: {also}");
            }
            return Err(Failure::Run(failure));
        }
        run => run?,
    };
    arguments.run.trace.check_window(device.simulated_cycles())?;
    finish(device.finish(), device.simulated_cycles(), files)?;
    if run.plan.rounds_partial_sums() {
        let parts = run.plan.k_parts().len();
        eprintln!(
            "note: K does not fit the memory; the exact sums were rounded to FP32 between its {parts} parts; --exact-sums keeps them"
        );
    }

    let simulator = device.name();
    if let Some(page) = page {
        let activity = watched.activity().expect("the device is finished");
        let command: Vec<_> = std::env::args_os().skip(1).collect();
        let report = Report { run: &run, activity, simulator, operands: &arguments.operands(), arguments: &command };
        page.commit_text(&report.page().map_err(Failure::Run)?)?;
    }
    if arguments.run.json {
        print_json(&summary::Summary::of(&run, simulator, arguments.seed()))?;
    } else {
        print_text(&table(&run.lines(simulator)))?;
    }
    verdict(&run.comparison)?;
    write_results(out, &run.plan.problem, run.report.bits)
}

/// Only what is right gets the name that was asked for.
fn write_results(out: Option<OutputFile>, problem: &MatmulProblem, bits: Vec<u32>) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    let matrix = Matrix { rows: problem.shape.m, columns: problem.shape.n, bits };
    out.commit(|writer| npy::write_matrix(writer, &matrix, problem.read_out.output.format()))
}

/// The file of a report.
fn report_file(path: &Path) -> Result<OutputFile, Failure> {
    if path.extension().is_none_or(|extension| extension != "html") {
        return Err(Failure::Input(format!("--report {}: expected a name that ends in .html", path.display())));
    }
    OutputFile::create(path)
}

impl Arguments {
    /// The seed of random operands.
    fn seed(&self) -> Option<u64> {
        self.a.is_none().then_some(self.seed)
    }

    /// The file of the results, which is no input.
    fn results(&self) -> Result<Option<OutputFile>, Failure> {
        let KernelOptions { bias, residual, .. } = &self.run.kernel;
        [&self.a, &self.b, bias, residual].into_iter().flatten().for_each(|input| protect(input));
        self.out.as_deref().map(OutputFile::create).transpose()
    }

    /// Where the operands come from, in words.
    fn operands(&self) -> String {
        match (&self.a, &self.b) {
            (Some(a), Some(b)) => format!("{} and {}", a.display(), b.display()),
            _ => format!("random numbers from -1 to 1, seed {}", self.seed),
        }
    }
}

/// The operands: from the files, or random.
fn product(arguments: &Arguments) -> Result<Product, Failure> {
    let (shape, a, b) = match (&arguments.a, &arguments.b) {
        (Some(a_path), Some(b_path)) => {
            let (a, b) = (npy::read_fp16_matrix(a_path)?, npy::read_fp16_matrix(b_path)?);
            let (k, n, what) = match arguments.transpose_b {
                true => (b.columns, b.rows, "columns"),
                false => (b.rows, b.columns, "rows"),
            };
            if a.columns != k {
                return Err(Failure::Input(format!(
                    "{}: found {} x {}, expected {} {what}, as many as {} has columns",
                    b_path.display(),
                    b.rows,
                    b.columns,
                    a.columns,
                    a_path.display()
                )));
            }
            (Shape { m: a.rows, n, k }, a.fp16(), b.fp16())
        }
        _ => {
            let Arguments { m, n, k, seed, .. } = *arguments;
            for (option, size) in [("--m", m), ("--n", n), ("--k", k)] {
                if !(1..=LARGEST_SIZE).contains(&size) {
                    return Err(Failure::Input(format!("{option} {size}: expected 1 to {LARGEST_SIZE}")));
                }
            }
            for (what, numbers) in [("A", m * k), ("B", k * n), ("C", m * n)] {
                if numbers > LARGEST_MATRIX {
                    return Err(Failure::Input(format!(
                        "--m {m} --n {n} --k {k}: {what} has {numbers} numbers, expected at most {LARGEST_MATRIX}"
                    )));
                }
            }
            let mut random = Random::new(seed);
            (Shape { m, n, k }, random.fp16s(m * k), random.fp16s(k * n))
        }
    };
    let read_bias = |path: &PathBuf| npy::read_fp32_bias(path, shape.m, shape.n);
    let bias = arguments.run.kernel.bias.as_ref().map(read_bias).transpose()?;
    let (exact_sums, stochastic) = (arguments.run.kernel.exact_sums, arguments.run.kernel.stochastic());
    let read_residual = |path: &PathBuf| npy::read_fp16_rows(path, shape.m, shape.n);
    let residual = arguments.run.kernel.residual.as_ref().map(read_residual).transpose()?;
    let (transposed_b, epilogue) = (arguments.transpose_b, arguments.run.kernel.epilogue());
    Ok(Product { shape, a, b, bias, exact_sums, stochastic, transposed_b, epilogue, residual })
}

impl Product {
    /// Of random numbers, with nothing special.
    pub fn random(shape: Shape, random: &mut Random) -> Product {
        let Shape { m, n, k } = shape;
        let (a, b) = (random.fp16s(m * k), random.fp16s(k * n));
        let (exact_sums, stochastic, transposed_b, epilogue) = (false, None, false, Epilogue::default());
        Product { shape, a, b, bias: None, exact_sums, stochastic, transposed_b, epilogue, residual: None }
    }

    /// What is to be planned.
    fn problem(&self, read_out: golden::ReadOut) -> MatmulProblem {
        let Product { shape, exact_sums, stochastic, transposed_b, epilogue, .. } = *self;
        MatmulProblem { shape, start: self.start().0, read_out, exact_sums, stochastic, transposed_b, epilogue }
    }

    /// What it is computed from.
    fn operands(&self) -> Operands<'_> {
        Operands { a: &self.a, b: &self.b, start: self.start().1, residual: self.residual.as_deref() }
    }

    /// How far results are from the product in FP64.
    fn error(&self, bits: &[u32], read_out: golden::ReadOut) -> ErrorSummary {
        let Product { shape, a, epilogue, .. } = self;
        let b = if self.transposed_b { &transposed(&self.b, shape.n, shape.k) } else { &self.b };
        let mut reference = matmul_fp64(*shape, a, b, self.start().1, read_out.activation);
        epilogue_fp64(epilogue, &mut reference, shape.n, self.residual.as_deref());
        if read_out.output == OutputType::Fp16 && read_out.overflow == Overflow::Saturate {
            let largest = FP16.to_f64(FP16.max_finite(false));
            reference.iter_mut().for_each(|number| *number = number.clamp(-largest, largest));
        }
        summarize_errors(read_out.output, bits, &reference)
    }

    /// What the sums start from. A single row is a bias also where there is a single row of results.
    fn start(&self) -> (StartKind, Start<'_>) {
        match &self.bias {
            None => (StartKind::Zero, Start::Zero),
            Some(bias) if bias.rows == 1 => (StartKind::Bias, Start::Bias(&bias.bits)),
            Some(sums) => (StartKind::PartialSums, Start::PartialSums(&sums.bits)),
        }
    }
}

/// Plans, runs and compares.
pub fn multiply(
    device: &mut dyn Device,
    config: &TileConfig,
    product: &Product,
    read_out: golden::ReadOut,
) -> Result<Run, Failure> {
    let plan = plan(config, &product.problem(read_out)).map_err(|error| Failure::Input(error.to_string()))?;
    let operands = product.operands();

    let (report, simulation) =
        timed(simulation_cycles(&plan), |progress| run_matmul(device, &plan, &operands, progress))?;
    let comparison = plan.problem.compare((&report.bits, report.flags), &expected(&plan, &operands));
    let error = product.error(&report.bits, read_out);
    Ok(Run { plan, report, comparison, error, simulation })
}
