//! The golden model's tile as a device: exact results, no time, no simulator.

use golden::{AccumulatorKind, Flags, Outcome, Tile, TileParameters};
use isa::register::{self, Access, Configuration, Status};
use isa::{ErrorCode, Register, WORD_BYTES};
use tile::TileConfig;

use super::{Device, DeviceError};

/// A functional tile. Its programs run at START, in no time; every cycle counter reads 0.
pub struct GoldenDevice {
    tile: Tile,
    banks: u32,
    zones: u64,
    last: Option<Outcome>,
}

impl GoldenDevice {
    /// A tile with cleared memory.
    pub fn new(config: &TileConfig) -> Self {
        GoldenDevice {
            tile: Tile::new(TileParameters::of(&config.configuration(), config.memory_bytes())),
            banks: config.banks as u32,
            zones: 1,
            last: None,
        }
    }

    /// The words that an access touches.
    fn words(&self, access: &'static str, address: u32, count: usize) -> Result<std::ops::Range<usize>, DeviceError> {
        let first = (address / WORD_BYTES) as usize;
        let size = self.tile.memory.len();
        if !address.is_multiple_of(WORD_BYTES) || first >= size {
            return Err(DeviceError::Refused { access, address });
        }
        if first + count > size {
            return Err(DeviceError::Refused { access, address: size as u32 * WORD_BYTES });
        }
        Ok(first..first + count)
    }

    fn configuration_word(&self) -> u64 {
        let TileParameters { terms, accumulator, rows, vector, .. } = *self.tile.parameters();
        let (exact, accumulator_bits) = match accumulator {
            AccumulatorKind::Fp32 => (false, 32),
            AccumulatorKind::Exact { bits } => (true, bits),
        };
        let configuration = Configuration {
            terms: terms as u32,
            lanes: isa::LANES,
            rows: rows as u32,
            exact,
            vector,
            accumulator_bits,
            banks: self.banks,
            lane_words: 0,
        };
        configuration.encode().expect("a legal configuration fits its register")[0]
    }
}

impl Device for GoldenDevice {
    fn name(&self) -> &'static str {
        "golden"
    }

    fn write_memory(&mut self, address: u32, words: &[u64]) -> Result<(), DeviceError> {
        let place = self.words("write", address, words.len())?;
        self.tile.memory[place].copy_from_slice(words);
        Ok(())
    }

    fn read_memory(&mut self, address: u32, words: usize) -> Result<Vec<u64>, DeviceError> {
        let place = self.words("read", address, words)?;
        Ok(self.tile.memory[place].to_vec())
    }

    fn write_register(&mut self, register: &Register, value: u64) -> Result<(), DeviceError> {
        match register.access {
            Access::ReadOnly => {
                return Err(DeviceError::Refused { access: "write", address: register.address() });
            }
            Access::WriteOneToClear => {
                self.tile.flags = Flags::from_bits(self.tile.flags.to_bits() & !(value as u32));
            }
            Access::WriteOnly if *register == register::START => match u32::try_from(value) {
                Ok(address) if address < 1 << isa::layout::ADDRESS_BITS => self.last = Some(self.tile.run(address)),
                _ => return Err(DeviceError::Refused { access: "write", address: register.address() }),
            },
            Access::WriteOnly => {}
            Access::ReadWrite => self.zones = value & ((1 << isa::ZONES) - 1),
        }
        Ok(())
    }

    fn read_register(&mut self, register: &Register) -> Result<u64, DeviceError> {
        if register.access == Access::WriteOnly {
            return Err(DeviceError::Refused { access: "read", address: register.address() });
        }
        let error = self.last.map_or(ErrorCode::None, |outcome| outcome.error);
        Ok(match *register {
            register::IDENTITY => register::IDENTITY_VALUE,
            register::CONFIGURATION => self.configuration_word(),
            register::MEMORY_BYTES => self.tile.parameters().memory_bytes as u64,
            register::STATUS => {
                let done = self.last.is_some() && error == ErrorCode::None;
                let status = Status { running: false, done, error_code: error.code().into() };
                status.encode().expect("an error code fits its field")[0]
            }
            register::ERROR_ADDRESS => self.last.map_or(0, |outcome| outcome.error_address.into()),
            register::FLAGS => self.tile.flags.to_bits().into(),
            register::ZONES => self.zones,
            register::MARKER => self.tile.marker.into(),
            register::AMP_ROWS => self.last.map_or(0, |outcome| outcome.row_steps),
            register::AMP_NANS => self.last.map_or(0, |outcome| outcome.amp_counts.nans),
            register::AMP_OVERFLOWS => self.last.map_or(0, |outcome| outcome.amp_counts.overflows),
            register::AMP_ZEROED => self.last.map_or(0, |outcome| outcome.amp_counts.zeroed),
            register::VECTOR_NANS => self.last.map_or(0, |outcome| outcome.vector_counts.nans),
            register::VECTOR_OVERFLOWS => self.last.map_or(0, |outcome| outcome.vector_counts.overflows),
            register::VECTOR_ZEROED => self.last.map_or(0, |outcome| outcome.vector_counts.zeroed),
            _ => 0,
        })
    }

    fn run(&mut self, _cycles: u64) -> Result<bool, DeviceError> {
        Ok(true)
    }

    fn simulated_cycles(&self) -> u64 {
        0
    }
}
