//! Tile: SRAM, AMP engine, vector engine, sequencer, control and, in a machine of many tiles, an exchange port, wired
//! together.
//!
//! ```text
//!                  +------------------------------------------------------------+
//!                  |  control <-----------------------------------+             |
//!  host_request -->|   |  ^                                        | fault      |
//!  host_response <-|   |  |         +-- sequencer -- command --> amp_engine      |
//!  status <--------|   v  |         |            \                 |  ^         |
//!                  |   |  |         v             +--> vector_engine  |         |
//!                  |   +--+------- sram <--- requests, data ---+---+--+         |
//!                  |                 ^ |    random --- words --> engines        |
//!  arrivals ------>|            exchange_port <--- command, released            |
//!  lane, select <--|                                                            |
//!  released ------>|            sequencer --- arrive                            |
//!  arrive <--------|                                                            |
//!                  +------------------------------------------------------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Host port  | requests are valid and ready, byte addresses, 64 bits with byte enables; each    |
//! |            | gets one response, in order, 2 cycles after it was taken                         |
//! | Program    | the host writes START and waits for `status_done` or `status_error`              |
//! | Exchange   | only in a machine; see [`exchange_port`](crate::exchange_port)                   |
//! | Reset      | synchronous, active high; clears control, not the SRAM                           |
//! | Faults     | a bad program stops; engines are reset until the next START                      |

use std::fmt;

use accumulators::random::{Random, RandomIn};
use accumulators::read_out::ResultFlags;
use isa::register::Configuration;
use isa::{Flags, ZONES};
use rtl::{Builder, Module, Ports, Signal, bundle, cat, mux};

use crate::config::TileConfig;
use crate::control::{Control, ControlIn, ControlOut, Events, ExchangeEvents, VectorEvents};
use crate::engine::amp_engine::{AmpEngine, AmpEngineIn, AmpEngineOut, StreamIn};
use crate::exchange_port::{Arrivals, ExchangePort, ExchangePortConfig, ExchangePortIn, ExchangePortOut, Lane, Select};
use crate::sequencer::{EngineState, ExchangeState, Sequencer, SequencerIn, SequencerOut};
use crate::sram::{ExchangeRequests, HostRequest, Sram, SramIn, SramOut, VectorRequests};
use crate::vector_engine::{RANDOM_WORDS, VectorEngine, VectorEngineIn, VectorEngineOut};

/// The tile.
#[derive(Clone)]
pub struct Tile {
    /// Configuration; must be valid.
    pub config: TileConfig,
    /// The exchange port, in a machine of many tiles.
    pub exchange: Option<ExchangePortConfig>,
}

impl Tile {
    /// A tile by itself. Its configuration must be valid.
    pub fn new(config: TileConfig) -> Tile {
        Tile { config, exchange: None }
    }

    /// A tile of a machine. Its configuration must be valid.
    pub fn with_exchange(config: TileConfig, exchange: ExchangePortConfig) -> Tile {
        Tile { config, exchange: Some(exchange) }
    }

    /// What the register CONFIGURATION says.
    pub fn configuration(&self) -> Configuration {
        let lane_words = self.exchange.map_or(0, |exchange| exchange.lane_words as u32);
        Configuration { lane_words, ..self.config.configuration() }
    }
}

/// What the hardware depends on: all of the configuration but its name.
impl fmt::Debug for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TileConfig { vector, banks, bank_kib, .. } = self.config;
        write!(f, "Tile {{ {:?}, vector: {vector}, banks: {banks}, bank_kib: {bank_kib}", self.config.amp())?;
        if let Some(exchange) = &self.exchange {
            write!(f, ", {exchange:?}")?;
        }
        write!(f, " }}")
    }
}

bundle! {
    /// The host's side in.
    pub struct TileIn {
        /// Requests.
        pub host_request: HostRequest,
        /// The machine's side, for a tile with an exchange port.
        pub exchange: Option<TileExchangeIn>,
    }
}

bundle! {
    /// The machine's side in.
    pub struct TileExchangeIn {
        /// From the fabric.
        pub arrivals: Arrivals,
        /// The zones whose barrier is complete in this cycle.
        pub released: Signal,
        /// The zones in which a tile has stopped with an error.
        pub broken: Signal,
    }
}

bundle! {
    /// The machine's side out.
    pub struct TileExchangeOut {
        /// To the fabric.
        pub lane: Lane,
        /// To the fabric.
        pub select: Select,
        /// The zones whose barrier the tile arrives at in this cycle.
        pub arrive: Signal,
        /// The zones that the tile is in.
        pub zones: Signal,
    }
}

bundle! {
    /// The host's side out.
    pub struct TileOut {
        /// The request is taken in this cycle.
        pub host_request_ready: Signal,
        /// There is a response.
        pub host_response_valid: Signal,
        /// 64 bits; meaningless for writes.
        pub host_response_data: Signal,
        /// The request could not be served.
        pub host_response_error: Signal,
        /// A program runs.
        pub status_running: Signal,
        /// The last program ended by itself.
        pub status_done: Signal,
        /// The last program was stopped.
        pub status_error: Signal,
        /// The machine's side, for a tile with an exchange port.
        pub exchange: Option<TileExchangeOut>,
    }
}

impl TileExchangeIn {
    fn ports(ports: &Ports, config: &ExchangePortConfig) -> TileExchangeIn {
        TileExchangeIn {
            arrivals: Arrivals::ports(&ports.nested("arrivals"), config.lane_bits()),
            released: ports.input("released", ZONES as usize),
            broken: ports.input("broken", ZONES as usize),
        }
    }
}

impl Module for Tile {
    type In = TileIn;
    type Out = TileOut;

    fn name(&self) -> String {
        self.exchange.map_or("tile".into(), |exchange| exchange.module_name("tile"))
    }

    fn inputs(&self, ports: &Ports) -> TileIn {
        TileIn {
            host_request: HostRequest::ports(&ports.nested("host_request")),
            exchange: self.exchange.map(|config| TileExchangeIn::ports(&ports.nested("exchange"), &config)),
        }
    }

    fn build(&self, m: &Builder, io: TileIn) -> TileOut {
        m.summary("A tile: SRAM, AMP engine, sequencer, host port.");
        let config = self.config.clone();
        let has_exchange = self.exchange.is_some();
        let sram = Sram {
            banks: config.banks,
            bank_bytes: config.bank_bytes(),
            access_words: config.amp().access_words(),
            exchange: has_exchange,
            vector: config.vector,
        };

        // What the SRAM answers goes to those who ask; declared before they are.
        let sram_wires = m.wires("sram_out", |ports| SramOut::ports(ports, &sram));
        let sram_out = sram_wires.value.clone();
        let running = m.wire("running", 1);
        let engine_reset = m.reset() | !running.value;

        let amp_state = m.wires("amp", EngineState::ports);
        let vector_state = config.vector.then(|| m.wires("vector", EngineState::ports));
        let start = m.wire("start", 1);
        let start_address = m.wire("start_address", crate::sram::ADDRESS_BITS);
        let exchange_state = has_exchange.then(|| m.wires("exchange_state", ExchangeState::ports));
        let sequencer = m.instance_with_reset(
            "sequencer",
            &Sequencer { memory_bytes: config.memory_bytes(), vector: config.vector, exchange: has_exchange },
            SequencerIn {
                start: start.value,
                start_address: start_address.value,
                request_ready: sram_out.sequencer.ready,
                request_fault: sram_out.sequencer.fault.clone(),
                data_valid: sram_out.sequencer.valid,
                data: sram_out.sequencer.data,
                amp: amp_state.value.clone(),
                vector: vector_state.as_ref().map(|state| state.value.clone()),
                exchange: exchange_state.as_ref().map(|state| state.value.clone()),
            },
            engine_reset,
        );

        // Random bits outlast programs: a seed counts until the next one.
        let amp_draw = m.wire("amp_draw", 1);
        let amp_random = m.instance(
            "amp_random",
            &Random { words: 2 * config.amp().access_words() },
            RandomIn { seed_set: sequencer.seed_amp, seed: sequencer.value, draw: amp_draw.value },
        );
        let engine: AmpEngineOut = m.instance_with_reset(
            "amp_engine",
            &AmpEngine { config: config.amp() },
            AmpEngineIn {
                command_valid: sequencer.amp.valid,
                command_address: sequencer.amp.descriptor,
                results_ready: sram_out.results.ready,
                inputs: StreamIn::of(&sram_out.inputs),
                weights: StreamIn::of(&sram_out.weights),
                partials: StreamIn::of(&sram_out.partials),
                lists: StreamIn::of(&sram_out.lists),
                lists_fault: sram_out.lists.fault.clone(),
                random: amp_random.words,
            },
            engine_reset,
        );
        amp_draw.set(engine.draw);
        amp_state.set(&EngineState { ready: engine.command_ready, idle: engine.idle });

        let vector = vector_state.map(|state| {
            let vector = vector_engine(m, &sequencer, &sram_out, engine_reset);
            state.set(&EngineState { ready: vector.command_ready, idle: vector.idle });
            vector
        });

        let exchange = self.exchange.map(|config| {
            let inputs = exchange_port_inputs(&io, &sequencer, &sram_out);
            m.instance_with_reset("exchange_port", &ExchangePort { config }, inputs, engine_reset)
        });

        // Of several faults in one cycle, the first of this list counts.
        let mut faults = vec![
            sequencer.fault.clone(),
            engine.fault.clone(),
            sram_out.partials.fault.clone(),
            sram_out.weights.fault.clone(),
            sram_out.inputs.fault.clone(),
            sram_out.results.fault.clone(),
            sram_out.sequencer.parity.clone(),
            sram_out.lists.parity.clone(),
            sram_out.partials.parity.clone(),
            sram_out.weights.parity.clone(),
            sram_out.inputs.parity.clone(),
        ];
        if let (Some(engine), Some(answers)) = (&vector, &sram_out.vector) {
            let [a, b, c] = &answers.operands[..] else { unreachable!("three operands") };
            faults.extend([engine.fault.clone(), b.fault.clone(), c.fault.clone(), answers.results.fault.clone()]);
            faults.extend([a.parity.clone(), b.parity.clone(), c.parity.clone()]);
        }
        if let (Some(port), Some(answers)) = (&exchange, &sram_out.exchange) {
            // Parity comes first: the port looks at a descriptor in the cycle in which it arrives.
            faults.extend([answers.send.parity.clone(), answers.lists.parity.clone()]);
            faults.extend([port.fault.clone(), answers.send.fault.clone(), answers.receive.fault.clone()]);
        }
        let fault =
            faults.into_iter().rev().reduce(|otherwise, first| mux(first.valid, first, otherwise)).expect("faults");

        let control = m.instance(
            "control",
            &Control { configuration: self.configuration(), memory_bytes: config.memory_bytes() },
            ControlIn {
                host: io.host_request,
                sram: sram_out.host.clone(),
                fault,
                program_done: sequencer.done,
                raise: raised(&engine, &vector),
                clear_flags: sequencer.clear_flags,
                set_marker: sequencer.set_marker,
                value: sequencer.value,
                program_counter: sequencer.program_counter,
                events: Events {
                    exchange: exchange_events(&sequencer, &exchange),
                    vector: vector_events(&vector, &sram_out),
                    ..events(&engine, &sram_out)
                },
            },
        );
        let ControlOut { host_ready, response_valid, response_data, response_error, .. } = control;
        running.set(control.running);
        start.set(control.start);
        start_address.set(control.start_address);

        let sram = m.instance(
            "sram",
            &sram,
            SramIn {
                exchange_request: exchange.as_ref().map(|port| ExchangeRequests {
                    receive: port.receive_request.clone(),
                    send: port.send_request.clone(),
                    lists: port.lists_request.clone(),
                }),
                results_request: engine.results_request,
                inputs_request: engine.inputs_request,
                weights_request: engine.weights_request,
                partials_request: engine.partials_request,
                vector_request: vector.map(|engine| VectorRequests {
                    results: engine.results_request,
                    operands: engine.operand_requests,
                }),
                lists_request: engine.lists_request,
                sequencer_request: sequencer.request,
                host_request: control.sram_request,
                running: control.running,
            },
        );
        sram_wires.set(&sram);

        let machine = exchange.zip(sequencer.orders).zip(io.exchange).map(|((port, orders), machine)| {
            if let Some(state) = &exchange_state {
                state.set(&ExchangeState {
                    ready: port.command_ready,
                    idle: port.idle,
                    pending: port.pending,
                    prepared: port.prepared,
                    zones: control.zones,
                    released: machine.released,
                    broken: machine.broken,
                });
            }
            TileExchangeOut { lane: port.lane, select: port.select, arrive: orders.arrive, zones: control.zones }
        });
        TileOut {
            host_request_ready: host_ready,
            host_response_valid: response_valid,
            host_response_data: response_data,
            host_response_error: response_error,
            status_running: control.running,
            status_done: control.done,
            status_error: control.error,
            exchange: machine,
        }
    }
}

/// The vector engine, with its random bits, which a program leaves to the next.
fn vector_engine(m: &Builder, sequencer: &SequencerOut, sram: &SramOut, reset: Signal) -> VectorEngineOut {
    let (order, answers) = (sequencer.vector.as_ref().expect("orders"), sram.vector.as_ref().expect("answers"));
    let draw = m.wire("vector_draw", 1);
    let random = m.instance(
        "vector_random",
        &Random { words: RANDOM_WORDS },
        RandomIn { seed_set: order.seed, seed: sequencer.value, draw: draw.value },
    );
    let engine = m.instance_with_reset(
        "vector_engine",
        &VectorEngine,
        VectorEngineIn {
            command_valid: order.command.valid,
            command_address: order.command.descriptor,
            operands: answers.operands.iter().map(StreamIn::of).collect(),
            a_fault: answers.operands[0].fault.clone(),
            results_ready: answers.results.ready,
            random: random.words,
        },
        reset,
    );
    draw.set(engine.draw);
    engine
}

/// What the exchange port gets. Only for tiles that have one.
fn exchange_port_inputs(io: &TileIn, sequencer: &SequencerOut, sram: &SramOut) -> ExchangePortIn {
    let (machine, orders, answers) = (io.exchange.as_ref(), sequencer.orders.as_ref(), sram.exchange.as_ref());
    let (machine, orders, answers) = (machine.expect("ports"), orders.expect("orders"), answers.expect("answers"));
    ExchangePortIn {
        command_valid: orders.valid,
        command_address: orders.descriptor,
        released: orders.released,
        arrivals: machine.arrivals,
        lists: StreamIn::of(&answers.lists),
        lists_fault: answers.lists.fault.clone(),
        sent: answers.send.data,
        sent_valid: answers.send.valid,
        send_conflict: answers.send.conflict,
    }
}

/// What is counted of the exchange, where there is one.
fn exchange_events(sequencer: &SequencerOut, port: &Option<ExchangePortOut>) -> Option<ExchangeEvents> {
    let (orders, port) = (sequencer.orders.as_ref()?, port.as_ref()?);
    Some(ExchangeEvents { sync: orders.waits, words: port.running })
}

/// What is counted of the vector engine, where there is one.
fn vector_events(engine: &Option<VectorEngineOut>, sram: &SramOut) -> Option<VectorEvents> {
    let (engine, answers) = (engine.as_ref()?, sram.vector.as_ref()?);
    let conflict = answers.operands.iter().fold(answers.results.conflict, |any, port| any | port.conflict);
    Some(VectorEvents { running: engine.running, conflict, results: engine.counts.clone() })
}

/// The sticky flags that are set in this cycle, in the order of FLAGS.
fn raised(engine: &AmpEngineOut, vector: &Option<VectorEngineOut>) -> Signal {
    let flags = &engine.flags;
    let either =
        |amp: Signal, of: fn(&ResultFlags) -> Signal| vector.as_ref().map_or(amp, |vector| amp | of(&vector.flags));
    let by_name = |field: &isa::Field| match field.name {
        "nv" => either(flags.invalid, |vector| vector.invalid),
        "of" => either(flags.overflow, |vector| vector.overflow),
        "uf" => either(flags.underflow, |vector| vector.underflow),
        "nx" => either(flags.inexact, |vector| vector.inexact),
        "hr" => flags.headroom,
        other => unreachable!("the tile has no flag `{other}`"),
    };
    let signals: Vec<Signal> = Flags::LAYOUT.fields.iter().rev().map(by_name).collect();
    cat(signals)
}

/// What the counters count in this cycle.
fn events(engine: &AmpEngineOut, sram: &SramOut) -> Events {
    Events {
        amp_rows: engine.issued,
        amp_results: engine.counts.clone(),
        stall_weights: engine.waits.weights,
        stall_accumulator: engine.waits.accumulator,
        stall_drain: engine.waits.half,
        conflict_results: sram.results.conflict,
        conflict_inputs: sram.inputs.conflict,
        conflict_weights: sram.weights.conflict,
        conflict_partials: sram.partials.conflict,
        conflict_lists: sram
            .exchange
            .as_ref()
            .map_or(sram.lists.conflict, |exchange| sram.lists.conflict | exchange.lists.conflict),
        conflict_sequencer: sram.sequencer.conflict,
        conflict_host: sram.host.conflict,
        vector: None,
        exchange: None,
    }
}
