//! Networks on one tile: layers whose activations stay in its memory, and one program for all of them.
//!
//! ```text
//!   Network: input, constants, layers --> finish --> NetworkPlan --> load --> run --> NetworkReport
//!            each in banks of its own     program    predicted
//!                                                    cycles a layer
//!   program  | AMP ... | WAIT | VECTOR ... | WAIT | SET marker | AMP ... | WAIT | SET marker | ... | HALT |
//! ```
//! A layer begins when the one before has ended: its WAITs are the only order there is. What a layer leaves is rows in
//! memory, which the next one takes as inputs or as weights, transposed too, or as operands of the vector engine.
//!
//! | File     | What is there                                                          |
//! |----------|------------------------------------------------------------------------|
//! | `layers` | products, convolutions, the largest of windows, normalisation, softmax |
//! | `run`    | loads, starts, waits, reads; the cycles of each layer                  |

mod layers;
mod run;

pub use layers::{Dense, Weights};
pub use run::NetworkReport;

use accumulators::AmpConfig;
use golden::{MatmulOptions, TileParameters};
use isa::{
    AmpDescriptor, BLOCK, ControlRegister, EngineMask, ListEntry, Program, ProgramBuilder, VectorDescriptor, WORD_BYTES,
};
use thiserror::Error;
use tile::{TileConfig, TileConfigError};

use crate::matmul::{Region, access_bytes};
use crate::vector::{Matrix, Sequence, timing};

/// Rows of numbers in a tile's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tensor {
    /// Where they lie.
    pub matrix: Matrix,
    /// Number of rows.
    pub rows: usize,
    /// Numbers of a row.
    pub columns: usize,
}

/// A network that is being described.
pub struct Network {
    config: TileConfig,
    /// End of the memory that is taken.
    end: u32,
    constants: Vec<(u32, Vec<u64>)>,
    layers: Vec<Layer>,
}

/// A layer and its commands.
struct Layer {
    name: String,
    steps: Vec<Step>,
    predicted_cycles: u64,
    macs: u64,
}

/// Commands that are under way together, and are waited for.
enum Step {
    Amp(Vec<(AmpDescriptor, Vec<ListEntry>)>),
    Vector(Vec<VectorDescriptor>),
}

/// A network that can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPlan {
    /// The program.
    pub program: Program,
    /// What the layers are called.
    pub layers: Vec<PlannedLayer>,
    constants: Vec<(u32, Vec<u64>)>,
}

/// A layer of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLayer {
    /// What it is called.
    pub name: String,
    /// Cycles that it is predicted to take.
    pub predicted_cycles: u64,
    /// Multiply-accumulates that it needs.
    pub macs: u64,
}

/// A network that a tile cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// The configuration is not legal.
    #[error(transparent)]
    Config(#[from] TileConfigError),
    /// No vector engine.
    #[error("configuration {0} has no vector engine, which a network needs: expected one with vector = true")]
    NoVector(String),
    /// Weights, activations and program together are too large.
    #[error("configuration {name} has {memory_bytes} bytes of memory, the network needs {needed}")]
    Memory {
        /// Name of the configuration.
        name: String,
        /// Its memory.
        memory_bytes: usize,
        /// Bytes of the network, in banks of their own.
        needed: usize,
    },
}

/// From the end of a layer's last command to the first of the next: WAIT and SET.
const BETWEEN_CYCLES: u64 = 6;

impl Tensor {
    /// Some columns of all rows. The first is a multiple of what a word holds.
    pub fn columns(&self, first: usize, columns: usize) -> Tensor {
        assert!(first + columns <= self.columns, "columns of {}", self.columns);
        let bytes = first * self.number_bytes();
        assert!(bytes.is_multiple_of(WORD_BYTES as usize), "column {first} begins a word");
        Tensor { matrix: Matrix { address: self.matrix.address + bytes as u32, ..self.matrix }, columns, ..*self }
    }

    /// The same numbers in rows of another length. Panics unless rows follow each other without gaps.
    pub fn reshaped(&self, rows: usize, columns: usize) -> Tensor {
        let row_bytes = |columns: usize| columns * self.number_bytes();
        assert_eq!(self.matrix.pitch_words as usize * 8, row_bytes(self.columns), "rows without gaps");
        assert_eq!(rows * columns, self.rows * self.columns, "as many numbers");
        let pitch_words = (row_bytes(columns) / 8) as u32;
        assert_eq!(pitch_words as usize * 8, row_bytes(columns), "rows of whole words");
        Tensor { matrix: Matrix { pitch_words, ..self.matrix }, rows, columns }
    }

    fn number_bytes(&self) -> usize {
        if self.matrix.fp16 { 2 } else { 4 }
    }

    fn region(&self) -> Region {
        let Matrix { address, pitch_words, .. } = self.matrix;
        Region { address, bytes: self.rows as u32 * pitch_words * WORD_BYTES, pitch_words }
    }
}

impl Network {
    /// A network without layers.
    ///
    /// # Errors
    /// The configuration is not legal, or has no vector engine.
    pub fn new(config: &TileConfig) -> Result<Self, NetworkError> {
        config.validate()?;
        if !config.vector {
            return Err(NetworkError::NoVector(config.name.clone()));
        }
        Ok(Network { config: config.clone(), end: 0, constants: vec![], layers: vec![] })
    }

    /// Memory for rows that the host or a layer writes, in banks of its own.
    pub fn tensor(&mut self, rows: usize, columns: usize, fp16: bool) -> Tensor {
        let number_bytes = if fp16 { 2 } else { 4 };
        let pitch = ((columns * number_bytes) as u32).next_multiple_of(access_bytes(&self.config));
        // As weights they are read in blocks, also beyond the last row and column.
        let blocks = rows.next_multiple_of(BLOCK as usize) as u32;
        let address = self.allocate(blocks * pitch + BLOCK * 4);
        Tensor { matrix: Matrix { address, pitch_words: pitch / WORD_BYTES, fp16 }, rows, columns }
    }

    /// FP16 numbers that stay the same.
    pub fn constant(&mut self, columns: usize, values: &[u16]) -> Tensor {
        let tensor = self.tensor(values.len() / columns, columns, true);
        self.constants.push((tensor.matrix.address, run::packed(&tensor, values)));
        tensor
    }

    /// One row of FP32 numbers that stay the same.
    pub fn constant_row(&mut self, values: &[u32]) -> Tensor {
        let tensor = self.tensor(1, values.len().next_multiple_of(BLOCK as usize), false);
        self.constants.push((tensor.matrix.address, run::packed_fp32(values)));
        Tensor { columns: values.len(), ..tensor }
    }

    /// The golden model's options for the products of this tile.
    pub fn options(&self) -> MatmulOptions {
        let parameters = TileParameters::of(&self.config.configuration(), self.config.memory_bytes());
        MatmulOptions { terms: parameters.terms, accumulator: parameters.accumulator, ..MatmulOptions::default() }
    }

    /// The plan.
    ///
    /// # Errors
    /// The memory is too small.
    pub fn finish(&self) -> Result<NetworkPlan, NetworkError> {
        let mut builder = ProgramBuilder::new(self.end);
        for (index, layer) in self.layers.iter().enumerate() {
            for step in &layer.steps {
                match step {
                    Step::Amp(commands) => {
                        for (descriptor, list) in commands {
                            builder.amp_with(*descriptor, list);
                        }
                        builder.wait(EngineMask::AMP);
                    }
                    Step::Vector(commands) => {
                        for command in commands {
                            builder.vector_with(*command);
                        }
                        builder.wait(EngineMask::VECTOR);
                    }
                }
            }
            builder.set(ControlRegister::MARKER, index as u32 + 1);
        }
        builder.halt();
        let memory_bytes = self.config.memory_bytes();
        let too_large = |needed| NetworkError::Memory { name: self.config.name.clone(), memory_bytes, needed };
        if self.end as usize > memory_bytes {
            return Err(too_large(self.end as usize));
        }
        let program = builder.finish().expect("strides and sizes in a tile's memory fit their fields");
        let end = program.segments.iter().map(|segment| segment.address as usize + segment.words.len() * 8).max();
        let end = end.expect("a program");
        if end > memory_bytes {
            return Err(too_large(end));
        }
        let layers = self.layers.iter().map(|layer| PlannedLayer {
            name: layer.name.clone(),
            predicted_cycles: layer.predicted_cycles,
            macs: layer.macs,
        });
        Ok(NetworkPlan { program, layers: layers.collect(), constants: self.constants.clone() })
    }

    fn amp(&self) -> AmpConfig {
        self.config.amp()
    }

    /// Bytes that begin a bank.
    fn allocate(&mut self, bytes: u32) -> u32 {
        let address = self.end;
        self.end = (address + bytes).next_multiple_of(self.config.bank_bytes() as u32);
        address
    }

    /// A sequence for rows of this size, with memory of its own.
    fn sequence(&self, rows: usize, columns: usize) -> Sequence {
        Sequence::new(rows as u32, columns as u32, self.end)
    }

    /// Ends a layer of AMP commands, which take `cycles`, and a sequence behind them.
    fn push(
        &mut self,
        name: &str,
        (commands, cycles): (Vec<(AmpDescriptor, Vec<ListEntry>)>, u64),
        sequence: &Sequence,
        macs: u64,
    ) {
        self.end = sequence.end().next_multiple_of(self.config.bank_bytes() as u32);
        let mut steps = vec![];
        if !commands.is_empty() {
            steps.push(Step::Amp(commands));
        }
        if !sequence.commands().is_empty() {
            steps.push(Step::Vector(sequence.commands().to_vec()));
        }
        let predicted_cycles = cycles + timing::sequence_cycles(sequence.commands(), &self.config) + BETWEEN_CYCLES;
        self.layers.push(Layer { name: name.to_owned(), steps, predicted_cycles, macs });
    }
}
