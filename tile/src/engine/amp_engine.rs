//! AMP engine: runs AMP commands: descriptors, block lists, streams, and the AMP unit itself.
//!
//! ```text
//!              +-----------+
//!  command --->|           |----> inputs, weights, partials, lists: read requests
//!  SRAM data ->| AmpEngine |----> results: write requests
//!              |           |----> idle, fault, flags, events
//!              +-----------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Throughput | max(weight load, phases x max(rows, loop)) cycles a block; commands follow each  |
//! |            | other without a gap while their results fit beside the next one's products       |
//! | Handshake  | `command` is valid and ready, a queue of two                                     |
//! | Order      | commands in order                                                                |
//! | Reset      | abandons everything; what is in the SRAM stays                                   |
//!
//! See [the module's overview](super) for its parts.

use accumulators::amp::{AmpFlags, AmpIn, ResultCounts};
use accumulators::{Amp, AmpConfig, random};
use rtl::{Builder, Module, Ports, Signal, bundle, mux};

use super::descriptors::{Descriptors, DescriptorsIn};
use super::drainer::{Drainer, DrainerIn};
use super::entries::{Entries, EntriesIn};
use super::loader::{Loader, LoaderIn};
use super::preloader::{Preloader, PreloaderIn};
use super::stepper::{Stepper, StepperIn, StepperWaits};
use crate::sram::{ADDRESS_BITS, Fault, LATENCY_CYCLES, PortOut, ReadRequest, WriteRequest};

/// The AMP engine.
#[derive(Clone, Copy, Debug)]
pub struct AmpEngine {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// Commands and SRAM ports.
    pub struct AmpEngineIn {
        /// A command.
        pub command_valid: Signal,
        /// Byte address of its descriptor.
        pub command_address: Signal,
        /// The results port takes the request.
        pub results_ready: Signal,
        /// Inputs port.
        pub inputs: StreamIn,
        /// Weights port.
        pub weights: StreamIn,
        /// Partial sums port.
        pub partials: StreamIn,
        /// Lists port.
        pub lists: StreamIn,
        /// A list request is refused.
        pub lists_fault: Fault,
        /// Random words, for results that are rounded stochastically.
        pub random: Vec<Signal>,
    }
}

bundle! {
    /// What a unit needs of a read port.
    pub struct StreamIn {
        /// The request is taken.
        pub ready: Signal,
        /// Data is there.
        pub valid: Signal,
        /// Data.
        pub data: Signal,
    }
}

bundle! {
    /// Requests and news.
    pub struct AmpEngineOut {
        /// The command is taken.
        pub command_ready: Signal,
        /// Nothing is under way.
        pub idle: Signal,
        /// Results port.
        pub results_request: WriteRequest,
        /// Inputs port.
        pub inputs_request: ReadRequest,
        /// Weights port.
        pub weights_request: ReadRequest,
        /// Partial sums port.
        pub partials_request: ReadRequest,
        /// Lists port.
        pub lists_request: ReadRequest,
        /// A descriptor, a list or an entry that cannot be.
        pub fault: Fault,
        /// What happened to numbers in this cycle.
        pub flags: AmpFlags,
        /// How many results that are stored in this cycle are what the host's counters count.
        pub counts: ResultCounts,
        /// The random words are used.
        pub draw: Signal,
        /// A row was issued.
        pub issued: Signal,
        /// Why no row was.
        pub waits: StepperWaits,
    }
}

impl StreamIn {
    /// What of a port's answers the units need.
    pub fn of(port: &PortOut) -> StreamIn {
        StreamIn { ready: port.ready, valid: port.valid, data: port.data }
    }

    /// Declares the ports, for data of `bits` bits.
    pub fn ports(ports: &Ports, bits: usize) -> StreamIn {
        StreamIn { ready: ports.bit("ready"), valid: ports.bit("valid"), data: ports.input("data", bits) }
    }
}

impl Module for AmpEngine {
    type In = AmpEngineIn;
    type Out = AmpEngineOut;

    fn name(&self) -> String {
        self.config.module_name("amp_engine")
    }

    fn inputs(&self, ports: &Ports) -> AmpEngineIn {
        let access_bits = self.config.access_bits();
        AmpEngineIn {
            command_valid: ports.bit("command_valid"),
            command_address: ports.input("command_address", ADDRESS_BITS),
            results_ready: ports.bit("results_ready"),
            inputs: StreamIn::ports(&ports.nested("inputs"), access_bits),
            weights: StreamIn::ports(&ports.nested("weights"), access_bits),
            partials: StreamIn::ports(&ports.nested("partials"), access_bits),
            lists: StreamIn::ports(&ports.nested("lists"), 64),
            lists_fault: Fault::ports(&ports.nested("lists_fault")),
            random: ports.array("random", 2 * self.config.access_words(), random::WORD_BITS),
        }
    }

    fn build(&self, m: &Builder, io: AmpEngineIn) -> AmpEngineOut {
        m.summary("Runs AMP commands: descriptors, block lists, streams, and the AMP unit itself.");
        let config = self.config;
        let drained = m.wire("drained", super::descriptors::POINTER_BITS);
        let clear = m.wire("clear", 2);
        let next_ready = m.wire("next_ready", 1);
        let block_ready = m.wire("block_ready", 1);

        // The lists port serves entries before descriptors: entries are wanted sooner.
        let entries_asks = m.wire("entries_asks", 1);
        let entries_asked = (entries_asks.value & io.lists.ready).delay("entries_asked", LATENCY_CYCLES, true);

        let descriptors = m.instance(
            "descriptors",
            &Descriptors { config },
            DescriptorsIn {
                command_valid: io.command_valid,
                command_address: io.command_address,
                freed: drained.value,
                request_ready: io.lists.ready & !entries_asks.value,
                request_fault: Fault { valid: io.lists_fault.valid & !entries_asks.value, ..io.lists_fault.clone() },
                data_valid: io.lists.valid & !entries_asked,
                data: io.lists.data,
            },
        );
        let (slots, fetched) = (descriptors.slots, descriptors.fetched);
        let entries = m.instance(
            "entries",
            &Entries { config },
            EntriesIn {
                slots: slots.clone(),
                fetched,
                request_ready: io.lists.ready,
                request_fault: Fault { valid: io.lists_fault.valid & entries_asks.value, ..io.lists_fault },
                data_valid: io.lists.valid & entries_asked,
                data: io.lists.data,
                block_ready: block_ready.value,
            },
        );
        entries_asks.set(entries.request.valid);

        let loader = m.instance(
            "loader",
            &Loader { config },
            LoaderIn {
                block_valid: entries.block_valid,
                block: entries.block,
                next_ready: next_ready.value,
                request_ready: io.weights.ready,
                data_valid: io.weights.valid,
                data: io.weights.data,
            },
        );
        block_ready.set(loader.block_ready);

        let preloader = m.instance(
            "preloader",
            &Preloader { config },
            PreloaderIn {
                slots: slots.clone(),
                fetched,
                drained: drained.value,
                request_ready: io.partials.ready,
                data_valid: io.partials.valid,
                data: io.partials.data,
            },
        );

        let stepper = m.instance(
            "stepper",
            &Stepper { config },
            StepperIn {
                next_valid: loader.next_valid,
                next: loader.next,
                groups: loader.groups,
                slots: slots.clone(),
                preloaded: preloader.preloaded,
                request_ready: io.inputs.ready,
                data_valid: io.inputs.valid,
                data: io.inputs.data,
                clear: clear.value,
            },
        );
        next_ready.set(stepper.next_ready);

        let result_valid = m.wire("result_valid", 1);
        let result = m.wire("result", self.config.access_bits());
        let drainer = m.instance(
            "drainer",
            &Drainer { config },
            DrainerIn {
                slots,
                stepped: stepper.stepped,
                visited: stepper.visited,
                result_valid: result_valid.value,
                result: result.value,
                request_ready: io.results_ready,
            },
        );
        drained.set(drainer.drained);
        clear.set(drainer.clear);

        let amp = m.instance(
            "amp",
            &Amp { config },
            AmpIn {
                weights: loader.write,
                step: stepper.step,
                preload: preloader.preload,
                drain: drainer.drain,
                advance: drainer.advance,
                random: io.random,
            },
        );
        result_valid.set(amp.result_valid);
        result.set(amp.result);
        m.unused(amp.done);

        AmpEngineOut {
            command_ready: descriptors.command_ready,
            idle: descriptors.idle & drainer.drained.eq(fetched) & drainer.idle & loader.idle,
            results_request: drainer.request,
            inputs_request: stepper.request,
            weights_request: loader.request,
            partials_request: preloader.request,
            lists_request: mux(entries_asks.value, entries.request, descriptors.request),
            fault: mux(entries.fault.valid, entries.fault, descriptors.fault),
            flags: amp.flags,
            counts: amp.counts,
            draw: amp.draw,
            issued: stepper.issued,
            waits: stepper.waits,
        }
    }
}
