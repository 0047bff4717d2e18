//! Command sequences of the vector engine: softmax, GELU, layer normalisation, a step of gradient descent, and what
//! follows products and convolutions on their way to results.
//!
//! ```text
//!   softmax      row_max x -> m    m * -scale -> m    x * scale + m -> d    exp d -> d    sum d -> s    1/s -> s
//!                d * s -> y
//!   gelu         x * x -> q    fma q -> q    q * x -> q    sigmoid q -> q    q * x -> y
//!   layer_norm   sum x -> s    s / n -> s    x - s -> d    dot d d -> v    v / n + e -> v
//!                rsqrt v -> v    d * v -> d    d * gain + bias -> y
//!   sgd          v * decay + g -> v    w - v * rate -> w    w -> copy
//! ```
//! The engine carries commands out one after the other, so that a sequence needs no WAIT. What lies between two commands
//! is FP32, in memory of the sequence's own. The steps are those of [`golden::layers`]; [`timing`] says what they take.

pub mod timing;

use golden::{Epilogue, EpilogueFunction};
use isa::{Program, ProgramBuilder, VectorDescriptor, VectorOperand, VectorOperation, VectorSource, WORD_BYTES};
use tile::TileConfig;

/// Rows of numbers in memory, packed in words; each row begins with a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrix {
    /// Byte address of the first row.
    pub address: u32,
    /// Words from a row to the next; 0 where all rows are the same.
    pub pitch_words: u32,
    /// FP16 rather than FP32.
    pub fp16: bool,
}

/// An operand of a command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand {
    /// A number for each result.
    Each(Matrix),
    /// A number for each row, the first of the matrix's row.
    OfRow(Matrix),
    /// One number for all.
    Constant(f32),
}

/// Commands for matrices of one size.
#[derive(Debug, Clone)]
pub struct Sequence {
    rows: u32,
    columns: u32,
    /// Where memory between commands is free.
    free: u32,
    commands: Vec<VectorDescriptor>,
}

impl Matrix {
    /// Words of a row of so many numbers.
    pub fn row_words(columns: u32, fp16: bool) -> u32 {
        columns.div_ceil(if fp16 { 4 } else { 2 })
    }
}

impl Operand {
    fn fields(self) -> VectorOperand {
        let (source, matrix, constant) = match self {
            Operand::Each(matrix) => (VectorSource::STREAM, matrix, 0.0),
            Operand::OfRow(matrix) => (VectorSource::ROW_SCALAR, matrix, 0.0),
            Operand::Constant(number) => {
                (VectorSource::CONSTANT, Matrix { address: 0, pitch_words: 0, fp16: false }, number)
            }
        };
        VectorOperand {
            name: "operand",
            source,
            fp16: matrix.fp16,
            address: matrix.address,
            stride_x: 1,
            stride_y: matrix.pitch_words as i32,
            constant: constant.to_bits(),
        }
    }
}

impl Sequence {
    /// Matrices of `rows` x `columns`; what lies between commands goes to memory from `free` on, a multiple of 8.
    pub fn new(rows: u32, columns: u32, free: u32) -> Self {
        Sequence { rows, columns, free, commands: vec![] }
    }

    /// End of the memory that is used between commands.
    pub fn end(&self) -> u32 {
        self.free
    }

    /// A program of the commands, to run from `origin`.
    pub fn program(&self, origin: u32) -> Program {
        let mut builder = ProgramBuilder::new(origin);
        for command in &self.commands {
            builder.vector_with(*command);
        }
        builder.halt();
        builder.finish().expect("addresses below 1 MiB fit every field")
    }

    /// The commands, in order.
    pub fn commands(&self) -> &[VectorDescriptor] {
        &self.commands
    }

    /// Cycles of the commands behind those of the AMP engine, to DONE.
    pub fn cycles(&self, config: &TileConfig) -> u64 {
        timing::sequence_cycles(&self.commands, config)
    }

    /// `function(sums + residual)`; FP16 results beyond the finite range become its largest number where `saturate`.
    /// The sums are FP32, and are overwritten.
    pub fn epilogue(
        &mut self,
        epilogue: &Epilogue,
        saturate: bool,
        sums: Matrix,
        residual: Option<Matrix>,
        results: Matrix,
    ) {
        use Operand::Each;
        let before = self.commands.len();
        if let Some(residual) = residual {
            let sum = if epilogue.function == EpilogueFunction::None { results } else { sums };
            self.push(VectorOperation::ADD, &[Each(sums), Each(residual)], sum);
        }
        match epilogue.function {
            EpilogueFunction::None => {}
            EpilogueFunction::Relu => self.push(VectorOperation::RELU, &[Each(sums)], results),
            EpilogueFunction::Gelu => self.gelu(sums, results),
            EpilogueFunction::Sigmoid => self.function(VectorOperation::SIGMOID, sums, results),
            EpilogueFunction::Tanh => self.function(VectorOperation::TANH, sums, results),
            EpilogueFunction::Softmax => self.softmax(sums, 1.0, results),
        }
        if let Some(last) = self.commands[before..].last_mut() {
            last.saturate = saturate && results.fp16;
        }
    }

    /// exp(x scale - m) / sum of exp(x scale - m), over each row, where m is the row's largest x scale; `scale` is positive.
    pub fn softmax(&mut self, x: Matrix, scale: f32, y: Matrix) {
        use Operand::{Constant, Each, OfRow};
        let (of_row, powers) = (self.column(), self.matrix());
        self.push(VectorOperation::ROW_MAX, &[Each(x)], of_row);
        self.push_column(VectorOperation::MULTIPLY, &[Each(of_row), Constant(-scale)], of_row);
        self.push(VectorOperation::FMA, &[Each(x), Constant(scale), OfRow(of_row)], powers);
        self.push(VectorOperation::EXP, &[Each(powers)], powers);
        self.push(VectorOperation::SUM, &[Each(powers)], of_row);
        self.push_column(VectorOperation::RECIPROCAL, &[Each(of_row)], of_row);
        self.push(VectorOperation::MULTIPLY, &[Each(powers), OfRow(of_row)], y);
    }

    /// The tanh form, x / 2 * (1 + tanh(u)) with u = sqrt(2 / pi) * (x + 0.044715 x^3), as x * sigmoid(2 u).
    pub fn gelu(&mut self, x: Matrix, y: Matrix) {
        use Operand::{Constant, Each};
        let scale = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
        let inner = self.matrix();
        self.push(VectorOperation::MULTIPLY, &[Each(x), Each(x)], inner);
        let cubic = [Each(inner), Constant((0.044715 * scale) as f32), Constant(scale as f32)];
        self.push(VectorOperation::FMA, &cubic, inner);
        self.push(VectorOperation::MULTIPLY, &[Each(inner), Each(x)], inner);
        self.push(VectorOperation::SIGMOID, &[Each(inner)], inner);
        self.push(VectorOperation::MULTIPLY, &[Each(inner), Each(x)], y);
    }

    /// A function of FP32 numbers, which are overwritten where the results are FP16: a function does not convert.
    fn function(&mut self, function: VectorOperation, x: Matrix, y: Matrix) {
        use Operand::Each;
        self.push(function, &[Each(x)], if y.fp16 { x } else { y });
        if y.fp16 {
            self.push(VectorOperation::COPY, &[Each(x)], y);
        }
    }

    /// Each row less its mean, over the square root of its variance and `epsilon`; times `gain`, plus `bias`, which are
    /// single rows.
    pub fn layer_norm(&mut self, x: Matrix, (gain, bias): (Matrix, Matrix), epsilon: f32, y: Matrix) {
        use Operand::{Constant, Each, OfRow};
        let one_nth = Constant(1.0 / self.columns as f32);
        let shared = |row: Matrix| Each(Matrix { pitch_words: 0, ..row });
        let (of_row, distance) = (self.column(), self.matrix());
        self.push(VectorOperation::SUM, &[Each(x)], of_row);
        self.push_column(VectorOperation::MULTIPLY, &[Each(of_row), one_nth], of_row);
        self.push(VectorOperation::SUBTRACT, &[Each(x), OfRow(of_row)], distance);
        self.push(VectorOperation::DOT, &[Each(distance), Each(distance)], of_row);
        self.push_column(VectorOperation::FMA, &[Each(of_row), one_nth, Constant(epsilon)], of_row);
        self.push_column(VectorOperation::RSQRT, &[Each(of_row)], of_row);
        self.push(VectorOperation::MULTIPLY, &[Each(distance), OfRow(of_row)], distance);
        self.push(VectorOperation::FMA, &[Each(distance), shared(gain), shared(bias)], y);
    }

    /// The largest number of each window of `window` x `window` pixels, at least 2, of images that have `columns` pixels a
    /// row and `rows` rows in all, without gaps; FP16. First of each column of a window, then of these.
    pub fn max_pool(&mut self, x: Matrix, [rows, columns]: [u32; 2], window: u32, y: Matrix) {
        let Matrix { pitch_words: pixel_words, .. } = x;
        assert!(x.fp16 && pixel_words * 4 == self.columns, "pixels of whole words");
        let row_words = columns * pixel_words;
        let columnwise = Matrix { address: self.free, pitch_words: row_words, fp16: true };
        self.free += rows / window * row_words * WORD_BYTES;
        self.largest([rows / window, row_words * 4], x, row_words, window, columnwise);
        let result_pixels = rows / window * (columns / window);
        self.largest([result_pixels, self.columns], columnwise, pixel_words, window, y);
    }

    /// The largest of `count` rows, `distance_words` apart, of each `count` rows.
    fn largest(&mut self, size: [u32; 2], x: Matrix, distance_words: u32, count: u32, y: Matrix) {
        use Operand::Each;
        let row = |index: u32| {
            let address = x.address + index * distance_words * WORD_BYTES;
            Each(Matrix { address, pitch_words: count * distance_words, ..x })
        };
        self.push_sized(size, VectorOperation::MAX, &[row(0), row(1)], y);
        for index in 2..count {
            self.push_sized(size, VectorOperation::MAX, &[Each(y), row(index)], y);
        }
    }

    /// A step of stochastic gradient descent with momentum: FP32 weights and momentum are updated in their places, and
    /// the weights copied, rounded stochastically, to `copy` in FP16.
    pub fn sgd(
        &mut self,
        weights: Matrix,
        momentum: Matrix,
        gradient: Matrix,
        copy: Matrix,
        (rate, decay): (f32, f32),
    ) {
        use Operand::{Constant, Each};
        self.push(VectorOperation::FMA, &[Each(momentum), Constant(decay), Each(gradient)], momentum);
        self.push(VectorOperation::FNMA, &[Each(momentum), Constant(rate), Each(weights)], weights);
        self.push(VectorOperation::COPY, &[Each(weights)], copy);
        if let Some(last) = self.commands.last_mut() {
            last.stochastic = true;
        }
    }

    /// FP32 numbers of the sequence's size.
    fn matrix(&mut self) -> Matrix {
        self.allocate(Matrix::row_words(self.columns, false))
    }

    /// An FP32 number for each row.
    fn column(&mut self) -> Matrix {
        self.allocate(1)
    }

    fn allocate(&mut self, pitch_words: u32) -> Matrix {
        let address = self.free;
        self.free += self.rows * pitch_words * WORD_BYTES;
        Matrix { address, pitch_words, fp16: false }
    }

    /// A command for all numbers; a reduction's results are a column.
    fn push(&mut self, operation: VectorOperation, operands: &[Operand], result: Matrix) {
        self.push_sized([self.rows, self.columns], operation, operands, result);
    }

    /// A command for a number of each row.
    fn push_column(&mut self, operation: VectorOperation, operands: &[Operand], result: Matrix) {
        self.push_sized([self.rows, 1], operation, operands, result);
    }

    /// A command for rows and columns.
    fn push_sized(
        &mut self,
        [rows, columns]: [u32; 2],
        operation: VectorOperation,
        operands: &[Operand],
        result: Matrix,
    ) {
        let [a, b, c] = [0, 1, 2].map(|i| operands.get(i).unwrap_or(&Operand::Constant(0.0)).fields());
        self.commands.push(VectorDescriptor {
            operation,
            rows,
            columns,
            a_source: a.source,
            a_fp16: a.fp16,
            a_address: a.address,
            a_stride_x: a.stride_x,
            a_stride_y: a.stride_y,
            constant_a: a.constant,
            b_source: b.source,
            b_fp16: b.fp16,
            b_address: b.address,
            b_stride_x: b.stride_x,
            b_stride_y: b.stride_y,
            constant_b: b.constant,
            c_source: c.source,
            c_fp16: c.fp16,
            c_address: c.address,
            c_stride_x: c.stride_x,
            c_stride_y: c.stride_y,
            constant_c: c.constant,
            result_fp16: result.fp16,
            result_address: result.address,
            result_stride_x: 1,
            result_stride_y: result.pitch_words as i32,
            ..VectorDescriptor::default()
        });
    }
}
