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
//! | `memory` | activations from below, constants from above, the program between them |
//! | `layers` | products, convolutions, the largest of windows, normalisation, softmax |
//! | `run`    | loads, starts, waits, reads; the cycles of each layer                  |

mod layers;
mod memory;
mod run;

pub use layers::{Dense, Weights};
pub use run::NetworkReport;

use accumulators::AmpConfig;
use golden::{MatmulOptions, ReadOut};
use isa::{
    AmpDescriptor, BLOCK, ControlRegister, EngineMask, ListEntry, Program, ProgramBuilder, VectorDescriptor, WORD_BYTES,
};
use thiserror::Error;
use tile::{TileConfig, TileConfigError};

use self::memory::NetworkMemory;
use crate::matmul::{Region, access_bytes, golden_options};
use crate::pack::pack_fp32;
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
    memory: NetworkMemory,
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

    /// The same at a byte address.
    fn at(self, address: u32) -> Tensor {
        Tensor { matrix: Matrix { address, ..self.matrix }, ..self }
    }

    /// Bytes in memory. As weights a tensor is read in blocks, also beyond its last row and column.
    fn bytes(&self) -> u32 {
        let rows = if self.rows == 1 { 1 } else { self.rows.next_multiple_of(BLOCK as usize) };
        rows as u32 * self.matrix.pitch_words * WORD_BYTES + BLOCK * 4
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
        let memory = NetworkMemory::new(config);
        Ok(Network { config: config.clone(), memory, constants: vec![], layers: vec![] })
    }

    /// Memory for rows that the host or a layer writes, in banks of its own.
    pub fn tensor(&mut self, rows: usize, columns: usize, fp16: bool) -> Tensor {
        let tensor = self.placeless(rows, columns, fp16);
        tensor.at(self.memory.activations(tensor.bytes()))
    }

    /// Memory of what layers leave from here on may be taken again after [`Network::release`].
    pub fn mark(&self) -> u32 {
        self.memory.mark()
    }

    /// What layers have left since the mark is not needed by any layer that comes.
    pub fn release(&mut self, mark: u32) {
        self.memory.release(mark);
    }

    fn placeless(&self, rows: usize, columns: usize, fp16: bool) -> Tensor {
        let number_bytes = if fp16 { 2 } else { 4 };
        let pitch = ((columns * number_bytes) as u32).next_multiple_of(access_bytes(&self.config));
        Tensor { matrix: Matrix { address: 0, pitch_words: pitch / WORD_BYTES, fp16 }, rows, columns }
    }

    /// FP16 numbers that stay the same.
    pub fn constant(&mut self, columns: usize, values: &[u16]) -> Tensor {
        let tensor = self.placeless(values.len() / columns, columns, true);
        let bytes = tensor.bytes();
        // A row goes where rows are: what is read beside weights is in other banks.
        let address = if tensor.rows == 1 { self.memory.row(bytes) } else { self.memory.weights(bytes) };
        let tensor = tensor.at(address);
        self.constants.push((tensor.matrix.address, run::packed(&tensor, values)));
        tensor
    }

    /// One row of FP32 numbers that stay the same.
    pub fn constant_row(&mut self, values: &[u32]) -> Tensor {
        let tensor = self.placeless(1, values.len().next_multiple_of(BLOCK as usize), false);
        let tensor = tensor.at(self.memory.row(tensor.bytes()));
        self.constants.push((tensor.matrix.address, pack_fp32(values)));
        Tensor { columns: values.len(), ..tensor }
    }

    /// The golden model's options for the products of this tile.
    pub fn options(&self) -> MatmulOptions {
        golden_options(&self.config, ReadOut::default())
    }

    /// The plan.
    ///
    /// # Errors
    /// The memory is too small.
    pub fn finish(&self) -> Result<NetworkPlan, NetworkError> {
        let memory_bytes = self.config.memory_bytes();
        let too_large = |needed| NetworkError::Memory { name: self.config.name.clone(), memory_bytes, needed };
        let data_bytes = self.memory.bytes();
        if data_bytes > memory_bytes {
            return Err(too_large(data_bytes));
        }
        let mut builder = ProgramBuilder::new(self.memory.program());
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
        let program = builder.finish().expect("strides and sizes in a tile's memory fit their fields");
        let words: usize = program.segments.iter().map(|segment| segment.words.len()).sum();
        let needed = data_bytes + words * WORD_BYTES as usize;
        if needed > memory_bytes {
            return Err(too_large(needed));
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

    /// A sequence for rows of this size, with memory of its own until it is pushed.
    fn sequence(&self, rows: usize, columns: usize) -> Sequence {
        Sequence::new(rows as u32, columns as u32, self.memory.mark())
    }

    /// Ends a layer of AMP commands, which take `cycles`, and a sequence behind them.
    fn push(
        &mut self,
        name: &str,
        (commands, cycles): (Vec<(AmpDescriptor, Vec<ListEntry>)>, u64),
        sequence: &Sequence,
        macs: u64,
    ) {
        self.memory.touch(sequence.end());
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
