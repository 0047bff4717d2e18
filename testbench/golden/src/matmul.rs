//! A whole matrix product as the AMP computes it.

use crate::accumulator::{Accumulator, AccumulatorKind, ReadOut};
use crate::flags::Flags;
use crate::round::Rounding;
use crate::step::ALL_TERMS;

/// Sizes of a product: A is `m` x `k`, B is `k` x `n`, the result is `m` x `n`. All matrices are row-major.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Rows of A and of the result.
    pub m: usize,
    /// Columns of B and of the result.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
}

/// What the sums start from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Start<'a> {
    /// +0.
    #[default]
    Zero,
    /// FP32 partial sums, `m` x `n`.
    PartialSums(&'a [u32]),
    /// One row of `n` FP32 numbers for all rows of the result.
    Bias(&'a [u32]),
}

impl Start<'_> {
    /// The FP32 number that result (`row`, `column`) of `n` columns starts from, if any.
    pub fn partial_sum(&self, row: usize, column: usize, n: usize) -> Option<u32> {
        match self {
            Start::Zero => None,
            Start::PartialSums(sums) => Some(sums[row * n + column]),
            Start::Bias(bias) => Some(bias[column]),
        }
    }

    /// Panics unless there is a number for every result.
    pub(crate) fn check(&self, shape: Shape) {
        match self {
            Start::Zero => {}
            Start::PartialSums(sums) => assert_eq!(sums.len(), shape.m * shape.n, "partial sums are M x N"),
            Start::Bias(bias) => assert_eq!(bias.len(), shape.n, "a bias is one row of N"),
        }
    }
}

/// The configuration and the command's options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MatmulOptions {
    /// Products that a step sums, T: 1, 2, 4, 8 or 16.
    pub terms: usize,
    /// Kind of accumulator.
    pub accumulator: AccumulatorKind,
    /// How results leave.
    pub read_out: ReadOut,
}

impl Default for MatmulOptions {
    fn default() -> Self {
        MatmulOptions { terms: 4, accumulator: AccumulatorKind::Fp32, read_out: ReadOut::default() }
    }
}

/// A result matrix and the flags that it raised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MatmulResult {
    /// Row-major `m` x `n` bit patterns; FP16 in the low 16 bits.
    pub bits: Vec<u32>,
    /// Union over every partial sum, step and read-out.
    pub flags: Flags,
}

/// The product of FP16 matrices, K ascending in steps of `terms`. Steps never cross from one weight block of 16 K into
/// the next, since `terms` divides 16; a last block of `v` values takes `ceil(v / terms)` steps.
///
/// Panics if the length of a slice does not match `shape` or `terms` is not 1, 2, 4, 8 or 16.
pub fn matmul(shape: Shape, a: &[u16], b: &[u16], start: Start, options: &MatmulOptions) -> MatmulResult {
    matmul_rounded(shape, a, b, start, options, |_, _| Rounding::NearestEven)
}

/// As [`matmul`], with the FP16 result (row, column) rounded as `rounding` says.
pub fn matmul_rounded(
    shape: Shape,
    a: &[u16],
    b: &[u16],
    start: Start,
    options: &MatmulOptions,
    rounding: impl Fn(usize, usize) -> Rounding,
) -> MatmulResult {
    let Shape { m, n, k } = shape;
    assert!([1, 2, 4, 8, 16].contains(&options.terms), "terms are 1, 2, 4, 8 or 16, not {}", options.terms);
    assert_eq!(a.len(), m * k, "A is M x K");
    assert_eq!(b.len(), k * n, "B is K x N");
    start.check(shape);

    let b_columns: Vec<Vec<u16>> = (0..n).map(|column| (0..k).map(|i| b[i * n + column]).collect()).collect();
    let mut result = MatmulResult { bits: Vec::with_capacity(m * n), flags: Flags::NONE };
    for row in 0..m {
        let a_row = &a[row * k..(row + 1) * k];
        for (column, b_column) in b_columns.iter().enumerate() {
            let (mut accumulator, entry_flags) = match start.partial_sum(row, column, n) {
                None => (options.accumulator.zero(), Flags::NONE),
                Some(partial_sum) => options.accumulator.from_partial_sum(partial_sum),
            };
            let step_flags = accumulate(&mut accumulator, a_row, b_column, options.terms);
            let element = accumulator.read_rounded(options.read_out, rounding(row, column));
            result.bits.push(element.bits);
            result.flags |= entry_flags | step_flags | element.flags;
        }
    }
    result
}

/// A matrix of `rows` x `columns` with rows and columns exchanged.
pub fn transposed<T: Copy>(matrix: &[T], rows: usize, columns: usize) -> Vec<T> {
    assert_eq!(matrix.len(), rows * columns, "a matrix is rows x columns");
    (0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])).collect()
}

/// Adds the products of two vectors, step by step.
pub(crate) fn accumulate(accumulator: &mut Accumulator, x: &[u16], w: &[u16], terms: usize) -> Flags {
    let steps = x.chunks(terms).zip(w.chunks(terms));
    steps.fold(Flags::NONE, |flags, (x, w)| flags | accumulator.step(x, w, ALL_TERMS))
}
