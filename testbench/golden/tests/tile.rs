//! Tile programs: products against `matmul`, a convolution against its definition, and everything a list can say.

mod common;

use common::Scoreboard;
use common::stimulus::{Random, moderate_fp16, moderate_fp32};
use golden::{
    ALL_TERMS, Accumulator, AccumulatorKind, Activation, Counts, Flags, MatmulOptions, OutputType, Overflow, ReadOut,
    Rounding, Shape, Start, Tile, TileParameters, fp32_to_fp16, matmul,
};
use isa::{AmpDescriptor, Command, ControlRegister, EngineMask, ErrorCode, ListEntry};

const ONE: u16 = 0x3C00;
const TWO: u16 = 0x4000;
const PROGRAM: u32 = 0x0000;
const DESCRIPTOR: u32 = 0x0200;
const LIST: u32 = 0x0400;
const INPUTS: u32 = 0x1000;
const WEIGHTS: u32 = 0x4000;
const PARTIAL_SUMS: u32 = 0x8000;
const RESULTS: u32 = 0xC000;

fn parameters(terms: usize) -> TileParameters {
    TileParameters { terms, accumulator: AccumulatorKind::Fp32, rows: 64, vector: false, memory_bytes: 0x10000 }
}

fn put_fp16(tile: &mut Tile, address: u32, numbers: &[u16]) {
    for (i, &bits) in numbers.iter().enumerate() {
        let place = address as usize + 2 * i;
        let shift = 8 * (place % 8);
        let word = &mut tile.memory[place / 8];
        *word = *word & !(0xFFFF << shift) | u64::from(bits) << shift;
    }
}

fn put_fp32(tile: &mut Tile, address: u32, numbers: &[u32]) {
    let halves: Vec<u16> = numbers.iter().flat_map(|bits| [*bits as u16, (bits >> 16) as u16]).collect();
    put_fp16(tile, address, &halves);
}

fn get_fp16(tile: &Tile, address: u32) -> u16 {
    (tile.memory[address as usize / 8] >> (8 * (address % 8))) as u16
}

fn get_fp32(tile: &Tile, address: u32) -> u32 {
    u32::from(get_fp16(tile, address)) | u32::from(get_fp16(tile, address + 2)) << 16
}

fn put_program(tile: &mut Tile, commands: &[Command]) {
    for (i, command) in commands.iter().enumerate() {
        tile.memory[PROGRAM as usize / 8 + i] = command.encode().expect("a valid command");
    }
}

fn put_amp(tile: &mut Tile, descriptor: &AmpDescriptor, list: &[ListEntry]) {
    let descriptor = AmpDescriptor { list_count: list.len() as u32, list_address: LIST, ..*descriptor };
    let place = DESCRIPTOR as usize / 8;
    tile.memory[place..place + AmpDescriptor::WORDS].copy_from_slice(&descriptor.encode().expect("valid"));
    for (i, entry) in list.iter().enumerate() {
        tile.memory[LIST as usize / 8 + i] = entry.encode().expect("valid")[0];
    }
}

const RUN_AMP: [Command; 3] =
    [Command::Amp { descriptor: DESCRIPTOR }, Command::Wait { engines: EngineMask::AMP }, Command::Halt];

/// One row of 16 inputs, one block, one row of 16 FP32 results.
fn one_row() -> AmpDescriptor {
    AmpDescriptor {
        rows_x: 1,
        rows_y: 1,
        columns: 16,
        list_count: 1,
        input_address: INPUTS,
        list_address: LIST,
        weight_address: WEIGHTS,
        weight_stride: 4,
        result_address: RESULTS,
        partial_address: PARTIAL_SUMS,
        ..Default::default()
    }
}

/// The first block, all of it, for the row at (0, 0).
fn whole_block() -> ListEntry {
    ListEntry { k_count_minus_1: 15, ..Default::default() }
}

/// A product of up to 64 rows, panel by panel of 16 columns, each panel a command.
#[test]
fn matmul_program_equals_matmul() {
    let mut random = Random::seeded(0x711E);
    let mut scoreboard = Scoreboard::new("matmul programs");
    let kinds = [AccumulatorKind::Fp32, AccumulatorKind::EXACT];
    for (terms, accumulator) in [1, 2, 4, 8, 16].into_iter().flat_map(|terms| kinds.map(|kind| (terms, kind))) {
        for (m, n, k, fp16) in [(5, 16, 40, false), (64, 3, 16, true), (7, 24, 5, false), (1, 13, 33, true)] {
            let shape = Shape { m, n, k };
            let mut matrix = |size: usize| (0..size).map(|_| moderate_fp16(&mut random, 8, 10)).collect::<Vec<_>>();
            let (a, b) = (matrix(m * k), matrix(k * n));
            let bias: Vec<u32> = (0..n).map(|_| moderate_fp32(&mut random, 120, 12)).collect();
            let with_bias = n != 24;
            let start = if with_bias { Start::Bias(&bias) } else { Start::Zero };
            let read_out = ReadOut {
                output: if fp16 { OutputType::Fp16 } else { OutputType::Fp32 },
                overflow: Overflow::Saturate,
                activation: Activation::Relu,
            };
            let expected = matmul(shape, &a, &b, start, &MatmulOptions { terms, accumulator, read_out });

            // Rows of A and B padded to blocks of 16 K and 16 columns.
            let mut tile = Tile::new(TileParameters { accumulator, ..parameters(terms) });
            let blocks = k.div_ceil(16) as u32;
            let (a_pitch, b_pitch) = (blocks * 32, n.div_ceil(16) as u32 * 32);
            for (row, values) in a.chunks(k).enumerate() {
                put_fp16(&mut tile, INPUTS + row as u32 * a_pitch, values);
            }
            for (row, values) in b.chunks(n).enumerate() {
                put_fp16(&mut tile, WEIGHTS + row as u32 * b_pitch, values);
            }
            put_fp32(&mut tile, PARTIAL_SUMS, &bias);

            let (mut macs, mut row_steps, mut flags) = (0, 0, Flags::NONE);
            for panel in 0..n.div_ceil(16) {
                let columns = (n - 16 * panel).min(16) as u32;
                let descriptor = AmpDescriptor {
                    rows_x: m as u32,
                    columns,
                    partial_in: with_bias,
                    result_fp16: fp16,
                    saturate: true,
                    activation: isa::Activation::RELU,
                    input_stride_x: a_pitch as i32 / 8,
                    weight_address: WEIGHTS + 32 * panel as u32,
                    weight_stride: b_pitch as i32 / 8,
                    result_stride_x: 8,
                    ..one_row()
                };
                let list: Vec<ListEntry> = (0..blocks)
                    .map(|block| ListEntry {
                        input_offset: 4 * block as i32,
                        weight_block: 16 * block * b_pitch / 8,
                        k_count_minus_1: (k as u32 - 16 * block).min(16) - 1,
                        x_last: m as u32 - 1,
                        ..Default::default()
                    })
                    .collect();
                put_amp(&mut tile, &descriptor, &list);
                put_program(&mut tile, &RUN_AMP);
                let outcome = tile.run(PROGRAM);
                assert_eq!((outcome.error, outcome.error_address), (ErrorCode::None, 0));
                flags |= outcome.flags;
                macs += outcome.useful_macs;
                row_steps += outcome.row_steps;
                for row in 0..m {
                    for column in 0..columns {
                        let result = RESULTS + 64 * row as u32;
                        let actual = if fp16 {
                            get_fp16(&tile, result + 2 * column).into()
                        } else {
                            get_fp32(&tile, result + 4 * column)
                        };
                        let place = row * n + 16 * panel + column as usize;
                        scoreboard.compare(actual, expected.bits[place], || format!("{m}x{n}x{k} at {place}"));
                    }
                }
            }
            scoreboard.compare(flags, expected.flags, || format!("flags of {m}x{n}x{k} T = {terms}"));
            assert_eq!(macs, (m * n * k) as u64);
            let phases: u64 = (0..k).step_by(16).map(|first| (k - first).min(16).div_ceil(terms) as u64).sum();
            assert_eq!(row_steps, phases * (m * n.div_ceil(16)) as u64);
        }
    }
    scoreboard.finish(4000);
}

/// A 3x3 convolution of a 6x5 image of 16 channels into 16, padded by one: an entry for each tap, its rectangle the
/// rows whose input lies inside the image.
#[test]
fn convolution_program_equals_its_definition() {
    const WIDTH: i32 = 6;
    const HEIGHT: i32 = 5;
    let mut random = Random::seeded(0xC0DE);
    let image: Vec<u16> = (0..WIDTH * HEIGHT * 16).map(|_| moderate_fp16(&mut random, 12, 6)).collect();
    let kernel: Vec<u16> = (0..9 * 16 * 16).map(|_| moderate_fp16(&mut random, 12, 6)).collect();
    let mut tile = Tile::new(parameters(4));
    put_fp16(&mut tile, INPUTS, &image);
    put_fp16(&mut tile, WEIGHTS, &kernel);
    let descriptor = AmpDescriptor {
        rows_x: WIDTH as u32,
        rows_y: HEIGHT as u32,
        input_stride_x: 4,
        input_stride_y: 4 * WIDTH,
        result_stride_x: 8,
        result_stride_y: 8 * WIDTH,
        ..one_row()
    };
    let taps = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)));
    let list: Vec<ListEntry> = taps
        .clone()
        .enumerate()
        .map(|(tap, (dx, dy))| ListEntry {
            input_offset: 4 * (dy * WIDTH + dx),
            weight_block: 64 * tap as u32,
            k_count_minus_1: 15,
            x_first: (-dx).max(0) as u32,
            x_last: (WIDTH - 1 - dx.max(0)) as u32,
            y_first: (-dy).max(0) as u32,
            y_last: (HEIGHT - 1 - dy.max(0)) as u32,
            ..Default::default()
        })
        .collect();
    put_amp(&mut tile, &descriptor, &list);
    put_program(&mut tile, &RUN_AMP);
    let outcome = tile.run(PROGRAM);
    assert_eq!(outcome.error, ErrorCode::None);

    let mut scoreboard = Scoreboard::new("convolution");
    let mut macs = 0;
    for (y, x) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x))) {
        for channel in 0..16 {
            let mut sum = Accumulator::Fp32(0);
            for (tap, (dx, dy)) in taps.clone().enumerate() {
                if !(0..WIDTH).contains(&(x + dx)) || !(0..HEIGHT).contains(&(y + dy)) {
                    continue;
                }
                let pixel = ((y + dy) * WIDTH + x + dx) as usize * 16;
                for k in (0..16).step_by(4) {
                    let weights: Vec<u16> = (k..k + 4).map(|k| kernel[tap * 256 + k * 16 + channel]).collect();
                    sum.step(&image[pixel + k..pixel + k + 4], &weights, ALL_TERMS);
                    macs += 4;
                }
            }
            let address = RESULTS + 64 * (y * WIDTH + x) as u32 + 4 * channel as u32;
            scoreboard.compare(get_fp32(&tile, address), sum.read_fp32().0, || format!("({x}, {y}) {channel}"));
        }
    }
    assert_eq!(outcome.useful_macs, macs);
    scoreboard.finish(480);
}

#[test]
fn transposed_block_gives_the_same_results() {
    let mut random = Random::seeded(0x7A);
    let inputs: Vec<u16> = (0..16).map(|_| moderate_fp16(&mut random, 12, 6)).collect();
    let weights: Vec<u16> = (0..256).map(|_| moderate_fp16(&mut random, 12, 6)).collect();
    let results = [false, true].map(|transposed| {
        let mut tile = Tile::new(parameters(8));
        let stored: Vec<u16> =
            (0..256).map(|i| if transposed { weights[i % 16 * 16 + i / 16] } else { weights[i] }).collect();
        put_fp16(&mut tile, INPUTS, &inputs);
        put_fp16(&mut tile, WEIGHTS, &stored);
        put_amp(&mut tile, &one_row(), &[ListEntry { transposed, k_count_minus_1: 10, ..whole_block() }]);
        put_program(&mut tile, &RUN_AMP);
        assert_eq!(tile.run(PROGRAM).error, ErrorCode::None);
        (0..16).map(|lane| get_fp32(&tile, RESULTS + 4 * lane)).collect::<Vec<_>>()
    });
    assert_eq!(results[0], results[1]);
    assert!(results[0].iter().any(|&bits| bits != 0));
}

#[test]
fn inputs_beyond_the_valid_k_take_no_part() {
    let mut tile = Tile::new(parameters(4));
    put_fp16(&mut tile, INPUTS, &[ONE, ONE, ONE, ONE, ONE, 0x7C01, 0x7C00, 0x7E00]);
    put_fp16(&mut tile, WEIGHTS, &[ONE; 5 * 16]);
    put_fp16(&mut tile, WEIGHTS + 5 * 32, &[0x7C00; 11 * 16]);
    put_amp(&mut tile, &one_row(), &[ListEntry { k_count_minus_1: 4, ..whole_block() }]);
    put_program(&mut tile, &RUN_AMP);
    let outcome = tile.run(PROGRAM);
    assert_eq!((outcome.error, outcome.flags), (ErrorCode::None, Flags::NONE));
    assert_eq!((outcome.useful_macs, outcome.row_steps), (5 * 16, 2));
    assert_eq!(get_fp32(&tile, RESULTS + 60), 5f32.to_bits());
}

/// Two short blocks are two steps even where their terms would fit in one.
#[test]
fn steps_do_not_cross_blocks() {
    let mut tile = Tile::new(parameters(8));
    // 1 + (2^-24 + 2^-24) is 1 + 2^-23 in one step, and 1 in two.
    put_fp16(&mut tile, INPUTS, &[0x0001]);
    put_fp16(&mut tile, WEIGHTS, &[ONE; 16]);
    put_fp32(&mut tile, PARTIAL_SUMS, &[1f32.to_bits(); 16]);
    let short = ListEntry { k_count_minus_1: 0, ..whole_block() };
    put_amp(&mut tile, &AmpDescriptor { partial_in: true, ..one_row() }, &[short, short]);
    put_program(&mut tile, &RUN_AMP);
    let outcome = tile.run(PROGRAM);
    assert_eq!((outcome.error, outcome.flags, outcome.row_steps), (ErrorCode::None, Flags::INEXACT, 2));
    assert_eq!(get_fp32(&tile, RESULTS), 1f32.to_bits());
}

#[test]
fn rows_that_no_entry_covers_keep_their_start() {
    for partial_in in [false, true] {
        let mut tile = Tile::new(parameters(4));
        put_fp16(&mut tile, INPUTS, &[ONE; 16]);
        put_fp16(&mut tile, WEIGHTS, &[ONE; 256]);
        put_fp32(&mut tile, PARTIAL_SUMS, &[0x8000_0000; 16]);
        put_fp32(&mut tile, RESULTS, &[0xDEAD_BEEF; 48]);
        let descriptor = AmpDescriptor { rows_x: 3, result_stride_x: 8, partial_in, ..one_row() };
        put_amp(&mut tile, &descriptor, &[ListEntry { x_first: 1, x_last: 1, ..whole_block() }]);
        put_program(&mut tile, &RUN_AMP);
        assert_eq!(tile.run(PROGRAM).error, ErrorCode::None);
        let untouched = if partial_in { 0x8000_0000 } else { 0 };
        let first_lanes = [0, 64, 128].map(|row| get_fp32(&tile, RESULTS + row));
        assert_eq!(first_lanes, [untouched, 16f32.to_bits(), untouched]);
    }
}

#[test]
fn lanes_beyond_the_columns_share_an_access_but_raise_no_flag() {
    // For T up to 4 an access is two FP32 or four FP16, for T = 16 eight or sixteen.
    for (terms, result_fp16, stored) in [(1, false, 2), (4, true, 4), (8, false, 4), (16, false, 8), (16, true, 16)] {
        let mut tile = Tile::new(parameters(terms));
        put_fp16(&mut tile, INPUTS, &[ONE; 16]);
        // Column 0 is exact, the others are invalid.
        let row: Vec<u16> = [vec![ONE], vec![0x7C01; 15]].concat();
        for k in 0..16 {
            put_fp16(&mut tile, WEIGHTS + 32 * k, &row);
        }
        put_fp32(&mut tile, PARTIAL_SUMS, &[1f32.to_bits(); 16]);
        put_fp32(&mut tile, RESULTS, &[0xDEAD_DEAD; 16]);
        let descriptor = AmpDescriptor { columns: 1, result_fp16, partial_in: true, ..one_row() };
        put_amp(&mut tile, &descriptor, &[whole_block()]);
        put_program(&mut tile, &RUN_AMP);
        let outcome = tile.run(PROGRAM);
        assert_eq!((outcome.error, outcome.flags, outcome.useful_macs), (ErrorCode::None, Flags::NONE, 16));
        for lane in 0..16u32 {
            let actual = if result_fp16 {
                get_fp16(&tile, RESULTS + 2 * lane).into()
            } else {
                get_fp32(&tile, RESULTS + 4 * lane)
            };
            let (seventeen, nan, old) =
                if result_fp16 { (0x4C40, 0x7E00, 0xDEAD) } else { (17f32.to_bits(), 0x7FC0_0000, 0xDEAD_DEAD) };
            let expected = if lane == 0 {
                seventeen
            } else if lane < stored {
                nan
            } else {
                old
            };
            assert_eq!(actual, expected, "T = {terms}, FP16 {result_fp16}, lane {lane}");
        }
    }
}

/// The body adds 1 to a sum in memory, so that the sum counts how often it ran.
#[test]
fn loops_nest_and_start_afresh() {
    let mut tile = Tile::new(parameters(4));
    put_fp16(&mut tile, INPUTS, &[ONE]);
    put_fp16(&mut tile, WEIGHTS, &[ONE; 16]);
    let descriptor = AmpDescriptor { partial_in: true, partial_address: RESULTS, ..one_row() };
    put_amp(&mut tile, &descriptor, &[ListEntry { k_count_minus_1: 0, ..whole_block() }]);
    let inner = Command::Loop { level: 0, count: 5, target: PROGRAM };
    let outer = Command::Loop { level: 1, count: 3, target: PROGRAM };
    let once = Command::Loop { level: 0, count: 1, target: PROGRAM };
    let [amp, wait, halt] = RUN_AMP;
    let mark = Command::Set { register: ControlRegister::MARKER, value: 0x1234_5678 };
    put_program(&mut tile, &[amp, wait, inner, outer, once, mark, halt]);
    let outcome = tile.run(PROGRAM);
    assert_eq!((outcome.error, outcome.marker), (ErrorCode::None, 0x1234_5678));
    assert_eq!(get_fp32(&tile, RESULTS), 15f32.to_bits());
    assert_eq!((outcome.useful_macs, outcome.row_steps), (15 * 16, 15));
}

#[test]
fn flags_stick_until_they_are_cleared() {
    let mut tile = Tile::new(parameters(4));
    put_fp16(&mut tile, INPUTS, &[0x7C00, TWO]);
    put_fp16(&mut tile, WEIGHTS, &[0; 256]);
    put_fp32(&mut tile, PARTIAL_SUMS, &[0x3F80_0001; 16]);
    put_amp(&mut tile, &AmpDescriptor { partial_in: true, result_fp16: true, ..one_row() }, &[whole_block()]);
    put_program(&mut tile, &RUN_AMP);
    assert_eq!(tile.run(PROGRAM).flags, Flags::INVALID);
    put_program(&mut tile, &[Command::Halt]);
    assert_eq!(tile.run(PROGRAM).flags, Flags::INVALID, "a start clears nothing");
    let clear = |value| Command::Set { register: ControlRegister::FLAGS_CLEAR, value };
    put_program(&mut tile, &[clear(0x1E), Command::Halt]);
    assert_eq!(tile.run(PROGRAM).flags, Flags::INVALID, "only what is named is cleared");
    put_program(&mut tile, &[clear(0x01), Command::Halt]);
    assert_eq!(tile.run(PROGRAM).flags, Flags::NONE);
}

/// Two commands of three rows of partial sums: the random bits of a word are those of its place in the order of words,
/// the whole accesses' columns included, and they go on from one command to the next.
#[test]
fn stochastic_results_take_128_random_bits_a_word() {
    let partial_sums: Vec<u32> = (0..64).map(|i| 0x3F80_0000 + 0x0321 * i).collect();
    let mut scoreboard = Scoreboard::new("stochastic results");
    for (terms, words_a_row) in [(4, 2), (16, 4)] {
        let mut tile = Tile::new(parameters(terms));
        put_fp32(&mut tile, PARTIAL_SUMS, &partial_sums);
        let strides = AmpDescriptor { rows_x: 3, result_stride_x: 4, partial_stride_x: 8, ..one_row() };
        let descriptor = AmpDescriptor { columns: 5, partial_in: true, result_fp16: true, stochastic: true, ..strides };
        put_amp(&mut tile, &descriptor, &[whole_block()]);
        let seed = Command::Set { register: ControlRegister::SEED_AMP, value: 5 };
        let amp = Command::Amp { descriptor: DESCRIPTOR };
        for (commands, first_word) in [(vec![seed, amp, Command::Halt], 0), (vec![amp, Command::Halt], 3 * words_a_row)]
        {
            put_program(&mut tile, &commands);
            assert_eq!(tile.run(PROGRAM).error, ErrorCode::None);
            let mut random = golden::Random::from_seed(5);
            let draws: Vec<u64> = (0..100).map(|_| random.next_u64()).collect();
            for (row, column) in (0..3).flat_map(|row| (0..5).map(move |column| (row, column))) {
                let word = first_word + row * words_a_row + column / 4;
                let draw = draws[2 * word + column % 4 / 2] >> (32 * (column % 2));
                let rounding = Rounding::Stochastic { random: draw as u32 };
                let expected = fp32_to_fp16(partial_sums[16 * row + column], rounding, Overflow::ToInfinity).0;
                let actual = get_fp16(&tile, RESULTS + (32 * row + 2 * column) as u32);
                scoreboard.compare(actual, expected, || format!("row {row}, column {column} of {terms} terms"));
                let nearest =
                    fp32_to_fp16(partial_sums[16 * row + column], Rounding::NearestEven, Overflow::ToInfinity);
                scoreboard.note("not the nearest", actual != nearest.0);
            }
        }
    }
    assert!(scoreboard.noted("not the nearest") > 5);
    scoreboard.finish(60);
}

#[test]
fn numeric_counters_count_results_that_are_lost() {
    let mut tile = Tile::new(parameters(4));
    // NaN, three that are too large, two that are too small, one of them negative; beyond the columns as many again.
    let lost = [0x7FC0_0000, 0x4780_0000, 0xC780_0000, 0x7F00_0000, 0x3280_0000, 0xB280_0000, 0x7F80_0000, 0];
    let partial_sums: Vec<u32> = lost.into_iter().chain(lost).collect();
    put_fp32(&mut tile, PARTIAL_SUMS, &partial_sums);
    put_program(&mut tile, &RUN_AMP);
    for (activation, saturate, result_fp16) in [(0, false, true), (1, true, true), (0, false, false)] {
        let activation = isa::Activation(activation);
        let descriptor = AmpDescriptor { columns: 8, partial_in: true, activation, saturate, result_fp16, ..one_row() };
        put_amp(&mut tile, &descriptor, &[whole_block()]);
        let fp16 = u64::from(result_fp16);
        let expected = Counts { nans: 1, overflows: 3 * fp16, zeroed: 2 * fp16 };
        assert_eq!(tile.run(PROGRAM).amp_counts, expected, "{descriptor:?}");
    }
}

#[test]
fn flags_are_laid_out_as_in_the_register() {
    for bits in 0..32 {
        let Flags { nv, of, uf, nx, hr } = Flags::from_bits(bits);
        let declared = isa::Flags { nv, of, uf, nx, hr };
        assert_eq!(declared.encode(), Ok([u64::from(bits)]));
    }
}
