//! Results: puts results together into words of memory, and writes the bytes that belong to the rows.
//!
//! ```text
//!            +---------+
//!  start --->|         |----> request   (SRAM)
//!  results ->| Results |----> advance   (the arithmetic moves)
//!            |         |----> finished
//!            +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | `valid` to request: one cycle                                                    |
//! | Throughput | a word a cycle                                                                   |
//! | Handshake  | `advance` falls while a word waits for its bank; results are taken with it       |
//! | Order      | words of a row, then rows                                                        |

use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

use super::issue::{LANES, Place};
use super::walk::{Words, word_walk};
use crate::sram::HostRequest;

/// The unit that writes results.
#[derive(Clone, Copy, Debug)]
pub struct Results;

bundle! {
    /// The command, and results.
    pub struct ResultsIn {
        /// Begins.
        pub start: Signal,
        /// Where results go.
        pub words: Words,
        /// They are FP16 rather than FP32.
        pub fp16: Signal,
        /// There are results.
        pub valid: Signal,
        /// Where they belong.
        pub place: Place,
        /// For each lane 32 bits, or 16 where it has no more.
        pub values: Vec<Signal>,
        /// The port takes the request.
        pub request_ready: Signal,
    }
}

bundle! {
    /// Requests.
    pub struct ResultsOut {
        /// The arithmetic moves.
        pub advance: Signal,
        /// To the SRAM.
        pub request: HostRequest,
        /// The last word is written.
        pub finished: Signal,
    }
}

impl Module for Results {
    type In = ResultsIn;
    type Out = ResultsOut;

    fn name(&self) -> String {
        "vector_results".into()
    }

    fn inputs(&self, ports: &Ports) -> ResultsIn {
        let formats = accumulators::vector::LANES.iter().enumerate();
        ResultsIn {
            start: ports.bit("start"),
            words: Words::ports(&ports.nested("words")),
            fp16: ports.bit("fp16"),
            valid: ports.bit("valid"),
            place: Place::ports(&ports.nested("place")),
            values: formats.map(|(lane, format)| ports.input(&format!("values_{lane}"), format.bits())).collect(),
            request_ready: ports.bit("request_ready"),
        }
    }

    fn build(&self, m: &Builder, io: ResultsIn) -> ResultsOut {
        m.summary("Puts results together into words and writes them.");
        let Place { lanes, position, completes } = io.place;
        let pending = m.register("pending", 1).reset(0);
        let advance = (!pending.q | io.request_ready).named("advances");

        // Results wherever they may belong in a word, and a bit for each byte that is theirs: of FP16 one, two or four
        // lanes fill the word, of FP32 one or two.
        let half = |lane: usize| io.values[lane].truncate(16);
        let odd = position.bit(0).named("odd");
        let odd_half = mux(odd, half(0), half(1));
        let upper_halves = [mux(lanes.bit(3), half(3), odd_half), mux(lanes.bit(2), half(2), half(0))];
        let fp16_word = cat([upper_halves[0], upper_halves[1], odd_half, half(0)]);
        let fp32_word = cat([mux(odd, io.values[0], io.values[1]), io.values[0]]);
        let elements = lanes.shift_left(position).named("elements");
        let bytes = |count: usize, each: usize| {
            cat((0..count).rev().map(|element| elements.bit(element).repeat(each)).collect::<Vec<_>>())
        };
        let word = mux(io.fp16, fp16_word, fp32_word).named("word");
        let enables = mux(io.fp16, bytes(LANES, 2), bytes(2, 4)).named("enables");

        // What is there of a word that is not complete.
        let collected = m.register("collected", 64);
        let collected_enables = m.register("collected_enables", 8).reset(0);
        let merged_bytes = (0..8).rev().map(|byte| {
            let range = 8 * byte..8 * (byte + 1);
            mux(enables.bit(byte), word.bits(range.clone()), collected.q.bits(range))
        });
        let merged = cat(merged_bytes.collect::<Vec<_>>()).named("merged");
        let merged_enables = (enables | collected_enables.q).named("merged_enables");
        let data = m.register("data", 64);
        let data_enables = m.register("data_enables", 8);
        m.when(advance, || {
            pending.set(io.valid & completes);
            m.when(io.valid, || {
                m.when(completes, || {
                    data.set(merged);
                    data_enables.set(merged_enables);
                    collected_enables.set(0);
                })
                .otherwise(|| {
                    collected.set(merged);
                    collected_enables.set(merged_enables);
                });
            });
        });

        let walk = word_walk(m, io.start, pending.q & io.request_ready, &io.words);
        m.unused(walk.busy);
        ResultsOut {
            advance,
            request: HostRequest {
                valid: pending.q,
                address: walk.address,
                write: lit(1, 1),
                data: data.q,
                lanes: data_enables.q,
            },
            finished: walk.finished,
        }
    }
}
