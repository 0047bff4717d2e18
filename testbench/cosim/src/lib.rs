//! Verilator from Rust: compile Verilog, cache the build, drive the model.
//!
//! The bridge knows nothing of the HDL in `rtl`: a [`Design`] is Verilog text, the name of a top module and its
//! ports. [`Design::compile`] turns it into a shared library, once per content; [`Model`] runs it.
//!
//! ```
//! # use tessera_cosim as cosim;
//! let design = cosim::Design::from_verilog(
//!     "accumulate",
//!     "module accumulate (input clock, input [7:0] in, output reg [7:0] sum);
//!        initial sum = 0;
//!        always @(posedge clock) sum <= sum + in;
//!      endmodule",
//! )
//! .input("clock", 1)
//! .input("in", 8)
//! .output("sum", 8);
//!
//! let mut model = design.simulate(&cosim::Options::default())?;
//! let (input, sum) = (model.port("in")?, model.port("sum")?);
//! model.set_u64(input, 3);
//! model.step(2)?;
//! assert_eq!(model.get_u64(sum), 6);
//! assert_eq!(model.run_until(sum, 30, 100)?, 8);
//! # Ok::<(), cosim::Error>(())
//! ```
//!
//! | module      | what it does                                                             |
//! |-------------|--------------------------------------------------------------------------|
//! | `design`    | Verilog sources, top module, ports                                       |
//! | `options`   | how to build: optimization, tracing, public memories                     |
//! | `tools`     | finds Verilator, the C++ compiler, the target folder; runs programs      |
//! | `cache`     | folders that are built once, under a lock, and appear when complete      |
//! | `generated` | reads what Verilator wrote; checks the port list                         |
//! | `compile`   | Verilator, then the C++ compiler, then the linker                        |
//! | `cpp/`      | the C interface around a model, and the hooks into Verilator's runtime   |
//! | `library`   | loads that C interface                                                   |
//! | `value`     | values of any width in Verilator's layout                                |
//! | `model`     | ports, clock, messages; `memory` and `trace` add memories and waveforms  |
//! | `lint`      | Verilator's lint, Icarus Verilog and Yosys on the same [`Design`]        |
//!
//! Safe to use from parallel tests and from several processes: one of them compiles, the others wait.

mod cache;
mod compile;
mod compiled;
mod design;
mod error;
mod generated;
mod library;
mod lint;
mod memory;
mod model;
mod options;
mod tools;
mod trace;
mod value;

pub use compiled::{CompiledDesign, InitialState};
pub use design::{Design, Direction};
pub use error::Error;
pub use lint::{Message, icarus_lint, verilator_lint, yosys};
pub use memory::Memory;
pub use model::{Model, Port};
pub use options::{Optimization, Options, Public, Trace};
pub use tools::{Verilator, default_cache};
pub use trace::TraceScope;
