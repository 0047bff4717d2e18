//! Order of evaluation, batches and places in the arena.
//!
//! Among the units whose operands are ready, the one that most others wait for in a row comes next, and all that are
//! ready with its operation become one batch. Hardware is repetitive (lanes, banks, multipliers), so batches are long,
//! and the interpreter's cost of deciding what to do is shared by many instructions.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::graph::{Graph, Table, Term, Word};
use super::held::{Need, needs};
use super::lanes::{Column, Form, Unit, Units, fixed};
use crate::sim::program::{Batch, FIRST_HELD_SEGMENT, LANES, Operation, Program};

const NOWHERE: u32 = u32::MAX;

/// Everything that is evaluated, in order.
pub struct Schedule<'g> {
    graph: &'g Graph,
    needs: Vec<Need>,
    reads_inputs: Vec<bool>,
    /// Arena word of each live word.
    place: Vec<u32>,
    /// First arena word of each unit.
    unit_place: Vec<u32>,
    constants: HashMap<u64, u32>,
    /// First arena word of constants in lanes.
    lane_constants: HashMap<[u64; LANES], u32>,
    arena: Vec<u64>,
    batches: Vec<Vec<Batch>>,
    code: Vec<u32>,
    tables: Vec<u32>,
    known_tables: HashMap<Table, u32>,
}

impl<'g> Schedule<'g> {
    /// Schedules what `roots` need and, in a segment of its own, what each of `held` needs alone. Inputs are the first `input_words` of the `state_words` at the arena's beginning.
    pub fn new(graph: &'g Graph, roots: &[Word], held: &[Vec<Word>], input_words: u32, state_words: u32) -> Self {
        let mut schedule = Schedule {
            graph,
            needs: needs(graph, roots, held),
            reads_inputs: vec![false; graph.len()],
            place: vec![NOWHERE; graph.len()],
            unit_place: vec![],
            constants: HashMap::new(),
            lane_constants: HashMap::new(),
            arena: vec![0; state_words as usize],
            batches: vec![],
            code: vec![],
            tables: vec![],
            known_tables: HashMap::new(),
        };
        schedule.place_sources(input_words);
        let segments: Vec<usize> = (0..graph.len()).map(|index| schedule.segment(Word(index as u32))).collect();
        let computed: Vec<Word> = schedule.words().filter(|word| schedule.place[word.index()] == NOWHERE).collect();
        let units = Units::new(graph, &segments, &computed);
        schedule.place_lane_constants(&units);
        schedule.unit_place = vec![NOWHERE; units.units.len()];
        for segment in 0..FIRST_HELD_SEGMENT + held.len() {
            schedule.order(&units, segment);
        }
        // Lanes that nothing needs reach past the last result.
        schedule.arena.extend([0; LANES]);
        schedule.align();
        schedule
    }

    /// The live words, operands first.
    fn words(&self) -> impl Iterator<Item = Word> + use<> {
        let needs = self.needs.clone();
        (0..self.graph.len() as u32).map(Word).filter(move |word| needs[word.index()] != Need::Nobody)
    }

    /// Where a word is evaluated.
    fn segment(&self, word: Word) -> usize {
        match self.needs[word.index()] {
            Need::Held(index) => FIRST_HELD_SEGMENT + index,
            _ => self.reads_inputs[word.index()].into(),
        }
    }

    fn place_sources(&mut self, input_words: u32) {
        for word in self.words() {
            let term = self.graph.term(word);
            match term {
                Term::Constant(value) => self.place[word.index()] = self.constant(value),
                Term::Source(place) => {
                    self.place[word.index()] = place;
                    self.reads_inputs[word.index()] = place < input_words;
                }
                _ => {
                    if let (Some(mask), _) = fixed(term) {
                        self.constant(mask);
                    }
                }
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

    fn place_lane_constants(&mut self, units: &Units) {
        for unit in &units.units {
            let Form::Lanes(columns) = &unit.form else { continue };
            self.align();
            for column in columns {
                if let Column::Constants(values) = *column {
                    self.lane_constants.entry(values).or_insert_with(|| {
                        self.arena.extend(values);
                        (self.arena.len() - LANES) as u32
                    });
                }
            }
        }
    }

    /// What comes next begins a line.
    fn align(&mut self) {
        self.arena.resize(self.arena.len().next_multiple_of(LANES), 0);
    }

    /// Orders the units of a segment.
    fn order(&mut self, units: &Units, segment: usize) {
        self.batches.push(vec![]);
        let mut missing = vec![0u32; units.units.len()];
        let mut users: Vec<Vec<usize>> = vec![vec![]; units.units.len()];
        let mut ready: Vec<Vec<usize>> = vec![vec![]; 2 * Operation::ALL.len()];
        let kind = |unit: &Unit| 2 * unit.operation as usize + usize::from(by_lanes(unit));
        for (index, unit) in units.units.iter().enumerate().filter(|(_, unit)| unit.segment == segment) {
            for other in self.awaited(units, unit) {
                if self.unit_place[other] == NOWHERE {
                    missing[index] += 1;
                    users[other].push(index);
                }
            }
            if missing[index] == 0 {
                ready[kind(unit)].push(index);
            }
        }
        // How many units wait for each in a row. Users come later in the list.
        let mut height = vec![0u32; units.units.len()];
        for index in (0..height.len()).rev() {
            height[index] = users[index].iter().map(|&user| height[user] + 1).max().unwrap_or(0);
        }
        loop {
            let urgency = |&i: &usize| (ready[i].iter().map(|&unit| height[unit]).max(), ready[i].len());
            let Some(next) = (0..ready.len()).max_by_key(urgency).filter(|&i| !ready[i].is_empty()) else { break };
            let mut batch = std::mem::take(&mut ready[next]);
            // Whole units first, in lines of their own.
            batch.sort_by_key(|&unit| (Reverse(units.units[unit].words.len()), unit));
            self.emit_batch(units, &batch);
            for unit in batch {
                for user in std::mem::take(&mut users[unit]) {
                    missing[user] -= 1;
                    if missing[user] == 0 {
                        ready[kind(&units.units[user])].push(user);
                    }
                }
            }
        }
    }

    /// The units that must be computed before `unit`; some more than once.
    fn awaited(&self, units: &Units, unit: &Unit) -> Vec<usize> {
        let of_word = |word: &Word| units.member[word.index()].map(|(unit, _)| unit);
        match &unit.form {
            Form::Words => unit
                .words
                .iter()
                .flat_map(|&word| self.graph.operands(word))
                .filter_map(|word| of_word(&word))
                .collect(),
            Form::Gather | Form::Spread => unit.words.iter().filter_map(of_word).collect(),
            Form::Lanes(columns) => columns
                .iter()
                .filter_map(|column| match column {
                    Column::Run(word) => of_word(word),
                    Column::Constants(_) => None,
                    Column::Unit(unit) => Some(*unit),
                })
                .collect(),
        }
    }

    /// Emits units of one kind.
    fn emit_batch(&mut self, units: &Units, batch: &[usize]) {
        let first = &units.units[batch[0]];
        let (operation, lanes) = (first.operation, by_lanes(first));
        if lanes || first.words.len() == LANES {
            self.align();
        }
        let (code, result, mut count) = (self.code.len() as u32, self.arena.len() as u32, 0);
        for &index in batch {
            let unit = &units.units[index];
            let place = self.arena.len() as u32;
            self.unit_place[index] = place;
            let length = match &unit.form {
                Form::Words => unit.words.iter().map(|&word| self.emit_word(word)).count(),
                Form::Gather | Form::Spread => unit.words.iter().map(|&word| self.code.push(self.place(word))).count(),
                Form::Lanes(columns) => {
                    for column in columns {
                        let place = self.column_place(column);
                        self.code.push(place);
                    }
                    self.emit_fixed(self.graph.term(unit.words[0]));
                    1
                }
            };
            count += length as u32;
            if matches!(unit.form, Form::Words | Form::Lanes(_)) {
                for (i, word) in unit.words.iter().enumerate() {
                    self.place[word.index()] = place + i as u32;
                }
            }
            self.arena.resize(self.arena.len() + if lanes { LANES } else { length }, 0);
        }
        self.batches.last_mut().expect("a segment").push(Batch { operation, lanes, count, code, result });
    }

    fn column_place(&self, column: &Column) -> u32 {
        match column {
            Column::Run(word) => self.place(*word),
            Column::Constants(values) => self.lane_constants[values],
            Column::Unit(unit) => self.unit_place[*unit],
        }
    }

    /// Appends the operands of one instruction to the code, in the order that [`Operation`] documents.
    fn emit_word(&mut self, word: Word) {
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
        self.emit_fixed(term);
    }

    fn emit_fixed(&mut self, term: Term) {
        if let Term::MemoryRead { memory, part, .. } = term {
            self.code.extend([memory, part]);
        } else if let (Some(mask), rotate) = fixed(term) {
            let mask = self.constants[&mask];
            assert!(mask < 1 << 26, "constants lie in the first 2^26 words of the arena");
            self.code.push(mask << 6 | rotate);
        } else if super::lanes::operation(term).operands() > super::lanes::operation(term).sources() {
            self.code.push(fixed(term).1);
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

    /// Puts the instructions into the program.
    pub fn emit(self, program: &mut Program) {
        program.batches = self.batches;
        program.code = self.code;
        program.tables = self.tables;
        program.arena = self.arena;
    }
}

/// An instruction computes the whole unit.
fn by_lanes(unit: &Unit) -> bool {
    matches!(unit.form, Form::Lanes(_) | Form::Spread)
}
