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

/// An arena word, the word of the recorder that follows it, and whose variable it is.
struct Word {
    place: u32,
    value: u32,
    variable: u32,
}

/// Words that are compared at once.
const RUN: usize = 8;

/// Arena words, and what they held when last looked at. Most have not changed: neighbours are compared together, which
/// is an instruction or two of the processor.
#[derive(Default)]
struct Watch {
    /// In the order of the arena.
    words: Vec<Word>,
    known: Vec<u64>,
    /// Where, in `words`, runs of [`RUN`] neighbours begin.
    runs: Vec<u32>,
    /// The words in no run.
    single: Vec<u32>,
}

impl Watch {
    fn new(mut words: Vec<Word>) -> Watch {
        words.sort_by_key(|word| (word.place, word.variable));
        let (mut runs, mut single) = (vec![], vec![]);
        let mut next = 0;
        while next < words.len() {
            let run = words[next..].iter().take(RUN).zip(words[next].place..);
            if run.filter(|(word, place)| word.place == *place).count() == RUN {
                runs.push(next as u32);
                next += RUN;
            } else {
                single.push(next as u32);
                next += 1;
            }
        }
        Watch { known: vec![0; words.len()], words, runs, single }
    }

    /// Hands on every word that is new.
    fn look(&mut self, arena: &[u64], mut changed: impl FnMut(&Word, u64)) {
        let mut compare = |words: &[Word], known: &mut [u64]| {
            for (word, known) in words.iter().zip(known) {
                let new = arena[word.place as usize];
                if *known != new {
                    *known = new;
                    changed(word, new);
                }
            }
        };
        for &first in &self.runs {
            let range = first as usize..first as usize + RUN;
            let (words, known) = (&self.words[range.clone()], &mut self.known[range]);
            let place = words[0].place as usize;
            let new: &[u64; RUN] = arena[place..place + RUN].try_into().expect("a run of neighbours");
            let old: &[u64; RUN] = (&*known).try_into().expect("as many");
            let different = new.iter().zip(old).fold(0, |different, (new, old)| different | (new ^ old));
            if different != 0 {
                compare(words, known);
            }
        }
        for &index in &self.single {
            let range = index as usize..index as usize + 1;
            compare(&self.words[range.clone()], &mut self.known[range]);
        }
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
        let (watch, has_changed) = (Watch::new(words), vec![false; count]);
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
