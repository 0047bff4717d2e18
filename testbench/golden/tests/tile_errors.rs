//! Programs that are wrong: each stops with its code and address, and nothing has changed.

mod common;

use common::stimulus::Random;
use golden::{AccumulatorKind, Flags, Tile, TileParameters};

use isa::{AmpDescriptor, Command, ControlRegister, EngineMask, ErrorCode, Limits, ListEntry};

const MEMORY_BYTES: u32 = 0x8000;
const DESCRIPTOR: u32 = 0x0200;
const LIST: u32 = 0x0400;
const PROGRAM: u32 = 0x0100;

fn good_descriptor() -> AmpDescriptor {
    AmpDescriptor {
        rows_x: 4,
        rows_y: 2,
        columns: 16,
        list_count: 2,
        input_address: 0x1000,
        input_stride_x: 4,
        input_stride_y: 16,
        list_address: LIST,
        weight_address: 0x2000,
        weight_stride: 4,
        result_address: 0x3000,
        result_stride_x: 8,
        result_stride_y: 32,
        partial_address: 0x4000,
        partial_stride_x: 8,
        partial_stride_y: 32,
        ..Default::default()
    }
}

fn good_entry() -> ListEntry {
    ListEntry { k_count_minus_1: 15, x_last: 3, y_last: 1, ..Default::default() }
}

fn tile(terms: usize, commands: &[u64], descriptor: &[u64], list: &[ListEntry]) -> Tile {
    let memory_bytes = MEMORY_BYTES as usize;
    let mut tile =
        Tile::new(TileParameters { terms, accumulator: AccumulatorKind::Fp32, rows: 16, vector: false, memory_bytes });
    let mut put = |address: u32, words: &[u64]| {
        tile.memory[address as usize / 8..][..words.len()].copy_from_slice(words);
    };
    put(PROGRAM, commands);
    put(DESCRIPTOR, descriptor);
    let list: Vec<u64> = list.iter().map(|entry| entry.encode().expect("valid")[0]).collect();
    put(LIST, &list);
    // Anything but zero, so that results would show.
    put(0x1000, &[0x3C00_3C00_3C00_3C00; 0x200]);
    put(0x2000, &[0x3C00_3C00_3C00_3C00; 0x40]);
    tile
}

/// Runs, expects the error, and that neither memory nor registers have changed.
fn assert_stops(what: &str, mut tile: Tile, code: ErrorCode, address: u32) {
    let before = tile.clone();
    let outcome = tile.run(PROGRAM);
    assert_eq!((outcome.error, format!("{:#x}", outcome.error_address)), (code, format!("{address:#x}")), "{what}");
    assert_eq!((outcome.flags, outcome.useful_macs, outcome.row_steps), (Flags::NONE, 0, 0), "{what}");
    assert!(tile == before, "{what}: something has changed");
}

fn encoded(command: Command) -> u64 {
    command.encode().expect("a valid command")
}

fn halt() -> u64 {
    encoded(Command::Halt)
}

#[test]
fn wrong_commands_stop_the_tile() {
    use ErrorCode::*;
    let amp = |descriptor| encoded(Command::Amp { descriptor });
    let wait = |engines| encoded(Command::Wait { engines });
    let repeat = |count, target| encoded(Command::Loop { level: 0, count, target });
    let cases: &[(&str, u64, ErrorCode, u32)] = &[
        ("a zero word", 0, UnknownCommand, PROGRAM),
        ("opcode 9", 9, UnknownCommand, PROGRAM),
        ("reserved bits come after the opcode", 0xFF00_00FF, UnknownCommand, PROGRAM),
        ("HALT with an operand", halt() | 1 << 8, BadCommand, PROGRAM),
        ("AMP with a reserved bit", amp(DESCRIPTOR) | 1 << 32, BadCommand, PROGRAM),
        ("LOOP with a reserved bit", repeat(2, PROGRAM) | 1 << 9, BadCommand, PROGRAM),
        ("LOOP of count 0", repeat(0, PROGRAM), BadCommand, PROGRAM),
        ("LOOP of count 0 to nowhere", repeat(0, 0x12_3456), BadCommand, PROGRAM),
        ("LOOP to a misaligned target", repeat(1, 0x104), Misaligned, PROGRAM),
        ("LOOP beyond the memory", repeat(1, MEMORY_BYTES), OutOfRange, MEMORY_BYTES),
        ("VECTOR", encoded(Command::Vector { descriptor: DESCRIPTOR }), Unsupported, PROGRAM),
        ("EXCHANGE", encoded(Command::Exchange { descriptor: DESCRIPTOR }), Unsupported, PROGRAM),
        ("SYNC", encoded(Command::Sync { zone: 0 }), Unsupported, PROGRAM),
        ("SYNC with a reserved bit", encoded(Command::Sync { zone: 0 }) | 1 << 16, BadCommand, PROGRAM),
        ("WAIT for nothing", wait(EngineMask(0)), Unsupported, PROGRAM),
        ("WAIT for a missing engine", wait(EngineMask::AMP | EngineMask::VECTOR), Unsupported, PROGRAM),
        ("SET of register 4", encoded(Command::Set { register: ControlRegister(4), value: 0 }), Unsupported, PROGRAM),
        ("AMP at a misaligned descriptor", amp(DESCRIPTOR + 4), Misaligned, PROGRAM),
        ("AMP beyond the memory", amp(MEMORY_BYTES), OutOfRange, MEMORY_BYTES),
        ("AMP whose descriptor runs past the end", amp(MEMORY_BYTES - 40), OutOfRange, MEMORY_BYTES - 40),
    ];
    let descriptor = good_descriptor().encode().expect("valid");
    for &(what, command, code, address) in cases {
        let list = [good_entry(), good_entry()];
        assert_stops(what, tile(4, &[command, halt()], &descriptor, &list), code, address);
    }
    let outcome = tile(4, &[amp(DESCRIPTOR), halt()], &descriptor, &[good_entry(), good_entry()]).run(PROGRAM);
    assert_eq!((outcome.error, outcome.useful_macs), (ErrorCode::None, 2 * 8 * 256), "the case without a fault");
}

/// A change to the descriptor or the two list entries.
type Change = fn(&mut AmpDescriptor, &mut [ListEntry; 2]);

/// What is wrong, the terms, how, and what it leads to.
type AmpCase = (&'static str, usize, Change, ErrorCode, u32);

fn partial_sums_at(descriptor: &mut AmpDescriptor, address: u32) {
    (descriptor.partial_in, descriptor.partial_address) = (true, address);
}

fn shared_partial_sums(descriptor: &mut AmpDescriptor, stride: i32) {
    (descriptor.partial_in, descriptor.partial_stride_x) = (true, stride);
}

fn partial_sums_and_list_beyond(descriptor: &mut AmpDescriptor) {
    partial_sums_at(descriptor, 0xF0_0000);
    descriptor.list_address = 0xE0_0000;
}

fn both_beyond(descriptor: &mut AmpDescriptor) {
    (descriptor.weight_address, descriptor.input_address) = (0xE0_0000, 0xF0_0000);
}

/// A block of which the first half lies in memory, and one valid K.
fn weights_at_the_end(entry: &mut ListEntry) {
    (entry.weight_block, entry.k_count_minus_1) = ((MEMORY_BYTES - 0x2000) / 8 - 32, 0);
}

#[test]
fn wrong_descriptors_and_lists_stop_the_tile() {
    use ErrorCode::*;
    let cases: &[AmpCase] = &[
        ("no rows in x", 4, |d, _| d.rows_x = 0, BadDescriptor, DESCRIPTOR),
        ("no rows in y", 4, |d, _| d.rows_y = 0, BadDescriptor, DESCRIPTOR),
        ("more rows than accumulators", 4, |d, _| d.rows_y = 5, BadDescriptor, DESCRIPTOR),
        ("65 rows", 4, |d, _| d.rows_x = 65, BadDescriptor, DESCRIPTOR),
        ("no columns", 4, |d, _| d.columns = 0, BadDescriptor, DESCRIPTOR),
        ("17 columns", 4, |d, _| d.columns = 17, BadDescriptor, DESCRIPTOR),
        ("activation 2", 4, |d, _| d.activation = isa::Activation(2), BadDescriptor, DESCRIPTOR),
        ("an empty list", 4, |d, _| d.list_count = 0, BadDescriptor, DESCRIPTOR),
        ("values before alignment", 4, |d, _| (d.columns, d.list_address) = (0, 1), BadDescriptor, DESCRIPTOR),
        ("a misaligned list", 4, |d, _| d.list_address = LIST + 4, Misaligned, DESCRIPTOR),
        ("a list beyond the memory", 4, |d, _| d.list_address = 0xF_0000, ListOutOfRange, 0xF_0000),
        ("x empty", 4, |_, l| l[0].x_first = 4, BadEntry, LIST),
        ("x beyond the rows", 4, |_, l| l[1].x_last = 4, BadEntry, LIST + 8),
        ("y empty", 4, |_, l| (l[0].y_first, l[0].y_last) = (1, 0), BadEntry, LIST),
        ("y beyond the rows", 4, |_, l| l[1].y_last = 2, BadEntry, LIST + 8),
        ("inputs misaligned", 4, |d, _| d.input_address = 0x1004, Misaligned, DESCRIPTOR),
        ("input stride x of half an access", 16, |d, _| d.input_stride_x = 6, Misaligned, DESCRIPTOR),
        ("input stride y of half an access", 8, |d, _| d.input_stride_y = -1, Misaligned, DESCRIPTOR),
        ("input offset of half an access", 8, |_, l| l[1].input_offset = 3, Misaligned, LIST + 8),
        ("inputs below the memory", 4, |_, l| l[0].input_offset = -0x1000, OutOfRange, 0xFF_9000),
        ("inputs beyond the memory", 4, |d, _| d.input_stride_y = 0x1000, OutOfRange, 0x9000),
        ("inputs across the end", 4, |_, l| l[0].input_offset = 0xDE6, OutOfRange, MEMORY_BYTES),
        ("weights misaligned", 4, |d, _| d.weight_address = 0x2002, Misaligned, DESCRIPTOR),
        ("weight block of half an access", 8, |_, l| l[1].weight_block = 1, Misaligned, LIST + 8),
        ("weight stride of half an access", 16, |d, _| d.weight_stride = 2, Misaligned, DESCRIPTOR),
        ("weights beyond the memory", 4, |_, l| l[1].weight_block = 0xC00, OutOfRange, MEMORY_BYTES),
        ("weights beyond the valid K", 4, |_, l| weights_at_the_end(&mut l[0]), OutOfRange, MEMORY_BYTES),
        ("results misaligned", 4, |d, _| d.result_address = 0x3001, Misaligned, DESCRIPTOR),
        ("result stride x of half an access", 16, |d, _| d.result_stride_x = 10, Misaligned, DESCRIPTOR),
        ("result stride y of half an access", 16, |d, _| d.result_stride_y = 33, Misaligned, DESCRIPTOR),
        ("results beyond the memory", 4, |d, _| d.result_stride_x = -0x800, OutOfRange, 0xFF_F000),
        ("results across the end", 4, |d, _| d.result_address = 0x7FD8, OutOfRange, MEMORY_BYTES),
        ("partial sums misaligned", 4, |d, _| partial_sums_at(d, 0x4004), Misaligned, DESCRIPTOR),
        ("partial stride of half an access", 8, |d, _| shared_partial_sums(d, 1), Misaligned, DESCRIPTOR),
        ("partial sums beyond the memory", 4, |d, _| partial_sums_at(d, 0xF0_0000), OutOfRange, 0xF0_0000),
        ("partial sums before entries", 4, |d, _| partial_sums_and_list_beyond(d), OutOfRange, 0xF0_0000),
        ("an entry before its inputs", 4, |d, l| (l[0].y_last, d.input_address) = (9, 0xF0_0000), BadEntry, LIST),
        ("an entry before the next", 4, |_, l| (l[0].input_offset, l[1].y_last) = (-0x1000, 9), OutOfRange, 0xFF_9000),
        ("weights before inputs", 4, |d, _| both_beyond(d), OutOfRange, 0xE0_0000),
        ("entries before results", 4, |d, l| (d.result_address, l[1].x_last) = (0xF0_0000, 9), BadEntry, LIST + 8),
    ];
    for &(what, terms, change, code, address) in cases {
        let (mut descriptor, mut list) = (good_descriptor(), [good_entry(), good_entry()]);
        change(&mut descriptor, &mut list);
        let words = descriptor.encode().expect("every case fits its fields");
        let amp = encoded(Command::Amp { descriptor: DESCRIPTOR });
        assert_stops(what, tile(terms, &[amp, halt()], &words, &list), code, address);
    }
}

/// `isa` validates programs before they are loaded, by rules of its own: over whole footprints instead of accesses.
/// What it accepts must run, what it refuses must not, and where it finds one fault the code must be the same.
#[test]
fn verdicts_agree_with_the_validation_in_isa() {
    let (mut accepted, mut refused, mut same_code) = (0, 0, 0);
    let mut random = Random::seeded(0x15A);
    for _ in 0..20_000 {
        let terms = random.pick(&[1, 4, 8, 16]);
        let (mut d, mut list) = (good_descriptor(), [good_entry(), good_entry()]);
        d.partial_in = random.chance(2);
        for _ in 0..random.below(3) {
            let near = random.below(12) as u32;
            let stride = random.pick(&[-4, 0, 1, 2, 4, 8, 32, 0x400, -0x400]);
            let address =
                random.pick(&[0x1000, 0x1008, 0x1010, 0x1004, 0x6000, 0x7F00, 0x7FE0, MEMORY_BYTES, 0x1_0000]);
            match random.below(20) {
                0 => d.rows_x = near,
                1 => d.rows_y = near / 3,
                2 => d.columns = 2 * near,
                3 => d.activation = isa::Activation(near as u8 % 3),
                4 => d.input_address = address,
                5 => d.input_stride_x = stride,
                6 => d.input_stride_y = stride,
                7 => d.list_address = if random.chance(2) { LIST } else { MEMORY_BYTES - 8 * (near % 3) },
                8 => d.weight_address = address,
                9 => d.weight_stride = stride,
                10 => d.result_address = address,
                11 => d.result_stride_x = stride,
                12 => d.result_stride_y = stride,
                13 => d.partial_address = address,
                14 => d.partial_stride_x = stride,
                15 => list[near as usize % 2].input_offset = stride,
                16 => list[near as usize % 2].weight_block = stride.unsigned_abs(),
                17 => list[near as usize % 2].k_count_minus_1 = near,
                18 => list[near as usize % 2].x_first = near / 2,
                _ => list[near as usize % 2].y_last = near / 4,
            }
        }
        let amp = encoded(Command::Amp { descriptor: DESCRIPTOR });
        let mut tile = tile(terms, &[amp, halt()], &d.encode().expect("fits"), &list);
        if d.list_address != LIST && d.list_address < MEMORY_BYTES {
            let place = d.list_address as usize / 8;
            let words = list.map(|entry| entry.encode().expect("fits")[0]);
            let inside = (tile.memory.len() - place).min(2);
            tile.memory[place..place + inside].copy_from_slice(&words[..inside]);
        }
        let outcome = tile.run(PROGRAM);

        let limits = Limits::new(MEMORY_BYTES, terms as u32, 16);
        let codes: Vec<ErrorCode> = match d.validate(&limits) {
            Err(violation) => vec![violation.code],
            Ok(()) => list.iter().filter_map(|entry| entry.validate(&d, &limits).err()).map(|v| v.code).collect(),
        };
        let shown = || format!("T = {terms} {d:?} {list:?}");
        // Results may fall on the program, which then ends otherwise than by its HALT: what counts is the AMP command.
        let performed = outcome.useful_macs > 0;
        if codes.is_empty() {
            assert!(performed, "{:?} {}", outcome.error, shown());
            accepted += 1;
        } else {
            assert!(!performed, "{codes:?} {}", shown());
            refused += 1;
            same_code += u32::from(codes.first() == Some(&outcome.error));
        }
    }
    println!("{accepted} accepted, {refused} refused, {same_code} with the code that validation finds first");
    assert!(accepted > 10_000 && refused > 4_000 && same_code > refused * 9 / 10);
}

#[test]
fn what_is_not_accessed_may_be_wrong() {
    let cases: &[(&str, Change)] = &[
        ("partial sums that are not used", |d, _| (d.partial_address, d.partial_stride_x) = (0xFF_FFFF, 1)),
        ("inputs beyond the valid K", |d, list| {
            (d.input_address, d.input_stride_x, d.input_stride_y) = (MEMORY_BYTES - 16, 0, 0);
            list.iter_mut().for_each(|entry| entry.k_count_minus_1 = 7);
        }),
        ("rows that no entry covers", |d, list| {
            d.input_stride_y = 0x1000;
            list.iter_mut().for_each(|entry| entry.y_last = 0);
        }),
        ("columns that are not stored", |d, _| {
            (d.columns, d.result_address, d.result_stride_x, d.result_stride_y) = (7, MEMORY_BYTES - 32, 0, 0);
        }),
    ];
    for (what, change) in cases {
        let (mut descriptor, mut list) = (good_descriptor(), [good_entry(), good_entry()]);
        change(&mut descriptor, &mut list);
        let words = descriptor.encode().expect("fits");
        let amp = encoded(Command::Amp { descriptor: DESCRIPTOR });
        let outcome = tile(4, &[amp, halt()], &words, &list).run(PROGRAM);
        assert_eq!((outcome.error, outcome.error_address), (ErrorCode::None, 0), "{what}");
    }
}

#[test]
fn reserved_bits_of_a_descriptor_are_refused() {
    let mut words = good_descriptor().encode().expect("valid");
    words[3] |= 1 << 63;
    let amp = encoded(Command::Amp { descriptor: DESCRIPTOR });
    let list = [good_entry(), good_entry()];
    assert_stops("reserved bits", tile(4, &[amp, halt()], &words, &list), ErrorCode::BadDescriptor, DESCRIPTOR);
}

#[test]
fn list_that_runs_past_the_end_names_the_first_entry_beyond() {
    let descriptor = AmpDescriptor { list_address: MEMORY_BYTES - 8, ..good_descriptor() };
    let amp = encoded(Command::Amp { descriptor: DESCRIPTOR });
    let mut tile = tile(4, &[amp, halt()], &descriptor.encode().expect("valid"), &[]);
    *tile.memory.last_mut().expect("memory") = good_entry().encode().expect("valid")[0];
    assert_stops("a list past the end", tile, ErrorCode::ListOutOfRange, MEMORY_BYTES);
}

#[test]
fn start_address_is_checked() {
    for (start, code) in
        [(0x104, ErrorCode::Misaligned), (MEMORY_BYTES, ErrorCode::OutOfRange), (0xFFFF_FFF8, ErrorCode::OutOfRange)]
    {
        let outcome = tile(4, &[halt()], &[], &[]).run(start);
        assert_eq!((outcome.error, outcome.error_address), (code, start));
    }
}

#[test]
fn program_that_runs_off_the_end_stops_there() {
    let mut tile = tile(4, &[], &[], &[]);
    *tile.memory.last_mut().expect("memory") = encoded(Command::Wait { engines: EngineMask::AMP });
    let outcome = tile.run(MEMORY_BYTES - 8);
    assert_eq!((outcome.error, outcome.error_address), (ErrorCode::OutOfRange, MEMORY_BYTES));
}

#[test]
fn endless_program_is_stopped_as_by_the_host() {
    // Two loops of one level, nested: the inner one starts afresh for ever.
    let inner = encoded(Command::Loop { level: 0, count: 2, target: PROGRAM });
    let mut tile = tile(4, &[inner, inner, halt()], &[], &[]);
    let outcome = tile.run_limited(PROGRAM, 1000);
    assert_eq!(outcome.error, ErrorCode::Stopped);
    assert!([PROGRAM, PROGRAM + 8].contains(&outcome.error_address));
}

#[test]
fn what_ran_before_the_fault_stays() {
    let amp = encoded(Command::Amp { descriptor: DESCRIPTOR });
    let mark = encoded(Command::Set { register: ControlRegister::MARKER, value: 7 });
    let descriptor = good_descriptor().encode().expect("valid");
    let mut tile = tile(4, &[amp, mark, 0], &descriptor, &[good_entry(), good_entry()]);
    let outcome = tile.run(PROGRAM);
    assert_eq!((outcome.error, outcome.error_address), (ErrorCode::UnknownCommand, PROGRAM + 16));
    assert_eq!((outcome.marker, outcome.useful_macs), (7, 2 * 8 * 256));
    assert_eq!(tile.memory[0x3000 / 8] as u32, 32f32.to_bits());
}

#[test]
#[should_panic(expected = "memory is a multiple of 32 bytes up to 1 MiB, not 40 bytes")]
fn odd_memory_is_refused() {
    Tile::new(TileParameters {
        terms: 4,
        accumulator: AccumulatorKind::Fp32,
        rows: 64,
        vector: false,
        memory_bytes: 40,
    });
}

#[test]
#[should_panic(expected = "rows are 1 to 64, not 65")]
fn too_many_rows_are_refused() {
    Tile::new(TileParameters {
        terms: 4,
        accumulator: AccumulatorKind::Fp32,
        rows: 65,
        vector: false,
        memory_bytes: 1024,
    });
}
