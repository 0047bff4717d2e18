//! What running a design gives, and how runs are compared.

use rtl::Bits;

use crate::batch::Batch;

/// The outputs of each cycle before its clock edge, and the memories after the last.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// By cycle, in the order of the top's outputs; `None` where the simulator gave no two-valued number.
    pub outputs: Vec<Vec<Option<Bits>>>,
    /// By memory and word; no words where the simulator has left out a memory.
    pub memories: Vec<Vec<Option<Bits>>>,
}

/// Why a simulator gave no result at all.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// The text was refused, or the simulation failed: a find.
    #[error("{0}")]
    Refused(String),
    /// A program is missing, a file cannot be written.
    #[error("{0}")]
    Environment(String),
}

/// A simulator of the emitted text.
pub trait Simulator {
    /// Its name in messages and files.
    fn name(&self) -> &'static str;

    /// Runs `verilog`, the text of `batch`; one result for each design.
    ///
    /// # Errors
    /// [`RunError`]
    fn run(&self, batch: &Batch, verilog: &str) -> Result<Vec<Run>, RunError>;
}

/// Two simulators disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Which design of the batch.
    pub design: usize,
    /// Where, and what was expected and found.
    pub message: String,
}

/// How many values were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Designs.
    pub designs: u64,
    /// Output values: one for each output and cycle.
    pub outputs: u64,
    /// Memory words, at the end.
    pub words: u64,
}

impl std::ops::AddAssign for Compared {
    fn add_assign(&mut self, other: Compared) {
        self.designs += other.designs;
        self.outputs += other.outputs;
        self.words += other.words;
    }
}

/// Compares one result with the native simulator's.
///
/// # Errors
/// The first difference of each design that has one.
///
/// # Panics
/// If the runs have different shapes.
pub fn compare(batch: &Batch, expected: &[Run], found: &[Run]) -> Result<Compared, Vec<Mismatch>> {
    assert_eq!((expected.len(), found.len()), (batch.designs.len(), batch.designs.len()), "a run for each design");
    let mut compared = Compared::default();
    let mut mismatches = vec![];
    for (design, (expected, found)) in expected.iter().zip(found).enumerate() {
        match compare_one(batch, design, expected, found) {
            Ok(counts) => compared += counts,
            Err(message) => mismatches.push(Mismatch { design, message }),
        }
    }
    if mismatches.is_empty() { Ok(compared) } else { Err(mismatches) }
}

fn compare_one(batch: &Batch, design: usize, expected: &Run, found: &Run) -> Result<Compared, String> {
    let one = &batch.designs[design];
    let mut compared = Compared { designs: 1, ..Compared::default() };
    let shown = |value: &Option<Bits>| value.as_ref().map_or("undefined".into(), |bits| format!("{bits:?}"));
    assert_eq!(expected.outputs.len(), found.outputs.len(), "one row for each cycle");
    for (cycle, (expected, found)) in expected.outputs.iter().zip(&found.outputs).enumerate() {
        assert_eq!(expected.len(), found.len(), "a value for each output");
        for (port, (expected, found)) in one.design.top().outputs.iter().zip(expected.iter().zip(found)) {
            if expected != found {
                let (name, expected, found) = (&port.name, shown(expected), shown(found));
                return Err(format!("cycle {cycle}: `{name}` is {found}, natively {expected}"));
            }
            compared.outputs += 1;
        }
    }
    assert_eq!(expected.memories.len(), found.memories.len(), "every memory");
    for (memory, (expected, found)) in one.memories.iter().zip(expected.memories.iter().zip(&found.memories)) {
        if found.is_empty() {
            continue;
        }
        assert_eq!((expected.len(), found.len()), (memory.depth, memory.depth), "every word");
        for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
            if expected != found {
                let (name, expected, found) = (memory.path.join("."), shown(expected), shown(found));
                return Err(format!("at the end: word {index} of `{name}` is {found}, natively {expected}"));
            }
            compared.words += 1;
        }
    }
    Ok(compared)
}
