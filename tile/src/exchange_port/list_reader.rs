//! List reader: fetches an exchange descriptor, and then the entries of both lists ahead of their use.
//!
//! ```text
//!                +------------+
//!  start ------->|            |----> sends, receives   (queues of entries)
//!  take -------->| ListReader |----> prepared
//!  SRAM data --->|            |----> request, fault
//!                +------------+
//! ```
//! | Contract   |                                                                                   |
//! |------------|-----------------------------------------------------------------------------------|
//! | Throughput | an entry every 2 cycles without conflicts, the lists in turn                      |
//! | Handshake  | queues: `valid` and `take`; an entry that is taken makes room for another         |
//! | Order      | each list in the order of memory                                                  |
//! | Refuses    | BAD_DESCRIPTOR, MISALIGNED, LIST_OUT_OF_RANGE, OUT_OF_RANGE                       |

use isa::{ErrorCode, ExchangeDescriptor, ExchangeEntry};
use rtl::generic::fifo::{Fifo, FifoIn};
use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux, states};

use crate::engine::amp_engine::StreamIn;
use crate::fields::field_of;
use crate::sram::{ADDRESS_BITS, Fault, LATENCY_CYCLES, ReadRequest};

/// Entries of a list that are there when a barrier releases the tile, and that a schedule may count on later.
pub const QUEUE_ENTRIES: usize = 4;

/// A schedule may count on an entry of each list in so many cycles: an entry is two words, and the lists share a port.
pub const CYCLES_PER_ENTRY: usize = 4;

/// Places of a queue: those that a schedule counts on, and enough to fill them again behind the time that a fetch takes.
pub const QUEUE_PLACES: usize = 6;

const COUNT_BITS: usize = ExchangeDescriptor::SEND_COUNT.bits as usize;
const ENTRY_BYTES: usize = ExchangeEntry::WORDS * isa::WORD_BYTES as usize;

/// The list reader.
#[derive(Clone, Copy, Debug)]
pub struct ListReader;

bundle! {
    /// The beginning of a list.
    pub struct Queue {
        /// There is an entry.
        pub valid: Signal,
        /// It, 128 bits.
        pub entry: Signal,
        /// Byte address of it.
        pub address: Signal,
        /// It or a later one is to come.
        pub more: Signal,
    }
}

bundle! {
    /// Commands, data, use.
    pub struct ListReaderIn {
        /// Fetch the descriptor and the lists.
        pub start: Signal,
        /// Byte address of the descriptor.
        pub address: Signal,
        /// The SRAM port.
        pub port: StreamIn,
        /// The SRAM port refuses.
        pub port_fault: Fault,
        /// The first entry of the send list is taken.
        pub take_send: Signal,
        /// The first entry of the receive list is taken.
        pub take_receive: Signal,
    }
}

bundle! {
    /// Entries.
    pub struct ListReaderOut {
        /// The send list.
        pub sends: Queue,
        /// The receive list.
        pub receives: Queue,
        /// As many entries are there as fit, or all.
        pub prepared: Signal,
        /// A word of a descriptor or of a list.
        pub request: ReadRequest,
        /// What cannot be.
        pub fault: Fault,
    }
}

states! {
    /// What is fetched.
    enum State {
        /// Nothing.
        Idle,
        /// The words of the descriptor are asked for.
        Descriptor,
        /// The descriptor is on its way.
        Arrive,
        /// Lists.
        Lists,
    }
}

/// What there is for each list.
struct List {
    /// Byte address of the next entry that is asked for.
    address: Signal,
    /// There is an entry to ask for, and room for it.
    wants: Signal,
    /// As many entries have arrived as fit, or all.
    full: Signal,
    queue: Queue,
}

impl Queue {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> Queue {
        Queue {
            valid: ports.bit("valid"),
            entry: ports.input("entry", 128),
            address: ports.input("address", ADDRESS_BITS),
            more: ports.bit("more"),
        }
    }
}

impl Module for ListReader {
    type In = ListReaderIn;
    type Out = ListReaderOut;

    fn name(&self) -> String {
        "exchange_list_reader".into()
    }

    fn inputs(&self, ports: &Ports) -> ListReaderIn {
        ListReaderIn {
            start: ports.bit("start"),
            address: ports.input("address", ADDRESS_BITS),
            port: StreamIn::ports(&ports.nested("port"), 64),
            port_fault: Fault::ports(&ports.nested("port_fault")),
            take_send: ports.bit("take_send"),
            take_receive: ports.bit("take_receive"),
        }
    }

    fn build(&self, m: &Builder, io: ListReaderIn) -> ListReaderOut {
        m.summary("Fetches an exchange descriptor, and the entries of its lists ahead of their use.");
        let state = m.state_register::<State>("state");
        let in_lists = state.q.is(State::Lists);
        let descriptor_address = io.address.register_if("descriptor_address", io.start);

        // Two words at a time, in turn: of the descriptor, or of an entry. Which list an entry is of travels with it.
        let second = m.register("second_state", 1).reset(0);
        let receives_turn = m.register("receives_turn", 1).reset(0);
        let (send_wants, receive_wants) = (m.wire("send_wants", 1), m.wire("receive_wants", 1));
        let (send_address, receive_address) =
            (m.wire("send_address", ADDRESS_BITS), m.wire("receive_address", ADDRESS_BITS));
        let chosen = mux(receives_turn.q, receive_wants.value | !send_wants.value, !send_wants.value);
        let of_receives = m.register("of_receives_state", 1);
        let receives = mux(second.q, of_receives.q, chosen).named("of_receives");
        let entry_address = mux(receives, receive_address.value, send_address.value);
        let base = mux(in_lists, entry_address, descriptor_address);
        let asks = (in_lists & (second.q | send_wants.value | receive_wants.value)) | state.q.is(State::Descriptor);
        let request_address = base + (second.q.zero_extend(ADDRESS_BITS) << 3);
        let taken = (asks & io.port.ready).named("taken");
        m.when(taken, || {
            second.set(!second.q);
            of_receives.set(receives);
            m.when(second.q & in_lists, || receives_turn.set(!receives));
        });

        // What arrives: the first word of two waits for the second.
        let arrives_second = second.q.delay("arrives_second", LATENCY_CYCLES, false);
        let arrives_receive = receives.delay("arrives_receive", LATENCY_CYCLES, false);
        let first_word = io.port.data.register_if("first_word", io.port.valid & !arrives_second);
        let pair = cat([io.port.data, first_word]);
        let pair_arrives = (io.port.valid & arrives_second).named("pair_arrives");

        // The descriptor.
        let loads = (pair_arrives & state.q.is(State::Arrive)).named("loads");
        let words = [first_word, io.port.data];
        let field = |field: isa::Field| field_of(words[field.word], field);
        let reserved = (0..2).map(|word| (words[word] & ExchangeDescriptor::LAYOUT.reserved_mask(word)).any());
        let reserved = reserved.reduce(|a, b| a | b).expect("two words");
        let lists = [ExchangeDescriptor::SEND_ADDRESS, ExchangeDescriptor::RECEIVE_ADDRESS];
        let misaligned = lists.map(|list| field(list).truncate(3).any()).into_iter().reduce(|a, b| a | b);
        let misaligned = misaligned.expect("two lists");

        m.when(io.start, || state.set(State::Descriptor));
        m.when(state.q.is(State::Descriptor) & taken & second.q, || state.set(State::Arrive));
        m.when(loads, || state.set(State::Lists));

        // The lists.
        let asked = (taken & second.q & in_lists).named("asked");
        let arrived = (pair_arrives & in_lists).named("arrived");
        let list = |name: &str, address: isa::Field, count: isa::Field, mine: Signal, arrives: Signal, take: Signal| {
            m.scope(name, || {
                let next = m.register("next", ADDRESS_BITS);
                let to_ask = m.register("to_ask", COUNT_BITS).reset(0);
                let to_take = m.register("to_take", COUNT_BITS).reset(0);
                let head = m.register("head", ADDRESS_BITS);
                let room_bits = rtl::generic::tree::count_bits(QUEUE_PLACES);
                let room = m.register("room", room_bits).reset(QUEUE_PLACES as u64);
                let asks = (asked & mine).named("asks");
                let one = |bit: Signal, width: usize| bit.zero_extend(width);
                room.set(room.q + one(take, room_bits) - one(asks, room_bits));
                m.when(asks, || {
                    next.set(next.q + ENTRY_BYTES);
                    to_ask.set(to_ask.q - 1);
                });
                m.when(take, || {
                    head.set(head.q + ENTRY_BYTES);
                    to_take.set(to_take.q - 1);
                });
                m.when(loads, || {
                    next.set(field(address));
                    head.set(field(address));
                    to_ask.set(field(count));
                    to_take.set(field(count));
                });
                let queue = m.instance(
                    "queue",
                    &Fifo { depth: QUEUE_PLACES, bits: 128 },
                    FifoIn { push_valid: arrived & arrives, push_data: pair, pop_ready: take },
                );
                m.assert("entries_have_room", !(arrived & arrives) | queue.push_ready);
                let all_there = to_ask.q.is_zero() & queue.count.zero_extend(COUNT_BITS).eq(to_take.q);
                let more = to_take.q.any();
                List {
                    address: next.q,
                    wants: to_ask.q.any() & room.q.any(),
                    full: queue.count.eq(QUEUE_PLACES) | all_there,
                    queue: Queue { valid: queue.pop_valid, entry: queue.pop_data, address: head.q, more },
                }
            })
        };
        use ExchangeDescriptor as D;
        let sends = list("sends", D::SEND_ADDRESS, D::SEND_COUNT, !receives, !arrives_receive, io.take_send);
        let receives =
            list("receives", D::RECEIVE_ADDRESS, D::RECEIVE_COUNT, receives, arrives_receive, io.take_receive);
        send_wants.set(sends.wants);
        receive_wants.set(receives.wants);
        send_address.set(sends.address);
        receive_address.set(receives.address);

        let code = |code: ErrorCode| lit(code.code(), 8);
        let bad = Fault {
            valid: loads & (reserved | misaligned),
            code: mux(reserved, code(ErrorCode::BadDescriptor), code(ErrorCode::Misaligned)),
            address: descriptor_address,
        };
        // A misaligned descriptor cannot be: the sequencer has looked. What lies beyond is named by where it begins.
        let refused = Fault {
            valid: io.port_fault.valid,
            code: mux(in_lists, code(ErrorCode::ListOutOfRange), io.port_fault.code),
            address: base,
        };
        m.unused(io.port_fault.address);
        ListReaderOut {
            prepared: in_lists & sends.full & receives.full,
            sends: sends.queue,
            receives: receives.queue,
            request: ReadRequest { valid: asks, address: request_address },
            fault: mux(bad.valid, bad, refused),
        }
    }
}
