//! The exchange: joins tiles without routers, headers, arbitration or back-pressure.
//!
//! Every tile drives one lane and selects one to listen to; all tiles meet at a barrier, and from that cycle on each
//! runs a schedule that software made. The rooms, in the order in which data flows:
//!
//! | room         | role                                                                        |
//! |--------------|-----------------------------------------------------------------------------|
//! | [`fabric`]   | lanes, source multiplexers, a fixed and published latency                   |
//! | [`sync`]     | the barrier among all tiles or a zone of them                               |
//! | [`schedule`] | from transfers to per-tile send and receive lists, free of conflicts        |
//! | [`grid`]     | the top of many tiles, with a host port to each                             |
//!
//! The exchange port of a tile, which carries out its lists, is in the crate `tile`.

pub mod fabric;
pub mod grid;
pub mod schedule;
pub mod sync;

pub use grid::{Grid, GridConfig, GridError};
