//! Waveforms: what is shown of a design, and the formats that it is written in.
//!
//! ```text
//!   native simulator ----------+
//!                              +---> Recorder ---> Sink: Vcd, Fst, or one of your own
//!   another simulator's VCD ---+
//!   of the same design (Relay)
//! ```
//!
//! | room         | what is there                                                            |
//! |--------------|--------------------------------------------------------------------------|
//! | `names`      | the names of a design that have values, and how these are read           |
//! | `format`     | [`Format`]: FP16, FP32 and fixed point as decimal numbers                |
//! | `recorder`   | current values; hands changes to the waveforms in whose window they fall |
//! | `relay`      | [`Relay`]: the same waveforms from another simulator's VCD               |
//! | `sink`       | [`Sink`]: what a format of waveforms takes                               |
//! | `vcd`, `fst` | the two formats                                                          |
//! | `background` | a thread for each of them, which writes while the simulation goes on     |
//! | `bytes`      | their room for changes, to which appending is cheap                      |
//!
//! The scopes are the top module and below it the instances. Each shows its ports, registers, wires, memory reads
//! and named nodes, and `clock` and `reset` where the module has them. Beside a register of
//! [states](crate::states!) stands `NAME_as_text`; beside a value with a [`Format`]
//! ([`Signal::shown_as`](crate::Signal::shown_as)) `NAME_as_fp16`, `NAME_as_fp32` or `NAME_as_fixed`, numbered from
//! the lowest bits up where there are several elements.
//!
//! The unit is 1 ns and the clock period 10 ns: in cycle k the clock falls and the inputs of the cycle are shown at
//! 10k, and the clock rises at 10k + 5, when registers take their new values.

mod background;
mod bytes;
mod format;
mod fst;
mod names;
mod recorder;
mod relay;
mod sink;
mod vcd;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};

use crate::design::Design;

use background::Background;
pub use format::Format;
pub use fst::Fst;
use names::Scope;
pub(crate) use names::{Source, names, readings};
pub(crate) use recorder::Recorder;
pub use relay::Relay;
pub use sink::{Kind, Sink, VariableId};
pub use vcd::Vcd;

/// Nanoseconds of a clock cycle.
pub const CYCLE_NS: u64 = 10;

/// What a waveform shows.
#[derive(Clone, Debug)]
pub struct TraceOptions {
    /// Instance names from below the top, joined by points: only this instance and what is below it. Empty: all.
    pub scope: String,
    /// Only the names with these paths, from below the top; `None`: all.
    pub names: Option<BTreeSet<String>>,
    /// First cycle that is shown.
    pub first_cycle: u64,
    /// How many cycles are shown.
    pub cycles: u64,
}

impl Default for TraceOptions {
    /// Everything, from cycle 0 on, without end.
    fn default() -> Self {
        TraceOptions { scope: String::new(), names: None, first_cycle: 0, cycles: u64::MAX }
    }
}

impl TraceOptions {
    fn shows_cycle(&self, cycle: u64) -> bool {
        cycle >= self.first_cycle && cycle - self.first_cycle < self.cycles
    }

    /// The scope with this prefix is the one that is shown, or below it.
    fn shows_scope(&self, prefix: &str) -> bool {
        self.scope.is_empty() || prefix.strip_prefix(self.scope.as_str()).is_some_and(|below| below.starts_with('.'))
    }

    pub(crate) fn shows_name(&self, prefix: &str, name: &str) -> bool {
        self.shows_scope(prefix) && self.names.as_ref().is_none_or(|names| names.contains(&format!("{prefix}{name}")))
    }
}

/// A name in a waveform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownName {
    /// Instance names and its own from below the top, joined by points.
    pub path: String,
    /// What it holds.
    pub kind: Kind,
}

/// The names that a waveform of `design` shows, clocks apart, in the order of the hierarchy. Viewers have the name of
/// the top before each.
pub fn shown_names(design: &Design, options: &TraceOptions) -> Vec<ShownName> {
    let mut shown = vec![];
    Scope::top(design).append_names(design, options, &mut shown);
    shown
}

/// A waveform to be written.
pub struct Waveform {
    sink: Box<dyn Sink>,
    options: TraceOptions,
    name: String,
}

impl Waveform {
    /// As VCD, written by a thread of its own.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn vcd(to: impl Write + Send + 'static, options: TraceOptions) -> io::Result<Waveform> {
        Ok(Waveform::new(Background::new(Vcd::new(to)?), options))
    }

    /// As FST, to an empty file, written by a thread of its own.
    pub fn fst(file: File, options: TraceOptions) -> Waveform {
        Waveform::new(Background::new(Fst::new(file)), options)
    }

    /// To a sink.
    pub fn new(sink: impl Sink + 'static, options: TraceOptions) -> Waveform {
        Waveform { sink: Box::new(sink), options, name: "waveform".into() }
    }

    /// What failures to write it call it, such as its file.
    pub fn named(self, name: impl Into<String>) -> Waveform {
        Waveform { name: name.into(), ..self }
    }

    /// What it shows.
    pub fn options(&self) -> &TraceOptions {
        &self.options
    }
}
