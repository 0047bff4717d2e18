//! What nothing but registers of one enable needs: evaluated only for edges at which they move.
//!
//! A pipeline that stands still, a unit without work: their registers keep their values, and what would be moved into
//! them need not be known. An enable is taken for itself where much depends on it alone.

use super::graph::{Graph, Word};

/// Fewest words that make an enable a segment of its own; less is not worth asking.
const LEAST_WORDS: usize = 64;

/// Who needs a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Nobody,
    /// The registers of this enable.
    Held(usize),
    /// Something else, or registers of several.
    Always,
}

impl Need {
    fn or(self, other: Need) -> Need {
        match (self, other) {
            (Need::Nobody, need) | (need, Need::Nobody) => need,
            (a, b) if a == b => a,
            _ => Need::Always,
        }
    }
}

/// Who needs each word, where `roots` are needed always, and `held` by the registers of an enable each.
pub fn needs(graph: &Graph, roots: &[Word], held: &[Vec<Word>]) -> Vec<Need> {
    let mut needs = vec![Need::Nobody; graph.len()];
    for root in roots {
        needs[root.index()] = Need::Always;
    }
    for (index, words) in held.iter().enumerate() {
        for word in words {
            needs[word.index()] = needs[word.index()].or(Need::Held(index));
        }
    }
    for index in (0..graph.len()).rev() {
        for operand in graph.operands(Word(index as u32)) {
            needs[operand.index()] = needs[operand.index()].or(needs[index]);
        }
    }
    needs
}

/// For each of `held`, whether enough is needed by it alone.
pub fn worthwhile(graph: &Graph, roots: &[Word], held: &[Vec<Word>]) -> Vec<bool> {
    let mut words = vec![0; held.len()];
    for need in needs(graph, roots, held) {
        if let Need::Held(index) = need {
            words[index] += 1;
        }
    }
    words.into_iter().map(|words| words >= LEAST_WORDS).collect()
}
