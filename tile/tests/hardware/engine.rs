//! The AMP engine alone, on a memory whose ports are ready when they like. In the tile the results port always is:
//! nothing comes before it in any bank.

use accumulators::AmpConfig;
use golden::{Flags, Random};
use isa::{Command, ControlRegister};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtl::Bits;
use rtl::sim::{InputPort, OutputPort, Simulator};
use tile::Accumulator;
use tile::engine::AmpEngine;
use tile::sram::LATENCY_CYCLES;

use crate::programs::{assert_same, expect};
use crate::random_program::random_program;
use crate::{SEED, small};

/// A port that is ready for a while, then not for a while.
struct Readiness {
    port: InputPort,
    ready: bool,
    pace: Pace,
}

/// How long a port is ready and how long it is not, in cycles, on average.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    ready: u32,
    busy: u32,
}

const ALWAYS: Pace = Pace { ready: 1, busy: 0 };

impl Readiness {
    fn next(&mut self, sim: &mut Simulator, rng: &mut StdRng) {
        let mean_cycles = if self.ready { self.pace.ready } else { self.pace.busy };
        if self.pace == ALWAYS {
            self.ready = true;
        } else if rng.random_range(0..mean_cycles) == 0 {
            self.ready = !self.ready;
        }
        sim.set(self.port, self.ready.into());
    }
}

/// A read port of the memory.
struct ReadPort {
    readiness: Readiness,
    request_valid: OutputPort,
    request_address: OutputPort,
    valid: InputPort,
    data: InputPort,
    words: usize,
    /// What is on its way, the next to arrive last.
    coming: [Option<Bits>; LATENCY_CYCLES],
}

impl ReadPort {
    fn new(sim: &Simulator, name: &str, words: usize) -> ReadPort {
        let input = |part: &str| sim.input(&format!("{name}_{part}")).expect("a port");
        let output = |part: &str| sim.output(&format!("{name}_request_{part}")).expect("a port");
        ReadPort {
            readiness: Readiness { port: input("ready"), ready: true, pace: ALWAYS },
            request_valid: output("valid"),
            request_address: output("address"),
            valid: input("valid"),
            data: input("data"),
            words,
            coming: Default::default(),
        }
    }

    /// Drives the inputs of a cycle.
    fn drive(&mut self, sim: &mut Simulator, rng: &mut StdRng) {
        self.readiness.next(sim, rng);
        self.coming.rotate_right(1);
        let arrives = self.coming[0].take();
        sim.set(self.valid, arrives.is_some().into());
        if let Some(data) = arrives {
            sim.set_bits(self.data, &data);
        }
    }

    /// Takes the request of the cycle.
    fn take(&mut self, sim: &mut Simulator, memory: &[u64]) {
        if self.readiness.ready && sim.get(self.request_valid) == 1 {
            let word = sim.get(self.request_address) as usize / 8;
            self.coming[0] = Some(Bits::from_words(&memory[word..word + self.words], 64 * self.words));
        }
    }
}

/// The engine and the memory.
struct Bench {
    sim: Simulator,
    memory: Vec<u64>,
    flags: Flags,
    /// Cycles in which a result waited.
    results_waited: u64,
    rng: StdRng,
    reads: [ReadPort; 4],
    results: Readiness,
    result_valid: OutputPort,
    result_address: OutputPort,
    result_data: OutputPort,
    flag_ports: [OutputPort; 5],
    command_valid: InputPort,
    command_address: InputPort,
    command_ready: OutputPort,
    idle: OutputPort,
    random: Random,
    random_words: Vec<InputPort>,
    draw: OutputPort,
}

impl Bench {
    fn new(config: AmpConfig) -> Bench {
        let design = rtl::elaborate(&AmpEngine { config }).unwrap_or_else(|errors| panic!("{errors}"));
        let mut sim = Simulator::new(&design).expect("the design compiles");
        sim.reset(2).expect("no assertion fails in reset");
        let words = config.access_words();
        let read = |name: &str, words: usize| ReadPort::new(&sim, name, words);
        let output = |name: &str| sim.output(name).expect("a port");
        let input = |name: &str| sim.input(name).expect("a port");
        Bench {
            memory: vec![],
            flags: Flags::NONE,
            results_waited: 0,
            rng: StdRng::seed_from_u64(SEED),
            reads: [read("inputs", words), read("weights", words), read("partials", words), read("lists", 1)],
            results: Readiness { port: input("results_ready"), ready: true, pace: ALWAYS },
            result_valid: output("results_request_valid"),
            result_address: output("results_request_address"),
            result_data: output("results_request_data"),
            flag_ports: ["invalid", "overflow", "underflow", "inexact", "headroom"]
                .map(|name| output(&format!("flags_{name}"))),
            command_valid: input("command_valid"),
            command_address: input("command_address"),
            command_ready: output("command_ready"),
            idle: output("idle"),
            random: Random::from_seed(0),
            random_words: (0..2 * words).map(|word| input(&format!("random_{word}"))).collect(),
            draw: output("draw"),
            sim,
        }
    }

    /// One clock cycle, with a command if there is one; returns whether it was taken.
    fn cycle(&mut self, command: Option<u32>) -> bool {
        let Bench { sim, rng, .. } = self;
        self.reads.iter_mut().for_each(|port| port.drive(sim, rng));
        self.results.next(sim, rng);
        sim.set(self.command_valid, command.is_some().into());
        sim.set(self.command_address, command.unwrap_or(0).into());

        let mut drawn = self.random;
        self.random_words.iter().for_each(|&word| sim.set(word, drawn.next_u64()));
        if sim.get(self.draw) == 1 {
            self.random = drawn;
        }

        self.reads.iter_mut().for_each(|port| port.take(sim, &self.memory));
        if sim.get(self.result_valid) == 1 {
            if self.results.ready {
                let word = sim.get(self.result_address) as usize / 8;
                let data = sim.get_bits(self.result_data);
                self.memory[word..word + data.words().len()].copy_from_slice(data.words());
            } else {
                self.results_waited += 1;
            }
        }
        let flags = self.flag_ports.iter().rev().fold(0, |bits, &port| bits << 1 | sim.get(port));
        self.flags |= Flags::from_bits(flags as u32);
        let taken = command.is_some() && sim.get(self.command_ready) == 1;
        if let Err(failure) = sim.step(1) {
            panic!("{failure}");
        }
        taken
    }

    /// Cycles until the condition holds.
    fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Bench) -> bool) {
        for _ in 0..1_000_000 {
            if holds(self) {
                return;
            }
        }
        panic!("{what} never happens");
    }

    fn run(&mut self, commands: &[Command]) {
        for &command in commands {
            match command {
                Command::Amp { descriptor } => {
                    self.until("the command is taken", |bench| bench.cycle(Some(descriptor)));
                }
                Command::Set { register: ControlRegister::SEED_AMP, value } => self.random = Random::from_seed(value),
                _ => self.until("the engine is idle", |bench| {
                    bench.cycle(None);
                    bench.sim.get(bench.idle) == 1
                }),
            }
        }
    }
}

/// How the results port is ready, and how the others are. Results that mostly wait keep a half for long, so that the
/// command after the next stands ready to step it; those that come in bursts leave their last word behind.
const PACES: [(Pace, Pace); 4] = [
    (Pace { ready: 2, busy: 2 }, ALWAYS),
    (Pace { ready: 4, busy: 60 }, ALWAYS),
    (Pace { ready: 40, busy: 40 }, Pace { ready: 3, busy: 3 }),
    (ALWAYS, Pace { ready: 10, busy: 10 }),
];

fn ports_that_are_not_ready_change_nothing(terms: usize, accumulator: Accumulator) {
    let config = small(terms, accumulator, 16);
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut bench = Bench::new(config.amp());
    println!("{config:?}, seed {SEED:#x}");
    for (results, others) in PACES {
        bench.results.pace = results;
        bench.reads.iter_mut().for_each(|port| port.readiness.pace = others);
        bench.results_waited = 0;
        for _ in 0..20 {
            let program = random_program(&config, &mut rng);
            let (memory, outcome) = expect(&config, &program);
            bench.memory = program.memory;
            bench.flags = Flags::NONE;
            bench.run(&program.commands);
            assert_same(&bench.memory, &memory);
            assert_eq!(bench.flags, outcome.flags, "flags");
        }
        println!("results {results:?}, others {others:?}: results waited {} cycles", bench.results_waited);
        assert_eq!(bench.results_waited > 100, results != ALWAYS);
    }
}

#[test]
fn ports_that_are_not_ready_change_nothing_fp32_t4() {
    ports_that_are_not_ready_change_nothing(4, Accumulator::Fp32);
}

#[test]
fn ports_that_are_not_ready_change_nothing_exact_t1() {
    ports_that_are_not_ready_change_nothing(1, Accumulator::Exact);
}

#[test]
fn ports_that_are_not_ready_change_nothing_fp32_t16() {
    ports_that_are_not_ready_change_nothing(16, Accumulator::Fp32);
}
