//! Vector ALU: the elementwise operations of the vector engine, on four elements at once.
//!
//! ```text
//!             +-----------+
//!  mode ----->|           |
//!  a, b, c -->| VectorAlu |----> result     for each lane: FP32 or FP16
//!  random --->|           |----> flags      for each lane: invalid, overflow, underflow, inexact
//!  advance -->|           |----> events     for each lane: what the host's counters count
//!             +-----------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 8 cycles with `advance`                                     |
//! | Throughput | four FP16 elements a cycle, or two of which something is FP32                    |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | exact, then one rounding to the format of the result: RNE, or stochastic to FP16 |
//! |            | subnormals kept; NaN is canonical; underflow is tiny before rounding and inexact |
//! | Does not   | know which elements count: the caller masks flags and events                     |
//!
//! Lanes 0 and 1 take both formats, lanes 2 and 3 FP16 only: [`LANES`].
//!
//! | file       | what it does                                                                     |
//! |------------|----------------------------------------------------------------------------------|
//! | [`lane`]   | one element: an exact product and sum in a window                                |
//! | [`operand`] | operands taken apart, compared and chosen from                                  |
//! | [`round`]  | normalises and rounds the sum                                                    |

pub mod lane;
pub mod operand;
pub mod round;

use rtl::{Builder, Module, Ports, Signal, bundle};

use crate::format::{FP16, FP32, Format};
use crate::read_out::RANDOM_BITS;
use lane::{VectorLane, VectorLaneIn};

pub use lane::{LATENCY_CYCLES, VectorLaneOut};

/// The widest format of each lane.
pub const LANES: [Format; 4] = [FP32, FP32, FP16, FP16];

/// Bits of an operation's code.
pub const OPERATION_BITS: usize = 5;

bundle! {
    /// What is done.
    pub struct VectorMode {
        /// An elementwise [`isa::VectorOperation`] other than a function; the result of another code means nothing.
        pub operation: Signal,
        /// Operands and results are FP16. Else operands are FP32, and lanes 2 and 3 mean nothing.
        pub fp16: Signal,
        /// Results are FP16, of FP32 operands; always one with `fp16`.
        pub result_fp16: Signal,
        /// FP16 results are rounded stochastically; else to nearest even.
        pub stochastic: Signal,
        /// Overflow gives the largest finite number; else infinity.
        pub saturate: Signal,
    }
}

bundle! {
    /// Operands.
    pub struct VectorAluIn {
        /// Moves the pipeline.
        pub advance: Signal,
        /// What is done with all elements.
        pub mode: VectorMode,
        /// For each lane [`RANDOM_BITS`](crate::read_out::RANDOM_BITS).
        pub random: Vec<Signal>,
        /// Operand a of each lane, as wide as its format; FP16 in the low bits.
        pub a: Vec<Signal>,
        /// Operand b.
        pub b: Vec<Signal>,
        /// Operand c.
        pub c: Vec<Signal>,
    }
}

bundle! {
    /// Results.
    pub struct VectorAluOut {
        /// One for each lane.
        pub lanes: Vec<VectorLaneOut>,
    }
}

/// The vector ALU.
#[derive(Clone, Copy, Debug)]
pub struct VectorAlu;

impl VectorMode {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> VectorMode {
        VectorMode {
            operation: ports.input("operation", OPERATION_BITS),
            fp16: ports.bit("fp16"),
            result_fp16: ports.bit("result_fp16"),
            stochastic: ports.bit("stochastic"),
            saturate: ports.bit("saturate"),
        }
    }
}

impl Module for VectorAlu {
    type In = VectorAluIn;
    type Out = VectorAluOut;

    fn name(&self) -> String {
        "vector_alu".into()
    }

    fn inputs(&self, ports: &Ports) -> VectorAluIn {
        let operands = |name: &str| {
            let lanes = LANES.iter().enumerate();
            lanes.map(|(lane, format)| ports.input(&format!("{name}_{lane}"), format.bits())).collect()
        };
        VectorAluIn {
            advance: ports.bit("advance"),
            mode: VectorMode::ports(&ports.nested("mode")),
            random: ports.array("random", LANES.len(), RANDOM_BITS),
            a: operands("a"),
            b: operands("b"),
            c: operands("c"),
        }
    }

    fn build(&self, m: &Builder, io: VectorAluIn) -> VectorAluOut {
        m.summary("The elementwise operations of the vector engine, on four elements at once.");
        let lanes = LANES.iter().enumerate().map(|(lane, &widest)| {
            let inputs = VectorLaneIn {
                advance: io.advance,
                mode: io.mode.clone(),
                random: io.random[lane],
                a: io.a[lane],
                b: io.b[lane],
                c: io.c[lane],
            };
            m.instance(&format!("lane_{lane}"), &VectorLane { widest }, inputs)
        });
        VectorAluOut { lanes: lanes.collect() }
    }
}
