//! Word walk: visits the words of a stream, row by row, with their addresses. Part of the units that use it.
//!
//! ```text
//!   address + 8 * (y * stride_y + w * stride_x)      w: 0 -> ... -> last_word, then y: 0 -> ... -> last_row
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | the first word a cycle after `start`                                             |
//! | Throughput | a word in each cycle with `advance`                                              |
//! | Reset      | ends the walk                                                                    |
//! | Addresses  | bytes, modulo the address space                                                  |
//! | Does not   | check ranges: the SRAM refuses what is beyond it                                 |

use rtl::{Builder, Ports, Signal, bundle, lit, mux};

use crate::sram::ADDRESS_BITS;

/// Bits of the number of a row or a column.
pub const INDEX_BITS: usize = 16;

bundle! {
    /// The words of a stream; they stay the same while one walks.
    pub struct Words {
        /// Byte address of the first.
        pub address: Signal,
        /// Bytes from a word of a row to the next.
        pub stride_x: Signal,
        /// Bytes from a row to the next.
        pub stride_y: Signal,
        /// Number of the last word of a row.
        pub last_word: Signal,
        /// Number of the last row.
        pub last_row: Signal,
    }
}

/// Where a walk is.
pub struct Walk {
    /// There is a word.
    pub busy: Signal,
    /// Its byte address.
    pub address: Signal,
    /// The walk leaves the last word of the last row.
    pub finished: Signal,
}

impl Words {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> Words {
        Words {
            address: ports.input("address", ADDRESS_BITS),
            stride_x: ports.input("stride_x", ADDRESS_BITS),
            stride_y: ports.input("stride_y", ADDRESS_BITS),
            last_word: ports.input("last_word", INDEX_BITS),
            last_row: ports.input("last_row", INDEX_BITS),
        }
    }
}

/// Walks over `words` from the cycle after `start` on, a word further with each `advance`.
pub fn word_walk(m: &Builder, start: Signal, advance: Signal, words: &Words) -> Walk {
    let busy = m.register("busy", 1).reset(0);
    let word = m.register("word_number", INDEX_BITS);
    let row = m.register("row_number", INDEX_BITS);
    let address = m.register("word_address", ADDRESS_BITS);
    let row_address = m.register("row_address", ADDRESS_BITS);

    let taken = (busy.q & advance).named("taken");
    let row_ends = word.q.eq(words.last_word).named("row_ends");
    let finished = (taken & row_ends & row.q.eq(words.last_row)).named("finished");
    let next_row = (row_address.q + words.stride_y).named("next_row");
    m.when(taken, || {
        word.set(mux(row_ends, lit(0, INDEX_BITS), word.q + 1));
        address.set(mux(row_ends, next_row, address.q + words.stride_x));
        m.when(row_ends, || {
            row.set(row.q + 1);
            row_address.set(next_row);
        });
    });
    m.when(finished, || busy.set(0));
    m.when(start, || {
        busy.set(1);
        word.set(0);
        row.set(0);
        address.set(words.address);
        row_address.set(words.address);
    });
    Walk { busy: busy.q, address: address.q, finished }
}
