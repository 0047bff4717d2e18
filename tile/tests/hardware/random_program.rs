//! Random programs: every feature of descriptors and lists, numbers of every class.

use isa::{Activation, AmpDescriptor, Command, ControlRegister, EngineMask, ListEntry};
use rand::Rng;
use rand::rngs::StdRng;
use tile::{Accumulator, TileConfig};

/// FP16 values: mostly moderate, some of every class.
fn fp16(rng: &mut StdRng) -> u16 {
    match rng.random_range(0..40) {
        0 => rng.random::<u16>(),
        1 => rng.random::<u16>() & 0x83ff,
        2 => 0x8000 * rng.random_range(0..2u16),
        3 => 0x7800 | rng.random::<u16>() & 0x83ff,
        _ => rng.random_range(0x2c00..0x4400u16) | rng.random::<u16>() & 0x8000,
    }
}

fn fp32(rng: &mut StdRng) -> u32 {
    match rng.random_range(0..10) {
        0 => rng.random(),
        1 => (rng.random_range(0x3000_0000..0x4d00_0000u32)) | rng.random::<u32>() & 0x8000_0000,
        _ => rng.random_range(0x3d00_0000..0x4400_0000u32) | rng.random::<u32>() & 0x8000_0000,
    }
}

/// Exact sums: of all magnitudes, some infinite or no number.
fn exact_sum(rng: &mut StdRng) -> [u64; 2] {
    let number = rng.random::<i128>() >> rng.random_range(16..128);
    let flags = if rng.random_range(0..20) == 0 { rng.random_range(0..8u128) } else { 0 };
    let number = number as u128 & ((1 << isa::exact_sum::NAN_BIT) - 1);
    let sum = number | flags << isa::exact_sum::NAN_BIT;
    [sum as u64, (sum >> 64) as u64]
}

/// Bytes that a random program lives in.
pub const PROGRAM_BYTES: u32 = 24 << 10;

/// Memory: operands in the lower part, results above, program and lists on top.
pub struct Program {
    /// The first [`PROGRAM_BYTES`].
    pub memory: Vec<u64>,
    /// Byte address of the first command.
    pub start: u32,
    /// AMP, WAIT, and HALT at the end.
    pub commands: Vec<Command>,
}

/// A legal program of short commands or of long ones.
pub fn random_program(config: &TileConfig, rng: &mut StdRng) -> Program {
    let bytes = PROGRAM_BYTES;
    let access = 8 * config.amp().access_words() as u32;
    let (partials_at, exact_sums_at, results_at, program_at) = (8 << 10, 10 << 10, 11 << 10, bytes - (4 << 10));
    let mut memory: Vec<u64> =
        (0..bytes / 8).map(|_| (0..4).fold(0, |word, i| word | u64::from(fp16(rng)) << (16 * i))).collect();
    for word in &mut memory[partials_at as usize / 8..exact_sums_at as usize / 8] {
        *word = u64::from(fp32(rng)) | u64::from(fp32(rng)) << 32;
    }
    for pair in memory[exact_sums_at as usize / 8..results_at as usize / 8].chunks_mut(2) {
        pair.copy_from_slice(&exact_sum(rng));
    }
    let exact = config.accumulator == Accumulator::Exact;
    // Inputs and weights stay below the partial sums: what a command reads, no command writes.
    let mut at = program_at;
    let mut commands = vec![Command::Set { register: ControlRegister::SEED_AMP, value: rng.random() }];
    let mut result = results_at;
    // Many short commands fill the queue, the ring and both halves; long ones fill the accumulators.
    let short = rng.random();
    for _ in 0..if short { rng.random_range(5..=12) } else { rng.random_range(1..=5) } {
        let rows_x = rng.random_range(1..=config.rows as u32);
        let rows_y = rng.random_range(1..=config.rows as u32 / rows_x);
        let (rows_x, rows_y) = if short || rng.random() { (rows_x.min(3), rows_y.min(3)) } else { (rows_x, rows_y) };
        let columns = rng.random_range(1..=16u32);
        let result_fp16: bool = rng.random();
        let activation = if rng.random() { Activation::RELU } else { Activation::NONE };
        let rows = rows_x * rows_y;
        let fits = rows * (16 * columns).next_multiple_of(access) <= program_at - results_at;
        let plain = !result_fp16 && activation == Activation::NONE;
        let result_exact = exact && plain && fits && rng.random();
        let result_bytes = if result_exact {
            16
        } else if result_fp16 {
            2
        } else {
            4
        };
        let row_words = (columns * result_bytes).next_multiple_of(access) / 8;
        let partial_exact = exact && rng.random();
        if result + rows * row_words * 8 > program_at {
            result = results_at;
            commands.push(Command::Wait { engines: EngineMask::AMP });
        }
        let list_count = rng.random_range(1..=4);
        let list_address = at;
        for _ in 0..list_count {
            let pick = |rng: &mut StdRng, count: u32| {
                let first = rng.random_range(0..count);
                let last = rng.random_range(first..count);
                if rng.random() { (0, count - 1) } else { (first, last) }
            };
            let ((x_first, x_last), (y_first, y_last)) = (pick(rng, rows_x), pick(rng, rows_y));
            let k = if rng.random() { 16 } else { rng.random_range(1..=16u32) };
            let entry = ListEntry {
                input_offset: rng.random_range(-16..16i32) * (access / 8) as i32,
                weight_block: rng.random_range(0..64) * (access / 8),
                k_count_minus_1: k - 1,
                transposed: rng.random_range(0..4) == 0,
                x_first,
                x_last,
                y_first,
                y_last,
            };
            memory[at as usize / 8] = entry.encode().expect("fits")[0];
            at += 8;
        }
        let words = (access / 8) as i32;
        let stride = |rng: &mut StdRng, limit: u32| rng.random_range(-(limit as i32)..=limit as i32) * words;
        let backwards = rng.random();
        let direction = if backwards { -1 } else { 1 };
        let descriptor = AmpDescriptor {
            rows_x,
            rows_y,
            columns,
            partial_in: rng.random(),
            result_fp16,
            result_exact,
            saturate: rng.random(),
            activation,
            list_count,
            partial_exact,
            stochastic: rng.random(),
            input_address: 5120 + rng.random_range(0..512 / access) * access,
            input_stride_x: stride(rng, (2048 / access / rows_x).min(3)),
            input_stride_y: stride(rng, (2048 / access / rows_y).min(9)),
            list_address,
            weight_address: 1536 + rng.random_range(0..64) * access,
            weight_stride: 4 * rng.random_range(-3..4),
            result_address: if backwards { result + (rows - 1) * row_words * 8 } else { result },
            result_stride_x: direction * row_words as i32,
            result_stride_y: direction * (row_words * rows_x) as i32,
            partial_address: if partial_exact { exact_sums_at } else { partials_at },
            partial_stride_x: rng.random_range(0..2) * words,
            partial_stride_y: 0,
        };
        result += rows * row_words * 8;
        commands.push(Command::Amp { descriptor: at });
        for word in descriptor.encode().expect("fits") {
            memory[at as usize / 8] = word;
            at += 8;
        }
    }
    commands.push(Command::Halt);
    let start = at;
    for command in &commands {
        memory[at as usize / 8] = command.encode().expect("fits");
        at += 8;
    }
    assert!(at <= bytes, "the program fits");
    Program { memory, start, commands }
}
