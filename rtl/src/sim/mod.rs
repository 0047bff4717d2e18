//! The native simulator: a [`Design`](crate::Design) compiled once and run cycle by cycle.
//!
//! ```
//! use rtl::sim::Simulator;
//! # use rtl::{Builder, Module, Ports, Signal, bundle};
//! # bundle! { struct In { enable: Signal } }
//! # bundle! { struct Out { count: Signal } }
//! # #[derive(Debug)]
//! # struct Counter;
//! # impl Module for Counter {
//! #     type In = In;
//! #     type Out = Out;
//! #     fn name(&self) -> String { "counter".into() }
//! #     fn inputs(&self, ports: &Ports) -> In { In { enable: ports.bit("enable") } }
//! #     fn build(&self, m: &Builder, io: In) -> Out {
//! #         let count = m.register("count", 8).reset(0);
//! #         m.when(io.enable, || count.set(count.q + 1));
//! #         Out { count: count.q }
//! #     }
//! # }
//! let design = rtl::elaborate(&Counter).unwrap();
//! let mut sim = Simulator::new(&design).unwrap();
//! let enable = sim.input("enable").unwrap();
//! let count = sim.output("count").unwrap();
//! sim.reset(1).unwrap();
//! sim.set(enable, 1);
//! sim.step(5).unwrap();
//! assert_eq!(sim.get(count), 5);
//! ```
//!
//! | Contract   |                                                                                                  |
//! |------------|--------------------------------------------------------------------------------------------------|
//! | Values     | two-valued, as the documentation of [`crate::design`] says bit for bit                            |
//! | Time       | one clock; [`Simulator::step`] takes rising edges, between them values settle when they are read |
//! | Power-up   | registers, read ports and inputs zero; memories at their initial contents                        |
//! | Edge       | registers, memories and clocked read ports take their new values together                        |
//! | Assertions | those of the design, memory addresses below the depth, `collision_free`; at edges without reset  |
//! | Waveforms  | [`Simulator::trace`]; see [`crate::wave`] for what they show when                                |
//!
//! How it works: the hierarchy is flattened into a graph of 64-bit words in which each expression exists once
//! (`compile`). Words that repetitions have in common, such as the same wire of sixteen lanes, lie side by side and are
//! computed eight at a time, which is an instruction or two of the processor (`compile::lanes`). Words are put into
//! batches of equal operations (`compile::schedule`), and the interpreter (`run`) goes through the batches. What
//! depends on states alone is computed once for each edge; only what depends on inputs is computed again when inputs
//! change between two edges. What nothing needs but registers that keep their values without an enable is computed only
//! where it holds (`compile::held`): a pipeline that stands still costs nothing.

mod arena;
mod compile;
mod edge;
mod error;
mod hierarchy;
mod memory;
mod program;
mod run;
mod simulator;
mod trace;
mod wide;

pub use error::{AssertionFailure, RunError, SimulatorError};
pub use memory::MemoryHandle;
pub use simulator::{InputPort, OutputPort, RegisterHandle, Simulator};
