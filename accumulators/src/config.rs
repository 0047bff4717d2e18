//! What can be chosen about the AMP, and which choices are legal.

use rtl::wave::Format;
use rtl::{Bundle, Signal};
use thiserror::Error;

/// Lanes of the AMP: columns of a weight block.
pub const LANES: usize = 16;

/// Rows of a weight block: its extent along K.
pub const BLOCK: usize = 16;

/// The two kinds of accumulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccumulatorKind {
    /// An FP32 number, rounded to nearest even at each step.
    Fp32,
    /// Two's complement fixed point of `bits` bits, bit 0 weighing 2^-48, with sticky NaN, +Inf and -Inf.
    Exact {
        /// Width of the number; 104 hold the sum of 2^22 products of any size.
        bits: usize,
    },
}

impl AccumulatorKind {
    /// The exact accumulator of the named configurations.
    pub const EXACT: AccumulatorKind = AccumulatorKind::Exact { bits: 104 };

    /// Bits of one accumulator in memory.
    ///
    /// ```text
    /// Fp32    | FP32 bit pattern |
    /// Exact   | -Inf | +Inf | NaN | fixed-point number |
    /// ```
    pub fn state_bits(self) -> usize {
        match self {
            AccumulatorKind::Fp32 => 32,
            AccumulatorKind::Exact { bits } => bits + 3,
        }
    }

    /// Sums are exact.
    pub fn is_exact(self) -> bool {
        matches!(self, AccumulatorKind::Exact { .. })
    }

    /// Has waveforms show a state also as a number, where all of it is one.
    pub fn shown(self, state: Signal) -> Signal {
        match self {
            AccumulatorKind::Fp32 => state.shown_as(Format::Fp32),
            AccumulatorKind::Exact { .. } => state,
        }
    }
}

/// What lanes are built for. Both compute the same bits; they differ in where they are cut, and so in latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// Standard cells, where a register costs as much as several gates and a long carry chain much time.
    #[default]
    StandardCells,
    /// An FPGA, where registers and carry chains cost little, and shifters cost the most.
    Fpga,
}

impl Target {
    /// The name of a module that is built for this target.
    pub fn module_name(self, name: String) -> String {
        match self {
            Target::StandardCells => name,
            Target::Fpga => format!("{name}_fpga"),
        }
    }

    /// A register that only an FPGA needs, where look-up tables and the wires between them are slow.
    #[track_caller]
    pub(crate) fn cut<B: Bundle>(self, bundle: B, name: &str) -> B {
        match self {
            Target::StandardCells => bundle,
            Target::Fpga => bundle.register_all(name),
        }
    }
}

/// Bits of an exact sum in memory (`isa::exact_sum`).
pub const EXACT_SUM_BITS: usize = 128;

/// A configuration of the AMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AmpConfig {
    /// T: products that each lane adds in a cycle; 1, 2, 4, 8 or 16.
    pub terms: usize,
    /// D: accumulator rows in each of the two halves; a power of two, 16 to 64.
    pub rows: usize,
    /// Kind of accumulator.
    pub accumulator: AccumulatorKind,
    /// What the lanes are cut for.
    pub target: Target,
}

/// A configuration that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Terms.
    #[error("terms = {0}; expected 1, 2, 4, 8 or 16")]
    Terms(usize),
    /// Rows.
    #[error("rows = {0}; expected 16, 32 or 64")]
    Rows(usize),
    /// Accumulator width.
    #[error("accumulator_bits = {0}; expected 88 to 120")]
    AccumulatorBits(usize),
}

impl AmpConfig {
    /// Refuses what cannot be built.
    ///
    /// # Errors
    /// The first field that is out of range, with the legal values.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !matches!(self.terms, 1 | 2 | 4 | 8 | 16) {
            return Err(ConfigError::Terms(self.terms));
        }
        if !matches!(self.rows, 16 | 32 | 64) {
            return Err(ConfigError::Rows(self.rows));
        }
        match self.accumulator {
            AccumulatorKind::Exact { bits } if !(88..=120).contains(&bits) => Err(ConfigError::AccumulatorBits(bits)),
            _ => Ok(()),
        }
    }

    /// Cycles from the operands of a step to the state that it needs. It is read one cycle before.
    pub fn state_cycles(&self) -> usize {
        self.arithmetic().state_cycles()
    }

    /// Cycles from the state of a step to the new state.
    pub fn accumulate_cycles(&self) -> usize {
        self.arithmetic().latency_cycles()
    }

    /// Initiation interval of one accumulator: two steps of the same row must be this many cycles apart. Steps of
    /// different rows follow each other every cycle.
    pub fn loop_cycles(&self) -> usize {
        // One cycle reads the memory, one ends in its write.
        self.accumulate_cycles() + 2
    }

    /// `fp32_t4`: what tells this configuration's modules from others'.
    pub fn suffix(&self) -> String {
        let name = match self.accumulator {
            AccumulatorKind::Fp32 => format!("fp32_t{}", self.terms),
            AccumulatorKind::Exact { bits: 104 } => format!("exact_t{}", self.terms),
            AccumulatorKind::Exact { bits } => format!("exact{bits}_t{}", self.terms),
        };
        self.target.module_name(name)
    }

    /// Name of the module `unit` in this configuration: what is built from other numbers has another name.
    pub fn module_name(&self, unit: &str) -> String {
        format!("{unit}_{}_d{}", self.suffix(), self.rows)
    }

    /// G: 64-bit words in one access of a stream port.
    pub fn access_words(&self) -> usize {
        (self.terms / 4).max(1)
    }

    /// Bits in one access of a stream port: 64 G.
    pub fn access_bits(&self) -> usize {
        64 * self.access_words()
    }

    /// Bits of a byte address below an access word: log2(8 G).
    pub fn access_low_bits(&self) -> usize {
        (8 * self.access_words()).trailing_zeros() as usize
    }

    /// Bits of the number of an access word in a row of partial sums or results: FP32 in 3, exact sums in more.
    pub fn word_bits(&self) -> usize {
        match self.accumulator {
            AccumulatorKind::Fp32 => 3,
            AccumulatorKind::Exact { .. } => (LANES * EXACT_SUM_BITS / self.access_bits()).trailing_zeros() as usize,
        }
    }

    /// FP16 values in one access: 4 G.
    pub fn access_values(&self) -> usize {
        4 * self.access_words()
    }

    /// Steps of a whole block: 16 / T.
    pub fn phases(&self) -> usize {
        BLOCK / self.terms
    }

    /// Bits of a row number.
    pub fn row_bits(&self) -> usize {
        self.rows.trailing_zeros() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEGAL: AmpConfig =
        AmpConfig { terms: 4, rows: 64, accumulator: AccumulatorKind::Fp32, target: Target::StandardCells };

    #[test]
    fn illegal_configurations_are_refused_with_the_legal_values() {
        let message = |config: AmpConfig| config.validate().unwrap_err().to_string();
        assert_eq!(message(AmpConfig { terms: 3, ..LEGAL }), "terms = 3; expected 1, 2, 4, 8 or 16");
        assert_eq!(message(AmpConfig { rows: 65, ..LEGAL }), "rows = 65; expected 16, 32 or 64");
        let narrow = AccumulatorKind::Exact { bits: 80 };
        assert_eq!(message(AmpConfig { accumulator: narrow, ..LEGAL }), "accumulator_bits = 80; expected 88 to 120");
        assert_eq!(LEGAL.validate(), Ok(()));
    }
}
