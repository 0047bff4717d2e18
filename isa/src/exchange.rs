//! What the exchange port reads: its descriptor and the entries of its send list and its receive list.

use crate::WORD_BYTES;
use crate::layout::{EncodeError, layout};

layout! {
    /// Describes one exchange: what this tile drives and what it listens to, from the next SYNC on. At an address
    /// that is a multiple of 8.
    pub struct ExchangeDescriptor: [u64; 2] {
        /// Byte address of the send list, a multiple of 8.
        SEND_ADDRESS send_address: u32 = 0[23:0];
        /// Entries in the send list, 0 to 65535.
        SEND_COUNT send_count: u32 = 0[47:32];

        /// Byte address of the receive list, a multiple of 8.
        RECEIVE_ADDRESS receive_address: u32 = 1[23:0];
        /// Entries in the receive list, 0 to 65535.
        RECEIVE_COUNT receive_count: u32 = 1[47:32];
    }
}

layout! {
    /// An entry of a send list or of a receive list: rows of 32-bit words, one lane word a cycle without a pause.
    /// Entries of a list are in the order of time and do not overlap.
    pub struct ExchangeEntry: [u64; 2] {
        /// The cycle in which the source drives the first word; cycle 0 is the first after the barrier.
        START_CYCLE start_cycle: u32 = 0[23:0];
        /// 32-bit words of a row, at least 1; a multiple of the words of a lane.
        ROW_WORDS row_words: u32 = 0[43:24];
        /// The tile that is listened to; 0 in a send list.
        SOURCE source: u32 = 0[55:44];

        /// Where the first row begins, in 32-bit words; a multiple of the words of a lane.
        WORD_ADDRESS word_address: u32 = 1[19:0];
        /// From the first word of a row to that of the next, in 32-bit words; a multiple of the words of a lane.
        ROW_STRIDE row_stride: u32 = 1[39:20];
        /// Number of rows, at least 1.
        ROWS rows: u32 = 1[59:40];
    }
}

impl ExchangeDescriptor {
    /// The words of a descriptor at a byte address, with its lists behind it: sends, receives.
    ///
    /// # Errors
    /// A value does not fit its field.
    pub fn with_lists(
        address: u32,
        sends: &[ExchangeEntry],
        receives: &[ExchangeEntry],
    ) -> Result<Vec<u64>, EncodeError> {
        let send_address = address + Self::WORDS as u32 * WORD_BYTES;
        let receive_address = send_address + (sends.len() * ExchangeEntry::WORDS) as u32 * WORD_BYTES;
        let (send_count, receive_count) = (sends.len() as u32, receives.len() as u32);
        let descriptor = ExchangeDescriptor { send_address, send_count, receive_address, receive_count };
        let mut words = descriptor.encode()?.to_vec();
        for entry in sends.iter().chain(receives) {
            words.extend(entry.encode()?);
        }
        Ok(words)
    }
}

impl ExchangeEntry {
    /// 32-bit words of all rows.
    pub const fn total_words(&self) -> u64 {
        self.row_words as u64 * self.rows as u64
    }
}
