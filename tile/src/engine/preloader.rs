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
use isa::AmpDescriptor;
use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, lit, mux};

use super::descriptors::{POINTER_BITS, Slot, slot_at};
use super::rows::{Rectangle, Stream, Strides, exact_word_of, last_column, word_of, word_walk};
use super::stepper::lanes_that_count;
use crate::sram::{LATENCY_CYCLES, ReadRequest};

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
        exact: Option<Signal>,
        lanes: Signal,
    }
}

impl Module for Preloader {
    type In = PreloaderIn;
    type Out = PreloaderOut;

    fn name(&self) -> String {
        self.config.module_name("preloader")
    }

    fn inputs(&self, ports: &Ports) -> PreloaderIn {
        PreloaderIn {
            slots: Slot::ring(ports),
            fetched: ports.input("fetched", POINTER_BITS),
            drained: ports.input("drained", POINTER_BITS),
            request_ready: ports.bit("request_ready"),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", self.config.access_bits()),
        }
    }

    fn build(&self, m: &Builder, io: PreloaderIn) -> PreloaderOut {
        m.summary("Streams partial sums into the accumulators of the next command.");
        let amp = self.config;
        let pointer = m.register("pointer", POINTER_BITS).reset(0);
        let slot = slot_at(&io.slots, pointer.q);
        m.unused(slot.clone());

        // The half is free when at most one slot before this one is still to be drained.
        let half_free = (pointer.q - io.drained).le(1).named("half_free");
        let ready = (pointer.q.ne(io.fetched) & half_free).named("ready");
        let partial_in = slot.field(AmpDescriptor::PARTIAL_IN);

        // With FP16 results a stored word has twice the lanes, so partial sums come in pairs of words; exact ones come for
        // all lanes that are stored.
        let (column, fp16) = (last_column(&slot), slot.field(AmpDescriptor::RESULT_FP16));
        let words = amp.access_words();
        let fp32_word = word_of(&amp, column, 2 * words) | fp16.zero_extend(amp.word_bits());
        let exact = amp.accumulator.is_exact().then(|| slot.field(AmpDescriptor::PARTIAL_EXACT));
        let stored = |lanes: usize| column | lit(lanes - 1, column.width());
        let partials = Stream {
            rectangle: Rectangle::whole(&slot, AmpDescriptor::PARTIAL_ADDRESS),
            strides: Strides::of(&slot, AmpDescriptor::PARTIAL_STRIDE_X, AmpDescriptor::PARTIAL_STRIDE_Y),
            last_word: match exact {
                Some(exact) => {
                    let alone = mux(slot.field(AmpDescriptor::RESULT_EXACT), column, stored(2 * words));
                    mux(exact, exact_word_of(&amp, mux(fp16, stored(4 * words), alone)), fp32_word)
                }
                None => fp32_word,
            },
        };
        let walk = word_walk(m, &amp, ready & partial_in, io.request_ready, &partials);
        let skip = (ready & !partial_in & !walk.busy).named("skip");
        m.when(walk.finished | skip, || pointer.set(pointer.q + 1));

        let mut tag = Tag {
            at: RowAddress { half: pointer.q.bit(0), row: walk.row.truncate(amp.row_bits()) },
            word: walk.word,
            exact,
            lanes: lanes_that_count(slot.field(AmpDescriptor::COLUMNS)),
        };
        for cycle in 1..=LATENCY_CYCLES {
            tag = tag.register_all(&format!("tag_{cycle}"));
        }
        PreloaderOut {
            request: ReadRequest { valid: walk.busy, address: walk.address },
            preload: Preload {
                valid: io.data_valid,
                at: tag.at,
                word: tag.word,
                data: io.data,
                exact: tag.exact,
                lanes: tag.lanes,
            },
            preloaded: pointer.q,
        }
    }
}
