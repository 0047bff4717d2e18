//! Functions of rows of numbers, as sequences of the vector engine's operations: what networks have between products.
//!
//! | Function     | Steps, each rounded once                                                                    |
//! |--------------|---------------------------------------------------------------------------------------------|
//! | `softmax`    | m = largest x, n = m * -scale, p = e^(x * scale + n), s = sum of p, p * (1 / s)             |
//! | `gelu`       | q = x * x, q = q * c + d, q = q * x, q = sigmoid q, q * x; c = 2 sqrt(2 / pi) * 0.044715,   |
//! |              | d = 2 sqrt(2 / pi): x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))                   |
//! | `layer_norm` | s = sum of x, s = s * (1 / n), d = x - s, v = d . d, v = v * (1 / n) + epsilon,             |
//! |              | v = 1 / sqrt(v), d = d * v, d * gain + bias                                                 |
//! | `max_pool`   | the largest number of each window                                                           |
//!
//! What lies between two steps is FP32; only the last step has the format of the result.

use isa::VectorOperation;

use crate::accumulator::ReadOut;
use crate::flags::Flags;
use crate::format::{FP16, FP32, Format};
use crate::matmul::MatmulResult;
use crate::reduction::reduction;
use crate::round::{Overflow, Rounding};
use crate::vector::{Operand, elementwise};

/// Rows of numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rows {
    /// Numbers of a row.
    pub columns: usize,
    /// Their format.
    pub format: Format,
    /// Bit patterns, row by row.
    pub bits: Vec<u32>,
    /// Flags that were raised on the way to them.
    pub flags: Flags,
}

/// What follows the sums of a product or a convolution: results are `function(sums + residual)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Epilogue {
    /// An FP16 number is added to each sum.
    pub residual: bool,
    /// Applied to that.
    pub function: EpilogueFunction,
}

/// A function of the sums.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EpilogueFunction {
    /// They stay as they are.
    #[default]
    None,
    /// The larger of x and 0.
    Relu,
    /// About x times the chance that a normally distributed number is smaller.
    Gelu,
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// e^x over the sum of e^x of the row.
    Softmax,
}

/// How results leave the last step.
#[derive(Clone, Copy)]
struct Leave {
    format: Format,
    overflow: Overflow,
}

/// Between two steps.
const FP32_STEP: Leave = Leave { format: FP32, overflow: Overflow::ToInfinity };

/// An operand of a step.
#[derive(Clone, Copy)]
enum With<'a> {
    /// A number for each.
    Each(&'a Rows),
    /// One number for each row.
    OfRow(&'a Rows),
    /// One row for all.
    OfColumn(&'a Rows),
    /// One number for all.
    Constant(f32),
}

use With::{Constant, Each, OfColumn, OfRow};

impl With<'_> {
    fn at(&self, row: usize, column: usize) -> Operand {
        let of = |rows: &Rows, index: usize| Operand { format: rows.format, bits: rows.bits[index] };
        match *self {
            Each(rows) => of(rows, row * rows.columns + column),
            OfRow(rows) => of(rows, row),
            OfColumn(rows) => of(rows, column),
            Constant(number) => Operand { format: FP32, bits: number.to_bits() },
        }
    }

    fn flags(&self) -> Flags {
        match *self {
            Each(rows) | OfRow(rows) | OfColumn(rows) => rows.flags,
            Constant(_) => Flags::NONE,
        }
    }
}

impl Epilogue {
    /// Whether there is nothing to do.
    pub fn is_none(&self) -> bool {
        *self == Epilogue::default()
    }

    /// Whether a result depends on all sums of its row.
    pub fn needs_whole_rows(&self) -> bool {
        self.function == EpilogueFunction::Softmax
    }

    /// The results for FP32 sums in rows of `columns`. Panics unless there is a residual of their size where one is asked
    /// for.
    pub fn apply(
        &self,
        sums: MatmulResult,
        columns: usize,
        residual: Option<&[u16]>,
        read_out: ReadOut,
    ) -> MatmulResult {
        assert_eq!(residual.is_some(), self.residual, "a residual where it is asked for");
        let residual = residual.map(|bits| Rows::new(columns, FP16, bits.iter().map(|&bits| bits.into()).collect()));
        let sums = Rows { flags: sums.flags, ..Rows::new(columns, FP32, sums.bits) };
        let Rows { bits, flags, .. } = self.results(&sums, residual.as_ref(), read_out);
        MatmulResult { bits, flags }
    }

    fn results(&self, sums: &Rows, residual: Option<&Rows>, read_out: ReadOut) -> Rows {
        let leave = Leave { format: read_out.output.format(), overflow: read_out.overflow };
        // Without a function the sum with the residual is the last step.
        let of_sum = if self.function == EpilogueFunction::None { leave } else { FP32_STEP };
        let added = residual.map(|residual| sums.plus(residual, of_sum));
        let x = added.as_ref().unwrap_or(sums);
        match self.function {
            EpilogueFunction::None => x.copied(leave),
            EpilogueFunction::Relu => x.step(VectorOperation::RELU, &[Each(x)], leave),
            EpilogueFunction::Gelu => x.gelu_leaving(leave),
            EpilogueFunction::Sigmoid => x.step(VectorOperation::SIGMOID, &[Each(x)], FP32_STEP).copied(leave),
            EpilogueFunction::Tanh => x.step(VectorOperation::TANH, &[Each(x)], FP32_STEP).copied(leave),
            EpilogueFunction::Softmax => x.softmax_leaving(1.0, leave),
        }
    }
}

impl Rows {
    /// Numbers that raised nothing. Panics unless they are whole rows.
    pub fn new(columns: usize, format: Format, bits: Vec<u32>) -> Rows {
        assert!(bits.len().is_multiple_of(columns), "whole rows of {columns}");
        Rows { columns, format, bits, flags: Flags::NONE }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.bits.len() / self.columns
    }

    /// The bit patterns of FP16 numbers.
    pub fn fp16(&self) -> Vec<u16> {
        assert_eq!(self.format, FP16, "numbers in FP16");
        self.bits.iter().map(|&bits| bits as u16).collect()
    }

    /// Some columns of all rows.
    pub fn of_columns(&self, columns: std::ops::Range<usize>) -> Rows {
        let bits = self.bits.chunks(self.columns).flat_map(|row| row[columns.clone()].iter().copied()).collect();
        Rows { columns: columns.len(), bits, ..self.clone() }
    }

    /// The numbers, exactly.
    pub fn to_f64(&self) -> Vec<f64> {
        self.bits.iter().map(|&bits| self.format.to_f64(bits)).collect()
    }

    /// e^(x * scale) over the sum of that in the row; `scale` is positive.
    pub fn softmax(&self, scale: f32, format: Format) -> Rows {
        self.softmax_leaving(scale, Leave { format, ..FP32_STEP })
    }

    /// GELU, in its tanh form.
    pub fn gelu(&self, format: Format) -> Rows {
        self.gelu_leaving(Leave { format, ..FP32_STEP })
    }

    /// Each row less its mean, over the square root of its variance and `epsilon`; times `gain`, plus `bias`, which are
    /// single rows.
    pub fn layer_norm(&self, gain: &Rows, bias: &Rows, epsilon: f32, format: Format) -> Rows {
        let one_nth = Constant(1.0 / self.columns as f32);
        let sums = self.reduce(VectorOperation::SUM, &[Each(self)]);
        let means = sums.step(VectorOperation::MULTIPLY, &[Each(&sums), one_nth], FP32_STEP);
        let distance = self.step(VectorOperation::SUBTRACT, &[Each(self), OfRow(&means)], FP32_STEP);
        let squares = distance.reduce(VectorOperation::DOT, &[Each(&distance), Each(&distance)]);
        let variance = squares.step(VectorOperation::FMA, &[Each(&squares), one_nth, Constant(epsilon)], FP32_STEP);
        let factor = variance.step(VectorOperation::RSQRT, &[Each(&variance)], FP32_STEP);
        let unit = distance.step(VectorOperation::MULTIPLY, &[Each(&distance), OfRow(&factor)], FP32_STEP);
        let operands = [Each(&unit), OfColumn(gain), OfColumn(bias)];
        unit.step(VectorOperation::FMA, &operands, Leave { format, ..FP32_STEP })
    }

    /// The sum with another's numbers.
    pub fn add(&self, other: &Rows, format: Format) -> Rows {
        self.plus(other, Leave { format, ..FP32_STEP })
    }

    /// The largest of each window of `window` x `window` pixels of images of `[rows, columns]`; a pixel is a row.
    ///
    /// Panics unless the images divide into windows.
    pub fn max_pool(&self, [rows, columns]: [usize; 2], window: usize) -> Rows {
        assert!(rows.is_multiple_of(window) && columns.is_multiple_of(window), "windows of {window} fill the images");
        let images = self.rows() / (rows * columns);
        let (pooled_rows, pooled_columns) = (rows / window, columns / window);
        let mut pooled = Rows { bits: vec![], ..self.clone() };
        for pixel in 0..images * pooled_rows * pooled_columns {
            let (row, column) = (pixel / pooled_columns * window, pixel % pooled_columns * window);
            for channel in 0..self.columns {
                let of = |tap: usize| {
                    let pixel = (row + tap / window) * columns + column + tap % window;
                    Operand { format: self.format, bits: self.bits[pixel * self.columns + channel] }
                };
                let largest = (1..window * window).fold(of(0), |largest, tap| {
                    let operands = [largest, of(tap), of(tap)];
                    let rounding = (Rounding::NearestEven, Overflow::ToInfinity);
                    let element = elementwise(VectorOperation::MAX, operands, self.format, rounding.0, rounding.1);
                    pooled.flags |= element.flags;
                    Operand { bits: element.bits, ..largest }
                });
                pooled.bits.push(largest.bits);
            }
        }
        pooled
    }

    fn softmax_leaving(&self, scale: f32, leave: Leave) -> Rows {
        let largest = self.reduce(VectorOperation::ROW_MAX, &[Each(self)]);
        let shift = largest.step(VectorOperation::MULTIPLY, &[Each(&largest), Constant(-scale)], FP32_STEP);
        let exponents = self.step(VectorOperation::FMA, &[Each(self), Constant(scale), OfRow(&shift)], FP32_STEP);
        let powers = self.step(VectorOperation::EXP, &[Each(&exponents)], FP32_STEP);
        let sums = powers.reduce(VectorOperation::SUM, &[Each(&powers)]);
        let factors = sums.step(VectorOperation::RECIPROCAL, &[Each(&sums)], FP32_STEP);
        powers.step(VectorOperation::MULTIPLY, &[Each(&powers), OfRow(&factors)], leave)
    }

    fn gelu_leaving(&self, leave: Leave) -> Rows {
        let scale = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
        let square = self.step(VectorOperation::MULTIPLY, &[Each(self), Each(self)], FP32_STEP);
        let factors = [Each(&square), Constant((0.044715 * scale) as f32), Constant(scale as f32)];
        let factor = self.step(VectorOperation::FMA, &factors, FP32_STEP);
        let inner = self.step(VectorOperation::MULTIPLY, &[Each(&factor), Each(self)], FP32_STEP);
        let gate = self.step(VectorOperation::SIGMOID, &[Each(&inner)], FP32_STEP);
        self.step(VectorOperation::MULTIPLY, &[Each(&gate), Each(self)], leave)
    }

    fn plus(&self, other: &Rows, leave: Leave) -> Rows {
        assert_eq!((self.columns, self.bits.len()), (other.columns, other.bits.len()), "sums of rows of one size");
        self.step(VectorOperation::ADD, &[Each(self), Each(other)], leave)
    }

    /// The same numbers in another format.
    fn copied(&self, leave: Leave) -> Rows {
        if leave.format == self.format {
            return self.clone();
        }
        self.step(VectorOperation::COPY, &[Each(self)], leave)
    }

    /// An operation for each number of rows of this size.
    fn step(&self, operation: VectorOperation, operands: &[With], leave: Leave) -> Rows {
        let mut result = Rows { columns: self.columns, format: leave.format, bits: vec![], flags: flags(operands) };
        for index in 0..self.bits.len() {
            let operands = all_three(operands, index / self.columns, index % self.columns);
            let element = elementwise(operation, operands, leave.format, Rounding::NearestEven, leave.overflow);
            result.bits.push(element.bits);
            result.flags |= element.flags;
        }
        result
    }

    /// A number for each row of this size.
    fn reduce(&self, operation: VectorOperation, operands: &[With]) -> Rows {
        let mut result = Rows { columns: 1, format: FP32, bits: vec![], flags: flags(operands) };
        for row in 0..self.rows() {
            let elements = (0..self.columns).map(|column| all_three(operands, row, column));
            let element = reduction(operation, elements, FP32, Rounding::NearestEven, Overflow::ToInfinity);
            result.bits.push(element.bits);
            result.flags |= element.flags;
        }
        result
    }
}

/// Operands of an element; what an operation does not have is the first once more, and ignored.
fn all_three(operands: &[With], row: usize, column: usize) -> [Operand; 3] {
    [0, 1, 2].map(|letter| operands.get(letter).unwrap_or(&operands[0]).at(row, column))
}

fn flags(operands: &[With]) -> Flags {
    operands.iter().fold(Flags::NONE, |flags, operand| flags | operand.flags())
}

impl From<Vec<u16>> for Rows {
    /// One row of FP16 numbers.
    fn from(bits: Vec<u16>) -> Rows {
        Rows::new(bits.len(), FP16, bits.into_iter().map(u32::from).collect())
    }
}
