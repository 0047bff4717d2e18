//! The AMP, cycle by cycle, against `amp_model`: random steps, preloads and drains as close to each other as the
//! contract table allows, with random stalls of the drain. Every output is compared in every cycle.

use accumulators::{AccumulatorKind, Amp, AmpConfig, Target};
use golden::{Activation, OutputType, Overflow, ReadOut};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rtl::Bits;
use rtl::sim::{InputPort, OutputPort, Simulator};

use crate::SEED;
use crate::amp_model::{Drain, Inputs, Model, Outputs, PRELOAD_CYCLES, Preload, Row, Step, step_read_cycles};
use crate::numbers::{FP16_CORNERS, FP32_CORNERS, fp16_in, fp32_with_exponent, pick};
use crate::weight_store::{Write, pack16};

const CYCLES: u64 = 4000;

/// Rows in use: few, so that the shortest distances between steps of one row occur often.
const ROWS: usize = 5;

fn fp16(rng: &mut SmallRng) -> u16 {
    match rng.random_range(0..64) {
        0 => pick(rng, &FP16_CORNERS),
        1..=8 => fp16_in(rng, 0..=30),
        _ => fp16_in(rng, 8..=18),
    }
}

fn fp32(rng: &mut SmallRng) -> u32 {
    match rng.random_range(0..16) {
        0 => pick(rng, &FP32_CORNERS),
        1 => rng.random(),
        // -2^55, the lowest number of the exact accumulator.
        2 => 0xdb00_0000,
        _ => {
            let exponent = rng.random_range(95..150);
            fp32_with_exponent(rng, exponent)
        }
    }
}

fn lanes(rng: &mut SmallRng) -> u16 {
    if rng.random() { 0xffff } else { rng.random() }
}

/// How often something came as early as the contract table allows.
#[derive(Clone, Copy, Debug, Default)]
struct Tight {
    /// Steps `loop_cycles` after the last of their row.
    steps: u64,
    /// Steps in the cycle after a preload of their row.
    steps_after_preload: u64,
    /// Preloads whose write follows a step's immediately.
    preloads: u64,
    /// Drains in the cycle after a write of their row.
    drains: u64,
    /// Steps that read the half in which a drained word waits.
    forced: u64,
}

/// Chooses what the contract table allows.
struct Driver {
    config: AmpConfig,
    rng: SmallRng,
    cycle: u64,
    /// For each row of each half, the first cycle in which it may be stepped, preloaded and drained.
    step_from: [[u64; ROWS]; 2],
    preload_from: [[u64; ROWS]; 2],
    drain_from: [[u64; ROWS]; 2],
    /// Cycle and half of the steps whose states are still to be written.
    steps: Vec<(u64, usize)>,
    /// Cycle and row of the last preload.
    preloaded: Option<(u64, Row)>,
    /// Half from whose memory a drained word has not moved on yet.
    waiting: Option<usize>,
    tight: Tight,
}

impl Driver {
    fn new(config: AmpConfig) -> Driver {
        let never = [[0; ROWS]; 2];
        Driver {
            config,
            rng: SmallRng::seed_from_u64(SEED),
            cycle: 0,
            step_from: never,
            preload_from: never,
            drain_from: never,
            steps: vec![],
            preloaded: None,
            waiting: None,
            tight: Tight::default(),
        }
    }

    /// A row that is free by `from`, or none.
    fn row(&mut self, from: fn(&Driver) -> &[[u64; ROWS]; 2], not_half: Option<usize>) -> Option<Row> {
        let at = Row { half: self.rng.random_range(0..2), row: self.rng.random_range(0..ROWS) };
        (from(self)[at.half][at.row] <= self.cycle && not_half != Some(at.half)).then_some(at)
    }

    /// The half of the step issued `age` cycles ago.
    fn half_of_step(&self, age: u64) -> Option<usize> {
        self.steps.iter().find(|(issued, _)| issued + age == self.cycle).map(|&(_, half)| half)
    }

    fn next(&mut self) -> Inputs {
        let (config, now) = (self.config, self.cycle);
        let (step_cycles, loop_cycles) = (config.step_cycles() as u64, config.loop_cycles() as u64);
        self.steps.retain(|(issued, _)| issued + step_cycles >= now);
        let mut inputs = Inputs { advance: self.rng.random_range(0..4) > 0, ..Inputs::default() };
        // A step that reads the half in which a drained word waits must find it moving.
        let reads = self.half_of_step(step_read_cycles(&config));
        let forced = reads.is_some() && reads == self.waiting;
        inputs.advance |= forced;
        self.tight.forced += u64::from(forced);

        if self.rng.random() {
            inputs.weights = Some(Write::random(&mut self.rng, &config, fp16));
        }
        let writes = self.half_of_step(step_cycles - PRELOAD_CYCLES);
        if self.rng.random_range(0..3) == 0
            && let Some(at) = self.row(|driver| &driver.preload_from, writes)
        {
            self.tight.preloads += u64::from(self.preload_from[at.half][at.row] == now);
            let rng = &mut self.rng;
            let numbers = 2 * config.access_words();
            let data = (0..numbers).map(|_| fp32(rng)).collect();
            let word = rng.random_range(0..16 / numbers);
            inputs.preload = Some(Preload { at, word, data, lanes: lanes(rng) });
            let step_from = &mut self.step_from[at.half][at.row];
            *step_from = (*step_from).max(now + 1);
            self.drain_from[at.half][at.row] = now + PRELOAD_CYCLES + 1;
        }
        if self.rng.random_range(0..8) > 0
            && let Some(at) = self.row(|driver| &driver.step_from, None)
        {
            self.tight.steps += u64::from(self.step_from[at.half][at.row] == now);
            self.tight.steps_after_preload += u64::from(now > 0 && self.preloaded == Some((now - 1, at)));
            let rng = &mut self.rng;
            inputs.step = Some(Step {
                at,
                start: rng.random_range(0..8) == 0,
                buffer: rng.random_range(0..2),
                k: rng.random_range(0..config.phases()) * config.terms,
                inputs: (0..config.access_values()).map(|_| fp16(rng)).collect(),
                enable: rng.random::<u32>() | if rng.random() { u32::MAX } else { 0 },
                lanes: lanes(rng),
            });
            self.step_from[at.half][at.row] = now + loop_cycles;
            self.preload_from[at.half][at.row] = now + step_cycles;
            self.drain_from[at.half][at.row] = now + step_cycles + 1;
            self.steps.push((now, at.half));
        }
        if let Some(preload) = &inputs.preload {
            self.preloaded = Some((now, preload.at));
        }
        if inputs.advance {
            if self.rng.random_range(0..4) > 0
                && let Some(at) = self.row(|driver| &driver.drain_from, reads)
            {
                self.tight.drains += u64::from(self.drain_from[at.half][at.row] == now);
                let rng = &mut self.rng;
                let output = if rng.random() { OutputType::Fp16 } else { OutputType::Fp32 };
                let numbers = config.access_words() * if output == OutputType::Fp16 { 4 } else { 2 };
                let options = ReadOut {
                    output,
                    overflow: if rng.random() { Overflow::Saturate } else { Overflow::ToInfinity },
                    activation: if rng.random() { Activation::Relu } else { Activation::None },
                };
                let (empty, word) = (rng.random_range(0..8) == 0, rng.random_range(0..16 / numbers));
                inputs.drain = Some(Drain { at, empty, word, options, stochastic: rng.random(), lanes: lanes(rng) });
            }
            self.waiting = inputs.drain.as_ref().map(|drain| drain.at.half);
        }
        self.cycle += 1;
        inputs
    }
}

/// The AMP on the native simulator.
struct Hardware {
    sim: Simulator,
    done: OutputPort,
    result_valid: OutputPort,
    result: OutputPort,
    flags: [OutputPort; 5],
    counts: [OutputPort; 3],
    draw: OutputPort,
    /// What gives the random words.
    random: golden::Random,
}

impl Hardware {
    fn new(config: AmpConfig) -> Hardware {
        let design = rtl::elaborate(&Amp { config }).unwrap_or_else(|errors| panic!("{errors}"));
        let mut sim = Simulator::new(&design).expect("the design compiles");
        sim.reset(2).unwrap_or_else(|failure| panic!("{failure}"));
        let output = |name: &str| sim.output(name).expect("a port");
        let flags =
            ["invalid", "overflow", "underflow", "inexact", "headroom"].map(|name| output(&format!("flags_{name}")));
        Hardware {
            done: output("done"),
            result_valid: output("result_valid"),
            result: output("result"),
            flags,
            counts: ["nans", "overflows", "zeroed"].map(|name| output(&format!("counts_{name}"))),
            draw: output("draw"),
            random: golden::Random::from_seed(SEED as u32),
            sim,
        }
    }

    fn port(&self, name: &str) -> InputPort {
        self.sim.input(name).expect("a port")
    }

    fn set(&mut self, name: &str, value: impl Into<u64>) {
        self.sim.set(self.port(name), value.into());
    }

    fn set_bits(&mut self, name: &str, value: &Bits) {
        self.sim.set_bits(self.port(name), value);
    }

    fn set_row(&mut self, request: &str, at: Row) {
        self.set(&format!("{request}_at_half"), at.half as u64);
        self.set(&format!("{request}_at_row"), at.row as u64);
    }

    /// The outputs in this cycle, then a clock edge.
    fn cycle(&mut self, config: &AmpConfig, inputs: &Inputs) -> Outputs {
        self.set("advance", inputs.advance);
        self.set("weights_valid", inputs.weights.is_some());
        if let Some(write) = &inputs.weights {
            self.set("weights_buffer", write.buffer as u64);
            self.set("weights_transposed", write.transposed);
            self.set("weights_row", write.row as u64);
            self.set("weights_word", write.word as u64);
            self.set_bits("weights_data", &pack16(&write.values));
        }
        self.set("step_valid", inputs.step.is_some());
        if let Some(step) = &inputs.step {
            self.set_row("step", step.at);
            self.set("step_start", step.start);
            self.set("step_weights_buffer", step.buffer as u64);
            self.set("step_weights_k", step.k as u64);
            self.set_bits("step_inputs", &pack16(&step.inputs));
            self.set("step_enable", step.enable & ((1 << config.terms) - 1));
            self.set("step_lanes", step.lanes);
        }
        self.set("preload_valid", inputs.preload.is_some());
        if let Some(preload) = &inputs.preload {
            self.set_row("preload", preload.at);
            self.set("preload_word", preload.word as u64);
            let words: Vec<u64> =
                preload.data.chunks(2).map(|two| u64::from(two[1]) << 32 | u64::from(two[0])).collect();
            self.set_bits("preload_data", &Bits::from_words(&words, config.access_bits()));
            self.set("preload_lanes", preload.lanes);
        }
        self.set("drain_valid", inputs.drain.is_some());
        if let Some(drain) = &inputs.drain {
            self.set_row("drain", drain.at);
            self.set("drain_empty", drain.empty);
            self.set("drain_word", drain.word as u64);
            self.set("drain_mode_fp16", drain.options.output == OutputType::Fp16);
            self.set("drain_mode_saturate", drain.options.overflow == Overflow::Saturate);
            self.set("drain_mode_relu", drain.options.activation == Activation::Relu);
            self.set("drain_mode_stochastic", drain.stochastic);
            self.set("drain_lanes", drain.lanes);
        }
        let mut drawn = self.random;
        for word in 0..2 * config.access_words() {
            self.set(&format!("random_{word}"), drawn.next_u64());
        }
        if self.sim.get(self.draw) == 1 {
            self.random = drawn;
        }
        let flags = self.flags.iter().rev().fold(0, |bits, &flag| bits << 1 | self.sim.get(flag));
        let [nans, overflows, zeroed] = self.counts.map(|count| self.sim.get(count));
        let outputs = Outputs {
            done: self.sim.get(self.done) == 1,
            result: (self.sim.get(self.result_valid) == 1).then(|| self.sim.get_bits(self.result)),
            flags: golden::Flags::from_bits(flags as u32),
            counts: golden::Counts { nans, overflows, zeroed },
        };
        self.sim.step(1).unwrap_or_else(|failure| panic!("{failure}"));
        outputs
    }
}

/// Runs one configuration.
fn compare(config: AmpConfig) {
    let (mut driver, mut model, mut hardware) = (Driver::new(config), Model::new(config), Hardware::new(config));
    let (mut steps, mut results, mut raised, mut counted) = (0, 0, 0, golden::Counts::NONE);
    for cycle in 0..CYCLES {
        let inputs = driver.next();
        let expected = model.cycle(&inputs);
        let found = hardware.cycle(&config, &inputs);
        assert_eq!(found, expected, "{config:?}, cycle {cycle}, with {inputs:x?}");
        steps += u64::from(expected.done);
        results += u64::from(expected.result.is_some() && inputs.advance);
        raised |= expected.flags.to_bits();
        counted += expected.counts;
    }
    let possible = if config.accumulator == AccumulatorKind::Fp32 { 0b01111 } else { 0b11111 };
    assert_eq!(raised, possible, "flags raised, HR first");
    println!("  {:<10} {steps} steps of 16 lanes, {results} result words; {:?}", config.suffix(), driver.tight);
    assert!(steps > CYCLES / 4 && results > CYCLES / 8, "{steps} steps, {results} result words");
    assert!(counted.nans > 20 && counted.overflows > 20, "{counted:?}");
    let Tight { steps, steps_after_preload, preloads, drains, forced } = driver.tight;
    for (what, count) in [
        ("steps", steps),
        ("steps just after their preload", steps_after_preload),
        ("preloads", preloads),
        ("drains", drains),
        ("drains that had to move on", forced),
    ] {
        assert!(count > 10, "{count} {what} as early as the contract allows");
    }
}

#[test]
fn the_amp_does_what_its_contract_says_in_every_cycle() {
    println!("seed {SEED:#x}, {CYCLES} cycles each");
    for terms in [1, 2, 4, 8, 16] {
        for accumulator in [AccumulatorKind::Fp32, AccumulatorKind::EXACT] {
            compare(AmpConfig { terms, rows: 16, accumulator, target: Target::StandardCells });
        }
    }
    for (terms, accumulator) in [(1, AccumulatorKind::EXACT), (4, AccumulatorKind::EXACT), (4, AccumulatorKind::Fp32)] {
        compare(AmpConfig { terms, rows: 16, accumulator, target: Target::Fpga });
    }
}

#[test]
#[should_panic(expected = "half_1_keeps_its_drained_word")]
fn a_step_that_replaces_a_drained_word_is_noticed() {
    let target = Target::StandardCells;
    let config = AmpConfig { terms: 4, rows: 16, accumulator: AccumulatorKind::Fp32, target };
    let mut hardware = Hardware::new(config);
    let at = Row { half: 1, row: 0 };
    let inputs = vec![0; config.access_values()];
    let step = Step { at, start: true, buffer: 0, k: 0, inputs, enable: 0, lanes: 0 };
    let drain = Drain { at, empty: false, word: 0, options: ReadOut::default(), stochastic: false, lanes: 0 };
    assert_eq!(step_read_cycles(&config), 1, "the step reads one cycle after the drain");
    hardware.cycle(&config, &Inputs { step: Some(step), drain: Some(drain), advance: true, ..Inputs::default() });
    // The word waits in the cycle in which the step reads its state.
    hardware.cycle(&config, &Inputs::default());
}
