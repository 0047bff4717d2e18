//! The native simulator, against values worked out by hand and against a reference that shares no code with it.

mod checks;
mod lanes;
mod operators;
mod random;
mod reference;
mod state;
mod trace;
