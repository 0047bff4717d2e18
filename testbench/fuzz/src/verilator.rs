//! Verilator: the whole batch is one model.

use cosim::{Error, InitialState, Memory, Model, Optimization, Options, Port};
use rtl::Bits;

use crate::batch::Batch;
use crate::run::{Run, RunError, Simulator};

/// Verilator through the bridge of `cosim`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verilator {
    /// Removes each build from the cache after its run: long runs would fill the disk.
    pub forgets: bool,
}

impl Simulator for Verilator {
    fn name(&self) -> &'static str {
        "verilator"
    }

    fn run(&self, batch: &Batch, verilog: &str) -> Result<Vec<Run>, RunError> {
        let top = batch.together.top();
        let mut design = cosim::Design::from_verilog(&top.name, verilog);
        if top.has_clock {
            design = design.input("clock", 1);
        }
        if top.has_reset {
            design = design.input("reset", 1);
        }
        design = top.inputs.iter().fold(design, |design, port| design.input(&port.name, port.width as u32));
        design = top.outputs.iter().fold(design, |design, port| design.output(&port.name, port.width as u32));
        let options = Options {
            optimization: Optimization::None,
            // Its constant propagation is at fault where it meets `$signed(a) >= $signed(b)` of equal constants
            // (5.006: `V3Number::opLteS`), and what is tested here is not Verilator.
            verilator_arguments: vec!["-O0".into()],
            ..Options::default()
        };
        let compiled = design.compile(&options).map_err(refused)?;
        let mut model = compiled.model_starting(InitialState::Zeros).map_err(refused)?;
        if self.forgets {
            let folder = compiled.folder();
            std::fs::remove_dir_all(folder)
                .map_err(|error| RunError::Environment(format!("{}: {error}", folder.display())))?;
        }
        drive(&mut model, batch).map_err(refused)
    }
}

fn refused(error: Error) -> RunError {
    match error {
        Error::ProgramFailed { .. } | Error::Failed { .. } | Error::Broken { .. } | Error::PortMismatch { .. } => {
            RunError::Refused(error.to_string())
        }
        other => RunError::Environment(other.to_string()),
    }
}

fn drive(model: &mut Model, batch: &Batch) -> Result<Vec<Run>, Error> {
    let ports = |names: Vec<Vec<String>>| -> Result<Vec<Vec<Port>>, Error> {
        let of_design = |names: &Vec<String>| names.iter().map(|name| model.port(name)).collect();
        names.iter().map(of_design).collect()
    };
    let inputs = ports(batch.input_names())?;
    let outputs = ports(batch.output_names())?;
    let mut runs = vec![Run::default(); batch.designs.len()];
    let cycles = batch.designs.iter().map(|one| one.stimulus.len()).max().unwrap_or(0);
    for cycle in 0..cycles {
        for (one, ports) in batch.designs.iter().zip(&inputs) {
            let now = &one.stimulus[cycle];
            model.set_u64(ports[0], now.reset.into());
            for (&port, value) in ports[1..].iter().zip(&now.inputs) {
                model.set(port, &halves(value));
            }
        }
        model.eval()?;
        for (run, ports) in runs.iter_mut().zip(&outputs) {
            let value = |&port: &Port| {
                let mut words = vec![0; port.words()];
                model.get(port, &mut words);
                Some(from_halves(&words, port.width_bits() as usize))
            };
            run.outputs.push(ports.iter().map(value).collect());
        }
        model.step(1)?;
    }
    for (i, (one, run)) in batch.designs.iter().zip(&mut runs).enumerate() {
        for memory in &one.memories {
            let handle = model.memory(&format!("design_{i}.{}", memory.path.join(".")))?;
            run.memories.push((0..memory.depth).map(|word| Some(read(model, handle, word))).collect());
        }
    }
    Ok(runs)
}

fn read(model: &Model, memory: Memory, word: usize) -> Bits {
    let mut words = vec![0; (memory.width_bits() as usize).div_ceil(32)];
    model.read_memory(memory, word, &mut words);
    from_halves(&words, memory.width_bits() as usize)
}

/// The 32-bit words of a value, lowest first.
pub fn halves(value: &Bits) -> Vec<u32> {
    let all = value.words().iter().flat_map(|&word| [word as u32, (word >> 32) as u32]);
    all.take(value.width().div_ceil(32)).collect()
}

/// The value of 32-bit words, lowest first.
pub fn from_halves(halves: &[u32], width: usize) -> Bits {
    let words: Vec<u64> =
        halves.chunks(2).map(|pair| pair[0] as u64 | (pair.get(1).copied().unwrap_or(0) as u64) << 32).collect();
    Bits::from_words(&words, width)
}
