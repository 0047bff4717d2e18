//! The flattened design as a graph of words: every value is at most 64 bits wide and exists once.
//!
//! Wide signals are lists of words, least significant first (see [`super::lower`]). A word is found again by what
//! it computes, so equal expressions anywhere in the hierarchy share one word. Of each word the bits that can ever
//! be one are known (`may`), which lets [`super::simplify`] drop masks, extensions and whole halves of shifters.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Index of a word in the graph. Operands have smaller indices than what uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Word(pub u32);

impl Word {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a word computes, on 64-bit values modulo 2^64 unless stated. `keep` is the number of low bits that remain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    Constant(u64),
    /// An input or a state: a fixed place in the arena.
    Source(u32),
    And(Word, Word),
    Or(Word, Word),
    Xor(Word, Word),
    /// `a & !b`.
    AndNot(Word, Word),
    /// `a`: the value of a state at a place that an edge does not change.
    Copy(Word),
    Add {
        a: Word,
        b: Word,
        keep: u8,
    },
    Sub {
        a: Word,
        b: Word,
        keep: u8,
    },
    /// `a + b + carry`.
    AddCarry {
        a: Word,
        b: Word,
        carry: Word,
        keep: u8,
    },
    /// Carry out of `a + b + carry`.
    Carry(Word, Word, Word),
    /// `a - b - borrow`.
    SubBorrow {
        a: Word,
        b: Word,
        borrow: Word,
        keep: u8,
    },
    /// Borrow of `a - b - borrow`.
    Borrow(Word, Word, Word),
    /// Low 64 bits of the product.
    Mul(Word, Word),
    /// High 64 bits of the unsigned product.
    MulHigh(Word, Word),
    Eq(Word, Word),
    Lt(Word, Word),
    /// Signed less-than of the low `bits` bits.
    LtSigned {
        a: Word,
        b: Word,
        bits: u8,
    },
    /// One if the number of ones is odd.
    Parity(Word),
    /// `rotate_left(a, rotate) & mask`: slices, constant shifts and masks.
    Place {
        a: Word,
        rotate: u8,
        mask: u64,
    },
    /// `into | rotate_left(a, rotate) & mask`: concatenation.
    Insert {
        into: Word,
        a: Word,
        rotate: u8,
        mask: u64,
    },
    /// `(a << left) >> right`, the right shift arithmetic, of which `keep` bits remain.
    SignExtend {
        a: Word,
        left: u8,
        right: u8,
        keep: u8,
    },
    /// `a << by`, zero from 64 on.
    ShiftLeft {
        a: Word,
        by: Word,
        keep: u8,
    },
    /// `a >> by`, zero from 64 on.
    ShiftRight {
        a: Word,
        by: Word,
    },
    /// Arithmetic right shift of the `bits`-bit number `a`.
    ShiftRightSigned {
        a: Word,
        by: Word,
        bits: u8,
    },
    /// High word of `high:low << by`, zero from 128 on.
    FunnelLeft {
        high: Word,
        low: Word,
        by: Word,
        keep: u8,
    },
    /// Low word of `high:low >> by`, zero from 128 on.
    FunnelRight {
        high: Word,
        low: Word,
        by: Word,
    },
    /// Low word of the arithmetic shift `high:low >> by`.
    FunnelRightSigned {
        high: Word,
        low: Word,
        by: Word,
    },
    /// `select` is zero or one.
    Mux {
        select: Word,
        on_true: Word,
        on_false: Word,
    },
    /// Entry `min(index, last)` of a table of words.
    Select {
        index: Word,
        table: Table,
    },
    /// Word `part` of the memory word at `address`; zero past the end.
    MemoryRead {
        address: Word,
        memory: u32,
        part: u32,
    },
}

/// Index of a list of words for [`Term::Select`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table(pub u32);

/// The low `bits` bits set; `bits` at most 64.
pub fn ones(bits: usize) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// The smallest mask of low bits that covers `may`.
pub fn fill_down(may: u64) -> u64 {
    ones(64 - may.leading_zeros() as usize)
}

/// For what part of the design a word was built first. Orders the words of a family as the repetitions are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Number of the [`Family`](crate::sim::hierarchy::Family) of the node.
    pub family: u32,
    /// How many words had been asked for on behalf of the node.
    pub step: u32,
    pub scope: u32,
    pub node: u32,
}

/// All words, each once.
#[derive(Default)]
pub struct Graph {
    /// For what words are built now.
    pub building: Origin,
    origins: Vec<Origin>,
    terms: Vec<Term>,
    may: Vec<u64>,
    known: HashMap<Term, Word>,
    tables: Vec<Vec<Word>>,
    known_tables: HashMap<Vec<Word>, Table>,
}

impl Graph {
    pub fn term(&self, word: Word) -> Term {
        self.terms[word.index()]
    }

    pub fn origin(&self, word: Word) -> Origin {
        self.origins[word.index()]
    }

    /// The bits of `word` that can be one.
    pub fn may(&self, word: Word) -> u64 {
        self.may[word.index()]
    }

    pub fn len(&self) -> usize {
        self.terms.len()
    }

    pub fn table(&self, table: Table) -> &[Word] {
        &self.tables[table.0 as usize]
    }

    /// The value of `word`, if it is a constant.
    pub fn value(&self, word: Word) -> Option<u64> {
        match self.term(word) {
            Term::Constant(value) => Some(value),
            _ => None,
        }
    }

    pub fn constant(&mut self, value: u64) -> Word {
        self.intern(Term::Constant(value), value)
    }

    /// A source of `bits` bits at `place` in the arena.
    pub fn source(&mut self, place: u32, bits: usize) -> Word {
        self.intern(Term::Source(place), ones(bits))
    }

    /// The list of words, each list once.
    pub fn intern_table(&mut self, words: Vec<Word>) -> Table {
        let next = Table(self.tables.len() as u32);
        match self.known_tables.entry(words) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.tables.push(new.key().clone());
                *new.insert(next)
            }
        }
    }

    /// The word for `term`, whose ones are all in `may`. A word that cannot be one anywhere is the constant zero.
    pub fn intern(&mut self, term: Term, may: u64) -> Word {
        self.building.step += 1;
        let term = if may == 0 { Term::Constant(0) } else { term };
        let next = Word(u32::try_from(self.terms.len()).expect("fewer than 2^32 words"));
        match self.known.entry(term) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                new.insert(next);
                self.terms.push(term);
                self.origins.push(self.building);
                self.may.push(may);
                next
            }
        }
    }

    /// The words that `word` reads.
    pub fn operands(&self, word: Word) -> Vec<Word> {
        match self.term(word) {
            Term::Constant(_) | Term::Source(_) => vec![],
            Term::Copy(a)
            | Term::Parity(a)
            | Term::Place { a, .. }
            | Term::SignExtend { a, .. }
            | Term::MemoryRead { address: a, .. } => vec![a],
            Term::And(a, b)
            | Term::Or(a, b)
            | Term::Xor(a, b)
            | Term::AndNot(a, b)
            | Term::Add { a, b, .. }
            | Term::Sub { a, b, .. }
            | Term::Mul(a, b)
            | Term::MulHigh(a, b)
            | Term::Eq(a, b)
            | Term::Lt(a, b)
            | Term::LtSigned { a, b, .. }
            | Term::Insert { into: a, a: b, .. }
            | Term::ShiftLeft { a, by: b, .. }
            | Term::ShiftRight { a, by: b }
            | Term::ShiftRightSigned { a, by: b, .. } => vec![a, b],
            Term::AddCarry { a, b, carry: c, .. }
            | Term::SubBorrow { a, b, borrow: c, .. }
            | Term::Carry(a, b, c)
            | Term::Borrow(a, b, c)
            | Term::FunnelLeft { high: a, low: b, by: c, .. }
            | Term::FunnelRight { high: a, low: b, by: c }
            | Term::FunnelRightSigned { high: a, low: b, by: c }
            | Term::Mux { select: a, on_true: b, on_false: c } => vec![a, b, c],
            Term::Select { index, table } => {
                let mut words = self.table(table).to_vec();
                words.push(index);
                words
            }
        }
    }
}
