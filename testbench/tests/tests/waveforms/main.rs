//! Waveforms of a product on the whole tile: the same from both simulators, and readable by others.

mod activity;
mod collect;
mod contract;
mod files;
mod simulators;
