//! Random programs: the tile and the golden model end with the same memory, flags, counters and errors.

use golden::{Counts, Outcome};
use isa::{ErrorCode, register};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tile::{Accumulator, TileConfig};

use crate::host::Host;
use crate::random_program::{PROGRAM_BYTES, Program, random_program};
use crate::{SEED, small};

/// What golden makes of a program: the memory that it lives in, and how it ended.
pub fn expect(config: &TileConfig, program: &Program) -> (Vec<u64>, Outcome) {
    let mut golden = crate::golden(config);
    let words = program.memory.len();
    golden.memory[..words].copy_from_slice(&program.memory);
    let outcome = golden.run(program.start);
    assert_eq!(outcome.error, ErrorCode::None, "the program is legal: {outcome:x?}");
    golden.memory.truncate(words);
    (golden.memory, outcome)
}

/// Loads a program into the tile and clears the flags.
pub fn load(host: &mut Host, program: &Program) {
    host.write_words(0, &program.memory);
    host.request(true, register::FLAGS.address(), 0xff, 0xff).expect("flags can be cleared");
}

/// The program has ended as golden's did; returns how many words were compared.
pub fn assert_ended(host: &mut Host, (memory, outcome): &(Vec<u64>, Outcome)) -> usize {
    let status = host.register(register::STATUS);
    assert_eq!(status, 2, "done, without an error: {status:x} at {:x}", host.register(register::ERROR_ADDRESS));
    assert_same(&host.read_words(0, memory.len()), memory);
    assert_eq!(host.register(register::FLAGS), u64::from(outcome.flags.to_bits()), "flags");
    assert_eq!(host.register(register::AMP_ROWS), outcome.row_steps, "row steps");
    let [nans, overflows, zeroed] =
        [register::AMP_NANS, register::AMP_OVERFLOWS, register::AMP_ZEROED].map(|counter| host.register(counter));
    assert_eq!(Counts { nans, overflows, zeroed }, outcome.amp_counts, "counts");
    memory.len()
}

/// Word by word.
pub fn assert_same(found: &[u64], expected: &[u64]) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "word at byte {:#x}: {found:016x}, golden has {expected:016x}", 8 * i);
    }
}

fn random_programs_agree(terms: usize, accumulator: Accumulator, rows: usize, count: usize) {
    let config = small(terms, accumulator, rows);
    let mut rng = StdRng::seed_from_u64(SEED);
    println!("{config:?}, seed {SEED:#x}");
    let mut host = Host::new(&config);
    let mut words = 0;
    for _ in 0..count {
        let program = random_program(&config, &mut rng);
        load(&mut host, &program);
        host.run(program.start, 1_000_000);
        words += assert_ended(&mut host, &expect(&config, &program));
    }
    println!("{count} programs, {words} words compared");
    assert_eq!(words, count * PROGRAM_BYTES as usize / 8);
}

#[test]
fn random_programs_agree_fp32_t4() {
    random_programs_agree(4, Accumulator::Fp32, 64, 30);
}

#[test]
fn random_programs_agree_exact_t4() {
    random_programs_agree(4, Accumulator::Exact, 64, 30);
}

#[test]
fn random_programs_agree_fp32_t1() {
    random_programs_agree(1, Accumulator::Fp32, 16, 30);
}

#[test]
fn random_programs_agree_exact_t2() {
    random_programs_agree(2, Accumulator::Exact, 32, 30);
}

#[test]
fn random_programs_agree_fp32_t8() {
    random_programs_agree(8, Accumulator::Fp32, 64, 30);
}

#[test]
fn random_programs_agree_exact_t16() {
    random_programs_agree(16, Accumulator::Exact, 64, 30);
}
