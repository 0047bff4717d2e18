//! Waveforms: value change dumps (VCD) of everything that has a name.
//!
//! The scopes are the top module and below it the instances. Each shows its ports, registers, wires, memory reads
//! and named nodes, and `clock` and `reset` where the module has them. The unit is 1 ns and the clock period 10 ns:
//! in cycle k the clock falls and the inputs of the cycle are shown at 10k, and the clock rises at 10k + 5, when
//! registers take their new values.

use std::collections::HashMap;
use std::io::{self, Write};

use vcd::{IdCode, TimescaleUnit, VarType};

use super::arena::Arena;
use super::compile::compile;
use super::hierarchy::Hierarchy;
use super::program::{NamedPlaces, Program};
use super::simulator::Simulator;
use crate::design::Design;

/// What a waveform shows.
#[derive(Clone, Debug)]
pub struct TraceOptions {
    /// Instance names from below the top, joined by points: only this instance and what is below it. Empty: all.
    pub scope: String,
    /// First cycle that is shown.
    pub first_cycle: u64,
    /// How many cycles are shown.
    pub cycles: u64,
}

impl Default for TraceOptions {
    /// Everything, from cycle 0 on, without end.
    fn default() -> Self {
        TraceOptions { scope: String::new(), first_cycle: 0, cycles: u64::MAX }
    }
}

/// One value that changes; any number of names show it.
struct Variable {
    /// A space, the identifier and the end of the line.
    ending: String,
    width: usize,
    /// Arena words, and what they held when last written.
    places: Vec<u32>,
    last: Vec<u64>,
}

impl Variable {
    /// Appends the line for what it holds now: `0id`, `1id`, or `b101 id` without leading zeros.
    fn append_change(&self, lines: &mut Vec<u8>) {
        let digit = |i: usize| b'0' + (self.last[i / 64] >> (i % 64) & 1) as u8;
        if self.width == 1 {
            lines.push(digit(0));
            lines.extend(&self.ending.as_bytes()[1..]);
            return;
        }
        let top = self.last.iter().rposition(|&word| word != 0).unwrap_or(0);
        let digits = 64 * top + (64 - self.last[top].leading_zeros() as usize).max(1);
        lines.push(b'b');
        lines.extend((0..digits).rev().map(digit));
        lines.extend(self.ending.as_bytes());
    }
}

/// A waveform that is being written.
pub(super) struct Tracer {
    writer: vcd::Writer<Box<dyn Write + Send>>,
    options: TraceOptions,
    /// Index of the outermost scope that is shown.
    root: usize,
    clock: Option<IdCode>,
    variables: Vec<Variable>,
    /// When values were last written, in ns.
    time: Option<u64>,
    /// Changes that are being put together.
    lines: Vec<u8>,
    /// What runs again after the waveform.
    unnamed: Program,
    /// The first failure to write; nothing is written after it.
    failure: Option<io::Error>,
}

impl Simulator {
    /// Writes a waveform to `to` from now on, until [`Simulator::finish_trace`]. A waveform that is being written
    /// ends. Writing is buffered.
    ///
    /// The design is compiled once more, with every named signal kept; without a waveform none of that costs
    /// anything.
    ///
    /// # Errors
    /// If the header cannot be written, or no instance has the name `options.scope`.
    pub fn trace_vcd(&mut self, to: impl Write + Send + 'static, options: TraceOptions) -> io::Result<()> {
        self.finish_trace()?;
        let program = compile(&self.design, &self.hierarchy, true).map_err(io::Error::other)?;
        let mut tracer = Tracer::new(Box::new(io::BufWriter::new(to)), options, &self.hierarchy)?;
        tracer.write_header(&self.design, &self.hierarchy, &program)?;
        tracer.unnamed = self.exchange(program);
        self.tracer = Some(Box::new(tracer));
        Ok(())
    }

    /// Ends the waveform, if one is being written: shows the values as they are now, and flushes.
    ///
    /// # Errors
    /// The first failure to write since it began.
    pub fn finish_trace(&mut self) -> io::Result<()> {
        self.eval();
        let cycle = self.cycle();
        let Some(mut tracer) = self.tracer.take() else { return Ok(()) };
        tracer.show(cycle, 0, &self.arena);
        self.exchange(std::mem::take(&mut tracer.unnamed));
        match tracer.failure.take() {
            Some(failure) => Err(failure),
            None => tracer.writer.flush(),
        }
    }

    /// Goes on with another compilation of the same design, and returns the one before.
    fn exchange(&mut self, program: Program) -> Program {
        let states = program.state_words;
        let mut arena = Arena::new(&program.arena);
        arena[..states].copy_from_slice(&self.arena[..states]);
        self.arena = arena;
        (self.states_changed, self.inputs_changed) = (true, true);
        std::mem::replace(&mut self.program, program)
    }

    pub(super) fn trace_before_edge(&mut self) {
        let cycle = self.cycle();
        if let Some(tracer) = &mut self.tracer {
            tracer.show(cycle, 0, &self.arena);
        }
    }

    pub(super) fn trace_after_edge(&mut self) {
        self.eval();
        let cycle = self.cycle() - 1;
        if let Some(tracer) = &mut self.tracer {
            tracer.show(cycle, 1, &self.arena);
        }
    }
}

impl Tracer {
    fn new(writer: Box<dyn Write + Send>, options: TraceOptions, hierarchy: &Hierarchy) -> io::Result<Tracer> {
        let prefix = if options.scope.is_empty() { String::new() } else { format!("{}.", options.scope) };
        let root = hierarchy.scopes.iter().position(|scope| scope.prefix == prefix).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no instance `{}` to trace", options.scope))
        })?;
        Ok(Tracer {
            writer: vcd::Writer::new(writer),
            options,
            root,
            clock: None,
            variables: vec![],
            time: None,
            lines: vec![],
            unnamed: Program::default(),
            failure: None,
        })
    }

    fn write_header(&mut self, design: &Design, hierarchy: &Hierarchy, program: &Program) -> io::Result<()> {
        self.writer.timescale(1, TimescaleUnit::NS)?;
        let mut by_scope = vec![vec![]; hierarchy.scopes.len()];
        for name in &program.names {
            by_scope[name.scope].push(name);
        }
        self.declare(self.root, design, hierarchy, &by_scope, &mut HashMap::new())?;
        self.writer.enddefinitions()
    }

    /// Declares a scope and what is below it. Names for the same words share one variable.
    fn declare(
        &mut self,
        index: usize,
        design: &Design,
        hierarchy: &Hierarchy,
        by_scope: &[Vec<&NamedPlaces>],
        known: &mut HashMap<(Vec<u32>, usize), IdCode>,
    ) -> io::Result<()> {
        let scope = &hierarchy.scopes[index];
        let module = hierarchy.module(design, index);
        let instance = scope.prefix.trim_end_matches('.').rsplit('.').next().filter(|name| !name.is_empty());
        self.writer.add_module(instance.unwrap_or(&module.name))?;
        if module.has_clock {
            match self.clock {
                Some(id) => self.writer.var_def(VarType::Wire, 1, id, "clock", None)?,
                None => self.clock = Some(self.writer.add_var(VarType::Wire, 1, "clock", None)?),
            }
        }
        for named in &by_scope[index] {
            let kind = if named.register { VarType::Reg } else { VarType::Wire };
            let width = named.places.width;
            match known.get(&(named.places.words.clone(), width)) {
                Some(&id) => self.writer.var_def(kind, width as u32, id, &named.name, None)?,
                None => {
                    let id = self.writer.add_var(kind, width as u32, &named.name, None)?;
                    let places = named.places.words.clone();
                    known.insert((places.clone(), width), id);
                    let (ending, last) = (format!(" {id}\n"), vec![0; places.len()]);
                    self.variables.push(Variable { ending, width, places, last });
                }
            }
        }
        for &child in &scope.children {
            self.declare(child, design, hierarchy, by_scope, known)?;
        }
        self.writer.upscope()
    }

    /// Writes what has changed, in the half of the cycle in which the clock is `clock`.
    fn show(&mut self, cycle: u64, clock: u64, arena: &[u64]) {
        let shown = cycle >= self.options.first_cycle && cycle - self.options.first_cycle < self.options.cycles;
        if shown && self.failure.is_none() {
            self.failure = self.write(10 * cycle + 5 * clock, clock, arena).err();
        }
    }

    fn write(&mut self, time: u64, clock: u64, arena: &[u64]) -> io::Result<()> {
        if self.time != Some(time) {
            self.writer.timestamp(time)?;
            if let Some(id) = self.clock {
                self.writer.change_scalar(id, clock == 1)?;
            }
        }
        for variable in &mut self.variables {
            let mut changed = self.time.is_none();
            for (last, &place) in variable.last.iter_mut().zip(&variable.places) {
                changed |= *last != arena[place as usize];
                *last = arena[place as usize];
            }
            if changed {
                variable.append_change(&mut self.lines);
            }
        }
        // The crate's own functions format bit by bit, at a fifth of the speed.
        self.writer.writer().write_all(&self.lines)?;
        self.lines.clear();
        self.time = Some(time);
        Ok(())
    }
}
