//! The hosts' side of a machine of many tiles: a host port to each, one to all, one bit of status each.
//!
//! All ports work at the same time, so that loading a machine takes as long as loading its fullest tile.

use std::collections::{HashMap, VecDeque};

use exchange::{Grid, GridConfig};
use isa::register::{self, Status};
use isa::{ErrorCode, Program, Register};
use rtl::wave::Waveform;
use thiserror::Error;

use super::host_port::{HostPins, PATIENCE_CYCLES, Request, addresses, drive, reset};
use super::{Counters, DeviceError, NativePins, Pins, RunStatus, VerilatorPins};

/// A machine in the native simulator.
pub type NativeGrid = GridHost<NativePins>;
/// A machine in Verilator.
pub type VerilatorGrid = GridHost<VerilatorPins>;

/// A machine behind its host ports.
pub struct GridHost<S: Pins> {
    simulator: S,
    hosts: Vec<HostPins<S>>,
    broadcast: BroadcastPins<S>,
    running: S::Output,
}

struct BroadcastPins<S: Pins> {
    valid: S::Input,
    address: S::Input,
    data: S::Input,
    lanes: S::Input,
    ready: S::Output,
    response_valid: S::Output,
    response_error: S::Output,
}

/// Tiles whose programs did not end by HALT.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("tile {tile} stopped with {error} at address {address:#x}: {} ({others} others stopped)", error.meaning())]
pub struct TileStopped {
    /// The tile that is at fault: of those that did not just wait for another, or miss another's words, the first.
    pub tile: usize,
    /// Its error.
    pub error: ErrorCode,
    /// Byte address that it is about.
    pub address: u32,
    /// Further tiles that stopped.
    pub others: usize,
}

/// The requests of one port that are still to be made, and those that are to be answered.
#[derive(Default)]
struct Traffic {
    to_make: VecDeque<Request>,
    under_way: VecDeque<Request>,
    data: Vec<u64>,
}

impl NativeGrid {
    /// Builds the machine, compiles it and resets it.
    ///
    /// # Errors
    /// The configuration is not legal, or the machine cannot be built.
    pub fn new(config: &GridConfig) -> Result<Self, DeviceError> {
        Self::traced(config, vec![])
    }

    /// As [`NativeGrid::new`], and writes waveforms from the reset on.
    ///
    /// # Errors
    /// As [`NativeGrid::new`]; also if a waveform cannot be written, or shows an instance that there is not.
    pub fn traced(config: &GridConfig, waveforms: Vec<Waveform>) -> Result<Self, DeviceError> {
        GridHost::connect(NativePins::new(&design(config)?, waveforms)?, config.tiles())
    }

    /// As [`NativeGrid::new`], for a machine that was elaborated before, and changed since.
    ///
    /// # Errors
    /// The design has no host ports for so many tiles, or does not compile.
    pub fn of_design(design: &rtl::Design, tiles: usize) -> Result<Self, DeviceError> {
        GridHost::connect(NativePins::new(design, vec![])?, tiles)
    }
}

impl VerilatorGrid {
    /// Emits the machine, compiles it unless that was done before, and resets it. The tile is compiled once for all.
    ///
    /// # Errors
    /// The configuration is not legal; Verilator is missing (the message says what installs it) or fails.
    pub fn new(config: &GridConfig, options: &cosim::Options) -> Result<Self, DeviceError> {
        let mut options = options.clone();
        options.blocks.push(rtl::Module::name(&config.tile()));
        GridHost::connect(VerilatorPins::new(&design(config)?, &options)?, config.tiles())
    }

    /// As [`VerilatorGrid::new`], and writes waveforms from the reset on.
    ///
    /// # Errors
    /// As [`VerilatorGrid::new`]; also if a waveform shows an instance that there is not.
    pub fn traced(config: &GridConfig, waveforms: Vec<Waveform>) -> Result<Self, DeviceError> {
        GridHost::connect(VerilatorPins::traced(design(config)?, waveforms)?, config.tiles())
    }
}

fn design(config: &GridConfig) -> Result<rtl::Design, DeviceError> {
    config.validate().map_err(|error| DeviceError::Simulator(error.to_string()))?;
    rtl::elaborate(&Grid { config: config.clone() }).map_err(|errors| DeviceError::Simulator(errors.to_string()))
}

impl<S: Pins> GridHost<S> {
    /// Finds the ports and resets the machine.
    fn connect(mut simulator: S, tiles: usize) -> Result<Self, DeviceError> {
        let find = |simulator: &mut S, tile: usize| {
            HostPins::find(simulator, &format!("hosts_{tile}"), &format!("hosts_{tile}_response"))
        };
        let hosts = (0..tiles).map(|tile| find(&mut simulator, tile)).collect::<Result<Vec<_>, _>>()?;
        let broadcast = BroadcastPins {
            valid: simulator.input("broadcast_valid")?,
            address: simulator.input("broadcast_address")?,
            data: simulator.input("broadcast_data")?,
            lanes: simulator.input("broadcast_lanes")?,
            ready: simulator.output("broadcast_ready")?,
            response_valid: simulator.output("broadcast_response_valid")?,
            response_error: simulator.output("broadcast_response_error")?,
        };
        for idle in [broadcast.valid, broadcast.address, broadcast.data, broadcast.lanes] {
            simulator.set(idle, 0);
        }
        let running = simulator.output("running")?;
        reset(&mut simulator)?;
        Ok(GridHost { simulator, hosts, broadcast, running })
    }

    /// What it runs on.
    pub fn name(&self) -> &'static str {
        self.simulator.name()
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.hosts.len()
    }

    /// The simulator, for instance to look into registers.
    pub fn simulator(&mut self) -> &mut S {
        &mut self.simulator
    }

    /// Writes words of 64 bits into a tile from the byte address on, a multiple of 8; all tiles at the same time.
    ///
    /// # Errors
    /// A tile refuses an access or does not answer.
    pub fn write_memory(&mut self, writes: &[(usize, u32, &[u64])]) -> Result<(), DeviceError> {
        let mut traffic = self.traffic();
        for &(tile, address, words) in writes {
            let requests = addresses(address).zip(words).map(|(address, &word)| Request { address, write: Some(word) });
            traffic[tile].to_make.extend(requests);
        }
        self.transact(traffic).map(drop)
    }

    /// Reads words of 64 bits from each tile: tile, byte address, number of words; all tiles at the same time.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn read_memory(&mut self, reads: &[(usize, u32, usize)]) -> Result<Vec<Vec<u64>>, DeviceError> {
        let mut traffic = self.traffic();
        for &(tile, address, words) in reads {
            let requests = addresses(address).take(words).map(|address| Request { address, write: None });
            traffic[tile].to_make.extend(requests);
        }
        let mut data = self.transact(traffic)?;
        Ok(reads.iter().map(|&(tile, _, words)| data[tile].drain(..words).collect()).collect())
    }

    /// Writes words into all tiles, at the same address.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn broadcast(&mut self, address: u32, words: &[u64]) -> Result<(), DeviceError> {
        let GridHost { simulator, broadcast: pins, .. } = self;
        let mut to_answer = 0;
        let mut idle_cycles = 0;
        simulator.set(pins.lanes, 0xff);
        let mut offered = addresses(address).zip(words).peekable();
        let mut refused = None;
        let mut answered = address;
        while offered.peek().is_some() || to_answer > 0 {
            simulator.set(pins.valid, offered.peek().is_some().into());
            if let Some(&(address, &word)) = offered.peek() {
                simulator.set(pins.address, address.into());
                simulator.set(pins.data, word);
            }
            let ready = simulator.get(pins.ready)? == 1;
            if simulator.get(pins.response_valid)? == 1 {
                to_answer -= 1;
                idle_cycles = 0;
                if simulator.get(pins.response_error)? == 1 {
                    refused.get_or_insert(answered);
                }
                answered += isa::WORD_BYTES;
            }
            simulator.step(1)?;
            if ready && offered.next().is_some() {
                to_answer += 1;
                idle_cycles = 0;
            }
            idle_cycles += 1;
            if idle_cycles == PATIENCE_CYCLES {
                simulator.set(pins.valid, 0);
                return Err(DeviceError::NoAnswer { cycles: idle_cycles });
            }
        }
        simulator.set(pins.valid, 0);
        refused.map_or(Ok(()), |address| Err(DeviceError::Refused { access: "write", address }))
    }

    /// Loads a program into each tile, in their order.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn load<'p>(&mut self, programs: impl IntoIterator<Item = &'p Program>) -> Result<(), DeviceError> {
        let segments = (0..).zip(programs).flat_map(|(tile, program)| {
            program.segments.iter().map(move |segment| (tile, segment.address, segment.words.as_slice()))
        });
        self.write_memory(&segments.collect::<Vec<_>>())
    }

    /// Starts the programs of all tiles, all at one byte address, in one cycle.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`]; also while a program runs.
    pub fn start(&mut self, address: u32) -> Result<(), DeviceError> {
        self.broadcast(register::START.address(), &[address.into()])
    }

    /// Lets the machine run, for `cycles` clock cycles at most or until all programs have ended. True if they have.
    ///
    /// # Errors
    /// The simulator fails.
    pub fn run(&mut self, cycles: u64) -> Result<bool, DeviceError> {
        self.simulator.run_until(self.running, 0, cycles)
    }

    /// Why a run has not ended: the first of the tiles that still run a program, and where it is.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn still_running(&mut self, limit_cycles: u64) -> Result<DeviceError, DeviceError> {
        let registers = self.read_registers()?;
        let runs = |tile: &usize| Status::RUNNING.extract(registers[*tile](&register::STATUS)) == 1;
        let running: Vec<usize> = (0..registers.len()).filter(runs).collect();
        Ok(match running.first() {
            None => DeviceError::Timeout { limit_cycles },
            Some(&tile) => DeviceError::StillRunning {
                limit_cycles,
                tile,
                address: registers[tile](&register::PROGRAM_COUNTER) as u32,
                others: running.len() - 1,
            },
        })
    }

    /// Reads a register of a tile.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn read_register(&mut self, tile: usize, register: &Register) -> Result<u64, DeviceError> {
        Ok(self.read_memory(&[(tile, register.address(), 1)])?[0][0])
    }

    /// Writes a register of a tile.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn write_register(&mut self, tile: usize, register: &Register, value: u64) -> Result<(), DeviceError> {
        self.write_memory(&[(tile, register.address(), &[value])])
    }

    /// How the last program of each tile ended.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn statuses(&mut self) -> Result<Vec<RunStatus>, DeviceError> {
        let registers = self.read_registers()?;
        registers.iter().map(|of_tile| RunStatus::read(|register| Ok(of_tile(register)))).collect()
    }

    /// The counters of the last program of each tile.
    ///
    /// # Errors
    /// As [`GridHost::write_memory`].
    pub fn counters(&mut self) -> Result<Vec<Counters>, DeviceError> {
        let registers = self.read_registers()?;
        registers.iter().map(|of_tile| Counters::read(|register| Ok(of_tile(register)))).collect()
    }

    /// All registers of all tiles that can be read.
    fn read_registers(&mut self) -> Result<Vec<impl Fn(&Register) -> u64 + use<S>>, DeviceError> {
        let readable = || isa::REGISTERS.iter().filter(|register| register.access != register::Access::WriteOnly);
        let reads = (0..self.tiles()).flat_map(|tile| readable().map(move |register| (tile, register.address(), 1)));
        let values = self.read_memory(&reads.collect::<Vec<_>>())?;
        let of_tile = |values: &[Vec<u64>]| {
            let values: HashMap<u32, u64> =
                readable().zip(values).map(|(register, words)| (register.address(), words[0])).collect();
            move |register: &Register| values[&register.address()]
        };
        Ok(values.chunks(readable().count()).map(of_tile).collect())
    }

    /// Clock cycles simulated so far, those of the host ports included.
    pub fn simulated_cycles(&self) -> u64 {
        self.simulator.cycles()
    }

    /// Ends what is being written, such as a waveform.
    ///
    /// # Errors
    /// It could not be written.
    pub fn finish(&mut self) -> Result<(), DeviceError> {
        self.simulator.finish()
    }

    fn traffic(&self) -> Vec<Traffic> {
        self.hosts.iter().map(|_| Traffic::default()).collect()
    }

    /// Makes the requests of every port, and gives back what each was answered.
    fn transact(&mut self, mut traffic: Vec<Traffic>) -> Result<Vec<Vec<u64>>, DeviceError> {
        let GridHost { simulator, hosts, .. } = self;
        let mut refused = None;
        let mut idle_cycles = 0;
        let busy = |traffic: &Traffic| !(traffic.to_make.is_empty() && traffic.under_way.is_empty());
        while traffic.iter().any(busy) {
            idle_cycles += 1;
            let mut taken = vec![false; hosts.len()];
            for ((pins, traffic), taken) in hosts.iter().zip(&mut traffic).zip(&mut taken) {
                match traffic.to_make.front() {
                    Some(&request) => drive(simulator, pins, request),
                    None => simulator.set(pins.valid, 0),
                }
                *taken = !traffic.to_make.is_empty();
            }
            for ((pins, traffic), taken) in hosts.iter().zip(&mut traffic).zip(&mut taken) {
                *taken &= simulator.get(pins.ready)? == 1;
                if !traffic.under_way.is_empty() && simulator.get(pins.response_valid)? == 1 {
                    let request = traffic.under_way.pop_front().expect("a request");
                    if simulator.get(pins.response_error)? == 1 {
                        refused.get_or_insert(request);
                    }
                    traffic.data.push(simulator.get(pins.response_data)?);
                    idle_cycles = 0;
                }
            }
            simulator.step(1)?;
            for (traffic, _) in traffic.iter_mut().zip(taken).filter(|(_, taken)| *taken) {
                let request = traffic.to_make.pop_front();
                traffic.under_way.extend(request);
                idle_cycles = 0;
            }
            if idle_cycles == PATIENCE_CYCLES {
                hosts.iter().for_each(|pins| simulator.set(pins.valid, 0));
                return Err(DeviceError::NoAnswer { cycles: idle_cycles });
            }
        }
        hosts.iter().for_each(|pins| simulator.set(pins.valid, 0));
        match refused {
            Some(request) => Err(DeviceError::Refused { access: request.access(), address: request.address }),
            None => Ok(traffic.into_iter().map(|traffic| traffic.data).collect()),
        }
    }
}

impl TileStopped {
    /// Whether all programs ended by HALT.
    ///
    /// # Errors
    /// The tile at fault: the first whose error is its own. A tile that stops breaks barriers, and words that it does not
    /// send or hear; tiles with such an error come behind.
    pub fn check(statuses: &[RunStatus]) -> Result<(), TileStopped> {
        let stopped = statuses.iter().enumerate().filter(|(_, status)| status.error != ErrorCode::None);
        let consequence = |error| match error {
            ErrorCode::SyncBroken => 2,
            ErrorCode::SilentLane | ErrorCode::UnheardWord => 1,
            _ => 0,
        };
        let others = stopped.clone().count().saturating_sub(1);
        stopped.min_by_key(|(_, status)| consequence(status.error)).map_or(Ok(()), |(tile, status)| {
            Err(TileStopped { tile, error: status.error, address: status.error_address, others })
        })
    }
}
