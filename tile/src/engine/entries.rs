//! Entries: reads the block list of each descriptor and works out where every block's rows begin.
//!
//! ```text
//!            +---------+
//!  slots --->|         |----> block (valid, ready)
//!  fetched ->| Entries |
//!  lists --->|         |----> request, fault
//!            +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | 5 cycles from request to `block.valid` without conflicts                         |
//! | Throughput | a block every 6 cycles: a block takes at least 16 to load                        |
//! | Handshake  | `block` is valid and ready                                                       |
//! | Order      | lists in the order of the slots, entries in the order of the list                |
//! | Refuses    | BAD_ENTRY for a rectangle that is empty or leaves the rows, MISALIGNED for part  |
//! |            | of an access word, LIST_OUT_OF_RANGE; all with the entry's address               |

use accumulators::AmpConfig;
use isa::{AmpDescriptor, ErrorCode, ListEntry};
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux, states};

use super::descriptors::{POINTER_BITS, Slot, slot_at, words_to_bytes};
use super::rows::Rectangle;
use crate::fields::field_of;
use crate::sram::{ADDRESS_BITS, Fault, ReadRequest};

/// The reader of block lists.
#[derive(Clone, Copy, Debug)]
pub struct Entries {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// What a block of the list asks for.
    pub struct Block {
        /// Slot that it belongs to (pointer).
        pub slot: Signal,
        /// Byte address of its weights.
        pub weight_address: Signal,
        /// Bytes between the rows of its weights.
        pub weight_stride: Signal,
        /// It loads transposed.
        pub transposed: Signal,
        /// Valid K, less one.
        pub last_k: Signal,
        /// Rows that it applies to, and the address of their inputs.
        pub rows: Rectangle,
        /// The last of its list.
        pub last: Signal,
    }
}

impl Rectangle {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> Rectangle {
        let coordinate = |name| ports.input(name, super::rows::COORDINATE_BITS);
        Rectangle {
            x_first: coordinate("x_first"),
            x_last: coordinate("x_last"),
            y_first: coordinate("y_first"),
            y_last: coordinate("y_last"),
            row_first: coordinate("row_first"),
            address: ports.input("address", ADDRESS_BITS),
        }
    }
}

impl Block {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> Block {
        Block {
            slot: ports.input("slot", POINTER_BITS),
            weight_address: ports.input("weight_address", ADDRESS_BITS),
            weight_stride: ports.input("weight_stride", ADDRESS_BITS),
            transposed: ports.bit("transposed"),
            last_k: ports.input("last_k", 4),
            rows: Rectangle::ports(&ports.nested("rows")),
            last: ports.bit("last"),
        }
    }
}

bundle! {
    /// Descriptors and data.
    pub struct EntriesIn {
        /// The ring.
        pub slots: Vec<Slot>,
        /// Pointer: slots before it are valid.
        pub fetched: Signal,
        /// The list port is this unit's for the request.
        pub request_ready: Signal,
        /// The list port refused the request.
        pub request_fault: Fault,
        /// The entry is there.
        pub data_valid: Signal,
        /// The entry.
        pub data: Signal,
        /// The block is taken.
        pub block_ready: Signal,
    }
}

bundle! {
    /// Blocks and requests.
    pub struct EntriesOut {
        /// There is a block.
        pub block_valid: Signal,
        /// The block.
        pub block: Block,
        /// An entry.
        pub request: ReadRequest,
        /// An entry that cannot be.
        pub fault: Fault,
    }
}

states! {
    /// What becomes of an entry.
    enum State {
        /// There is no list.
        Idle,
        /// The entry is asked for.
        Ask,
        /// It is on its way.
        Wait,
        /// Products of coordinates and strides; the rectangle is checked.
        Multiply,
        /// Sums.
        Add,
        /// The block is offered.
        Offer,
    }
}

impl Module for Entries {
    type In = EntriesIn;
    type Out = EntriesOut;

    fn name(&self) -> String {
        self.config.module_name("entries")
    }

    fn inputs(&self, ports: &Ports) -> EntriesIn {
        EntriesIn {
            slots: Slot::ring(ports),
            fetched: ports.input("fetched", POINTER_BITS),
            request_ready: ports.bit("request_ready"),
            request_fault: Fault::ports(&ports.nested("request_fault")),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", 64),
            block_ready: ports.bit("block_ready"),
        }
    }

    fn build(&self, m: &Builder, io: EntriesIn) -> EntriesOut {
        m.summary("Reads block lists and works out where every block's weights and inputs are.");
        let state = m.state_register::<State>("state");
        let pointer = m.register("pointer", POINTER_BITS).reset(0);
        let address = m.register("address", ADDRESS_BITS);
        let remaining = m.register("remaining", AmpDescriptor::LIST_COUNT.bits as usize);
        let slot = slot_at(&io.slots, pointer.q);
        m.unused(slot.clone());

        // One entry at a time.
        m.when(state.q.is(State::Idle) & pointer.q.ne(io.fetched), || {
            address.set(slot.field(AmpDescriptor::LIST_ADDRESS));
            remaining.set(slot.field(AmpDescriptor::LIST_COUNT));
            state.set(State::Ask);
        });
        let asking = state.q.is(State::Ask);
        m.when(asking & io.request_ready, || state.set(State::Wait));
        m.when(state.q.is(State::Wait) & io.data_valid, || state.set(State::Multiply));
        let entry = io.data.register_if("entry", io.data_valid);
        let field = |field| field_of(entry, field);

        // The first row of the rectangle: row = y * rows_x + x, address = input + offset + y * stride_y + x * stride_x.
        let (x_first, x_last) = (field(ListEntry::X_FIRST), field(ListEntry::X_LAST));
        let (y_first, y_last) = (field(ListEntry::Y_FIRST), field(ListEntry::Y_LAST));
        let multiply = state.q.is(State::Multiply);
        m.when(multiply, || state.set(State::Add));
        let scaled = |coordinate: Signal, stride: isa::Field, name: &str| {
            // Modulo the address space, so that the unsigned product of a negative stride is right.
            let words = (slot.field(stride).sign_extend(ADDRESS_BITS - 3) * coordinate).truncate(ADDRESS_BITS - 3);
            cat([words, lit(0, 3)]).register(name)
        };
        let x_bytes = scaled(x_first, AmpDescriptor::INPUT_STRIDE_X, "x_bytes");
        let y_bytes = scaled(y_first, AmpDescriptor::INPUT_STRIDE_Y, "y_bytes");
        let y_rows = (y_first * slot.field(AmpDescriptor::ROWS_X)).truncate(6).register("y_rows");

        let inside =
            |first: Signal, last: Signal, rows: isa::Field| last.ge(first) & last.zero_extend(7).lt(slot.field(rows));
        let legal = (inside(x_first, x_last, AmpDescriptor::ROWS_X) & inside(y_first, y_last, AmpDescriptor::ROWS_Y))
            .named("legal");

        let adding = state.q.is(State::Add);
        m.when(adding, || state.set(State::Offer));
        let input = slot.field(AmpDescriptor::INPUT_ADDRESS) + words_to_bytes(field(ListEntry::INPUT_OFFSET));
        let weights =
            slot.field(AmpDescriptor::WEIGHT_ADDRESS) + (field(ListEntry::WEIGHT_BLOCK).zero_extend(ADDRESS_BITS) << 3);
        let row_first = (y_rows + x_first).register_if("row_first", adding);
        let input_address = (input + x_bytes + y_bytes).register_if("input_address", adding);
        let weight_address = weights.register_if("weight_address", adding);

        // Offered until it is taken.
        let last = remaining.q.eq(1).named("is_last");
        m.when(state.q.is(State::Offer) & io.block_ready, || {
            address.set(address.q + 8);
            remaining.set(remaining.q - 1);
            state.set(State::Ask);
            m.when(last, || {
                state.set(State::Idle);
                pointer.set(pointer.q + 1);
            });
        });

        let low = self.config.access_words().trailing_zeros() as usize;
        let misaligned = if low == 0 {
            lit(0, 1)
        } else {
            (field(ListEntry::INPUT_OFFSET).truncate(low) | field(ListEntry::WEIGHT_BLOCK).truncate(low)).any()
        };
        let code = |code: ErrorCode| lit(code.code(), 8);
        let bad_entry = Fault {
            valid: multiply & (!legal | misaligned),
            code: mux(legal, code(ErrorCode::Misaligned), code(ErrorCode::BadEntry)),
            address: address.q,
        };
        // The address of the list was aligned, so the port can only refuse it as out of range.
        m.unused(io.request_fault.code);
        let request_fault = Fault { code: code(ErrorCode::ListOutOfRange), ..io.request_fault };
        EntriesOut {
            block_valid: state.q.is(State::Offer),
            block: Block {
                slot: pointer.q,
                weight_address,
                weight_stride: slot.stride(AmpDescriptor::WEIGHT_STRIDE),
                transposed: field(ListEntry::TRANSPOSED).bit(0),
                last_k: field(ListEntry::K_COUNT_MINUS_1),
                rows: Rectangle { x_first, x_last, y_first, y_last, row_first, address: input_address },
                last,
            },
            request: ReadRequest { valid: asking, address: address.q },
            fault: mux(bad_entry.valid, bad_entry, request_fault),
        }
    }
}
