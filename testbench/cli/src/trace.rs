//! `--trace`: waveforms of a run, and views of them for GTKWave and Surfer.

use std::path::{Path, PathBuf};

use clap::Args;
use kernels::view::{self, Group, gtkwave_save_file, surfer_command_file};
use rtl::Design;
use rtl::wave::{TraceOptions, Waveform};

use crate::failure::Failure;
use crate::output_file::OutputFile;
use crate::view_file::ViewFile;

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
    /// Only this instance and what is below it, such as amp_engine.amp, or tile_3 with --tiles
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
    views: Vec<Views>,
    /// Module name of the outermost scope.
    top: String,
    groups: Vec<Group>,
    options: TraceOptions,
}

/// The views of a waveform, as far as they are ours.
struct Views {
    /// The waveform, from the root on.
    dump: PathBuf,
    gtkwave: Option<ViewFile>,
    surfer: Option<ViewFile>,
}

impl TraceArguments {
    /// Opens the waveforms of a run of a design; none if none is asked for.
    pub fn open(
        &self,
        design: impl FnOnce() -> Result<Design, Failure>,
    ) -> Result<(Vec<Waveform>, Option<TraceFiles>), Failure> {
        if self.trace.is_empty() {
            return Ok((vec![], None));
        }
        let design = &design()?;
        let options = self.options(design)?;
        let mut files = vec![];
        let mut waveforms = vec![];
        for path in &self.trace {
            let format = Format::of(path)?;
            let file = OutputFile::create(path)?;
            let part = file.open()?;
            let waveform = match format {
                Format::Vcd => Waveform::vcd(part, options.clone()).map_err(Failure::input(path.display()))?,
                Format::Fst => Waveform::fst(part, options.clone()),
            };
            waveforms.push(waveform.named(path.display().to_string()));
            files.push(file);
        }
        let (groups, top) = (view::groups(design, &options), design.top().name.clone());
        Ok((waveforms, Some(TraceFiles { files, views: self.views()?, top, groups, options })))
    }

    /// Where VCD and FST share a name, the views are of the last.
    fn views(&self) -> Result<Vec<Views>, Failure> {
        let stem = |path: &Path| path.with_extension("");
        let mut views = vec![];
        for (index, path) in self.trace.iter().enumerate() {
            if self.trace[index + 1..].iter().any(|later| stem(later) == stem(path)) {
                continue;
            }
            views.push(Views {
                dump: std::path::absolute(path).map_err(Failure::input(path.display()))?,
                gtkwave: ViewFile::create(&path.with_extension("gtkw"), "[*]")?,
                surfer: ViewFile::create(&path.with_extension("sucl"), "#")?,
            });
        }
        Ok(views)
    }

    fn options(&self, design: &Design) -> Result<TraceOptions, Failure> {
        let cycles = self.trace_cycles.unwrap_or(u64::MAX);
        if cycles == 0 {
            return Err(Failure::Input("--trace-cycles 0: expected at least 1".to_owned()));
        }
        let scope = self.trace_scope.clone().unwrap_or_default();
        if !design.has_instance(&scope) {
            let name = scope.escape_debug();
            return Err(Failure::Input(format!("--trace-scope {name}: {}", no_instance(design, &scope))));
        }
        Ok(TraceOptions { scope, first_cycle: self.trace_from, cycles, ..TraceOptions::default() })
    }

    /// Refuses a window that begins after the end of the run.
    pub fn check_window(&self, simulated_cycles: u64) -> Result<(), Failure> {
        if !self.trace.is_empty() && self.trace_from >= simulated_cycles {
            let from = self.trace_from;
            let text =
                format!("--trace-from {from}: expected less than {simulated_cycles}, the cycles of the simulation");
            return Err(Failure::Input(text));
        }
        Ok(())
    }
}

impl TraceFiles {
    /// Puts the files in their places, and views beside them; `simulated_cycles` are those of the whole run.
    pub fn commit(self, simulated_cycles: u64) -> Result<(), Failure> {
        let TraceFiles { files, views, top, groups, options: TraceOptions { first_cycle, cycles, .. } } = self;
        let cycles = cycles.min(simulated_cycles.saturating_sub(first_cycle));
        files.into_iter().try_for_each(OutputFile::place)?;
        for Views { dump, gtkwave, surfer } in views {
            if let Some(file) = gtkwave {
                file.commit(gtkwave_save_file(&top, &groups, &dump, first_cycle, cycles))?;
            }
            if let Some(file) = surfer {
                file.commit(surfer_command_file(&top, &groups))?;
            }
        }
        Ok(())
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
    let place = if found.is_empty() { format!("the {}", design.top().name) } else { format!("`{found}`") };
    if names.is_empty() {
        return format!("there is no instance below {place}");
    }
    format!("no such instance; {place} has {}", names.join(", "))
}
