//! Random programs of vector commands: all operations, formats, sources and strides, numbers of every class.

use isa::{Command, VectorDescriptor, VectorOperand, VectorOperation, VectorSource};
use rand::Rng;
use rand::rngs::StdRng;

/// Words that a program lives in: operands, results, descriptors and commands.
pub const PROGRAM_WORDS: usize = 1536;
const RESULTS: u32 = 640;
const DESCRIPTORS: u32 = 1280;
const COMMANDS: u32 = 1500;

/// Byte address of the first command.
pub const START: u32 = 8 * COMMANDS;

/// A word of two FP32 or four FP16 numbers: mostly moderate, some of every class.
pub fn random_word(rng: &mut StdRng) -> u64 {
    let fp16 = |rng: &mut StdRng| match rng.random_range(0..40) {
        0 => rng.random::<u16>(),
        1 => rng.random::<u16>() & 0x83ff,
        2 => 0x7c00 | rng.random::<u16>() & 0x8001,
        3 => 0x7800 | rng.random::<u16>() & 0x83ff,
        _ => rng.random_range(0x2c00..0x4400u16) | rng.random::<u16>() & 0x8000,
    };
    let fp32 = |rng: &mut StdRng| match rng.random_range(0..30) {
        0 => rng.random(),
        1 => rng.random::<u32>() & 0x807f_ffff,
        2 => 0x7f80_0000 | rng.random::<u32>() & 0x8000_0001,
        3 => rng.random_range(0x3200_0000..0x4980_0000u32) | rng.random::<u32>() & 0x8000_0000,
        _ => rng.random_range(0x3d00_0000..0x4300_0000u32) | rng.random::<u32>() & 0x8000_0000,
    };
    match rng.random_range(0..20) {
        0 => 0x8000_0000_0000_0000 * rng.random_range(0..2u64),
        1..10 => u64::from(fp32(rng)) | u64::from(fp32(rng)) << 32,
        _ => (0..4).fold(0, |word, i| word | u64::from(fp16(rng)) << (16 * i)),
    }
}

/// A legal descriptor of that operation. Operands lie below the results, unless results take the place of a.
pub fn random_descriptor(operation: VectorOperation, rng: &mut StdRng) -> VectorDescriptor {
    let source = |rng: &mut StdRng| match rng.random_range(0..6) {
        0 => VectorSource::ROW_SCALAR,
        1 => VectorSource::CONSTANT,
        _ => VectorSource::STREAM,
    };
    let function = operation.function().is_some();
    // Every second command is all in one format.
    let (one_format, first) = (rng.random::<bool>() || function, rng.random());
    let fp16 = |rng: &mut StdRng| if one_format { first } else { rng.random() };
    let place = |rng: &mut StdRng, middle: u32| 8 * (middle - 30 + rng.random_range(0..60));
    let strides = |rng: &mut StdRng| (rng.random_range(-3..4), rng.random_range(-45..46));
    let ((a_stride_x, a_stride_y), (b_stride_x, b_stride_y)) = (strides(rng), strides(rng));
    let ((c_stride_x, c_stride_y), (result_stride_x, result_stride_y)) = (strides(rng), strides(rng));
    let constant = |rng: &mut StdRng| random_word(rng) as u32;
    let descriptor = VectorDescriptor {
        operation,
        stochastic: !function && rng.random(),
        saturate: !function && rng.random(),
        a_source: source(rng),
        b_source: source(rng),
        c_source: source(rng),
        a_fp16: fp16(rng),
        b_fp16: fp16(rng),
        c_fp16: fp16(rng),
        result_fp16: fp16(rng),
        rows: rng.random_range(1..=6),
        columns: if rng.random() { rng.random_range(1..=9) } else { rng.random_range(1..=40) },
        a_address: place(rng, RESULTS / 2),
        a_stride_x,
        a_stride_y,
        b_address: place(rng, RESULTS / 2),
        b_stride_x,
        b_stride_y,
        c_address: place(rng, RESULTS / 2),
        c_stride_x,
        c_stride_y,
        result_address: place(rng, (RESULTS + DESCRIPTORS) / 2),
        result_stride_x,
        result_stride_y,
        constant_a: constant(rng),
        constant_b: constant(rng),
        constant_c: constant(rng),
    };
    if !operation.is_reduction() && rng.random_range(0..4) == 0 { in_place(descriptor, rng) } else { descriptor }
}

/// The same with results in the place of a: every word of its own.
fn in_place(descriptor: VectorDescriptor, rng: &mut StdRng) -> VectorDescriptor {
    let stride_x = if rng.random() { 1 } else { -1 };
    let stride_y = rng.random_range(20..45) * if rng.random() { 1 } else { -1 };
    VectorDescriptor {
        a_source: VectorSource::STREAM,
        a_fp16: descriptor.result_fp16,
        a_address: descriptor.result_address,
        a_stride_x: stride_x,
        a_stride_y: stride_y,
        result_stride_x: stride_x,
        result_stride_y: stride_y,
        ..descriptor
    }
}

/// Memory with commands of those descriptors, one after the other, and HALT.
pub fn with_commands(mut memory: Vec<u64>, descriptors: &[VectorDescriptor]) -> Vec<u64> {
    let mut commands = vec![];
    for (i, descriptor) in descriptors.iter().enumerate() {
        let place = DESCRIPTORS as usize + VectorDescriptor::WORDS * i;
        memory[place..place + VectorDescriptor::WORDS].copy_from_slice(&descriptor.encode().expect("fits"));
        commands.push(Command::Vector { descriptor: 8 * place as u32 });
    }
    commands.push(Command::Halt);
    for (place, command) in memory[COMMANDS as usize..].iter_mut().zip(commands) {
        *place = command.encode().expect("fits");
    }
    memory
}

/// Elements that the engine takes in a beat.
pub fn elements_a_beat(descriptor: &VectorDescriptor) -> u32 {
    let all_fp16 = descriptor.operands().iter().chain([&descriptor.result()]).all(|VectorOperand { fp16, .. }| *fp16);
    match descriptor.operation {
        operation if operation.function().is_some() => 1,
        operation if all_fp16 && !operation.is_reduction() => 4,
        _ => 2,
    }
}
