//! Order of evaluation, batches and places in the arena.
//!
//! Among the operations that have words whose operands are ready, the one with the most of them comes next, and all
//! of them become one batch. Hardware is repetitive (lanes, banks, multipliers), so batches are long, and the
//! interpreter's cost of deciding what to do is shared by hundreds of instructions.

use std::collections::HashMap;

use super::graph::{Graph, Table, Term, Word};
use crate::sim::program::{Batch, Operation, Program};

const NOWHERE: u32 = u32::MAX;

/// Everything that is evaluated, in order.
pub struct Schedule<'g> {
    graph: &'g Graph,
    live: Vec<bool>,
    reads_inputs: Vec<bool>,
    /// Arena word of each live word.
    place: Vec<u32>,
    constants: HashMap<u64, u32>,
    arena: Vec<u64>,
    batches: [Vec<Batch>; 2],
    code: Vec<u32>,
    tables: Vec<u32>,
    known_tables: HashMap<Table, u32>,
}

impl<'g> Schedule<'g> {
    /// Schedules what `roots` need. Inputs are the first `input_words` of the `state_words` at the arena's beginning.
    pub fn new(graph: &'g Graph, roots: &[Word], input_words: u32, state_words: u32) -> Self {
        let mut schedule = Schedule {
            graph,
            live: vec![false; graph.len()],
            reads_inputs: vec![false; graph.len()],
            place: vec![NOWHERE; graph.len()],
            constants: HashMap::new(),
            arena: vec![0; state_words as usize],
            batches: [vec![], vec![]],
            code: vec![],
            tables: vec![],
            known_tables: HashMap::new(),
        };
        schedule.mark_live(roots);
        schedule.place_sources(input_words);
        for segment in 0..2 {
            schedule.order(segment == 1);
        }
        schedule
    }

    /// The live words, operands first.
    fn words(&self) -> impl DoubleEndedIterator<Item = Word> + use<> {
        let live = self.live.clone();
        (0..self.graph.len() as u32).map(Word).filter(move |word| live[word.index()])
    }

    fn mark_live(&mut self, roots: &[Word]) {
        for root in roots {
            self.live[root.index()] = true;
        }
        for index in (0..self.graph.len()).rev() {
            if self.live[index] {
                for operand in self.graph.operands(Word(index as u32)) {
                    self.live[operand.index()] = true;
                }
            }
        }
    }

    fn place_sources(&mut self, input_words: u32) {
        for word in self.words() {
            match self.graph.term(word) {
                Term::Constant(value) => self.place[word.index()] = self.constant(value),
                Term::Source(place) => {
                    self.place[word.index()] = place;
                    self.reads_inputs[word.index()] = place < input_words;
                }
                Term::Place { mask, .. } | Term::Insert { mask, .. } => {
                    self.constant(mask);
                }
                _ => {}
            }
            let operands = self.graph.operands(word);
            self.reads_inputs[word.index()] |= operands.iter().any(|operand| self.reads_inputs[operand.index()]);
        }
    }

    fn constant(&mut self, value: u64) -> u32 {
        *self.constants.entry(value).or_insert_with(|| {
            self.arena.push(value);
            self.arena.len() as u32 - 1
        })
    }

    /// Orders the words that depend on inputs, or those that do not.
    fn order(&mut self, on_inputs: bool) {
        let mine: Vec<Word> = self
            .words()
            .filter(|word| self.reads_inputs[word.index()] == on_inputs && self.place[word.index()] == NOWHERE)
            .collect();
        let mut missing = vec![0u32; self.graph.len()];
        let mut users: Vec<Vec<Word>> = vec![vec![]; self.graph.len()];
        let mut ready: Vec<Vec<Word>> = vec![vec![]; Operation::ALL.len()];
        for &word in &mine {
            for operand in self.graph.operands(word) {
                if self.place[operand.index()] == NOWHERE {
                    missing[word.index()] += 1;
                    users[operand.index()].push(word);
                }
            }
            if missing[word.index()] == 0 {
                ready[self.operation(word) as usize].push(word);
            }
        }
        while let Some(most) = (0..ready.len()).max_by_key(|&i| ready[i].len()).filter(|&i| !ready[i].is_empty()) {
            let mut batch = std::mem::take(&mut ready[most]);
            batch.sort();
            self.emit_batch(Operation::ALL[most], &batch, on_inputs);
            for word in batch {
                for user in std::mem::take(&mut users[word.index()]) {
                    missing[user.index()] -= 1;
                    if missing[user.index()] == 0 {
                        ready[self.operation(user) as usize].push(user);
                    }
                }
            }
        }
    }

    fn emit_batch(&mut self, operation: Operation, words: &[Word], on_inputs: bool) {
        let (code, result) = (self.code.len() as u32, self.arena.len() as u32);
        for &word in words {
            self.emit_operands(word);
            self.place[word.index()] = self.arena.len() as u32;
            self.arena.push(0);
        }
        let batch = Batch { operation, count: words.len() as u32, code, result };
        self.batches[on_inputs as usize].push(batch);
    }

    fn operation(&self, word: Word) -> Operation {
        match self.graph.term(word) {
            Term::Constant(_) | Term::Source(_) => unreachable!("sources have their places from the beginning"),
            Term::And(..) => Operation::And,
            Term::Or(..) => Operation::Or,
            Term::Xor(..) => Operation::Xor,
            Term::AndNot(..) => Operation::AndNot,
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

    /// Appends the operands of one instruction to the code, in the order that [`Operation`] documents.
    fn emit_operands(&mut self, word: Word) {
        let term = self.graph.term(word);
        if let Term::Select { index, table } = term {
            let last = self.graph.table(table).len() as u32 - 1;
            let table = self.emit_table(table);
            self.code.extend([self.place(index), table, last]);
            return;
        }
        for operand in self.graph.operands(word) {
            self.code.push(self.place(operand));
        }
        let cleared = |keep: u8| 64 - u32::from(keep);
        match term {
            Term::Add { keep: 64, .. } => {}
            Term::Add { keep, .. }
            | Term::Sub { keep, .. }
            | Term::AddCarry { keep, .. }
            | Term::SubBorrow { keep, .. }
            | Term::ShiftLeft { keep, .. }
            | Term::FunnelLeft { keep, .. }
            | Term::LtSigned { bits: keep, .. }
            | Term::ShiftRightSigned { bits: keep, .. } => self.code.push(cleared(keep)),
            Term::Place { rotate, mask, .. } | Term::Insert { rotate, mask, .. } => {
                let mask = self.constants[&mask];
                assert!(mask < 1 << 26, "constants lie in the first 2^26 words of the arena");
                self.code.push(mask << 6 | u32::from(rotate));
            }
            Term::SignExtend { left, right, keep, .. } => {
                self.code.push(u32::from(left) | u32::from(right) << 8 | cleared(keep) << 16);
            }
            Term::MemoryRead { memory, part, .. } => self.code.extend([memory, part]),
            _ => {}
        }
    }

    fn emit_table(&mut self, table: Table) -> u32 {
        if let Some(&known) = self.known_tables.get(&table) {
            return known;
        }
        let at = self.tables.len() as u32;
        for &word in self.graph.table(table) {
            let place = self.place(word);
            self.tables.push(place);
        }
        self.known_tables.insert(table, at);
        at
    }

    /// Arena word of a word that a root needs.
    pub fn place(&self, word: Word) -> u32 {
        let place = self.place[word.index()];
        debug_assert_ne!(place, NOWHERE, "only what roots need has a place");
        place
    }

    pub fn places(&self, words: &[Word]) -> Vec<u32> {
        words.iter().map(|&word| self.place(word)).collect()
    }

    pub fn reads_inputs(&self, words: &[Word]) -> bool {
        words.iter().any(|word| self.reads_inputs[word.index()])
    }

    /// Puts the instructions into the program, and its commits into an order that overwrites no source.
    pub fn emit(self, program: &mut Program) {
        program.batches = self.batches;
        program.code = self.code;
        program.tables = self.tables;
        program.arena = self.arena;
        order_commits(program);
    }
}

/// Moves that read a state come before the move that overwrites it.
fn order_commits(program: &mut Program) {
    let moves = std::mem::take(&mut program.commits);
    let overwrites: HashMap<u32, usize> = moves.iter().enumerate().map(|(i, &(to, _))| (to, i)).collect();
    // For each move, how many others still have to read what it overwrites.
    let mut readers = vec![0u32; moves.len()];
    for (_, from) in &moves {
        if let Some(&over) = overwrites.get(from) {
            readers[over] += 1;
        }
    }
    let mut free: Vec<usize> = (0..moves.len()).rev().filter(|&i| readers[i] == 0).collect();
    let mut ordered = vec![];
    let mut done = vec![false; moves.len()];
    while let Some(i) = free.pop() {
        done[i] = true;
        ordered.push(moves[i]);
        if let Some(&over) = overwrites.get(&moves[i].1) {
            readers[over] -= 1;
            if readers[over] == 0 {
                free.push(over);
            }
        }
    }
    // What is left are rings that nothing enters: they hold the zeros of the beginning in any order.
    ordered.extend(moves.iter().zip(&done).filter(|(_, done)| !**done).map(|(&ring, _)| ring));
    program.commits = ordered;
}
