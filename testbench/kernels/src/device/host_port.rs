//! The host's side of a tile's host port.
//!
//! ```text
//!              +----------+  host_request_{valid,write,address,data,lanes}   +------+
//!   Device --->| HostPort |------------------------------------------------->| tile |
//!              |          |<-------------------------------------------------|      |
//!              +----------+  host_request_ready, host_response_*, status_*   +------+
//! ```
//! A request is taken at a clock edge with valid and ready, one a cycle at best. Every request has one response, and
//! responses come in the order of the requests, so that many can be under way.

use isa::Register;

use super::{Device, DeviceError};

/// The pins of a simulated tile.
pub trait Pins {
    /// An input of the tile, found once.
    type Input: Copy;
    /// An output of the tile, found once.
    type Output: Copy;

    /// What the simulator is called: `native`, `verilator`.
    fn name(&self) -> &'static str;

    /// The input called `name`; the reset is one.
    ///
    /// # Errors
    /// There is none.
    fn input(&self, name: &str) -> Result<Self::Input, DeviceError>;

    /// The output called `name`.
    ///
    /// # Errors
    /// There is none.
    fn output(&self, name: &str) -> Result<Self::Output, DeviceError>;

    /// Sets an input, of up to 64 bits.
    fn set(&mut self, pin: Self::Input, value: u64);

    /// The settled value of an output, of up to 64 bits, as the next clock edge will see it.
    ///
    /// # Errors
    /// As [`Pins::step`].
    fn get(&mut self, pin: Self::Output) -> Result<u64, DeviceError>;

    /// Clock cycles.
    ///
    /// # Errors
    /// The simulator fails, for instance at an assertion.
    fn step(&mut self, cycles: u64) -> Result<(), DeviceError>;

    /// Steps until the pin has the value, at most `limit` cycles. True if it has.
    ///
    /// # Errors
    /// As [`Pins::step`].
    fn run_until(&mut self, pin: Self::Output, value: u64, limit: u64) -> Result<bool, DeviceError>;

    /// Cycles so far.
    fn cycles(&self) -> u64;

    /// Ends what is being written, such as a waveform.
    ///
    /// # Errors
    /// It could not be written.
    fn finish(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// Cycles without progress after which the port is taken to be dead. Streams that never pause could hold the host
/// back for as long as a command runs, hence many.
pub(super) const PATIENCE_CYCLES: u64 = 1_000_000;

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Request {
    /// Byte address.
    pub address: u32,
    /// Data of a write; `None` reads.
    pub write: Option<u64>,
}

impl Request {
    /// What the request is called where it is refused.
    pub fn access(&self) -> &'static str {
        if self.write.is_some() { "write" } else { "read" }
    }
}

pub(super) struct HostPins<S: Pins> {
    pub valid: S::Input,
    pub write: S::Input,
    pub address: S::Input,
    pub data: S::Input,
    pub lanes: S::Input,
    pub ready: S::Output,
    pub response_valid: S::Output,
    pub response_data: S::Output,
    pub response_error: S::Output,
}

impl<S: Pins> HostPins<S> {
    /// Finds the pins of a port, whose requests and responses have these prefixes, and leaves it without a request.
    pub fn find(simulator: &mut S, request: &str, response: &str) -> Result<Self, DeviceError> {
        let input = |name: &str| simulator.input(&format!("{request}_{name}"));
        let output = |name: &str| simulator.output(&format!("{response}_{name}"));
        let pins = HostPins {
            valid: input("valid")?,
            write: input("write")?,
            address: input("address")?,
            data: input("data")?,
            lanes: input("lanes")?,
            ready: simulator.output(&format!("{request}_ready"))?,
            response_valid: output("valid")?,
            response_data: output("data")?,
            response_error: output("error")?,
        };
        for idle in [pins.valid, pins.write, pins.address, pins.data, pins.lanes] {
            simulator.set(idle, 0);
        }
        Ok(pins)
    }
}

/// Holds the reset for as long as a tile needs.
pub(super) fn reset<S: Pins>(simulator: &mut S) -> Result<(), DeviceError> {
    let reset = simulator.input("reset")?;
    simulator.set(reset, 1);
    simulator.step(2)?;
    simulator.set(reset, 0);
    Ok(())
}

/// A tile behind its host port.
pub struct HostPort<S: Pins> {
    simulator: S,
    pins: HostPins<S>,
    running: S::Output,
}

impl<S: Pins> HostPort<S> {
    /// Finds the ports and resets the tile.
    ///
    /// # Errors
    /// A port is missing, or the simulator fails.
    pub fn connect(mut simulator: S) -> Result<Self, DeviceError> {
        let pins = HostPins::find(&mut simulator, "host_request", "host_response")?;
        let running = simulator.output("status_running")?;
        reset(&mut simulator)?;
        Ok(HostPort { simulator, pins, running })
    }

    /// The simulator, for instance to look into registers.
    pub fn simulator(&mut self) -> &mut S {
        &mut self.simulator
    }

    /// Sends the requests and gives each response to `receive`, in order.
    fn transact(
        &mut self,
        requests: impl IntoIterator<Item = Request>,
        mut receive: impl FnMut(u64),
    ) -> Result<(), DeviceError> {
        let HostPort { simulator, pins, .. } = self;
        let mut requests = requests.into_iter().fuse();
        let mut offered = requests.next();
        let mut under_way = std::collections::VecDeque::new();
        let mut idle_cycles = 0;
        if let Some(request) = offered {
            drive(simulator, pins, request);
        }
        while offered.is_some() || !under_way.is_empty() {
            let taken = offered.is_some() && simulator.get(pins.ready)? == 1;
            let answered = simulator.get(pins.response_valid)? == 1;
            if answered {
                let request: Request = under_way
                    .pop_front()
                    .ok_or_else(|| DeviceError::Simulator("the host port answered without a request".to_owned()))?;
                if simulator.get(pins.response_error)? == 1 {
                    // No further request is taken, and what is under way comes to its end: the port can be used again.
                    simulator.set(pins.valid, 0);
                    simulator.step(1)?;
                    self.discard(under_way.len())?;
                    return Err(DeviceError::Refused { access: request.access(), address: request.address });
                }
                receive(simulator.get(pins.response_data)?);
            }
            simulator.step(1)?;
            if taken {
                under_way.extend(offered);
                offered = requests.next();
                match offered {
                    Some(request) => drive(simulator, pins, request),
                    None => simulator.set(pins.valid, 0),
                }
            }
            idle_cycles = if taken || answered { 0 } else { idle_cycles + 1 };
            if idle_cycles == PATIENCE_CYCLES {
                simulator.set(pins.valid, 0);
                return Err(DeviceError::NoAnswer { cycles: idle_cycles });
            }
        }
        Ok(())
    }

    /// Lets `count` responses pass.
    fn discard(&mut self, count: usize) -> Result<(), DeviceError> {
        let mut left = count;
        for _ in 0..PATIENCE_CYCLES {
            if left == 0 {
                return Ok(());
            }
            left -= self.simulator.get(self.pins.response_valid)? as usize;
            self.simulator.step(1)?;
        }
        Err(DeviceError::NoAnswer { cycles: PATIENCE_CYCLES })
    }
}

/// Offers a request.
pub(super) fn drive<S: Pins>(simulator: &mut S, pins: &HostPins<S>, request: Request) {
    simulator.set(pins.valid, 1);
    simulator.set(pins.write, request.write.is_some().into());
    simulator.set(pins.address, request.address.into());
    simulator.set(pins.data, request.write.unwrap_or(0));
    simulator.set(pins.lanes, if request.write.is_some() { 0xff } else { 0 });
}

/// Byte addresses of consecutive words.
pub(super) fn addresses(first: u32) -> impl Iterator<Item = u32> {
    (first..).step_by(isa::WORD_BYTES as usize)
}

impl<S: Pins> Device for HostPort<S> {
    fn name(&self) -> &'static str {
        self.simulator.name()
    }

    fn write_memory(&mut self, address: u32, words: &[u64]) -> Result<(), DeviceError> {
        let writes = addresses(address).zip(words).map(|(address, &word)| Request { address, write: Some(word) });
        self.transact(writes, |_| ())
    }

    fn read_memory(&mut self, address: u32, words: usize) -> Result<Vec<u64>, DeviceError> {
        let mut data = Vec::with_capacity(words);
        let reads = addresses(address).take(words).map(|address| Request { address, write: None });
        self.transact(reads, |word| data.push(word))?;
        Ok(data)
    }

    fn write_register(&mut self, register: &Register, value: u64) -> Result<(), DeviceError> {
        self.write_memory(register.address(), &[value])
    }

    fn read_register(&mut self, register: &Register) -> Result<u64, DeviceError> {
        Ok(self.read_memory(register.address(), 1)?[0])
    }

    fn run(&mut self, cycles: u64) -> Result<bool, DeviceError> {
        self.simulator.run_until(self.running, 0, cycles)
    }

    fn simulated_cycles(&self) -> u64 {
        self.simulator.cycles()
    }

    fn finish(&mut self) -> Result<(), DeviceError> {
        self.simulator.finish()
    }
}
