//! One interface to every tile: in software, in a simulator, on a board.
//!
//! ```text
//!   Device ----> GoldenDevice        the golden model's tile: no time in it
//!     ^
//!     +--------- HostPort<Pins> ---> the host port of a simulated tile, one request a cycle
//!                        ^---------- native simulator, Verilator
//!                        v
//!   GridHost<Pins> -----------------> the host ports of many simulated tiles, all at once
//! ```

mod golden;
mod grid;
mod host_port;
mod native;
mod verilator;

pub use golden::GoldenDevice;
pub use grid::{GridHost, NativeGrid, TileStopped, VerilatorGrid};
pub use host_port::{HostPort, Pins};
pub use native::{NativePins, NativeTile};
pub use verilator::{VerilatorPins, VerilatorTile, cosim_design};

use ::golden::Flags;
use isa::register::{self, Configuration, Status};
use isa::{ErrorCode, Program, Register};
use thiserror::Error;
use tile::{Tile, TileConfig};

/// A tile as a design.
fn tile_design(config: &TileConfig) -> Result<rtl::Design, DeviceError> {
    config.validate().map_err(|error| DeviceError::Simulator(error.to_string()))?;
    rtl::elaborate(&Tile::new(config.clone())).map_err(|errors| DeviceError::Simulator(errors.to_string()))
}

fn waveform_failed(error: impl std::fmt::Display) -> DeviceError {
    DeviceError::Simulator(error.to_string())
}

/// Cycles between two reports of progress.
const PROGRESS_CYCLES: u64 = 5_000;

/// A program that takes so many times longer than predicted, and so many cycles more, has failed.
const PATIENCE: (u64, u64) = (20, 100_000);

/// Runs the program at `entry` to its end. `progress` hears now and then how many cycles the device has simulated.
///
/// # Errors
/// The device fails, the program stops with an error, or takes far longer than predicted.
pub fn run_program(
    device: &mut dyn Device,
    entry: u32,
    predicted_cycles: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<RunStatus, DeviceError> {
    device.start(entry)?;
    let limit_cycles = predicted_cycles * PATIENCE.0 + PATIENCE.1;
    let mut waited = 0;
    while !device.run(PROGRESS_CYCLES)? {
        waited += PROGRESS_CYCLES;
        if waited > limit_cycles {
            return Err(DeviceError::Timeout { limit_cycles });
        }
        progress(device.simulated_cycles());
    }
    device.status()?.halted()
}

/// A tile as its host sees it: memory, registers, start and wait.
pub trait Device {
    /// What it runs on: `golden`, `native`, `verilator`.
    fn name(&self) -> &'static str;

    /// Writes words of 64 bits from the byte address on, a multiple of 8.
    ///
    /// # Errors
    /// The tile refuses the access or does not answer.
    fn write_memory(&mut self, address: u32, words: &[u64]) -> Result<(), DeviceError>;

    /// Reads words of 64 bits from the byte address on, a multiple of 8.
    ///
    /// # Errors
    /// As [`Device::write_memory`].
    fn read_memory(&mut self, address: u32, words: usize) -> Result<Vec<u64>, DeviceError>;

    /// Writes a register.
    ///
    /// # Errors
    /// As [`Device::write_memory`]; also where the register is read-only.
    fn write_register(&mut self, register: &Register, value: u64) -> Result<(), DeviceError>;

    /// Reads a register.
    ///
    /// # Errors
    /// As [`Device::write_memory`].
    fn read_register(&mut self, register: &Register) -> Result<u64, DeviceError>;

    /// Lets the tile run, for `cycles` clock cycles at most or until its program ends. True if the program has ended.
    ///
    /// # Errors
    /// The simulator fails.
    fn run(&mut self, cycles: u64) -> Result<bool, DeviceError>;

    /// Clock cycles simulated so far, those of the host port included; 0 on a device without time.
    fn simulated_cycles(&self) -> u64;

    /// Ends what is being written, such as a waveform.
    ///
    /// # Errors
    /// It could not be written.
    fn finish(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Loads a program.
    ///
    /// # Errors
    /// As [`Device::write_memory`].
    fn load(&mut self, program: &Program) -> Result<(), DeviceError> {
        program.segments.iter().try_for_each(|segment| self.write_memory(segment.address, &segment.words))
    }

    /// Starts the program at a byte address.
    ///
    /// # Errors
    /// As [`Device::write_register`]; also while a program runs.
    fn start(&mut self, address: u32) -> Result<(), DeviceError> {
        self.write_register(&register::START, address.into())
    }

    /// Waits until the program ends, and says how.
    ///
    /// # Errors
    /// [`DeviceError::Timeout`] after `limit_cycles`.
    fn wait(&mut self, limit_cycles: u64) -> Result<RunStatus, DeviceError> {
        if self.run(limit_cycles)? { self.status() } else { Err(DeviceError::Timeout { limit_cycles }) }
    }

    /// How the last program ended.
    ///
    /// # Errors
    /// As [`Device::read_register`].
    fn status(&mut self) -> Result<RunStatus, DeviceError> {
        RunStatus::read(|register| self.read_register(register))
    }

    /// What was built.
    ///
    /// # Errors
    /// As [`Device::read_register`].
    fn configuration(&mut self) -> Result<Configuration, DeviceError> {
        decode(self.read_register(&register::CONFIGURATION)?, Configuration::decode)
    }

    /// The counters of the last program.
    ///
    /// # Errors
    /// As [`Device::read_register`].
    fn counters(&mut self) -> Result<Counters, DeviceError> {
        Counters::read(|register| self.read_register(register))
    }
}

fn decode<T, E>(value: u64, decode: impl Fn(&[u64; 1]) -> Result<T, E>) -> Result<T, DeviceError>
where
    E: std::fmt::Display,
{
    decode(&[value]).map_err(|error| DeviceError::Simulator(format!("a register holds {value:#x}: {error}")))
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunStatus {
    /// Why it stopped; `ErrorCode::None` if it ended by HALT.
    pub error: ErrorCode,
    /// Byte address that the error is about.
    pub error_address: u32,
    /// Clock cycles from START to the end; 0 on a device without time.
    pub cycles: u64,
    /// The sticky numeric flags.
    pub flags: Flags,
    /// The progress mark that the program wrote last.
    pub marker: u32,
}

impl RunStatus {
    /// From a tile's registers.
    fn read(mut register: impl FnMut(&Register) -> Result<u64, DeviceError>) -> Result<Self, DeviceError> {
        let status = decode(register(&register::STATUS)?, Status::decode)?;
        let error =
            status.error().ok_or(DeviceError::Register { register: "STATUS", value: status.error_code.into() })?;
        Ok(RunStatus {
            error,
            error_address: register(&register::ERROR_ADDRESS)? as u32,
            cycles: register(&register::CYCLES)?,
            flags: Flags::from_bits(register(&register::FLAGS)? as u32),
            marker: register(&register::MARKER)? as u32,
        })
    }

    /// The status of a program that ended by HALT.
    ///
    /// # Errors
    /// [`DeviceError::Stopped`] if it ended by anything else.
    pub fn halted(self) -> Result<Self, DeviceError> {
        match self.error {
            ErrorCode::None => Ok(self),
            error => Err(DeviceError::Stopped { error, address: self.error_address }),
        }
    }
}

/// Counters of one program, or sums over several: register name and value, in the order of the registers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters(pub Vec<(&'static str, u64)>);

impl Counters {
    /// From a tile's registers.
    fn read(mut register: impl FnMut(&Register) -> Result<u64, DeviceError>) -> Result<Self, DeviceError> {
        let counters = isa::REGISTERS.iter().filter(|register| Counters::has(register));
        counters.map(|of| Ok((of.name, register(of)?))).collect::<Result<_, _>>().map(Counters)
    }

    fn has(register: &Register) -> bool {
        register.access == register::Access::ReadOnly && register.offset >= register::AMP_ROWS.offset
    }

    /// The value of a counter; 0 if it was never read.
    pub fn get(&self, register: &Register) -> u64 {
        self.0.iter().find(|(name, _)| *name == register.name).map_or(0, |&(_, value)| value)
    }

    /// Adds those of another program.
    pub fn add(&mut self, other: &Counters) {
        for &(name, value) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += value,
                None => self.0.push((name, value)),
            }
        }
    }
}

/// What can go wrong between host and tile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// The tile answered an access with an error.
    #[error("the tile refused to {access} address {address:#x}")]
    Refused {
        /// `read` or `write`.
        access: &'static str,
        /// Byte address.
        address: u32,
    },
    /// The tile did not answer on its host port.
    #[error("the host port did not move for {cycles} cycles")]
    NoAnswer {
        /// Cycles waited.
        cycles: u64,
    },
    /// A program runs on.
    #[error("the program did not end within {limit_cycles} cycles")]
    Timeout {
        /// Cycles waited.
        limit_cycles: u64,
    },
    /// Programs of a machine of many tiles run on.
    #[error(
        "tile {tile} and {others} others did not end within {limit_cycles} cycles; tile {tile} is at the command at address \
         {address:#x}: a tile may wait at a barrier for one that never comes"
    )]
    StillRunning {
        /// Cycles waited.
        limit_cycles: u64,
        /// The first of them.
        tile: usize,
        /// Byte address of its command.
        address: u32,
        /// Further tiles.
        others: usize,
    },
    /// A program ended by an error.
    #[error("the program stopped with {error} at address {address:#x}: {}", error.meaning())]
    Stopped {
        /// The error.
        error: ErrorCode,
        /// Byte address that it is about.
        address: u32,
    },
    /// A register holds what is not declared.
    #[error("register {register} reads {value:#x}, which means nothing")]
    Register {
        /// Its name.
        register: &'static str,
        /// What it holds.
        value: u64,
    },
    /// Programs of a machine of many tiles ended by an error.
    #[error(transparent)]
    TileStopped(#[from] TileStopped),
    /// The simulator could not be made, or failed.
    #[error("{0}")]
    Simulator(String),
}
