//! What the vector engine reads: its descriptor; and what is known of its operations.

use crate::layout::layout;
use crate::values::{VectorOperation, VectorSource};

/// Partial sums of a reduction (P): element i of a row goes to partial sum i mod P.
pub const PARTIAL_SUMS: u32 = 16;

layout! {
    /// Describes one vector command: operation, operands a, b and c, and where results go. At an address that is a
    /// multiple of 8. Of operands that the operation does not have, nothing counts.
    pub struct VectorDescriptor: [u64; 7] {
        /// What is computed.
        OPERATION operation: VectorOperation = 0[4:0];
        /// 1: results that are FP16 are rounded stochastically. 0: to nearest even.
        STOCHASTIC stochastic: bool = 0[5:5];
        /// 1: overflow to FP16 gives the largest finite number. 0: it gives infinity.
        SATURATE saturate: bool = 0[6:6];
        /// Where a comes from.
        A_SOURCE a_source: VectorSource = 0[9:8];
        /// Where b comes from.
        B_SOURCE b_source: VectorSource = 0[11:10];
        /// Where c comes from.
        C_SOURCE c_source: VectorSource = 0[13:12];
        /// 1: a is FP16. 0: it is FP32.
        A_FP16 a_fp16: bool = 0[16:16];
        /// 1: b is FP16. 0: it is FP32.
        B_FP16 b_fp16: bool = 0[17:17];
        /// 1: c is FP16. 0: it is FP32.
        C_FP16 c_fp16: bool = 0[18:18];
        /// 1: results are FP16. 0: they are FP32.
        RESULT_FP16 result_fp16: bool = 0[19:19];
        /// Rows, at least 1.
        ROWS rows: u32 = 0[47:32];
        /// Elements of a row, at least 1.
        COLUMNS columns: u32 = 0[63:48];

        /// Byte address of a.
        A_ADDRESS a_address: u32 = 1[23:0];
        /// Distance from one word of a row of a to the next, in words of 8 bytes.
        A_STRIDE_X a_stride_x: i32 = 1[43:24];
        /// Distance from one row of a to the next, in words of 8 bytes.
        A_STRIDE_Y a_stride_y: i32 = 1[63:44];

        /// Byte address of b.
        B_ADDRESS b_address: u32 = 2[23:0];
        /// Distance from one word of a row of b to the next, in words of 8 bytes.
        B_STRIDE_X b_stride_x: i32 = 2[43:24];
        /// Distance from one row of b to the next, in words of 8 bytes.
        B_STRIDE_Y b_stride_y: i32 = 2[63:44];

        /// Byte address of c.
        C_ADDRESS c_address: u32 = 3[23:0];
        /// Distance from one word of a row of c to the next, in words of 8 bytes.
        C_STRIDE_X c_stride_x: i32 = 3[43:24];
        /// Distance from one row of c to the next, in words of 8 bytes.
        C_STRIDE_Y c_stride_y: i32 = 3[63:44];

        /// Byte address of the results.
        RESULT_ADDRESS result_address: u32 = 4[23:0];
        /// Distance from one word of a row of results to the next, in words of 8 bytes.
        RESULT_STRIDE_X result_stride_x: i32 = 4[43:24];
        /// Distance from one row of results to the next, in words of 8 bytes.
        RESULT_STRIDE_Y result_stride_y: i32 = 4[63:44];

        /// a where it is a constant: FP32, or FP16 in the low 16 bits.
        CONSTANT_A constant_a: u32 = 5[31:0];
        /// b where it is a constant.
        CONSTANT_B constant_b: u32 = 5[63:32];

        /// c where it is a constant.
        CONSTANT_C constant_c: u32 = 6[31:0];
    }
}

/// An operand of a vector command, or its results: the descriptor's fields of one letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorOperand {
    /// `a`, `b`, `c` or `result`.
    pub name: &'static str,
    /// Where it comes from; results are a stream, or a row scalar for a reduction.
    pub source: VectorSource,
    /// FP16 rather than FP32.
    pub fp16: bool,
    /// Byte address of the first word.
    pub address: u32,
    /// Words from a word of a row to the next.
    pub stride_x: i32,
    /// Words from a row to the next.
    pub stride_y: i32,
    /// Where `source` is a constant, its bits.
    pub constant: u32,
}

impl VectorOperand {
    /// Elements in a word of memory.
    pub const fn elements_in_word(&self) -> u32 {
        if self.fp16 { 4 } else { 2 }
    }

    /// Words of a row of `columns` elements: none of a constant, one of a row scalar.
    pub fn row_words(&self, columns: u32) -> u32 {
        match self.source {
            VectorSource::CONSTANT => 0,
            VectorSource::ROW_SCALAR => 1,
            _ => columns.div_ceil(self.elements_in_word()),
        }
    }
}

impl VectorOperation {
    /// Whether the operation has an operand b.
    pub const fn has_b(self) -> bool {
        matches!(
            self,
            Self::ADD
                | Self::SUBTRACT
                | Self::MULTIPLY
                | Self::FMA
                | Self::FNMA
                | Self::MIN
                | Self::MAX
                | Self::LESS
                | Self::LESS_EQUAL
                | Self::EQUAL
                | Self::SELECT
                | Self::DOT
        )
    }

    /// Whether the operation has an operand c.
    pub const fn has_c(self) -> bool {
        matches!(self, Self::FMA | Self::FNMA | Self::SELECT)
    }

    /// The number of the transcendental function, where the operation is one.
    pub const fn function(self) -> Option<u32> {
        if self.0 >= Self::FIRST_FUNCTION.0 && self.0 <= Self::RSQRT.0 {
            Some((self.0 - Self::FIRST_FUNCTION.0) as u32)
        } else {
            None
        }
    }

    /// Whether a row gives a single result.
    pub const fn is_reduction(self) -> bool {
        self.0 >= Self::SUM.0
    }
}

impl VectorDescriptor {
    /// The operands that the operation has.
    pub fn operands(&self) -> Vec<VectorOperand> {
        let a = VectorOperand {
            name: "a",
            source: self.a_source,
            fp16: self.a_fp16,
            address: self.a_address,
            stride_x: self.a_stride_x,
            stride_y: self.a_stride_y,
            constant: self.constant_a,
        };
        let b = VectorOperand {
            name: "b",
            source: self.b_source,
            fp16: self.b_fp16,
            address: self.b_address,
            stride_x: self.b_stride_x,
            stride_y: self.b_stride_y,
            constant: self.constant_b,
        };
        let c = VectorOperand {
            name: "c",
            source: self.c_source,
            fp16: self.c_fp16,
            address: self.c_address,
            stride_x: self.c_stride_x,
            stride_y: self.c_stride_y,
            constant: self.constant_c,
        };
        let there = [(a, true), (b, self.operation.has_b()), (c, self.operation.has_c())];
        there.into_iter().filter_map(|(operand, is_there)| is_there.then_some(operand)).collect()
    }

    /// Where results go.
    pub fn result(&self) -> VectorOperand {
        let reduces = self.operation.is_reduction();
        VectorOperand {
            name: "result",
            source: if reduces { VectorSource::ROW_SCALAR } else { VectorSource::STREAM },
            fp16: self.result_fp16,
            address: self.result_address,
            stride_x: self.result_stride_x,
            stride_y: self.result_stride_y,
            constant: 0,
        }
    }
}
