//! The native simulator and Verilator behind one trait.

use rtl::sim::{InputPort, OutputPort, Simulator};
use rtl::{Bits, Design};

/// A running bench. Ports are numbered as the design lists them.
pub trait Simulation {
    /// Drives an input of at most 128 bits.
    fn set(&mut self, input: usize, value: u128);
    /// One rising clock edge.
    fn step(&mut self);
    /// An output of at most 128 bits.
    fn get(&mut self, output: usize) -> u128;
}

/// On the native simulator.
pub struct Native {
    sim: Simulator,
    inputs: Vec<(InputPort, usize)>,
    outputs: Vec<(OutputPort, usize)>,
}

impl Native {
    pub fn new(design: &Design) -> Native {
        let sim = Simulator::new(design).expect("the design compiles");
        let top = design.top();
        let inputs = top.inputs.iter().map(|port| (sim.input(&port.name).expect("a port"), port.width)).collect();
        let outputs = top.outputs.iter().map(|port| (sim.output(&port.name).expect("a port"), port.width)).collect();
        Native { sim, inputs, outputs }
    }
}

impl Simulation for Native {
    fn set(&mut self, input: usize, value: u128) {
        let (port, width) = self.inputs[input];
        if width <= 64 {
            self.sim.set(port, value as u64);
        } else {
            self.sim.set_bits(port, &Bits::from_u128(value, width));
        }
    }

    fn step(&mut self) {
        self.sim.step(1).unwrap_or_else(|failure| panic!("{failure}"));
    }

    fn get(&mut self, output: usize) -> u128 {
        let (port, width) = self.outputs[output];
        if width <= 64 {
            return self.sim.get(port).into();
        }
        let bits = self.sim.get_bits(port);
        bits.words().iter().rev().fold(0, |value, &word| value << 64 | u128::from(word))
    }
}

/// On Verilator.
pub struct Verilated {
    pub model: cosim::Model,
    inputs: Vec<cosim::Port>,
    outputs: Vec<cosim::Port>,
}

impl Verilated {
    /// Builds the model; a missing Verilator fails the test with the line that installs it.
    pub fn new(design: &Design) -> Verilated {
        let top = design.top();
        let options = rtl::verilog::Options::simulation();
        let files = rtl::verilog::emit(design, &options);
        let mut verilog =
            files.into_iter().fold(cosim::Design::new(&top.name), |d, file| d.source(file.name, file.text));
        verilog = verilog.input("clock", 1);
        if top.has_reset {
            verilog = verilog.input("reset", 1); // stays 0
        }
        verilog = top.inputs.iter().fold(verilog, |d, port| d.input(&port.name, port.width as u32));
        verilog = top.outputs.iter().fold(verilog, |d, port| d.output(&port.name, port.width as u32));
        let model = verilog.simulate(&cosim::Options::default()).unwrap_or_else(|error| panic!("{error}"));
        let port = |name: &str| model.port(name).unwrap_or_else(|error| panic!("{error}"));
        let inputs = top.inputs.iter().map(|input| port(&input.name)).collect();
        let outputs = top.outputs.iter().map(|output| port(&output.name)).collect();
        Verilated { model, inputs, outputs }
    }
}

/// The 32-bit words of a value, lowest first.
fn words(value: u128) -> [u32; 4] {
    [0, 32, 64, 96].map(|shift| (value >> shift) as u32)
}

impl Simulation for Verilated {
    fn set(&mut self, input: usize, value: u128) {
        let port = self.inputs[input];
        if port.width_bits() <= 64 {
            self.model.set_u64(port, value as u64);
        } else {
            self.model.set(port, &words(value)[..port.words()]);
        }
    }

    fn step(&mut self) {
        self.model.step(1).unwrap_or_else(|error| panic!("{error}"));
    }

    fn get(&mut self, output: usize) -> u128 {
        let port = self.outputs[output];
        if port.width_bits() <= 64 {
            return self.model.get_u64(port).into();
        }
        let mut words = [0; 4];
        self.model.get(port, &mut words[..port.words()]);
        words.iter().rev().fold(0, |value, &word| value << 32 | u128::from(word))
    }
}
