//! Drainer: reads the accumulators of a finished command out and stores the results.
//!
//! ```text
//!             +---------+
//!  slots ---->|         |----> drain, advance (AMP)
//!  stepped -->| Drainer |----> request (results port)
//!  visited -->|         |----> drained (pointer), clear (halves)
//!  results -->|         |
//!             +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`accumulators::amp::DRAIN_CYCLES`] from `drain` to the request                  |
//! | Throughput | one access word, 2 G FP32 or 4 G FP16 results, a cycle                           |
//! | Order      | slots in order; rows in order; a row from its first column                       |
//! | Waits      | the whole pipeline waits where the results port does                             |

use accumulators::AmpConfig;
use accumulators::amp::{DRAIN_CYCLES, Drain, RowAddress};
use accumulators::read_out::ReadOutMode;
use isa::{Activation, AmpDescriptor};
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

use super::descriptors::{POINTER_BITS, Slot, slot_at};
use super::rows::{Rectangle, Stream, Strides, exact_word_of, last_column, word_of, word_walk};
use super::stepper::lanes_that_count;
use crate::sram::WriteRequest;

/// The drainer.
#[derive(Clone, Copy, Debug)]
pub struct Drainer {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// Descriptors and results.
    pub struct DrainerIn {
        /// The ring.
        pub slots: Vec<Slot>,
        /// Pointer: all steps of slots before it are written.
        pub stepped: Signal,
        /// For each half, one bit a row: it holds a sum.
        pub visited: Vec<Signal>,
        /// The AMP has an access word of results.
        pub result_valid: Signal,
        /// The word.
        pub result: Signal,
        /// The results port takes the request.
        pub request_ready: Signal,
    }
}

bundle! {
    /// Drains and requests.
    pub struct DrainerOut {
        /// To the AMP.
        pub drain: Drain,
        /// The AMP's drain pipeline moves.
        pub advance: Signal,
        /// An access word of results.
        pub request: WriteRequest,
        /// Pointer: slots before it have been read out; their halves are free.
        pub drained: Signal,
        /// One bit a half: its rows are empty from now on.
        pub clear: Signal,
        /// All results have been stored.
        pub idle: Signal,
    }
}

impl Module for Drainer {
    type In = DrainerIn;
    type Out = DrainerOut;

    fn name(&self) -> String {
        self.config.module_name("drainer")
    }

    fn inputs(&self, ports: &Ports) -> DrainerIn {
        DrainerIn {
            slots: Slot::ring(ports),
            stepped: ports.input("stepped", POINTER_BITS),
            visited: ports.array("visited", 2, self.config.rows),
            result_valid: ports.bit("result_valid"),
            result: ports.input("result", self.config.access_bits()),
            request_ready: ports.bit("request_ready"),
        }
    }

    fn build(&self, m: &Builder, io: DrainerIn) -> DrainerOut {
        m.summary("Reads accumulators out and stores the results.");
        let amp = self.config;
        let pointer = m.register("pointer", POINTER_BITS).reset(0);
        let slot = slot_at(&io.slots, pointer.q);
        m.unused(slot.clone());
        let half = pointer.q.bit(0);

        // The pipeline moves unless a result waits for its bank.
        let advance = (!io.result_valid | io.request_ready).named("advances");

        let fp16 = slot.field(AmpDescriptor::RESULT_FP16);
        let exact = amp.accumulator.is_exact().then(|| slot.field(AmpDescriptor::RESULT_EXACT));
        let words = amp.access_words();
        let column = last_column(&slot);
        let rounded_word = mux(fp16, word_of(&amp, column, 4 * words), word_of(&amp, column, 2 * words));
        let results = Stream {
            rectangle: Rectangle::whole(&slot, AmpDescriptor::RESULT_ADDRESS),
            strides: Strides::of(&slot, AmpDescriptor::RESULT_STRIDE_X, AmpDescriptor::RESULT_STRIDE_Y),
            last_word: match exact {
                Some(exact) => mux(exact, exact_word_of(&amp, column), rounded_word),
                None => rounded_word,
            },
        };
        let walk = word_walk(m, &amp, pointer.q.ne(io.stepped), advance, &results);
        m.when(walk.finished, || pointer.set(pointer.q + 1));

        let row = walk.row.truncate(amp.row_bits());
        let visited = mux(half, io.visited[1], io.visited[0]).shift_right(row).bit(0);
        let drain = Drain {
            valid: walk.busy,
            at: RowAddress { half, row },
            empty: !visited & !slot.field(AmpDescriptor::PARTIAL_IN),
            word: walk.word,
            exact,
            mode: ReadOutMode {
                fp16,
                saturate: slot.field(AmpDescriptor::SATURATE),
                relu: slot.field(AmpDescriptor::ACTIVATION).eq(Activation::RELU.0),
                stochastic: slot.field(AmpDescriptor::STOCHASTIC),
            },
            lanes: lanes_that_count(slot.field(AmpDescriptor::COLUMNS)),
        };

        // The half is free when the word that was read last has left the lanes' memories, an `advance` later.
        let leaving = m.register("leaving", 1).reset(0);
        let freed = m.register("freed", POINTER_BITS).reset(0);
        m.when(advance, || leaving.set(walk.finished));
        let left = (leaving.q & advance).named("left");
        m.when(left, || freed.set(freed.q + 1));
        let freed_half = freed.q.bit(0);

        // The address goes along with the AMP's pipeline, and so does the news that something is in it.
        let mut address = walk.address;
        let mut in_flight = lit(0, 1);
        let mut valid = walk.busy;
        for cycle in 1..=DRAIN_CYCLES {
            address = address.register_if(&format!("address_{cycle}"), advance);
            let stage = m.register(&format!("in_flight_{cycle}"), 1).reset(0);
            m.when(advance, || stage.set(valid));
            valid = stage.q;
            in_flight = in_flight | stage.q;
        }
        DrainerOut {
            drain,
            advance,
            request: WriteRequest { valid: io.result_valid, address, data: io.result },
            drained: freed.q,
            clear: cat([left & freed_half, left & !freed_half]),
            idle: !walk.busy & !in_flight,
        }
    }
}
