//! Matrices to and from memory words: rows padded to their pitch, lowest column in the lowest bits.

use std::ops::Range;

use golden::OutputType;
use isa::{BLOCK, LANES};

use crate::matmul::Region;

/// A row-major matrix of bit patterns.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    pub values: &'a [T],
    pub columns: usize,
}

impl<T> Matrix<'_, T> {
    fn row(&self, row: usize, columns: &Range<usize>) -> &[T] {
        &self.values[row * self.columns..][columns.clone()]
    }
}

/// Rows of A as the region of inputs holds them.
pub fn pack_inputs(a: Matrix<u16>, rows: &Range<usize>, k: &Range<usize>, region: &Region) -> Vec<u64> {
    let pitch = region.pitch_words as usize;
    rows.clone().flat_map(|row| padded(pack_fp16(a.row(row, k)), pitch)).collect()
}

/// A part of B as the region of weights holds it: for each 16 columns, all K in rows of 16, both filled up with zeros.
pub fn pack_weights(b: Matrix<u16>, k: &Range<usize>, columns: &Range<usize>, region: &Region) -> Vec<u64> {
    let pitch = region.pitch_words as usize;
    let lanes = LANES as usize;
    let panel = |first: usize| {
        let columns = first..columns.end.min(first + lanes);
        let rows = k.clone().flat_map(move |row| padded(pack_fp16(b.row(row, &columns)), BLOCK as usize / 4));
        padded(rows.collect(), pitch)
    };
    columns.clone().step_by(lanes).flat_map(panel).collect()
}

/// Rows of FP32 numbers as the regions of partial sums and bias hold them.
pub fn pack_fp32_rows(sums: Matrix<u32>, rows: &Range<usize>, columns: &Range<usize>, region: &Region) -> Vec<u64> {
    rows.clone().flat_map(|row| padded(pack_fp32(sums.row(row, columns)), region.pitch_words as usize)).collect()
}

/// The first `columns` results of each row.
pub fn unpack_results(words: &[u64], output: OutputType, columns: usize, region: &Region) -> Vec<Vec<u32>> {
    let bits = match output {
        OutputType::Fp32 => 32,
        OutputType::Fp16 => 16,
    };
    let rows = words.chunks(region.pitch_words as usize);
    rows.map(|row| (0..columns).map(|column| unpacked(row, bits, column)).collect()).collect()
}

/// The value of `bits` bits at an index of words, at most 32 bits.
pub fn unpacked(words: &[u64], bits: usize, index: usize) -> u32 {
    let position = index * bits;
    (words[position / 64] >> (position % 64) & ((1 << bits) - 1)) as u32
}

/// FP16 numbers, four a word.
pub fn pack_fp16(values: &[u16]) -> Vec<u64> {
    values.chunks(4).map(|four| join(four, 16)).collect()
}

/// FP32 numbers, two a word.
pub fn pack_fp32(values: &[u32]) -> Vec<u64> {
    values.chunks(2).map(|pair| join(pair, 32)).collect()
}

/// Values of `bits` bits in one word, the first lowest.
fn join<T: Copy + Into<u64>>(values: &[T], bits: usize) -> u64 {
    values.iter().rev().fold(0, |word, &value| word << bits | value.into())
}

/// Zeros up to `length`.
pub fn padded(mut words: Vec<u64>, length: usize) -> Vec<u64> {
    assert!(words.len() <= length, "{} words in rows of {length}", words.len());
    words.resize(length, 0);
    words
}
