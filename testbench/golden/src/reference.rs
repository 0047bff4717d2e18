//! The product in the host's FP64, and how far a result lies from it. For people to read: nothing is checked by it.

use crate::accumulator::{Activation, OutputType};
use crate::format::{FP16, FP32, Format};
use crate::layers::{Epilogue, EpilogueFunction};
use crate::matmul::{Shape, Start};

/// The product of FP16 matrices computed in FP64, in ascending K; the activation is applied, nothing is rounded to
/// the output type. Lengths as for [`crate::matmul()`].
pub fn matmul_fp64(shape: Shape, a: &[u16], b: &[u16], start: Start, activation: Activation) -> Vec<f64> {
    let Shape { m, n, k } = shape;
    start.check(shape);
    let widen = |matrix: &[u16]| -> Vec<f64> { matrix.iter().map(|&bits| FP16.to_f64(u32::from(bits))).collect() };
    let (a, b) = (widen(a), widen(b));
    let mut result = Vec::with_capacity(m * n);
    for row in 0..m {
        for column in 0..n {
            let first = start.partial_sum(row, column, n).map_or(0.0, |bits| FP32.to_f64(bits));
            let sum = (0..k).fold(first, |sum, i| sum + a[row * k + i] * b[i * n + column]);
            result.push(if activation == Activation::Relu { relu(sum) } else { sum });
        }
    }
    result
}

/// Positive numbers and NaN pass.
fn relu(x: f64) -> f64 {
    if x > 0.0 || x.is_nan() { x } else { 0.0 }
}

/// What an epilogue makes of sums in rows of `columns`, in FP64.
pub fn epilogue_fp64(epilogue: &Epilogue, sums: &mut [f64], columns: usize, residual: Option<&[u16]>) {
    for (sum, &bits) in sums.iter_mut().zip(residual.unwrap_or_default()) {
        *sum += FP16.to_f64(u32::from(bits));
    }
    for row in sums.chunks_mut(columns) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let of_row: f64 = row.iter().map(|x| (x - largest).exp()).sum();
        row.iter_mut().for_each(|x| {
            *x = match epilogue.function {
                EpilogueFunction::None => *x,
                EpilogueFunction::Relu => relu(*x),
                EpilogueFunction::Gelu => {
                    *x / 2.0 * (1.0 + (std::f64::consts::FRAC_2_PI.sqrt() * (*x + 0.044715 * x.powi(3))).tanh())
                }
                EpilogueFunction::Sigmoid => 1.0 / (1.0 + (-*x).exp()),
                EpilogueFunction::Tanh => x.tanh(),
                EpilogueFunction::Softmax => (*x - largest).exp() / of_row,
            }
        });
    }
}

/// Distance of a result from a reference, in units in the last place of the reference in the result's format.
/// Equal infinities and two NaNs are 0 apart; anything else that is not finite is infinitely far. A reference beyond
/// the format's range counts as infinite.
pub fn error_ulp(format: Format, bits: u32, reference: f64) -> f64 {
    let value = format.to_f64(bits);
    let largest = format.to_f64(format.max_finite(false));
    let half_ulp_above = ulp(format, largest) / 2.0;
    let reference =
        if reference.abs() >= largest + half_ulp_above { f64::INFINITY.copysign(reference) } else { reference };
    if value == reference || value.is_nan() && reference.is_nan() {
        0.0
    } else if value.is_finite() && reference.is_finite() {
        (value - reference).abs() / ulp(format, reference)
    } else {
        f64::INFINITY
    }
}

/// The distance between neighbouring numbers of `format` in the binade of `value`.
fn ulp(format: Format, value: f64) -> f64 {
    let smallest_normal = 2f64.powi(format.emin());
    let biased_exponent = value.abs().max(smallest_normal).to_bits() >> 52;
    2f64.powi(biased_exponent as i32 - 1023 - format.fraction_bits as i32)
}

/// Errors of a whole result.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ErrorSummary {
    /// Results that were compared.
    pub compared: usize,
    /// Largest error in ulp.
    pub max_ulp: f64,
    /// Mean error in ulp.
    pub mean_ulp: f64,
}

/// Compares results with [`matmul_fp64`]'s. Panics if the lengths differ or there is nothing to compare.
pub fn summarize_errors(output: OutputType, bits: &[u32], reference: &[f64]) -> ErrorSummary {
    assert_eq!(bits.len(), reference.len(), "one reference for each result");
    assert!(!bits.is_empty(), "nothing to compare");
    let errors = bits.iter().zip(reference).map(|(&bits, &reference)| error_ulp(output.format(), bits, reference));
    let (max_ulp, total) = errors.fold((0.0f64, 0.0), |(max, total), error| (max.max(error), total + error));
    ErrorSummary { compared: bits.len(), max_ulp, mean_ulp: total / bits.len() as f64 }
}
