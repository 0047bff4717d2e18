//! What can go wrong, in words that say what to do about it.

use std::path::PathBuf;

/// Why a design could not be built, or what its simulation ran into.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No Verilator where it was looked for.
    #[error(
        "Verilator was not found (looked at {searched}); install it with `scripts/setup`, \
         or on Debian: apt-get install -y --no-install-recommends g++ verilator zlib1g-dev"
    )]
    VerilatorMissing {
        /// The places, in the order in which they were tried.
        searched: String,
    },

    /// A Verilator before version 5.
    #[error("{} is `{version}`; expected Verilator 5, which `scripts/setup` installs", binary.display())]
    VerilatorTooOld {
        /// The program.
        binary: std::path::PathBuf,
        /// What it says of itself.
        version: String,
    },

    /// Another program is missing.
    #[error("`{program}` was not found; install it with `scripts/setup`")]
    ProgramMissing {
        /// Its name.
        program: String,
    },

    /// A program that reads the Verilog, or compiles what Verilator wrote, refused it.
    #[error("{program} failed on `{top}`:\n{messages}")]
    ProgramFailed {
        /// The program that was run.
        program: String,
        /// The design's top module.
        top: String,
        /// All that the program said.
        messages: String,
    },

    /// The port list given with the design differs from the module that was compiled.
    #[error("port list of `{top}`: {difference}")]
    PortMismatch {
        /// The design's top module.
        top: String,
        /// The first difference.
        difference: String,
    },

    /// A name that the design does not have.
    #[error("no {kind} `{name}` in `{top}`; it has {known}")]
    Unknown {
        /// `port` or `memory`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The design's top module.
        top: String,
        /// The names that there are.
        known: String,
    },

    /// The Verilog reported a failure: `$error`, `$fatal`, `$stop` or an assertion that does not hold.
    #[error("`{top}` failed in cycle {cycle}: {message}")]
    Failed {
        /// The design's top module.
        top: String,
        /// The clock cycle that failed, counted from 1; 0 is the time before the first clock edge.
        cycle: u64,
        /// What the Verilog printed about it.
        message: String,
    },

    /// The simulation itself cannot go on, for instance because combinational logic does not settle.
    #[error("the simulation of `{top}` broke in cycle {cycle}: {message}")]
    Broken {
        /// The design's top module.
        top: String,
        /// The clock cycle in which it broke.
        cycle: u64,
        /// Verilator's own words.
        message: String,
    },

    /// The Verilog called `$finish`.
    #[error("`{top}` called $finish in cycle {cycle}")]
    Finished {
        /// The design's top module.
        top: String,
        /// The clock cycle in which it did.
        cycle: u64,
    },

    /// `run_until` reached its limit.
    #[error("`{port}` is {actual:#x}, not {expected:#x}, after {limit} more cycles (cycle {cycle})")]
    Timeout {
        /// The port that was waited for.
        port: String,
        /// The value that it should have reached.
        expected: u64,
        /// The value that it has.
        actual: u64,
        /// How many cycles were waited.
        limit: u64,
        /// The clock cycle at which the wait ended.
        cycle: u64,
    },

    /// A waveform was asked of a build without tracing or of no instance, or it could not be written.
    #[error("no waveform of `{instance}`: {reason}")]
    Trace {
        /// The outermost instance that it shows.
        instance: String,
        /// Why not.
        reason: String,
    },

    /// A file could not be read or written, or a program not started.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried: `read`, `write`, `start`...
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },

    /// A compiled model could not be loaded.
    #[error("cannot load `{path}`: {source}")]
    Load {
        /// The shared library.
        path: PathBuf,
        /// The loader's answer.
        source: libloading::Error,
    },
}

impl Error {
    /// For `map_err`: an input or output error with what was tried.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
