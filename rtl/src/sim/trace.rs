//! Waveforms of the native simulator; see [`crate::wave`] for what they show when.

use std::collections::HashMap;
use std::io::{self, Write};
use std::iter::zip;

use super::arena::Arena;
use super::compile::compile;
use super::program::{NamedPlaces, Program};
use super::simulator::Simulator;
use super::wide::compiled_for_this_processor;
use crate::wave::{Recorder, TraceOptions, Waveform};

/// Waveforms that are being written.
pub(super) struct Tracer {
    recorder: Recorder,
    /// Arena words that are shown.
    watch: Watch,
    /// The variables that changed, and whether each is among them.
    changed: Vec<u32>,
    has_changed: Vec<bool>,
    /// The program without names, while the one with names runs; or the other way round.
    other: Program,
    /// The program with names runs.
    named: bool,
}

/// A word of the recorder that follows an arena word, and whose variable it is.
struct Word {
    place: u32,
    value: u32,
    variable: u32,
}

/// Arena words that are compared at once.
const BLOCK: usize = 8;

/// Arena words, and what they held when last looked at. Most have not changed: those of a block are compared together,
/// which is an instruction or two of the processor.
#[derive(Default)]
struct Watch {
    blocks: Vec<Block>,
    /// In the order of the arena.
    words: Vec<Word>,
}

/// Neighbouring arena words, some of which are watched.
struct Block {
    /// The first.
    place: u32,
    /// For each word, whether it is watched, and whether it was new when last looked at: 1 or 0.
    watched: [u8; BLOCK],
    new: [u8; BLOCK],
    known: [u64; BLOCK],
    /// For each word, where in [`Watch::words`] those that follow it begin; the last end there as well.
    followers: [u32; BLOCK + 1],
}

impl Watch {
    /// Watches words of an arena of this length.
    fn new(mut words: Vec<Word>, arena: usize) -> Watch {
        words.sort_by_key(|word| (word.place, word.variable));
        let mut blocks: Vec<Block> = vec![];
        for (index, word) in words.iter().enumerate() {
            let first = (word.place as usize / BLOCK * BLOCK).min(arena - BLOCK) as u32;
            if blocks.last().is_none_or(|block| word.place - block.place >= BLOCK as u32) {
                blocks.push(Block {
                    place: first,
                    watched: [0; BLOCK],
                    new: [0; BLOCK],
                    known: [0; BLOCK],
                    followers: [index as u32; BLOCK + 1],
                });
            }
            let block = blocks.last_mut().expect("one was added");
            let lane = (word.place - block.place) as usize;
            block.watched[lane] = 1;
            block.followers[lane + 1..].fill(index as u32 + 1);
        }
        Watch { blocks, words }
    }

    /// Hands on every word that is new.
    fn look(&mut self, arena: &[u64], mut changed: impl FnMut(&Word, u64)) {
        compare(&mut self.blocks, arena);
        for block in &self.blocks {
            let mut new = u64::from_le_bytes(block.new) & u64::from_le_bytes(block.watched);
            while new != 0 {
                let lane = new.trailing_zeros() as usize / 8;
                new &= new - 1;
                let [first, end] = [block.followers[lane], block.followers[lane + 1]];
                for word in &self.words[first as usize..end as usize] {
                    changed(word, block.known[lane]);
                }
            }
        }
    }
}

compiled_for_this_processor! {
    fn compare(blocks: &mut [Block], arena: &[u64]) as compare_blocks
}

/// Finds what is new in each block, and takes it over.
#[inline(always)]
fn compare_blocks(blocks: &mut [Block], arena: &[u64]) {
    for block in blocks {
        let place = block.place as usize;
        let now: &[u64; BLOCK] = arena[place..place + BLOCK].try_into().expect("as many");
        for (new, (now, known)) in zip(&mut block.new, zip(now, &block.known)) {
            *new = u8::from(now != known);
        }
        block.known = *now;
    }
}

impl Simulator {
    /// Writes a waveform in the format VCD to `to` from now on; see [`Simulator::trace`].
    ///
    /// # Errors
    /// As [`Simulator::trace`].
    pub fn trace_vcd(&mut self, to: impl Write + Send + 'static, options: TraceOptions) -> io::Result<()> {
        self.trace(vec![Waveform::vcd(to, options)?])
    }

    /// Writes waveforms from now on, until [`Simulator::finish_trace`]. Those that are being written end.
    ///
    /// The design is compiled once more, with every signal kept that one of them shows, and runs so while a cycle is
    /// in the window of one of them; otherwise waveforms cost nothing.
    ///
    /// # Errors
    /// If a header cannot be written, or no instance has the name of a waveform's scope.
    pub fn trace(&mut self, waveforms: Vec<Waveform>) -> io::Result<()> {
        self.finish_trace()?;
        if waveforms.is_empty() {
            return Ok(());
        }
        let all: Vec<TraceOptions> = waveforms.iter().map(|waveform| waveform.options().clone()).collect();
        let keep = |prefix: &str, name: &str| all.iter().any(|options| options.shows_name(prefix, name));
        let program = compile(&self.design, &self.hierarchy, Some(&keep)).map_err(io::Error::other)?;

        // Names for the same words share a variable.
        let mut variables: HashMap<(&[u32], usize), usize> = HashMap::new();
        let mut by_name: HashMap<(&str, &str), &NamedPlaces> = HashMap::new();
        for named in &program.names {
            by_name.insert((&self.hierarchy.scopes[named.scope].prefix, &named.name), named);
        }
        let recorder = Recorder::new(&self.design, waveforms, |scope, name| {
            let places = &by_name.get(&(scope.prefix.as_str(), name.text))?.places;
            let next = variables.len();
            Some(*variables.entry((&places.words, places.width)).or_insert(next))
        })?;
        let count = variables.len();
        let mut words = vec![];
        for ((places, _), variable) in variables {
            for (&place, value) in places.iter().zip(recorder.words(variable)) {
                words.push(Word { place, value: value as u32, variable: variable as u32 });
            }
        }
        let (watch, has_changed) = (Watch::new(words, program.arena.len()), vec![false; count]);
        let tracer = Tracer { recorder, watch, changed: vec![], has_changed, other: program, named: false };
        self.tracer = Some(Box::new(tracer));
        Ok(())
    }

    /// Ends the waveforms that are being written: shows the values as they are now, and flushes.
    ///
    /// # Errors
    /// The first failure to write since they began.
    pub fn finish_trace(&mut self) -> io::Result<()> {
        if self.tracer.is_none() {
            return Ok(());
        }
        self.trace_before_edge();
        let Some(mut tracer) = self.tracer.take() else { return Ok(()) };
        if tracer.named {
            self.exchange(&mut tracer.other);
        }
        tracer.recorder.finish()
    }

    /// Goes on with another compilation of the same design.
    fn exchange(&mut self, program: &mut Program) {
        let mut arena = Arena::new(&program.arena);
        let states = program.state_words;
        arena[..states].copy_from_slice(&self.arena[..states]);
        self.arena = arena;
        (self.states_changed, self.inputs_changed) = (true, true);
        std::mem::swap(&mut self.program, program);
    }

    /// Inputs have their values for the edge that comes.
    pub(super) fn trace_before_edge(&mut self) {
        let cycle = self.cycle();
        let Some(mut tracer) = self.tracer.take() else { return };
        let shows = tracer.recorder.shows(cycle);
        if shows != tracer.named {
            self.exchange(&mut tracer.other);
            tracer.named = shows;
        }
        if shows {
            self.eval();
            if std::mem::take(&mut self.unshown) {
                tracer.find_changes(&self.arena);
            }
            tracer.show(cycle, false);
        }
        self.tracer = Some(tracer);
    }

    /// The edge was taken.
    pub(super) fn trace_after_edge(&mut self) {
        let cycle = self.cycle() - 1;
        let Some(mut tracer) = self.tracer.take() else { return };
        if tracer.named {
            self.eval();
            self.unshown = false;
            tracer.find_changes(&self.arena);
            tracer.show(cycle, true);
        }
        self.tracer = Some(tracer);
    }
}

impl Tracer {
    /// Takes over what is new in the arena.
    fn find_changes(&mut self, arena: &[u64]) {
        let Tracer { recorder, watch, changed, has_changed, .. } = self;
        watch.look(arena, |word, new| {
            recorder.values[word.value as usize] = new;
            if !std::mem::replace(&mut has_changed[word.variable as usize], true) {
                changed.push(word.variable);
            }
        });
    }

    fn show(&mut self, cycle: u64, clock: bool) {
        self.recorder.show(cycle, clock, &self.changed);
        for variable in self.changed.drain(..) {
            self.has_changed[variable as usize] = false;
        }
    }
}
