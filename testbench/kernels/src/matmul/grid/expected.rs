//! The golden results of a plan.

use std::ops::Range;

use golden::{Flags, MatmulOptions, MatmulResult, ReadOut, Shape, Start};
use isa::BLOCK;

use super::plan::GridPlan;
use crate::matmul::run::Operands;

/// What the plan computes, by the golden model: each piece of the result summed in the order in which it travels.
///
/// Panics if the operands are not those of the plan.
pub fn expected(plan: &GridPlan, operands: &Operands) -> MatmulResult {
    operands.check(&plan.problem);
    let (shape, partition) = (plan.problem.shape, plan.partition);
    if partition.k == 1 {
        return golden::matmul(shape, operands.a, operands.b, operands.start, &plan.options());
    }
    let mut whole = MatmulResult { bits: vec![0; shape.m * shape.n], flags: Flags::NONE };
    for tile in 0..partition.tiles() {
        let mut place = partition.place(tile).expect("a part");
        let (rows, piece) = (partition.rows(shape, place), partition.piece(shape, place, 0));
        let mut parts = vec![];
        for _ in 0..partition.k {
            parts.push(partition.k_range(shape, place));
            place = partition.next(place);
        }
        let result = chain(plan, operands, &rows, &piece, &parts);
        whole.flags |= result.flags;
        for (row, bits) in rows.zip(result.bits.chunks(piece.len())) {
            whole.bits[row * shape.n..][piece.clone()].copy_from_slice(bits);
        }
    }
    whole
}

/// A block of the result, summed over parts of K one after the other.
fn chain(
    plan: &GridPlan,
    operands: &Operands,
    rows: &Range<usize>,
    columns: &Range<usize>,
    parts: &[Range<usize>],
) -> MatmulResult {
    let Shape { n, k, .. } = plan.problem.shape;
    let block = |values: &[u32]| -> Vec<u32> {
        rows.clone().flat_map(|row| values[row * n..][columns.clone()].to_vec()).collect()
    };
    let take = |part: &Range<usize>| -> (Vec<u16>, Vec<u16>) {
        let a = rows.clone().flat_map(|row| operands.a[row * k..][part.clone()].to_vec());
        let b = part.clone().flat_map(|row| operands.b[row * n..][columns.clone()].to_vec());
        (a.collect(), b.collect())
    };
    let options = plan.options();
    let between = MatmulOptions { read_out: ReadOut::default(), ..options };
    let start_values = match operands.start {
        Start::Zero => vec![],
        Start::PartialSums(sums) => block(sums),
        Start::Bias(bias) => bias[columns.clone()].to_vec(),
    };
    let mut start = match operands.start {
        Start::Zero => Start::Zero,
        Start::PartialSums(_) => Start::PartialSums(&start_values),
        Start::Bias(_) => Start::Bias(&start_values),
    };
    if plan.problem.exact_sums {
        // Nothing is rounded between the parts: one product, whose K is in the order of the sums. Only sums that leave the
        // accumulator's range on the way depend on it. A part begins a block.
        let whole = |part: &Range<usize>| part.len().next_multiple_of(BLOCK as usize);
        let depth = parts.iter().map(whole).sum();
        let (mut a, mut b) = (vec![0; rows.len() * depth], vec![]);
        let mut first = 0;
        for part in parts {
            let (part_a, part_b) = take(part);
            for (row, values) in part_a.chunks(part.len()).enumerate() {
                a[row * depth + first..][..part.len()].copy_from_slice(values);
            }
            first += whole(part);
            b.extend(part_b);
            b.resize(first * columns.len(), 0);
        }
        return golden::matmul(Shape { m: rows.len(), n: columns.len(), k: depth }, &a, &b, start, &options);
    }
    let mut flags = Flags::NONE;
    let mut sums = vec![];
    for (index, part) in parts.iter().enumerate() {
        let (a, b) = take(part);
        let shape = Shape { m: rows.len(), n: columns.len(), k: part.len() };
        let options = if index + 1 == parts.len() { &options } else { &between };
        let result = golden::matmul(shape, &a, &b, start, options);
        flags |= result.flags;
        sums = result.bits;
        start = Start::PartialSums(&sums);
    }
    MatmulResult { bits: sums, flags }
}
