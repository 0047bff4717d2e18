//! The tile in Verilator: the reference simulator.

use std::path::Path;

use cosim::{Error, Model, Port, Trace};
use rtl::verilog;
use tile::{Tile, TileConfig};

use super::{DeviceError, HostPort, Pins};

/// The tile in Verilator.
pub type VerilatorTile = HostPort<VerilatorPins>;

/// The pins of a tile in Verilator.
pub struct VerilatorPins {
    model: Model,
    /// Inputs were set since outputs settled.
    unsettled: bool,
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
        HostPort::connect(VerilatorPins::new(config, options)?)
    }

    /// As [`VerilatorTile::new`], and writes the waveforms of all signals to a VCD file.
    ///
    /// # Errors
    /// As [`VerilatorTile::new`]; also if the file cannot be written.
    pub fn traced(config: &TileConfig, vcd: &Path) -> Result<Self, DeviceError> {
        let mut pins = VerilatorPins::new(config, &cosim::Options { trace: Trace::Vcd, ..cosim::Options::default() })?;
        pins.model.open_trace(vcd).map_err(failed)?;
        HostPort::connect(pins)
    }
}

/// A design as Verilator gets it: its Verilog for simulation, its top module's ports.
pub fn cosim_design(design: &rtl::Design) -> cosim::Design {
    let top = design.top();
    let mut sources = cosim::Design::new(&top.name);
    for file in verilog::emit(design, &verilog::Options::simulation()) {
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
    fn new(config: &TileConfig, options: &cosim::Options) -> Result<Self, DeviceError> {
        config.validate().map_err(|error| DeviceError::Simulator(error.to_string()))?;
        let design = rtl::elaborate(&Tile { config: config.clone() })
            .map_err(|errors| DeviceError::Simulator(errors.to_string()))?;
        let model = cosim_design(&design).simulate(options).map_err(failed)?;
        Ok(VerilatorPins { model, unsettled: false })
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
        self.model.step(cycles).map_err(failed)
    }

    fn run_until(&mut self, pin: Port, value: u64, limit: u64) -> Result<bool, DeviceError> {
        match self.model.run_until(pin, value, limit) {
            Ok(_) => Ok(true),
            Err(Error::Timeout { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    fn cycles(&self) -> u64 {
        self.model.cycle()
    }

    fn finish(&mut self) -> Result<(), DeviceError> {
        self.model.close_trace();
        Ok(())
    }
}
