//! Every operator against a reference in integers without a width, alone and in random circuits.

mod sim_reference;

use num_bigint::BigUint;
use rtl::design::Design;
use rtl::sim::Simulator;
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, cat, elaborate, lit, mux, select};
use sim_reference::{Random, evaluate, to_big, to_bits};

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
        let expected = evaluate(top, &big);
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

/// A random expression graph: operators pick operands among everything that is there.
#[derive(Debug)]
struct RandomCircuit {
    seed: u64,
}

impl RandomCircuit {
    /// Any value, cut or extended to `width`.
    fn operand(random: &mut Random, values: &[Signal], width: usize) -> Signal {
        let value = values[random.below(values.len())];
        if value.width() > width {
            let low = random.below(value.width() - width + 1);
            value.bits(low..low + width)
        } else if random.below(2) == 0 {
            value.zero_extend(width)
        } else {
            value.sign_extend(width)
        }
    }
}

impl Module for RandomCircuit {
    type In = Inputs;
    type Out = Outputs;

    fn name(&self) -> String {
        "random_circuit".into()
    }

    fn inputs(&self, ports: &Ports) -> Inputs {
        let mut random = Random(self.seed);
        Inputs { values: (0..6).map(|i| ports.input(&format!("x_{i}"), random.width())).collect() }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let random = &mut Random(self.seed + 1);
        let mut values = io.values;
        values.push(lit(1, 1));
        values.push(lit(random.bits(70), 70));
        for step in 0..60 {
            let width = random.width();
            let a = Self::operand(random, &values, width);
            let b = Self::operand(random, &values, width);
            let s = Self::operand(random, &values, 1);
            let any = values[random.below(values.len())];
            let next = match random.below(22) {
                0 => !a,
                1 => a & b,
                2 => a | b,
                3 => a ^ b,
                4 => a + b,
                5 => a - b,
                6 => a.truncate(a.width().min(80)) * any.truncate(any.width().min(70)),
                7 => a.truncate(a.width().min(80)).mul_signed(any.truncate(any.width().min(70))),
                8 => a.eq(b),
                9 => a.lt(b),
                10 => a.lt_signed(b),
                11 => a.any(),
                12 => a.all(),
                13 => a.parity(),
                14 => a.shift_left(any),
                15 => a.shift_right(any),
                16 => a.shift_right_signed(any),
                17 => mux(s, a, b),
                18 => select(any, [a, b, !b, b, a & b]),
                19 => cat([any, s, s, s, s, a]).truncate(300.min(any.width() + 4 + a.width())),
                20 => a & s.repeat(a.width()),
                _ => {
                    let wire = m.wire(&format!("wire_{step}"), width);
                    wire.set(a);
                    let t = Self::operand(random, &values, 1);
                    m.when(s, || {
                        wire.set(b);
                        m.when(t, || wire.set(!a));
                    })
                    .or_when(t, || wire.set(b + a));
                    wire.value
                }
            };
            values.push(next);
        }
        Outputs { results: values[8..].to_vec() }
    }
}

#[test]
fn random_circuits_agree_with_integers() {
    let mut random = Random(3);
    let mut compared = 0;
    for seed in 0..400 {
        let design = elaborate(&RandomCircuit { seed: 1000 * seed }).unwrap();
        compared += compare(&design, &mut random, 5, &format!("circuit {seed}"));
    }
    assert_eq!(compared, 400 * 5 * 60);
}
