//! Descriptors: fetches AMP descriptors into a ring of four slots.
//!
//! ```text
//!            +-------------+
//!  command ->|             |----> slots[4]
//!  freed --->| Descriptors |----> fetched   (pointer: slots before it hold descriptors)
//!  lists --->|             |----> request, fault
//!            +-------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | command taken to `fetched`: 11 cycles without conflicts                          |
//! | Handshake  | `command` is valid and ready: a queue of two addresses                           |
//! | Order      | slots in the order of the commands                                               |
//! | Refuses    | BAD_DESCRIPTOR for reserved bits and values out of range; MISALIGNED for what    |
//! |            | its streams cannot start at; OUT_OF_RANGE; all with the descriptor's address     |

use accumulators::AmpConfig;
use isa::{Activation, AmpDescriptor, ErrorCode, Field};
use rtl::generic::fifo::{Fifo, FifoIn};
use rtl::{Builder, Module, Ports, Signal, bundle, lit, mux, select};

use crate::fields::field_of;
use crate::sram::{ADDRESS_BITS, Fault, ReadRequest};

/// Slots of the ring.
pub const SLOTS: usize = 4;

/// Bits of a slot pointer: one more than a slot number, so that a full ring differs from an empty one.
pub const POINTER_BITS: usize = 3;

/// Words of a descriptor.
const WORDS: usize = AmpDescriptor::WORDS;

/// The descriptor ring.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// A descriptor as it stands in memory.
    pub struct Slot {
        /// Its words.
        pub words: Vec<Signal>,
    }
}

bundle! {
    /// Commands and data.
    pub struct DescriptorsIn {
        /// A command wants to enter the queue.
        pub command_valid: Signal,
        /// Byte address of its descriptor.
        pub command_address: Signal,
        /// Pointer of the last unit: slots before it are free.
        pub freed: Signal,
        /// The list port is this unit's for the next request.
        pub request_ready: Signal,
        /// The list port refused the request.
        pub request_fault: Fault,
        /// A word that this unit asked for is there.
        pub data_valid: Signal,
        /// The word.
        pub data: Signal,
    }
}

bundle! {
    /// Descriptors and requests.
    pub struct DescriptorsOut {
        /// The queue takes a command in this cycle.
        pub command_ready: Signal,
        /// Nothing queued, nothing being fetched.
        pub idle: Signal,
        /// The ring.
        pub slots: Vec<Slot>,
        /// Pointer: slots before it are valid.
        pub fetched: Signal,
        /// A word of a descriptor.
        pub request: ReadRequest,
        /// A descriptor that cannot be.
        pub fault: Fault,
    }
}

impl Slot {
    /// The bits of a field.
    pub fn field(&self, field: Field) -> Signal {
        field_of(self.words[field.word], field)
    }

    /// A stride in bytes, modulo the address space.
    pub fn stride(&self, field: Field) -> Signal {
        words_to_bytes(self.field(field))
    }

    /// Declares the ports of the ring, `slots`.
    pub fn ring(ports: &Ports) -> Vec<Slot> {
        let slot = |i| Slot { words: ports.nested(&format!("slots_{i}")).array("words", WORDS, 64) };
        (0..SLOTS).map(slot).collect()
    }
}

/// A signed number of words as a number of bytes, modulo the address space.
pub fn words_to_bytes(words: Signal) -> Signal {
    words.sign_extend(ADDRESS_BITS) << 3
}

/// The slot that a pointer names.
pub fn slot_at(slots: &[Slot], pointer: Signal) -> Slot {
    let words = (0..WORDS)
        .map(|word| {
            let options: Vec<Signal> = slots.iter().map(|slot| slot.words[word]).collect();
            select(pointer.bits(0..POINTER_BITS - 1), options)
        })
        .collect();
    Slot { words }
}

impl Module for Descriptors {
    type In = DescriptorsIn;
    type Out = DescriptorsOut;

    fn name(&self) -> String {
        self.config.module_name("descriptors")
    }

    fn inputs(&self, ports: &Ports) -> DescriptorsIn {
        DescriptorsIn {
            command_valid: ports.bit("command_valid"),
            command_address: ports.input("command_address", ADDRESS_BITS),
            freed: ports.input("freed", POINTER_BITS),
            request_ready: ports.bit("request_ready"),
            request_fault: Fault::ports(&ports.nested("request_fault")),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", 64),
        }
    }

    fn build(&self, m: &Builder, io: DescriptorsIn) -> DescriptorsOut {
        m.summary("Fetches AMP descriptors into a ring of four slots.");
        let take = m.wire("take", 1);
        let queue = m.instance(
            "queue",
            &Fifo { depth: 2, bits: ADDRESS_BITS },
            FifoIn { push_valid: io.command_valid, push_data: io.command_address, pop_ready: take.value },
        );

        // One descriptor at a time: its words are asked for one after the other, and arrive in that order.
        let busy = m.register("busy", 1).reset(0);
        let address = m.register("address", ADDRESS_BITS);
        let asked = m.register("asked", 3);
        let arrived = m.register("arrived", 3);
        let pointer = m.register("pointer", POINTER_BITS).reset(0);

        let full = (pointer.q - io.freed).eq(SLOTS);
        take.set(!busy.q & !full);
        let start = (take.value & queue.pop_valid).named("start");
        m.when(start, || {
            busy.set(1);
            address.set(queue.pop_data);
            asked.set(0);
            arrived.set(0);
        });

        let asking = (busy.q & asked.q.ne(WORDS)).named("asking");
        let offset = asked.q.zero_extend(ADDRESS_BITS) << 3;
        m.when(asking & io.request_ready, || asked.set(asked.q + 1));
        m.when(io.data_valid, || arrived.set(arrived.q + 1));

        let slots: Vec<Slot> = (0..SLOTS)
            .map(|slot| Slot {
                words: (0..WORDS)
                    .map(|word| {
                        let here = pointer.q.bits(0..2).eq(slot) & arrived.q.eq(word) & io.data_valid;
                        io.data.register_if(&format!("slot_{slot}_word_{word}_state"), here)
                    })
                    .collect(),
            })
            .collect();

        // When all words are there they are looked at, and the pointer moves on.
        let complete = (busy.q & arrived.q.eq(WORDS)).named("complete");
        let slot = slot_at(&slots, pointer.q);
        let bad = self.bad(&slot).named("bad");
        m.when(complete, || {
            busy.set(0);
            pointer.set(pointer.q + 1);
        });

        let misaligned = self.misaligned(&slot).named("misaligned");
        let code = |code: ErrorCode| lit(code.code(), 8);
        let bad_fault = Fault {
            valid: complete & (bad | misaligned),
            code: mux(bad, code(ErrorCode::BadDescriptor), code(ErrorCode::Misaligned)),
            address: address.q,
        };
        let request_fault = Fault { address: address.q, ..io.request_fault.clone() };
        m.unused(io.request_fault.address);
        DescriptorsOut {
            command_ready: queue.push_ready,
            idle: !busy.q & !queue.pop_valid,
            slots,
            fetched: pointer.q,
            request: ReadRequest { valid: asking, address: address.q + offset },
            fault: mux(bad_fault.valid, bad_fault, request_fault),
        }
    }
}

impl Descriptors {
    /// A stream's address or stride is not a multiple of an access word, or the list's address not of a word.
    fn misaligned(&self, slot: &Slot) -> Signal {
        let stride_low = self.config.access_words().trailing_zeros() as usize;
        let low_bits = |field: Field, low: usize| {
            let bits = slot.field(field);
            if low == 0 { lit(0, 1) } else { bits.truncate(low).any() }
        };
        let stream = |address: Field, x: Field, y: Field| {
            low_bits(address, stride_low + 3) | low_bits(x, stride_low) | low_bits(y, stride_low)
        };
        use AmpDescriptor as D;
        stream(D::INPUT_ADDRESS, D::INPUT_STRIDE_X, D::INPUT_STRIDE_Y)
            | stream(D::WEIGHT_ADDRESS, D::WEIGHT_STRIDE, D::WEIGHT_STRIDE)
            | stream(D::RESULT_ADDRESS, D::RESULT_STRIDE_X, D::RESULT_STRIDE_Y)
            | (stream(D::PARTIAL_ADDRESS, D::PARTIAL_STRIDE_X, D::PARTIAL_STRIDE_Y) & slot.field(D::PARTIAL_IN))
            | low_bits(D::LIST_ADDRESS, 3)
    }

    /// The slot's values cannot be.
    fn bad(&self, slot: &Slot) -> Signal {
        let reserved = (0..WORDS).filter_map(|word| {
            let mask = AmpDescriptor::LAYOUT.reserved_mask(word);
            (mask != 0).then(|| (slot.words[word] & mask).any())
        });
        let (rows_x, rows_y) = (slot.field(AmpDescriptor::ROWS_X), slot.field(AmpDescriptor::ROWS_Y));
        let columns = slot.field(AmpDescriptor::COLUMNS);
        let activation = slot.field(AmpDescriptor::ACTIVATION);
        let values = [
            rows_x.is_zero() | rows_y.is_zero(),
            (rows_x * rows_y).gt(self.config.rows),
            columns.is_zero() | columns.gt(accumulators::config::LANES),
            activation.gt(Activation::RELU.0),
            slot.field(AmpDescriptor::LIST_COUNT).is_zero(),
        ];
        let (result_exact, partial_exact) =
            (slot.field(AmpDescriptor::RESULT_EXACT), slot.field(AmpDescriptor::PARTIAL_EXACT));
        let exact = if self.config.accumulator.is_exact() {
            result_exact & (slot.field(AmpDescriptor::RESULT_FP16) | activation.any())
        } else {
            result_exact | partial_exact
        };
        reserved.chain(values).chain([exact]).reduce(|a, b| a | b).unwrap_or(lit(0, 1))
    }
}
