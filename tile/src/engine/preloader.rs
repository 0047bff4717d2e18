//! Preloader: streams FP32 partial sums into the half of the command that comes next.
//!
//! ```text
//!             +-----------+
//!  slots ---->|           |----> request (partials port)
//!  drained -->| Preloader |----> preload (AMP), when the partial sums are there
//!  partials ->|           |----> preloaded (pointer)
//!             +-----------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Throughput | one access word, 2 G partial sums, a cycle; a command without any: one cycle     |
//! | Order      | slots in order; a slot waits until the one two before it, which had the same     |
//! |            | half, is drained                                                                 |
//! | Which      | for each row, as many words as are stored of its results                         |

use accumulators::AmpConfig;
use accumulators::amp::{Preload, RowAddress};
use accumulators::config::LANES;
use isa::AmpDescriptor;
use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, lit, mux};

use super::descriptors::{POINTER_BITS, SLOTS, Slot, slot_at};
use super::rows::{Rectangle, Strides, row_walk};
use super::stepper::lanes_that_count;
use crate::sram::{ADDRESS_BITS, LATENCY_CYCLES, ReadRequest};

/// Bits of the number of an access word in a row of partial sums or results.
pub const WORD_BITS: usize = 3;

/// The preloader.
#[derive(Clone, Copy, Debug)]
pub struct Preloader {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// Descriptors and data.
    pub struct PreloaderIn {
        /// The ring.
        pub slots: Vec<Slot>,
        /// Pointer: slots before it are valid.
        pub fetched: Signal,
        /// Pointer: slots before it are drained.
        pub drained: Signal,
        /// The partials port takes the request.
        pub request_ready: Signal,
        /// Partial sums are there.
        pub data_valid: Signal,
        /// An access word of partial sums.
        pub data: Signal,
    }
}

bundle! {
    /// Requests and preloads.
    pub struct PreloaderOut {
        /// An access word of partial sums.
        pub request: ReadRequest,
        /// To the AMP.
        pub preload: Preload,
        /// Pointer: the accumulators of slots before it are ready.
        pub preloaded: Signal,
    }
}

bundle! {
    /// What goes along with a request.
    struct Tag {
        at: RowAddress,
        word: Signal,
        lanes: Signal,
    }
}

/// Number of the last access word of a row of FP32 numbers, of the lanes that a command stores.
pub fn last_fp32_word(config: &AmpConfig, slot: &Slot) -> Signal {
    let words = config.access_words();
    // With FP16 results a stored word has twice the lanes, so partial sums come in pairs of words.
    let last_lane = slot.field(AmpDescriptor::COLUMNS) - 1;
    let shift = (2 * words).trailing_zeros() as usize;
    let word = last_lane.bits(shift..LANES.trailing_zeros() as usize).zero_extend(WORD_BITS);
    word | slot.field(AmpDescriptor::RESULT_FP16).zero_extend(WORD_BITS)
}

impl Module for Preloader {
    type In = PreloaderIn;
    type Out = PreloaderOut;

    fn name(&self) -> String {
        self.config.module_name("preloader")
    }

    fn inputs(&self, ports: &Ports) -> PreloaderIn {
        PreloaderIn {
            slots: (0..SLOTS).map(|i| Slot::ports(&ports.nested(&format!("slots_{i}")))).collect(),
            fetched: ports.input("fetched", POINTER_BITS),
            drained: ports.input("drained", POINTER_BITS),
            request_ready: ports.bit("request_ready"),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", self.config.access_bits()),
        }
    }

    fn build(&self, m: &Builder, io: PreloaderIn) -> PreloaderOut {
        m.summary("Streams FP32 partial sums into the accumulators of the next command.");
        let amp = self.config;
        let pointer = m.register("pointer", POINTER_BITS).reset(0);
        let slot = slot_at(&io.slots, pointer.q);
        m.unused(slot.clone());

        // The half is free when at most one slot before this one is still to be drained.
        let busy = m.register("busy", 1).reset(0);
        let half_free = (pointer.q - io.drained).le(1).named("half_free");
        let ready = (pointer.q.ne(io.fetched) & half_free & !busy.q).named("ready");
        let partial_in = slot.field(AmpDescriptor::PARTIAL_IN);
        let start = (ready & partial_in).named("start");
        let skip = (ready & !partial_in).named("skip");

        let word = m.register("word", WORD_BITS);
        let taken = (busy.q & io.request_ready).named("taken");
        let last_word = word.q.eq(last_fp32_word(&self.config, &slot)).named("is_last_word");
        let strides = Strides::of(&slot, AmpDescriptor::PARTIAL_STRIDE_X, AmpDescriptor::PARTIAL_STRIDE_Y);
        let rectangle = Rectangle::whole(&slot, AmpDescriptor::PARTIAL_ADDRESS);
        let walk = row_walk(m, start, &rectangle, taken & last_word, &rectangle, &strides);
        let finished = (taken & last_word & walk.last).named("finished");
        m.when(taken, || word.set(mux(last_word, lit(0, WORD_BITS), word.q + 1)));
        m.when(start, || {
            busy.set(1);
            word.set(0);
        });
        m.when(finished, || busy.set(0));
        m.when(finished | skip, || pointer.set(pointer.q + 1));

        let access_low = amp.access_low_bits();
        let word_bytes = word.q.zero_extend(ADDRESS_BITS) << access_low;
        let mut tag = Tag {
            at: RowAddress { half: pointer.q.bit(0), row: walk.row.truncate(amp.row_bits()) },
            word: word.q,
            lanes: lanes_that_count(slot.field(AmpDescriptor::COLUMNS)),
        };
        for cycle in 1..=LATENCY_CYCLES {
            tag = tag.register_all(&format!("tag_{cycle}"));
        }
        PreloaderOut {
            request: ReadRequest { valid: busy.q, address: walk.address + word_bytes },
            preload: Preload { valid: io.data_valid, at: tag.at, word: tag.word, data: io.data, lanes: tag.lanes },
            preloaded: pointer.q,
        }
    }
}
