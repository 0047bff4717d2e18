//! Words that are computed side by side.
//!
//! Hardware is repetitive: lanes, banks, the bits of a bus. Words of one operation that repetitions have in common
//! (their [`Origin::family`](super::graph::Origin) says so) are cut into units of up to [`LANES`] words with
//! neighbouring places. Where the operands of a unit are neighbours as well, in the same order, or one word for all,
//! an instruction computes the whole unit:
//!
//! ```text
//!   words      a0 & s   a1 & s   a2 & s   ...      one unit, in the order of the repetitions
//!   columns    [a0 a1 a2 ...]                       a run: neighbours of another unit, or states
//!              [s  s  s  ...]                       one word, spread to all lanes by a unit of its own
//! ```
//! Other columns are gathered word by word, where that still pays. Words of a unit have the same depth, hence no unit
//! waits for itself.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::graph::{Graph, Term, Word};
use crate::sim::program::{FIRST_HELD_SEGMENT, LANES, Operation};

/// Costs in tenths of a processor cycle, as measured.
const SCALAR_COST: usize = 23;
const LANES_COST: usize = 40;
/// Spread words and gathered columns are used about twice.
const SPREAD_COST: usize = 10;
const GATHER_COST: usize = 9;

/// A source of lanes.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    /// This word and its neighbours.
    Run(Word),
    /// These constants, one in each lane.
    Constants([u64; LANES]),
    /// The lanes of a unit that spreads or gathers.
    Unit(usize),
}

/// How a unit is computed.
#[derive(Clone, Debug)]
pub enum Form {
    /// By an instruction for each word.
    Words,
    /// By one instruction, from these columns.
    Lanes(Vec<Column>),
    /// Copies of the words, next to each other.
    Gather,
    /// The one word, in all lanes.
    Spread,
}

/// Words with neighbouring places.
#[derive(Clone, Debug)]
pub struct Unit {
    pub operation: Operation,
    pub words: Vec<Word>,
    pub form: Form,
    /// Where it is computed.
    pub segment: usize,
}

/// What cutting into units needs to know of the words to be computed.
pub struct Units<'a> {
    pub graph: &'a Graph,
    /// Where each word is computed.
    pub segments: &'a [usize],
    pub units: Vec<Unit>,
    /// Unit of each computed word, and its number there.
    pub member: Vec<Option<(usize, usize)>>,
    /// Number of the class of the last unit, and of each.
    class: usize,
    class_of_unit: Vec<usize>,
    /// Units that spread a word or gather several, by where they are computed for registers of an enable, else 0.
    spread: HashMap<(usize, Word), usize>,
    gathered: HashMap<(usize, Vec<Word>), usize>,
}

impl<'a> Units<'a> {
    /// Cuts `words`, operands first, into units.
    pub fn new(graph: &'a Graph, segments: &'a [usize], words: &[Word]) -> Self {
        let (spread, gathered) = (HashMap::new(), HashMap::new());
        let mut units = Units {
            graph,
            segments,
            units: vec![],
            member: vec![None; graph.len()],
            class: 0,
            class_of_unit: vec![],
            spread,
            gathered,
        };
        for class in units.classes(words) {
            for class in units.split(class) {
                units.class += 1;
                for words in class.chunks(LANES) {
                    units.add(words);
                }
            }
        }
        units
    }

    /// Words that repetitions have in common, in the order of the repetitions; classes of less depth first.
    fn classes(&self, words: &[Word]) -> Vec<Vec<Word>> {
        let mut depth = vec![0u32; self.graph.len()];
        let mut keyed: Vec<_> = words
            .iter()
            .map(|&word| {
                let operands = self.graph.operands(word);
                let deepest = operands.iter().map(|operand| depth[operand.index()]).max().unwrap_or(0);
                depth[word.index()] = deepest + 1;
                let origin = self.graph.origin(word);
                let class = (deepest, self.segments[word.index()], self.operation(word), origin.family, origin.step);
                (class, (origin.scope, origin.node, word))
            })
            .collect();
        keyed.sort();
        keyed.chunk_by(|a, b| a.0 == b.0).map(|class| class.iter().map(|(_, (.., word))| *word).collect()).collect()
    }

    /// Splits a class so that columns become runs or one word: words that say the same or have an operand in common
    /// belong together, if there are several, and so do words with operands from one class; all in the order of
    /// their other operands.
    fn split(&self, class: Vec<Word>) -> Vec<Vec<Word>> {
        const SEVERAL: usize = 4;
        let mut together: Vec<Vec<usize>> = vec![vec![]; class.len()];
        let mut order = together.clone();
        let mut join = |values: &[usize]| {
            let joined: Vec<Vec<usize>> = together
                .iter()
                .zip(values)
                .map(|(together, &value)| [together.as_slice(), &[value]].concat())
                .collect();
            let several = SEVERAL * joined.iter().collect::<HashSet<_>>().len() <= class.len();
            if several {
                together = joined;
            }
            several
        };
        let terms: Vec<Term> = class.iter().map(|&word| self.graph.term(word)).collect();
        join(&numbered(terms.iter().map(|&term| fixed(term))));
        let operands: Vec<Vec<Word>> = class.iter().map(|&word| self.graph.operands(word)).collect();
        for i in 0..operation(terms[0]).sources() {
            let column = || operands.iter().map(|operands| operands[i]);
            if !join(&column().map(Word::index).collect::<Vec<_>>()) {
                let neighbourhood = |word| self.neighbourhood(word).unwrap_or_default();
                join(&column().map(|word| self.class_of(neighbourhood(word).0)).collect::<Vec<_>>());
                for (order, word) in order.iter_mut().zip(column()) {
                    order.extend([neighbourhood(word).0, neighbourhood(word).1]);
                }
            }
        }
        let mut keyed: Vec<_> =
            together.into_iter().zip(order).zip(class).enumerate().map(|(i, ((t, o), word))| (t, o, i, word)).collect();
        keyed.sort();
        keyed.chunk_by(|a, b| a.0 == b.0).map(|part| part.iter().map(|(.., word)| *word).collect()).collect()
    }

    fn class_of(&self, unit: usize) -> usize {
        self.class_of_unit.get(unit).copied().unwrap_or(0)
    }

    /// Adds a unit, after those of its operands.
    fn add(&mut self, words: &[Word]) {
        let unit = Unit {
            operation: self.operation(words[0]),
            words: words.to_vec(),
            form: self.form(words),
            segment: self.segments[words[0].index()],
        };
        for (i, word) in words.iter().enumerate() {
            self.member[word.index()] = Some((self.units.len(), i));
        }
        self.class_of_unit.resize(self.units.len(), 0);
        self.class_of_unit.push(self.class);
        self.units.push(unit);
    }

    fn form(&mut self, words: &[Word]) -> Form {
        let first = words[0];
        let operation = self.operation(first);
        if matches!(operation, Operation::Select | Operation::MemoryRead)
            || words.iter().any(|&word| fixed(self.graph.term(word)) != fixed(self.graph.term(first)))
        {
            return Form::Words;
        }
        let operands: Vec<Vec<Word>> = words.iter().map(|&word| self.graph.operands(word)).collect();
        let columns: Vec<Vec<Word>> =
            (0..operation.sources()).map(|i| operands.iter().map(|operands| operands[i]).collect()).collect();
        let held = self.held_segment(first);
        let cost: usize = columns.iter().map(|column| self.column_cost(column, held)).sum();
        if LANES_COST + cost >= SCALAR_COST * words.len() {
            return Form::Words;
        }
        Form::Lanes(columns.into_iter().map(|column| self.column(column, held)).collect())
    }

    /// Where a word is computed, if for registers of an enable; else 0.
    fn held_segment(&self, word: Word) -> usize {
        let segment = self.segments[word.index()];
        if segment < FIRST_HELD_SEGMENT { 0 } else { segment }
    }

    fn column_cost(&self, column: &[Word], held: usize) -> usize {
        let gathered = self.gathered.contains_key(&(held, column.to_vec()));
        if gathered || self.constants(column).is_some() || self.is_run(column) {
            0
        } else if column.iter().all(|&word| word == column[0]) {
            if self.spread.contains_key(&(held, column[0])) { 0 } else { SPREAD_COST }
        } else {
            GATHER_COST * column.len()
        }
    }

    fn column(&mut self, column: Vec<Word>, held: usize) -> Column {
        let word = column[0];
        let segment = column.iter().map(|word| self.segments[word.index()]).fold(held, usize::max);
        if let Some(constants) = self.constants(&column) {
            return Column::Constants(constants);
        }
        if self.is_run(&column) {
            return Column::Run(word);
        }
        let next = self.units.len();
        if column.iter().all(|&other| other == word) {
            let unit = *self.spread.entry((held, word)).or_insert(next);
            if unit == next {
                self.units.push(Unit { operation: Operation::Spread, words: vec![word], form: Form::Spread, segment });
            }
            return Column::Unit(unit);
        }
        let key = (held, column);
        if let Some(&unit) = self.gathered.get(&key) {
            return Column::Unit(unit);
        }
        self.units.push(Unit { operation: Operation::Copy, words: key.1.clone(), form: Form::Gather, segment });
        self.gathered.insert(key, next);
        Column::Unit(next)
    }

    /// The values of constants.
    fn constants(&self, column: &[Word]) -> Option<[u64; LANES]> {
        let mut values = [self.graph.value(column[0])?; LANES];
        for (value, &word) in values.iter_mut().zip(column) {
            *value = self.graph.value(word)?;
        }
        Some(values)
    }

    /// The words have neighbouring places.
    fn is_run(&self, column: &[Word]) -> bool {
        let first = self.neighbourhood(column[0]);
        let follows = |(i, &word): (usize, &Word)| match (first, self.neighbourhood(word)) {
            (Some((unit, at)), Some((other, place))) => unit == other && at + i == place,
            _ => false,
        };
        column.len() > 1 && column.iter().enumerate().all(follows)
    }

    /// What the word is in, if not alone, and where.
    fn neighbourhood(&self, word: Word) -> Option<(usize, usize)> {
        match self.graph.term(word) {
            Term::Source(place) => Some((usize::MAX, place as usize)),
            _ => self.member[word.index()],
        }
    }

    fn operation(&self, word: Word) -> Operation {
        operation(self.graph.term(word))
    }
}

/// A number for each value, the same for equal values.
fn numbered<T: Eq + Hash>(values: impl Iterator<Item = T>) -> Vec<usize> {
    let mut numbers = HashMap::new();
    values
        .map(|value| {
            let next = numbers.len();
            *numbers.entry(value).or_insert(next)
        })
        .collect()
}

/// The operation of a term that is computed.
pub fn operation(term: Term) -> Operation {
    match term {
        Term::Constant(_) | Term::Source(_) => unreachable!("sources have their places from the beginning"),
        Term::And(..) => Operation::And,
        Term::Or(..) => Operation::Or,
        Term::Xor(..) => Operation::Xor,
        Term::AndNot(..) => Operation::AndNot,
        Term::Copy(_) => Operation::Copy,
        Term::Add { keep: 64, .. } => Operation::Add,
        Term::Add { .. } => Operation::AddKeep,
        Term::Sub { .. } => Operation::SubKeep,
        Term::AddCarry { .. } => Operation::AddCarry,
        Term::Carry(..) => Operation::Carry,
        Term::SubBorrow { .. } => Operation::SubBorrow,
        Term::Borrow(..) => Operation::Borrow,
        Term::Mul(..) => Operation::Mul,
        Term::MulHigh(..) => Operation::MulHigh,
        Term::Eq(..) => Operation::Eq,
        Term::Lt(..) => Operation::Lt,
        Term::LtSigned { .. } => Operation::LtSigned,
        Term::Parity(_) => Operation::Parity,
        Term::Place { .. } => Operation::Place,
        Term::Insert { .. } => Operation::Insert,
        Term::SignExtend { .. } => Operation::SignExtend,
        Term::ShiftLeft { .. } => Operation::ShiftLeft,
        Term::ShiftRight { .. } => Operation::ShiftRight,
        Term::ShiftRightSigned { .. } => Operation::ShiftRightSigned,
        Term::FunnelLeft { .. } => Operation::FunnelLeft,
        Term::FunnelRight { .. } => Operation::FunnelRight,
        Term::FunnelRightSigned { .. } => Operation::FunnelRightSigned,
        Term::Mux { .. } => Operation::Mux,
        Term::Select { .. } => Operation::Select,
        Term::MemoryRead { .. } => Operation::MemoryRead,
    }
}

/// What an instruction says beside its sources and, of a [`Term::Select`], its table. The mask of a
/// [`Term::Place`] or [`Term::Insert`] is a word of the arena and comes first.
pub fn fixed(term: Term) -> (Option<u64>, u32) {
    let cleared = |keep: u8| 64 - u32::from(keep);
    match term {
        Term::Add { keep, .. }
        | Term::Sub { keep, .. }
        | Term::AddCarry { keep, .. }
        | Term::SubBorrow { keep, .. }
        | Term::ShiftLeft { keep, .. }
        | Term::FunnelLeft { keep, .. }
        | Term::LtSigned { bits: keep, .. }
        | Term::ShiftRightSigned { bits: keep, .. } => (None, cleared(keep)),
        Term::Place { rotate, mask, .. } | Term::Insert { rotate, mask, .. } => (Some(mask), rotate.into()),
        Term::SignExtend { left, right, keep, .. } => {
            (None, u32::from(left) | u32::from(right) << 8 | cleared(keep) << 16)
        }
        _ => (None, 0),
    }
}
