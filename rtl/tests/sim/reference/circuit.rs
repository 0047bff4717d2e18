//! Random circuits.

use rtl::{Builder, Module, Ports, Register, Signal, bundle, cat, lit, mux, select};

use super::Random;

bundle! {
    pub struct Inputs { pub values: Vec<Signal> }
}
bundle! {
    pub struct Outputs { pub results: Vec<Signal> }
}

/// Operators and registers that pick their operands among everything that is there.
#[derive(Debug)]
pub struct RandomCircuit {
    pub seed: u64,
    pub registers: usize,
}

impl RandomCircuit {
    /// Widths of the inputs.
    pub fn input_widths(&self) -> Vec<usize> {
        let mut random = Random(self.seed);
        (0..6).map(|_| random.width()).collect()
    }

    /// Any value, cut or extended to `width`.
    pub fn operand(random: &mut Random, values: &[Signal], width: usize) -> Signal {
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
        let widths = self.input_widths();
        Inputs {
            values: widths.iter().enumerate().map(|(i, &width)| ports.input(&format!("values_{i}"), width)).collect(),
        }
    }

    fn build(&self, m: &Builder, io: Inputs) -> Outputs {
        let random = &mut Random(self.seed + 1);
        let mut values = io.values;
        values.push(lit(1, 1));
        values.push(lit(random.bits(70), 70));
        let registers: Vec<Register> = (0..self.registers)
            .map(|i| {
                let register = m.register(&format!("register_{i}"), [1, 8, 64, 130][random.below(4)]);
                let value = random.bits(register.q.width());
                if random.below(2) == 0 { register.reset(lit(value, register.q.width())) } else { register }
            })
            .collect();
        values.extend(registers.iter().map(|register| register.q));
        if self.registers > 0 {
            values.push(m.reset());
        }
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
        for register in &registers {
            let width = register.q.width();
            // A chain or a ring, where another register is as wide; held where no condition holds.
            let other = registers[random.below(registers.len())].q;
            let next = if other.width() == width { other } else { Self::operand(random, &values, width) };
            let (s, t) = (Self::operand(random, &values, 1), Self::operand(random, &values, 1));
            match random.below(3) {
                0 => register.set(next),
                1 => drop(m.when(s, || register.set(next))),
                _ => m
                    .when(s, || {
                        register.set(next);
                        m.when(t, || register.set(Self::operand(random, &values, width)));
                    })
                    .otherwise(|| {
                        m.when(t, || register.set(!next));
                    }),
            }
        }
        Outputs { results: values[8..].to_vec() }
    }
}
