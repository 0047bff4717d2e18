//! Yosys: `write_cxxrtl` turns the text into C++, which a driver runs on files of words.

use std::path::PathBuf;

use crate::batch::Batch;
use crate::folder::Folder;
use crate::run::{Run, RunError, Simulator};
use crate::verilator::{from_halves, halves};

const DRIVER: &str = include_str!("cxxrtl_driver.cpp");

/// Yosys from the environment that `scripts/setup` makes, and the C++ compiler.
#[derive(Clone, Copy, Debug, Default)]
pub struct Yosys;

impl Simulator for Yosys {
    fn name(&self) -> &'static str {
        "yosys"
    }

    fn run(&self, batch: &Batch, verilog: &str) -> Result<Vec<Run>, RunError> {
        let folder = Folder::new()?;
        let top = batch.together.top();
        let design = cosim::Design::from_verilog(&top.name, verilog);
        let commands =
            format!("hierarchy -check -top {}; write_cxxrtl -g3 {}/batch.cpp", top.name, folder.path().display());
        cosim::yosys(&design, &commands).map_err(|error| match error {
            cosim::Error::ProgramFailed { .. } => RunError::Refused(error.to_string()),
            other => RunError::Environment(other.to_string()),
        })?;
        let model = top.name.replace('_', "__");
        folder
            .write("driver.cpp", format!("#include \"batch.cpp\"\nusing Top = cxxrtl_design::p_{model};\n{DRIVER}"))?;
        folder.write("ports.txt", ports(batch))?;
        let stimulus: Vec<u8> = stimulus(batch).iter().flat_map(|word| word.to_le_bytes()).collect();
        folder.write("stimulus.bin", stimulus)?;
        let include = format!("-I{}", runtime()?.display());
        let compiler = std::env::var("CXX").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "c++".into());
        folder.run(&compiler, &["-O0", "-std=c++17", "-w", &include, "driver.cpp", "-o", "driver"])?;
        let driver = folder.path().join("driver");
        folder.run(&driver.to_string_lossy(), &[])?;
        let words: Vec<u32> = folder
            .read("results.bin")?
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")))
            .collect();
        parse(batch, &words)
    }
}

/// The folder of cxxrtl's headers, in the Python package.
fn runtime() -> Result<PathBuf, RunError> {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");
    let targets = cosim::default_cache().parent().map(PathBuf::from).into_iter().chain([PathBuf::from(workspace)]);
    let libraries = targets.filter_map(|target| std::fs::read_dir(target.join("tools/lib")).ok());
    let pythons = libraries.flatten().flatten().map(|entry| entry.path());
    pythons
        .map(|python| python.join("site-packages/pyosys/share/include/backends/cxxrtl/runtime"))
        .find(|folder| folder.is_dir())
        .ok_or_else(|| RunError::Environment("cxxrtl was not found; install it with scripts/setup".into()))
}

/// For the driver: the inputs and outputs of the top in order, and the memories.
fn ports(batch: &Batch) -> String {
    let cycles = batch.designs.iter().map(|one| one.stimulus.len()).max().unwrap_or(0);
    let mut lines = vec![format!("cycles {cycles}")];
    lines.extend(batch.together.top().inputs.iter().map(|port| format!("input {}", port.name)));
    lines.extend(batch.together.top().outputs.iter().map(|port| format!("output {}", port.name)));
    for (i, one) in batch.designs.iter().enumerate() {
        lines.extend(one.memories.iter().map(|memory| format!("memory design_{i} {}", memory.path.join(" "))));
    }
    lines.join("\n") + "\n"
}

fn stimulus(batch: &Batch) -> Vec<u32> {
    let cycles = batch.designs.iter().map(|one| one.stimulus.len()).max().unwrap_or(0);
    let mut words = vec![];
    for cycle in 0..cycles {
        for one in &batch.designs {
            words.push(one.stimulus[cycle].reset as u32);
            one.stimulus[cycle].inputs.iter().for_each(|value| words.extend(halves(value)));
        }
    }
    words
}

fn parse(batch: &Batch, words: &[u32]) -> Result<Vec<Run>, RunError> {
    let mut position = 0;
    let mut take = |width: usize| {
        let count = width.div_ceil(32);
        position += count;
        words.get(position - count..position).map(|words| from_halves(words, width))
    };
    let mut runs = vec![Run::default(); batch.designs.len()];
    let cycles = batch.designs.iter().map(|one| one.stimulus.len()).max().unwrap_or(0);
    for _ in 0..cycles {
        for (one, run) in batch.designs.iter().zip(&mut runs) {
            run.outputs.push(one.design.top().outputs.iter().map(|port| take(port.width)).collect());
        }
    }
    for (one, run) in batch.designs.iter().zip(&mut runs) {
        for memory in &one.memories {
            let present = take(1).is_some_and(|flag| flag.bit(0));
            let depth = if present { memory.depth } else { 0 };
            run.memories.push((0..depth).map(|_| take(memory.width)).collect());
        }
    }
    if position != words.len() {
        return Err(RunError::Refused(format!("cxxrtl gave {} words, not {position}", words.len())));
    }
    Ok(runs)
}
