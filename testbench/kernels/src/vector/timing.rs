//! Predicts how many cycles vector commands take.
//!
//! The engine carries them out one after the other, so that their cycles add up: those of the engine's pipeline, which
//! are the same for all, and for each row its beats, or the words that it moves through the busiest bank.

use std::collections::BTreeMap;

use isa::{VectorDescriptor, VectorOperand, VectorSource, WORD_BYTES};
use tile::TileConfig;
use tile::vector_engine::operand::QUEUE_WORDS;
use tile::vector_engine::{COMMAND_CYCLES, FUNCTION_CYCLES, HALVING_CYCLES};

/// From the end of a WAIT for the AMP engine to the first command in the vector engine's queue, and from the end of the
/// last command to DONE.
pub const AROUND_CYCLES: u64 = 8;

/// Cycles of a command, from its place in the queue to that of the next.
pub fn command_cycles(command: &VectorDescriptor, config: &TileConfig) -> u64 {
    let function = command.operation.function().is_some();
    let reduces = command.operation.is_reduction();
    let pipeline = COMMAND_CYCLES + if function { FUNCTION_CYCLES } else { 0 };
    let beats = u64::from(command.columns.div_ceil(elements_in_beat(command)));
    // While a row is halved, the next one's first words arrive.
    let (halving, ahead) = if reduces { (HALVING_CYCLES as u64, QUEUE_WORDS as u64) } else { (0, 0) };
    let rows =
        (0..command.rows).map(|row| beats.max(busiest_bank(command, config, row).saturating_sub(ahead)) + halving);
    pipeline as u64 + rows.sum::<u64>()
}

fn elements_in_beat(command: &VectorDescriptor) -> u32 {
    let fp16 = command.result_fp16 && command.operands().iter().all(|operand| operand.fp16);
    match command.operation {
        operation if operation.function().is_some() => 1,
        operation if fp16 && !operation.is_reduction() => 4,
        _ => 2,
    }
}

/// Most words of a row that one bank reads and writes. A bank serves one in a cycle.
fn busiest_bank(command: &VectorDescriptor, config: &TileConfig, row: u32) -> u64 {
    let operands = command.operands();
    let moved = operands.iter().filter(|operand| operand.source != VectorSource::CONSTANT);
    let result = command.result();
    let mut words_of_bank: BTreeMap<u32, u64> = BTreeMap::new();
    for stream in moved.chain([&result]) {
        let first = i64::from(stream.address) + i64::from(row) * i64::from(stream.stride_y) * i64::from(WORD_BYTES);
        *words_of_bank.entry(first as u32 / config.bank_bytes() as u32).or_default() += words(stream, command);
    }
    words_of_bank.into_values().max().expect("a result")
}

fn words(stream: &VectorOperand, command: &VectorDescriptor) -> u64 {
    u64::from(stream.row_words(command.columns))
}

/// Cycles of commands behind those of the AMP engine, to DONE.
pub fn sequence_cycles<'c>(commands: impl IntoIterator<Item = &'c VectorDescriptor>, config: &TileConfig) -> u64 {
    let cycles: u64 = commands.into_iter().map(|command| command_cycles(command, config)).sum();
    if cycles == 0 { 0 } else { cycles + AROUND_CYCLES }
}
