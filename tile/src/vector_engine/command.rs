//! Command: fetches vector descriptors, one after the other, and says what they say.
//!
//! ```text
//!             +---------+
//!  command -->|         |----> descriptor, start
//!  finished ->| Command |
//!  data ----->|         |----> request, fault
//!             +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | command taken to `start`: 12 cycles without conflicts                            |
//! | Handshake  | `command` is valid and ready: a queue of two addresses                           |
//! | Order      | a descriptor is fetched when the command before has `finished`                   |
//! | Refuses    | BAD_DESCRIPTOR for reserved bits and values out of range; MISALIGNED;            |
//! |            | OUT_OF_RANGE; all with the descriptor's address                                  |

use isa::{ErrorCode, Field, VectorDescriptor, VectorOperation, VectorSource};
use rtl::generic::fifo::{Fifo, FifoIn};
use rtl::{Builder, Module, Ports, Signal, bundle, lit, mux, states};

use super::operand::OperandPlan;
use super::walk::{INDEX_BITS, Words};
use crate::engine::amp_engine::StreamIn;
use crate::engine::descriptors::words_to_bytes;
use crate::fields::field_of;
use crate::sram::{ADDRESS_BITS, Fault, ReadRequest};

const WORDS: usize = VectorDescriptor::WORDS;

/// The fetching of descriptors.
#[derive(Clone, Copy, Debug)]
pub struct Command;

states! {
    /// What is done for a command.
    enum State {
        /// Waits for one.
        Idle,
        /// Its descriptor is fetched.
        Fetch,
        /// The descriptor is there.
        Check,
        /// The command runs.
        Run,
    }
}

bundle! {
    /// A descriptor as it stands in memory.
    pub struct Descriptor {
        /// Its words.
        pub words: Vec<Signal>,
    }
}

bundle! {
    /// Commands and data.
    pub struct CommandIn {
        /// A command wants to enter the queue.
        pub command_valid: Signal,
        /// Byte address of its descriptor.
        pub command_address: Signal,
        /// The port that brings the descriptor.
        pub port: StreamIn,
        /// It refuses the request.
        pub port_fault: Fault,
        /// The command under way is complete.
        pub finished: Signal,
    }
}

bundle! {
    /// Descriptors and requests.
    pub struct CommandOut {
        /// The queue takes a command in this cycle.
        pub command_ready: Signal,
        /// Nothing is queued or under way.
        pub idle: Signal,
        /// The port is this unit's.
        pub fetching: Signal,
        /// A word of a descriptor.
        pub request: ReadRequest,
        /// The descriptor; stays until the command has finished.
        pub descriptor: Descriptor,
        /// It is legal, and the command begins.
        pub start: Signal,
        /// The command is under way.
        pub running: Signal,
        /// A descriptor that cannot be.
        pub fault: Fault,
    }
}

/// The fields of an operand, or of the results.
struct Fields {
    address: Field,
    stride_x: Field,
    stride_y: Field,
    fp16: Field,
    /// Of operands: where they come from, and the constant.
    source: Option<(Field, Field)>,
}

use VectorDescriptor as D;

const OPERANDS: [Fields; 3] = [
    Fields {
        address: D::A_ADDRESS,
        stride_x: D::A_STRIDE_X,
        stride_y: D::A_STRIDE_Y,
        fp16: D::A_FP16,
        source: Some((D::A_SOURCE, D::CONSTANT_A)),
    },
    Fields {
        address: D::B_ADDRESS,
        stride_x: D::B_STRIDE_X,
        stride_y: D::B_STRIDE_Y,
        fp16: D::B_FP16,
        source: Some((D::B_SOURCE, D::CONSTANT_B)),
    },
    Fields {
        address: D::C_ADDRESS,
        stride_x: D::C_STRIDE_X,
        stride_y: D::C_STRIDE_Y,
        fp16: D::C_FP16,
        source: Some((D::C_SOURCE, D::CONSTANT_C)),
    },
];

const RESULT: Fields = Fields {
    address: D::RESULT_ADDRESS,
    stride_x: D::RESULT_STRIDE_X,
    stride_y: D::RESULT_STRIDE_Y,
    fp16: D::RESULT_FP16,
    source: None,
};

impl Descriptor {
    /// The bits of a field.
    pub fn field(&self, field: Field) -> Signal {
        field_of(self.words[field.word], field)
    }

    /// The operation is this one.
    pub fn is(&self, operation: VectorOperation) -> Signal {
        self.field(D::OPERATION).eq(operation.0)
    }

    /// The operation is one of those with a property.
    pub fn operation_is(&self, property: impl Fn(VectorOperation) -> bool) -> Signal {
        let named = VectorOperation::NAMES.iter().map(|name| VectorOperation(name.value as u8));
        let those = named.filter(|&operation| property(operation)).map(|operation| self.is(operation));
        those.reduce(|a, b| a | b).expect("an operation has the property")
    }

    /// A row gives one result.
    pub fn reduces(&self) -> Signal {
        self.operation_is(VectorOperation::is_reduction)
    }

    /// A transcendental function.
    pub fn is_function(&self) -> Signal {
        self.operation_is(|operation| operation.function().is_some())
    }

    /// Whether the operation has the operands a, b and c.
    pub fn has_operands(&self) -> [Signal; 3] {
        [lit(1, 1), self.operation_is(VectorOperation::has_b), self.operation_is(VectorOperation::has_c)]
    }

    /// Operands and results are FP16, and four at a time: no reduction, and no function.
    pub fn all_fp16(&self) -> Signal {
        let operands = OPERANDS.iter().zip(self.has_operands()).map(|(fields, has)| !has | self.field(fields.fp16));
        let elementwise = !self.reduces() & !self.is_function();
        operands.fold(self.field(D::RESULT_FP16) & elementwise, |all, fp16| all & fp16)
    }

    /// Number of the last row.
    pub fn last_row(&self) -> Signal {
        self.field(D::ROWS) - 1
    }

    /// Number of the last column.
    pub fn last_column(&self) -> Signal {
        self.field(D::COLUMNS) - 1
    }

    /// a, b and c.
    pub fn operand_plans(&self) -> Vec<OperandPlan> {
        let plan = |(fields, has): (&Fields, Signal)| {
            let (source, constant) = fields.source.expect("operands have sources");
            let stream = self.field(source).eq(VectorSource::STREAM.0);
            OperandPlan {
                in_memory: has & self.field(source).ne(VectorSource::CONSTANT.0),
                stream: has & stream,
                fp16: self.field(fields.fp16),
                words: self.words_of(fields, !stream),
                constant: self.field(constant),
            }
        };
        OPERANDS.iter().zip(self.has_operands()).map(plan).collect()
    }

    /// The words of results.
    pub fn result_words(&self) -> Words {
        self.words_of(&RESULT, self.reduces())
    }

    /// Words in memory: those of all elements of a row, or one a row.
    fn words_of(&self, fields: &Fields, one_a_row: Signal) -> Words {
        let last = self.last_column();
        let last_word = mux(self.field(fields.fp16), last >> 2, last >> 1);
        Words {
            address: self.field(fields.address),
            stride_x: words_to_bytes(self.field(fields.stride_x)),
            stride_y: words_to_bytes(self.field(fields.stride_y)),
            last_word: mux(one_a_row, lit(0, INDEX_BITS), last_word),
            last_row: self.last_row(),
        }
    }

    /// The values cannot be.
    fn bad(&self) -> Signal {
        let reserved = (0..WORDS).filter_map(|word| {
            let mask = D::LAYOUT.reserved_mask(word);
            (mask != 0).then(|| (self.words[word] & mask).any())
        });
        let unknown_source = |(fields, has): (&Fields, Signal)| {
            let (source, _) = fields.source.expect("operands have sources");
            has & self.field(source).gt(VectorSource::CONSTANT.0)
        };
        let converts = self.field(D::A_FP16) ^ self.field(D::RESULT_FP16);
        let function = self.is_function() & (converts | self.field(D::STOCHASTIC) | self.field(D::SATURATE));
        let values =
            [!self.operation_is(|_| true), self.field(D::ROWS).is_zero(), self.field(D::COLUMNS).is_zero(), function];
        let sources = OPERANDS.iter().zip(self.has_operands()).map(unknown_source);
        reserved.chain(values).chain(sources).reduce(|a, b| a | b).expect("values")
    }

    /// An address that is looked at is not that of a word.
    fn misaligned(&self) -> Signal {
        let low = |words: &Words| words.address.truncate(3).any();
        let operands = self.operand_plans().into_iter().map(|plan| plan.in_memory & low(&plan.words));
        operands.fold(low(&self.result_words()), |a, b| a | b)
    }
}

impl Module for Command {
    type In = CommandIn;
    type Out = CommandOut;

    fn name(&self) -> String {
        "vector_command".into()
    }

    fn inputs(&self, ports: &Ports) -> CommandIn {
        CommandIn {
            command_valid: ports.bit("command_valid"),
            command_address: ports.input("command_address", ADDRESS_BITS),
            port: StreamIn::ports(&ports.nested("port"), 64),
            port_fault: Fault::ports(&ports.nested("port_fault")),
            finished: ports.bit("finished"),
        }
    }

    fn build(&self, m: &Builder, io: CommandIn) -> CommandOut {
        m.summary("Fetches vector descriptors, one after the other.");
        let state = m.state_register::<State>("state");
        let idle = state.q.is(State::Idle);
        let queue = m.instance(
            "queue",
            &Fifo { depth: 2, bits: ADDRESS_BITS },
            FifoIn { push_valid: io.command_valid, push_data: io.command_address, pop_ready: idle },
        );
        m.unused(queue.count);
        let take = (idle & queue.pop_valid).named("take");
        let address = queue.pop_data.register_if("address", take);

        // Words are asked for one after the other, and arrive in that order.
        let fetching = state.q.is(State::Fetch);
        let asked = m.register("asked", 3);
        let arrived = m.register("arrived", 3);
        let asking = (fetching & asked.q.ne(WORDS)).named("asking");
        let arrives = (fetching & io.port.valid).named("arrives");
        let words =
            (0..WORDS).map(|word| io.port.data.register_if(&format!("word_{word}"), arrives & arrived.q.eq(word)));
        let descriptor = Descriptor { words: words.collect() };
        m.when(asking & io.port.ready, || asked.set(asked.q + 1));
        m.when(arrives, || {
            arrived.set(arrived.q + 1);
            m.when(arrived.q.eq(WORDS - 1), || state.set(State::Check));
        });
        m.when(take, || {
            state.set(State::Fetch);
            asked.set(0);
            arrived.set(0);
        });

        let checks = state.q.is(State::Check);
        let (bad, misaligned) = (descriptor.bad().named("bad"), descriptor.misaligned().named("misaligned"));
        let code = |code: ErrorCode| lit(code.code(), 8);
        let bad_fault = Fault {
            valid: checks & (bad | misaligned),
            code: mux(bad, code(ErrorCode::BadDescriptor), code(ErrorCode::Misaligned)),
            address,
        };
        let port_fault = Fault { valid: io.port_fault.valid & fetching, address, ..io.port_fault.clone() };
        m.unused(io.port_fault.address);
        let start = (checks & !bad & !misaligned).named("starts");
        m.when(start, || state.set(State::Run));
        m.when(io.finished, || state.set(State::Idle));
        CommandOut {
            command_ready: queue.push_ready,
            idle: idle & !queue.pop_valid,
            fetching,
            request: ReadRequest { valid: asking, address: address + (asked.q.zero_extend(ADDRESS_BITS) << 3) },
            descriptor,
            start,
            running: state.q.is(State::Run),
            fault: mux(bad_fault.valid, bad_fault, port_fault),
        }
    }
}
