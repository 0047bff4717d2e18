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

use isa::register::{self, Access, Configuration, IDENTITY_VALUE, REGISTERS, Status};
use isa::{ErrorCode, Field, Flags, Register};
use rtl::{Bits, Builder, Module, Ports, Signal, bundle, cat, lit, mux, select};

use crate::config::{Accumulator, TileConfig};
use crate::sram::{ADDRESS_BITS, Fault, HostOut, HostRequest};

/// Bits of the counters; `CYCLES` wraps after 78 hours at 1 GHz.
const COUNTER_BITS: usize = 48;

/// Control and status.
#[derive(Clone, Debug)]
pub struct Control {
    /// Configuration of the tile.
    pub config: TileConfig,
}

bundle! {
    /// What is counted while a program runs: one bit an event.
    pub struct Events {
        /// A row was issued.
        pub amp_rows: Signal,
        /// The stepper waits for weights.
        pub stall_weights: Signal,
        /// The stepper waits for an accumulator row.
        pub stall_accumulator: Signal,
        /// The stepper waits for a half.
        pub stall_drain: Signal,
        /// The results port waits for its bank.
        pub conflict_results: Signal,
        /// The inputs port waits for its bank.
        pub conflict_inputs: Signal,
        /// The weights port waits for its bank.
        pub conflict_weights: Signal,
        /// The partials port waits for its bank.
        pub conflict_partials: Signal,
        /// The lists port waits for its bank.
        pub conflict_lists: Signal,
        /// The sequencer port waits for its bank.
        pub conflict_sequencer: Signal,
        /// The host port waits for its bank.
        pub conflict_host: Signal,
    }
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
    }
}

impl Events {
    fn ports(ports: &Ports) -> Events {
        let bit = |name| ports.bit(name);
        Events {
            amp_rows: bit("amp_rows"),
            stall_weights: bit("stall_weights"),
            stall_accumulator: bit("stall_accumulator"),
            stall_drain: bit("stall_drain"),
            conflict_results: bit("conflict_results"),
            conflict_inputs: bit("conflict_inputs"),
            conflict_weights: bit("conflict_weights"),
            conflict_partials: bit("conflict_partials"),
            conflict_lists: bit("conflict_lists"),
            conflict_sequencer: bit("conflict_sequencer"),
            conflict_host: bit("conflict_host"),
        }
    }

    /// Each event with the register that counts it.
    fn counters(&self) -> [(Register, Signal); 11] {
        [
            (register::AMP_ROWS, self.amp_rows),
            (register::STALL_WEIGHTS, self.stall_weights),
            (register::STALL_ACCUMULATOR, self.stall_accumulator),
            (register::STALL_DRAIN, self.stall_drain),
            (register::CONFLICT_RESULTS, self.conflict_results),
            (register::CONFLICT_INPUTS, self.conflict_inputs),
            (register::CONFLICT_WEIGHTS, self.conflict_weights),
            (register::CONFLICT_PARTIALS, self.conflict_partials),
            (register::CONFLICT_LISTS, self.conflict_lists),
            (register::CONFLICT_SEQUENCER, self.conflict_sequencer),
            (register::CONFLICT_HOST, self.conflict_host),
        ]
    }
}

impl Module for Control {
    type In = ControlIn;
    type Out = ControlOut;

    fn name(&self) -> String {
        format!("control_{}", self.config.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_lowercase())
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
            events: Events::ports(&ports.nested("events")),
        }
    }

    fn build(&self, m: &Builder, io: ControlIn) -> ControlOut {
        m.summary("Host port, registers, and the state of the tile.");
        m.unused(io.sram.conflict);

        // A request goes to a register, to the SRAM, or nowhere.
        let HostRequest { valid, address, write, data, lanes } = io.host.clone();
        let aligned = address.bits(0..3).is_zero();
        let to_memory = (aligned & address.lt(self.config.memory_bytes())).named("to_memory");
        let at = |register: Register| address.eq(register.address());
        let whole = lanes.all().named("whole");
        let writes = |register: Register| valid & write & whole & at(register);
        let readable = REGISTERS.iter().filter(|r| r.access != Access::WriteOnly).map(|&r| at(r));
        let writable = REGISTERS.iter().filter(|r| r.access != Access::ReadOnly).map(|&r| at(r));
        let any = |signals: &mut dyn Iterator<Item = Signal>| signals.reduce(|a, b| a | b).expect("registers");
        let legal_register = mux(write, any(&mut { writable }) & whole, any(&mut { readable }));
        let ready = mux(to_memory, io.sram.ready, lit(1, 1));
        let taken = (valid & ready).named("taken");

        // The state of the tile. The first fault counts; the host's STOP is one.
        let running = m.register("running_state", 1).reset(0);
        let done = m.register("done_state", 1).reset(0);
        let error_code = m.register("error_code", 8).reset(0);
        let error_address = m.register("error_address", ADDRESS_BITS).reset(0);
        let start_beyond = data.bits(ADDRESS_BITS..64).any();
        let starts = (writes(register::START) & !running.q & !start_beyond).named("starts");
        let stop = Fault::new(writes(register::STOP), ErrorCode::Stopped, io.program_counter);
        let fault = mux(io.fault.valid, io.fault, stop);
        let stops = (running.q & fault.valid).named("stops");
        m.when(running.q & io.program_done, || {
            running.set(0);
            done.set(1);
        });
        m.when(stops, || {
            running.set(0);
            done.set(0);
            error_code.set(fault.code);
            error_address.set(fault.address);
        });
        m.when(starts, || {
            running.set(1);
            done.set(0);
            error_code.set(0);
            error_address.set(0);
        });
        let start = starts.register_reset("start_state");
        let start_address = data.truncate(ADDRESS_BITS).register_if("start_address_state", starts);

        // Counters run with the program and are cleared by START.
        let counter = |name: &str, event: Signal| {
            let counter = m.register(name, COUNTER_BITS).reset(0);
            m.when(starts, || counter.set(0)).or_when(running.q & event, || counter.set(counter.q + 1));
            counter.q
        };
        let cycles = counter("cycles", lit(1, 1));
        let counters: Vec<(Register, Signal)> = io
            .events
            .counters()
            .into_iter()
            .map(|(register, event)| (register, counter(&register.name.to_lowercase(), event)))
            .collect();

        // Sticky flags: cleared by the host or by SET, and what is raised in the same cycle stays.
        let flag_bits = Flags::LAYOUT.fields.len();
        let flags = m.register("flags", flag_bits).reset(0);
        let none = lit(0, flag_bits);
        let host_clears = mux(writes(register::FLAGS), data.truncate(flag_bits), none);
        let program_clears = mux(io.clear_flags, io.value.truncate(flag_bits), none);
        flags.set((flags.q & !host_clears & !program_clears) | io.raise);
        let marker = m.register("marker", 32).reset(0);
        m.when(io.set_marker, || marker.set(io.value));

        // Reading: the register's value takes as long as a word of the SRAM.
        let status = place(&[(Status::RUNNING, running.q), (Status::DONE, done.q), (Status::ERROR_CODE, error_code.q)]);
        let value_of = |register: &Register| -> Signal {
            let value = match *register {
                register::IDENTITY => lit(IDENTITY_VALUE, 64),
                register::CONFIGURATION => lit(self.configuration(), 64),
                register::MEMORY_BYTES => lit(self.config.memory_bytes(), 64),
                register::STATUS => status,
                register::ERROR_ADDRESS => error_address.q,
                register::CYCLES => cycles,
                register::FLAGS => flags.q,
                register::MARKER => marker.q,
                register::PROGRAM_COUNTER => io.program_counter,
                other => {
                    let counted = counters.iter().find(|(register, _)| *register == other);
                    counted.map_or_else(|| lit(0, 64), |&(_, value)| value)
                }
            };
            value.zero_extend(64)
        };
        let index_bits = REGISTERS.len().next_power_of_two().trailing_zeros() as usize;
        let values: Vec<Signal> = REGISTERS.iter().map(value_of).collect();
        let value = select(address.bits(3..3 + index_bits), values).register("value_1").register("value_2");

        let refused_start = writes(register::START) & !starts;
        let refused = !to_memory & (!legal_register | refused_start);
        let response_valid = taken.delay("response_valid", 2, true);
        let refused = refused.delay("refused", 2, false);
        let from_memory = (to_memory & !write).delay("from_memory", 2, false);

        ControlOut {
            host_ready: ready,
            response_valid,
            response_data: mux(from_memory, io.sram.data, value),
            response_error: refused | (from_memory & io.sram.parity_error),
            sram_request: HostRequest { valid: valid & to_memory, address, write, data, lanes },
            running: running.q,
            start,
            start_address,
            done: done.q,
            error: error_code.q.any(),
        }
    }
}

impl Control {
    /// The value of CONFIGURATION.
    fn configuration(&self) -> Bits {
        let amp = self.config.amp();
        let exact = self.config.accumulator == Accumulator::Exact;
        let configuration = Configuration {
            terms: amp.terms as u32,
            lanes: accumulators::config::LANES as u32,
            rows: amp.rows as u32,
            exact,
            accumulator_bits: if exact { self.config.accumulator_bits as u32 } else { 32 },
            banks: self.config.banks as u32,
        };
        let [word] = configuration.encode().expect("every legal configuration fits its register");
        Bits::from_u64(word, 64)
    }
}

/// A 64-bit word with values in its fields and zeros elsewhere; fields in ascending order.
fn place(fields: &[(Field, Signal)]) -> Signal {
    let mut parts = vec![];
    let mut next = 0;
    for &(field, value) in fields {
        if field.low > next {
            parts.push(lit(0, (field.low - next) as usize));
        }
        parts.push(value);
        next = field.low + field.bits;
    }
    parts.reverse();
    cat(parts)
}
