//! Row walk: visits a rectangle of rows, x fastest, with the address of each row in a stream.
//!
//! ```text
//!   y_first   x_first -> ... -> x_last      row, address + stride_x at each step
//!     |                                     next line: row + rows_x, address + stride_y
//!   y_last
//! ```
//! Addresses are bytes, modulo the address space.

use isa::{AmpDescriptor, Field};
use rtl::{Builder, Signal, bundle, lit, mux};

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

/// Where the walk is.
pub struct RowWalk {
    /// Row number.
    pub row: Signal,
    /// Byte address of the row.
    pub address: Signal,
    /// This is the last row of the rectangle.
    pub last: Signal,
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
