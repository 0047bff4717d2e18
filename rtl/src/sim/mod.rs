//! The native simulator.
