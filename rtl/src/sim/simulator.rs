//! The simulator: ports, clock, registers.

use super::arena::Arena;
use super::compile::compile;
use super::edge;
use super::error::{AssertionFailure, RunError, SimulatorError};
use super::hierarchy::{Hierarchy, StatePlaces};
use super::program::{Places, Program};
use super::run::run;
use super::trace::Tracer;
use crate::bits::{Bits, words_for};
use crate::design::Design;

/// An input port of a simulator; see [`Simulator::input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputPort(u32);

/// An output port of a simulator; see [`Simulator::output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutputPort(u32);

/// A register of a simulator; see [`Simulator::register`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegisterHandle {
    places: StatePlaces,
    width: u32,
}

impl RegisterHandle {
    /// Width in bits.
    pub fn width(self) -> usize {
        self.width as usize
    }
}

#[derive(Clone, Copy)]
struct Input {
    place: u32,
    width: u32,
    /// Bits that the port does not have, in its first word.
    outside: u64,
}

/// A design, compiled and ready to run. See the [module documentation](crate::sim).
pub struct Simulator {
    pub(super) design: Design,
    pub(super) hierarchy: Hierarchy,
    pub(super) program: Program,
    pub(super) arena: Arena,
    pub(super) memory: Vec<u64>,
    inputs: Vec<Input>,
    cycle: u64,
    covers: Vec<u64>,
    /// States have changed since the values that depend on states only were computed.
    pub(super) states_changed: bool,
    /// As well, or inputs have changed, since the others were computed.
    pub(super) inputs_changed: bool,
    /// Values have settled anew since a waveform was last shown them.
    pub(super) unshown: bool,
    pub(super) tracer: Option<Box<Tracer>>,
}

impl Simulator {
    /// Flattens and compiles `design`. Registers and read ports start at zero, memories at their initial contents.
    ///
    /// # Errors
    /// [`SimulatorError::CombinationalLoop`], for a graph that [`crate::elaborate`] has not checked.
    pub fn new(design: &Design) -> Result<Simulator, SimulatorError> {
        let hierarchy = Hierarchy::new(design);
        let program = compile(design, &hierarchy, None)?;
        let top = design.top();
        let widths = top.inputs.iter().map(|port| port.width).chain(top.has_reset.then_some(1));
        let input = |(&place, width): (&u32, usize)| {
            let outside = if width < 64 { u64::MAX << width } else { 0 };
            Input { place, width: width as u32, outside }
        };
        Ok(Simulator {
            inputs: hierarchy.inputs.iter().zip(widths).map(input).collect(),
            design: design.clone(),
            hierarchy,
            arena: Arena::new(&program.arena),
            memory: program.memory_words.clone(),
            cycle: 0,
            covers: vec![0; program.covers.len()],
            states_changed: true,
            inputs_changed: true,
            program,
            unshown: true,
            tracer: None,
        })
    }

    // ----- ports --------------------------------------------------------------------------------------------------

    /// The input with this name; `reset` is one if the top has a reset.
    ///
    /// # Errors
    /// [`SimulatorError::Unknown`], with the names that exist.
    pub fn input(&self, name: &str) -> Result<InputPort, SimulatorError> {
        let names = self.input_names();
        match names.iter().position(|found| *found == name) {
            Some(index) => Ok(InputPort(index as u32)),
            None => Err(unknown("input", name, names)),
        }
    }

    /// The output with this name.
    ///
    /// # Errors
    /// [`SimulatorError::Unknown`], with the names that exist.
    pub fn output(&self, name: &str) -> Result<OutputPort, SimulatorError> {
        let names: Vec<&str> = self.design.top().outputs.iter().map(|port| port.name.as_str()).collect();
        match names.iter().position(|found| *found == name) {
            Some(index) => Ok(OutputPort(index as u32)),
            None => Err(unknown("output", name, names)),
        }
    }

    fn input_names(&self) -> Vec<&str> {
        let top = self.design.top();
        top.inputs.iter().map(|port| port.name.as_str()).chain(top.has_reset.then_some("reset")).collect()
    }

    /// The names and widths of the inputs, with the reset, if any, last.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, usize)> {
        self.input_names().into_iter().zip(self.inputs.iter().map(|input| input.width as usize))
    }

    /// The names and widths of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = (&str, usize)> {
        self.design.top().outputs.iter().map(|port| (port.name.as_str(), port.width))
    }

    /// Drives an input from now on. Inputs start at zero.
    ///
    /// # Panics
    /// If `value` does not fit the port.
    #[inline]
    pub fn set(&mut self, port: InputPort, value: u64) {
        let input = self.inputs[port.0 as usize];
        if value & input.outside != 0 {
            self.does_not_fit(port, value);
        }
        self.drive(input.place, value);
        for word in 1..words_for(input.width as usize) as u32 {
            self.drive(input.place + word, 0);
        }
    }

    #[inline]
    fn drive(&mut self, place: u32, value: u64) {
        let word = &mut self.arena[place as usize];
        self.inputs_changed |= *word != value;
        *word = value;
    }

    #[cold]
    fn does_not_fit(&self, port: InputPort, value: u64) -> ! {
        let (name, width) = self.inputs().nth(port.0 as usize).expect("a port of this simulator");
        panic!("input `{name}` has {width} bits and is set to {value:#x}");
    }

    /// Drives an input of any width.
    ///
    /// # Panics
    /// If `value` has another width than the port.
    pub fn set_bits(&mut self, port: InputPort, value: &Bits) {
        let input = self.inputs[port.0 as usize];
        if value.width() != input.width as usize {
            let (name, width) = self.inputs().nth(port.0 as usize).expect("a port of this simulator");
            panic!("input `{name}` has {width} bits and is set to {value:?}");
        }
        for (place, &word) in (input.place..).zip(value.words()) {
            self.drive(place, word);
        }
    }

    /// The value of an output, settled.
    ///
    /// # Panics
    /// If the port has more than 64 bits; use [`Simulator::get_bits`].
    #[inline]
    pub fn get(&mut self, port: OutputPort) -> u64 {
        self.settle_output(port);
        match *self.program.outputs[port.0 as usize].words {
            [word] => self.arena[word as usize],
            _ => self.too_wide(port),
        }
    }

    #[cold]
    fn too_wide(&self, port: OutputPort) -> ! {
        let (name, width) = self.outputs().nth(port.0 as usize).expect("a port of this simulator");
        panic!("output `{name}` has {width} bits, more than `get` returns; use `get_bits`");
    }

    /// The value of an output of any width, settled.
    pub fn get_bits(&mut self, port: OutputPort) -> Bits {
        self.settle_output(port);
        self.bits_at(&self.program.outputs[port.0 as usize])
    }

    pub(super) fn bits_at(&self, places: &Places) -> Bits {
        let words: Vec<u64> = places.words.iter().map(|&word| self.arena[word as usize]).collect();
        Bits::from_words(&words, places.width)
    }

    #[inline]
    fn settle_output(&mut self, port: OutputPort) {
        if self.program.output_reads_inputs[port.0 as usize] {
            self.eval();
        } else {
            self.eval_states();
        }
    }

    // ----- time ---------------------------------------------------------------------------------------------------

    /// Settles every combinational value. Reading and stepping do it where it is needed.
    #[inline]
    pub fn eval(&mut self) {
        self.eval_states();
        if self.inputs_changed {
            run(&self.program, 1, &mut self.arena, &self.memory);
            self.inputs_changed = false;
            self.unshown = true;
        }
    }

    #[inline]
    fn eval_states(&mut self) {
        if self.states_changed {
            run(&self.program, 0, &mut self.arena, &self.memory);
            self.states_changed = false;
        }
    }

    /// Takes `cycles` rising clock edges, with the inputs as they are.
    ///
    /// # Errors
    /// The first assertion that does not hold at one of the edges, which then is not taken.
    pub fn step(&mut self, cycles: u64) -> Result<(), AssertionFailure> {
        for _ in 0..cycles {
            self.edge()?;
        }
        Ok(())
    }

    fn edge(&mut self) -> Result<(), AssertionFailure> {
        if self.tracer.is_some() {
            self.trace_before_edge();
        }
        self.eval();
        edge::check(&self.program, &self.arena, self.cycle, &mut self.covers)?;
        edge::prepare(&self.program, &mut self.arena, &self.memory);
        edge::commit(&self.program, &mut self.arena, &mut self.memory);
        self.cycle += 1;
        self.states_changed = true;
        self.inputs_changed = true;
        if self.tracer.is_some() {
            self.trace_after_edge();
        }
        Ok(())
    }

    /// Steps until `port` has the value `value`, and returns how many cycles that took: 0 if it has it already.
    ///
    /// # Errors
    /// [`RunError::TimeOut`] after `limit` cycles; [`RunError::Assertion`] if an assertion fails before.
    pub fn run_until(&mut self, port: OutputPort, value: u64, limit: u64) -> Result<u64, RunError> {
        for cycles in 0..=limit {
            self.settle_output(port);
            let (low, upper) = self.program.outputs[port.0 as usize].words.split_at(1);
            let found = |word: u32| self.arena[word as usize];
            if found(low[0]) == value && upper.iter().all(|&word| found(word) == 0) {
                return Ok(cycles);
            }
            if cycles < limit {
                self.step(1)?;
            }
        }
        let places = &self.program.outputs[port.0 as usize];
        let expected = Bits::from_u64(value, places.width);
        let name = self.design.top().outputs[port.0 as usize].name.clone();
        let found = self.bits_at(places);
        Err(RunError::TimeOut { port: name, expected, found, limit, cycle: self.cycle })
    }

    /// Holds `reset`, if the top has one, for `cycles` edges, and releases it.
    ///
    /// # Errors
    /// As [`Simulator::step`]: instances with a reset of their own can still assert.
    pub fn reset(&mut self, cycles: u64) -> Result<(), AssertionFailure> {
        let port = self.design.top().has_reset.then(|| InputPort(self.inputs.len() as u32 - 1));
        if let Some(port) = port {
            self.set(port, 1);
        }
        let result = self.step(cycles);
        if let Some(port) = port {
            self.set(port, 0);
        }
        result
    }

    /// How many edges have been taken.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    // ----- inside -------------------------------------------------------------------------------------------------

    /// The register with this hierarchical name: instance names from below the top, and the register's, joined by
    /// points.
    ///
    /// # Errors
    /// [`SimulatorError::Unknown`], with the names that exist.
    pub fn register(&self, path: &str) -> Result<RegisterHandle, SimulatorError> {
        let mut names = vec![];
        for (index, scope) in self.hierarchy.scopes.iter().enumerate() {
            let module = self.hierarchy.module(&self.design, index);
            for (register, &places) in module.registers.iter().zip(&scope.registers) {
                let name = format!("{}{}", scope.prefix, register.name);
                if name == path {
                    return Ok(RegisterHandle { places, width: register.width as u32 });
                }
                names.push(name);
            }
        }
        Err(unknown("register", path, names.iter().map(String::as_str).collect()))
    }

    /// The value of a register, or the low 64 bits of a wider one.
    pub fn peek(&self, register: RegisterHandle) -> u64 {
        self.arena[register.places.word(0) as usize]
    }

    /// The value of a register of any width.
    pub fn peek_bits(&self, register: RegisterHandle) -> Bits {
        let words: Vec<u64> = register.places.words(register.width()).map(|word| self.arena[word as usize]).collect();
        Bits::from_words(&words, register.width())
    }

    /// Hierarchical name and count of each cover point: the edges without reset at which it held.
    pub fn cover_counts(&self) -> Vec<(&str, u64)> {
        let names = self.program.covers.iter().map(|cover| cover.name.as_str());
        names.zip(self.covers.iter().copied()).collect()
    }

    /// How many instructions one evaluation of the whole design takes, and in how many batches.
    pub fn instruction_count(&self) -> (usize, usize) {
        (self.program.instructions(), self.program.batches.iter().map(Vec::len).sum())
    }
}

impl Drop for Simulator {
    /// Waveforms end, also where a test fails; of a failure to write them only [`Simulator::finish_trace`] tells.
    fn drop(&mut self) {
        let _ = self.finish_trace();
    }
}

pub(super) fn unknown(kind: &'static str, name: &str, available: Vec<&str>) -> SimulatorError {
    let available = available.into_iter().map(str::to_owned).collect();
    SimulatorError::Unknown { kind, name: name.into(), available }
}
