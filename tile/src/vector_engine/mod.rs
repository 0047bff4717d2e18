//! Vector engine: streams operands through the vector ALU or the transcendental unit, and stores the results.
//!
//! ```text
//!              +--------------+
//!  command --->|              |----> a, b, c: read requests
//!  SRAM data ->| VectorEngine |----> results: write requests
//!  random ---->|              |----> idle, fault, flags, counts
//!              +--------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Throughput | four elements a cycle where all is FP16, one of a function, otherwise two; a     |
//! |            | reduction takes [`HALVING_CYCLES`] more for each row                             |
//! | Latency    | [`COMMAND_CYCLES`] beside that, of a function [`FUNCTION_CYCLES`] more, while    |
//! |            | operands and results are in banks of their own                                   |
//! | Handshake  | `command` is valid and ready, a queue of two                                     |
//! | Order      | commands in order, each complete before the next is looked at                    |
//! | Reset      | abandons everything; what is in the SRAM stays                                   |
//!
//! ```text
//!   address --> command --> descriptor
//!                 |
//!   SRAM --> operand a --+                  +--> vector ALU --------+
//!        --> operand b --+--> issue --------+    ^       |          +--> results --> SRAM
//!        --> operand c --+      (beats)     |  partial results      |
//!                                           +--> transcendental ----+
//! ```
//! | file                | what it does                                                              |
//! |---------------------|---------------------------------------------------------------------------|
//! | [`command`]         | fetches descriptors and checks them                                       |
//! | [`operand`]         | brings one operand, word by word: a stream, row scalars, or a constant    |
//! | [`issue`]           | takes words apart into beats of up to four elements                       |
//! | [`partial_results`] | closes the loop around the ALU for reductions                             |
//! | [`results`]         | puts results together into words and writes them                          |
//! | [`walk`]            | addresses of the words of a stream                                        |
//!
//! The arithmetic moves as one with `advance`, which falls while a word of results waits for its bank. What has to be
//! known of results goes along with them as a tag.

pub mod command;
pub mod issue;
pub mod operand;
pub mod partial_results;
pub mod results;
pub mod walk;

use accumulators::amp::ResultCounts;
use accumulators::read_out::{Events, ResultFlags};
use accumulators::transcendental::{self, Transcendental, TranscendentalIn, TranscendentalOut};
use accumulators::vector::{self, VectorAlu, VectorAluIn, VectorLaneOut, VectorMode};
use isa::{VectorDescriptor as D, VectorOperation};
use rtl::generic::tree::count_ones;
use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use self::command::{Command, CommandIn, Descriptor};
use self::issue::{Beat, Issue, IssueIn, IssueOperand, LANES, Place, SLOT_BITS, Shape};
use self::operand::{Operand, OperandIn};
use self::partial_results::{PartialResults, PartialResultsIn, PartialResultsOut, ReductionBeat, Settled};
use self::results::{Results, ResultsIn};
use crate::engine::amp_engine::StreamIn;
use crate::sram::{ADDRESS_BITS, Fault, HostRequest, ReadRequest};

/// From the command in the engine to its results in the SRAM, beside the cycles in which elements enter the
/// arithmetic: the descriptor is fetched, the first words arrive, the last results leave.
pub const COMMAND_CYCLES: usize = 26;

/// The same, more, of a function.
pub const FUNCTION_CYCLES: usize = transcendental::LATENCY_CYCLES - vector::LATENCY_CYCLES;

/// Cycles in which no elements enter, for each row that is reduced: levels of 4, 2, 1 and 1 steps.
pub const HALVING_CYCLES: usize = 4 * vector::LATENCY_CYCLES + 4;

/// 64-bit words of random bits for a word of results.
pub const RANDOM_WORDS: usize = 2;

/// Results that may be counted in a cycle: those of all lanes of the ALU and the function's.
pub const COUNTED_LANES: usize = LANES + 1;

/// The vector engine.
#[derive(Clone, Copy, Debug)]
pub struct VectorEngine;

bundle! {
    /// Commands and SRAM ports.
    pub struct VectorEngineIn {
        /// A command.
        pub command_valid: Signal,
        /// Byte address of its descriptor.
        pub command_address: Signal,
        /// Read ports of a, b and c; that of a brings descriptors as well.
        pub operands: Vec<StreamIn>,
        /// The port of a refuses a request.
        pub a_fault: Fault,
        /// The results port takes the request.
        pub results_ready: Signal,
        /// The next [`RANDOM_WORDS`].
        pub random: Vec<Signal>,
    }
}

bundle! {
    /// Requests and news.
    pub struct VectorEngineOut {
        /// The command is taken.
        pub command_ready: Signal,
        /// Nothing is under way.
        pub idle: Signal,
        /// Read ports of a, b and c.
        pub operand_requests: Vec<ReadRequest>,
        /// The results port.
        pub results_request: HostRequest,
        /// A descriptor that cannot be, or an address of a.
        pub fault: Fault,
        /// The random words are used.
        pub draw: Signal,
        /// What happened to numbers in this cycle.
        pub flags: ResultFlags,
        /// To how many.
        pub counts: ResultCounts,
        /// A command is under way.
        pub running: Signal,
    }
}

bundle! {
    /// What goes along with elements through the arithmetic.
    struct Tag {
        /// Their results are stored.
        stores: Signal,
        /// They are partial results.
        joins: Signal,
        /// Of this slot.
        slot: Signal,
        /// Where results belong.
        place: Place,
        /// The operand of a function is a NaN.
        nan_operand: Signal,
    }
}

impl Tag {
    /// A stage further with `advance`.
    fn stage(&self, m: &Builder, cycle: usize, advance: Signal) -> Tag {
        let flag = |name: &str, flag: Signal| {
            let register = m.register(&format!("{name}_{cycle}"), 1).reset(0);
            m.when(advance, || register.set(flag));
            register.q
        };
        let along = self.map(&format!("tag_{cycle}"), &mut |name, signal| signal.register_if(name, advance));
        Tag { stores: flag("stores", self.stores), joins: flag("joins", self.joins), ..along }
    }
}

impl Module for VectorEngine {
    type In = VectorEngineIn;
    type Out = VectorEngineOut;

    fn name(&self) -> String {
        "vector_engine".into()
    }

    fn inputs(&self, ports: &Ports) -> VectorEngineIn {
        VectorEngineIn {
            command_valid: ports.bit("command_valid"),
            command_address: ports.input("command_address", ADDRESS_BITS),
            operands: (0..3).map(|i| StreamIn::ports(&ports.nested(&format!("operands_{i}")), 64)).collect(),
            a_fault: Fault::ports(&ports.nested("a_fault")),
            results_ready: ports.bit("results_ready"),
            random: ports.array("random", RANDOM_WORDS, 64),
        }
    }

    fn build(&self, m: &Builder, io: VectorEngineIn) -> VectorEngineOut {
        m.summary("Streams operands through the vector ALU or the transcendental unit, and stores the results.");
        let finished = m.wire("finished", 1);
        let advance = m.wire("advance", 1);
        let released = m.wire("released", 1);
        let take = m.wires("take", |ports| ports.array("operand", 3, 1));

        let command = m.instance(
            "command",
            &Command,
            CommandIn {
                command_valid: io.command_valid,
                command_address: io.command_address,
                port: io.operands[0].clone(),
                port_fault: io.a_fault.clone(),
                finished: finished.value,
            },
        );
        let (descriptor, start, fetching) = (command.descriptor, command.start, command.fetching);
        let field = |field| descriptor.field(field);
        let (reduces, is_function) =
            (descriptor.reduces().named("reduces"), descriptor.is_function().named("is_function"));
        let all_fp16 = descriptor.all_fp16().named("all_fp16");
        let result_fp16 = field(D::RESULT_FP16);

        // Operands, and the beats that they make.
        let plans = descriptor.operand_plans();
        let operands: Vec<_> = ["operand_a", "operand_b", "operand_c"]
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let port = io.operands[i].clone();
                let port = StreamIn { valid: port.valid & !fetching, ..port };
                let inputs = OperandIn { start, plan: plans[i].clone(), port, take: take.value[i] };
                m.instance(name, &Operand, inputs)
            })
            .collect();
        let issued = operands.iter().zip(&plans).map(|(operand, plan)| IssueOperand {
            valid: operand.valid,
            word: operand.word,
            fp16: plan.fp16,
            stream: plan.stream,
        });
        let issue = m.instance(
            "issue",
            &Issue,
            IssueIn {
                start,
                shape: Shape {
                    last_row: descriptor.last_row(),
                    last_column: descriptor.last_column(),
                    step: mux(is_function, lit(0, 2), mux(all_fp16, lit(3, 2), lit(1, 2))),
                    result_fp16,
                    reduces,
                },
                operands: issued.collect(),
                advance: advance.value,
                released: released.value,
            },
        );
        take.set(&issue.take);
        let beat = issue.beat;

        // Elements of a reduction are steps of the loop through the partial results; others go straight on.
        let settled = m.wires("settled", settled_ports);
        let in_flight = m.wire("in_flight", 1);
        let sums = descriptor.is(VectorOperation::SUM) | descriptor.is(VectorOperation::DOT);
        let PartialResultsOut { step, released: releases } = m.instance(
            "partial_results",
            &PartialResults,
            PartialResultsIn {
                advance: advance.value,
                sums,
                multiplies: descriptor.is(VectorOperation::DOT),
                beat: reduction_beat(&beat, reduces),
                settled: settled.value.clone(),
                in_flight: in_flight.value,
            },
        );
        released.set(releases);
        let row_place = Place { lanes: step.lanes.zero_extend(LANES), position: lit(0, 2), completes: lit(1, 1) };
        let place = mux(reduces, row_place, beat.place.clone());
        let stores = mux(reduces, step.valid & step.last, beat.valid).named("enters_to_store");
        let rounds_to_fp16 = (result_fp16 & (!reduces | step.last)).named("rounds_to_fp16");
        let stochastic = (rounds_to_fp16 & field(D::STOCHASTIC)).named("stochastic");
        let random = random_elements(&io.random, place.position.bit(1));
        let operand_lanes = |i: usize, of_step: &[Signal]| -> Vec<Signal> {
            let lanes = beat.operands[i].iter().enumerate();
            lanes.map(|(lane, &element)| of_step.get(lane).map_or(element, |&s| mux(reduces, s, element))).collect()
        };

        let running = command.running;
        let moves = (advance.value & running).named("moves");
        let alu = m.instance(
            "alu",
            &VectorAlu,
            VectorAluIn {
                advance: moves & !is_function,
                mode: VectorMode {
                    operation: mux(reduces, step_operation(&descriptor, sums), field(D::OPERATION)),
                    fp16: all_fp16,
                    result_fp16: rounds_to_fp16,
                    stochastic,
                    saturate: rounds_to_fp16 & field(D::SATURATE),
                },
                random,
                a: operand_lanes(0, &step.a),
                b: operand_lanes(1, &step.b),
                c: operand_lanes(2, &step.c),
            },
        );
        let operand = beat.operands[0][0];
        let function: TranscendentalOut = m.instance(
            "transcendental",
            &Transcendental,
            TranscendentalIn {
                advance: moves & is_function,
                operation: field(D::OPERATION).truncate(functions_code_bits()),
                fp16: field(D::A_FP16),
                operand,
            },
        );

        // Tags: the ALU's end where it does, those of functions go on. Without a command they stand still.
        let mut tag = Tag {
            stores,
            joins: reduces & step.valid & !step.last,
            slot: step.slot,
            place,
            nan_operand: is_nan(operand, field(D::A_FP16)),
        };
        let mut joining = vec![];
        for cycle in 1..=vector::LATENCY_CYCLES {
            tag = tag.stage(m, cycle, moves);
            joining.push(tag.joins);
        }
        let alu_tag = tag.clone();
        tag.stores = tag.stores & is_function;
        for cycle in vector::LATENCY_CYCLES + 1..=transcendental::LATENCY_CYCLES {
            tag = tag.stage(m, cycle, moves);
        }
        m.unused((tag.slot, tag.joins));
        joining.pop();
        in_flight.set(joining.into_iter().reduce(|a, b| a | b).expect("stages"));
        settled.set(&Settled {
            valid: alu_tag.joins,
            slot: alu_tag.slot,
            lanes: alu_tag.place.lanes.truncate(partial_results::LANES),
            values: (0..partial_results::LANES).map(|lane| alu.lanes[lane].result).collect(),
        });

        let mut values: Vec<Signal> = alu.lanes.iter().map(|lane| lane.result).collect();
        values[0] = mux(is_function, function.result, values[0]);
        let results = m.instance(
            "results",
            &Results,
            ResultsIn {
                start,
                words: descriptor.result_words(),
                fp16: result_fp16,
                valid: mux(is_function, tag.stores, alu_tag.stores),
                place: mux(is_function, tag.place.clone(), alu_tag.place.clone()),
                values,
                request_ready: io.results_ready,
            },
        );
        advance.set(results.advance);
        finished.set(results.finished);

        // What happened, once for each result.
        let counted =
            alu_tag.place.lanes & ((alu_tag.stores | alu_tag.joins) & !is_function & advance.value).repeat(LANES);
        let function_counted = tag.stores & advance.value;
        let function_lane = function_lane(&function, result_fp16, tag.nan_operand);
        let mut lanes: Vec<(Signal, VectorLaneOut)> =
            alu.lanes.into_iter().enumerate().map(|(lane, out)| (counted.bit(lane), out)).collect();
        lanes.push((function_counted, function_lane));
        let any = |of: &dyn Fn(&VectorLaneOut) -> Signal| occurrences(&lanes, of).any();
        let count = |of: &dyn Fn(&VectorLaneOut) -> Signal| count_ones(occurrences(&lanes, of));

        let requests = operands.iter().map(|operand| operand.request.clone());
        let mut operand_requests: Vec<ReadRequest> = requests.collect();
        operand_requests[0] = mux(fetching, command.request, operand_requests[0].clone());
        VectorEngineOut {
            command_ready: command.command_ready,
            idle: command.idle,
            operand_requests,
            results_request: results.request,
            fault: mux(running, io.a_fault, command.fault),
            draw: stochastic & stores & mux(reduces, lit(1, 1), beat.place.completes) & advance.value,
            flags: ResultFlags {
                invalid: any(&|lane| lane.flags.invalid),
                overflow: any(&|lane| lane.flags.overflow),
                underflow: any(&|lane| lane.flags.underflow),
                inexact: any(&|lane| lane.flags.inexact),
            },
            counts: ResultCounts {
                nans: count(&|lane| lane.events.nan),
                overflows: count(&|lane| lane.events.overflow),
                zeroed: count(&|lane| lane.events.zeroed),
            },
            running,
        }
    }
}

/// Bits of the number of a function, which is the low part of the operation's code.
const fn functions_code_bits() -> usize {
    VectorOperation::FIRST_FUNCTION.0.trailing_zeros() as usize
}

fn settled_ports(ports: &Ports) -> Settled {
    Settled {
        valid: ports.bit("valid"),
        slot: ports.input("slot", SLOT_BITS),
        lanes: ports.input("lanes", partial_results::LANES),
        values: ports.array("values", partial_results::LANES, 32),
    }
}

/// The part of a beat that a reduction reads.
fn reduction_beat(beat: &Beat, reduces: Signal) -> ReductionBeat {
    let lanes = partial_results::LANES;
    ReductionBeat {
        valid: beat.valid & reduces,
        row_ends: beat.row_ends,
        slot: beat.slot,
        lanes: beat.place.lanes.truncate(lanes),
        a: beat.operands[0][..lanes].to_vec(),
        b: beat.operands[1][..lanes].to_vec(),
    }
}

/// The ALU's operation in a reduction.
fn step_operation(descriptor: &Descriptor, sums: Signal) -> Signal {
    let code = |operation: VectorOperation| lit(operation.0, vector::OPERATION_BITS);
    let ordered = mux(descriptor.is(VectorOperation::ROW_MAX), code(VectorOperation::MAX), code(VectorOperation::MIN));
    mux(sums, code(VectorOperation::FMA), ordered)
}

/// For each lane, the random bits of its element: of a word's four, lanes 0 and 1 may have the upper two.
fn random_elements(words: &[Signal], upper: Signal) -> Vec<Signal> {
    let element = |i: usize| words[i / 2].bits(i % 2 * 32..(i % 2 + 1) * 32);
    vec![mux(upper, element(2), element(0)), mux(upper, element(3), element(1)), element(2), element(3)]
}

fn is_nan(number: Signal, fp16: Signal) -> Signal {
    let nan = |exponent: Signal, fraction: Signal| exponent.all() & fraction.any();
    let narrow = nan(number.bits(10..15), number.bits(0..10));
    mux(fp16, narrow, nan(number.bits(23..31), number.bits(0..23)))
}

/// A function's result as that of a lane.
fn function_lane(function: &TranscendentalOut, fp16: Signal, nan_operand: Signal) -> VectorLaneOut {
    let (result, flags) = (function.result, function.flags.clone());
    let zero = mux(fp16, result.bits(0..15).is_zero(), result.bits(0..31).is_zero());
    let events = Events { nan: flags.invalid & !nan_operand, overflow: flags.overflow, zeroed: zero & flags.underflow };
    VectorLaneOut { result, flags, events }
}

/// One bit a lane: it counts, and `of` holds.
fn occurrences(lanes: &[(Signal, VectorLaneOut)], of: &dyn Fn(&VectorLaneOut) -> Signal) -> Signal {
    cat(lanes.iter().map(|(counts, lane)| *counts & of(lane)).collect::<Vec<_>>())
}
