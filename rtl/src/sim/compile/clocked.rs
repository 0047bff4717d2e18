//! What happens at a clock edge: next values of registers, memory ports, properties.

use std::collections::BTreeMap;

use super::flatten::Flattener;
use super::graph::{Term, Word};
use super::lower::Value;
use super::schedule::Schedule;
use crate::bits::words_for;
use crate::builder::address_bits;
use crate::design::{Assignment, MemoryDef, PropertyKind, ReadKind, assignment_operands};
use crate::sim::SimulatorError;
use crate::sim::program::{Check, Held, MemoryLayout, Moves, Program, ReadPort, WritePort};

struct Read {
    memory: u32,
    enable: Word,
    address: Word,
    shown: Vec<u32>,
}

struct Write {
    memory: u32,
    enabled: Word,
    address: Word,
    data: Value,
    lanes: usize,
    lane_enables: Value,
}

/// A word of a register that keeps its value unless it is enabled.
struct HeldWord {
    /// Arena word.
    to: u32,
    /// Its value after an edge at which it is enabled.
    enabled: Word,
    /// Its value after any edge.
    next: Word,
}

struct Property {
    name: String,
    text: String,
    condition: Word,
}

/// All of it, for the whole design.
#[derive(Default)]
pub struct Clocked {
    /// Arena word of a register and its next value.
    next: Vec<(u32, Word)>,
    /// Registers that otherwise keep their values, by what enables them.
    held: BTreeMap<Word, Vec<HeldWord>>,
    memories: Vec<MemoryLayout>,
    contents: Vec<u64>,
    reads: Vec<Read>,
    writes: Vec<Write>,
    assertions: Vec<Property>,
    covers: Vec<Property>,
}

/// Builds everything that registers, memories and properties of all scopes read.
pub fn collect(flat: &mut Flattener) -> Result<Clocked, SimulatorError> {
    let mut clocked = Clocked::default();
    for scope in 0..flat.hierarchy.scopes.len() {
        clocked.registers(flat, scope)?;
        clocked.memories(flat, scope)?;
        clocked.properties(flat, scope)?;
    }
    Ok(clocked)
}

impl Clocked {
    fn registers(&mut self, flat: &mut Flattener, scope: usize) -> Result<(), SimulatorError> {
        for (index, register) in flat.module(scope).registers.iter().enumerate() {
            for node in assignment_operands(&register.assignments) {
                flat.value(scope, node)?;
            }
            let held = flat.value(scope, register.node)?;
            flat.build_for(scope, register.node);
            let assignments: Vec<&Assignment> = register.assignments.iter().collect();
            let mut next = flat.assigned(scope, &assignments, 0, held);
            if let Some(value) = &register.reset {
                let reset = flat.reset(scope)?;
                let value = flat.graph.bits(value);
                next = flat.graph.mux_words(reset, &value, &next);
            }
            let places = flat.hierarchy.scopes[scope].registers[index];
            for (i, (&next, &held)) in next.iter().zip(&flat.done(scope, register.node)).enumerate() {
                match flat.graph.term(next) {
                    _ if next == held => {}
                    Term::Mux { select, on_true, on_false } if on_false == held => {
                        let word = HeldWord { to: places.word(i), enabled: flat.settled(on_true), next };
                        self.held.entry(flat.settled(select)).or_default().push(word);
                    }
                    _ => self.next.push((places.word(i), flat.settled(next))),
                }
            }
        }
        Ok(())
    }

    fn memories(&mut self, flat: &mut Flattener, scope: usize) -> Result<(), SimulatorError> {
        for (index, memory) in flat.module(scope).memories.iter().enumerate() {
            let number = self.memories.len() as u32;
            debug_assert_eq!(number as usize, flat.hierarchy.scopes[scope].first_memory + index);
            self.lay_out(format!("{}{}", flat.hierarchy.scopes[scope].prefix, memory.name), memory);
            let mut writes = vec![];
            for port in &memory.writes {
                let lane_enables = flat.value(scope, port.lane_enables)?;
                let (address, data) = (flat.value(scope, port.address)?[0], flat.value(scope, port.data)?);
                flat.build_for(scope, port.data);
                let enabled = flat.graph.reduce_or(&lane_enables);
                let write = Write {
                    memory: number,
                    enabled: flat.settled(enabled),
                    address: flat.settled(address),
                    data: data.iter().map(|&word| flat.settled(word)).collect(),
                    lanes: flat.module(scope).node(port.lane_enables).width,
                    lane_enables: lane_enables.iter().map(|&word| flat.settled(word)).collect(),
                };
                self.assert_address(flat, scope, memory, "write", enabled, write.address)?;
                writes.push((enabled, write.address));
                self.writes.push(write);
            }
            for (port, read) in memory.reads.iter().enumerate() {
                let address = flat.value(scope, read.address)?[0];
                flat.build_for(scope, read.node);
                let (enable, own_write) = match read.kind {
                    ReadKind::Asynchronous => {
                        let always = flat.graph.constant(1);
                        self.assert_address(flat, scope, memory, &read.name, always, address)?;
                        continue;
                    }
                    ReadKind::Synchronous { enable } => (flat.value(scope, enable)?[0], None),
                    ReadKind::SinglePort { enable, write } => {
                        let enable = flat.value(scope, enable)?[0];
                        (flat.graph.and_not(enable, writes[write].0), Some(write))
                    }
                };
                self.assert_address(flat, scope, memory, &read.name, enable, address)?;
                if memory.collision_free {
                    for (index, &write) in writes.iter().enumerate() {
                        if own_write != Some(index) {
                            self.assert_no_collision(flat, scope, memory, &read.name, (enable, address), write)?;
                        }
                    }
                }
                let shown = flat.hierarchy.scopes[scope].read_ports[index][port].expect("a clocked port has a state");
                let (enable, address) = (flat.settled(enable), flat.settled(address));
                let shown = shown.words(memory.width).collect();
                self.reads.push(Read { memory: number, enable, address, shown });
            }
        }
        Ok(())
    }

    fn lay_out(&mut self, name: String, memory: &MemoryDef) {
        let stride = words_for(memory.width);
        let base = self.contents.len();
        for word in &memory.initial {
            self.contents.extend(word.words());
        }
        self.contents.resize(base + memory.depth * stride, 0);
        self.memories.push(MemoryLayout { name, depth: memory.depth, width: memory.width, stride, base });
    }

    /// `condition`, or the reset of its scope.
    fn assert(
        &mut self,
        flat: &mut Flattener,
        scope: usize,
        name: &str,
        text: String,
        condition: Word,
    ) -> Result<(), SimulatorError> {
        let reset = flat.reset(scope)?;
        let condition = flat.graph.or(reset, condition);
        if flat.graph.value(condition) != Some(1) {
            let name = format!("{}{name}", flat.hierarchy.scopes[scope].prefix);
            self.assertions.push(Property { name, text, condition });
        }
        Ok(())
    }

    fn assert_address(
        &mut self,
        flat: &mut Flattener,
        scope: usize,
        memory: &MemoryDef,
        port: &str,
        enabled: Word,
        address: Word,
    ) -> Result<(), SimulatorError> {
        if memory.depth == 1 << address_bits(memory.depth) {
            return Ok(());
        }
        let depth = flat.graph.constant(memory.depth as u64);
        let inside = flat.graph.lt(address, depth);
        let disabled = flat.graph.not(enabled, 1);
        let condition = flat.graph.or(disabled, inside);
        let text = format!("the address of `{port}` is past the {} words of the memory", memory.depth);
        self.assert(flat, scope, &memory.name, text, condition)
    }

    /// A read and a write, each an enable and an address, do not meet in one word.
    fn assert_no_collision(
        &mut self,
        flat: &mut Flattener,
        scope: usize,
        memory: &MemoryDef,
        port: &str,
        read: (Word, Word),
        write: (Word, Word),
    ) -> Result<(), SimulatorError> {
        let both = flat.graph.and(read.0, write.0);
        let same = flat.graph.equal(read.1, write.1);
        let meet = flat.graph.and(both, same);
        let condition = flat.graph.not(meet, 1);
        let text = format!("`{port}` reads a word that is written at the same edge, in a collision-free memory");
        self.assert(flat, scope, &memory.name, text, condition)
    }

    fn properties(&mut self, flat: &mut Flattener, scope: usize) -> Result<(), SimulatorError> {
        for property in &flat.module(scope).properties {
            let condition = flat.value(scope, property.condition)?[0];
            match property.kind {
                PropertyKind::Assert => {
                    let text = format!("asserted at {}:{}", property.location.file(), property.location.line());
                    self.assert(flat, scope, &property.name, text, condition)?;
                }
                PropertyKind::Cover => {
                    let reset = flat.reset(scope)?;
                    let condition = flat.graph.and_not(condition, reset);
                    let name = format!("{}{}", flat.hierarchy.scopes[scope].prefix, property.name);
                    self.covers.push(Property { name, text: String::new(), condition });
                }
            }
        }
        Ok(())
    }

    /// For each enable, the values that matter only where it holds.
    pub fn held(&self) -> Vec<Vec<Word>> {
        self.held.values().map(|words| words.iter().map(|word| word.enabled).collect()).collect()
    }

    /// Takes registers for ones that move at every edge, unless their enable is worthwhile.
    pub fn keep_held(&mut self, worthwhile: &[bool]) {
        let mut worthwhile = worthwhile.iter();
        self.held.retain(|_, words| {
            let keep = worthwhile.next() == Some(&true);
            if !keep {
                self.next.extend(words.iter().map(|word| (word.to, word.next)));
            }
            keep
        });
    }

    /// Every other word that an edge reads.
    pub fn words(&self) -> Vec<Word> {
        let mut words: Vec<Word> = self.next.iter().map(|&(_, next)| next).chain(self.held.keys().copied()).collect();
        words.extend(self.reads.iter().flat_map(|read| [read.enable, read.address]));
        for write in &self.writes {
            words.extend([write.enabled, write.address]);
            words.extend(write.data.iter().chain(&write.lane_enables));
        }
        words.extend(self.assertions.iter().chain(&self.covers).map(|property| property.condition));
        words
    }

    /// Puts it into the program, with the places that `schedule` gives.
    pub fn emit(self, schedule: &Schedule, program: &mut Program) {
        let place = |word: Word| schedule.place(word);
        let moves =
            |moves: Vec<(u32, Word)>| Moves::new(moves.into_iter().map(|(to, next)| (to, place(next))).collect());
        program.moves = moves(self.next);
        let enabled = |words: Vec<HeldWord>| moves(words.into_iter().map(|word| (word.to, word.enabled)).collect());
        let held = self.held.into_iter().map(|(enable, words)| Held { enable: place(enable), moves: enabled(words) });
        program.held = held.collect();
        for Read { memory, enable, address, shown } in self.reads {
            program.reads.push(ReadPort { memory, enable: place(enable), address: place(address), shown });
        }
        for write in &self.writes {
            program.writes.push(WritePort {
                memory: write.memory,
                enabled: place(write.enabled),
                address: place(write.address),
                data: schedule.places(&write.data),
                lanes: write.lanes,
                lane_enables: schedule.places(&write.lane_enables),
            });
        }
        let check = |property: Property| {
            let place = place(property.condition);
            Check { name: property.name, text: property.text, place }
        };
        program.assertions = self.assertions.into_iter().map(check).collect();
        program.covers = self.covers.into_iter().map(check).collect();
        program.memories = self.memories;
        program.memory_words = self.contents;
    }
}

impl Flattener<'_> {
    /// What `word` is before an edge, at a place that the edge does not change.
    fn settled(&mut self, word: Word) -> Word {
        match self.graph.term(word) {
            Term::Source(place) if place >= self.hierarchy.input_words => {
                let may = self.graph.may(word);
                self.graph.intern(Term::Copy(word), may)
            }
            _ => word,
        }
    }
}
