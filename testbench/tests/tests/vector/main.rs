//! The vector engine in Verilator: random programs of all its operations leave what they leave in the golden model, in
//! the cycles of the native simulator. So do networks and epilogues, which it shares with the AMP engine.

mod networks;

#[path = "../../../../tile/tests/hardware/vector_program.rs"]
#[expect(dead_code, reason = "the tile's own tests use more of it")]
mod vector_program;

use golden::{Counts, Tile as GoldenTile, TileParameters};
use isa::{ErrorCode, VectorOperation, register};
use kernels::device::{Device, NativeTile, VerilatorTile};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tile::TileConfig;
use vector_program::{PROGRAM_WORDS, START, random_descriptor, random_word, with_commands};

const SEED: u64 = 0x7e55_e7a1;
const PROGRAMS: usize = 60;
const COMMANDS: usize = 16;
const LIMIT_CYCLES: u64 = 200_000;

/// A small tile with a vector engine.
fn config() -> TileConfig {
    let (terms, rows, banks, bank_kib) = (1, 16, 32, 4);
    TileConfig { name: "vector".into(), vector: true, terms, rows, banks, bank_kib, ..TileConfig::ipu64() }
}

/// Runs a program and compares what it leaves. Cycles.
fn run(device: &mut dyn Device, golden: &mut GoldenTile, memory: &[u64]) -> u64 {
    golden.memory[..memory.len()].copy_from_slice(memory);
    golden.flags = golden::Flags::NONE;
    let outcome = golden.run(START);
    assert_eq!(outcome.error, ErrorCode::None, "the program is legal");

    device.write_memory(0, memory).expect("memory");
    device.write_register(&register::FLAGS, u64::MAX).expect("flags");
    device.start(START).expect("a start");
    let status = device.wait(LIMIT_CYCLES).and_then(|status| status.halted()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(device.read_memory(0, PROGRAM_WORDS).expect("memory"), golden.memory[..PROGRAM_WORDS]);
    assert_eq!(status.flags, outcome.flags);
    let counters = [register::VECTOR_NANS, register::VECTOR_OVERFLOWS, register::VECTOR_ZEROED];
    let [nans, overflows, zeroed] = counters.map(|counter| device.read_register(&counter).expect("a counter"));
    assert_eq!(Counts { nans, overflows, zeroed }, outcome.vector_counts);
    status.cycles
}

#[test]
fn random_vector_programs_agree_in_verilator_and_take_the_native_cycles() {
    let config = config();
    let golden = || GoldenTile::new(TileParameters::of(&config.configuration(), config.memory_bytes()));
    let (mut of_verilator, mut of_native) = (golden(), golden());
    let mut verilator = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut native = NativeTile::new(&config).expect("a tile");
    let operations: Vec<_> = VectorOperation::NAMES.iter().map(|name| VectorOperation(name.value as u8)).collect();
    let mut random = StdRng::seed_from_u64(SEED);
    println!("seed {SEED:#x}");
    let mut commands = vec![0; operations.len()];
    for program in 0..PROGRAMS {
        let memory = (0..PROGRAM_WORDS).map(|_| random_word(&mut random)).collect();
        let descriptors: Vec<_> = (0..COMMANDS)
            .map(|_| {
                let operation = random.random_range(0..operations.len());
                commands[operation] += 1;
                random_descriptor(operations[operation], &mut random)
            })
            .collect();
        let memory = with_commands(memory, &descriptors);
        let cycles = run(&mut verilator, &mut of_verilator, &memory);
        assert_eq!(cycles, run(&mut native, &mut of_native, &memory), "cycles of program {program}");
    }
    assert!(commands.iter().all(|&count| count >= 10), "of each operation: {commands:?}");
}
