//! The native simulator and Verilator behind one trait; the ports of a fabric.

use rtl::Design;
use rtl::sim::{InputPort, OutputPort, Simulator};

/// A running design. Ports are numbered as the design lists them.
pub trait Simulation {
    fn set(&mut self, input: usize, value: u64);
    fn step(&mut self);
    fn get(&mut self, output: usize) -> u64;
    /// Resets and clears what was on its way.
    fn reset(&mut self);
}

/// On the native simulator.
pub struct Native {
    sim: Simulator,
    inputs: Vec<InputPort>,
    outputs: Vec<OutputPort>,
}

impl Native {
    pub fn new(design: &Design) -> Native {
        let sim = Simulator::new(design).expect("the design compiles");
        let top = design.top();
        let inputs = top.inputs.iter().map(|port| sim.input(&port.name).expect("a port")).collect();
        let outputs = top.outputs.iter().map(|port| sim.output(&port.name).expect("a port")).collect();
        Native { sim, inputs, outputs }
    }
}

impl Simulation for Native {
    fn set(&mut self, input: usize, value: u64) {
        self.sim.set(self.inputs[input], value);
    }

    fn step(&mut self) {
        self.sim.step(1).unwrap_or_else(|failure| panic!("{failure}"));
    }

    fn get(&mut self, output: usize) -> u64 {
        self.sim.get(self.outputs[output])
    }

    fn reset(&mut self) {
        self.sim.reset(16).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// On Verilator.
pub struct Verilated {
    model: cosim::Model,
    reset: cosim::Port,
    inputs: Vec<cosim::Port>,
    outputs: Vec<cosim::Port>,
}

impl Verilated {
    /// Builds the model; a missing Verilator fails the test with the line that installs it.
    pub fn new(design: &Design) -> Verilated {
        let top = design.top();
        let files = rtl::verilog::emit(design, &rtl::verilog::Options::simulation());
        let mut verilog =
            files.into_iter().fold(cosim::Design::new(&top.name), |d, file| d.source(file.name, file.text));
        verilog = verilog.input("clock", 1).input("reset", 1);
        verilog = top.inputs.iter().fold(verilog, |d, port| d.input(&port.name, port.width as u32));
        verilog = top.outputs.iter().fold(verilog, |d, port| d.output(&port.name, port.width as u32));
        let model = verilog.simulate(&cosim::Options::default()).unwrap_or_else(|error| panic!("{error}"));
        let port = |name: &str| model.port(name).unwrap_or_else(|error| panic!("{error}"));
        let reset = port("reset");
        let inputs = top.inputs.iter().map(|input| port(&input.name)).collect();
        let outputs = top.outputs.iter().map(|output| port(&output.name)).collect();
        Verilated { model, reset, inputs, outputs }
    }
}

impl Simulation for Verilated {
    fn set(&mut self, input: usize, value: u64) {
        self.model.set_u64(self.inputs[input], value);
    }

    fn step(&mut self) {
        self.model.step(1).unwrap_or_else(|error| panic!("{error}"));
    }

    fn get(&mut self, output: usize) -> u64 {
        self.model.get_u64(self.outputs[output])
    }

    fn reset(&mut self) {
        self.model.set_u64(self.reset, 1);
        self.model.step(16).unwrap_or_else(|error| panic!("{error}"));
        self.model.set_u64(self.reset, 0);
    }
}
