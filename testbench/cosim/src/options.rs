//! How a design is built.

use std::path::PathBuf;

use crate::Verilator;

/// C++ optimization of a model's code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimization {
    /// `-O0`: ten times slower to run.
    None,
    /// `-O1`: compiles in a third of the time of `-O2` and runs as fast.
    #[default]
    Some,
    /// `-O2`.
    More,
    /// `-O3`.
    Most,
}

impl Optimization {
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::None => "-O0",
            Self::Some => "-O1",
            Self::More => "-O2",
            Self::Most => "-O3",
        }
    }
}

/// Whether a model can write waveforms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trace {
    /// No: the model is smaller and faster.
    #[default]
    None,
    /// As VCD files.
    Vcd,
}

/// A variable (a memory or a register) of every instance of a module, to be reached by name from the test bench.
///
/// The same as the attribute `/*verilator public_flat_rw*/` behind its declaration, for Verilog that must stay
/// free of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// The Verilog module.
    pub module: String,
    /// The variable that it declares.
    pub variable: String,
}

/// How a design is built. Every field is part of the cached build's identity, except `verilator` (its content
/// is) and `cache`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// C++ optimization.
    pub optimization: Optimization,
    /// Waveforms.
    pub trace: Trace,
    /// More arguments for Verilator.
    pub verilator_arguments: Vec<String>,
    /// Memories and registers to reach by name, beside those that carry the attribute.
    pub public: Vec<Public>,
    /// Modules of many instances, each alone in a source called after it with `.v` behind: verilated and compiled once
    /// rather than once for each instance, so that a build takes as long as for one, and runs a little slower. No waveform
    /// and no public variable shows their insides.
    pub blocks: Vec<String>,
    /// The folder of cached builds; default [`crate::default_cache`].
    pub cache: Option<PathBuf>,
    /// The Verilator to use; default [`Verilator::find`].
    pub verilator: Option<Verilator>,
}
