//! `tessera conv`: a convolution on a simulated tile, or on a machine of many.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use golden::{ConvolutionShape, Padding};
use kernels::comparison::Comparison;
use kernels::convolution::{
    ConvolutionOperands, ConvolutionPlan, ConvolutionProblem, expected, plan, run_convolution, simulation_cycles,
};
use kernels::device::Device;
use kernels::random::Random;
use kernels::report::KernelReport;
use serde::Serialize;
use tile::TileConfig;

use super::emit::tile_design;
use super::kernel::{RunOptions, finish, timed, verdict_at};
use super::summary::{Common, Outcome, Sizes, Work, table};
use super::{print_json, print_text};
use crate::failure::Failure;
use crate::npy;
use crate::output_file::{OutputFile, protect};

mod grid;

#[derive(Args)]
pub struct Arguments {
    /// Images, N x H x W x C: float16 (float32 and float64 are rounded to it)
    #[arg(value_name = "X.npy", requires = "weights")]
    pixels: Option<PathBuf>,
    /// Filters, O x H x W x C / groups, likewise
    #[arg(value_name = "W.npy")]
    weights: Option<PathBuf>,
    /// Write the results, N x H x W x O, float32 or float16 as --out-type says
    #[arg(long, value_name = "Y.npy")]
    out: Option<PathBuf>,
    /// Images, without files: random numbers from -1 to 1
    #[arg(long, default_value_t = 1, conflicts_with = "pixels")]
    batch: usize,
    /// Rows and columns of an image, without files
    #[arg(long, value_name = "ROWSxCOLUMNS", default_value = "16x16", conflicts_with = "pixels")]
    image: Pair,
    /// Channels of a pixel, without files
    #[arg(long, default_value_t = 64, conflicts_with = "pixels")]
    channels: usize,
    /// Filters, without files
    #[arg(long, default_value_t = 64, conflicts_with = "pixels")]
    filters: usize,
    /// Rows and columns of a filter, without files
    #[arg(long, value_name = "ROWSxCOLUMNS", default_value = "3x3", conflicts_with = "pixels")]
    kernel_size: Pair,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 0, conflicts_with = "pixels")]
    seed: u64,
    /// Pixels from one result to the next
    #[arg(long, value_name = "N|ROWSxCOLUMNS", default_value = "1")]
    stride: Pair,
    /// Pixels from one tap of a filter to the next
    #[arg(long, value_name = "N|ROWSxCOLUMNS", default_value = "1")]
    dilation: Pair,
    /// Zeros around an image: on all sides, or on each
    #[arg(long, value_name = "N|TOP,BOTTOM,LEFT,RIGHT", default_value = "0")]
    padding: Sides,
    /// Parts of channels and filters that meet only one another
    #[arg(long, default_value_t = 1)]
    groups: usize,
    /// Tiles that share the work, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 1)]
    tiles: usize,
    #[command(flatten)]
    run: RunOptions,
}

/// Most numbers of results, and of random images or filters.
const LARGEST_ARRAY: usize = 1 << 26;

/// One number for both directions, or `2x3`: vertical, horizontal.
#[derive(Clone, Copy, Debug)]
struct Pair([usize; 2]);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Pair, String> {
        match numbers(text, 'x').as_deref() {
            Some(&[both]) => Ok(Pair([both, both])),
            Some(&[rows, columns]) => Ok(Pair([rows, columns])),
            _ => Err("expected a number, or two such as 2x3".to_owned()),
        }
    }
}

/// One number for all sides, or `1,1,2,2`.
#[derive(Clone, Copy, Debug)]
struct Sides(Padding);

impl FromStr for Sides {
    type Err = String;

    fn from_str(text: &str) -> Result<Sides, String> {
        let sides = match numbers(text, ',').as_deref() {
            Some(&[all]) => [all; 4],
            Some(&[top, bottom, left, right]) => [top, bottom, left, right],
            _ => return Err("expected a number, or four: top,bottom,left,right".to_owned()),
        };
        let [top, bottom, left, right] = sides;
        Ok(Sides(Padding { top, bottom, left, right }))
    }
}

/// Numbers up to 2^20, the largest that anything here can be.
fn numbers(text: &str, separator: char) -> Option<Vec<usize>> {
    text.split(separator).map(|number| number.parse().ok().filter(|&number| number <= 1 << 20)).collect()
}

/// What is convolved.
struct Convolution {
    shape: ConvolutionShape,
    pixels: Vec<u16>,
    weights: Vec<u16>,
    bias: Option<Vec<u32>>,
    residual: Option<Vec<u16>>,
}

struct Run {
    plan: ConvolutionPlan,
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
    /// Of the results: images, rows, columns, filters.
    shape: [usize; 4],
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.check()?;
    let config = arguments.run.kernel.apply(arguments.run.config.load()?);
    let convolution = arguments.convolution()?;
    let inputs = [&arguments.pixels, &arguments.weights, &arguments.run.kernel.bias, &arguments.run.kernel.residual];
    inputs.into_iter().flatten().for_each(|input| protect(input));
    let out = arguments.out.as_deref().map(OutputFile::create).transpose()?;
    let problem = ConvolutionProblem {
        shape: convolution.shape,
        bias: convolution.bias.is_some(),
        read_out: arguments.run.kernel.read_out(),
        epilogue: arguments.run.kernel.epilogue(),
    };
    if arguments.tiles != 1 {
        return grid::run(arguments, config, &problem, &convolution, out);
    }
    let plan = plan(&config, &problem).map_err(|error| Failure::Input(error.to_string()))?;

    let (waveforms, files) = arguments.run.trace.open(|| tile_design(&config))?;
    let mut device = arguments.run.simulator.device(&config, waveforms)?;
    let run = convolve(&mut *device, plan, &convolution);
    if run.is_ok() {
        arguments.run.trace.check_window(device.simulated_cycles())?;
    }
    let finished = finish(device.finish(), device.simulated_cycles(), files);
    let run = run?;
    finished?;

    let outcome = run.outcome(&config);
    let launches = run.plan.launches.len();
    let shape = output_shape(&problem.shape);
    if arguments.run.json {
        let common = outcome.common(device.name(), arguments.random_seed());
        print_json(&Summary { common, launches, shape })?;
    } else {
        print_text(&table(&outcome.lines_on_a_tile(launches, device.name())))?;
    }
    verdict(&run.comparison, shape)?;
    write_results(out, &problem, &run.report.bits)
}

/// Images, rows, columns and filters of the results.
fn output_shape(shape: &ConvolutionShape) -> [usize; 4] {
    let [rows, columns] = shape.output();
    [shape.batch, rows, columns, shape.filters]
}

/// Only what is right gets the name that was asked for.
fn write_results(out: Option<OutputFile>, problem: &ConvolutionProblem, bits: &[u32]) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    out.commit(|writer| npy::write_array(writer, &output_shape(&problem.shape), bits, problem.read_out.output.format()))
}

/// What is computed, with so many useful multiply-accumulates.
fn work(problem: &ConvolutionProblem, macs: u64) -> Work {
    let ConvolutionShape { batch, image, channels, filters, kernel, stride, dilation, padding, groups } = problem.shape;
    let Padding { top, bottom, left, right } = padding;
    let padding = [top, bottom, left, right];
    let sizes = Sizes::Convolution { batch, image, channels, filters, kernel, stride, dilation, padding, groups };
    Work { sizes, output: problem.read_out.output, stochastic: None, epilogue: problem.epilogue, macs }
}

impl Convolution {
    fn operands(&self) -> ConvolutionOperands<'_> {
        let Convolution { pixels, weights, bias, residual, .. } = self;
        ConvolutionOperands { pixels, weights, bias: bias.as_deref(), residual: residual.as_deref() }
    }
}

impl Arguments {
    /// The seed of random operands.
    fn random_seed(&self) -> Option<u64> {
        self.pixels.is_none().then_some(self.seed)
    }

    /// Refuses what a convolution has no use for.
    fn check(&self) -> Result<(), Failure> {
        self.run.kernel.check()?;
        if self.run.kernel.stochastic().is_some() {
            return Err(Failure::Input(
                "--round sr: found with conv, which rounds to nearest: expected rne".to_owned(),
            ));
        }
        if self.run.kernel.exact_sums {
            let text = "--exact-sums: found with conv, whose sums are never interrupted: expected none";
            return Err(Failure::Input(text.to_owned()));
        }
        Ok(())
    }

    /// The sizes, with those of images and filters.
    fn shape(
        &self,
        [batch, rows, columns, channels]: [usize; 4],
        [filters, height, width]: [usize; 3],
    ) -> ConvolutionShape {
        ConvolutionShape {
            batch,
            image: [rows, columns],
            channels,
            filters,
            kernel: [height, width],
            stride: self.stride.0,
            dilation: self.dilation.0,
            padding: self.padding.0,
            groups: self.groups,
        }
    }

    /// The operands: from the files, or random.
    fn convolution(&self) -> Result<Convolution, Failure> {
        let (shape, pixels, weights) = match (&self.pixels, &self.weights) {
            (Some(pixels), Some(weights)) => self.read(pixels, weights)?,
            _ => self.random()?,
        };
        check_size("results", output_shape(&shape))?;
        let read_bias = |path: &PathBuf| npy::read_fp32_bias(path, 1, shape.filters).map(|bias| bias.bits);
        let bias = self.run.kernel.bias.as_ref().map(read_bias).transpose()?;
        let residual = self.run.kernel.residual.as_ref().map(|path| read_residual(path, &shape)).transpose()?;
        Ok(Convolution { shape, pixels, weights, bias, residual })
    }

    fn read(&self, pixels: &Path, weights: &Path) -> Result<(ConvolutionShape, Vec<u16>, Vec<u16>), Failure> {
        let (images, values) = npy::read_fp16_tensor(pixels, "images x rows x columns x channels")?;
        let (filters, weight_values) = npy::read_fp16_tensor(weights, "filters x rows x columns x channels")?;
        let shape = self.shape(images, [filters[0], filters[1], filters[2]]);
        shape.validate().map_err(|error| Failure::Input(error.to_string()))?;
        if filters[3] != shape.group_channels() {
            return Err(Failure::Input(format!(
                "{}: found filters of {} channels, expected {}, those of {} in {} group{}",
                weights.display(),
                filters[3],
                shape.group_channels(),
                pixels.display(),
                shape.groups,
                if shape.groups == 1 { "" } else { "s" }
            )));
        }
        Ok((shape, values, weight_values))
    }

    fn random(&self) -> Result<(ConvolutionShape, Vec<u16>, Vec<u16>), Failure> {
        let ([rows, columns], [height, width]) = (self.image.0, self.kernel_size.0);
        let shape = self.shape([self.batch, rows, columns, self.channels], [self.filters, height, width]);
        shape.validate().map_err(|error| Failure::Input(error.to_string()))?;
        check_size("images", [shape.batch, rows, columns, shape.channels])?;
        check_size("filters", [shape.filters, height, width, shape.group_channels()])?;
        let mut random = Random::new(self.seed);
        let pixels = random.fp16s(shape.batch * rows * columns * shape.channels);
        let weights = random.fp16s(shape.filters * height * width * shape.group_channels());
        Ok((shape, pixels, weights))
    }
}

/// Refuses an array that no simulation could be waited for.
fn check_size(what: &str, sizes: [usize; 4]) -> Result<(), Failure> {
    let count = sizes.into_iter().try_fold(1usize, usize::checked_mul);
    if count.is_none_or(|count| count > LARGEST_ARRAY) {
        let sizes = npy::shape_text(&sizes);
        return Err(Failure::Input(format!("{what} of {sizes}: expected at most {LARGEST_ARRAY} numbers")));
    }
    Ok(())
}

/// Numbers of the results' shape.
fn read_residual(path: &Path, shape: &ConvolutionShape) -> Result<Vec<u16>, Failure> {
    let (found, values) = npy::read_fp16_tensor(path, "images x rows x columns x filters")?;
    let expected = output_shape(shape);
    if found != expected {
        let (path, found, expected) = (path.display(), npy::shape_text(&found), npy::shape_text(&expected));
        return Err(Failure::Input(format!("{path}: found {found}, expected {expected}")));
    }
    Ok(values)
}

/// Runs and compares.
fn convolve(device: &mut dyn Device, plan: ConvolutionPlan, convolution: &Convolution) -> Result<Run, Failure> {
    let operands = convolution.operands();
    let (report, simulation) =
        timed(simulation_cycles(&plan), |progress| run_convolution(device, &plan, &operands, progress))?;
    let (filters, output) = (plan.problem.shape.filters, plan.problem.read_out.output);
    let comparison = Comparison::new(filters, output, (&report.bits, report.flags), &expected(&plan, &operands));
    Ok(Run { plan, report, comparison, simulation })
}

impl Run {
    fn outcome<'a>(&'a self, config: &'a TileConfig) -> Outcome<'a> {
        let Run { plan, report, comparison, simulation } = self;
        let work = work(&plan.problem, report.macs);
        Outcome::of(config, work, report, comparison, *simulation)
    }
}

/// Fails unless all is as in the golden model.
fn verdict(comparison: &Comparison, [_, rows, columns, _]: [usize; 4]) -> Result<(), Failure> {
    verdict_at(comparison, |pixel, filter| {
        let (image, y, x) = (pixel / (rows * columns), pixel / columns % rows, pixel % columns);
        format!("image {image}, row {y}, column {x}, filter {filter}")
    })
}
