//! The finished chunks in a file, by which a sweep goes on where it was interrupted.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use functions::{Function, Table};
use golden::transcendental;
use serde::{Deserialize, Serialize};

use crate::sweep::{OPERANDS, operand};
use crate::tally::Tally;

/// Operands of a chunk: half a second to two.
pub const CHUNK: u64 = 1 << 24;

/// Chunks of a function.
pub const CHUNKS: u64 = OPERANDS / CHUNK;

/// What is finished.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// Of the tables, and of what the model makes of them: a record of others is of no use.
    fingerprint: u64,
    /// By function and number of the chunk.
    chunks: BTreeMap<String, BTreeMap<u64, Tally>>,
    #[serde(skip)]
    path: PathBuf,
}

impl Record {
    /// The record in a file, or a new one where there is none or one of other tables.
    pub fn open(path: &Path) -> Record {
        let fingerprint = fingerprint();
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let found = serde_json::from_str(&text).ok().filter(|record: &Record| record.fingerprint == fingerprint);
        Record { fingerprint, path: path.to_path_buf(), ..found.unwrap_or_default() }
    }

    /// The chunks of a function that are still to do.
    pub fn missing(&self, function: Function) -> Vec<u64> {
        let done = self.chunks.get(function.name());
        (0..CHUNKS).filter(|chunk| !done.is_some_and(|done| done.contains_key(chunk))).collect()
    }

    /// Adds a chunk, and writes the file anew, whole or not at all.
    pub fn add(&mut self, function: Function, chunk: u64, tally: Tally) -> io::Result<()> {
        self.chunks.entry(function.name().into()).or_default().insert(chunk, tally);
        let partial = self.path.with_extension("partial");
        std::fs::write(&partial, serde_json::to_string(self)?)?;
        std::fs::rename(partial, &self.path)
    }

    /// All that was found of a function.
    pub fn tally(&self, function: Function) -> Tally {
        let chunks = self.chunks.get(function.name()).into_iter().flatten();
        chunks.fold(Tally::default(), |sum, (_, tally)| sum.merge(*tally))
    }
}

fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?}", Table::get()).hash(&mut hasher);
    for function in Function::ALL {
        for rank in (0..OPERANDS).step_by(65_521) {
            let (bits, flags) = transcendental(function, golden::FP32, operand(rank));
            (bits, flags.to_bits()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
