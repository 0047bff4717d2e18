//! `--trace`: waveforms of a run, and views of them for GTKWave and Surfer.

use std::path::{Path, PathBuf};

use clap::Args;
use rtl::Design;
use rtl::wave::{TraceOptions, Waveform};

use crate::failure::Failure;
use crate::output_file::OutputFile;

/// Which waveforms are written.
#[derive(Args, Debug, Clone)]
pub struct TraceArguments {
    /// Write waveforms to FILE.vcd or FILE.fst (smaller); may be given for both
    #[arg(long, value_name = "FILE")]
    pub trace: Vec<PathBuf>,
    /// First cycle of the waveforms, counted from the reset
    #[arg(long, value_name = "CYCLE", default_value_t = 0, requires = "trace")]
    trace_from: u64,
    /// Cycles of the waveforms, without it all to the end
    #[arg(long, value_name = "CYCLES", requires = "trace")]
    trace_cycles: Option<u64>,
    /// Only this instance and what is below it, such as amp_engine.amp
    #[arg(long, value_name = "INSTANCE", requires = "trace")]
    trace_scope: Option<String>,
}

/// A format of waveforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Vcd,
    Fst,
}

impl Format {
    fn of(path: &Path) -> Result<Format, Failure> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("vcd") => Ok(Format::Vcd),
            Some("fst") => Ok(Format::Fst),
            _ => {
                let path = path.display();
                Err(Failure::Input(format!("--trace {path}: expected a name that ends in .vcd or .fst")))
            }
        }
    }
}

/// The files of waveforms that are being written; they appear at the end.
pub struct TraceFiles {
    files: Vec<OutputFile>,
}

impl TraceArguments {
    /// Opens the waveforms of a run of `design`.
    pub fn open(&self, design: &Design) -> Result<(Vec<Waveform>, TraceFiles), Failure> {
        let options = self.options(design)?;
        let mut files = vec![];
        let mut waveforms = vec![];
        for path in &self.trace {
            let format = Format::of(path)?;
            let file = OutputFile::create(path)?;
            let part = file.open()?;
            let waveform = match format {
                Format::Vcd => Waveform::vcd(part, options.clone()),
                Format::Fst => Waveform::fst(part, options.clone()),
            };
            waveforms.push(waveform.map_err(Failure::input(path.display()))?);
            files.push(file);
        }
        Ok((waveforms, TraceFiles { files }))
    }

    fn options(&self, design: &Design) -> Result<TraceOptions, Failure> {
        let cycles = self.trace_cycles.unwrap_or(u64::MAX);
        if cycles == 0 {
            return Err(Failure::Input("--trace-cycles 0: expected at least 1".to_owned()));
        }
        let scope = self.trace_scope.clone().unwrap_or_default();
        if !design.has_instance(&scope) {
            return Err(Failure::Input(format!("--trace-scope {scope}: {}", no_instance(design, &scope))));
        }
        Ok(TraceOptions { scope, first_cycle: self.trace_from, cycles, ..TraceOptions::default() })
    }

    /// Refuses a window that begins after the end of the run.
    pub fn check_window(&self, simulated_cycles: u64) -> Result<(), Failure> {
        if !self.trace.is_empty() && self.trace_from >= simulated_cycles {
            let from = self.trace_from;
            let text = format!("--trace-from {from}: expected less than {simulated_cycles}, the cycles of the run");
            return Err(Failure::Input(text));
        }
        Ok(())
    }
}

impl TraceFiles {
    /// Puts the files in their places.
    pub fn commit(self) -> Result<(), Failure> {
        self.files.into_iter().try_for_each(OutputFile::place)
    }
}

/// What there is in place of the instance that there is not.
fn no_instance(design: &Design, path: &str) -> String {
    let mut module = design.top();
    let mut found = String::new();
    for name in path.split('.') {
        match module.instances.iter().find(|instance| instance.name == name) {
            Some(instance) => {
                found = if found.is_empty() { name.to_owned() } else { format!("{found}.{name}") };
                module = &design.modules[instance.module];
            }
            None => break,
        }
    }
    let names: Vec<&str> = module.instances.iter().map(|instance| instance.name.as_str()).collect();
    let place = if found.is_empty() { "the tile".to_owned() } else { format!("`{found}`") };
    if names.is_empty() {
        return format!("there is no instance below {place}");
    }
    format!("no such instance; {place} has {}", names.join(", "))
}
