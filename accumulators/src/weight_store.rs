//! Weight store: two 16x16 blocks of FP16 weights, one loading while the other works.
//!
//! ```text
//!            +-------------+
//!  write --->|             |
//!  read ---->| WeightStore |----> weights[16 lanes][terms]
//!            +-------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 1, `read` to `weights`                                      |
//! | Throughput | one phase read and one access word written a cycle                               |
//! | Handshake  | none; the caller does not read a phase before it is written                      |
//! | Layout     | S = 4 G columns of memories, G = max(1, T/4): K value k of lane n is word k / S  |
//! |            | of memory (k mod S, n)                                                           |
//!
//! A block row (16 lanes of one k) arrives in 16 / S words; in a transposed block a word holds S values of k for one
//! lane. Either way a word touches each memory at most once.

use rtl::wave::Format;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, mux, select};

use crate::config::{AmpConfig, BLOCK, LANES};
use crate::format::FP16;

/// Cycles from `read` to `weights`.
pub const LATENCY_CYCLES: usize = 1;

/// The weights of an AMP.
#[derive(Clone, Copy, Debug)]
pub struct WeightStore {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// One access word of weights.
    pub struct WeightWrite {
        /// Take it.
        pub valid: Signal,
        /// Block buffer, 0 or 1.
        pub buffer: Signal,
        /// The word holds values of k for one lane rather than lanes for one k.
        pub transposed: Signal,
        /// Row of the block in memory, 0 to 15: k, or the lane if transposed.
        pub row: Signal,
        /// Which word of that row, 0 to 16 / S - 1 (4 bits).
        pub word: Signal,
        /// S FP16 values.
        pub data: Signal,
    }
}

bundle! {
    /// The phase that works.
    pub struct WeightRead {
        /// Block buffer, 0 or 1.
        pub buffer: Signal,
        /// First k of the phase, a multiple of T (4 bits).
        pub k: Signal,
    }
}

bundle! {
    /// Ports.
    pub struct WeightStoreIn {
        /// Loading.
        pub write: WeightWrite,
        /// Working.
        pub read: WeightRead,
    }
}

bundle! {
    /// Weights of the phase.
    pub struct WeightStoreOut {
        /// For each lane, `terms` FP16 values, the first lowest.
        pub weights: Vec<Signal>,
    }
}

impl WeightWrite {
    /// Declares the ports.
    pub fn ports(ports: &Ports, config: &AmpConfig) -> WeightWrite {
        WeightWrite {
            valid: ports.bit("valid"),
            buffer: ports.bit("buffer"),
            transposed: ports.bit("transposed"),
            row: ports.input("row", 4),
            word: ports.input("word", 4),
            data: ports.input("data", config.access_bits()).shown_as(Format::Fp16),
        }
    }
}

impl WeightRead {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> WeightRead {
        WeightRead { buffer: ports.bit("buffer"), k: ports.input("k", 4) }
    }
}

impl Module for WeightStore {
    type In = WeightStoreIn;
    type Out = WeightStoreOut;

    fn name(&self) -> String {
        format!("weight_store_t{}", self.config.terms)
    }

    fn inputs(&self, ports: &Ports) -> WeightStoreIn {
        WeightStoreIn {
            write: WeightWrite::ports(&ports.nested("write"), &self.config),
            read: WeightRead::ports(&ports.nested("read")),
        }
    }

    fn build(&self, m: &Builder, io: WeightStoreIn) -> WeightStoreOut {
        m.summary("Two 16x16 blocks of FP16 weights: one loads while the other works.");
        m.unused(io.read.k); // its low bits are zero: k is a multiple of T
        let AmpConfig { terms, .. } = self.config;
        let columns = self.config.access_values();
        let column_bits = columns.trailing_zeros() as usize;
        let depth = 2 * BLOCK / columns;
        let WeightWrite { valid, buffer, transposed, row, word, data } = io.write;

        // (buffer, k / S): the word of every memory that is written and that is read.
        let address = |buffer: Signal, k_word: Signal| {
            let bits = 4 - column_bits;
            if bits == 0 { buffer } else { cat([buffer, k_word.bits(0..bits)]) }
        };
        let write_address = address(buffer, mux(transposed, word, row >> column_bits));
        let read_address = address(io.read.buffer, io.read.k >> column_bits);

        let value = |i: usize| data.bits(16 * i..16 * (i + 1));
        let weights = (0..LANES)
            .map(|lane| {
                let column = |k: usize| {
                    let straight = row.bits(0..column_bits).eq(k) & word.eq(lane / columns);
                    let across = row.eq(lane);
                    let enable = valid & mux(transposed, across, straight);
                    let memory = m.memory(&format!("words_lane_{lane}_k_{k}"), depth, FP16.bits());
                    memory.write(write_address, mux(transposed, value(k), value(lane % columns)), enable);
                    memory.read(&format!("lane_{lane}_k_{k}"), read_address)
                };
                let read: Vec<Signal> = (0..columns).map(column).collect();
                // With fewer terms than columns, the phase picks its group of columns.
                let groups: Vec<Signal> =
                    read.chunks(terms).map(|group| cat(group.iter().rev().copied().collect::<Vec<_>>())).collect();
                let group = match groups.as_slice() {
                    [whole] => *whole,
                    _ => select(io.read.k.bits(terms.trailing_zeros() as usize..column_bits), groups),
                };
                group.register(&format!("weights_lane_{lane}"))
            })
            .collect();
        WeightStoreOut { weights }
    }
}
