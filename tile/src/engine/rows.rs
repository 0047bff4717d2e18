//! Row walk: visits a rectangle of rows, x fastest, with the address of each row in a stream; word walk: visits the
//! access words of each row as well. Parts of the units that use them.
//!
//! ```text
//!   y_first   x_first -> ... -> x_last      row, address + stride_x at each step
//!     |                                     next line: row + rows_x, address + stride_y
//!   y_last                                  words of a row: 0 -> ... -> last_word
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | the first row, and the first word, a cycle after `load` or `wanted`              |
//! | Throughput | a row, or a word, in each cycle with `advance`                                   |
//! | Order      | words in a row, then rows in x, then in y                                        |
//! | Reset      | ends a word walk; a row walk holds nothing that counts before `load`             |
//! | Addresses  | bytes, modulo the address space                                                  |
//! | Does not   | check ranges: the SRAM refuses what is beyond it                                 |

use accumulators::AmpConfig;
use accumulators::config::{EXACT_SUM_BITS, LANES};
use isa::{AmpDescriptor, Field};
use rtl::{Builder, Signal, bundle, cat, lit, mux};

use super::descriptors::Slot;
use crate::sram::ADDRESS_BITS;

/// Bits of a coordinate, and of a row number with room for the largest configuration.
pub const COORDINATE_BITS: usize = 6;

bundle! {
    /// The rectangle, and where a stream's first row of it is.
    pub struct Rectangle {
        /// First x.
        pub x_first: Signal,
        /// Last x.
        pub x_last: Signal,
        /// First y.
        pub y_first: Signal,
        /// Last y.
        pub y_last: Signal,
        /// Number of the row at (x_first, y_first).
        pub row_first: Signal,
        /// Byte address of that row.
        pub address: Signal,
    }
}

bundle! {
    /// Distances between rows.
    pub struct Strides {
        /// Rows in a line of the descriptor.
        pub rows_x: Signal,
        /// Bytes from x to x + 1.
        pub x: Signal,
        /// Bytes from y to y + 1.
        pub y: Signal,
    }
}

/// All access words of some rows.
pub struct Stream {
    /// The rows.
    pub rectangle: Rectangle,
    /// Distances between them.
    pub strides: Strides,
    /// Number of the last word of each row.
    pub last_word: Signal,
}

/// Where the walk over rows is.
pub struct RowWalk {
    /// Row number.
    pub row: Signal,
    /// Byte address of the row.
    pub address: Signal,
    /// This is the last row of the rectangle.
    pub last: Signal,
}

/// Where the walk over words is.
pub struct WordWalk {
    /// There is a word.
    pub busy: Signal,
    /// Number of its row.
    pub row: Signal,
    /// Its number in the row.
    pub word: Signal,
    /// Its byte address.
    pub address: Signal,
    /// The walk leaves the last word of the last row.
    pub finished: Signal,
}

impl Rectangle {
    /// All rows of a descriptor, from the address in `address`.
    pub fn whole(slot: &Slot, address: Field) -> Rectangle {
        let zero = lit(0, COORDINATE_BITS);
        let last = |field| (slot.field(field) - 1).truncate(COORDINATE_BITS);
        Rectangle {
            x_first: zero,
            x_last: last(AmpDescriptor::ROWS_X),
            y_first: zero,
            y_last: last(AmpDescriptor::ROWS_Y),
            row_first: zero,
            address: slot.field(address),
        }
    }
}

impl Strides {
    /// The strides in the fields `x` and `y` of a descriptor.
    pub fn of(slot: &Slot, x: Field, y: Field) -> Strides {
        Strides { rows_x: slot.field(AmpDescriptor::ROWS_X), x: slot.stride(x), y: slot.stride(y) }
    }
}

/// Walks a rectangle: `load` goes to the first row of the rectangle `to`, else `advance` goes on to the next row of
/// `rectangle`, the one that was loaded last.
pub fn row_walk(
    m: &Builder,
    load: Signal,
    to: &Rectangle,
    advance: Signal,
    rectangle: &Rectangle,
    strides: &Strides,
) -> RowWalk {
    let x = m.register("x", COORDINATE_BITS);
    let y = m.register("y", COORDINATE_BITS);
    let row = m.register("row", COORDINATE_BITS);
    let line_row = m.register("line_row", COORDINATE_BITS);
    let address = m.register("row_address", ADDRESS_BITS);
    let line_address = m.register("line_address", ADDRESS_BITS);

    let line_end = x.q.eq(rectangle.x_last).named("line_end");
    let next_line_row = (line_row.q + strides.rows_x.truncate(COORDINATE_BITS)).named("next_line_row");
    let next_line_address = (line_address.q + strides.y).named("next_line_address");
    m.when(load, || {
        x.set(to.x_first);
        y.set(to.y_first);
        row.set(to.row_first);
        line_row.set(to.row_first);
        address.set(to.address);
        line_address.set(to.address);
    })
    .or_when(advance, || {
        x.set(mux(line_end, rectangle.x_first, x.q + 1));
        row.set(mux(line_end, next_line_row, row.q + 1));
        address.set(mux(line_end, next_line_address, address.q + strides.x));
        m.when(line_end, || {
            y.set(y.q + 1);
            line_row.set(next_line_row);
            line_address.set(next_line_address);
        });
    });
    RowWalk { row: row.q, address: address.q, last: line_end & y.q.eq(rectangle.y_last) }
}

/// Walks over a stream's words: begins when one is `wanted` and none under way, and goes on with `advance`.
pub fn word_walk(m: &Builder, config: &AmpConfig, wanted: Signal, advance: Signal, stream: &Stream) -> WordWalk {
    let busy = m.register("busy", 1).reset(0);
    let word_bits = config.word_bits();
    let word = m.register("word", word_bits);
    let start = (wanted & !busy.q).named("start");
    let taken = (busy.q & advance).named("taken");
    let last_word = word.q.eq(stream.last_word).named("is_last_word");
    let rows = row_walk(m, start, &stream.rectangle, taken & last_word, &stream.rectangle, &stream.strides);
    let finished = (taken & last_word & rows.last).named("finished");
    m.when(taken, || word.set(mux(last_word, lit(0, word_bits), word.q + 1)));
    m.when(start, || {
        busy.set(1);
        word.set(0);
    });
    m.when(finished, || busy.set(0));
    let word_bytes = word.q.zero_extend(ADDRESS_BITS) << config.access_low_bits();
    WordWalk { busy: busy.q, row: rows.row, word: word.q, address: rows.address + word_bytes, finished }
}

/// Number of the last column that a command stores: of those that count, or with FP16 results of those that share a word
/// with it.
pub fn last_column(slot: &Slot) -> Signal {
    (slot.field(AmpDescriptor::COLUMNS) - 1).truncate(LANES.ilog2() as usize)
}

/// Number of the word that holds a column, with `lanes` columns in each.
pub fn word_of(config: &AmpConfig, column: Signal, lanes: usize) -> Signal {
    let word_bits = config.word_bits();
    if lanes == LANES {
        return lit(0, word_bits);
    }
    column.bits(lanes.ilog2() as usize..LANES.ilog2() as usize).zero_extend(word_bits)
}

/// Number of the last word of a column's exact sum.
pub fn exact_word_of(config: &AmpConfig, column: Signal) -> Signal {
    match config.access_bits() / EXACT_SUM_BITS {
        0 => cat([column, lit(1, 1)]),
        lanes => word_of(config, column, lanes),
    }
}
