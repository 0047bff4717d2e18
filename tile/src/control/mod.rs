//! Control: the host port, the registers, and the state of the tile.
//!
//! ```text
//!                    +---------+
//!  host_request ---->|         |----> host_response
//!  sram ------------>| Control |----> sram request
//!  fault, done ----->|         |----> running, start
//!  events ---------->|         |----> status
//!                    +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | 2 cycles from a request that is taken to its response                            |
//! | Throughput | one request a cycle                                                              |
//! | Handshake  | requests are valid and ready; each gets one response, which cannot be refused    |
//! | Order      | responses in the order of requests                                               |
//! | Errors     | a response with `error`: address out of range or not a multiple of 8, a write to |
//! |            | a register that only reads or of part of one, a read of one that only writes,    |
//! |            | START while a program runs or at more than 24 bits, a word with wrong parity     |
//! | Faults     | the first fault of a running program stops it; its code and address stay in      |
//! |            | STATUS and ERROR_ADDRESS until the next START                                    |

mod events;
mod request;
mod state;

use isa::register::{self, Configuration, IDENTITY_VALUE, REGISTERS};
use isa::{Flags, Register, ZONES};
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, lit, mux, select};

pub use self::events::{Events, ExchangeEvents, VectorEvents};
use self::request::Request;
use self::state::State;
use crate::sram::{ADDRESS_BITS, Fault, HostOut, HostRequest};

/// Control and status.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// What the host reads in CONFIGURATION.
    pub configuration: Configuration,
    /// Size of the memory.
    pub memory_bytes: usize,
}

bundle! {
    /// Requests, news, and what the SRAM answers the host.
    pub struct ControlIn {
        /// The host's request; any address.
        pub host: HostRequest,
        /// SRAM's answers.
        pub sram: HostOut,
        /// A running program is at fault.
        pub fault: Fault,
        /// The program has ended.
        pub program_done: Signal,
        /// Sticky flags to set: NV, OF, UF, NX, HR from bit 0.
        pub raise: Signal,
        /// Clear the sticky flags in `value`.
        pub clear_flags: Signal,
        /// Set the marker to `value`.
        pub set_marker: Signal,
        /// Operand, 32 bits.
        pub value: Signal,
        /// Byte address of the command.
        pub program_counter: Signal,
        /// What is counted.
        pub events: Events,
    }
}

bundle! {
    /// Responses and state.
    pub struct ControlOut {
        /// The request is taken.
        pub host_ready: Signal,
        /// There is a response.
        pub response_valid: Signal,
        /// 64 bits; meaningless for writes.
        pub response_data: Signal,
        /// The request could not be served.
        pub response_error: Signal,
        /// To the SRAM.
        pub sram_request: HostRequest,
        /// A program runs.
        pub running: Signal,
        /// It begins in this cycle.
        pub start: Signal,
        /// Byte address of its first command.
        pub start_address: Signal,
        /// The last program ended by itself.
        pub done: Signal,
        /// The last program was stopped.
        pub error: Signal,
        /// The zones that the tile is in, one bit each.
        pub zones: Signal,
    }
}

impl Module for Control {
    type In = ControlIn;
    type Out = ControlOut;

    fn name(&self) -> String {
        let Configuration { terms, rows, exact, vector, accumulator_bits, banks, lane_words, .. } = self.configuration;
        let kind = if exact { "exact" } else { "fp" };
        let bank_kib = self.memory_bytes / 1024 / banks as usize;
        let exchange = if self.has_exchange() { format!("_l{}", 32 * lane_words) } else { String::new() };
        let vector = if vector { "_v" } else { "" };
        format!("control_{kind}{accumulator_bits}_t{terms}_d{rows}_{banks}x{bank_kib}k{vector}{exchange}")
    }

    fn inputs(&self, ports: &Ports) -> ControlIn {
        ControlIn {
            host: HostRequest::ports(&ports.nested("host")),
            sram: HostOut::ports(&ports.nested("sram")),
            fault: Fault::ports(&ports.nested("fault")),
            program_done: ports.bit("program_done"),
            raise: ports.input("raise", Flags::LAYOUT.fields.len()),
            clear_flags: ports.bit("clear_flags"),
            set_marker: ports.bit("set_marker"),
            value: ports.input("value", 32),
            program_counter: ports.input("program_counter", ADDRESS_BITS),
            events: Events::ports(
                &ports.nested("events"),
                self.amp_results(),
                self.configuration.vector,
                self.has_exchange(),
            ),
        }
    }

    fn build(&self, m: &Builder, io: ControlIn) -> ControlOut {
        m.summary("Host port, registers, and the state of the tile.");
        m.unused(io.sram.conflict);

        let request = Request::decode(io.host.clone(), self.memory_bytes);
        let ready = request.ready(io.sram.ready);
        let taken = (request.host.valid & ready).named("taken");
        let state = State::new(m, &request, io.program_done, io.fault.clone(), io.program_counter);
        let start = state.starts.register_reset("start_state");
        let start_address = request.host.data.truncate(ADDRESS_BITS);
        let start_address = start_address.register_if("start_address_state", state.starts);

        let marker = m.register("marker", 32).reset(0);
        m.when(io.set_marker, || marker.set(io.value));

        // Zone 0 to begin with.
        let zones = m.register("zones_state", ZONES as usize).reset(1);
        m.when(request.writes(register::ZONES), || zones.set(request.host.data.truncate(ZONES as usize)));

        // A register's value takes as long as a word of the SRAM.
        let mut values = vec![
            (register::IDENTITY, lit(IDENTITY_VALUE, 64)),
            (register::CONFIGURATION, lit(self.configuration_word(), 64)),
            (register::MEMORY_BYTES, lit(self.memory_bytes, 64)),
            (register::FLAGS, sticky_flags(m, &request, &io)),
            (register::MARKER, marker.q),
            (register::PROGRAM_COUNTER, io.program_counter),
            (register::ZONES, zones.q),
        ];
        values.extend(state.registers());
        values.extend(io.events.count(m, &state));
        let value = value_at(request.host.address, &values).register("value_1").register("value_2");

        // The response: a cycle for the banks, a cycle for the port's register.
        let refused_start = request.writes(register::START) & !state.starts;
        let refused = !request.to_memory & (!request.to_register | refused_start);
        let response_valid = taken.delay("response_valid", 2, true);
        let refused = refused.delay("refused", 2, false);
        let from_memory = (request.to_memory & !request.host.write).delay("from_memory", 2, false);

        ControlOut {
            host_ready: ready,
            response_valid,
            response_data: mux(from_memory, io.sram.data, value),
            response_error: refused | (from_memory & io.sram.parity_error),
            sram_request: request.of_sram(),
            running: state.running,
            start,
            start_address,
            done: state.done,
            error: state.error_code.any(),
            zones: zones.q,
        }
    }
}

impl Control {
    /// Results that the AMP stores in a cycle, at the most: FP16, in the access words of T terms.
    fn amp_results(&self) -> usize {
        4 * (self.configuration.terms as usize / 4).max(1)
    }

    fn has_exchange(&self) -> bool {
        self.configuration.lane_words > 0
    }

    /// The value of CONFIGURATION.
    fn configuration_word(&self) -> Bits {
        let [word] = self.configuration.encode().expect("every legal configuration fits its register");
        Bits::from_u64(word, 64)
    }
}

/// Cleared by the host or by SET; what is raised in the same cycle stays.
fn sticky_flags(m: &Builder, request: &Request, io: &ControlIn) -> Signal {
    let bits = Flags::LAYOUT.fields.len();
    let flags = m.register("flags", bits).reset(0);
    let none = lit(0, bits);
    let host_clears = mux(request.writes(register::FLAGS), request.host.data.truncate(bits), none);
    let program_clears = mux(io.clear_flags, io.value.truncate(bits), none);
    flags.set((flags.q & !host_clears & !program_clears) | io.raise);
    flags.q
}

/// The value of the register at an address, 64 bits; those that have none read as 0.
fn value_at(address: Signal, values: &[(Register, Signal)]) -> Signal {
    let index_bits = REGISTERS.len().next_power_of_two().trailing_zeros() as usize;
    let value_of = |register: &Register| {
        let found = values.iter().find(|(of, _)| of == register);
        found.map_or(lit(0, 64), |(_, value)| value.zero_extend(64))
    };
    select(address.bits(3..3 + index_bits), REGISTERS.iter().map(value_of).collect::<Vec<_>>())
}
