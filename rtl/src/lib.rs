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
//! # A module from description to Verilog
//!
//! A module is a configuration struct: two counters of different widths are two values of one type. `inputs` declares
//! its input ports, and `build` is ordinary Rust over [`Signal`]s, which are `Copy` handles into the module that is
//! being built on this thread; `for`, `if` and functions run while the hardware is described, [`mux`] and
//! [`Builder::when`] become hardware. Clock and reset are there where a register needs them, and are not ports that one
//! passes around.
//!
//! [`elaborate`] builds the module and everything below it and checks the result. What is wrong is reported together,
//! each with its Rust source line. The [`Design`] that it returns is what [`sim::Simulator`] runs and what
//! [`verilog::emit`] writes; the two mean the same.
//!
//! ```
//! use rtl::sim::Simulator;
//! use rtl::{Builder, Module, Ports, Signal, bundle, verilog};
//!
//! // Ports: a bundle of signals for each direction. Field names are port names.
//! bundle! {
//!     /// What may happen to the count.
//!     pub struct CounterIn { pub enable: Signal, pub clear: Signal }
//! }
//! bundle! {
//!     /// The count so far.
//!     pub struct CounterOut { pub count: Signal, pub last: Signal }
//! }
//!
//! // The module: a configuration, its name in Verilog, its inputs, its hardware.
//! #[derive(Debug)]
//! struct Counter { bits: usize }
//!
//! impl Module for Counter {
//!     type In = CounterIn;
//!     type Out = CounterOut;
//!     fn name(&self) -> String { format!("counter_{}", self.bits) }
//!     fn inputs(&self, ports: &Ports) -> CounterIn {
//!         CounterIn { enable: ports.bit("enable"), clear: ports.bit("clear") }
//!     }
//!     fn build(&self, m: &Builder, io: CounterIn) -> CounterOut {
//!         m.summary("Counts the cycles with `enable`.");
//!         let count = m.register("count", self.bits).reset(0);
//!         m.when(io.clear, || count.set(0)).or_when(io.enable, || count.set(count.q + 1));
//!         CounterOut { count: count.q, last: count.q.all() }
//!     }
//! }
//!
//! // Elaborate it.
//! let design = rtl::elaborate(&Counter { bits: 2 }).unwrap();
//! assert_eq!(design.top().name, "counter_2");
//!
//! // Simulate it: ports are found once by name; a step is a rising clock edge.
//! let mut sim = Simulator::new(&design).unwrap();
//! let (enable, clear) = (sim.input("enable").unwrap(), sim.input("clear").unwrap());
//! let (count, last) = (sim.output("count").unwrap(), sim.output("last").unwrap());
//! sim.reset(1).unwrap();
//! sim.set(enable, 1);
//! sim.step(3).unwrap();
//! assert_eq!((sim.get(count), sim.get(last)), (3, 1));
//! sim.set(clear, 1);
//! sim.step(1).unwrap();
//! assert_eq!((sim.get(count), sim.get(last)), (0, 0));
//!
//! // Emit it: one file for each module, here one.
//! let files = verilog::emit(&design, &verilog::Options::default());
//! assert_eq!(files[0].name, "counter_2.v");
//! let lines: Vec<&str> = files[0].text.lines().map(str::trim).collect();
//! for line in [
//!     "// counter_2: Counts the cycles with `enable`.",
//!     "module counter_2 (",
//!     "output reg  [1:0] count,",
//!     "always @(posedge clock) begin",
//!     "else if (clear) count <= 2'd0;",
//!     "else if (enable) count <= count + 2'd1;",
//!     "assign last = &count;",
//! ] {
//!     assert!(lines.contains(&line), "{line}");
//! }
//! ```
//!
//! Where to look next: [`signal`] has every operator with its widths and an example, [`builder`] the same for wires,
//! registers, memories, instances, conditions and assertions, [`mod@states`] state machines, and [`generic`] modules
//! to read and to use.

pub mod bits;
pub mod builder;
pub mod check;
pub mod design;
pub mod error;
#[doc(hidden)]
pub mod example;
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
