//! Verilog to a shared library: Verilator, then the C++ compiler, in a folder of the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

use crate::cache::{self, Cached, Key};
use crate::design::Design;
use crate::generated::{self, FileList, PREFIX};
use crate::options::{Options, Trace};
use crate::{Error, Verilator, default_cache, tools};

const SHIM: &str = include_str!("cpp/shim.cpp");
const HOOKS: &str = include_str!("cpp/runtime_hooks.h");
const HOOKS_FILE: &str = "runtime_hooks.h";
const PUBLIC_FILE: &str = "public.vlt";
const GENERATED_FOLDER: &str = "generated";

/// The prefix of what is generated for each block, a number behind it.
const BLOCK_PREFIX: &str = "Vblock";

/// The compiled model, in its folder of the cache.
pub(crate) const LIBRARY_FILE: &str = "model.so";

/// Generated files are compiled together up to this size: each compilation first reads the same large headers.
const UNIT_BYTES: u64 = 1 << 20;

/// The C++ level of code that does not run every cycle.
const SLOW_PATH_LEVEL: &str = "-O0";

/// One build: what is built, how, and with which programs.
pub(crate) struct Compiler<'a> {
    design: &'a Design,
    options: &'a Options,
    verilator: Verilator,
    cxx: PathBuf,
    cache: PathBuf,
}

impl<'a> Compiler<'a> {
    /// # Errors
    /// If Verilator or the C++ compiler is missing.
    pub fn new(design: &'a Design, options: &'a Options) -> Result<Self, Error> {
        let verilator = options.verilator.clone().map_or_else(Verilator::find, Ok)?;
        let cache = options.cache.clone().unwrap_or_else(default_cache);
        // Verilator runs in the build's folder and would look for a relative path there.
        let cache = std::path::absolute(&cache).map_err(Error::io("find", &cache))?;
        if let Some(module) =
            options.blocks.iter().find(|module| design.file_names().all(|file| file != source_of(module)))
        {
            let known = design.file_names().collect::<Vec<_>>().join(", ");
            return Err(Error::Unknown { kind: "source", name: source_of(module), top: design.top.clone(), known });
        }
        Ok(Self { design, options, verilator, cxx: tools::cxx_compiler()?, cache })
    }

    /// The folder with the compiled library, from the cache or newly built.
    pub fn compile(&self) -> Result<Cached, Error> {
        let name = self.key()?.folder_name(&self.design.top);
        cache::get_or_build(&self.cache, &name, |folder| self.build(folder))
    }

    fn key(&self) -> Result<Key, Error> {
        let mut key = self.runtime_key()?.add(SHIM).add(&self.design.clock).add(self.options.optimization.flag());
        for source in &self.design.sources {
            key = key.add(&source.name).add(&source.text);
        }
        for port in &self.design.ports {
            key = key.add(format!("{:?} {} {}", port.direction, port.width_bits, port.name));
        }
        for argument in self.verilator_arguments().into_iter().chain(self.top_arguments()) {
            key = key.add(argument);
        }
        Ok(key.add(self.public_file()))
    }

    fn runtime_key(&self) -> Result<Key, Error> {
        let key = Key::new().add(self.verilator.fingerprint()?).add(tools::fingerprint(&self.cxx)?).add(HOOKS);
        Ok(self.cxx_flags().iter().fold(key, |key, flag| key.add(flag)))
    }

    /// Fills the empty `folder`: the Verilog as it was given, and the library.
    fn build(&self, folder: &Path) -> Result<(), Error> {
        self.design.write_sources(folder)?;
        write(&folder.join(PUBLIC_FILE), &self.public_file())?;
        let blocks: Vec<Part> =
            (0..self.options.blocks.len()).map(|index| self.verilate_block(folder, index)).collect::<Result<_, _>>()?;
        self.verilate(folder, &[self.verilator_arguments(), self.top_arguments()])?;

        let generated = folder.join(GENERATED_FOLDER);
        let header = read(&generated.join(format!("{PREFIX}.h")))?;
        write(&generated.join("cosim_ports.h"), &generated::shim_header(self.design, &header, self.traced())?)?;
        write(&generated.join("shim.cpp"), SHIM)?;
        let mut top = Part::read(generated.clone(), PREFIX)?;
        top.files.fast.insert(0, "shim".into());

        let runtime = self.runtime(&top.files.runtime)?;
        let mut jobs = vec![];
        for Part { folder, files } in blocks.iter().chain([&top]) {
            jobs.extend(self.model_jobs(folder, "fast", &files.fast, self.options.optimization.flag())?);
            jobs.extend(self.model_jobs(folder, "slow", &files.slow, SLOW_PATH_LEVEL)?);
        }
        self.run_in_parallel(jobs.iter_mut().map(|job| &mut job.command))?;

        let mut link = Command::new(&self.cxx);
        link.args(["-shared", "-pthread", "-Wl,-Bsymbolic", "-o"]).arg(folder.join(LIBRARY_FILE));
        link.args(jobs.iter().map(|job| &job.object));
        link.args(top.files.runtime.iter().map(|name| runtime.join(name).with_extension("o")));
        tools::run(&mut link, &self.design.top)?;
        // Tens of megabytes for a large design, and read no more.
        fs::remove_dir_all(&generated).map_err(Error::io("remove", &generated))
    }

    /// Verilates a block, once for all its instances, and leaves a module in its place that calls it.
    fn verilate_block(&self, folder: &Path, index: usize) -> Result<Part, Error> {
        let module = &self.options.blocks[index];
        let (prefix, generated) = (format!("{BLOCK_PREFIX}{index}"), block_folder(index));
        fs::create_dir_all(folder.join(&generated)).map_err(Error::io("create", folder.join(&generated)))?;
        let names = ["--lib-create", module, "--prefix", &prefix, "--Mdir", &generated, "--top-module", module];
        let sources = self.design.file_names().map(String::from).collect();
        self.verilate(folder, &[self.verilator_arguments(), names.map(String::from).into(), sources])?;
        let mut part = Part::read(folder.join(generated), &prefix)?;
        part.files.fast.push(module.clone());
        Ok(part)
    }

    fn verilate(&self, folder: &Path, arguments: &[Vec<String>]) -> Result<(), Error> {
        let mut verilate = self.verilator.command();
        verilate.current_dir(folder).args(arguments.concat());
        tools::run(&mut verilate, &self.design.top).map(drop)
    }

    /// The folder with the compiled objects of Verilator's runtime, shared by all models.
    fn runtime(&self, names: &[String]) -> Result<PathBuf, Error> {
        let key = names.iter().fold(self.runtime_key()?, |key, name| key.add(name));
        let runtime = cache::get_or_build(&self.cache, &key.folder_name("runtime"), |folder| {
            write(&folder.join(HOOKS_FILE), HOOKS)?;
            let compile = |name: &String| {
                let source = self.verilator.include_folder().join(name).with_extension("cpp");
                let mut command = self.cxx_command("-O1", &source, &folder.join(name).with_extension("o"));
                command.arg("-include").arg(folder.join(HOOKS_FILE));
                command
            };
            let mut commands: Vec<_> = names.iter().map(compile).collect();
            self.run_in_parallel(&mut commands)
        })?;
        Ok(runtime.folder)
    }

    /// Groups generated files into compilations of about [`UNIT_BYTES`].
    fn model_jobs(&self, generated: &Path, group: &str, names: &[String], level: &str) -> Result<Vec<Job>, Error> {
        let mut units: Vec<String> = Vec::new();
        let mut unit_bytes = UNIT_BYTES;
        for name in names {
            let path = generated.join(name).with_extension("cpp");
            let bytes = fs::metadata(&path).map_err(Error::io("read", &path))?.len();
            if unit_bytes + bytes > UNIT_BYTES {
                units.push(String::new());
                unit_bytes = 0;
            }
            unit_bytes += bytes;
            if let Some(unit) = units.last_mut() {
                *unit += &format!("#include \"{name}.cpp\"\n");
            }
        }
        let job = |(index, text): (usize, &String)| {
            let source = generated.join(format!("unit_{group}_{index}.cpp"));
            write(&source, text)?;
            let object = source.with_extension("o");
            let mut command = self.cxx_command(level, &source, &object);
            command.arg("-I").arg(generated);
            Ok(Job { command, object })
        };
        units.iter().enumerate().map(job).collect()
    }

    fn cxx_command(&self, level: &str, source: &Path, object: &Path) -> Command {
        let mut command = Command::new(&self.cxx);
        let include = self.verilator.include_folder();
        command.arg(level).args(self.cxx_flags()).arg("-I").arg(&include).arg("-I").arg(include.join("vltstd"));
        command.arg("-c").arg(source).arg("-o").arg(object);
        command
    }

    fn cxx_flags(&self) -> Vec<String> {
        let traced = u8::from(self.traced());
        let mut flags: Vec<String> = ["-fPIC", "-fvisibility=hidden", "-pthread", "-w"].map(String::from).into();
        flags.extend(["VM_COVERAGE=0", "VM_SC=0", "VM_TRACE_FST=0", "VL_TIME_CONTEXT"].map(|name| format!("-D{name}")));
        flags.extend([format!("-DVM_TRACE={traced}"), format!("-DVM_TRACE_VCD={traced}")]);
        flags
    }

    /// What the top and its blocks have in common.
    fn verilator_arguments(&self) -> Vec<String> {
        let fixed = ["--cc", "--assert", "-Wno-fatal", "-I.", "--timescale", "1ns/1ns"];
        let mut arguments: Vec<String> = fixed.map(String::from).into();
        // Long functions take a C++ compiler more than their share of time.
        arguments.extend(["--output-split-cfuncs", "1000"].map(String::from));
        if self.traced() {
            arguments.push("--trace".into());
        }
        arguments.extend(self.options.verilator_arguments.iter().cloned());
        arguments.push(PUBLIC_FILE.into());
        arguments
    }

    /// The top, with the sources of all modules that are not blocks.
    fn top_arguments(&self) -> Vec<String> {
        let names = ["--prefix", PREFIX, "--Mdir", GENERATED_FOLDER, "--top-module", &self.design.top];
        let blocks = &self.options.blocks;
        let replaced = |file: &&str| blocks.iter().all(|module| **file != source_of(module));
        let wrappers = blocks.iter().enumerate().map(|(index, module)| format!("{}/{module}.sv", block_folder(index)));
        let sources = self.design.file_names().filter(replaced).map(String::from);
        names.map(String::from).into_iter().chain(wrappers).chain(sources).collect()
    }

    /// Verilator's configuration file that makes variables public.
    fn public_file(&self) -> String {
        let line = |public: &crate::Public| {
            format!("public_flat_rw -module \"{}\" -var \"{}\"\n", public.module, public.variable)
        };
        "`verilator_config\n".to_string() + &self.options.public.iter().map(line).collect::<String>()
    }

    fn traced(&self) -> bool {
        self.options.trace == Trace::Vcd
    }

    /// Runs all the commands; the first failure is the result.
    fn run_in_parallel<'c>(&self, commands: impl IntoIterator<Item = &'c mut Command>) -> Result<(), Error> {
        thread::scope(|scope| {
            let start = |command: &'c mut Command| {
                scope.spawn(|| {
                    let _slot = CompilerSlot::wait();
                    tools::run(command, &self.design.top)
                })
            };
            let running: Vec<_> = commands.into_iter().map(start).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Result<String, Error>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(drop)
            };
            running.into_iter().try_for_each(join)
        })
    }
}

/// What Verilator made of the top or of a block.
struct Part {
    folder: PathBuf,
    files: FileList,
}

impl Part {
    fn read(folder: PathBuf, prefix: &str) -> Result<Self, Error> {
        let files = FileList::parse(&read(&folder.join(format!("{prefix}_classes.mk")))?);
        Ok(Self { folder, files })
    }
}

/// The source that holds a block.
fn source_of(module: &str) -> String {
    format!("{module}.v")
}

/// The folder of what is generated for a block.
fn block_folder(index: usize) -> String {
    format!("{GENERATED_FOLDER}/block{index}")
}

/// One C++ compilation and its result.
struct Job {
    command: Command,
    object: PathBuf,
}

/// The right to run one C++ compiler: a process runs as many as the machine has processors, over all its builds.
struct CompilerSlot;

static RUNNING_COMPILERS: Mutex<usize> = Mutex::new(0);
static COMPILER_ENDED: Condvar = Condvar::new();

impl CompilerSlot {
    fn wait() -> Self {
        let limit = thread::available_parallelism().map_or(1, usize::from);
        let running = Self::count();
        let waited = COMPILER_ENDED.wait_while(running, |running| *running >= limit);
        *waited.unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
        Self
    }

    fn count() -> MutexGuard<'static, usize> {
        RUNNING_COMPILERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for CompilerSlot {
    fn drop(&mut self) {
        *Self::count() -= 1;
        COMPILER_ENDED.notify_one();
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::io("read", path))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io("write", path))
}
