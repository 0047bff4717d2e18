//! Many designs side by side in one, so that one build is enough for all of them.

use rtl::design::ModuleDef;
use rtl::{Builder, Design, Module, Ports, Signal, bundle, elaborate};

use crate::circuit::Circuit;
use crate::recipe::Recipe;
use crate::shape::{Results, Shape};
use crate::stimulus::{Cycle, stimulus};

bundle! {
    /// What one design reads.
    pub struct OneIn {
        /// Its own reset.
        pub reset: Signal,
        /// Its inputs.
        pub data: Shape,
    }
}
bundle! {
    /// The inputs of all.
    pub struct BatchIn {
        /// One each.
        pub designs: Vec<OneIn>,
    }
}
bundle! {
    /// The outputs of all.
    pub struct BatchOut {
        /// One each.
        pub designs: Vec<Results>,
    }
}

/// The top that instantiates the designs.
struct Top(Vec<Circuit>);

impl std::fmt::Debug for Top {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} designs", self.0.len())
    }
}

impl Module for Top {
    type In = BatchIn;
    type Out = BatchOut;

    fn name(&self) -> String {
        "batch".into()
    }

    fn inputs(&self, ports: &Ports) -> BatchIn {
        let one = |(i, circuit): (usize, &Circuit)| {
            let ports = ports.nested("designs").nested(&i.to_string());
            OneIn { reset: ports.bit("reset"), data: circuit.inputs(&ports.nested("data")) }
        };
        BatchIn { designs: self.0.iter().enumerate().map(one).collect() }
    }

    fn build(&self, m: &Builder, io: BatchIn) -> BatchOut {
        let one = |(i, (circuit, io)): (usize, (&Circuit, OneIn))| {
            m.unused(io.reset);
            m.instance_with_reset(&format!("design_{i}"), circuit, io.data, io.reset)
        };
        BatchOut { designs: self.0.iter().zip(io.designs).enumerate().map(one).collect() }
    }
}

/// A memory of one design.
#[derive(Clone, Debug)]
pub struct MemoryName {
    /// Instance names from below the design, and the memory's.
    pub path: Vec<String>,
    /// Number of words.
    pub depth: usize,
    /// Width of a word in bits.
    pub width: usize,
}

/// One design of a batch.
pub struct One {
    /// On its own.
    pub design: Design,
    /// Its memories, in the whole hierarchy.
    pub memories: Vec<MemoryName>,
    /// What drives it.
    pub stimulus: Vec<Cycle>,
}

/// Designs, and the design that holds them all.
pub struct Batch {
    /// Each on its own.
    pub designs: Vec<One>,
    /// All together.
    pub together: Design,
}

impl Batch {
    /// Elaborates `recipes`, to be run for `cycles`.
    ///
    /// # Errors
    /// What elaboration refuses: recipes describe well-formed designs, so that is a find.
    pub fn new(recipes: &[Recipe], cycles: usize) -> Result<Batch, String> {
        let circuits: Vec<Circuit> =
            recipes.iter().enumerate().map(|(i, recipe)| Circuit::new(&format!("d{i}"), recipe)).collect();
        let mut designs = vec![];
        for (circuit, recipe) in circuits.iter().zip(recipes) {
            let design = elaborate(circuit).map_err(|errors| errors.to_string())?;
            let mut memories = vec![];
            find_memories(&design, design.top(), &mut vec![], &mut memories);
            let stimulus = stimulus(recipe.stimulus, design.top(), cycles);
            designs.push(One { design, memories, stimulus });
        }
        let together = elaborate(&Top(circuits)).map_err(|errors| errors.to_string())?;
        Ok(Batch { designs, together })
    }

    /// For each design, the inputs of the batch's top that are its own: the reset first.
    pub fn input_names(&self) -> Vec<Vec<String>> {
        split(self.together.top().inputs.iter(), self.designs.iter().map(|one| 1 + one.design.top().inputs.len()))
    }

    /// For each design, the outputs of the batch's top that are its own.
    pub fn output_names(&self) -> Vec<Vec<String>> {
        split(self.together.top().outputs.iter(), self.designs.iter().map(|one| one.design.top().outputs.len()))
    }
}

fn split<'a>(
    ports: impl Iterator<Item = &'a rtl::design::Port>,
    counts: impl Iterator<Item = usize>,
) -> Vec<Vec<String>> {
    let mut names = ports.map(|port| port.name.clone());
    counts.map(|count| names.by_ref().take(count).collect()).collect()
}

fn find_memories(design: &Design, module: &ModuleDef, path: &mut Vec<String>, found: &mut Vec<MemoryName>) {
    for memory in &module.memories {
        let path = path.iter().chain([&memory.name]).cloned().collect();
        found.push(MemoryName { path, depth: memory.depth, width: memory.width });
    }
    for instance in &module.instances {
        path.push(instance.name.clone());
        find_memories(design, &design.modules[instance.module], path, found);
        path.pop();
    }
}
