//! Sequencer: runs a tile program from SRAM, one 64-bit command after the other.
//!
//! ```text
//!            +-----------+
//!  start --->|           |----> request (sequencer port)
//!  data ---->| Sequencer |----> amp, vector, exchange   (commands for the engines)
//!  idle ---->|           |----> arrive  (at the barrier)
//!  released >|           |----> marker, flags_clear, seed, done, fault
//!            +-----------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Throughput | a command every 4 cycles without conflicts, while the engine's queue has room    |
//! | Order      | program order; WAIT and HALT wait until the engines are idle                     |
//! | Barrier    | a pulse of `arrive` once the exchange port is prepared; SYNC ends with `released`|
//! | Reset      | ends the program; also held while none runs                                      |
//! | Refuses    | UNKNOWN_COMMAND, BAD_COMMAND, UNSUPPORTED, MISALIGNED with the command's         |
//! |            | address; OUT_OF_RANGE with that of a loop target or of a command beyond memory;  |
//! |            | BAD_ZONE, SYNC_BROKEN, EXCHANGE_NOT_STARTED with the command's address           |
//! | Does not   | run VECTOR without a vector engine, EXCHANGE and SYNC without an exchange port:  |
//! |            | UNSUPPORTED                                                                      |

use isa::command::{Amp, Exchange, Halt, Loop, OPCODE, Set, Sync, Vector, Wait};
use isa::{COMMANDS, ControlRegister, EngineMask, ErrorCode, LOOP_LEVELS, ZONES};
use rtl::{Builder, Module, Ports, Signal, bundle, lit, mux, states};

use crate::fields::field_of;
use crate::sram::{ADDRESS_BITS, Fault, ReadRequest};

/// The sequencer.
#[derive(Clone, Copy, Debug)]
pub struct Sequencer {
    /// Size of the SRAM.
    pub memory_bytes: usize,
    /// There is a vector engine.
    pub vector: bool,
    /// There is an exchange port.
    pub exchange: bool,
}

states! {
    /// What the sequencer does.
    enum State {
        /// No program.
        Idle,
        /// Asks for the command at the program counter.
        Fetch,
        /// The command is on its way.
        Arrive,
        /// The command is there; it stays until it is done.
        Execute,
    }
}

bundle! {
    /// Commands and conditions.
    pub struct SequencerIn {
        /// Begin a program.
        pub start: Signal,
        /// Byte address of its first command.
        pub start_address: Signal,
        /// The sequencer port takes the request.
        pub request_ready: Signal,
        /// The sequencer port refuses the request.
        pub request_fault: Fault,
        /// The command is there.
        pub data_valid: Signal,
        /// The command.
        pub data: Signal,
        /// Of the AMP engine.
        pub amp: EngineState,
        /// Of the vector engine.
        pub vector: Option<EngineState>,
        /// Of the exchange port and the barrier.
        pub exchange: Option<ExchangeState>,
    }
}

bundle! {
    /// What the sequencer needs to know of an engine.
    pub struct EngineState {
        /// Its queue takes a command.
        pub ready: Signal,
        /// Nothing is under way in it.
        pub idle: Signal,
    }
}

bundle! {
    /// A command for an engine.
    pub struct EngineOrder {
        /// There is one.
        pub valid: Signal,
        /// Byte address of its descriptor.
        pub descriptor: Signal,
    }
}

bundle! {
    /// What the sequencer does to the vector engine.
    pub struct VectorOrder {
        /// A command.
        pub command: EngineOrder,
        /// Begin its random bits anew, from `value`.
        pub seed: Signal,
    }
}

bundle! {
    /// What the sequencer needs to know of the exchange port and the barrier.
    pub struct ExchangeState {
        /// The port takes a command.
        pub ready: Signal,
        /// Nothing is prepared or under way.
        pub idle: Signal,
        /// An exchange waits for a SYNC.
        pub pending: Signal,
        /// The port lets a barrier pass.
        pub prepared: Signal,
        /// The tile's zones, one bit each.
        pub zones: Signal,
        /// The zones whose barrier is complete in this cycle.
        pub released: Signal,
        /// The zones in which a tile has stopped with an error.
        pub broken: Signal,
    }
}

bundle! {
    /// What the sequencer does to the exchange port and the barrier.
    pub struct ExchangeOrders {
        /// A command for the exchange port.
        pub valid: Signal,
        /// Byte address of its descriptor.
        pub descriptor: Signal,
        /// The tile arrives at the barrier of these zones, one bit each.
        pub arrive: Signal,
        /// The barrier that the tile waits for is complete.
        pub released: Signal,
        /// A SYNC waits.
        pub waits: Signal,
    }
}

bundle! {
    /// Effects.
    pub struct SequencerOut {
        /// A command.
        pub request: ReadRequest,
        /// For the AMP engine.
        pub amp: EngineOrder,
        /// For the vector engine.
        pub vector: Option<VectorOrder>,
        /// For the exchange port and the barrier.
        pub orders: Option<ExchangeOrders>,
        /// Set the marker to `value`.
        pub set_marker: Signal,
        /// Clear the sticky flags in `value`.
        pub clear_flags: Signal,
        /// Begin the AMP's random bits anew, from `value`.
        pub seed_amp: Signal,
        /// Operand of SET, 32 bits.
        pub value: Signal,
        /// The program has ended.
        pub done: Signal,
        /// A command that cannot be.
        pub fault: Fault,
        /// Byte address of the command.
        pub program_counter: Signal,
    }
}

/// Places of the engines in a mask.
const AMP_BIT: usize = EngineMask::AMP.0.trailing_zeros() as usize;
const VECTOR_BIT: usize = EngineMask::VECTOR.0.trailing_zeros() as usize;
const EXCHANGE_BIT: usize = EngineMask::EXCHANGE.0.trailing_zeros() as usize;

impl EngineState {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> EngineState {
        EngineState { ready: ports.bit("ready"), idle: ports.bit("idle") }
    }
}

impl ExchangeState {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> ExchangeState {
        let zones = |name| ports.input(name, ZONES as usize);
        ExchangeState {
            ready: ports.bit("ready"),
            idle: ports.bit("idle"),
            pending: ports.bit("pending"),
            prepared: ports.bit("prepared"),
            zones: zones("zones"),
            released: zones("released"),
            broken: zones("broken"),
        }
    }
}

/// What a SYNC has to know of its zone.
struct Barrier {
    /// One bit a zone; none where there is no such zone.
    zone: Signal,
    /// The tile is in it.
    member: Signal,
    /// It is complete.
    released: Signal,
    /// It never will be.
    broken: Signal,
}

impl Barrier {
    fn of(exchange: &ExchangeState, number: Signal) -> Barrier {
        let zone = rtl::generic::tree::decode(number, ZONES as usize);
        let is = |zones: Signal| (zones & zone).any();
        Barrier { zone, member: is(exchange.zones), released: is(exchange.released), broken: is(exchange.broken) }
    }
}

impl Module for Sequencer {
    type In = SequencerIn;
    type Out = SequencerOut;

    fn name(&self) -> String {
        let engine = |there: bool, suffix| if there { suffix } else { "" };
        let (vector, exchange) = (engine(self.vector, "_v"), engine(self.exchange, "_x"));
        format!("sequencer_{}k{vector}{exchange}", self.memory_bytes / 1024)
    }

    fn inputs(&self, ports: &Ports) -> SequencerIn {
        SequencerIn {
            start: ports.bit("start"),
            start_address: ports.input("start_address", ADDRESS_BITS),
            request_ready: ports.bit("request_ready"),
            request_fault: Fault::ports(&ports.nested("request_fault")),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", 64),
            amp: EngineState::ports(&ports.nested("amp")),
            vector: self.vector.then(|| EngineState::ports(&ports.nested("vector"))),
            exchange: self.exchange.then(|| ExchangeState::ports(&ports.nested("exchange"))),
        }
    }

    fn build(&self, m: &Builder, io: SequencerIn) -> SequencerOut {
        m.summary("Runs a tile program from SRAM.");
        let state = m.state_register::<State>("state");
        let program_counter = m.register("counter", ADDRESS_BITS);
        let command = io.data.register_if("command", io.data_valid);
        let field = |field| field_of(command, field);

        // Fetch.
        m.when(state.q.is(State::Fetch) & io.request_ready, || state.set(State::Arrive));
        m.when(state.q.is(State::Arrive) & io.data_valid, || state.set(State::Execute));

        // Decode: the opcode, reserved bits, then what the operands say.
        let execute = state.q.is(State::Execute);
        let opcode = field(OPCODE);
        let is = |code: u8| opcode.eq(code);
        let known = COMMANDS.iter().map(|command| is(command.opcode)).reduce(|a, b| a | b).expect("commands");
        let reserved = COMMANDS
            .iter()
            .map(|layout| is(layout.opcode) & (command & layout.layout.reserved_mask(0)).any())
            .reduce(|a, b| a | b)
            .expect("commands");
        let mut exists = vec![Halt::CODE, Amp::CODE, Wait::CODE, Set::CODE, Loop::CODE];
        let mut engines = EngineMask::AMP;
        if self.vector {
            exists.push(Vector::CODE);
            engines = engines | EngineMask::VECTOR;
        }
        if self.exchange {
            exists.extend([Exchange::CODE, Sync::CODE]);
            engines = engines | EngineMask::EXCHANGE;
        }
        let unsupported_command = !exists.iter().map(|&code| is(code)).reduce(|a, b| a | b).expect("commands");
        let awaited = field(Wait::ENGINES);
        let unsupported_wait = is(Wait::CODE) & (awaited.is_zero() | (awaited & !engines.0).any());
        let to_marker = field(Set::REGISTER).eq(ControlRegister::MARKER.0);
        let to_flags = field(Set::REGISTER).eq(ControlRegister::FLAGS_CLEAR.0);
        let to_seed_amp = field(Set::REGISTER).eq(ControlRegister::SEED_AMP.0);
        let to_seed_vector = field(Set::REGISTER).eq(ControlRegister::SEED_VECTOR.0);
        let mut to_register = to_marker | to_flags | to_seed_amp;
        if self.vector {
            to_register = to_register | to_seed_vector;
        }
        let unsupported_set = is(Set::CODE) & !to_register;
        let unsupported = unsupported_command | unsupported_wait | unsupported_set;
        let count = field(Loop::COUNT);
        let target = field(Loop::TARGET);
        let empty_loop = is(Loop::CODE) & count.is_zero();
        let misaligned_target = is(Loop::CODE) & target.bits(0..3).any();
        let descriptors = [(true, Amp::CODE), (self.vector, Vector::CODE), (self.exchange, Exchange::CODE)];
        let queues = descriptors.iter().filter(|(there, _)| *there).map(|&(_, code)| is(code));
        let queues = queues.reduce(|a, b| a | b).expect("the AMP is there");
        let misaligned_descriptor = queues & field(Amp::DESCRIPTOR).bits(0..3).any();
        let target_beyond = is(Loop::CODE) & target.ge(self.memory_bytes);

        let here = program_counter.q;
        let sync = io.exchange.as_ref().map(|exchange| Barrier::of(exchange, field(Sync::ZONE)));
        let mut faults = vec![
            (!known, ErrorCode::UnknownCommand, here),
            (reserved | empty_loop, ErrorCode::BadCommand, here),
            (unsupported, ErrorCode::Unsupported, here),
            (misaligned_target | misaligned_descriptor, ErrorCode::Misaligned, here),
            (target_beyond, ErrorCode::OutOfRange, target),
        ];
        let waits_for = |bit: usize| is(Halt::CODE) | (is(Wait::CODE) & awaited.bit(bit));
        let exchange_awaited = waits_for(EXCHANGE_BIT);
        if let (Some(exchange), Some(sync)) = (&io.exchange, &sync) {
            let not_started = exchange.pending & (exchange_awaited | is(Exchange::CODE));
            faults.extend([
                (is(Sync::CODE) & !sync.member, ErrorCode::BadZone, here),
                (is(Sync::CODE) & sync.broken, ErrorCode::SyncBroken, here),
                (not_started, ErrorCode::ExchangeNotStarted, here),
            ]);
        }
        let fault = faults.into_iter().rev().fold(io.request_fault.clone(), |otherwise, (valid, code, address)| {
            mux(execute & valid, Fault::new(lit(1, 1), code, address), otherwise)
        });
        let legal = (execute & !fault.valid).named("legal");

        // Execute. A loop's counter holds the runs of its body that are still to come.
        let engine_holds =
            |code: u8, bit: usize, of: &EngineState| (waits_for(bit) & !of.idle) | (is(code) & !of.ready);
        let order = |code: u8| EngineOrder { valid: legal & is(code), descriptor: field(Amp::DESCRIPTOR) };
        let mut held = engine_holds(Amp::CODE, AMP_BIT, &io.amp);
        if let Some(vector) = &io.vector {
            held = held | engine_holds(Vector::CODE, VECTOR_BIT, vector);
        }
        let orders = io.exchange.as_ref().zip(sync).map(|(exchange, sync)| {
            // A tile arrives once, and is then behind the barrier until it is released.
            let arrived = m.register("arrived", 1).reset(0);
            let syncs = (legal & is(Sync::CODE)).named("syncs");
            let arrives = (syncs & !arrived.q & exchange.prepared).named("arrives");
            let released = (syncs & arrived.q & sync.released).named("released");
            m.when(arrives, || arrived.set(1));
            m.when(released, || arrived.set(0));
            held = held
                | (exchange_awaited & !exchange.idle)
                | (is(Exchange::CODE) & !exchange.ready)
                | (is(Sync::CODE) & !released);
            ExchangeOrders {
                valid: legal & is(Exchange::CODE),
                descriptor: field(Exchange::DESCRIPTOR),
                arrive: sync.zone & arrives.repeat(ZONES as usize),
                released,
                waits: syncs,
            }
        });
        let held = held.named("held");
        let finished = (legal & !held).named("finished");
        let looping = is(Loop::CODE);
        let level = field(Loop::LEVEL);
        let to_come: Vec<Signal> = (0..LOOP_LEVELS)
            .map(|index| {
                let counter = m.register(&format!("loop_{index}"), count.width()).reset(0);
                let open = counter.q.any();
                let to_come = mux(open, counter.q, count) - 1;
                m.when(finished & looping & level.eq(index), || counter.set(to_come));
                to_come
            })
            .collect();
        let jumps = (looping & rtl::select(level, to_come).any()).named("jumps");
        let done = finished & is(Halt::CODE);
        m.when(finished, || {
            program_counter.set(mux(jumps, target, here + 8));
            state.set(State::Fetch);
            m.when(is(Halt::CODE), || {
                program_counter.set(here);
                state.set(State::Idle);
            });
        });
        m.when(io.start, || {
            program_counter.set(io.start_address);
            state.set(State::Fetch);
        });

        let sets = finished & is(Set::CODE);
        SequencerOut {
            request: ReadRequest { valid: state.q.is(State::Fetch), address: here },
            amp: order(Amp::CODE),
            vector: self.vector.then(|| VectorOrder { command: order(Vector::CODE), seed: sets & to_seed_vector }),
            orders,
            set_marker: sets & to_marker,
            clear_flags: sets & to_flags,
            seed_amp: sets & to_seed_amp,
            value: field(Set::VALUE),
            done,
            fault,
            program_counter: here,
        }
    }
}
