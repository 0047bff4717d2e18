//! A host for the tile on the native simulator.

use isa::Register;
use rtl::sim::{InputPort, OutputPort, Simulator};
use tile::{Tile, TileConfig};

/// The tile and its host port, one request at a time.
pub struct Host {
    /// The simulator of the tile.
    pub sim: Simulator,
    valid: InputPort,
    write: InputPort,
    address: InputPort,
    data: InputPort,
    lanes: InputPort,
    ready: OutputPort,
    response_valid: OutputPort,
    response_data: OutputPort,
    response_error: OutputPort,
    running: OutputPort,
}

/// The host's request was answered with an error.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

impl Host {
    /// A tile just after reset.
    pub fn new(config: &TileConfig) -> Host {
        let design = rtl::elaborate(&Tile::new(config.clone())).unwrap_or_else(|errors| panic!("{errors}"));
        let mut sim = Simulator::new(&design).expect("the design compiles");
        sim.reset(2).expect("no assertion fails in reset");
        let input = |name: &str| sim.input(&format!("host_request_{name}")).expect("input");
        let (valid, write, address) = (input("valid"), input("write"), input("address"));
        let (data, lanes) = (input("data"), input("lanes"));
        let output = |name: &str| sim.output(name).expect("output");
        let (ready, running) = (output("host_request_ready"), output("status_running"));
        let (response_valid, response_data) = (output("host_response_valid"), output("host_response_data"));
        let response_error = output("host_response_error");
        Host { sim, valid, write, address, data, lanes, ready, response_valid, response_data, response_error, running }
    }

    /// One request; returns the response's data.
    pub fn request(&mut self, write: bool, address: u32, data: u64, lanes: u64) -> Result<u64, Refused> {
        self.sim.set(self.valid, 1);
        self.sim.set(self.write, write.into());
        self.sim.set(self.address, address.into());
        self.sim.set(self.data, data);
        self.sim.set(self.lanes, lanes);
        let mut waited = 0;
        while self.sim.get(self.ready) == 0 {
            self.step(1);
            waited += 1;
            assert!(waited < 100_000, "the host port is never ready");
        }
        self.step(1);
        self.sim.set(self.valid, 0);
        for _ in 0..2 {
            if self.sim.get(self.response_valid) == 1 {
                let (data, error) = (self.sim.get(self.response_data), self.sim.get(self.response_error));
                self.step(1);
                return if error == 1 { Err(Refused) } else { Ok(data) };
            }
            self.step(1);
        }
        panic!("no response");
    }

    /// Clock cycles; an assertion that fails is a bug.
    pub fn step(&mut self, cycles: u64) {
        if let Err(failure) = self.sim.step(cycles) {
            panic!("{failure}");
        }
    }

    /// Writes whole words.
    pub fn write_words(&mut self, address: u32, words: &[u64]) {
        self.write_each((address..).step_by(8).zip(words.iter().copied()).collect());
    }

    /// Writes each word to its address.
    pub fn write_each(&mut self, words: Vec<(u32, u64)>) {
        self.stream(true, words);
    }

    /// Reads whole words.
    pub fn read_words(&mut self, address: u32, count: usize) -> Vec<u64> {
        self.stream(false, (address..).step_by(8).map(|address| (address, 0)).take(count).collect())
    }

    /// One request for each word, one a cycle; the responses' data.
    fn stream(&mut self, write: bool, words: Vec<(u32, u64)>) -> Vec<u64> {
        let mut responses = vec![];
        let mut sent = 0;
        let mut cycles = 0;
        self.sim.set(self.write, write.into());
        self.sim.set(self.lanes, 0xff);
        while responses.len() < words.len() {
            self.sim.set(self.valid, (sent < words.len()).into());
            let (address, data) = words.get(sent).copied().unwrap_or_default();
            self.sim.set(self.address, address.into());
            self.sim.set(self.data, data);
            if self.sim.get(self.response_valid) == 1 {
                assert_eq!(self.sim.get(self.response_error), 0, "what is asked for is there");
                responses.push(self.sim.get(self.response_data));
            }
            let taken = sent < words.len() && self.sim.get(self.ready) == 1;
            self.step(1);
            sent += usize::from(taken);
            cycles += 1;
            assert!(cycles < 100_000 + 2 * words.len(), "the host port does not answer");
        }
        self.sim.set(self.valid, 0);
        responses
    }

    /// Reads a register.
    pub fn register(&mut self, register: Register) -> u64 {
        self.request(false, register.address(), 0, 0).expect("a register that can be read")
    }

    /// Starts a program.
    pub fn start(&mut self, start: u32) {
        self.request(true, isa::register::START.address(), start.into(), 0xff).expect("no program runs");
    }

    /// A program runs.
    pub fn is_running(&mut self) -> bool {
        self.sim.get(self.running) == 1
    }

    /// Starts a program and waits until it ends; panics after `limit` cycles.
    pub fn run(&mut self, start: u32, limit: u64) {
        self.start(start);
        self.wait(limit);
    }

    /// Waits until the program ends; panics after `limit` cycles.
    pub fn wait(&mut self, limit: u64) {
        let mut cycles = 0;
        while self.is_running() {
            self.step(1);
            cycles += 1;
            assert!(cycles < limit, "the program runs for more than {limit} cycles");
        }
    }
}
