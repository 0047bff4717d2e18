//! What can be chosen about a tile, the named configurations, and which choices are legal.

use accumulators::{AccumulatorKind, AmpConfig, ConfigError, Target};
use isa::Limits;
use isa::register::Configuration;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A configuration of the tile. As a TOML file: `name = "mine"`, `terms = 4`, and so on, every field optional but the
/// name; what is not given is as in `ipu64`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TileConfig {
    /// Name, shown wherever results are.
    pub name: String,
    /// T: products that each of the 16 lanes adds in a cycle; 1, 2, 4, 8 or 16.
    pub terms: usize,
    /// D: accumulator rows in each half of the AMP; 16, 32 or 64.
    pub rows: usize,
    /// Kind of accumulator.
    pub accumulator: Accumulator,
    /// Width of the exact accumulator's number in bits, 88 to 120; bit 0 weighs 2^-48.
    pub accumulator_bits: usize,
    /// What the lanes are cut for, `standard_cells` or `fpga`: the same bits, with other latencies.
    #[serde(with = "TargetName")]
    pub target: Target,
    /// There is a vector engine.
    pub vector: bool,
    /// Number of SRAM banks, 2 to 64.
    pub banks: usize,
    /// Size of a bank in KiB, a power of two, 1 to 64.
    pub bank_kib: usize,
}

/// Kind of accumulator, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accumulator {
    /// FP32, rounded at each step.
    Fp32,
    /// Fixed point, rounded once when it is read.
    Exact,
}

/// A target by name.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Target", rename_all = "snake_case")]
enum TargetName {
    StandardCells,
    Fpga,
}

/// A configuration that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TileConfigError {
    /// The AMP.
    #[error(transparent)]
    Amp(#[from] ConfigError),
    /// A name that would break lines, or none.
    #[error("name = {0:?}; expected characters that can be printed, at least one")]
    Name(String),
    /// Banks.
    #[error("banks = {0}; expected 2 to 64")]
    Banks(usize),
    /// Bank size.
    #[error("bank_kib = {0}; expected 1, 2, 4, 8, 16, 32 or 64")]
    BankKib(usize),
    /// More memory than addresses reach.
    #[error("{banks} banks of {bank_kib} KiB are {total} KiB; expected at most 1024 KiB")]
    Memory {
        /// Number of banks.
        banks: usize,
        /// Size of each.
        bank_kib: usize,
        /// Product.
        total: usize,
    },
}

impl Default for TileConfig {
    fn default() -> Self {
        TileConfig::ipu64()
    }
}

impl TileConfig {
    /// The IPU's rate and memory: 64 MACs a cycle, 39 banks of 16 KiB, together 624 KiB. Without a vector engine, which
    /// simulations of products would pay for.
    pub fn ipu64() -> Self {
        TileConfig {
            name: "ipu64".into(),
            terms: 4,
            rows: 64,
            accumulator: Accumulator::Fp32,
            accumulator_bits: 104,
            target: Target::StandardCells,
            vector: false,
            banks: 39,
            bank_kib: 16,
        }
    }

    /// Four times that rate: 256 MACs a cycle, 256-bit streams.
    pub fn wide256() -> Self {
        TileConfig { name: "wide256".into(), terms: 16, ..TileConfig::ipu64() }
    }

    /// For boards: 16 MACs a cycle, exact accumulators, lanes for FPGAs, no vector engine, 64 KiB.
    pub fn small16() -> Self {
        TileConfig {
            name: "small16".into(),
            terms: 1,
            rows: 16,
            accumulator: Accumulator::Exact,
            target: Target::Fpga,
            vector: false,
            banks: 8,
            bank_kib: 8,
            ..TileConfig::ipu64()
        }
    }

    /// As [`TileConfig::ipu64`], with a vector engine.
    pub fn vector64() -> Self {
        TileConfig { name: "vector64".into(), vector: true, ..TileConfig::ipu64() }
    }

    /// The named configurations.
    pub fn named() -> Vec<TileConfig> {
        vec![TileConfig::ipu64(), TileConfig::wide256(), TileConfig::small16(), TileConfig::vector64()]
    }

    /// Refuses what cannot be built.
    ///
    /// # Errors
    /// The first field that is out of range, with the legal values.
    pub fn validate(&self) -> Result<(), TileConfigError> {
        if self.name.is_empty() || self.name.chars().any(char::is_control) {
            return Err(TileConfigError::Name(self.name.clone()));
        }
        self.amp().validate()?;
        if !(88..=120).contains(&self.accumulator_bits) {
            return Err(ConfigError::AccumulatorBits(self.accumulator_bits).into());
        }
        if !(2..=64).contains(&self.banks) {
            return Err(TileConfigError::Banks(self.banks));
        }
        if !matches!(self.bank_kib, 1 | 2 | 4 | 8 | 16 | 32 | 64) {
            return Err(TileConfigError::BankKib(self.bank_kib));
        }
        let total = self.banks * self.bank_kib;
        if total > 1024 {
            return Err(TileConfigError::Memory { banks: self.banks, bank_kib: self.bank_kib, total });
        }
        Ok(())
    }

    /// The AMP of this tile.
    pub fn amp(&self) -> AmpConfig {
        let accumulator = match self.accumulator {
            Accumulator::Fp32 => AccumulatorKind::Fp32,
            Accumulator::Exact => AccumulatorKind::Exact { bits: self.accumulator_bits },
        };
        AmpConfig { terms: self.terms, rows: self.rows, accumulator, target: self.target }
    }

    /// What the register CONFIGURATION says of a tile without exchange.
    pub fn configuration(&self) -> Configuration {
        let AmpConfig { terms, rows, accumulator, .. } = self.amp();
        let (exact, accumulator_bits) = match accumulator {
            AccumulatorKind::Fp32 => (false, accumulator.state_bits()),
            AccumulatorKind::Exact { bits } => (true, bits),
        };
        Configuration {
            terms: terms as u32,
            lanes: accumulators::config::LANES as u32,
            rows: rows as u32,
            exact,
            vector: self.vector,
            accumulator_bits: accumulator_bits as u32,
            banks: self.banks as u32,
            lane_words: 0,
        }
    }

    /// What decides which programs are legal on this tile.
    pub fn limits(&self) -> Limits {
        let exact = self.accumulator == Accumulator::Exact;
        let limits = Limits::new(self.memory_bytes() as u32, self.terms as u32, self.rows as u32);
        let limits = Limits { exact, ..limits };
        if self.vector { limits.with_vector() } else { limits }
    }

    /// Multiply-accumulates a cycle: 16 T.
    pub fn macs_per_cycle(&self) -> usize {
        accumulators::config::LANES * self.terms
    }

    /// Size of the SRAM in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.banks * self.bank_bytes()
    }

    /// Size of a bank in bytes.
    pub fn bank_bytes(&self) -> usize {
        self.bank_kib * 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_configurations_are_legal() {
        for config in TileConfig::named() {
            assert_eq!(config.validate(), Ok(()), "{}", config.name);
        }
        assert_eq!(TileConfig::ipu64().memory_bytes(), 624 * 1024);
    }

    #[test]
    fn illegal_configurations_are_refused_with_the_legal_values() {
        let refuse = |change: fn(&mut TileConfig)| {
            let mut config = TileConfig::ipu64();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert_eq!(refuse(|c| c.terms = 5), "terms = 5; expected 1, 2, 4, 8 or 16");
        assert_eq!(refuse(|c| c.rows = 8), "rows = 8; expected 16, 32 or 64");
        assert_eq!(refuse(|c| c.accumulator_bits = 128), "accumulator_bits = 128; expected 88 to 120");
        assert_eq!(refuse(|c| c.banks = 1), "banks = 1; expected 2 to 64");
        assert_eq!(refuse(|c| c.bank_kib = 3), "bank_kib = 3; expected 1, 2, 4, 8, 16, 32 or 64");
        assert_eq!(
            refuse(|c| (c.banks, c.bank_kib) = (33, 32)),
            "33 banks of 32 KiB are 1056 KiB; expected at most 1024 KiB"
        );
    }
}
