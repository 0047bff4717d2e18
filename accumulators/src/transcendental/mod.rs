//! Transcendental unit: exp, exp2, ln, log2, tanh, sigmoid, reciprocal, square root and its reciprocal.
//!
//! ```text
//!               +----------------+
//!  operation -->|                |----> result     FP32, or FP16 in the low 16 bits
//!  fp16 ------->| Transcendental |----> flags      invalid, overflow, underflow, inexact
//!  operand ---->|                |
//!  advance ---->|                |
//!               +----------------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | [`LATENCY_CYCLES`] = 26 cycles with `advance`                                    |
//! | Throughput | one result a cycle, of any function                                              |
//! | Handshake  | `advance` moves every stage by one; without it all hold                          |
//! | Numerics   | FP16: correctly rounded; FP32: within 0.51 ulp, monotonic; subnormals kept;      |
//! |            | special values as in C's libm, NaN is canonical: the table in `docs/transcendental.md` |
//! | Flags      | a pole (ln 0, 1/0) raises overflow without inexact; underflow is tiny before rounding |
//! | Does not   | saturate on overflow: the result is an infinity                                  |
//!
//! ```text
//!   operand --> reduce --+--> curve ------------> round --> result, flags
//!               8 cycles |    9 cycles            9 cycles
//!                        +--> recipe, delayed 9 --^
//! ```
//! | file       | what it does                                                                        |
//! |------------|-------------------------------------------------------------------------------------|
//! | [`operand`] | takes the operand apart, finds special results                                     |
//! | [`reduce`] | brings the operand to a region of the tables and a fraction, says what to make of the value there |
//! | [`curve`]  | table and cubic: the region's curve at the fraction                                 |
//! | [`round`]  | adds, normalises, rounds, or puts a special value                                   |

pub mod curve;
pub mod operand;
pub mod reduce;
pub mod round;

use rtl::{Builder, Module, Ports, Signal, bundle};

use crate::format::FP32;
use crate::read_out::{ResultFlags, stage};
use curve::{Curve, CurveIn, CurveOut};
use reduce::{Recipe, Reduce, Reduced};
use round::{Round, RoundIn, RoundOut};

/// Cycles from operand to result.
pub const LATENCY_CYCLES: usize = reduce::LATENCY_CYCLES + curve::LATENCY_CYCLES + round::LATENCY_CYCLES;

/// The transcendental unit.
#[derive(Clone, Copy, Debug)]
pub struct Transcendental;

bundle! {
    /// A function and its operand.
    pub struct TranscendentalIn {
        /// Moves the pipeline.
        pub advance: Signal,
        /// A [`functions::Function::code`]; the result of another number means nothing.
        pub operation: Signal,
        /// Operand and result are FP16; else FP32.
        pub fp16: Signal,
        /// FP32, or FP16 in the low 16 bits.
        pub operand: Signal,
    }
}

bundle! {
    /// Result and flags.
    pub struct TranscendentalOut {
        /// FP32, or FP16 below zeros.
        pub result: Signal,
        /// What happened.
        pub flags: ResultFlags,
    }
}

impl Module for Transcendental {
    type In = TranscendentalIn;
    type Out = TranscendentalOut;

    fn name(&self) -> String {
        "transcendental".into()
    }

    fn inputs(&self, ports: &Ports) -> TranscendentalIn {
        TranscendentalIn {
            advance: ports.bit("advance"),
            operation: ports.input("operation", functions::function::CODE_BITS),
            fp16: ports.bit("fp16"),
            operand: ports.input("operand", FP32.bits()),
        }
    }

    fn build(&self, m: &Builder, io: TranscendentalIn) -> TranscendentalOut {
        m.summary("Nine functions of one number, FP32 or FP16, one result a cycle.");
        let advance = io.advance;
        let Reduced { region, fraction, recipe } = m.instance("reduce", &Reduce, io);
        let CurveOut { value } = m.instance("curve", &Curve, CurveIn { advance, region, fraction });
        let recipe = delay_recipe(m, advance, recipe);
        let RoundOut { result, flags } = m.instance("round", &Round, RoundIn { advance, value, recipe });
        TranscendentalOut { result, flags }
    }
}

/// The recipe waits for the value.
fn delay_recipe(m: &Builder, advance: Signal, recipe: Recipe) -> Recipe {
    (1..=curve::LATENCY_CYCLES).fold(recipe, |recipe, cycle| stage(m, &format!("recipe_{cycle}"), advance, &recipe))
}
