//! The AMP engine: everything between a command and the AMP unit.
//!
//! ```text
//!   descriptor address --> descriptors --> entries --> loader -----> AMP weights
//!                              |              \          | block
//!                              |               \         v
//!                              |                +----> stepper ----> AMP step
//!                              +--> preloader -----------^---------> AMP preload
//!                              +--> drainer <------------+---------> AMP drain --> results
//! ```
//! Descriptors live in a ring of four slots. Every unit works through the slots in order with a pointer of its own:
//! a unit may work on a slot that the units before it have left. So the next command's descriptor, list and weights
//! are fetched, its partial sums loaded, and the last command's results stored, all while this one computes. Slot s
//! uses accumulator half s mod 2.

pub mod amp_engine;
pub mod descriptors;
pub mod drainer;
pub mod entries;
pub mod loader;
pub mod preloader;
pub mod rows;
pub mod stepper;

pub use amp_engine::AmpEngine;
