//! Verilator from Rust: compile the emitted Verilog, cache it, drive it.
