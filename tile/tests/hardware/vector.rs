//! Vector commands: the tile and the golden model end with the same memory, flags, counters and random bits.

use golden::{Counts, Outcome, Tile as GoldenTile};
use isa::{ErrorCode, ProgramBuilder, VectorDescriptor, VectorOperation, register};
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

/// Thirty programs of sixteen commands, then one of each operation alone, so that a difference names it.
#[test]
fn random_vector_programs_agree() {
    for terms in [4, 16] {
        let mut rng = StdRng::seed_from_u64(SEED);
        println!("T = {terms}, seed {SEED:#x}");
        let mut pair = Pair::new(&config(terms));
        let operations = VectorOperation::NAMES.iter().map(|name| VectorOperation(name.value as u8));
        let alone = operations.clone().map(|operation| vec![operation]);
        let operations: Vec<VectorOperation> = operations.collect();
        let together = (0..30).map(|_| (0..16).map(|_| operations[rng.random_range(0..operations.len())]).collect());
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
        assert_eq!(commands, operations.len() + 30 * 16);
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
