//! Tile: SRAM, AMP engine, sequencer and control, wired together.
//!
//! ```text
//!                  +------------------------------------------------------------+
//!                  |  control <-----------------------------------+             |
//!  host_request -->|   |  ^                                        | fault      |
//!  host_response <-|   |  |         +-- sequencer -- command --> amp_engine      |
//!  status <--------|   v  |         v                              |  ^         |
//!                  |   +--+------- sram <--- requests, data -------+--+         |
//!                  +------------------------------------------------------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Host port  | requests are valid and ready, byte addresses, 64 bits with byte enables; each    |
//! |            | gets one response, in order, 2 cycles after it was taken                         |
//! | Program    | the host writes START and waits for `status_done` or `status_error`              |
//! | Reset      | synchronous, active high; clears control, not the SRAM                           |
//! | Faults     | a bad program stops; engines are reset until the next START                      |

use std::fmt;

use isa::Flags;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, mux};

use crate::config::TileConfig;
use crate::control::{Control, ControlIn, ControlOut, Events};
use crate::engine::amp_engine::{AmpEngine, AmpEngineIn, AmpEngineOut, StreamIn};
use crate::sequencer::{Sequencer, SequencerIn};
use crate::sram::{HostRequest, Sram, SramIn, SramOut};

/// The tile.
#[derive(Clone)]
pub struct Tile {
    /// Configuration; must be valid.
    pub config: TileConfig,
}

/// What the hardware depends on: all of the configuration but its name.
impl fmt::Debug for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TileConfig { banks, bank_kib, .. } = self.config;
        write!(f, "Tile {{ {:?}, banks: {banks}, bank_kib: {bank_kib} }}", self.config.amp())
    }
}

bundle! {
    /// The host's side in.
    pub struct TileIn {
        /// Requests.
        pub host_request: HostRequest,
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
    }
}

impl Module for Tile {
    type In = TileIn;
    type Out = TileOut;

    fn name(&self) -> String {
        "tile".into()
    }

    fn inputs(&self, ports: &Ports) -> TileIn {
        TileIn { host_request: HostRequest::ports(&ports.nested("host_request")) }
    }

    fn build(&self, m: &Builder, io: TileIn) -> TileOut {
        m.summary("A tile: SRAM, AMP engine, sequencer, host port.");
        let config = self.config.clone();
        let access_bits = config.amp().access_bits();

        // What the SRAM answers goes to those who ask; declared before they are.
        let sram_wires = m.wires("sram_out", |ports| SramOut::ports(ports, access_bits));
        let sram_out = sram_wires.value.clone();
        let running = m.wire("running", 1);
        let engine_reset = m.reset() | !running.value;

        let amp_ready = m.wire("amp_ready", 1);
        let engines_idle = m.wire("engines_idle", 1);
        let start = m.wire("start", 1);
        let start_address = m.wire("start_address", crate::sram::ADDRESS_BITS);
        let sequencer = m.instance_with_reset(
            "sequencer",
            &Sequencer { memory_bytes: config.memory_bytes() },
            SequencerIn {
                start: start.value,
                start_address: start_address.value,
                request_ready: sram_out.sequencer.ready,
                request_fault: sram_out.sequencer.fault.clone(),
                data_valid: sram_out.sequencer.valid,
                data: sram_out.sequencer.data,
                amp_ready: amp_ready.value,
                engines_idle: engines_idle.value,
            },
            engine_reset,
        );

        let engine: AmpEngineOut = m.instance_with_reset(
            "amp_engine",
            &AmpEngine { config: config.amp() },
            AmpEngineIn {
                command_valid: sequencer.amp_valid,
                command_address: sequencer.amp_descriptor,
                results_ready: sram_out.results.ready,
                inputs: StreamIn::of(&sram_out.inputs),
                weights: StreamIn::of(&sram_out.weights),
                partials: StreamIn::of(&sram_out.partials),
                lists: StreamIn::of(&sram_out.lists),
                lists_fault: sram_out.lists.fault.clone(),
            },
            engine_reset,
        );
        amp_ready.set(engine.command_ready);
        engines_idle.set(engine.idle);

        // Of several faults in one cycle, the first of this list counts.
        let faults = [
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
        let fault =
            faults.into_iter().rev().reduce(|otherwise, first| mux(first.valid, first, otherwise)).expect("faults");

        let control = m.instance(
            "control",
            &Control { configuration: config.configuration(), memory_bytes: config.memory_bytes() },
            ControlIn {
                host: io.host_request,
                sram: sram_out.host.clone(),
                fault,
                program_done: sequencer.done,
                raise: raised(&engine),
                clear_flags: sequencer.clear_flags,
                set_marker: sequencer.set_marker,
                value: sequencer.value,
                program_counter: sequencer.program_counter,
                events: events(&engine, &sram_out),
            },
        );
        let ControlOut { host_ready, response_valid, response_data, response_error, .. } = control;
        running.set(control.running);
        start.set(control.start);
        start_address.set(control.start_address);

        let sram = m.instance(
            "sram",
            &Sram { banks: config.banks, bank_bytes: config.bank_bytes(), access_words: config.amp().access_words() },
            SramIn {
                results_request: engine.results_request,
                inputs_request: engine.inputs_request,
                weights_request: engine.weights_request,
                partials_request: engine.partials_request,
                lists_request: engine.lists_request,
                sequencer_request: sequencer.request,
                host_request: control.sram_request,
                running: control.running,
            },
        );
        sram_wires.set(&sram);

        TileOut {
            host_request_ready: host_ready,
            host_response_valid: response_valid,
            host_response_data: response_data,
            host_response_error: response_error,
            status_running: control.running,
            status_done: control.done,
            status_error: control.error,
        }
    }
}

/// The sticky flags that are set in this cycle, in the order of FLAGS.
fn raised(engine: &AmpEngineOut) -> Signal {
    let flags = &engine.flags;
    let by_name = |field: &isa::Field| match field.name {
        "nv" => flags.invalid,
        "of" => flags.overflow,
        "uf" => flags.underflow,
        "nx" => flags.inexact,
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
        stall_weights: engine.waits.weights,
        stall_accumulator: engine.waits.accumulator,
        stall_drain: engine.waits.half,
        conflict_results: sram.results.conflict,
        conflict_inputs: sram.inputs.conflict,
        conflict_weights: sram.weights.conflict,
        conflict_partials: sram.partials.conflict,
        conflict_lists: sram.lists.conflict,
        conflict_sequencer: sram.sequencer.conflict,
        conflict_host: sram.host.conflict,
    }
}
