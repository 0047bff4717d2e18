//! Embedded HDL: signals, modules, memories, a Verilog back end and a native simulator.
