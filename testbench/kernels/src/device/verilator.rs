//! Verilator, the reference simulator: a tile in it, or any design with host ports.

use std::cell::RefCell;
use std::io::{self, Write};
use std::ops::Range;
use std::rc::Rc;

use cosim::{Error, Model, Port, Trace, TraceScope};
use rtl::verilog;
use rtl::wave::{Relay, Waveform};
use tile::TileConfig;

use super::{DeviceError, HostPort, Pins, tile_design, waveform_failed};

/// The tile in Verilator.
pub type VerilatorTile = HostPort<VerilatorPins>;

/// The pins of a design in Verilator.
pub struct VerilatorPins {
    model: Model,
    /// Inputs were set since outputs settled.
    unsettled: bool,
    tracer: Option<Tracer>,
}

/// Waveforms that are being written.
struct Tracer {
    relay: Rc<RefCell<Relay>>,
    /// Cycles that any of them shows.
    window: Range<u64>,
    scope: TraceScope,
}

/// The relay, as the model writes to it.
struct Shared(Rc<RefCell<Relay>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tracer {
    fn new(design: rtl::Design, waveforms: Vec<Waveform>) -> Tracer {
        let options = || waveforms.iter().map(Waveform::options);
        let first = options().map(|options| options.first_cycle).min().unwrap_or(0);
        let end = options().map(|options| options.first_cycle.saturating_add(options.cycles)).max().unwrap_or(0);
        let instance = match waveforms.as_slice() {
            [one] => one.options().scope.clone(),
            _ => String::new(),
        };
        let relay = Rc::new(RefCell::new(Relay::new(design, waveforms)));
        Tracer { relay, window: first..end, scope: TraceScope { instance, levels: 0 } }
    }
}

impl VerilatorTile {
    /// Emits the tile, compiles it unless that was done before, and resets it.
    ///
    /// # Errors
    /// The configuration is not legal; Verilator is missing (the message says what installs it) or fails.
    pub fn new(config: &TileConfig) -> Result<Self, DeviceError> {
        Self::with_options(config, &cosim::Options::default())
    }

    /// As [`VerilatorTile::new`], built as `options` say.
    ///
    /// # Errors
    /// As [`VerilatorTile::new`].
    pub fn with_options(config: &TileConfig, options: &cosim::Options) -> Result<Self, DeviceError> {
        HostPort::connect(VerilatorPins::new(&tile_design(config)?, options)?)
    }

    /// As [`VerilatorTile::new`], and writes waveforms from the reset on.
    ///
    /// # Errors
    /// As [`VerilatorTile::new`]; also if a waveform shows an instance that there is not.
    pub fn traced(config: &TileConfig, waveforms: Vec<Waveform>) -> Result<Self, DeviceError> {
        HostPort::connect(VerilatorPins::traced(tile_design(config)?, waveforms)?)
    }
}

/// Values of any width are shown, and no contents of memories.
fn traced_options() -> cosim::Options {
    let limits = ["--trace-max-width", "65536", "--trace-max-array", "1"];
    let verilator_arguments = limits.map(String::from).into();
    cosim::Options { trace: Trace::Vcd, verilator_arguments, ..cosim::Options::default() }
}

/// A design as Verilator gets it: its Verilog for simulation, its top module's ports.
pub fn cosim_design(design: &rtl::Design) -> cosim::Design {
    emitted(design, &verilog::Options::simulation())
}

fn emitted(design: &rtl::Design, options: &verilog::Options) -> cosim::Design {
    let top = design.top();
    let mut sources = cosim::Design::new(&top.name);
    for file in verilog::emit(design, options) {
        sources = sources.source(file.name, file.text);
    }
    for (name, present) in [("clock", top.has_clock), ("reset", top.has_reset)] {
        if present {
            sources = sources.input(name, 1);
        }
    }
    let sources = top.inputs.iter().fold(sources, |sources, port| sources.input(&port.name, port.width as u32));
    top.outputs.iter().fold(sources, |sources, port| sources.output(&port.name, port.width as u32))
}

fn failed(error: Error) -> DeviceError {
    DeviceError::Simulator(error.to_string())
}

impl VerilatorPins {
    /// Emits and compiles a design, unless that was done before.
    pub(super) fn new(design: &rtl::Design, options: &cosim::Options) -> Result<Self, DeviceError> {
        let model = cosim_design(design).simulate(options).map_err(failed)?;
        Ok(VerilatorPins { model, unsettled: false, tracer: None })
    }

    /// A design that writes waveforms from the reset on.
    pub(super) fn traced(design: rtl::Design, waveforms: Vec<Waveform>) -> Result<Self, DeviceError> {
        for waveform in &waveforms {
            let instance = &waveform.options().scope;
            if !design.has_instance(instance) {
                return Err(waveform_failed(format!("no instance `{instance}` to trace")));
            }
        }
        let sources = emitted(&design, &verilog::Options::traced());
        let model = sources.simulate(&traced_options()).map_err(failed)?;
        Ok(VerilatorPins { model, unsettled: false, tracer: Some(Tracer::new(design, waveforms)) })
    }

    /// Writes waveforms while a cycle of the next `cycles` is in their window.
    fn trace(&mut self, cycles: u64) -> Result<(), DeviceError> {
        let Some(tracer) = &self.tracer else { return Ok(()) };
        let Range { start, end } = tracer.window;
        let next = self.model.cycle();
        if next < end && next.saturating_add(cycles) > start {
            if !self.model.is_tracing() {
                self.model.trace_to(Shared(tracer.relay.clone()), &tracer.scope).map_err(failed)?;
            }
        } else if self.model.is_tracing() {
            self.model.close_trace().map_err(failed)?;
        }
        Ok(())
    }

    /// The model.
    pub fn model(&mut self) -> &mut Model {
        &mut self.model
    }
}

impl Pins for VerilatorPins {
    type Input = Port;
    type Output = Port;

    fn name(&self) -> &'static str {
        "verilator"
    }

    fn input(&self, name: &str) -> Result<Port, DeviceError> {
        self.model.port(name).map_err(failed)
    }

    fn output(&self, name: &str) -> Result<Port, DeviceError> {
        self.model.port(name).map_err(failed)
    }

    fn set(&mut self, pin: Port, value: u64) {
        self.model.set_u64(pin, value);
        self.unsettled = true;
    }

    fn get(&mut self, pin: Port) -> Result<u64, DeviceError> {
        if self.unsettled {
            self.model.eval().map_err(failed)?;
            self.unsettled = false;
        }
        Ok(self.model.get_u64(pin))
    }

    fn step(&mut self, cycles: u64) -> Result<(), DeviceError> {
        self.unsettled = false;
        self.trace(cycles)?;
        self.model.step(cycles).map_err(failed)
    }

    fn run_until(&mut self, pin: Port, value: u64, limit: u64) -> Result<bool, DeviceError> {
        for _ in 0..limit {
            if self.get(pin)? == value {
                return Ok(true);
            }
            self.step(1)?;
        }
        Ok(self.get(pin)? == value)
    }

    fn cycles(&self) -> u64 {
        self.model.cycle()
    }

    fn finish(&mut self) -> Result<(), DeviceError> {
        self.model.close_trace().map_err(failed)?;
        let Some(Tracer { relay, .. }) = self.tracer.take() else { return Ok(()) };
        let relay = Rc::into_inner(relay).expect("the model no longer writes to it").into_inner();
        relay.finish().map_err(waveform_failed)
    }
}
