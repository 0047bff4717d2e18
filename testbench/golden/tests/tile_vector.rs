//! VECTOR in tile programs: against the host's own FP32 arithmetic, addresses and order written out a second time.

mod common;

use common::Scoreboard;
use common::stimulus::{Random, moderate_fp16, moderate_fp32};
use golden::{AccumulatorKind, Flags, Overflow, Rounding, Tile, TileParameters, fp16_to_fp32, fp32_to_fp16};
use isa::{Command, EngineMask, ErrorCode, VectorDescriptor, VectorOperation, VectorSource};

const DESCRIPTOR: u32 = 0x100;
const BYTES: u32 = 0x4000;

fn tile() -> Tile {
    let (accumulator, memory_bytes) = (AccumulatorKind::Fp32, BYTES as usize);
    Tile::new(TileParameters { terms: 4, accumulator, rows: 64, vector: true, memory_bytes })
}

/// A tile whose memory from 0x1000 on is full of numbers, and its program a single VECTOR.
fn loaded(descriptor: &VectorDescriptor, numbers: impl FnMut() -> u64) -> Tile {
    let mut tile = tile();
    let commands =
        [Command::Vector { descriptor: DESCRIPTOR }, Command::Wait { engines: EngineMask::VECTOR }, Command::Halt];
    for (place, command) in tile.memory.iter_mut().zip(commands) {
        *place = command.encode().expect("fits");
    }
    let words = descriptor.encode().expect("fits");
    tile.memory[DESCRIPTOR as usize / 8..][..words.len()].copy_from_slice(&words);
    tile.memory[0x200..].fill_with(numbers);
    tile
}

fn fp32_pairs(random: &mut Random) -> u64 {
    u64::from(moderate_fp32(random, 110, 30)) | u64::from(moderate_fp32(random, 110, 30)) << 32
}

fn fp16_quads(random: &mut Random) -> u64 {
    (0..4).fold(0, |word, _| word << 16 | u64::from(moderate_fp16(random, 8, 12)))
}

/// Element `column` of the words that lie from word `at` on, `stride` words apart.
fn fp32(memory: &[u64], at: i64, stride: i64, column: i64) -> f32 {
    f32::from_bits((memory[(at + column / 2 * stride) as usize] >> (column % 2 * 32)) as u32)
}

fn fp16(memory: &[u64], at: i64, stride: i64, column: i64) -> u16 {
    (memory[(at + column / 4 * stride) as usize] >> (column % 4 * 16)) as u16
}

fn widened(bits: u16) -> f32 {
    f32::from_bits(fp16_to_fp32(bits).0)
}

fn run(tile: &Tile) -> Tile {
    let mut after = tile.clone();
    let outcome = after.run(0);
    assert_eq!((outcome.error, outcome.error_address), (ErrorCode::None, 0));
    after
}

/// 3 rows of 7: a walks backwards through FP32, b is FP16 and shared by all rows, c a row scalar.
#[test]
fn operands_and_results_lie_where_strides_and_sources_say() {
    let descriptor = VectorDescriptor {
        operation: VectorOperation::FMA,
        c_source: VectorSource::ROW_SCALAR,
        b_fp16: true,
        rows: 3,
        columns: 7,
        a_address: 0x1800,
        a_stride_x: -2,
        a_stride_y: -9,
        b_address: 0x2000,
        b_stride_x: 3,
        c_address: 0x2800,
        c_stride_x: 100,
        c_stride_y: 5,
        result_address: 0x3000,
        result_stride_x: 4,
        result_stride_y: 1,
        ..Default::default()
    };
    let mut random = Random::seeded(21);
    let before = loaded(&descriptor, || fp32_pairs(&mut random));
    let after = run(&before);
    let memory = &before.memory;
    let mut expected = memory.clone();
    for row in 0..3 {
        for column in 0..7 {
            let a = fp32(memory, 0x300 - 9 * row, -2, column);
            let b = widened(fp16(memory, 0x400, 3, column));
            let c = fp32(memory, 0x500 + 5 * row, 0, 0);
            let result = u64::from(a.mul_add(b, c).to_bits());
            let (word, place) = (0x600 + row + 4 * (column / 2), column % 2 * 32);
            let word = &mut expected[word as usize];
            *word = *word & !(0xFFFF_FFFF << place) | result << place;
        }
    }
    assert!(after.memory == expected, "memory differs");
    assert!(expected != *memory && after.flags == Flags::INEXACT);
}

#[test]
fn results_may_take_the_place_of_an_operand_and_constants_fill() {
    let mut random = Random::seeded(22);
    let scale = VectorDescriptor {
        operation: VectorOperation::MULTIPLY,
        b_source: VectorSource::CONSTANT,
        constant_b: 2.0f32.to_bits(),
        rows: 2,
        columns: 5,
        a_address: 0x1000,
        a_stride_x: 1,
        a_stride_y: 3,
        result_address: 0x1000,
        result_stride_x: 1,
        result_stride_y: 3,
        ..Default::default()
    };
    let before = loaded(&scale, || fp32_pairs(&mut random));
    let after = run(&before);
    for (row, column) in (0..2).flat_map(|row| (0..6).map(move |column| (row, column))) {
        let at = |tile: &Tile| fp32(&tile.memory, 0x200 + 3 * row, 1, column);
        let factor = if column < 5 { 2.0 } else { 1.0 };
        assert_eq!(at(&after), at(&before) * factor, "row {row}, column {column}");
    }

    let fill = VectorDescriptor {
        operation: VectorOperation::COPY,
        a_source: VectorSource::CONSTANT,
        a_fp16: true,
        constant_a: 0xDEAD_3C00,
        result_fp16: true,
        ..scale
    };
    let after = run(&loaded(&fill, || 0x1111_1111_1111_1111));
    let words = [0x3C00_3C00_3C00_3C00, 0x1111_1111_1111_3C00, 0x1111_1111_1111_1111];
    assert_eq!(after.memory[0x200..0x206], [words, words].concat());
}

/// The published order, with the host's FP32 arithmetic.
#[test]
fn reductions_add_in_the_published_order() {
    let mut board = Scoreboard::new("reductions");
    let mut random = Random::seeded(23);
    for columns in (1..80).chain([1000]) {
        for operation in
            [VectorOperation::SUM, VectorOperation::DOT, VectorOperation::ROW_MAX, VectorOperation::ROW_MIN]
        {
            let descriptor = VectorDescriptor {
                operation,
                a_fp16: random.chance(2),
                rows: 2,
                columns,
                a_address: 0x1000,
                a_stride_x: 1,
                a_stride_y: 1,
                b_address: 0x2000,
                b_stride_x: 1,
                b_stride_y: 1,
                result_address: 0x3F00,
                result_stride_x: 9999,
                result_stride_y: 3,
                ..Default::default()
            };
            let numbers = || if descriptor.a_fp16 { fp16_quads(&mut random) } else { fp32_pairs(&mut random) };
            let before = loaded(&descriptor, numbers);
            let after = run(&before);
            let is_sum = [VectorOperation::SUM, VectorOperation::DOT].contains(&operation);
            for row in 0..2 {
                let mut partial = [if is_sum { -0.0f32 } else { f32::NAN }; 16];
                let join = |p: f32, a: f32| match operation {
                    VectorOperation::ROW_MAX => p.max(a),
                    VectorOperation::ROW_MIN => p.min(a),
                    _ => p + a,
                };
                for column in 0..i64::from(columns) {
                    let a = match descriptor.a_fp16 {
                        true => widened(fp16(&before.memory, 0x200 + row, 1, column)),
                        false => fp32(&before.memory, 0x200 + row, 1, column),
                    };
                    let b = fp32(&before.memory, 0x400 + row, 1, column);
                    let p = &mut partial[column as usize % 16];
                    *p = if operation == VectorOperation::DOT { a.mul_add(b, *p) } else { join(*p, a) };
                }
                for half in [8, 4, 2, 1] {
                    (0..half).for_each(|j| partial[j] = join(partial[j], partial[j + half]));
                }
                let (found, kept) = (after.memory[0x7E0 + 3 * row as usize], before.memory[0x7E0 + 3 * row as usize]);
                let expected = kept & !0xFFFF_FFFF | u64::from(partial[0].to_bits());
                board.compare(found, expected, || format!("{operation:?}, {columns} columns, row {row}"));
            }
        }
    }
    board.finish(80 * 4 * 2);
}

/// 5 columns are two words of FP16, and 16 partial results give one.
#[test]
fn stochastic_rounding_takes_128_bits_a_word_of_results() {
    let mut random = Random::seeded(24);
    for (operation, words) in [(VectorOperation::COPY, 2), (VectorOperation::SUM, 1)] {
        let descriptor = VectorDescriptor {
            operation,
            stochastic: true,
            result_fp16: true,
            rows: 3,
            columns: 5,
            a_address: 0x1000,
            a_stride_x: 1,
            a_stride_y: 3,
            result_address: 0x3000,
            result_stride_x: 1,
            result_stride_y: 2,
            ..Default::default()
        };
        let before = loaded(&descriptor, || fp32_pairs(&mut random));
        let after = run(&before);
        let mut generator = before.vector_random;
        for row in 0..3 {
            let bits: Vec<u64> = (0..2 * words).map(|_| generator.next_u64()).collect();
            for column in (0..5).filter(|_| operation == VectorOperation::COPY) {
                let rounding = Rounding::Stochastic { random: (bits[column / 2] >> (column % 2 * 32)) as u32 };
                let a = fp32(&before.memory, 0x200 + 3 * row, 1, column as i64);
                let (expected, _) = fp32_to_fp16(a.to_bits(), rounding, Overflow::ToInfinity);
                let found = fp16(&after.memory, 0x600 + 2 * row, 1, column as i64);
                assert_eq!(found, expected, "row {row}, column {column}");
            }
        }
        assert_eq!(after.vector_random, generator, "{operation:?}");
        let plain = run(&loaded(&VectorDescriptor { stochastic: false, ..descriptor }, || fp32_pairs(&mut random)));
        assert_eq!(plain.vector_random, before.vector_random, "to nearest even takes none");
    }
}

/// 1 + 2^-23 and 2^-11 - 2^-24 add up to more than the middle of two FP16 numbers, by less than FP32 shows.
#[test]
fn the_last_step_of_a_reduction_rounds_to_the_result() {
    let descriptor = VectorDescriptor {
        operation: VectorOperation::SUM,
        result_fp16: true,
        rows: 1,
        columns: 2,
        a_address: 0x1000,
        result_address: 0x3000,
        ..Default::default()
    };
    let (low, high) = (1.0 + f32::EPSILON, 2f32.powi(-11) - 2f32.powi(-24));
    let word = u64::from(low.to_bits()) | u64::from(high.to_bits()) << 32;
    let after = run(&loaded(&descriptor, || word));
    assert_eq!(after.memory[0x600] & 0xFFFF, 0x3C01, "rounded to FP32 first, it would be a tie");
    let saturated = VectorDescriptor { saturate: true, ..descriptor };
    let large = u64::from(60000f32.to_bits()) * 0x1_0000_0001;
    let after = [descriptor, saturated].map(|descriptor| run(&loaded(&descriptor, || large)));
    assert_eq!([0, 1].map(|i| after[i].memory[0x600] & 0xFFFF), [0x7C00, 0x7BFF]);
    assert!(after.iter().all(|tile| tile.flags == Flags::OVERFLOW));
}

#[test]
fn wrong_vector_commands_stop_the_tile() {
    let good = VectorDescriptor {
        operation: VectorOperation::FMA,
        rows: 2,
        columns: 4,
        a_address: 0x1000,
        a_stride_x: 1,
        a_stride_y: 2,
        b_address: 0x1100,
        b_stride_x: 1,
        c_address: 0x1200,
        result_address: 0x3000,
        result_stride_x: 1,
        result_stride_y: 2,
        ..Default::default()
    };
    let function = VectorDescriptor { operation: VectorOperation::EXP, ..good };
    use ErrorCode as E;
    let d = DESCRIPTOR;
    for (what, bad, code, address) in [
        ("no rows", VectorDescriptor { rows: 0, ..good }, E::BadDescriptor, d),
        ("no columns", VectorDescriptor { columns: 0, ..good }, E::BadDescriptor, d),
        ("operation", VectorDescriptor { operation: VectorOperation(13), ..good }, E::BadDescriptor, d),
        ("function", VectorDescriptor { operation: VectorOperation(25), ..good }, E::BadDescriptor, d),
        ("source", VectorDescriptor { c_source: VectorSource(3), ..good }, E::BadDescriptor, d),
        ("a function converts", VectorDescriptor { a_fp16: true, ..function }, E::BadDescriptor, d),
        ("a function saturates", VectorDescriptor { saturate: true, ..function }, E::BadDescriptor, d),
        ("a function draws", VectorDescriptor { stochastic: true, ..function }, E::BadDescriptor, d),
        ("a", VectorDescriptor { a_address: 0x1004, ..good }, E::Misaligned, d),
        ("results", VectorDescriptor { result_address: 0x3001, ..good }, E::Misaligned, d),
        ("b beyond", VectorDescriptor { b_address: BYTES - 8, ..good }, E::OutOfRange, BYTES),
        ("c before", VectorDescriptor { c_address: 0, c_stride_y: -1, ..good }, E::OutOfRange, 0xFF_FFF8),
        ("results beyond", VectorDescriptor { result_stride_y: 0x200, ..good }, E::OutOfRange, BYTES),
    ] {
        let before = loaded(&bad, || 0x3F80_0000_3F80_0000);
        let mut after = before.clone();
        let outcome = after.run(0);
        assert_eq!((outcome.error, outcome.error_address), (code, address), "{what}");
        assert!(after == before, "{what}: something has changed");
        assert!(bad.validate(&isa::Limits::new(BYTES, 4, 64)).is_err_and(|violation| violation.code == code), "{what}");
    }
    for ignored in [
        VectorDescriptor { c_source: VectorSource::CONSTANT, constant_c: 0x4000_0000, c_address: 0xFF_FFFF, ..good },
        VectorDescriptor { b_source: VectorSource(3), c_address: 0xFF_FFFF, ..function },
    ] {
        assert!(run(&loaded(&ignored, || 0x3F80_0000_3F80_0000)).memory[0x600] != 0x3F80_0000_3F80_0000);
    }
}
