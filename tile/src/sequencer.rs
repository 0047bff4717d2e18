//! Sequencer: runs a tile program from SRAM, one 64-bit command after the other.
//!
//! ```text
//!            +-----------+
//!  start --->|           |----> request (sequencer port)
//!  data ---->| Sequencer |----> amp     (command for the AMP engine)
//!  idle ---->|           |----> marker, flags_clear, done, fault
//!            +-----------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Throughput | a command every 4 cycles without conflicts, while the engine's queue has room    |
//! | Order      | program order; WAIT and HALT wait until the engines are idle                     |
//! | Reset      | ends the program; also held while none runs                                      |
//! | Refuses    | UNKNOWN_COMMAND, BAD_COMMAND, UNSUPPORTED, MISALIGNED with the command's         |
//! |            | address; OUT_OF_RANGE with that of a loop target or of a command beyond memory   |
//! | Does not   | run VECTOR, EXCHANGE and SYNC: UNSUPPORTED                                       |

use isa::command::{Amp, Halt, Loop, OPCODE, Set, Wait};
use isa::{COMMANDS, ControlRegister, EngineMask, ErrorCode, LOOP_LEVELS};
use rtl::{Builder, Module, Ports, Signal, bundle, lit, mux, states};

use crate::fields::field_of;
use crate::sram::{ADDRESS_BITS, Fault, ReadRequest};

/// The sequencer.
#[derive(Clone, Copy, Debug)]
pub struct Sequencer {
    /// Size of the SRAM.
    pub memory_bytes: usize,
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
        /// The AMP engine's queue takes a command.
        pub amp_ready: Signal,
        /// Nothing is under way in any engine.
        pub engines_idle: Signal,
    }
}

bundle! {
    /// Effects.
    pub struct SequencerOut {
        /// A command.
        pub request: ReadRequest,
        /// A command for the AMP engine.
        pub amp_valid: Signal,
        /// Byte address of its descriptor.
        pub amp_descriptor: Signal,
        /// Set the marker to `value`.
        pub set_marker: Signal,
        /// Clear the sticky flags in `value`.
        pub clear_flags: Signal,
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

impl Module for Sequencer {
    type In = SequencerIn;
    type Out = SequencerOut;

    fn name(&self) -> String {
        format!("sequencer_{}k", self.memory_bytes / 1024)
    }

    fn inputs(&self, ports: &Ports) -> SequencerIn {
        SequencerIn {
            start: ports.bit("start"),
            start_address: ports.input("start_address", ADDRESS_BITS),
            request_ready: ports.bit("request_ready"),
            request_fault: Fault::ports(&ports.nested("request_fault")),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", 64),
            amp_ready: ports.bit("amp_ready"),
            engines_idle: ports.bit("engines_idle"),
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
        let exists = [Halt::CODE, Amp::CODE, Wait::CODE, Set::CODE, Loop::CODE];
        let unsupported_command = !exists.iter().map(|&code| is(code)).reduce(|a, b| a | b).expect("commands");
        let unsupported_wait = is(Wait::CODE) & field(Wait::ENGINES).ne(EngineMask::AMP.0);
        let to_marker = field(Set::REGISTER).eq(ControlRegister::MARKER.0);
        let to_flags = field(Set::REGISTER).eq(ControlRegister::FLAGS_CLEAR.0);
        let unsupported_set = is(Set::CODE) & !to_marker & !to_flags;
        let unsupported = unsupported_command | unsupported_wait | unsupported_set;
        let count = field(Loop::COUNT);
        let target = field(Loop::TARGET);
        let empty_loop = is(Loop::CODE) & count.is_zero();
        let misaligned_target = is(Loop::CODE) & target.bits(0..3).any();
        let misaligned_descriptor = is(Amp::CODE) & field(Amp::DESCRIPTOR).bits(0..3).any();
        let target_beyond = is(Loop::CODE) & target.ge(self.memory_bytes);

        let here = program_counter.q;
        let faults = [
            (!known, ErrorCode::UnknownCommand, here),
            (reserved | empty_loop, ErrorCode::BadCommand, here),
            (unsupported, ErrorCode::Unsupported, here),
            (misaligned_target | misaligned_descriptor, ErrorCode::Misaligned, here),
            (target_beyond, ErrorCode::OutOfRange, target),
        ];
        let fault = faults.into_iter().rev().fold(io.request_fault.clone(), |otherwise, (valid, code, address)| {
            mux(execute & valid, Fault::new(lit(1, 1), code, address), otherwise)
        });
        let legal = (execute & !fault.valid).named("legal");

        // Execute. A loop's counter holds the runs of its body that are still to come.
        let amp_valid = legal & is(Amp::CODE);
        let waits = (legal & (is(Wait::CODE) | is(Halt::CODE)) & !io.engines_idle).named("waits");
        let finished = (legal & !waits & !(amp_valid & !io.amp_ready)).named("finished");
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
            amp_valid,
            amp_descriptor: field(Amp::DESCRIPTOR),
            set_marker: sets & to_marker,
            clear_flags: sets & to_flags,
            value: field(Set::VALUE),
            done,
            fault,
            program_counter: here,
        }
    }
}
