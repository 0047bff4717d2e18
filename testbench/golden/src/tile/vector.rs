//! VECTOR: rows of elements through one operation.

use super::memory::{At, Fault, moved, read_word, span};
use crate::counts::{Counts, Element};
use crate::flags::Flags;
use crate::format::{FP16, FP32, Format};
use crate::random::Random;
use crate::reduction::reduction;
use crate::round::{Overflow, Rounding};
use crate::vector::{Operand, elementwise, function};
use isa::{ErrorCode, VectorDescriptor, VectorOperand, VectorOperation, VectorSource, WORD_BYTES};

/// What a vector command adds to the tile's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Work {
    pub flags: Flags,
    pub counts: Counts,
}

/// Performs the command whose descriptor is at `address`.
pub(super) fn perform(memory: &mut [u64], address: u32, random: &mut Random) -> Result<Work, Fault> {
    let descriptor = read_descriptor(memory, address)?;
    let command = VectorCommand { operands: descriptor.operands(), descriptor };
    command.require_memory(memory)?;
    let mut work = Work::default();
    for row in 0..descriptor.rows {
        command.perform_row(memory, row, random, &mut work);
    }
    Ok(work)
}

fn read_descriptor(memory: &[u64], address: u32) -> Result<VectorDescriptor, Fault> {
    let bytes = VectorDescriptor::WORDS as u32 * WORD_BYTES;
    let words = span(memory, address, bytes, WORD_BYTES).map_err(|fault| Fault { address, ..fault })?;
    let words: &[u64; VectorDescriptor::WORDS] = memory[words].try_into().expect("as many words");
    let bad = ErrorCode::BadDescriptor.at(address);
    let descriptor = VectorDescriptor::decode(words).map_err(|_| bad)?;

    let VectorDescriptor { operation, rows, columns, a_fp16, result_fp16, stochastic, saturate, .. } = descriptor;
    let known = VectorOperation::NAMES.iter().any(|name| name.value == operation.0.into());
    let operands = descriptor.operands();
    let sources = [VectorSource::STREAM, VectorSource::ROW_SCALAR, VectorSource::CONSTANT];
    let sources_known = operands.iter().all(|operand| sources.contains(&operand.source));
    let function_fits = function(operation).is_none() || a_fp16 == result_fp16 && !stochastic && !saturate;
    if !(known && sources_known && function_fits && rows >= 1 && columns >= 1) {
        return Err(bad);
    }
    let in_memory = operands.iter().filter(|operand| operand.source != VectorSource::CONSTANT);
    let mut addresses = in_memory.map(|operand| operand.address).chain([descriptor.result_address]);
    if !addresses.all(|address| address.is_multiple_of(WORD_BYTES)) {
        return Err(ErrorCode::Misaligned.at(address));
    }
    Ok(descriptor)
}

struct VectorCommand {
    descriptor: VectorDescriptor,
    /// Those that the operation has.
    operands: Vec<VectorOperand>,
}

impl VectorCommand {
    /// Every word that is read, operand by operand, then every word that is written, is there.
    fn require_memory(&self, memory: &[u64]) -> Result<(), Fault> {
        for stream in self.operands.iter().chain([&self.descriptor.result()]) {
            for row in 0..self.descriptor.rows {
                for word in 0..stream.row_words(self.descriptor.columns) {
                    read_word(memory, word_address(stream, row, word))?;
                }
            }
        }
        Ok(())
    }

    fn perform_row(&self, memory: &mut [u64], row: u32, random: &mut Random, work: &mut Work) {
        let operation = self.descriptor.operation;
        let operands: Vec<Vec<Operand>> =
            self.operands.iter().map(|operand| self.read_row(memory, operand, row)).collect();
        let column = |i: usize| -> [Operand; 3] {
            // What the operation does not have is a once more, and ignored.
            [0, 1, 2].map(|letter| operands.get(letter).unwrap_or(&operands[0])[i])
        };
        let columns = 0..self.descriptor.columns as usize;

        let results: Vec<Element> = if operation.is_reduction() {
            let [rounding] = self.roundings(1, random)[..] else { unreachable!("one result") };
            vec![reduction(operation, columns.map(column), self.result_format(), rounding, self.overflow())]
        } else {
            let roundings = self.roundings(columns.len(), random);
            columns
                .map(|i| elementwise(operation, column(i), self.result_format(), roundings[i], self.overflow()))
                .collect()
        };

        let result = self.descriptor.result();
        let width = 64 / result.elements_in_word();
        for (i, element) in results.into_iter().enumerate() {
            work.count(element);
            let (word, place) = (i as u32 / result.elements_in_word(), i as u32 % result.elements_in_word() * width);
            let word = &mut memory[(word_address(&result, row, word) / WORD_BYTES) as usize];
            *word = *word & !(((1 << width) - 1) << place) | u64::from(element.bits) << place;
        }
    }

    /// The elements of a row, each for its column.
    fn read_row(&self, memory: &[u64], operand: &VectorOperand, row: u32) -> Vec<Operand> {
        let format = if operand.fp16 { FP16 } else { FP32 };
        let width = 64 / operand.elements_in_word();
        let element = |bits: u64| Operand { format, bits: (bits & ((1 << width) - 1)) as u32 };
        let in_memory = |column: u32| {
            let (word, place) = (column / operand.elements_in_word(), column % operand.elements_in_word() * width);
            element(memory[(word_address(operand, row, word) / WORD_BYTES) as usize] >> place)
        };
        let columns = 0..self.descriptor.columns;
        match operand.source {
            VectorSource::CONSTANT => columns.map(|_| element(operand.constant.into())).collect(),
            VectorSource::ROW_SCALAR => columns.map(|_| in_memory(0)).collect(),
            _ => columns.map(in_memory).collect(),
        }
    }

    /// How each of `count` results of a row is rounded.
    fn roundings(&self, count: usize, random: &mut Random) -> Vec<Rounding> {
        if !(self.descriptor.stochastic && self.descriptor.result_fp16) {
            return vec![Rounding::NearestEven; count];
        }
        random.roundings(count)
    }

    fn result_format(&self) -> Format {
        if self.descriptor.result_fp16 { FP16 } else { FP32 }
    }

    fn overflow(&self) -> Overflow {
        let saturates = self.descriptor.saturate && self.descriptor.result_fp16;
        if saturates { Overflow::Saturate } else { Overflow::ToInfinity }
    }
}

impl Work {
    fn count(&mut self, element: Element) {
        self.flags |= element.flags;
        self.counts += element.counts;
    }
}

fn word_address(stream: &VectorOperand, row: u32, word: u32) -> u32 {
    let words = i64::from(row) * i64::from(stream.stride_y) + i64::from(word) * i64::from(stream.stride_x);
    moved(stream.address, words)
}
