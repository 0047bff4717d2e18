//! The tile in the native simulator.

use rtl::sim::{InputPort, OutputPort, RunError, Simulator};
use rtl::wave::Waveform;
use tile::{Tile, TileConfig};

use super::{DeviceError, HostPort, Pins, waveform_failed};

/// The tile in the native simulator.
pub type NativeTile = HostPort<NativePins>;

/// The pins of a natively simulated tile.
pub struct NativePins {
    simulator: Simulator,
}

impl NativeTile {
    /// Builds the tile, compiles it and resets it.
    ///
    /// # Errors
    /// The configuration is not legal, or the tile cannot be built.
    pub fn new(config: &TileConfig) -> Result<Self, DeviceError> {
        HostPort::connect(NativePins { simulator: simulator(config)? })
    }

    /// As [`NativeTile::new`], and writes waveforms from the reset on.
    ///
    /// # Errors
    /// As [`NativeTile::new`]; also if a waveform cannot be written, or shows an instance that there is not.
    pub fn traced(config: &TileConfig, waveforms: Vec<Waveform>) -> Result<Self, DeviceError> {
        let mut simulator = simulator(config)?;
        simulator.trace(waveforms).map_err(waveform_failed)?;
        HostPort::connect(NativePins { simulator })
    }
}

fn simulator(config: &TileConfig) -> Result<Simulator, DeviceError> {
    let failed = |error: &dyn std::fmt::Display| DeviceError::Simulator(error.to_string());
    config.validate().map_err(|error| failed(&error))?;
    let design = rtl::elaborate(&Tile::new(config.clone())).map_err(|error| failed(&error))?;
    Simulator::new(&design).map_err(|error| failed(&error))
}

impl NativePins {
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
