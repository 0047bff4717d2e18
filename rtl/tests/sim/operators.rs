//! Every operator against a reference in integers without a width, with inputs and with constants as operands.

use crate::reference::{Random, State, evaluate, to_big, to_bits};
use num_bigint::BigUint;
use rtl::design::Design;
use rtl::sim::Simulator;
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, cat, elaborate, lit, mux, select};

bundle! {
    struct Inputs { values: Vec<Signal> }
}
bundle! {
    struct Outputs { results: Vec<Signal> }
}

/// Every operator once, on operands of two widths; some operands are constants if so chosen.
#[derive(Debug)]
struct Operators {
    wide: usize,
    narrow: usize,
    constants: Option<u64>,
}

impl Module for Operators {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "operators".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        let widths = [self.wide, self.wide, self.narrow, 1];
        Inputs { values: widths.iter().enumerate().map(|(i, &width)| ports.input(&format!("x_{i}"), width)).collect() }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let mut values = io.values.clone();
        if let Some(seed) = self.constants {
            let mut random = Random(seed);
            for value in &mut values {
                if random.below(2) == 0 {
                    *value = lit(random.bits(value.width()), value.width());
                }
            }
        }
        let (a, b, c, s) = (values[0], values[1], values[2], values[3]);
        let low = self.wide / 3;
        let high = (low + 1).max(self.wide - self.wide / 5);
        let options: Vec<Signal> = vec![a, b, !a, a, b - a];
        let wire = m.wire("chosen", self.wide);
        wire.set(a);
        m.when(s, || wire.set(b)).otherwise(|| {
            m.when(a.lt(b), || wire.set(!b));
        });
        let results = vec![
            !a,
            a & b,
            a | b,
            a ^ b,
            a + b,
            a - b,
            -a,
            a.widening_add(b),
            a * c,
            c * a,
            a * b,
            a.mul_signed(c),
            a.mul_signed(b),
            a.eq(b),
            a.ne(b),
            a.lt(b),
            a.le(b),
            a.lt_signed(b),
            a.ge_signed(b),
            a.any(),
            a.all(),
            a.parity(),
            a.shift_left(c),
            a.shift_right(c),
            a.shift_right_signed(c),
            c.shift_left(a),
            c.shift_right(a),
            c.shift_right_signed(a),
            mux(s, a, b),
            select(c, &options),
            select(s, &options[..3]),
            a.bits(low..high),
            cat([a, c, s, b]),
            cat([c, a]).bits(self.narrow.min(low)..self.wide),
            a.sign_extend(self.wide + self.narrow),
            c.zero_extend(self.wide + self.narrow),
            s.repeat(self.wide) & a,
            a << low,
            a >> low,
            wire.value,
        ];
        Outputs { results }
    }
}

/// Compares the outputs of a simulation with the reference for `rounds` random inputs; returns how many it compared.
fn compare(design: &Design, random: &mut Random, rounds: usize, what: &str) -> usize {
    let mut sim = Simulator::new(design).unwrap();
    let top = design.top();
    let inputs: Vec<_> = top.inputs.iter().map(|port| (sim.input(&port.name).unwrap(), port.width)).collect();
    let outputs: Vec<_> = top.outputs.iter().map(|port| (sim.output(&port.name).unwrap(), port)).collect();
    let mut compared = 0;
    for _ in 0..rounds {
        let values: Vec<Bits> = inputs.iter().map(|&(_, width)| random.bits(width)).collect();
        for (value, &(port, _)) in values.iter().zip(&inputs) {
            sim.set_bits(port, value);
        }
        let big: Vec<BigUint> = values.iter().map(to_big).collect();
        let expected = evaluate(top, &State { inputs: big, ..State::default() });
        for &(output, port) in &outputs {
            let expected = to_bits(&expected[port.node.0 as usize], port.width);
            let found = sim.get_bits(output);
            let op = &top.node(port.node).op;
            assert_eq!(found, expected, "{what}: output {} ({op:?}) of {values:?}", port.name);
            compared += 1;
        }
    }
    compared
}

#[test]
fn every_operator_agrees_with_integers_at_every_width() {
    let mut random = Random(1);
    let mut compared = 0;
    for wide in 1..=300 {
        let narrow = random.width().min(wide.max(9));
        let design = elaborate(&Operators { wide, narrow, constants: None }).unwrap();
        compared += compare(&design, &mut random, 12, &format!("widths {wide} and {narrow}"));
    }
    assert_eq!(compared, 300 * 12 * 40);
}

#[test]
fn constant_operands_fold_to_the_same_values() {
    let mut random = Random(2);
    let mut compared = 0;
    for round in 0..500 {
        let (wide, narrow) = (random.width(), random.width());
        let design = elaborate(&Operators { wide, narrow, constants: Some(round) }).unwrap();
        compared += compare(&design, &mut random, 4, &format!("round {round}, widths {wide} and {narrow}"));
    }
    assert_eq!(compared, 500 * 4 * 40);
}
