//! Reductions of the vector engine: a row of elements to one result, by way of 16 partial results in FP32.

use isa::{PARTIAL_SUMS, VectorOperation};

use crate::counts::{Counts, Element};
use crate::flags::Flags;
use crate::format::{FP32, Format};
use crate::round::{Overflow, Rounding};
use crate::vector::{Operand, elementwise};

/// The result of a row, with the flags and counts of all steps that lead to it. Element i joins partial result i mod 16;
/// then the partial results are halved. The last step is rounded as asked, all others to FP32.
///
/// Panics if `operation` is not a reduction.
pub fn reduction(
    operation: VectorOperation,
    row: impl IntoIterator<Item = [Operand; 3]>,
    result: Format,
    rounding: Rounding,
    overflow: Overflow,
) -> Element {
    assert!(operation.is_reduction(), "operation {} is not a reduction", operation.0);
    let mut partial_results = PartialResults::new(operation);
    for (i, operands) in row.into_iter().enumerate() {
        partial_results.join(i, operands);
    }
    partial_results.combine(result, rounding, overflow)
}

/// The partial results, FP32, and what happened to them.
struct PartialResults {
    operation: VectorOperation,
    values: [u32; PARTIAL_SUMS as usize],
    flags: Flags,
    counts: Counts,
}

impl PartialResults {
    fn new(operation: VectorOperation) -> PartialResults {
        let is_sum = matches!(operation, VectorOperation::SUM | VectorOperation::DOT);
        let neutral = if is_sum { FP32.sign_bit(true) } else { FP32.nan() };
        let values = [neutral; PARTIAL_SUMS as usize];
        PartialResults { operation, values, flags: Flags::NONE, counts: Counts::NONE }
    }

    fn operand(&self, index: usize) -> Operand {
        Operand { format: FP32, bits: self.values[index] }
    }

    /// Element `i` of the row.
    fn join(&mut self, i: usize, [a, b, _]: [Operand; 3]) {
        let index = i % self.values.len();
        let partial = self.operand(index);
        match self.operation {
            VectorOperation::DOT => self.step(index, VectorOperation::FMA, [a, b, partial]),
            operation => self.step(index, pairwise(operation), [a, partial, partial]),
        }
    }

    /// Halves the partial results down to one.
    fn combine(mut self, format: Format, rounding: Rounding, overflow: Overflow) -> Element {
        let operation = pairwise(self.operation);
        let mut half = self.values.len() / 2;
        while half > 1 {
            for i in 0..half {
                let (low, high) = (self.operand(i), self.operand(i + half));
                self.step(i, operation, [low, high, high]);
            }
            half /= 2;
        }
        let (low, high) = (self.operand(0), self.operand(1));
        let last = elementwise(operation, [low, high, high], format, rounding, overflow);
        Element { flags: self.flags | last.flags, counts: self.counts + last.counts, ..last }
    }

    /// A step: FP32, to nearest even.
    fn step(&mut self, index: usize, operation: VectorOperation, operands: [Operand; 3]) {
        let element = elementwise(operation, operands, FP32, Rounding::NearestEven, Overflow::ToInfinity);
        self.values[index] = element.bits;
        self.flags |= element.flags;
        self.counts += element.counts;
    }
}

/// What joins two partial results.
fn pairwise(reduction: VectorOperation) -> VectorOperation {
    match reduction {
        VectorOperation::ROW_MAX => VectorOperation::MAX,
        VectorOperation::ROW_MIN => VectorOperation::MIN,
        _ => VectorOperation::ADD,
    }
}
