//! `--trace`: waveforms of a run, and views of them for GTKWave and Surfer.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use kernels::view::{self, Group, gtkwave_save_file, surfer_command_file};
use rtl::Design;
use rtl::wave::{TraceOptions, Waveform};

use crate::failure::Failure;
use crate::output_file::OutputFile;

/// Which waveforms are written.
#[derive(Args, Debug, Clone)]
pub struct TraceArguments {
    /// Write waveforms to FILE.vcd or FILE.fst (smaller), and beside it views for GTKWave and Surfer; may be repeated
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
#[derive(Default)]
pub struct TraceFiles {
    files: Vec<(PathBuf, OutputFile)>,
    groups: Vec<Group>,
    options: TraceOptions,
}

/// With what views begin that nobody has changed: GTKWave writes other lines, people do not keep this one.
const VIEW_MARK: &str = "tessera wrote this view, and writes it again as long as this line is here";

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
            files.push((path.clone(), file));
        }
        let groups = if files.is_empty() { vec![] } else { view::groups(design, &options) };
        Ok((waveforms, TraceFiles { files, groups, options }))
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
    /// Puts the files in their places, and views beside them; `simulated_cycles` are those of the whole run.
    pub fn commit(self, simulated_cycles: u64) -> Result<(), Failure> {
        let TraceFiles { files, groups, options: TraceOptions { first_cycle, cycles, .. } } = self;
        let cycles = cycles.min(simulated_cycles - first_cycle.min(simulated_cycles));
        // Where there is both, the view is of the last.
        for (path, file) in files {
            file.place()?;
            let absolute = std::path::absolute(&path).map_err(Failure::input(path.display()))?;
            let gtkwave = gtkwave_save_file(&groups, &absolute, first_cycle, cycles);
            write_view(&path.with_extension("gtkw"), &format!("[*] {VIEW_MARK}\n{gtkwave}"))?;
            let surfer = surfer_command_file(&groups, &absolute);
            write_view(&path.with_extension("sucl"), &format!("# {VIEW_MARK}\n{surfer}"))?;
        }
        Ok(())
    }
}

/// Writes a view, unless somebody has made it their own.
fn write_view(path: &Path, text: &str) -> Result<(), Failure> {
    let ours = match std::fs::read(path) {
        Ok(old) => old.windows(VIEW_MARK.len()).any(|window| window == VIEW_MARK.as_bytes()),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    if !ours {
        eprintln!("note: {} was changed, and stays as it is", path.display());
        return Ok(());
    }
    OutputFile::create(path)?.commit_text(text)
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
