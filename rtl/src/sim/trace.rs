//! Waveforms of the native simulator; see [`crate::wave`] for what they show when.

use std::collections::HashMap;
use std::io::{self, Write};

use super::arena::Arena;
use super::compile::compile;
use super::program::{NamedPlaces, Program};
use super::simulator::Simulator;
use crate::wave::{Recorder, TraceOptions, Waveform};

/// Waveforms that are being written.
pub(super) struct Tracer {
    recorder: Recorder,
    /// Arena words that are shown, the word of the recorder that follows each, and whose variable it is; in the order
    /// of the arena.
    words: Vec<Word>,
    /// The variables that changed.
    changed: Vec<u32>,
    /// The program without names, while the one with names runs; or the other way round.
    other: Program,
    /// The program with names runs.
    named: bool,
}

struct Word {
    place: u32,
    value: u32,
    variable: u32,
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
        let mut words = vec![];
        for ((places, _), variable) in variables {
            for (&place, value) in places.iter().zip(recorder.words(variable)) {
                words.push(Word { place, value: value as u32, variable: variable as u32 });
            }
        }
        words.sort_by_key(|word| (word.place, word.variable));
        self.tracer = Some(Box::new(Tracer { recorder, words, changed: vec![], other: program, named: false }));
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
        for word in &self.words {
            let new = arena[word.place as usize];
            let known = &mut self.recorder.values[word.value as usize];
            if *known != new {
                *known = new;
                // The words of a variable need not follow each other; writing one twice is rare and harmless.
                if self.changed.last() != Some(&word.variable) {
                    self.changed.push(word.variable);
                }
            }
        }
    }

    fn show(&mut self, cycle: u64, clock: bool) {
        self.recorder.show(cycle, clock, &self.changed);
        self.changed.clear();
    }
}
