//! Loader: streams the weights of one block after the other into the AMP's free buffer, ahead of the stepper.
//!
//! ```text
//!            +--------+
//!  block --->|        |----> next (valid, ready)   block for the stepper, as soon as it begins to load
//!  weights ->| Loader |----> groups[2]             how much of each buffer is loaded
//!            |        |----> write                 to the AMP's weight store
//!            +--------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Throughput | one access word a cycle: a block in 64 / G cycles, blocks back to back           |
//! | Handshake  | `block` and `next` are valid and ready                                           |
//! | Order      | words in groups of 16 that complete S = 4 G values of k for all lanes, so that   |
//! |            | the first phases can begin before the whole block is there                       |
//! | Does not   | load a block before the stepper has left the one two before it                   |

use accumulators::AmpConfig;
use accumulators::config::BLOCK;
use accumulators::weight_store::WeightWrite;
use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use super::entries::Block;
use crate::sram::{ADDRESS_BITS, LATENCY_CYCLES, ReadRequest};

/// Bits of a count of groups, 0 to 4.
pub const GROUP_BITS: usize = 3;

/// The loader of weights.
#[derive(Clone, Copy, Debug)]
pub struct Loader {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// A block and the buffer that holds its weights.
    pub struct LoadedBlock {
        /// The block.
        pub block: Block,
        /// Weight buffer.
        pub buffer: Signal,
    }
}

bundle! {
    /// Blocks and data.
    pub struct LoaderIn {
        /// There is a block.
        pub block_valid: Signal,
        /// The block.
        pub block: Block,
        /// The stepper takes the block that is offered.
        pub next_ready: Signal,
        /// The weights port takes the request.
        pub request_ready: Signal,
        /// An access word of weights is there.
        pub data_valid: Signal,
        /// The word.
        pub data: Signal,
    }
}

bundle! {
    /// Requests, weights, and what the stepper may use.
    pub struct LoaderOut {
        /// The block is taken.
        pub block_ready: Signal,
        /// There is a block for the stepper.
        pub next_valid: Signal,
        /// That block.
        pub next: LoadedBlock,
        /// For each buffer, groups that are there.
        pub groups: Vec<Signal>,
        /// An access word of weights.
        pub request: ReadRequest,
        /// To the weight store.
        pub write: WeightWrite,
        /// No weights are asked for or on their way.
        pub idle: Signal,
    }
}

impl LoadedBlock {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> LoadedBlock {
        LoadedBlock { block: Block::ports(&ports.nested("block")), buffer: ports.bit("buffer") }
    }
}

bundle! {
    /// What goes along with a request.
    struct Tag {
        buffer: Signal,
        transposed: Signal,
        row: Signal,
        word: Signal,
        /// The last word of a group.
        completes: Signal,
    }
}

impl Module for Loader {
    type In = LoaderIn;
    type Out = LoaderOut;

    fn name(&self) -> String {
        self.config.module_name("loader")
    }

    fn inputs(&self, ports: &Ports) -> LoaderIn {
        LoaderIn {
            block_valid: ports.bit("block_valid"),
            block: Block::ports(&ports.nested("block")),
            next_ready: ports.bit("next_ready"),
            request_ready: ports.bit("request_ready"),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", self.config.access_bits()),
        }
    }

    fn build(&self, m: &Builder, io: LoaderIn) -> LoaderOut {
        m.summary("Streams blocks of weights into the AMP's free buffer.");
        let amp = self.config;
        let values = amp.access_values();
        let access_low = amp.access_low_bits();
        let words_a_row = BLOCK / values;

        // What is loading, and what waits for the stepper: at most the same block.
        let busy = m.register("busy", 1).reset(0);
        let next_valid = m.register("next_valid_state", 1).reset(0);
        let buffer = m.register("buffer", 1).reset(0);
        let row = m.register("row", 4);
        let word = m.register("word", 4);
        let row_address = m.register("row_address", ADDRESS_BITS);
        let first_row_address = m.register("first_row_address", ADDRESS_BITS);

        // A block begins when the one before is loaded and taken: then the stepper has left the other buffer.
        let taken_request = (busy.q & io.request_ready).named("taken");
        let last_row = row.q.eq(BLOCK - 1).named("is_last_row");
        let last_word = word.q.eq(words_a_row - 1).named("is_last_word");
        let finishing = (taken_request & last_row & last_word).named("finishing");
        let free = (!next_valid.q | io.next_ready).named("buffer_free");
        let block_ready = (!busy.q | finishing) & free;
        let start = (block_ready & io.block_valid).named("start");

        // Straight: all words of a row, then the next row. Transposed: a word of every row, then the next word.
        let block = io.block.map("loading", &mut |name, signal| signal.register_if(name, start));
        let transposed = block.transposed;
        let word_bytes = word.q.zero_extend(ADDRESS_BITS) << access_low;
        let next_row_address = (row_address.q + block.weight_stride).named("next_row_address");
        m.when(taken_request, || {
            m.when(transposed, || {
                row.set(row.q + 1);
                row_address.set(mux(last_row, first_row_address.q, next_row_address));
                m.when(last_row, || word.set(word.q + 1));
            })
            .otherwise(|| {
                word.set(mux(last_word, lit(0, 4), word.q + 1));
                m.when(last_word, || {
                    row.set(row.q + 1);
                    row_address.set(next_row_address);
                });
            });
        });
        m.when(finishing, || busy.set(0));
        m.when(io.next_ready, || next_valid.set(0));
        m.when(start, || {
            busy.set(1);
            next_valid.set(1);
            buffer.set(!buffer.q);
            row.set(0);
            word.set(0);
            row_address.set(io.block.weight_address);
            first_row_address.set(io.block.weight_address);
        });

        // The data comes later than its request, and so does what is known about it.
        let row_in_group = row.q.bits(0..values.trailing_zeros() as usize);
        let completes = mux(transposed, last_row, last_word & row_in_group.all());
        let asked = taken_request.register_reset("asked_1");
        let idle = !busy.q & !asked & !asked.register_reset("asked_2");
        let mut tag = Tag { buffer: buffer.q, transposed, row: row.q, word: word.q, completes };
        for cycle in 1..=LATENCY_CYCLES {
            tag = tag.register_all(&format!("tag_{cycle}"));
        }
        let groups = (0..2)
            .map(|i| {
                let groups = m.register(&format!("groups_{i}_state"), GROUP_BITS).reset(0);
                let here = io.data_valid & tag.completes & tag.buffer.eq(i);
                m.when(here, || groups.set(groups.q + 1));
                m.when(start & (!buffer.q).eq(i), || groups.set(0));
                groups.q
            })
            .collect();
        LoaderOut {
            block_ready,
            next_valid: next_valid.q,
            next: LoadedBlock { block: block.clone(), buffer: buffer.q },
            groups,
            request: ReadRequest { valid: busy.q, address: row_address.q + word_bytes },
            write: WeightWrite {
                valid: io.data_valid,
                buffer: tag.buffer,
                transposed: tag.transposed,
                row: tag.row,
                word: tag.word,
                data: io.data,
            },
            idle,
        }
    }
}

/// Number of the group that holds value `k`, of groups of `values`: it is there when more groups than this are.
pub fn group_of(k: Signal, values: usize) -> Signal {
    let low = values.trailing_zeros() as usize;
    if low == 4 { lit(0, GROUP_BITS) } else { cat([lit(0, GROUP_BITS - (4 - low)), k.bits(low..4)]) }
}
