//! The embedded HDL's proof: random designs, on which four simulators must agree in every output and every cycle, and
//! in every memory at the end.
//!
//! | module       | what it does                                                                        |
//! |--------------|-------------------------------------------------------------------------------------|
//! | [`recipe`]   | designs as plain data; every recipe is a well-formed design                         |
//! | [`strategy`] | how recipes are drawn, with proptest                                                |
//! | [`circuit`]  | a recipe as hardware; `operators` are its operators, [`shape`] its ports and states |
//! | [`stimulus`] | what drives a design                                                                |
//! | [`batch`]    | many designs in one, so that one build is enough                                    |
//! | [`native`]   | the native simulator                                                                |
//! | [`verilator`], [`icarus`], [`yosys`] | simulators of the emitted text                              |
//! | [`run`]      | results and their comparison                                                        |
//! | [`session`]  | draws, runs, compares, shrinks                                                      |
//! | [`faults`]   | deliberate mistakes in the emitted text, which must be noticed                      |
//! | [`regression`] | finds as files                                                                    |
//!
//! `cargo test -p tessera-fuzz` is the short run, `scripts/fuzz-hdl` the long one.

pub mod batch;
pub mod circuit;
pub mod faults;
mod folder;
pub mod icarus;
pub mod native;
mod operators;
pub mod random;
pub mod recipe;
pub mod regression;
pub mod run;
pub mod session;
pub mod shape;
pub mod stimulus;
pub mod strategy;
pub mod verilator;
pub mod yosys;

pub use circuit::Circuit;
pub use recipe::Recipe;
