//! Circuits of one line, for the examples in this crate's documentation.

use std::fmt;

use crate::builder::Builder;
use crate::design::Design;
use crate::module::{Module, Ports, elaborate};
use crate::signal::Signal;
use crate::sim::Simulator;

crate::bundle! {
    /// What a circuit computes.
    pub struct Output {
        /// The one output.
        pub result: Signal,
    }
}

struct Circuit<F, const N: usize> {
    widths: [usize; N],
    body: F,
}

impl<F, const N: usize> fmt::Debug for Circuit<F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Circuit of {:?}", self.widths)
    }
}

impl<F: Fn(&Builder, [Signal; N]) -> Signal, const N: usize> Module for Circuit<F, N> {
    type In = Vec<Signal>;
    type Out = Output;

    fn name(&self) -> String {
        "example".into()
    }

    fn inputs(&self, ports: &Ports) -> Vec<Signal> {
        self.widths.iter().zip('a'..='z').map(|(&width, name)| ports.input(&name.to_string(), width)).collect()
    }

    fn build(&self, m: &Builder, io: Vec<Signal>) -> Output {
        m.unused(io.clone());
        Output { result: (self.body)(m, io.try_into().expect("as many as declared")) }
    }
}

/// A module with inputs `a`, `b`, ... of these widths, and the output `result`. Refusals come as text.
pub fn circuit<const N: usize>(
    widths: [usize; N],
    body: impl Fn(&Builder, [Signal; N]) -> Signal,
) -> Result<Design, String> {
    elaborate(&Circuit { widths, body }).map_err(|errors| errors.0[0].message.clone())
}

/// Width and value of what `body` makes of operands, each a width and a value.
pub fn eval<const N: usize>(operands: [(usize, u64); N], body: impl Fn([Signal; N]) -> Signal) -> (usize, u64) {
    let design = circuit(operands.map(|(width, _)| width), |_, inputs| body(inputs)).expect("a legal circuit");
    let mut sim = Simulator::new(&design).expect("no loop");
    set_inputs(&mut sim, operands.map(|(_, value)| value));
    let result = sim.output("result").expect("every circuit has it");
    (sim.get_bits(result).width(), sim.get(result))
}

/// The result in each cycle after a reset: before the clock edge, with that cycle's inputs.
pub fn run<const N: usize, const CYCLES: usize>(
    widths: [usize; N],
    cycles: [[u64; N]; CYCLES],
    body: impl Fn(&Builder, [Signal; N]) -> Signal,
) -> [u64; CYCLES] {
    let mut sim = Simulator::new(&circuit(widths, body).expect("a legal circuit")).expect("no loop");
    let result = sim.output("result").expect("every circuit has it");
    sim.reset(1).expect("no assertion fails in reset");
    cycles.map(|inputs| {
        set_inputs(&mut sim, inputs);
        let value = sim.get(result);
        sim.step(1).expect("no assertion fails");
        value
    })
}

fn set_inputs<const N: usize>(sim: &mut Simulator, values: [u64; N]) {
    for (value, name) in values.into_iter().zip('a'..='z') {
        let port = sim.input(&name.to_string()).expect("one for each value");
        sim.set(port, value);
    }
}
