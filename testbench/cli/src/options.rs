//! Options that subcommands share.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use golden::{Epilogue, EpilogueFunction, OutputType, Overflow};
use kernels::device::{Device, NativeTile, VerilatorTile};
use rtl::wave::Waveform;
use tile::{Accumulator, TileConfig};
use toml::{Table, Value};

use crate::failure::Failure;
use crate::output_file::protect;

/// The default configuration of kernels that need a vector engine.
pub const WITH_VECTOR_ENGINE: &str = "vector64";

/// Which tile.
#[derive(Args, Debug, Clone)]
pub struct ConfigOptions {
    /// A named configuration (see `tessera configs`), or a TOML file
    #[arg(long, value_name = "NAME|FILE.toml", default_value = "ipu64")]
    pub config: String,
    /// Change a field of the configuration, for instance terms=8; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub changes: Vec<String>,
}

impl ConfigOptions {
    /// The configuration, validated.
    pub fn load(&self) -> Result<TileConfig, Failure> {
        let mut config = self.base()?;
        for change in &self.changes {
            config = changed(&config, change).map_err(Failure::input(format!("--set {change}")))?;
        }
        config.validate().map_err(Failure::input(format!("configuration {}", config.name)))?;
        Ok(config)
    }

    fn base(&self) -> Result<TileConfig, Failure> {
        if !self.config.ends_with(".toml") {
            let named = TileConfig::named();
            let names: Vec<&str> = named.iter().map(|config| config.name.as_str()).collect();
            let found = named.iter().find(|config| config.name == self.config).cloned();
            return found.ok_or_else(|| {
                let names = names.join(", ");
                Failure::Input(format!("--config {}: expected {names} or the name of a .toml file", self.config))
            });
        }
        protect(Path::new(&self.config));
        let text =
            std::fs::read_to_string(&self.config).map_err(Failure::input(format!("{}: cannot read", self.config)))?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            Failure::Input(format!("{}, line {line}: {}", self.config, error.message()))
        })?;
        if !table.contains_key("name") {
            return Err(Failure::Input(format!("{}: found no `name`, expected name = \"...\"", self.config)));
        }
        // The key by key reading names the one that is at fault.
        for (key, value) in &table {
            let alone = Table::from_iter([(key.clone(), value.clone())]);
            alone.try_into::<TileConfig>().map_err(|error: toml::de::Error| {
                Failure::Input(format!("{}: {key} = {value}: {}", self.config, error.message()))
            })?;
        }
        table
            .try_into()
            .map_err(|error: toml::de::Error| Failure::Input(format!("{}: {}", self.config, error.message())))
    }
}

/// `config` with `KEY=VALUE`; its name tells the change.
fn changed(config: &TileConfig, change: &str) -> Result<TileConfig, String> {
    let (key, value) = change.split_once('=').ok_or("expected KEY=VALUE, for instance terms=8")?;
    let mut table = Table::try_from(config).map_err(|error| error.to_string())?;
    let number = value.parse().map(Value::Integer).ok();
    let value = number.or(value.parse().map(Value::Boolean).ok()).unwrap_or_else(|| Value::String(value.to_owned()));
    table.insert(key.to_owned(), value);
    let changed: TileConfig = table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let name = if key == "name" { changed.name.clone() } else { format!("{}+{change}", config.name) };
    Ok(TileConfig { name, ..changed })
}

/// What the tile runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Simulator {
    /// The simulator in Rust: nothing to install
    Native,
    /// Verilator: the reference (scripts/setup installs it)
    Verilator,
}

/// Where the tile runs.
#[derive(Args, Debug, Clone)]
pub struct SimulatorOptions {
    /// Simulator
    #[arg(long, value_enum, default_value = "native")]
    pub sim: Simulator,
}

impl SimulatorOptions {
    /// A tile, ready to run, that writes waveforms.
    pub fn device(&self, config: &TileConfig, waveforms: Vec<Waveform>) -> Result<Box<dyn Device>, Failure> {
        Ok(match (self.sim, waveforms.is_empty()) {
            (Simulator::Native, true) => Box::new(NativeTile::new(config)?),
            (Simulator::Native, false) => Box::new(NativeTile::traced(config, waveforms)?),
            (Simulator::Verilator, true) => Box::new(VerilatorTile::new(config)?),
            (Simulator::Verilator, false) => Box::new(VerilatorTile::traced(config, waveforms)?),
        })
    }
}

/// Kind of accumulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccumulatorChoice {
    /// FP32, rounded at each step
    Fp32,
    /// Fixed point, rounded once at the end
    Exact,
}

/// Type of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutType {
    Fp32,
    Fp16,
}

/// Rounding to FP16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Round {
    /// To nearest, ties to even
    Rne,
    /// Stochastic: up with a probability equal to the fraction that is cut off
    Sr,
}

/// A function of the results, by the vector engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EpilogueChoice {
    /// GELU, in its tanh form
    Gelu,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// The hyperbolic tangent
    Tanh,
    /// e^x over the sum of that in the row
    Softmax,
}

/// What kernels compute with.
#[derive(Args, Debug, Clone)]
pub struct KernelOptions {
    /// Accumulators, instead of the configuration's
    #[arg(long, value_enum)]
    pub accumulator: Option<AccumulatorChoice>,
    /// Type of the results
    #[arg(long, value_enum, default_value = "fp32")]
    pub out_type: OutType,
    /// Rounding of FP16 results
    #[arg(long, value_enum, default_value = "rne")]
    pub round: Round,
    /// Where the random bits of stochastic rounding begin
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed_rounding: u32,
    /// FP16 results beyond the finite range become the largest finite number, not infinity
    #[arg(long)]
    pub saturate: bool,
    /// Sums that are interrupted, because K is cut, keep all their bits (with exact accumulators)
    #[arg(long)]
    pub exact_sums: bool,
    /// Apply ReLU to the results
    #[arg(long)]
    pub relu: bool,
    /// Sums start from this: N numbers (a bias), or M x N (partial sums), float32
    #[arg(long, value_name = "FILE.npy")]
    pub bias: Option<PathBuf>,
    /// Add numbers of the results' shape, float16, before ReLU or --epilogue (needs a vector engine)
    #[arg(long, value_name = "FILE.npy")]
    pub residual: Option<PathBuf>,
    /// Apply a function to the results (needs a vector engine)
    #[arg(long, value_enum, value_name = "FUNCTION", conflicts_with = "relu")]
    pub epilogue: Option<EpilogueChoice>,
}

impl KernelOptions {
    /// Refuses what does not go together.
    pub fn check(&self) -> Result<(), Failure> {
        for (option, given) in [("--round sr", self.round == Round::Sr), ("--saturate", self.saturate)] {
            if given && self.out_type == OutType::Fp32 {
                let text = format!("{option}: concerns FP16 results; expected --out-type fp16 with it");
                return Err(Failure::Input(text));
            }
        }
        Ok(())
    }

    /// The seed of the random bits, where results are rounded by them.
    pub fn stochastic(&self) -> Option<u32> {
        (self.round == Round::Sr).then_some(self.seed_rounding)
    }

    /// The configuration with the accumulators that were asked for.
    pub fn apply(&self, config: TileConfig) -> TileConfig {
        let accumulator = match self.accumulator {
            None => config.accumulator,
            Some(AccumulatorChoice::Fp32) => Accumulator::Fp32,
            Some(AccumulatorChoice::Exact) => Accumulator::Exact,
        };
        TileConfig { accumulator, ..config }
    }

    /// What the vector engine makes of the sums. ReLU is the AMP engine's, unless something is added before it.
    pub fn epilogue(&self) -> Epilogue {
        let function = match self.epilogue {
            None if self.relu && self.residual.is_some() => EpilogueFunction::Relu,
            None => EpilogueFunction::None,
            Some(EpilogueChoice::Gelu) => EpilogueFunction::Gelu,
            Some(EpilogueChoice::Sigmoid) => EpilogueFunction::Sigmoid,
            Some(EpilogueChoice::Tanh) => EpilogueFunction::Tanh,
            Some(EpilogueChoice::Softmax) => EpilogueFunction::Softmax,
        };
        Epilogue { residual: self.residual.is_some(), function }
    }

    /// How results leave.
    pub fn read_out(&self) -> golden::ReadOut {
        golden::ReadOut {
            output: match self.out_type {
                OutType::Fp32 => OutputType::Fp32,
                OutType::Fp16 => OutputType::Fp16,
            },
            overflow: if self.saturate { Overflow::Saturate } else { Overflow::ToInfinity },
            activation: if self.relu && self.residual.is_none() {
                golden::Activation::Relu
            } else {
                golden::Activation::None
            },
        }
    }
}
