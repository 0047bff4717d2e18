//! The bridge with a real Verilator, on small hand-written Verilog.
//!
//! One program, so that its tests share the compiled `bench.v`.

mod build;
mod common;
mod lint;
mod model;
