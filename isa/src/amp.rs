//! What the AMP engine reads: its descriptor and the entries of its block list.

use crate::layout::layout;
use crate::values::Activation;

layout! {
    /// Describes one AMP command: the rows, the block list and where results go. At an address that is a multiple
    /// of 8. Row `r = y * rows_x + x`.
    pub struct AmpDescriptor: [u64; 6] {
        /// Rows in the x direction, at least 1; `rows_x * rows_y` is at most `rows` of the register CONFIGURATION.
        ROWS_X rows_x: u32 = 0[6:0];
        /// Rows in the y direction, at least 1.
        ROWS_Y rows_y: u32 = 0[14:8];
        /// Result columns that count, 1 to 16. Lanes beyond raise no flag; words beyond the last column are not
        /// stored.
        COLUMNS columns: u32 = 0[20:16];
        /// 1: start from partial sums in memory. 0: start from +0.
        PARTIAL_IN partial_in: bool = 0[24:24];
        /// 1: results are FP16. 0: results are FP32 or exact sums.
        RESULT_FP16 result_fp16: bool = 0[25:25];
        /// 1: overflow in a conversion to FP16 gives the largest finite number. 0: it gives infinity.
        SATURATE saturate: bool = 0[26:26];
        /// 1: results are exact sums, 16 bytes each, with exact accumulators only; `result_fp16` and
        /// `activation` are then 0.
        RESULT_EXACT result_exact: bool = 0[27:27];
        /// Function applied to the results.
        ACTIVATION activation: Activation = 0[31:28];
        /// Entries in the block list, 1 to 65535.
        LIST_COUNT list_count: u32 = 0[47:32];
        /// 1: partial sums are exact sums, with exact accumulators only. 0: they are FP32.
        PARTIAL_EXACT partial_exact: bool = 0[48:48];
        /// 1: results that are FP16 are rounded stochastically. 0: to nearest even.
        STOCHASTIC stochastic: bool = 0[49:49];

        /// Byte address of the input of row 0.
        INPUT_ADDRESS input_address: u32 = 1[23:0];
        /// Distance from one row's input to the next in x, in words of 8 bytes.
        INPUT_STRIDE_X input_stride_x: i32 = 1[43:24];
        /// Distance from one row's input to the next in y, in words of 8 bytes.
        INPUT_STRIDE_Y input_stride_y: i32 = 1[63:44];

        /// Byte address of the block list.
        LIST_ADDRESS list_address: u32 = 2[23:0];
        /// Byte address that the entries' `weight_block` is added to.
        WEIGHT_ADDRESS weight_address: u32 = 2[47:24];

        /// Distance between the 16 rows of a weight block, in words of 8 bytes.
        WEIGHT_STRIDE weight_stride: i32 = 3[19:0];

        /// Byte address of the result of row 0.
        RESULT_ADDRESS result_address: u32 = 4[23:0];
        /// Distance from one row's result to the next in x, in words of 8 bytes.
        RESULT_STRIDE_X result_stride_x: i32 = 4[43:24];
        /// Distance from one row's result to the next in y, in words of 8 bytes.
        RESULT_STRIDE_Y result_stride_y: i32 = 4[63:44];

        /// Byte address of the partial sums of row 0; read where `partial_in` is 1.
        PARTIAL_ADDRESS partial_address: u32 = 5[23:0];
        /// Distance from one row's partial sums to the next in x, in words of 8 bytes; 0 for a bias that all share.
        PARTIAL_STRIDE_X partial_stride_x: i32 = 5[43:24];
        /// Distance from one row's partial sums to the next in y, in words of 8 bytes; 0 for a bias that all share.
        PARTIAL_STRIDE_Y partial_stride_y: i32 = 5[63:44];
    }
}

impl AmpDescriptor {
    /// Number of rows: `rows_x * rows_y`.
    pub const fn rows(&self) -> u32 {
        self.rows_x * self.rows_y
    }
}

/// An exact sum in memory: the state of an exact accumulator, 128 bits, the low word first.
///
/// ```text
///   127  126  125  124                                0
///  | -Inf | +Inf | NaN | number, sign-extended; LSB 2^-48 |
/// ```
/// Nothing is rounded when sums leave in this form and enter again; the number's upper bits are ignored then.
pub mod exact_sum {
    /// Size of a sum.
    pub const BYTES: u32 = 16;
    /// A NaN, an invalid product or a sum past the range was seen.
    pub const NAN_BIT: u32 = 125;
    /// +Inf was seen.
    pub const POSITIVE_INFINITY_BIT: u32 = 126;
    /// -Inf was seen.
    pub const NEGATIVE_INFINITY_BIT: u32 = 127;
}

layout! {
    /// One weight block of the list, and the rows that it applies to.
    pub struct ListEntry: [u64; 1] {
        /// Added to every row's input address, in words of 8 bytes.
        INPUT_OFFSET input_offset: i32 = 0[17:0];
        /// Place of the weight block: words of 8 bytes beyond the descriptor's `weight_address`.
        WEIGHT_BLOCK weight_block: u32 = 0[34:18];
        /// Valid K of the block, less one: 0 to 15. Inputs beyond take no part.
        K_COUNT_MINUS_1 k_count_minus_1: u32 = 0[38:35];
        /// 0: the block is 16 rows of K, each 16 columns. 1: it is 16 rows of columns, each 16 K.
        TRANSPOSED transposed: bool = 0[39:39];
        /// First y of the rectangle of rows.
        Y_FIRST y_first: u32 = 0[45:40];
        /// Last y of the rectangle, inclusive.
        Y_LAST y_last: u32 = 0[51:46];
        /// First x of the rectangle of rows.
        X_FIRST x_first: u32 = 0[57:52];
        /// Last x of the rectangle, inclusive.
        X_LAST x_last: u32 = 0[63:58];
    }
}

impl ListEntry {
    /// Valid K of the block, 1 to 16.
    pub const fn k_count(&self) -> u32 {
        self.k_count_minus_1 + 1
    }

    /// Whether the row at (`x`, `y`) meets this block.
    pub const fn covers(&self, x: u32, y: u32) -> bool {
        self.x_first <= x && x <= self.x_last && self.y_first <= y && y <= self.y_last
    }
}
