//! Lane: one column of the AMP: a dot product, an accumulator, and the memory of its accumulators.
//!
//! ```text
//!                 +------+
//!  products ----->|      |
//!  step --------->| Lane |----> flags
//!  preload ------>|      |----> drained   (state of one accumulator)
//!  drain -------->|      |
//!                 +------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | operands to new state: [`AmpConfig::state_cycles`] and                           |
//! |            | [`AmpConfig::accumulate_cycles`]; `drain` to `drained`: 1                        |
//! | Throughput | one step, one drained accumulator and one preload a cycle                        |
//! | Handshake  | the caller keeps steps of one row [`AmpConfig::loop_cycles`] apart, and          |
//! |            | steps, drains and preloads of one half apart from each other                     |
//! | Does not   | know which rows were visited: `start` says that a step begins from +0            |
//!
//! Timing of a step; cycle 0 is that of the operands:
//!
//! ```text
//!  standard cells
//!  cycle      0          1          2            3           4
//!  products   multiply   place      |
//!  FP32       read       place      add          normalise   round, write
//!  exact                 read       add, write
//!  one term   multiply,  align      add          round,
//!             read                               write
//!
//!  FPGA, four terms
//!  cycle      0       1      2         3       4      5    6      7          8          9
//!  products   gate    shift  multiply  rotate  place  add  |
//!  FP32                                read    place  raise  add  normalise  normalise  round, write
//!  exact                                              read add, write
//! ```

use rtl::wave::Format;
use rtl::{Builder, Module, Ports, Signal, bundle, mux};

use crate::config::AmpConfig;
use crate::dot_product::{DotProductIn, DotProductOut, unpacked_ports};
use crate::format::FP16;

bundle! {
    /// What an accumulator adds.
    pub struct AccumulateIn {
        /// Of FP32 [`crate::fp32::Fp32Accumulate::products_cycles`] after the state; of the exact accumulator together with it.
        pub products: DotProductOut,
        /// The state before.
        pub state: Signal,
    }
}

bundle! {
    /// The new state.
    pub struct AccumulateOut {
        /// The state after.
        pub next_state: Signal,
        /// What happened on the way.
        pub flags: StepFlags,
    }
}

bundle! {
    /// Flags of a step.
    pub struct StepFlags {
        /// NV.
        pub invalid: Signal,
        /// NX.
        pub inexact: Signal,
        /// The sum left the accumulator's range.
        pub headroom: Signal,
    }
}

bundle! {
    /// What happens in the memory of one half.
    pub struct HalfControl {
        /// A step or a drain reads.
        pub read_enable: Signal,
        /// Row that is read.
        pub read_row: Signal,
        /// A step or a preload writes.
        pub write_enable: Signal,
        /// Row that is written.
        pub write_row: Signal,
    }
}

impl HalfControl {
    /// Declares the ports.
    pub fn ports(ports: &Ports, row_bits: usize) -> HalfControl {
        HalfControl {
            read_enable: ports.bit("read_enable"),
            read_row: ports.input("read_row", row_bits),
            write_enable: ports.bit("write_enable"),
            write_row: ports.input("write_row", row_bits),
        }
    }
}

bundle! {
    /// Operands and control.
    pub struct LaneIn {
        /// Operands of the dot product: cycle 0 of a step.
        pub operands: DotProductIn,
        /// Half of the step whose state was read in the cycle before.
        pub step_half: Signal,
        /// That step begins from +0.
        pub step_start: Signal,
        /// The two halves of the memory.
        pub halves: Vec<HalfControl>,
        /// Half 0 or 1 writes a preload rather than a step: one bit each.
        pub preload_half: Signal,
        /// State that a preload writes.
        pub preload_state: Signal,
        /// Half that was read for `drained`.
        pub drain_half: Signal,
    }
}

bundle! {
    /// Results.
    pub struct LaneOut {
        /// State of the accumulator that a drain read, one cycle after the read.
        pub drained: Signal,
        /// Flags of a step, in the cycle in which its state is written.
        pub flags: StepFlags,
    }
}

/// One lane of the AMP.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// Configuration of the AMP.
    pub config: AmpConfig,
}

impl Module for Lane {
    type In = LaneIn;
    type Out = LaneOut;

    fn name(&self) -> String {
        self.config.module_name("lane")
    }

    fn inputs(&self, ports: &Ports) -> LaneIn {
        let AmpConfig { terms, accumulator, .. } = self.config;
        let operands = ports.nested("operands");
        LaneIn {
            operands: DotProductIn {
                x: (0..terms).map(|i| unpacked_ports(&operands.nested(&format!("x_{i}")))).collect(),
                w: operands.input("w", terms * FP16.bits()).shown_as(Format::Fp16),
                enable: operands.input("enable", terms),
            },
            step_half: ports.bit("step_half"),
            step_start: ports.bit("step_start"),
            halves: (0..2)
                .map(|i| HalfControl::ports(&ports.nested(&format!("halves_{i}")), self.config.row_bits()))
                .collect(),
            preload_half: ports.input("preload_half", 2),
            preload_state: ports.input("preload_state", accumulator.state_bits()),
            drain_half: ports.bit("drain_half"),
        }
    }

    fn build(&self, m: &Builder, io: LaneIn) -> LaneOut {
        m.summary("One column of the AMP: dot product, accumulator, and the memory of two halves of accumulators.");
        let AmpConfig { rows, accumulator, .. } = self.config;
        let state_bits = accumulator.state_bits();

        let next_state = m.wire("stepped_state", state_bits);
        let states: Vec<Signal> = io
            .halves
            .iter()
            .enumerate()
            .map(|(half, control)| {
                let memory = m.memory(&format!("accumulators_{half}"), rows, state_bits).collision_free();
                let data = mux(io.preload_half.bit(half), io.preload_state, next_state.value);
                memory.write(control.write_row, data, control.write_enable);
                let state = memory.read_registered(&format!("state_{half}"), control.read_row, control.read_enable);
                accumulator.shown(state)
            })
            .collect();

        // All zeros is +0 in both kinds of state.
        let previous = mux(io.step_half, states[1], states[0]) & (!io.step_start).repeat(state_bits);
        let AccumulateOut { next_state: state, flags } = self.config.arithmetic().instances(m, io.operands, previous);
        next_state.set(state);
        accumulator.shown(next_state.value);
        LaneOut { drained: mux(io.drain_half, states[1], states[0]), flags }
    }
}
