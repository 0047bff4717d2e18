//! Walker: carries out the entries of one list, a word a cycle.
//!
//! ```text
//!            +--------+
//!  start --->|        |----> valid, word_address, source   (a word of an entry, in its cycle)
//!  queue --->| Walker |----> take, busy, fault
//!            +--------+
//! ```
//! | Contract   |                                                                                   |
//! |------------|-----------------------------------------------------------------------------------|
//! | Latency    | the word of cycle c is at the outputs 2 + c cycles after `start`                  |
//! | Throughput | a word a cycle, also from one entry to the next                                   |
//! | Handshake  | `queue.valid` and `take`                                                          |
//! | Refuses    | BAD_DESCRIPTOR, MISALIGNED, LATE_ENTRY, with the entry's address                  |
//! | Does not   | check that words are inside the memory: the SRAM does                             |

use isa::{ErrorCode, ExchangeEntry};
use rtl::{Builder, Module, Ports, Signal, bundle, cat};

use super::list_reader::Queue;
use crate::fields::field_of;
use crate::sram::Fault;

/// Bits of a word's address: one more than in an entry, so that one beyond the memory is none inside it.
pub const WORD_ADDRESS_BITS: usize = ExchangeEntry::WORD_ADDRESS.bits as usize + 1;

/// A walker.
#[derive(Clone, Copy, Debug)]
pub struct Walker {
    /// 32-bit words of a lane.
    pub lane_words: usize,
    /// Walks a send list rather than a receive list.
    pub sends: bool,
}

bundle! {
    /// Entries and when to begin.
    pub struct WalkerIn {
        /// The cycles of the entries count from here.
        pub start: Signal,
        /// The list.
        pub queue: Queue,
    }
}

bundle! {
    /// Words.
    pub struct WalkerOut {
        /// There is a word in this cycle.
        pub valid: Signal,
        /// Its place in memory.
        pub word_address: Signal,
        /// The tile that it comes from.
        pub source: Signal,
        /// The entry at the head of the queue is taken.
        pub take: Signal,
        /// There are words, or entries to come.
        pub busy: Signal,
        /// An entry that cannot be.
        pub fault: Fault,
    }
}

impl Module for Walker {
    type In = WalkerIn;
    type Out = WalkerOut;

    fn name(&self) -> String {
        format!("walker_{}_{}", if self.sends { "send" } else { "receive" }, 32 * self.lane_words)
    }

    fn inputs(&self, ports: &Ports) -> WalkerIn {
        WalkerIn { start: ports.bit("start"), queue: Queue::ports(&ports.nested("queue")) }
    }

    fn build(&self, m: &Builder, io: WalkerIn) -> WalkerOut {
        m.summary("Carries out the entries of one list, a word a cycle.");
        let words = [io.queue.entry.bits(0..64), io.queue.entry.bits(64..128)];
        let field = |field: isa::Field| field_of(words[field.word], field);
        let start_cycle = field(ExchangeEntry::START_CYCLE);

        // Which cycle comes next. It stops at the end, so that an entry beyond is late and never early.
        let counts = m.register("counts", 1).reset(0);
        let next_cycle = m.register("next_cycle", start_cycle.width() + 1);
        m.when(io.start, || {
            counts.set(1);
            next_cycle.set(0);
        })
        .or_when(counts.q & !next_cycle.q.msb(), || next_cycle.set(next_cycle.q + 1));
        let busy = m.wire("walking", 1);
        m.when(counts.q & !busy.value, || counts.set(0));

        // The word of this cycle, and what is left of its entry.
        let valid = m.register("valid_state", 1).reset(0);
        let word_address = field(ExchangeEntry::WORD_ADDRESS).zero_extend(WORD_ADDRESS_BITS);
        let address = m.register("address", WORD_ADDRESS_BITS);
        let row_address = m.register("row_address", address.q.width());
        let words_left = m.register("words_left", field(ExchangeEntry::ROW_WORDS).width());
        let rows_left = m.register("rows_left", field(ExchangeEntry::ROWS).width());
        let row_ends = words_left.q.eq(self.lane_words).named("row_ends");
        let entry_ends = (row_ends & rows_left.q.eq(1)).named("entry_ends");

        let waits = (counts.q & io.queue.valid & (!valid.q | entry_ends)).named("waits");
        let take = (waits & start_cycle.zero_extend(next_cycle.q.width()).eq(next_cycle.q)).named("take_entry");
        let entry = |from: isa::Field, name: &str| field(from).register_if(name, take);
        let row_words = entry(ExchangeEntry::ROW_WORDS, "row_words");
        let row_stride = entry(ExchangeEntry::ROW_STRIDE, "row_stride");
        let source = entry(ExchangeEntry::SOURCE, "source_state");
        let next_row = (row_address.q + row_stride.zero_extend(WORD_ADDRESS_BITS)).named("next_row");
        m.when(valid.q, || {
            address.set(address.q + self.lane_words);
            words_left.set(words_left.q - self.lane_words);
            m.when(row_ends, || {
                address.set(next_row);
                row_address.set(next_row);
                words_left.set(row_words);
                rows_left.set(rows_left.q - 1);
            });
            m.when(entry_ends, || valid.set(0));
        });
        m.when(take, || {
            valid.set(1);
            address.set(word_address);
            row_address.set(word_address);
            words_left.set(field(ExchangeEntry::ROW_WORDS));
            rows_left.set(field(ExchangeEntry::ROWS));
        });

        // What cannot be is found when its turn comes.
        let reserved = (0..2).map(|word| (words[word] & ExchangeEntry::LAYOUT.reserved_mask(word)).any());
        let reserved = reserved.reduce(|a, b| a | b).expect("two words");
        let empty = field(ExchangeEntry::ROW_WORDS).is_zero() | field(ExchangeEntry::ROWS).is_zero();
        let sends_from = if self.sends { field(ExchangeEntry::SOURCE).any() } else { rtl::lit(0, 1) };
        let bad = (reserved | empty | sends_from).named("bad");
        let lane_parts = |from: isa::Field| field(from).truncate(self.lane_words.trailing_zeros() as usize);
        let misaligned = if self.lane_words == 1 {
            rtl::lit(0, 1)
        } else {
            let parts = [ExchangeEntry::ROW_WORDS, ExchangeEntry::WORD_ADDRESS, ExchangeEntry::ROW_STRIDE];
            cat(parts.map(lane_parts)).any()
        };
        let late = start_cycle.zero_extend(next_cycle.q.width()).lt(next_cycle.q).named("late");
        let fault = |when: Signal, code| Fault::new(waits & when, code, io.queue.address);
        let faults = [
            fault(bad, ErrorCode::BadDescriptor),
            fault(misaligned, ErrorCode::Misaligned),
            fault(late, ErrorCode::LateEntry),
        ];
        let fault = faults.into_iter().rev().reduce(|otherwise, first| rtl::mux(first.valid, first, otherwise));
        busy.set(valid.q | io.queue.more);
        WalkerOut {
            valid: valid.q,
            word_address: address.q,
            source,
            take,
            busy: busy.value,
            fault: fault.expect("three kinds"),
        }
    }
}
