//! `tessera attention`: a block of a transformer on a simulated tile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use golden::{FP16, OutputType};
use kernels::attention::{Attention, AttentionShape, AttentionWeights, Linear, Norm, expected};
use kernels::comparison::Comparison;
use kernels::network::NetworkReport;
use kernels::random::Random;
use serde::Serialize;

use super::kernel::{timed, verdict};
use super::summary::{Lines, flag_names, golden_line, grouped, lost, numeric_lines, prediction, table};
use super::{print_json, print_text};
use crate::failure::Failure;
use crate::npy::{self, Matrix};
use crate::options::{ConfigOptions, SimulatorOptions, WITH_VECTOR_ENGINE};
use crate::output_file::{OutputFile, protect};

#[derive(Args)]
#[command(
    after_help = "The folder holds x.npy (tokens x width), norm1_gain, norm1_bias, query, query_bias, key, key_bias, \
                        value, value_bias, output, output_bias, norm2_gain, norm2_bias, expand, expand_bias, contract and \
                        contract_bias. Weights are inputs x outputs and float16, biases of products float32."
)]
#[command(mut_arg("config", |config| config.default_value(WITH_VECTOR_ENGINE)))]
pub struct Arguments {
    /// Folder with the weights and x.npy, the tokens
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Write the results, tokens x width, float16
    #[arg(long, value_name = "Y.npy")]
    out: Option<PathBuf>,
    /// Parts of the width that attend on their own
    #[arg(long, default_value_t = 4)]
    heads: usize,
    /// Tokens, without a folder: random numbers
    #[arg(long, default_value_t = 32, conflicts_with = "folder")]
    tokens: usize,
    /// Numbers of a token, without a folder
    #[arg(long, default_value_t = 64, conflicts_with = "folder")]
    width: usize,
    /// Numbers between the dense layers, without a folder
    #[arg(long, default_value_t = 256, conflicts_with = "folder")]
    hidden: usize,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 0, conflicts_with = "folder")]
    seed: u64,
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    simulator: SimulatorOptions,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest size of a random block: what fits no tile is refused before it is made.
const LARGEST_SIZE: usize = 4096;

/// The object that `--json` prints. Keys are stable: they are added, never renamed.
#[derive(Serialize)]
struct Summary<'a> {
    config: &'a str,
    simulator: &'a str,
    tokens: usize,
    width: usize,
    heads: usize,
    hidden: usize,
    cycles: u64,
    predicted_cycles: u64,
    layers: Vec<LayerSummary<'a>>,
    /// Sticky flags that were raised.
    flags: Vec<&'static str>,
    /// Results that are NaN, overflowed, or were rounded to zero.
    lost: BTreeMap<&'static str, u64>,
    compared: usize,
    bit_exact: bool,
}

#[derive(Serialize)]
struct LayerSummary<'a> {
    name: &'a str,
    cycles: u64,
    predicted_cycles: u64,
    macs: u64,
}

/// A block and what it works on.
struct Block {
    shape: AttentionShape,
    weights: AttentionWeights,
    x: Vec<u16>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let Block { shape, weights, x } = match &arguments.folder {
        Some(folder) => read(folder, arguments.heads)?,
        None => arguments.random()?,
    };
    let out = arguments.out.as_deref().map(OutputFile::create).transpose()?;
    let block = Attention::new(&config, &shape, &weights).map_err(|error| Failure::Input(error.to_string()))?;
    let mut device = arguments.simulator.device(&config, vec![])?;
    let ((bits, report), simulation) = timed(block.plan.predicted_cycles(), |_| {
        block.plan.load(&mut *device)?;
        block.run(&mut *device, &x)
    })?;
    let golden = expected(&shape, &weights, &block.options, &x);
    let comparison = Comparison::new(shape.width, OutputType::Fp16, (&bits, report.flags), &golden);

    let summary = Summary::new(&config.name, device.name(), &shape, &block, &report, &comparison);
    if arguments.json {
        print_json(&summary)?;
    } else {
        let numeric = numeric_lines(report.flags, &report.counters);
        print_text(&summary.text(numeric, &comparison, simulation))?;
    }
    verdict(&comparison)?;
    let Some(out) = out else { return Ok(()) };
    let matrix = Matrix { rows: shape.tokens, columns: shape.width, bits };
    out.commit(|writer| npy::write_matrix(writer, &matrix, FP16))
}

impl Arguments {
    fn random(&self) -> Result<Block, Failure> {
        let Arguments { tokens, width, heads, hidden, .. } = *self;
        for (option, size) in [("--tokens", tokens), ("--width", width), ("--heads", heads), ("--hidden", hidden)] {
            if !(1..=LARGEST_SIZE).contains(&size) {
                return Err(Failure::Input(format!("{option} {size}: expected 1 to {LARGEST_SIZE}")));
            }
        }
        let mut random = Random::new(self.seed);
        let mut linear = |inputs: usize, outputs: usize| Linear {
            weights: random.fp16s(inputs * outputs),
            bias: (0..outputs).map(|_| random.fp32()).collect(),
        };
        let heads_weights = [linear(width, width), linear(width, width), linear(width, width)];
        let (output, expand, contract) = (linear(width, width), linear(width, hidden), linear(hidden, width));
        let mut norm = || Norm { gain: random.fp16s(width), bias: random.fp16s(width) };
        let weights = AttentionWeights { norms: [norm(), norm()], heads: heads_weights, output, expand, contract };
        let x = random.fp16s(tokens * width);
        Ok(Block { shape: AttentionShape { tokens, width, heads, hidden }, weights, x })
    }
}

/// A block from its files.
fn read(folder: &Path, heads: usize) -> Result<Block, Failure> {
    let path = |name: &str| {
        let path = folder.join(format!("{name}.npy"));
        protect(&path);
        path
    };
    let x = npy::read_fp16_matrix(&path("x"))?;
    let expand = npy::read_fp16_matrix(&path("expand"))?;
    let (width, hidden) = (x.columns, expand.columns);
    let linear = |name: &str, inputs: usize, outputs: usize| -> Result<Linear, Failure> {
        let weights = npy::read_fp16_rows(&path(name), inputs, outputs)?;
        let bias = npy::read_fp32_bias(&path(&format!("{name}_bias")), 1, outputs)?.bits;
        Ok(Linear { weights, bias })
    };
    let norm = |name: &str| -> Result<Norm, Failure> {
        let row = |what: &str| npy::read_fp16_row(&path(&format!("{name}_{what}")), width);
        Ok(Norm { gain: row("gain")?, bias: row("bias")? })
    };
    let weights = AttentionWeights {
        norms: [norm("norm1")?, norm("norm2")?],
        heads: [linear("query", width, width)?, linear("key", width, width)?, linear("value", width, width)?],
        output: linear("output", width, width)?,
        expand: linear("expand", width, hidden)?,
        contract: linear("contract", hidden, width)?,
    };
    let shape = AttentionShape { tokens: x.rows, width, heads, hidden };
    Ok(Block { shape, weights, x: x.fp16() })
}

impl<'a> Summary<'a> {
    fn new(
        config: &'a str,
        simulator: &'a str,
        shape: &AttentionShape,
        block: &'a Attention,
        report: &NetworkReport,
        comparison: &Comparison,
    ) -> Self {
        let AttentionShape { tokens, width, heads, hidden } = *shape;
        let layers = block.plan.layers.iter().zip(&report.layer_cycles);
        let layer = |(layer, &cycles): (&'a kernels::network::PlannedLayer, &u64)| LayerSummary {
            name: &layer.name,
            cycles,
            predicted_cycles: layer.predicted_cycles,
            macs: layer.macs,
        };
        Summary {
            config,
            simulator,
            tokens,
            width,
            heads,
            hidden,
            cycles: report.cycles,
            predicted_cycles: block.plan.predicted_cycles(),
            layers: layers.map(layer).collect(),
            flags: flag_names(report.flags),
            lost: lost(&report.counters),
            compared: comparison.compared,
            bit_exact: comparison.bit_exact(),
        }
    }

    fn text(&self, numeric: Lines, comparison: &Comparison, simulation: Duration) -> String {
        let Summary { tokens, width, heads, hidden, .. } = self;
        let mut lines = vec![
            ("tile", format!("{}, in the {} simulator", self.config, self.simulator)),
            ("block", format!("{tokens} tokens of {width}, {heads} heads, {hidden} hidden")),
            ("cycles", format!("{}; {}", grouped(self.cycles), prediction(self.cycles, self.predicted_cycles))),
            ("simulation", format!("{:.2} s", simulation.as_secs_f64())),
        ];
        lines.extend(numeric);
        lines.push(("golden", golden_line(comparison)));
        let head = format!("  {:<12} {:>10} {:>10} {:>10}\n", "layer", "cycles", "predicted", "MACs");
        let layers = self.layers.iter().map(|layer| {
            let [cycles, predicted, macs] = [layer.cycles, layer.predicted_cycles, layer.macs].map(grouped);
            format!("  {:<12} {cycles:>10} {predicted:>10} {macs:>10}\n", layer.name)
        });
        format!("{}\n{head}{}", table(&lines), layers.collect::<String>())
    }
}
