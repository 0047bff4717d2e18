//! The current value of every variable, and the waveforms that hear of its changes.

use std::io;
use std::ops::Range;

use super::names::{Name, Reading, Scope, names, readings};
use super::sink::{Kind, VariableId};
use super::{CYCLE_NS, TraceOptions, Waveform};
use crate::design::Design;

/// One value that changes; any number of names show it.
struct Variable {
    /// Its words in [`Recorder::values`].
    first: usize,
    words: usize,
}

/// Waveforms of a design, being written.
pub struct Recorder {
    variables: Vec<Variable>,
    /// Words of all variables.
    pub values: Vec<u64>,
    writers: Vec<Writer>,
    /// The first failure to write.
    failure: Option<io::Error>,
}

/// One waveform.
struct Writer {
    waveform: Waveform,
    clock: Option<VariableId>,
    /// For each variable that it shows, its number among those of the recorder.
    shown: Vec<Shown>,
    /// For each of the recorder's variables, its place in `shown`.
    place: Vec<Option<u32>>,
    /// The last time; `None` before the window.
    time: Option<u64>,
    /// It could not be written, and is no more.
    failed: bool,
}

struct Shown {
    /// Its words in [`Recorder::values`].
    words: Range<usize>,
    id: VariableId,
    readings: Vec<ShownReading>,
}

struct ShownReading {
    id: VariableId,
    reading: Reading,
    /// What was last written: the bits of the number, or the state.
    last: Option<u64>,
}

impl Recorder {
    /// Declares what the waveforms show of the design. Names for which `variable` gives the same number share a
    /// variable of that number; what has none is not shown.
    ///
    /// # Errors
    /// A waveform cannot be written, or there is no instance with the name of its scope.
    pub fn new(
        design: &Design,
        waveforms: Vec<Waveform>,
        mut variable: impl FnMut(&Scope, &Name) -> Option<usize>,
    ) -> io::Result<Recorder> {
        let top = Scope::top(design);
        let mut recorder = Recorder { variables: vec![], values: vec![], writers: vec![], failure: None };
        for waveform in waveforms {
            let path = &waveform.options.scope;
            if !design.has_instance(path) {
                return Err(io::Error::new(io::ErrorKind::NotFound, format!("no instance `{path}` to trace")));
            }
            let mut missing = waveform.options.names.clone().unwrap_or_default();
            let mut writer = Writer { waveform, clock: None, shown: vec![], place: vec![], time: None, failed: false };
            let mut declared = |scope: &Scope, name: &Name| {
                missing.remove(&format!("{}{}", scope.prefix, name.text));
                variable(scope, name)
            };
            writer.declare(design, &top, &mut recorder, &mut declared)?;
            if let Some(name) = missing.first() {
                return Err(io::Error::new(io::ErrorKind::NotFound, format!("no signal `{name}` to trace")));
            }
            writer.waveform.sink.begin()?;
            recorder.writers.push(writer);
        }
        Ok(recorder)
    }

    /// Where the words of a variable are; empty for one that no name shows.
    pub fn words(&self, variable: usize) -> Range<usize> {
        self.variables.get(variable).map_or(0..0, |Variable { first, words }| *first..first + words)
    }

    /// Makes room for a variable of this number, if it is new.
    fn reserve(&mut self, variable: usize, width: usize) {
        if variable >= self.variables.len() {
            self.variables.resize_with(variable + 1, || Variable { first: 0, words: 0 });
        }
        if self.variables[variable].words == 0 {
            let words = crate::bits::words_for(width);
            self.variables[variable] = Variable { first: self.values.len(), words };
            self.values.resize(self.values.len() + words, 0);
        }
    }

    /// A waveform shows this cycle.
    pub fn shows(&self, cycle: u64) -> bool {
        self.writers.iter().any(|writer| !writer.failed && writer.waveform.options.shows_cycle(cycle))
    }

    /// Writes the values of `changed` variables in the half of the cycle in which the clock is `clock`: all that have
    /// changed since the last call, whether or not it was in a window.
    pub fn show(&mut self, cycle: u64, clock: bool, changed: &[u32]) {
        let time = CYCLE_NS * cycle + if clock { CYCLE_NS / 2 } else { 0 };
        for writer in self.writers.iter_mut().filter(|writer| !writer.failed) {
            if !writer.waveform.options.shows_cycle(cycle) {
                continue;
            }
            if let Err(failure) = writer.show(time, clock, changed, &self.values) {
                writer.failed = true;
                self.failure.get_or_insert(writer.name_failure(&failure));
            }
        }
    }

    /// Ends all waveforms.
    ///
    /// # Errors
    /// The first failure to write any of them; one had no cycle to show.
    pub fn finish(mut self) -> io::Result<()> {
        for writer in self.writers.iter_mut().filter(|writer| !writer.failed) {
            let finished = match writer.time {
                Some(_) => writer.waveform.sink.finish(),
                None => Err(nothing_shown()),
            };
            if let Err(failure) = finished {
                self.failure.get_or_insert(writer.name_failure(&failure));
            }
        }
        self.failure.map_or(Ok(()), Err)
    }
}

/// The failure of a waveform without a value.
pub fn nothing_shown() -> io::Error {
    io::Error::other("the run had none of the cycles that it shows")
}

/// A waveform shows a name of this scope or of one below.
fn shows_below(design: &Design, scope: &Scope, options: &TraceOptions) -> bool {
    names(&design.modules[scope.module]).iter().any(|name| options.shows_name(&scope.prefix, name.text))
        || scope.children.iter().any(|child| shows_below(design, child, options))
}

impl Writer {
    fn name_failure(&self, failure: &io::Error) -> io::Error {
        io::Error::new(failure.kind(), format!("{}: {failure}", self.waveform.name))
    }

    /// Declares a scope and what is below it, as far as anything there is shown.
    fn declare(
        &mut self,
        design: &Design,
        scope: &Scope,
        recorder: &mut Recorder,
        variable: &mut dyn FnMut(&Scope, &Name) -> Option<usize>,
    ) -> io::Result<()> {
        if !shows_below(design, scope, &self.waveform.options) {
            return Ok(());
        }
        let module = &design.modules[scope.module];
        self.waveform.sink.open_scope(&scope.name, &module.name)?;
        if module.has_clock && self.waveform.options.shows_scope(&scope.prefix) {
            let wire = Kind::Wire { width: 1 };
            match self.clock {
                Some(clock) => self.waveform.sink.declare_alias("clock", wire, clock)?,
                None => self.clock = Some(self.waveform.sink.declare("clock", wire)?),
            }
        }
        for name in names(module) {
            if !self.waveform.options.shows_name(&scope.prefix, name.text) {
                continue;
            }
            if let Some(number) = variable(scope, &name) {
                recorder.reserve(number, name.width);
                self.declare_name(&name, number, recorder.words(number))?;
                self.declare_readings(readings(module, &name), name.text, number)?;
            }
        }
        scope.children.iter().try_for_each(|child| self.declare(design, child, recorder, variable))?;
        self.waveform.sink.close_scope()
    }

    /// Names of the same variable share one of the sink's.
    fn declare_name(&mut self, name: &Name, variable: usize, words: Range<usize>) -> io::Result<()> {
        let kind = name.kind();
        if variable >= self.place.len() {
            self.place.resize(variable + 1, None);
        }
        if let Some(place) = self.place[variable] {
            return self.waveform.sink.declare_alias(name.text, kind, self.shown[place as usize].id);
        }
        let id = self.waveform.sink.declare(name.text, kind)?;
        self.place[variable] = Some(self.shown.len() as u32);
        self.shown.push(Shown { words, id, readings: vec![] });
        Ok(())
    }

    fn declare_readings(&mut self, readings: Vec<(String, Reading)>, name: &str, variable: usize) -> io::Result<()> {
        let shown = &mut self.shown[self.place[variable].expect("declared before") as usize];
        for (suffix, reading) in readings {
            let kind = reading.kind();
            let name = format!("{name}{suffix}");
            match shown.readings.iter().find(|known| known.reading == reading) {
                Some(known) => self.waveform.sink.declare_alias(&name, kind, known.id)?,
                None => {
                    let id = self.waveform.sink.declare(&name, kind)?;
                    shown.readings.push(ShownReading { id, reading, last: None });
                }
            }
        }
        Ok(())
    }

    fn show(&mut self, time: u64, clock: bool, changed: &[u32], values: &[u64]) -> io::Result<()> {
        let first = self.time.is_none();
        if self.time != Some(time) {
            self.waveform.sink.time(time)?;
            self.time = Some(time);
            if let Some(id) = self.clock {
                self.waveform.sink.bits(id, &[clock.into()])?;
            }
        }
        let mut write = |shown: &mut Shown| shown.write(&mut *self.waveform.sink, values);
        if first {
            return self.shown.iter_mut().try_for_each(write);
        }
        let place = |&variable: &u32| self.place.get(variable as usize).copied().flatten();
        changed.iter().filter_map(place).try_for_each(|place| write(&mut self.shown[place as usize]))
    }
}

impl Shown {
    fn write(&mut self, sink: &mut dyn super::Sink, values: &[u64]) -> io::Result<()> {
        let words = &values[self.words.clone()];
        sink.bits(self.id, words)?;
        for ShownReading { id, reading, last } in &mut self.readings {
            match reading {
                Reading::Number { format, low, bits } => {
                    let number = format.number(words, *low, *bits);
                    if last.replace(number.to_bits()) != Some(number.to_bits()) {
                        sink.real(*id, number)?;
                    }
                }
                Reading::State(states) => {
                    if last.replace(words[0]) != Some(words[0]) {
                        sink.text(*id, states.get(words[0] as usize).map_or("?", String::as_str))?;
                    }
                }
            }
        }
        Ok(())
    }
}
