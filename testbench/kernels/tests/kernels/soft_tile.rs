//! A tile's host port in software: what the driver of the host port is tested against.

use std::collections::{BTreeMap, VecDeque};

use isa::{REGISTERS, WORD_BYTES, register};
use kernels::device::{Device, DeviceError, GoldenDevice, Pins};
use kernels::random::Random;
use tile::TileConfig;

/// Cycles from a request to its response.
const RESPONSE_CYCLES: u64 = 3;

/// Cycles that every program takes.
const RUN_CYCLES: u64 = 50;

/// A host port that is busy in a random half of the cycles, in front of the golden model's tile.
pub struct SoftTile {
    memory: GoldenDevice,
    random: Random,
    pins: BTreeMap<&'static str, u64>,
    cycle: u64,
    ready: bool,
    /// When each response is due, its data and whether it is an error.
    responses: VecDeque<(u64, u64, bool)>,
    runs_until: u64,
    /// Most requests that were under way at once.
    pub most_under_way: usize,
}

const PINS: [&str; 11] = [
    "reset",
    "host_request_valid",
    "host_request_write",
    "host_request_address",
    "host_request_data",
    "host_request_lanes",
    "host_request_ready",
    "host_response_valid",
    "host_response_data",
    "host_response_error",
    "status_running",
];

impl SoftTile {
    pub fn new(config: &TileConfig, seed: u64) -> Self {
        SoftTile {
            memory: GoldenDevice::new(config),
            random: Random::new(seed),
            pins: PINS.iter().map(|&name| (name, 0)).collect(),
            cycle: 0,
            ready: true,
            responses: VecDeque::new(),
            runs_until: 0,
            most_under_way: 0,
        }
    }

    fn pin(&self, name: &str) -> u64 {
        self.pins[name]
    }

    fn response(&self) -> Option<(u64, bool)> {
        let &(due, data, error) = self.responses.front()?;
        (due <= self.cycle).then_some((data, error))
    }

    /// What a request reads or writes.
    fn access(&mut self, address: u32, write: Option<u64>) -> Result<u64, DeviceError> {
        let refused = DeviceError::Refused { access: "access", address };
        if address < isa::REGISTER_BASE {
            return match write {
                Some(data) => self.memory.write_memory(address, &[data]).map(|()| 0),
                None => self.memory.read_memory(address, 1).map(|words| words[0]),
            };
        }
        let register = REGISTERS.iter().find(|register| register.address() == address).ok_or(refused.clone())?;
        if write.is_some() && *register == register::START {
            if self.cycle < self.runs_until {
                return Err(refused);
            }
            self.runs_until = self.cycle + RUN_CYCLES;
        }
        match write {
            Some(data) => self.memory.write_register(register, data).map(|()| 0),
            None => self.memory.read_register(register),
        }
    }

    fn clock(&mut self) {
        if self.pin("reset") == 0 {
            if self.response().is_some() {
                self.responses.pop_front();
            }
            if self.ready && self.pin("host_request_valid") == 1 {
                let address = self.pin("host_request_address") as u32;
                let write = (self.pin("host_request_write") == 1).then(|| self.pin("host_request_data"));
                assert!(write.is_none() || self.pin("host_request_lanes") == 0xff);
                let response = self.access(address, write);
                self.responses.push_back((
                    self.cycle + RESPONSE_CYCLES,
                    *response.as_ref().unwrap_or(&0),
                    response.is_err(),
                ));
            }
            self.most_under_way = self.most_under_way.max(self.responses.len());
        }
        self.cycle += 1;
        self.ready = self.random.below(2) == 0;
    }
}

impl Pins for SoftTile {
    type Input = &'static str;
    type Output = &'static str;

    fn name(&self) -> &'static str {
        "soft"
    }

    fn input(&self, name: &str) -> Result<&'static str, DeviceError> {
        let known = PINS.iter().find(|&&pin| pin == name).copied();
        known.ok_or_else(|| DeviceError::Simulator(format!("no port {name}")))
    }

    fn output(&self, name: &str) -> Result<&'static str, DeviceError> {
        self.input(name)
    }

    fn set(&mut self, pin: &'static str, value: u64) {
        self.pins.insert(pin, value);
    }

    fn get(&mut self, pin: &'static str) -> Result<u64, DeviceError> {
        Ok(match pin {
            "host_request_ready" => self.ready.into(),
            "host_response_valid" => self.response().is_some().into(),
            "host_response_data" => self.response().map_or(0xDEAD, |(data, _)| data),
            "host_response_error" => self.response().is_some_and(|(_, error)| error).into(),
            "status_running" => (self.cycle < self.runs_until).into(),
            _ => panic!("{pin} is no output"),
        })
    }

    fn step(&mut self, cycles: u64) -> Result<(), DeviceError> {
        (0..cycles).for_each(|_| self.clock());
        Ok(())
    }

    fn run_until(&mut self, pin: &'static str, value: u64, limit: u64) -> Result<bool, DeviceError> {
        for _ in 0..limit {
            if self.get(pin)? == value {
                return Ok(true);
            }
            self.clock();
        }
        Ok(self.get(pin)? == value)
    }

    fn cycles(&self) -> u64 {
        self.cycle
    }
}

/// The byte address of a word.
pub fn word_address(word: usize) -> u32 {
    word as u32 * WORD_BYTES
}
