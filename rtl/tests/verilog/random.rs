//! Random circuits: unnamed values used once and many times, wires and registers under random conditions. Every tool
//! accepts their text, and it means what they mean.

use rtl::verilog::Options;
use rtl::{Bits, Builder, Module, Ports, Register, Signal, bundle, cat, elaborate, lit, mux, select};

use crate::meaning::compare;
use crate::tools::assert_clean;

/// SplitMix64; the seed is in every message.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Often small, zero or all ones.
    pub fn bits(&mut self, width: usize) -> Bits {
        let words: Vec<u64> = (0..width.div_ceil(64)).map(|_| self.next()).collect();
        match self.below(6) {
            0 => Bits::from_u64(self.below(4) as u64, width),
            1 => Bits::ones(width),
            _ => Bits::from_words(&words, width),
        }
    }
}

bundle! {
    struct In { x: Vec<Signal> }
}
bundle! {
    struct Out { y: Vec<Signal> }
}

/// A circuit that depends on nothing but its seed.
#[derive(Debug)]
struct RandomCircuit {
    seed: u64,
}

/// A value of `width` bits made from any value.
fn pick(random: &mut Random, values: &[Signal], width: usize) -> Signal {
    // Recent values more often, so that expressions nest.
    let recent = values.len().min(6);
    let index = if random.below(2) == 0 { random.below(values.len()) } else { values.len() - 1 - random.below(recent) };
    let value = values[index];
    match (value.width() > width, random.below(2)) {
        (true, _) => {
            let low = random.below(value.width() - width + 1);
            value.bits(low..low + width)
        }
        (false, 0) => value.zero_extend(width),
        (false, _) => value.sign_extend(width),
    }
}

impl RandomCircuit {
    fn operation(random: &mut Random, values: &[Signal]) -> Signal {
        let width = [1, 1, 2, 5, 8, 13, 32, 33, 40, 64, 65, 70][random.below(12)];
        let a = pick(random, values, width);
        let b = pick(random, values, width);
        let s = pick(random, values, 1);
        let any = values[random.below(values.len())];
        let number = 1 + random.below(100) as u64;
        match random.below(26) {
            0 => !a,
            1 => a & b,
            2 => a | b,
            3 => a ^ b,
            4 => a + b,
            5 => a - b,
            6 => -a,
            7 => a * any.truncate(any.width().min(20)),
            8 => a.mul_signed(any.truncate(any.width().min(20))),
            9 => a.eq(b),
            10 => a.ne(b),
            11 => a.lt(b),
            12 => a.le(b),
            13 => a.lt_signed(b),
            14 => a.any() & !b.all(),
            15 => a.parity() | a.is_zero(),
            16 => a.shift_left(any),
            17 => a.shift_right(any),
            18 => a.shift_right_signed(any),
            19 => mux(s, a, b),
            20 => mux(s, mux(!s, b, a), mux(a.any(), a, b)),
            21 => select(any, [a, b, !b, b, a & b, a]),
            22 => cat([a, s, s, b, b]).truncate((2 * width).min(90)),
            23 => a & s.repeat(width),
            24 if width > 7 => a + lit(number, width),
            _ if width > 7 => a.ge(lit(number, width)),
            _ => a ^ !b,
        }
    }
}

impl Module for RandomCircuit {
    type In = In;
    type Out = Out;

    fn name(&self) -> String {
        format!("random_{}", self.seed)
    }

    fn inputs(&self, ports: &Ports) -> In {
        let mut random = Random(self.seed);
        In { x: (0..5).map(|i| ports.input(&format!("x_{i}"), [1, 3, 8, 33, 66][random.below(5)])).collect() }
    }

    fn build(&self, m: &Builder, io: In) -> Out {
        m.unused(io.x.clone());
        let random = &mut Random(self.seed + 1);
        let mut values = io.x;
        let register = |i: usize, random: &mut Random| {
            let register = m.register(&format!("state_{i}"), [1, 6, 33][random.below(3)]);
            let value = random.bits(register.q.width());
            if random.below(2) == 0 { register.reset(lit(value, register.q.width())) } else { register }
        };
        let registers: Vec<Register> = (0..5).map(|i| register(i, random)).collect();
        values.extend(registers.iter().map(|register| register.q));
        for step in 0..40 {
            let next = Self::operation(random, &values);
            let next = match random.below(12) {
                0 => next.named(format!("value_{step}")),
                1 => {
                    let wire = m.wire(&format!("wire_{step}"), next.width());
                    wire.set(pick(random, &values, next.width()));
                    m.when(pick(random, &values, 1), || wire.set(next)).otherwise(|| {
                        m.when(pick(random, &values, 1), || wire.set(pick(random, &values, next.width())));
                    });
                    wire.value
                }
                2 => {
                    let wire = m.wire(&format!("wire_{step}"), next.width());
                    wire.set(next);
                    wire.value
                }
                _ => next,
            };
            values.push(next);
        }
        for register in &registers {
            let width = register.q.width();
            let (s, t) = (pick(random, &values, 1), pick(random, &values, 1));
            let (a, b) = (pick(random, &values, width), pick(random, &values, width));
            match random.below(4) {
                0 => register.set(a),
                1 => drop(m.when(s, || register.set(a))),
                2 => m.when(s, || register.set(a)).or_when(t, || register.set(b)).otherwise(|| register.set(!a)),
                _ => {
                    register.set(b);
                    m.when(s, || drop(m.when(t, || register.set(a))))
                        .otherwise(|| m.when(t, || {}).otherwise(|| register.set(a + b)));
                }
            }
        }
        let outputs: Vec<Signal> = (0..6).map(|_| values[values.len() - 1 - random.below(20)]).collect();
        Out { y: outputs.into_iter().chain(registers.iter().map(|register| register.q)).collect() }
    }
}

#[test]
fn random_circuits_are_clean() {
    for seed in 0..25 {
        assert_clean(&elaborate(&RandomCircuit { seed }).unwrap(), &Options::default());
    }
}

#[test]
fn random_circuits_mean_the_same() {
    let mut compared = 0;
    for seed in 0..60 {
        let design = elaborate(&RandomCircuit { seed }).unwrap();
        let mut random = Random(seed);
        let has_reset = design.top().has_reset;
        compared += compare(&design, 60, |_| {
            let reset = has_reset.then(|| Bits::from_u64((random.below(20) == 0) as u64, 1));
            reset.into_iter().chain(design.top().inputs.iter().map(|port| random.bits(port.width))).collect()
        });
    }
    assert_eq!(compared, 60 * 60 * 11);
}
