//! A testbench for the tile in Verilog: the host of one product, recorded from the golden model.
//!
//! The planner and the host's side of a run are those of `tessera matmul`. Here they talk to the golden model's tile,
//! and every access is written down; the testbench makes the same accesses through the host port.

use std::fmt::Write;

use golden::Start;
use isa::{Register, register};
use kernels::device::{Device, DeviceError, GoldenDevice};
use kernels::matmul::{MatmulProblem, Operands, plan, run_matmul};
use kernels::random::Random;
use tile::TileConfig;

use crate::failure::Failure;

/// Name of the testbench's module.
pub const NAME: &str = "tile_tb";

/// Rows, columns and terms of the product: several blocks in each direction, and blocks that are not full.
const SHAPE: (usize, usize, usize) = (20, 24, 40);

/// What the host does.
enum Step {
    Write {
        address: u32,
        data: u64,
    },
    Read {
        address: u32,
        expected: u64,
    },
    /// Until the program ends.
    Wait,
}

/// The golden model's tile, and what its host did.
struct Recorder {
    device: GoldenDevice,
    steps: Vec<Step>,
}

impl Device for Recorder {
    fn name(&self) -> &'static str {
        self.device.name()
    }

    fn write_memory(&mut self, address: u32, words: &[u64]) -> Result<(), DeviceError> {
        let addresses = (address..).step_by(isa::WORD_BYTES as usize);
        self.steps.extend(addresses.zip(words).map(|(address, &data)| Step::Write { address, data }));
        self.device.write_memory(address, words)
    }

    fn read_memory(&mut self, address: u32, words: usize) -> Result<Vec<u64>, DeviceError> {
        let read = self.device.read_memory(address, words)?;
        let addresses = (address..).step_by(isa::WORD_BYTES as usize);
        self.steps.extend(addresses.zip(&read).map(|(address, &expected)| Step::Read { address, expected }));
        Ok(read)
    }

    fn write_register(&mut self, register: &Register, value: u64) -> Result<(), DeviceError> {
        self.steps.push(Step::Write { address: register.address(), data: value });
        self.device.write_register(register, value)
    }

    fn read_register(&mut self, register: &Register) -> Result<u64, DeviceError> {
        let value = self.device.read_register(register)?;
        // The others count cycles, of which the golden model has none.
        if [register::STATUS.name, register::FLAGS.name].contains(&register.name) {
            self.steps.push(Step::Read { address: register.address(), expected: value });
        }
        Ok(value)
    }

    fn run(&mut self, cycles: u64) -> Result<bool, DeviceError> {
        self.steps.push(Step::Wait);
        self.device.run(cycles)
    }

    fn simulated_cycles(&self) -> u64 {
        self.device.simulated_cycles()
    }
}

/// The testbench in SystemVerilog, for simulators with and without time steps of their own.
pub fn text(config: &TileConfig) -> Result<String, Failure> {
    let (m, n, k) = SHAPE;
    let failed = |error: &dyn std::fmt::Display| Failure::Run(format!("{NAME}: {error}"));
    let plan = plan(config, &MatmulProblem::new(m, n, k)).map_err(|error| failed(&error))?;
    let mut random = Random::new(0);
    let (a, b) = (random.fp16s(m * k), random.fp16s(k * n));
    let operands = Operands { a: &a, b: &b, start: Start::Zero, residual: None };
    let mut recorder = Recorder { device: GoldenDevice::new(config), steps: vec![] };
    run_matmul(&mut recorder, &plan, &operands, &mut |_| ()).map_err(|error| failed(&error))?;

    let steps = recorder.steps;
    let mut list = String::new();
    for (i, step) in steps.iter().enumerate() {
        let (kind, address, data) = match *step {
            Step::Write { address, data } => ("WRITE", address, data),
            Step::Read { address, expected } => ("READ", address, expected),
            Step::Wait => ("WAIT", 0, 0),
        };
        writeln!(list, "        steps[{i}] = {{{kind}, 24'h{address:06x}, 64'h{data:016x}}};").expect("memory");
    }
    let limit_cycles = 1000 + 20 * steps.len() as u64 + 4 * plan.predicted_cycles();
    let count = steps.len();
    Ok(TEMPLATE
        .replace("@product@", &format!("{m} x {n} x {k}"))
        .replace("@version@", env!("CARGO_PKG_VERSION"))
        .replace("@last@", &(count - 1).to_string())
        .replace("@limit_cycles@", &limit_cycles.to_string())
        .replace("@steps@\n", &list))
}

const TEMPLATE: &str = include_str!("tile_tb.template");
