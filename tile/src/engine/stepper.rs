//! Stepper: streams rows of inputs past the block that is loaded, phase by phase.
//!
//! ```text
//!            +---------+
//!  next ---->|         |----> request (inputs port)
//!  groups -->| Stepper |----> step    (AMP), when the inputs are there
//!  slots --->|         |----> stepped (pointer), visited (rows of each half), waits
//!  inputs -->|         |
//!            +---------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Order      | for each block, for each phase of its valid K, for each row of its rectangle     |
//! | Latency    | request to `step`: [`LATENCY_CYCLES`] of the SRAM, 2                             |
//! | Throughput | one row a cycle; blocks and commands follow each other without a gap             |
//! | Waits      | for the half (preloaded, and so drained), for weights, for an accumulator row    |
//! |            | that is still in the AMP's loop, for its bank                                    |

use accumulators::AmpConfig;
use accumulators::amp::{RowAddress, Step};
use accumulators::config::LANES;
use accumulators::weight_store::WeightRead;
use isa::AmpDescriptor;
use rtl::{Builder, Bundle, Module, Ports, Signal, bundle, cat, lit, mux};

use super::descriptors::{POINTER_BITS, Slot, slot_at};
use super::loader::{GROUP_BITS, LoadedBlock, group_of};
use super::rows::{Rectangle, Strides, row_walk};
use crate::sram::{LATENCY_CYCLES, ReadRequest};

/// The stepper.
#[derive(Clone, Copy, Debug)]
pub struct Stepper {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

bundle! {
    /// Blocks, descriptors, data.
    pub struct StepperIn {
        /// There is a block.
        pub next_valid: Signal,
        /// The block.
        pub next: LoadedBlock,
        /// For each weight buffer, groups that are loaded.
        pub groups: Vec<Signal>,
        /// The ring.
        pub slots: Vec<Slot>,
        /// Pointer: the accumulators of slots before it are ready to be stepped.
        pub preloaded: Signal,
        /// The inputs port takes the request.
        pub request_ready: Signal,
        /// Inputs are there.
        pub data_valid: Signal,
        /// An access word of inputs.
        pub data: Signal,
        /// The rows of this half are empty again: one bit a half.
        pub clear: Signal,
    }
}

bundle! {
    /// Why no row was issued in a cycle with a block to work on.
    pub struct StepperWaits {
        /// Weights of the phase are not there.
        pub weights: Signal,
        /// The row is still in the AMP's loop.
        pub accumulator: Signal,
        /// The half is not free.
        pub half: Signal,
    }
}

bundle! {
    /// Requests and steps.
    pub struct StepperOut {
        /// The block is taken.
        pub next_ready: Signal,
        /// Inputs of a row.
        pub request: ReadRequest,
        /// To the AMP.
        pub step: Step,
        /// Pointer: all steps of slots before it are written.
        pub stepped: Signal,
        /// For each half, one bit a row: it holds a sum.
        pub visited: Vec<Signal>,
        /// A row was issued.
        pub issued: Signal,
        /// Why not.
        pub waits: StepperWaits,
    }
}

bundle! {
    /// What goes along with a request for inputs.
    struct Tag {
        at: RowAddress,
        start: Signal,
        weights: WeightRead,
        enable: Signal,
        lanes: Signal,
        /// The last step of its command.
        last: Signal,
    }
}

impl Module for Stepper {
    type In = StepperIn;
    type Out = StepperOut;

    fn name(&self) -> String {
        self.config.module_name("stepper")
    }

    fn inputs(&self, ports: &Ports) -> StepperIn {
        StepperIn {
            next_valid: ports.bit("next_valid"),
            next: LoadedBlock::ports(&ports.nested("next")),
            groups: ports.array("groups", 2, GROUP_BITS),
            slots: Slot::ring(ports),
            preloaded: ports.input("preloaded", POINTER_BITS),
            request_ready: ports.bit("request_ready"),
            data_valid: ports.bit("data_valid"),
            data: ports.input("data", self.config.access_bits()),
            clear: ports.input("clear", 2),
        }
    }

    fn build(&self, m: &Builder, io: StepperIn) -> StepperOut {
        m.summary("Streams rows of inputs past the loaded block, phase by phase.");
        let amp = self.config;
        let (row_bits, values) = (amp.row_bits(), amp.access_values());

        // The block that is worked on; the next one is taken as the last row of this one is issued.
        let active = m.register("active", 1).reset(0);
        let issued = m.wire("issued_row", 1);
        let finishing = m.wire("finishing", 1);
        let next_ready = !active.q | finishing.value;
        let take = (next_ready & io.next_valid).named("take");
        let LoadedBlock { block, buffer } = io.next.map("current", &mut |name, signal| signal.register_if(name, take));
        m.when(finishing.value, || active.set(0));
        m.when(take, || active.set(1));
        let slot = slot_at(&io.slots, block.slot);
        m.unused((slot.clone(), block.clone()));

        // The walk begins again with every phase, at the access word that holds the phase's inputs.
        let k = m.register("k", 4);
        let terms = self.config.terms;
        let last_phase = if terms == 16 {
            lit(1, 1)
        } else {
            let phase_bits = terms.trailing_zeros() as usize;
            k.q.bits(phase_bits..4).eq(block.last_k.bits(phase_bits..4))
        };
        let next_k = (k.q + lit(terms % 16, 4)).named("next_k");
        let strides = Strides::of(&slot, AmpDescriptor::INPUT_STRIDE_X, AmpDescriptor::INPUT_STRIDE_Y);
        let to = mux(take, io.next.block.rows.clone(), block.rows.clone());
        let phase_bytes = word_bytes(mux(take, lit(0, 4), next_k), values, to.address.width());
        let to = Rectangle { address: to.address + phase_bytes, ..to };
        let end_of_phase = m.wire("end_of_phase", 1);
        let walk = row_walk(m, take | end_of_phase.value, &to, issued.value, &block.rows, &strides);
        end_of_phase.set(issued.value & walk.last);
        finishing.set(end_of_phase.value & last_phase);
        m.when(end_of_phase.value, || k.set(next_k));
        m.when(take, || k.set(0));

        // A row is issued when nothing keeps it.
        let half = block.slot.bit(0);
        let row = walk.row.truncate(row_bits);
        let half_waits = block.slot.eq(io.preloaded).named("half_waits");
        let groups = mux(buffer, io.groups[1], io.groups[0]);
        let weights_wait = groups.le(group_of(k.q, values)).named("weights_wait");
        let at = RowAddress { half, row };
        let accumulator_waits = self.in_loop(m, &at, issued.value).named("accumulator_waits");
        let free = (active.q & !half_waits & !weights_wait & !accumulator_waits).named("free");
        issued.set(free & io.request_ready);

        // The first visit of a row begins from +0; a command with partial sums has none.
        let row_select = lit(1, 1).zero_extend(amp.rows).shift_left(row).named("row_select");
        let visited: Vec<Signal> = (0..2)
            .map(|i| {
                let visited = m.register(&format!("visited_{i}_state"), amp.rows).reset(0);
                m.when(issued.value & half.eq(i), || visited.set(visited.q | row_select));
                m.when(io.clear.bit(i), || visited.set(0));
                visited.q
            })
            .collect();
        let was_visited = (mux(half, visited[1], visited[0]) & row_select).any();
        let start = (!was_visited & !slot.field(AmpDescriptor::PARTIAL_IN)).named("starts");

        // Terms of this phase that are valid: k + term <= last_k.
        let enable: Vec<Signal> = (0..terms)
            .rev()
            .map(|term| {
                // k is a multiple of T: no carry.
                (k.q | lit(term, 4)).le(block.last_k)
            })
            .collect();
        let mut tag = Tag {
            at,
            start,
            weights: WeightRead { buffer, k: k.q },
            enable: cat(enable),
            lanes: lanes_that_count(slot.field(AmpDescriptor::COLUMNS)),
            last: finishing.value & block.last,
        };
        for cycle in 1..=LATENCY_CYCLES {
            tag = tag.register_all(&format!("tag_{cycle}"));
        }
        let step = Step {
            valid: io.data_valid,
            at: tag.at,
            start: tag.start,
            weights: tag.weights,
            inputs: io.data,
            enable: tag.enable,
            lanes: tag.lanes,
        };

        // A slot is done when its last step has been written.
        let done = (io.data_valid & tag.last).delay("last_step", amp.step_cycles(), true);
        let stepped = m.register("stepped_state", POINTER_BITS).reset(0);
        m.when(done, || stepped.set(stepped.q + 1));

        let waits = StepperWaits {
            half: active.q & half_waits,
            weights: active.q & !half_waits & weights_wait,
            accumulator: active.q & !half_waits & !weights_wait & accumulator_waits,
        };
        StepperOut {
            next_ready,
            request: ReadRequest { valid: free, address: walk.address },
            step,
            stepped: stepped.q,
            visited,
            issued: issued.value,
            waits,
        }
    }
}

impl Stepper {
    /// A step of this row was issued less than a loop ago.
    fn in_loop(&self, m: &Builder, at: &RowAddress, issued: Signal) -> Signal {
        let mut hit = lit(0, 1);
        let (mut valid, mut before) = (issued, at.clone());
        for cycle in 1..self.config.loop_cycles() {
            valid = valid.register_reset(&format!("in_loop_valid_{cycle}"));
            before = before.register_all(&format!("in_loop_{cycle}"));
            hit = hit | (valid & before.row.eq(at.row) & before.half.eq(at.half));
        }
        m.cover("row_waits_for_its_accumulator", hit);
        hit
    }
}

/// Bytes from a row's first input to the access word that holds value `k`.
fn word_bytes(k: Signal, values: usize, width: usize) -> Signal {
    let low = values.trailing_zeros() as usize;
    let access_low = low + 1;
    if low == 4 { lit(0, width) } else { k.bits(low..4).zero_extend(width) << access_low }
}

/// One bit a lane: it is one of the first `columns`.
pub fn lanes_that_count(columns: Signal) -> Signal {
    let lanes: Vec<Signal> = (0..LANES).rev().map(|lane| columns.gt(lane)).collect();
    cat(lanes)
}
