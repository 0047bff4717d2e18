//! Operand: one of a, b and c, word by word, whatever its source: a stream, a word for each row, or a constant.
//!
//! ```text
//!             +---------+
//!  start ---->|         |----> request   (SRAM)
//!  plan ----->| Operand |
//!  data ----->|         |----> valid, word   (taken by `take`)
//!             +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | `start` to the first word: 5 cycles without conflicts; a constant is always there |
//! | Throughput | a word a cycle                                                                   |
//! | Handshake  | `take` only where `valid`; at most [`QUEUE_WORDS`] words are asked for in advance |
//! | Order      | words of a row, then rows                                                        |
//! | Broadcast  | every element of a word is the one element of a row scalar or a constant         |

use rtl::generic::fifo::{Fifo, FifoIn};
use rtl::generic::tree::count_bits;
use rtl::{Builder, Module, Ports, Signal, bundle, mux};

use super::walk::{Words, word_walk};
use crate::engine::amp_engine::StreamIn;
use crate::sram::ReadRequest;

/// Words that may be asked for and not taken: as many as cycles pass from a request to the next that a `take` permits.
pub const QUEUE_WORDS: usize = 4;

/// An operand of the vector engine.
#[derive(Clone, Copy, Debug)]
pub struct Operand;

bundle! {
    /// What a command says of an operand; stays the same while it runs.
    pub struct OperandPlan {
        /// It is read from memory.
        pub in_memory: Signal,
        /// A stream: an element for each column.
        pub stream: Signal,
        /// FP16 rather than FP32.
        pub fp16: Signal,
        /// Its words in memory.
        pub words: Words,
        /// Where it is a constant, its bits.
        pub constant: Signal,
    }
}

bundle! {
    /// The plan, and words from memory.
    pub struct OperandIn {
        /// Begins.
        pub start: Signal,
        /// What to bring.
        pub plan: OperandPlan,
        /// The SRAM port.
        pub port: StreamIn,
        /// The word is used.
        pub take: Signal,
    }
}

bundle! {
    /// Requests, and the word.
    pub struct OperandOut {
        /// To the SRAM.
        pub request: ReadRequest,
        /// There is a word.
        pub valid: Signal,
        /// 4 FP16 or 2 FP32 elements.
        pub word: Signal,
    }
}

impl OperandPlan {
    fn ports(ports: &Ports) -> OperandPlan {
        OperandPlan {
            in_memory: ports.bit("in_memory"),
            stream: ports.bit("stream"),
            fp16: ports.bit("fp16"),
            words: Words::ports(&ports.nested("words")),
            constant: ports.input("constant", 32),
        }
    }
}

impl Module for Operand {
    type In = OperandIn;
    type Out = OperandOut;

    fn name(&self) -> String {
        "vector_operand".into()
    }

    fn inputs(&self, ports: &Ports) -> OperandIn {
        OperandIn {
            start: ports.bit("start"),
            plan: OperandPlan::ports(&ports.nested("plan")),
            port: StreamIn::ports(&ports.nested("port"), 64),
            take: ports.bit("take"),
        }
    }

    fn build(&self, m: &Builder, io: OperandIn) -> OperandOut {
        m.summary("One operand of the vector engine, word by word.");
        let plan = io.plan;

        // A word is asked for when it will find a place in the queue.
        let reserved = m.register("reserved", count_bits(QUEUE_WORDS)).reset(0);
        let room = reserved.q.ne(QUEUE_WORDS).named("room");
        let walk = word_walk(m, io.start & plan.in_memory, room & io.port.ready, &plan.words);
        let asking = (walk.busy & room).named("asking");
        let queue = m.instance(
            "queue",
            &Fifo { depth: QUEUE_WORDS, bits: 64 },
            FifoIn { push_valid: io.port.valid, push_data: io.port.data, pop_ready: io.take },
        );
        m.unused((queue.push_ready, queue.count));
        let change = |bit: Signal| bit.zero_extend(reserved.q.width());
        let (asked, taken) = (asking & io.port.ready, queue.pop_valid & io.take);
        reserved.set(reserved.q + change(asked) - change(taken));
        m.unused(walk.finished);

        let element = mux(plan.in_memory, queue.pop_data.truncate(32), plan.constant).named("element");
        let broadcast = mux(plan.fp16, element.truncate(16).repeat(4), element.repeat(2)).named("broadcast");
        OperandOut {
            request: ReadRequest { valid: asking, address: walk.address },
            valid: queue.pop_valid | !plan.in_memory,
            word: mux(plan.stream, queue.pop_data, broadcast),
        }
    }
}
