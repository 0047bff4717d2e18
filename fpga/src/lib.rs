//! Boards: tops, constraints, host link and flows that put tiles on an FPGA.
//!
//! | room     | role                                                                            |
//! |----------|---------------------------------------------------------------------------------|
//! | `boards` | a board as a small description: part, clock, pins, tile configuration           |
//! | `link`   | UART and AXI4-Lite in front of the tile's host port                             |
//! | `flow`   | synthesis, place and route, bitstream, and what the tools reported              |
//!
//! None of them is built yet; `tessera emit` writes the Verilog that any flow takes.
//!
//! With the feature `rust-hdl`, `rust_hdl` puts generated modules into designs that are written in rust-hdl 0.46.

#[cfg(feature = "rust-hdl")]
pub mod rust_hdl;
