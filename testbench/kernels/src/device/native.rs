//! The native simulator: a tile in it, or any design with host ports.

use rtl::sim::{InputPort, OutputPort, RunError, Simulator};
use rtl::wave::Waveform;
use tile::TileConfig;

use super::{DeviceError, HostPort, Pins, tile_design, waveform_failed};

/// The tile in the native simulator.
pub type NativeTile = HostPort<NativePins>;

/// The pins of a natively simulated design.
pub struct NativePins {
    simulator: Simulator,
}

impl NativeTile {
    /// Builds the tile, compiles it and resets it.
    ///
    /// # Errors
    /// The configuration is not legal, or the tile cannot be built.
    pub fn new(config: &TileConfig) -> Result<Self, DeviceError> {
        HostPort::connect(NativePins::new(&tile_design(config)?, vec![])?)
    }

    /// As [`NativeTile::new`], and writes waveforms from the reset on.
    ///
    /// # Errors
    /// As [`NativeTile::new`]; also if a waveform cannot be written, or shows an instance that there is not.
    pub fn traced(config: &TileConfig, waveforms: Vec<Waveform>) -> Result<Self, DeviceError> {
        HostPort::connect(NativePins::new(&tile_design(config)?, waveforms)?)
    }
}

impl NativePins {
    /// Compiles a design, which writes waveforms from the reset on.
    pub(super) fn new(design: &rtl::Design, waveforms: Vec<Waveform>) -> Result<Self, DeviceError> {
        let mut simulator = Simulator::new(design).map_err(|error| DeviceError::Simulator(error.to_string()))?;
        if !waveforms.is_empty() {
            simulator.trace(waveforms).map_err(waveform_failed)?;
        }
        Ok(NativePins { simulator })
    }

    /// The simulator.
    pub fn simulator(&mut self) -> &mut Simulator {
        &mut self.simulator
    }
}

impl Pins for NativePins {
    type Input = InputPort;
    type Output = OutputPort;

    fn name(&self) -> &'static str {
        "native"
    }

    fn input(&self, name: &str) -> Result<InputPort, DeviceError> {
        self.simulator.input(name).map_err(|error| DeviceError::Simulator(error.to_string()))
    }

    fn output(&self, name: &str) -> Result<OutputPort, DeviceError> {
        self.simulator.output(name).map_err(|error| DeviceError::Simulator(error.to_string()))
    }

    fn set(&mut self, pin: InputPort, value: u64) {
        self.simulator.set(pin, value);
    }

    fn get(&mut self, pin: OutputPort) -> Result<u64, DeviceError> {
        Ok(self.simulator.get(pin))
    }

    fn step(&mut self, cycles: u64) -> Result<(), DeviceError> {
        self.simulator.step(cycles).map_err(|failure| DeviceError::Simulator(failure.to_string()))
    }

    fn run_until(&mut self, pin: OutputPort, value: u64, limit: u64) -> Result<bool, DeviceError> {
        match self.simulator.run_until(pin, value, limit) {
            Ok(_) => Ok(true),
            Err(RunError::TimeOut { .. }) => Ok(false),
            Err(RunError::Assertion(failure)) => Err(DeviceError::Simulator(failure.to_string())),
        }
    }

    fn cycles(&self) -> u64 {
        self.simulator.cycle()
    }

    fn finish(&mut self) -> Result<(), DeviceError> {
        self.simulator.finish_trace().map_err(waveform_failed)
    }
}
