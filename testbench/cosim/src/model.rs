//! A running model: its ports, its clock and its messages.

use std::ffi::CStr;
use std::ptr::NonNull;

use crate::design::Direction;
use crate::library::{Library, Simulation, status};
use crate::memory::Variable;
use crate::tools::name_list;
use crate::trace::TraceOutput;
use crate::value::{Storage, word_count};
use crate::{Error, InitialState};

/// Handle of a port, found once by name with [`Model::port`]. It is good for every model of the same design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    library: usize,
    index: u32,
    width_bits: u32,
    direction: Direction,
}

impl Port {
    /// Its width in bits.
    pub fn width_bits(self) -> u32 {
        self.width_bits
    }

    /// The number of 32-bit words that hold its value.
    pub fn words(self) -> usize {
        word_count(self.width_bits)
    }

    /// Its direction.
    pub fn direction(self) -> Direction {
        self.direction
    }
}

/// A simulation of a design. It stays on the thread that made it.
///
/// [`Model::step`] runs clock cycles: what the inputs were set to before is sampled by the rising edge, and
/// afterwards every output has settled. Between cycles the clock is high. The n-th rising edge is at time
/// 10 n ns.
#[derive(Debug)]
pub struct Model {
    pub(crate) library: &'static Library,
    /// Also keeps the model on its thread: the C++ runtime has thread-local state.
    pub(crate) simulation: NonNull<Simulation>,
    ports: Vec<Storage>,
    pub(crate) variables: Vec<Variable>,
    /// The waveform that is being written: the simulation has the same pointer until it is closed.
    pub(crate) trace: Option<NonNull<TraceOutput>>,
    cycle: u64,
}

impl Model {
    pub(crate) fn new(library: &'static Library, initial: InitialState) -> Result<Self, Error> {
        let (mode, seed) = match initial {
            InitialState::Zeros => (0, 1),
            InitialState::Ones => (1, 1),
            // The runtime takes 0 for a seed of its own choice.
            InitialState::Random(seed) => (2, i32::from(seed) + 1),
        };
        let mut result = status::OK;
        // SAFETY: the function's own library; `result` outlives the call.
        let simulation = unsafe { (library.create)(mode, seed, &mut result) };
        let simulation = NonNull::new(simulation).expect("the shim always returns a simulation");
        let mut model = Self { library, simulation, ports: Vec::new(), variables: Vec::new(), trace: None, cycle: 0 };
        model.check(result)?;
        for (index, port) in (0..).zip(&library.ports) {
            // SAFETY: the simulation is alive and has a model, as its creation succeeded.
            let address = unsafe { (library.port)(simulation.as_ptr(), index) };
            model.ports.push(Storage { address: address.cast(), width_bits: port.width_bits });
        }
        model.variables = model.list_variables();
        Ok(model)
    }

    /// The port of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`], with the names that there are.
    pub fn port(&self, name: &str) -> Result<Port, Error> {
        let ports = &self.library.ports;
        let found = ports.iter().position(|port| port.name == name);
        let index = found.ok_or_else(|| Error::Unknown {
            kind: "port",
            name: name.into(),
            top: self.library.top.clone(),
            known: name_list(ports.iter().map(|port| port.name.as_str())),
        })?;
        let port = &ports[index];
        Ok(Port {
            library: self.library.id,
            index: index as u32,
            width_bits: port.width_bits,
            direction: port.direction,
        })
    }

    /// Sets an input from its 32-bit words, lowest first. It takes effect with the next [`Model::step`] or
    /// [`Model::eval`].
    ///
    /// # Panics
    /// If the port is an output or of another design, or if `words` does not fit it exactly.
    pub fn set(&mut self, port: Port, words: &[u32]) {
        let storage = self.input(port);
        // SAFETY: the storage belongs to this model, which is alive and used by this thread only.
        unsafe { storage.write(words) }
    }

    /// Reads a port into its 32-bit words, lowest first.
    ///
    /// # Panics
    /// If the port is of another design, or if `words` is not [`Port::words`] long.
    pub fn get(&self, port: Port, words: &mut [u32]) {
        let storage = self.storage(port);
        // SAFETY: as in `set`.
        unsafe { storage.read(words) }
    }

    /// Sets an input of at most 64 bits, as [`Model::set`].
    ///
    /// # Panics
    /// As [`Model::set`], or if the port is wider than 64 bits.
    #[inline]
    pub fn set_u64(&mut self, port: Port, value: u64) {
        let storage = self.input(port);
        assert!(storage.width_bits <= 64, "a port of {} bits is wider than 64", storage.width_bits);
        // SAFETY: as in `set`; the width was checked.
        unsafe { storage.write_u64(value) }
    }

    /// Reads a port of at most 64 bits.
    ///
    /// # Panics
    /// If the port is of another design or wider than 64 bits.
    #[inline]
    pub fn get_u64(&self, port: Port) -> u64 {
        let storage = self.storage(port);
        assert!(storage.width_bits <= 64, "a port of {} bits is wider than 64", storage.width_bits);
        // SAFETY: as in `set`; the width was checked.
        unsafe { storage.read_u64() }
    }

    /// Runs clock cycles. A design without a clock is evaluated once a cycle.
    ///
    /// # Errors
    /// [`Error::Failed`] after the cycle in which an assertion or `$error`, `$fatal` or `$stop` reported a
    /// failure (the simulation may go on from there), [`Error::Finished`] after the one with `$finish`,
    /// [`Error::Broken`] if the simulation cannot go on, now and in every later call.
    pub fn step(&mut self, cycles: u64) -> Result<(), Error> {
        let mut done = 0;
        // SAFETY: the simulation is alive; `done` outlives the call.
        let result = unsafe { (self.library.step)(self.simulation.as_ptr(), cycles, &mut done) };
        self.cycle += done;
        self.check(result)
    }

    /// Lets the combinational logic settle after inputs or memories were written; no time passes.
    ///
    /// # Errors
    /// As [`Model::step`].
    pub fn eval(&mut self) -> Result<(), Error> {
        // SAFETY: the simulation is alive.
        let result = unsafe { (self.library.eval)(self.simulation.as_ptr()) };
        self.check(result)
    }

    /// Runs clock cycles until a port of at most 64 bits has a value, and returns how many; none if it has it
    /// already.
    ///
    /// # Errors
    /// [`Error::Timeout`] if it has not after `limit` cycles; otherwise as [`Model::step`].
    ///
    /// # Panics
    /// As [`Model::get_u64`].
    pub fn run_until(&mut self, port: Port, value: u64, limit: u64) -> Result<u64, Error> {
        for cycles in 0..=limit {
            if self.get_u64(port) == value {
                return Ok(cycles);
            }
            if cycles < limit {
                self.step(1)?;
            }
        }
        Err(Error::Timeout {
            port: self.library.ports[port.index as usize].name.clone(),
            expected: value,
            actual: self.get_u64(port),
            limit,
            cycle: self.cycle,
        })
    }

    /// The number of clock cycles run so far.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// What the design printed (`$display`, `$error`...) since the last call. Of more than 1 MiB the oldest part
    /// is lost.
    pub fn take_messages(&mut self) -> String {
        let simulation = self.simulation.as_ptr();
        // SAFETY: the simulation is alive; its text is copied before anything changes it.
        unsafe {
            let text = CStr::from_ptr((self.library.messages)(simulation)).to_string_lossy().into_owned();
            (self.library.clear_messages)(simulation);
            text
        }
    }

    /// Turns a status of the shim into a result.
    fn check(&self, result: u32) -> Result<(), Error> {
        let (top, cycle) = (self.library.top.clone(), self.cycle);
        match result {
            status::OK => Ok(()),
            status::FINISHED => Err(Error::Finished { top, cycle }),
            status::FAILED => Err(Error::Failed { top, cycle, message: self.failure() }),
            _ => Err(Error::Broken { top, cycle, message: self.failure() }),
        }
    }

    fn failure(&self) -> String {
        // SAFETY: the simulation is alive; its text is copied before anything changes it.
        let text = unsafe { CStr::from_ptr((self.library.failure)(self.simulation.as_ptr())) };
        text.to_string_lossy().trim_end().to_string()
    }

    fn storage(&self, port: Port) -> Storage {
        assert!(port.library == self.library.id, "the port belongs to another design than `{}`", self.library.top);
        self.ports[port.index as usize]
    }

    fn input(&self, port: Port) -> Storage {
        let storage = self.storage(port);
        let Library { top, ports, .. } = self.library;
        assert!(
            port.direction == Direction::Input,
            "port `{}` of `{top}` is an output",
            ports[port.index as usize].name
        );
        storage
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure to write.
        let _ = self.close_trace();
        // SAFETY: created by this library, destroyed once.
        unsafe { (self.library.destroy)(self.simulation.as_ptr()) }
    }
}
