//! Embedded HDL: hardware described in plain Rust, simulated natively, emitted as Verilog.
//!
//! | room        | what is there                                                                   |
//! |-------------|---------------------------------------------------------------------------------|
//! | [`signal`]  | [`Signal`], its operators and what each of them means, bit for bit              |
//! | [`builder`] | [`Builder`]: ports, wires, registers, memories, instances, `when`, assertions   |
//! | [`module`]  | [`Module`] and [`Bundle`]; [`elaborate`] turns a module into a [`Design`]       |
//! | [`mod@states`] | enumerated states of registers                                                  |
//! | [`design`]  | the design graph that every back end reads                                      |
//! | [`check`]   | what is refused: undriven, doubly driven, combinational loops, duplicate names  |
//! | [`bits`]    | constants and values of any width                                               |
//! | [`verilog`] | the Verilog back end                                                            |
//! | [`sim`]     | the native simulator                                                            |
//! | [`wave`]    | waveforms: what they show, VCD and FST                                          |
//! | [`generic`] | hardware that every design needs: stream, FIFO, arbiter, trees                  |
//! | [`fault`]   | deliberate faults, to see whether a test notices                                |
//!
//! A module is a configuration struct. Its `build` function is ordinary Rust over [`Signal`]s, which are `Copy`
//! handles into the module that is being built on this thread:
//!
//! ```
//! use rtl::{Builder, Module, Ports, Signal, bundle};
//!
//! bundle! {
//!     /// One request to count.
//!     pub struct CounterIn { pub enable: Signal }
//! }
//! bundle! {
//!     /// The count so far.
//!     pub struct CounterOut { pub count: Signal }
//! }
//!
//! #[derive(Debug)]
//! struct Counter { bits: usize }
//!
//! impl Module for Counter {
//!     type In = CounterIn;
//!     type Out = CounterOut;
//!     fn name(&self) -> String { format!("counter_{}", self.bits) }
//!     fn inputs(&self, ports: &Ports) -> CounterIn { CounterIn { enable: ports.bit("enable") } }
//!     fn build(&self, m: &Builder, io: CounterIn) -> CounterOut {
//!         let count = m.register("count_state", self.bits).reset(0);
//!         m.when(io.enable, || count.set(count.q + 1));
//!         CounterOut { count: count.q }
//!     }
//! }
//!
//! let design = rtl::elaborate(&Counter { bits: 8 }).unwrap();
//! assert_eq!(design.top().name, "counter_8");
//! ```

pub mod bits;
pub mod builder;
pub mod check;
pub mod design;
pub mod error;
pub mod fault;
pub mod generic;
pub mod module;
pub mod signal;
pub mod sim;
pub mod states;
pub mod verilog;
pub mod wave;

pub use bits::Bits;
pub use builder::{Builder, Memory, Register, Wire};
pub use design::Design;
pub use error::{ElaborationError, ElaborationErrors};
pub use module::{Bundle, Module, Ports, Wires, elaborate};
pub use signal::{Operand, Signal, cat, lit, mux, select};
pub use states::States;
