//! Vector commands: the tile and the golden model end with the same memory, flags, counters and random bits.

use golden::{Counts, Outcome, Tile as GoldenTile};
use isa::register::Status;
use isa::{
    AmpDescriptor, Command, EngineMask, ErrorCode, ListEntry, ProgramBuilder, VectorDescriptor, VectorOperation,
    VectorSource, register,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tile::vector_engine::{COMMAND_CYCLES, FUNCTION_CYCLES, HALVING_CYCLES};
use tile::{Accumulator, TileConfig};

use crate::host::Host;
use crate::programs::assert_same;
use crate::vector_program::{PROGRAM_WORDS, START, elements_a_beat, random_descriptor, random_word, with_commands};
use crate::{SEED, small};

fn config(terms: usize) -> TileConfig {
    TileConfig { vector: true, ..small(terms, Accumulator::Fp32, 16) }
}

/// The tile and the golden model, side by side: what one program leaves, the next finds.
struct Pair {
    host: Host,
    golden: GoldenTile,
}

impl Pair {
    fn new(config: &TileConfig) -> Pair {
        Pair { host: Host::new(config), golden: crate::golden(config) }
    }

    fn load(&mut self, memory: &[u64]) {
        self.host.write_words(0, memory);
        self.golden.memory[..memory.len()].copy_from_slice(memory);
        self.host.request(true, register::FLAGS.address(), 0xff, 0xff).expect("flags can be cleared");
        self.golden.flags = golden::Flags::NONE;
    }

    /// Runs a program that is wrong in both, and compares code and address.
    fn refuse(&mut self, what: &str, expected: ErrorCode) {
        self.host.run(START, 100_000);
        let outcome = self.golden.run(START);
        assert_eq!(outcome.error, expected, "{what}: golden's code");
        let status = Status::decode(&[self.host.register(register::STATUS)]).expect("reserved bits are zero");
        assert_eq!(status.error(), Some(expected), "{what}: the tile's code ({status:?})");
        let address = self.host.register(register::ERROR_ADDRESS);
        assert_eq!(address, u64::from(outcome.error_address), "{what}: address {address:#x}");
    }

    /// Runs the program in both, and compares.
    fn run(&mut self) -> Outcome {
        self.host.run(START, 100_000);
        let outcome = self.golden.run(START);
        assert_eq!(outcome.error, ErrorCode::None, "the program is legal: {outcome:x?}");
        let status = self.host.register(register::STATUS);
        assert_eq!(status, 2, "done: {status:x} at {:x}", self.host.register(register::ERROR_ADDRESS));
        assert_same(&self.host.read_words(0, PROGRAM_WORDS), &self.golden.memory[..PROGRAM_WORDS]);
        assert_eq!(self.host.register(register::FLAGS), u64::from(outcome.flags.to_bits()), "flags");
        let counted = [register::VECTOR_NANS, register::VECTOR_OVERFLOWS, register::VECTOR_ZEROED];
        let Counts { nans, overflows, zeroed } = outcome.vector_counts;
        assert_eq!(counted.map(|counter| self.host.register(counter)), [nans, overflows, zeroed], "counters");
        outcome
    }
}

/// Ten programs of sixteen commands, after one of each operation alone, so that a difference names it.
#[test]
fn random_vector_programs_agree() {
    for terms in [4, 16] {
        let mut rng = StdRng::seed_from_u64(SEED);
        println!("T = {terms}, seed {SEED:#x}");
        let mut pair = Pair::new(&config(terms));
        let operations = VectorOperation::NAMES.iter().map(|name| VectorOperation(name.value as u8));
        let alone = operations.clone().map(|operation| vec![operation]);
        let operations: Vec<VectorOperation> = operations.collect();
        let together = (0..10).map(|_| (0..16).map(|_| operations[rng.random_range(0..operations.len())]).collect());
        let programs: Vec<Vec<VectorOperation>> = alone.chain(together).collect();
        let mut commands = 0;
        for program in programs {
            let memory = (0..PROGRAM_WORDS).map(|_| random_word(&mut rng)).collect();
            let descriptors: Vec<_> =
                program.into_iter().map(|operation| random_descriptor(operation, &mut rng)).collect();
            pair.load(&with_commands(memory, &descriptors));
            pair.run();
            commands += descriptors.len();
        }
        assert_eq!(commands, operations.len() + 10 * 16);
    }
}

/// Cycles of a program of one command, and the beats of its elements: a, b, c and results have a bank each, and so have
/// program and descriptor.
fn command_cycles(host: &mut Host, operation: VectorOperation, fp16: bool, rows: u32, columns: u32) -> (usize, usize) {
    let bank = config(4).bank_bytes() as u32;
    let row_words = (columns / if fp16 { 4 } else { 2 }) as i32;
    let descriptor = VectorDescriptor {
        operation,
        a_fp16: fp16,
        b_fp16: fp16,
        c_fp16: fp16,
        result_fp16: fp16,
        rows,
        columns,
        a_address: bank,
        a_stride_x: 1,
        a_stride_y: row_words,
        b_address: 2 * bank,
        b_stride_x: 1,
        b_stride_y: row_words,
        c_address: 3 * bank,
        c_stride_x: 1,
        c_stride_y: row_words,
        result_address: 4 * bank,
        result_stride_x: 1,
        result_stride_y: row_words,
        ..VectorDescriptor::default()
    };
    let mut program = ProgramBuilder::new(0);
    program.vector_with(descriptor).halt();
    for segment in program.finish().expect("a program").segments {
        host.write_words(segment.address, &segment.words);
    }
    host.run(0, 10_000);
    assert_eq!(host.register(register::STATUS), 2, "done");
    (host.register(register::CYCLES) as usize, (rows * columns / elements_a_beat(&descriptor)) as usize)
}

#[test]
fn streams_in_banks_of_their_own_run_at_the_full_rate() {
    // The sequencer's: VECTOR is fetched. HALT is while the engine works.
    const FETCH_CYCLES: usize = 4;
    let mut host = Host::new(&config(4));
    let mut compared = 0;
    for (operation, extra_cycles) in [
        (VectorOperation::COPY, 0),
        (VectorOperation::FMA, 0),
        (VectorOperation::EXP, FUNCTION_CYCLES),
        (VectorOperation::SUM, HALVING_CYCLES),
        (VectorOperation::DOT, HALVING_CYCLES),
    ] {
        for (fp16, (rows, columns)) in
            [false, true].into_iter().flat_map(|fp16| [(1, 4), (1, 8), (5, 16), (3, 100), (1, 1000)].map(|s| (fp16, s)))
        {
            let (cycles, beats) = command_cycles(&mut host, operation, fp16, rows, columns);
            let times = if operation.is_reduction() { rows as usize } else { 1 };
            let expected = FETCH_CYCLES + COMMAND_CYCLES + beats + times * extra_cycles;
            assert_eq!(cycles, expected, "{operation:?}, FP16 {fp16}, {rows} x {columns}");
            compared += 1;
        }
    }
    assert_eq!(compared, 5 * 2 * 5);
}

/// One row of 8 FP32 elements; c is a constant.
fn legal() -> VectorDescriptor {
    VectorDescriptor {
        operation: VectorOperation::FMA,
        c_source: VectorSource::CONSTANT,
        rows: 3,
        columns: 8,
        a_address: 0x400,
        a_stride_x: 1,
        a_stride_y: 4,
        b_address: 0x800,
        b_stride_x: 1,
        b_stride_y: 4,
        result_address: 0x1400,
        result_stride_x: 1,
        result_stride_y: 4,
        ..VectorDescriptor::default()
    }
}

#[test]
fn bad_vector_programs_stop_with_code_and_address_and_the_tile_recovers() {
    let config = config(4);
    let beyond = config.memory_bytes() as u32;
    let mut pair = Pair::new(&config);
    let mut rng = StdRng::seed_from_u64(SEED);
    let good = legal();
    let function = VectorDescriptor { operation: VectorOperation::TANH, ..good };
    use ErrorCode as E;
    let descriptors = [
        ("no rows", VectorDescriptor { rows: 0, ..good }, E::BadDescriptor),
        ("no columns", VectorDescriptor { columns: 0, ..good }, E::BadDescriptor),
        ("operation 13", VectorDescriptor { operation: VectorOperation(13), ..good }, E::BadDescriptor),
        ("operation 27", VectorDescriptor { operation: VectorOperation(27), ..good }, E::BadDescriptor),
        ("source of a", VectorDescriptor { a_source: VectorSource(3), ..good }, E::BadDescriptor),
        ("source of c", VectorDescriptor { c_source: VectorSource(3), ..good }, E::BadDescriptor),
        ("a function that converts", VectorDescriptor { result_fp16: true, ..function }, E::BadDescriptor),
        ("a function that saturates", VectorDescriptor { saturate: true, ..function }, E::BadDescriptor),
        ("a function that draws", VectorDescriptor { stochastic: true, ..function }, E::BadDescriptor),
        ("misaligned a", VectorDescriptor { a_address: 0x404, ..good }, E::Misaligned),
        ("misaligned b", VectorDescriptor { b_address: 0x801, ..good }, E::Misaligned),
        ("misaligned results", VectorDescriptor { result_address: 0x1402, ..good }, E::Misaligned),
        ("a beyond", VectorDescriptor { a_address: beyond - 8, ..good }, E::OutOfRange),
        ("b before", VectorDescriptor { b_stride_y: -0x200, ..good }, E::OutOfRange),
        ("results beyond", VectorDescriptor { result_address: beyond - 64, ..good }, E::OutOfRange),
    ];
    let commands = [
        ("reserved bit of VECTOR", Command::Vector { descriptor: 0 }.encode().expect("fits") | 1 << 40, E::BadCommand),
        ("misaligned descriptor", Command::Vector { descriptor: 0x2801 }.encode().expect("fits"), E::Misaligned),
        ("descriptor beyond", Command::Vector { descriptor: beyond }.encode().expect("fits"), E::OutOfRange),
        ("descriptor across", Command::Vector { descriptor: beyond - 48 }.encode().expect("fits"), E::OutOfRange),
        ("WAIT for the exchange", Command::Wait { engines: EngineMask(6) }.encode().expect("fits"), E::Unsupported),
    ];
    let mut memory: Vec<u64> = (0..PROGRAM_WORDS).map(|_| random_word(&mut rng)).collect();
    let legal_program = with_commands(memory.clone(), &[good, function, good]);
    let mut refused = 0;
    let mut refuse = |what: &str, memory: &[u64], expected: ErrorCode| {
        pair.load(memory);
        pair.refuse(what, expected);
        pair.load(&legal_program);
        pair.run();
        refused += 1;
    };
    for (what, descriptor, expected) in descriptors {
        refuse(what, &with_commands(memory.clone(), &[descriptor]), expected);
    }
    for (what, command, expected) in commands {
        memory = with_commands(memory, &[good]);
        memory[START as usize / 8] = command;
        refuse(what, &memory, expected);
    }
    // Of what is not looked at, nothing is wrong.
    let ignored = VectorDescriptor { b_source: VectorSource(3), c_address: 7, b_address: 5, ..function };
    pair.load(&with_commands(memory.clone(), &[ignored]));
    pair.run();
    assert_eq!(refused, 15 + 5);
}

#[test]
fn vector_commands_run_right_after_a_stop() {
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut pair = Pair::new(&config(4));
    for operation in [VectorOperation::FMA, VectorOperation::SQRT, VectorOperation::SUM] {
        let memory: Vec<u64> = (0..PROGRAM_WORDS).map(|_| random_word(&mut rng)).collect();
        let memory = with_commands(memory, &[VectorDescriptor { operation, ..legal() }; 3]);
        pair.load(&memory);
        for cycles in [5, 17, 30, 45, 60, 80] {
            pair.host.start(START);
            pair.host.step(cycles);
            pair.host.request(true, register::STOP.address(), 0, 0xff).expect("STOP");
            assert_eq!(pair.host.register(register::STATUS), u64::from(ErrorCode::Stopped.code()) << 8);
        }
        pair.load(&memory);
        pair.run();
    }
}

/// An AMP command and vector commands at once, on memory of their own.
#[test]
fn the_amp_and_the_vector_engine_work_at_the_same_time() {
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut pair = Pair::new(&config(4));
    let vector = VectorDescriptor { columns: 160, a_stride_y: 0, b_stride_y: 0, result_stride_y: 0, ..legal() };
    let amp = AmpDescriptor {
        rows_x: 16,
        rows_y: 1,
        columns: 16,
        input_address: 0x3400,
        input_stride_x: 4,
        weight_address: 0x3800,
        weight_stride: 4,
        result_address: 0x4400,
        result_stride_x: 8,
        ..AmpDescriptor::default()
    };
    let entry = ListEntry { k_count_minus_1: 15, x_last: 15, ..ListEntry::default() };
    let mut cycles = vec![];
    for (amps, vectors) in [(1, 0), (0, 1), (1, 1)] {
        let mut program = ProgramBuilder::new(START);
        (0..4 * amps).for_each(|_| _ = program.amp_with(amp, &[entry; 8]));
        (0..vectors).for_each(|_| _ = program.vector_with(vector));
        program.halt();
        let mut memory: Vec<u64> = (0..0x4000 / 8).map(|_| random_word(&mut rng) & 0x3fff_3fff_3fff_3fff).collect();
        for segment in program.finish().expect("a program").segments {
            let at = segment.address as usize / 8;
            memory[at..at + segment.words.len()].copy_from_slice(&segment.words);
        }
        pair.load(&memory);
        pair.run();
        let words = pair.golden.memory.len();
        assert_same(&pair.host.read_words(0, words), &pair.golden.memory);
        cycles.push(pair.host.register(register::CYCLES));
        let busy = pair.host.register(register::VECTOR_CYCLES);
        assert_eq!(busy > 200, vectors > 0, "{busy} cycles of the vector engine");
    }
    println!("AMP alone, vector engine alone, both: {cycles:?} cycles");
    assert!(cycles[2] < cycles[0] + cycles[1] - 200, "they overlap");
}
