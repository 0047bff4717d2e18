//! The arithmetic against the golden model, on the native simulator and on Verilator; deliberate faults in it; the
//! weight store and the whole AMP against scoreboards.
//!
//! | file           | what is there                                                                 |
//! |----------------|-------------------------------------------------------------------------------|
//! | `bench`        | a module with all arithmetic units side by side                               |
//! | `simulators`   | the native simulator and Verilator behind one trait                           |
//! | `numbers`      | FP16 and FP32 numbers of every sort                                           |
//! | `cases`        | operands, states and modes: directed and random                               |
//! | `expected`     | what golden says about a case                                                 |
//! | `agreement`    | runs cases through a bench and compares every result and every flag           |
//! | `against_golden` | item by item: who agrees over how many cases                                |
//! | `products`     | dot products of one term side by side                                         |
//! | `proofs`       | not a test: what takes minutes, for `scripts/proofs`                          |
//! | `mutation`     | injects deliberate faults, one after the other                                |
//! | `faults`       | every deliberate fault is noticed                                             |
//! | `transcendental` | the transcendental unit: every FP16 number, a million FP32 numbers a function      |
//! | `transcendental_faults` | every deliberate fault in it is noticed                                |
//! | `random`       | the random generator                                                             |
//! | `vector`       | the vector ALU: every pair of exponent classes, and operands at random          |
//! | `vector_faults` | every deliberate fault in it is noticed                                        |
//! | `weight_store` | the weight store against a plain array                                        |
//! | `amp`          | the AMP, cycle by cycle, against `amp_model`                                  |

mod against_golden;
mod agreement;
mod amp;
mod amp_model;
mod bench;
mod cases;
mod expected;
mod faults;
mod mutation;
mod numbers;
mod products;
mod random;
mod simulators;
mod transcendental;
mod transcendental_faults;
mod vector;
mod vector_faults;
mod weight_store;

/// Seed of every test that does not say otherwise.
const SEED: u64 = 0x7e55_e7a1;
