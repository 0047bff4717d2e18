//! `tessera spmm`: a product of a sparse and a dense matrix on simulated tiles.

mod grid;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use golden::{Epilogue, MatmulResult, ReadOut, SparseMatrix};
use kernels::comparison::Comparison;
use kernels::device::Device;
use kernels::matmul::{self, MatmulProblem};
use kernels::random::Random;
use kernels::report::KernelReport;
use kernels::sparse::{
    Order, SparseOperands, SparsePlan, SparseProblem, expected, plan, plan_dynamic, rerun_sparse, run_sparse,
    simulation_cycles,
};
use serde::Serialize;
use tile::TileConfig;

use super::emit::tile_design;
use super::kernel::{RunOptions, finish, timed, verdict};
use super::summary::{Common, Outcome, Sizes, Work, grouped, table};
use super::{print_json, print_text};
use crate::failure::Failure;
use crate::npz::{Sparse, read_sparse};
use crate::output_file::{OutputFile, protect};
use crate::{npy, npz};

#[derive(Args)]
#[command(
    after_help = "Zeros of W count where a stored number shares their strip (16 sums x 4 to 16 K): an infinity or a NaN of X \
                  there gives NaN, as in the blocks that SciPy's tobsr fills up."
)]
pub struct Arguments {
    /// Sparse matrix W, BSR or CSR, as scipy.sparse.save_npz writes it: float16 (float32 and float64 are rounded to it)
    #[arg(value_name = "W.npz", requires = "dense")]
    sparse: Option<PathBuf>,
    /// Dense matrix X, likewise
    #[arg(value_name = "X.npy")]
    dense: Option<PathBuf>,
    /// Write the results, float32 or float16 as --out-type says
    #[arg(long, value_name = "Y.npy")]
    out: Option<PathBuf>,
    /// Y = X W instead of W X
    #[arg(long)]
    dense_times_sparse: bool,
    /// Plan for any pattern; run the empty one first, and then write only this one over it
    #[arg(long)]
    dynamic: bool,
    /// Most strips of a pattern that is planned for, instead of those of this one
    #[arg(long, value_name = "STRIPS", requires = "dynamic")]
    capacity: Option<usize>,
    /// Run on a machine of so many tiles
    #[arg(long, conflicts_with = "dynamic")]
    tiles: Option<usize>,
    /// W is S x K and X is K x N (X is N x K and W is K x S with --dense-times-sparse), without files
    #[arg(long, value_name = "SxKxN", default_value = "512x512x64", conflicts_with = "sparse")]
    sizes: Three,
    /// Rows and columns of W's blocks, without files
    #[arg(long, default_value_t = 16, conflicts_with = "sparse")]
    block: usize,
    /// The part of W's blocks that it has, at random places, without files: such as 1/16 or 0.1
    #[arg(long, default_value = "1/16", conflicts_with = "sparse")]
    density: Density,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 0, conflicts_with = "sparse")]
    seed: u64,
    #[command(flatten)]
    run: RunOptions,
}

/// Most numbers of a random matrix or of results.
const LARGEST_MATRIX: usize = 1 << 24;

/// `512x512x64`: S, K, N.
#[derive(Clone, Copy, Debug)]
struct Three([usize; 3]);

impl FromStr for Three {
    type Err = String;

    fn from_str(text: &str) -> Result<Three, String> {
        let sizes: Option<Vec<usize>> =
            text.split('x').map(|size| size.parse().ok().filter(|size| (1..=1 << 16).contains(size))).collect();
        let sizes = sizes.and_then(|sizes| <[usize; 3]>::try_from(sizes).ok());
        sizes.map(Three).ok_or_else(|| "expected three sizes from 1 to 65536, such as 512x512x64".to_owned())
    }
}

/// From 0 to 1, as a number or a fraction.
#[derive(Clone, Copy, Debug)]
struct Density(f64);

impl FromStr for Density {
    type Err = String;

    fn from_str(text: &str) -> Result<Density, String> {
        let (part, whole) = text.split_once('/').unwrap_or((text, "1"));
        let density = part.parse::<f64>().ok().zip(whole.parse::<f64>().ok()).map(|(part, whole)| part / whole);
        let density = density.filter(|density| (0.0..=1.0).contains(density));
        density.map(Density).ok_or_else(|| "expected a number from 0 to 1, such as 1/16 or 0.1".to_owned())
    }
}

/// What is multiplied.
struct Product {
    problem: SparseProblem,
    sparse: Sparse,
    dense: Vec<u16>,
}

struct Run {
    plan: SparsePlan,
    report: KernelReport,
    comparison: Comparison,
    simulation: Duration,
}

/// The object that `--json` prints. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    launches: usize,
    /// Of the results.
    shape: [usize; 2],
    #[serde(flatten)]
    pattern: Pattern,
}

/// What is said of the pattern on one tile as on many.
#[derive(Serialize)]
struct Pattern {
    /// The plan was for any pattern, and the run was the second.
    dynamic: bool,
    /// Parts of W that are computed, each of so many K for 16 sums.
    strips: usize,
    strip_width: usize,
    /// Words of 8 bytes of W, lists and descriptors, on one tile.
    pattern_words: Option<usize>,
    /// Of the dense product of the same sizes, on the same machine.
    dense_predicted_cycles: Option<u64>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.check()?;
    let config = arguments.run.kernel.apply(arguments.run.config.load()?);
    let product = arguments.product()?;
    [&arguments.sparse, &arguments.dense].into_iter().flatten().for_each(|input| protect(input));
    let out = arguments.out.as_deref().map(OutputFile::create).transpose()?;
    match arguments.tiles {
        Some(tiles) => grid::run(arguments, &grid::machine(config, tiles)?, &product, out),
        None => run_on_tile(arguments, &config, &product, out),
    }
}

fn run_on_tile(
    arguments: &Arguments,
    config: &TileConfig,
    product: &Product,
    out: Option<OutputFile>,
) -> Result<(), Failure> {
    let refused = |error: kernels::sparse::SparsePlanError| Failure::Input(error.to_string());
    let fixed = plan(config, &product.problem, &product.sparse.matrix).map_err(refused)?;
    let plans = if arguments.dynamic {
        let capacity = arguments.capacity.unwrap_or(fixed.strips());
        let dynamic = plan_dynamic(config, &product.problem, capacity).map_err(refused)?;
        let with = |matrix: &SparseMatrix| dynamic.with_pattern(matrix).map_err(refused);
        (with(&product.sparse.matrix)?, Some(with(&product.empty())?))
    } else {
        (fixed, None)
    };

    let (waveforms, files) = arguments.run.trace.open(|| tile_design(config))?;
    let mut device = arguments.run.simulator.device(config, waveforms)?;
    let run = multiply(&mut *device, plans, product);
    if run.is_ok() {
        arguments.run.trace.check_window(device.simulated_cycles())?;
    }
    let finished = finish(device.finish(), device.simulated_cycles(), files);
    let run = run?;
    finished?;

    let outcome = run.outcome(config, product);
    let dense = dense_cycles(config, &product.problem);
    let (launches, shape) = (run.plan.launches.len(), product.problem.output());
    let pattern = Pattern {
        dynamic: arguments.dynamic,
        strips: run.plan.strips(),
        strip_width: run.plan.width,
        pattern_words: Some(run.plan.pattern_words()),
        dense_predicted_cycles: dense,
    };
    if arguments.run.json {
        let common = outcome.common(device.name(), arguments.seed());
        print_json(&Summary { common, launches, shape, pattern })?;
    } else {
        let mut lines = outcome.lines_on_a_tile(launches, device.name());
        lines.extend(pattern.lines(outcome.cycles));
        print_text(&table(&lines))?;
    }
    verdict(&run.comparison)?;
    product.write(out, &run.report.bits)
}

impl Pattern {
    /// What there is to say of it, and of the dense product.
    fn lines(&self, cycles: u64) -> Vec<(&'static str, String)> {
        let strips = format!("{} strips of {} x 16", grouped(self.strips as u64), self.strip_width);
        let words = self.pattern_words.map(|words| format!(", {} words", grouped(words as u64))).unwrap_or_default();
        let written = if self.dynamic { ", written over another one" } else { "" };
        let against = |dense: u64| {
            let times = dense as f64 / cycles as f64;
            ("dense", format!("{} cycles predicted of the dense product: {times:.2} times as many", grouped(dense)))
        };
        let mut lines = vec![("pattern", format!("{strips}{words}{written}"))];
        lines.extend(self.dense_predicted_cycles.map(against));
        lines
    }
}

/// The predicted cycles of the dense product of the same sizes, if it fits.
fn dense_cycles(config: &TileConfig, problem: &SparseProblem) -> Option<u64> {
    matmul::plan(config, &dense_product(problem)).ok().map(|plan| plan.predicted_cycles())
}

/// The dense product of the same sizes, with its operands as they lie in memory here.
fn dense_product(problem: &SparseProblem) -> MatmulProblem {
    MatmulProblem { read_out: problem.read_out, ..MatmulProblem::new(problem.dense, problem.sums, problem.k) }
}

impl Arguments {
    /// The seed of random operands.
    fn seed(&self) -> Option<u64> {
        self.sparse.is_none().then_some(self.seed)
    }

    /// Refuses what a sparse product has no use for.
    fn check(&self) -> Result<(), Failure> {
        let kernel = &self.run.kernel;
        kernel.check()?;
        let unused = [
            ("--round sr", kernel.stochastic().is_some(), "which rounds to nearest: expected rne"),
            ("--exact-sums", kernel.exact_sums, "whose sums are never interrupted: expected none"),
            ("--bias", kernel.bias.is_some(), "whose sums start from 0: expected none"),
            ("--residual", kernel.residual.is_some(), "which adds nothing: expected none"),
            ("--epilogue", kernel.epilogue.is_some(), "which has ReLU alone: expected --relu or none"),
        ];
        match unused.into_iter().find(|(_, given, _)| *given) {
            Some((option, _, why)) => Err(Failure::Input(format!("{option}: found with spmm, {why}"))),
            None => Ok(()),
        }
    }

    /// The operands: from the files, or random.
    fn product(&self) -> Result<Product, Failure> {
        let product = match (&self.sparse, &self.dense) {
            (Some(sparse), Some(dense)) => self.read(sparse, dense)?,
            _ => self.random()?,
        };
        let [rows, columns] = product.problem.output();
        if rows * columns > LARGEST_MATRIX {
            let text = format!("{rows} x {columns} results: expected at most {LARGEST_MATRIX} numbers");
            return Err(Failure::Input(text));
        }
        Ok(product)
    }

    fn problem(&self, matrix: &SparseMatrix, block: [usize; 2], dense: usize) -> SparseProblem {
        let (rows, columns) = (matrix.rows, matrix.columns);
        let read_out: ReadOut = self.run.kernel.read_out();
        if self.dense_times_sparse {
            SparseProblem { order: Order::DenseTimesSparse, sums: columns, k: rows, dense, block: block[1], read_out }
        } else {
            SparseProblem { order: Order::SparseTimesDense, sums: rows, k: columns, dense, block: block[0], read_out }
        }
    }

    fn read(&self, sparse_path: &Path, dense_path: &Path) -> Result<Product, Failure> {
        let sparse = read_sparse(sparse_path)?;
        let dense = npy::read_fp16_matrix(dense_path)?;
        let npz::Sparse { matrix, block } = &sparse;
        let (dense_size, found, expected) = if self.dense_times_sparse {
            (dense.rows, dense.columns, matrix.rows)
        } else {
            (dense.columns, dense.rows, matrix.columns)
        };
        if found != expected {
            let (side, other) = if self.dense_times_sparse { ("columns", "rows") } else { ("rows", "columns") };
            return Err(Failure::Input(format!(
                "{}: found {} x {}, expected {expected} {side}, as many as {} has {other}",
                dense_path.display(),
                dense.rows,
                dense.columns,
                sparse_path.display()
            )));
        }
        let problem = self.problem(matrix, *block, dense_size);
        Ok(Product { problem, dense: dense.fp16(), sparse })
    }

    fn random(&self) -> Result<Product, Failure> {
        let (Three([s, k, n]), block, Density(density)) = (self.sizes, self.block, self.density);
        if ![1, 2, 4, 8, 16].contains(&block) {
            return Err(Failure::Input(format!("--block {block}: expected 1, 2, 4, 8 or 16")));
        }
        if !s.is_multiple_of(block) || !k.is_multiple_of(block) {
            return Err(Failure::Input(format!("--sizes {s}x{k}x{n}: expected S and K in whole blocks of {block}")));
        }
        if let Some(numbers) = [s * k, k * n].into_iter().find(|&numbers| numbers > LARGEST_MATRIX) {
            let text =
                format!("--sizes {s}x{k}x{n}: found a matrix of {numbers} numbers, expected at most {LARGEST_MATRIX}");
            return Err(Failure::Input(text));
        }
        let mut random = Random::new(self.seed);
        let size = if self.dense_times_sparse { [k, s] } else { [s, k] };
        let count = (density * (s / block * (k / block)) as f64).round() as usize;
        let matrix = random.blocks(size, [block; 2], count);
        let dense = random.fp16s(k * n);
        let problem = self.problem(&matrix, [block; 2], n);
        Ok(Product { problem, sparse: Sparse { matrix, block: [block; 2] }, dense })
    }
}

impl Product {
    fn operands(&self) -> SparseOperands<'_> {
        SparseOperands { sparse: &self.sparse.matrix, dense: &self.dense }
    }

    /// A matrix of the same size that stores nothing.
    fn empty(&self) -> SparseMatrix {
        let SparseMatrix { rows, columns, .. } = self.sparse.matrix;
        SparseMatrix { rows, columns, row_starts: vec![0; rows + 1], column_indices: vec![], values: vec![] }
    }

    /// Writes the results, where they are asked for.
    fn write(&self, out: Option<OutputFile>, bits: &[u32]) -> Result<(), Failure> {
        let Some(out) = out else { return Ok(()) };
        let (shape, format) = (self.problem.output(), self.problem.read_out.output.format());
        out.commit(|writer| npy::write_array(writer, &shape, bits, format))
    }

    fn work(&self, macs: u64) -> Work {
        Work {
            sizes: self.sizes(),
            output: self.problem.read_out.output,
            stochastic: None,
            epilogue: Epilogue::default(),
            macs,
        }
    }

    /// Compares results with the golden model's.
    fn compare(&self, results: (&[u32], golden::Flags), golden: &MatmulResult) -> Comparison {
        Comparison::new(self.problem.output()[1], self.problem.read_out.output, results, golden)
    }

    fn sizes(&self) -> Sizes {
        let SparseProblem { order, sums: s, k, dense: n, .. } = self.problem;
        let (block, stored) = (self.sparse.block, self.sparse.matrix.stored());
        let (dense_times_sparse, density) = (order == Order::DenseTimesSparse, stored as f64 / (s * k) as f64);
        Sizes::Sparse { dense_times_sparse, s, k, n, block, stored, density }
    }
}

/// Runs, after another pattern where there is one, and compares.
fn multiply(
    device: &mut dyn Device,
    (plan, before): (SparsePlan, Option<SparsePlan>),
    product: &Product,
) -> Result<Run, Failure> {
    let operands = product.operands();
    let compare = |report: &KernelReport, plan: &SparsePlan, operands: &SparseOperands| {
        product.compare((&report.bits, report.flags), &expected(plan, operands))
    };
    if let Some(before) = &before {
        let operands = SparseOperands { sparse: &product.empty(), ..operands };
        let report = run_sparse(device, before, &operands, &mut |_| ())?;
        verdict(&compare(&report, before, &operands))?;
    }
    let again = if before.is_some() { rerun_sparse } else { run_sparse };
    let (report, simulation) = timed(simulation_cycles(&plan), |progress| again(device, &plan, &operands, progress))?;
    let comparison = compare(&report, &plan, &operands);
    Ok(Run { plan, report, comparison, simulation })
}

impl Run {
    fn outcome<'a>(&'a self, config: &'a TileConfig, product: &Product) -> Outcome<'a> {
        let Run { report, comparison, simulation, .. } = self;
        Outcome::of(config, product.work(report.macs), report, comparison, *simulation)
    }
}
