//! The native simulator, on each design alone.

use rtl::sim::Simulator;

use crate::batch::{Batch, One};
use crate::run::Run;

/// Runs every design of the batch.
///
/// # Errors
/// The design and the assertion that failed, or what the simulator refused: a find either way.
pub fn run(batch: &Batch) -> Result<Vec<Run>, (usize, String)> {
    let numbered = batch.designs.iter().enumerate();
    numbered.map(|(i, one)| run_one(one).map_err(|message| (i, message))).collect()
}

fn run_one(one: &One) -> Result<Run, String> {
    let top = one.design.top();
    let mut sim = Simulator::new(&one.design).map_err(|error| error.to_string())?;
    let found = |name: &str| sim.input(name).map_err(|error| error.to_string());
    let inputs = top.inputs.iter().map(|port| found(&port.name)).collect::<Result<Vec<_>, _>>()?;
    let reset = top.has_reset.then(|| found("reset")).transpose()?;
    let outputs = top.outputs.iter().map(|port| sim.output(&port.name).map_err(|error| error.to_string()));
    let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
    let mut run = Run::default();
    for cycle in &one.stimulus {
        for (&port, value) in inputs.iter().zip(&cycle.inputs) {
            sim.set_bits(port, value);
        }
        if let Some(reset) = reset {
            sim.set(reset, cycle.reset.into());
        }
        run.outputs.push(outputs.iter().map(|&port| Some(sim.get_bits(port))).collect());
        sim.step(1).map_err(|error| error.to_string())?;
    }
    for memory in &one.memories {
        let handle = sim.memory(&memory.path.join(".")).map_err(|error| error.to_string())?;
        run.memories.push((0..memory.depth).map(|word| Some(sim.read_word_bits(handle, word))).collect());
    }
    Ok(run)
}
