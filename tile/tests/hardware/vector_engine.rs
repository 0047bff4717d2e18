//! The vector engine alone, on a memory whose ports are ready when they like; and with faults.

use golden::{Counts, Flags, Random};
use isa::{Command, ErrorCode, VectorDescriptor, VectorOperation, VectorSource};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtl::fault::{self, Fault};
use rtl::sim::{InputPort, OutputPort, Simulator};
use tile::vector_engine::VectorEngine;
use tile::{Accumulator, TileConfig};

use crate::vector_program::{PROGRAM_WORDS, START, random_descriptor, random_word, with_commands};
use crate::{SEED, small};

/// Cycles after which a program is given up.
const LIMIT: u64 = 20_000;

/// Words on their way from a read port of the memory, the next to arrive last.
type Coming = [Option<u64>; tile::sram::LATENCY_CYCLES];

struct ReadPort {
    ready: InputPort,
    valid: InputPort,
    data: InputPort,
    request_valid: OutputPort,
    request_address: OutputPort,
    coming: Coming,
}

/// The engine, a memory, random bits.
struct Bench {
    sim: Simulator,
    memory: Vec<u64>,
    random: Random,
    rng: StdRng,
    /// A port is ready in one of so many cycles; in every one if 1.
    pace: u32,
    reads: Vec<ReadPort>,
    results_ready: InputPort,
    /// Valid, address, data, byte enables.
    result: [OutputPort; 4],
    random_words: [InputPort; 2],
    command: [InputPort; 2],
    command_ready: OutputPort,
    idle: OutputPort,
    draw: OutputPort,
    flags: [OutputPort; 4],
    counts: [OutputPort; 3],
}

/// What a program leaves.
#[derive(Debug, PartialEq)]
struct Left {
    memory: Vec<u64>,
    flags: Flags,
    counts: Counts,
    random: Random,
}

impl Bench {
    fn new(injected: Option<(&str, &str, Fault)>) -> Bench {
        let mut design = rtl::elaborate(&VectorEngine).unwrap_or_else(|errors| panic!("{errors}"));
        if let Some((module, signal, fault)) = injected {
            fault::inject(&mut design, module, signal, fault).unwrap_or_else(|error| panic!("{error:?}"));
        }
        let mut sim = Simulator::new(&design).expect("the design compiles");
        sim.reset(2).expect("no assertion fails in reset");
        let input = |name: &str| sim.input(name).expect("an input");
        let output = |name: &str| sim.output(name).expect("an output");
        let reads = (0..3).map(|i| ReadPort {
            ready: input(&format!("operands_{i}_ready")),
            valid: input(&format!("operands_{i}_valid")),
            data: input(&format!("operands_{i}_data")),
            request_valid: output(&format!("operand_requests_{i}_valid")),
            request_address: output(&format!("operand_requests_{i}_address")),
            coming: Coming::default(),
        });
        Bench {
            memory: vec![],
            random: Random::from_seed(0),
            rng: StdRng::seed_from_u64(SEED),
            pace: 1,
            reads: reads.collect(),
            results_ready: input("results_ready"),
            result: ["valid", "address", "data", "lanes"].map(|part| output(&format!("results_request_{part}"))),
            random_words: [input("random_0"), input("random_1")],
            command: [input("command_valid"), input("command_address")],
            command_ready: output("command_ready"),
            idle: output("idle"),
            draw: output("draw"),
            flags: ["invalid", "overflow", "underflow", "inexact"].map(|name| output(&format!("flags_{name}"))),
            counts: ["nans", "overflows", "zeroed"].map(|name| output(&format!("counts_{name}"))),
            sim,
        }
    }

    /// One clock cycle; the command is taken where there is one and the queue has room. An error is a failed assertion or an
    /// address beyond the memory.
    fn cycle(&mut self, command: Option<u32>, left: &mut Left) -> Result<bool, ()> {
        let Bench { sim, rng, pace, memory, .. } = self;
        let mut is_ready = || rng.random_range(0..*pace) == 0;
        let mut ready_reads = vec![];
        for port in &mut self.reads {
            ready_reads.push(is_ready());
            sim.set(port.ready, u64::from(*ready_reads.last().expect("a port")));
            port.coming.rotate_right(1);
            let arrives = port.coming[0].take();
            sim.set(port.valid, arrives.is_some().into());
            sim.set(port.data, arrives.unwrap_or(0xdead));
        }
        let result_ready = is_ready();
        sim.set(self.results_ready, result_ready.into());
        let mut next = self.random;
        for port in self.random_words {
            sim.set(port, next.next_u64());
        }
        sim.set(self.command[0], command.is_some().into());
        sim.set(self.command[1], command.unwrap_or(0).into());

        for (port, ready) in self.reads.iter_mut().zip(ready_reads) {
            if ready && sim.get(port.request_valid) == 1 {
                let word = sim.get(port.request_address) as usize / 8;
                port.coming[0] = Some(*memory.get(word).ok_or(())?);
            }
        }
        let [valid, address, data, lanes] = self.result.map(|port| sim.get(port));
        if result_ready && valid == 1 {
            let mask = (0..8).filter(|i| lanes >> i & 1 == 1).fold(0, |mask, i| mask | 0xff << (8 * i));
            let word = memory.get_mut(address as usize / 8).ok_or(())?;
            *word = *word & !mask | data & mask;
        }
        if sim.get(self.draw) == 1 {
            self.random = next;
        }
        let flags = self.flags.iter().rev().fold(0, |bits, &port| bits << 1 | sim.get(port));
        left.flags |= Flags::from_bits(flags as u32);
        let [nans, overflows, zeroed] = self.counts.map(|port| sim.get(port));
        left.counts += Counts { nans, overflows, zeroed };
        let taken = command.is_some() && sim.get(self.command_ready) == 1;
        sim.step(1).map_err(|_| ())?;
        Ok(taken)
    }

    /// Runs the commands; `None` if that takes for ever or goes wrong in itself.
    fn run(&mut self, memory: Vec<u64>) -> Option<Left> {
        self.memory = memory;
        let mut left = Left { memory: vec![], flags: Flags::NONE, counts: Counts::NONE, random: self.random };
        let mut at = START as usize / 8;
        for _ in 0..LIMIT {
            let command = Command::decode(self.memory[at]).expect("a command");
            let descriptor = match command {
                Command::Vector { descriptor } => Some(descriptor),
                _ if self.sim.get(self.idle) == 1 => {
                    left.memory = std::mem::take(&mut self.memory);
                    left.random = self.random;
                    return Some(left);
                }
                _ => None,
            };
            at += usize::from(self.cycle(descriptor, &mut left).ok()?);
        }
        None
    }
}

/// The programs of a run, and what golden makes of each.
fn programs(count: usize) -> Vec<(Vec<u64>, Left)> {
    let mut rng = StdRng::seed_from_u64(SEED);
    let config = TileConfig { vector: true, ..small(4, Accumulator::Fp32, 16) };
    let mut golden = crate::golden(&config);
    let operations: Vec<_> = VectorOperation::NAMES.iter().map(|name| VectorOperation(name.value as u8)).collect();
    let program = |number: usize| {
        let chosen = (0..8).map(|i| operations[(8 * number + i) % operations.len()]);
        let mut descriptors: Vec<_> = chosen.map(|chosen| random_descriptor(chosen, &mut rng)).collect();
        let (a_source, constant_a) = (VectorSource::CONSTANT, 0x8000_0000);
        let sum = VectorDescriptor {
            a_source,
            constant_a,
            a_fp16: false,
            ..random_descriptor(VectorOperation::SUM, &mut rng)
        };
        descriptors.push(sum); // of negative zeros
        let memory = (0..PROGRAM_WORDS).map(|_| random_word(&mut rng)).collect();
        let memory = with_commands(memory, &descriptors);
        golden.flags = Flags::NONE;
        golden.memory[..PROGRAM_WORDS].copy_from_slice(&memory);
        let outcome = golden.run(START);
        assert_eq!(outcome.error, ErrorCode::None);
        let left = Left {
            memory: golden.memory[..PROGRAM_WORDS].to_vec(),
            flags: outcome.flags,
            counts: outcome.vector_counts,
            random: golden.vector_random,
        };
        (memory, left)
    };
    (0..count).map(program).collect()
}

#[test]
fn ports_that_are_not_ready_change_nothing() {
    let programs = programs(26);
    for pace in [1, 2, 5] {
        let mut bench = Bench::new(None);
        bench.pace = pace;
        for (memory, expected) in &programs {
            let left = bench.run(memory.clone()).expect("the program ends");
            assert!(left == *expected, "pace {pace}");
        }
    }
}

#[test]
fn faults_of_the_vector_engine_are_noticed() {
    use Fault::{BitInverted, BitStuckAtZero, Incremented, Inverted, StuckAtOne, StuckAtZero};
    let programs = programs(26);
    let faults = [
        ("vector_operand", "row_ends", StuckAtZero, "rows never end"),
        ("vector_operand", "next_row", BitInverted(3), "a row begins a word beside its place"),
        ("vector_operand", "element", BitInverted(0), "a bit of a constant or a row scalar"),
        ("vector_operand", "room", StuckAtOne, "more words asked for than there are places"),
        ("vector_issue", "last_lane", StuckAtZero, "one element a beat"),
        ("vector_issue", "last_place", BitStuckAtZero(1), "words of four elements end too late"),
        ("vector_issue", "row_ends", StuckAtZero, "elements beyond the row"),
        ("vector_partial_results", "neutral", BitInverted(31), "sums begin at +0"),
        ("vector_partial_results", "partner_slot", Incremented, "another order of halving"),
        ("vector_partial_results", "lane_1_settles", StuckAtZero, "partial results are lost"),
        ("vector_partial_results", "halves", StuckAtOne, "a level does not wait for the one before"),
        ("vector_results", "odd", Inverted, "a result in the wrong place"),
        ("vector_results", "merged_enables", BitStuckAtZero(7), "a byte is not written"),
        ("vector_results", "advances", StuckAtOne, "a result that waits is lost"),
        ("vector_engine", "rounds_to_fp16", StuckAtZero, "FP32 for FP16 results"),
        ("vector_engine", "stochastic", StuckAtZero, "no stochastic rounding"),
        ("vector_engine", "enters_to_store", StuckAtZero, "nothing is stored"),
    ];
    let mut missed = vec![];
    for (module, signal, fault, what) in faults {
        let mut bench = Bench::new(Some((module, signal, fault)));
        bench.pace = 2;
        let noticed = |(memory, expected): &(Vec<u64>, Left)| bench.run(memory.clone()).as_ref() != Some(expected);
        if !programs.iter().any(noticed) {
            missed.push(format!("{what} ({module}.{signal})"));
        }
    }
    assert_eq!(missed, [""; 0]);
    println!("{} faults noticed", faults.len());
}
