//! The exchange: joins tiles without routers, headers, arbitration or back-pressure.
//!
//! Every tile will drive one lane and select one to listen to; all tiles meet at a barrier, and from that cycle on each
//! runs a schedule that software made. The rooms, in the order in which data flows:
//!
//! | room         | role                                                                        |
//! |--------------|-----------------------------------------------------------------------------|
//! | [`fabric`]   | lanes, source multiplexers, a fixed and published latency                   |
//! | `sync`       | the barrier among all tiles or a zone of them                               |
//! | [`schedule`] | from transfers to per-tile send and receive lists, free of conflicts        |
//! | `grid`       | the top of many tiles, with a host port to each                             |
//!
//! `sync` and `grid` are not built yet, nor is the exchange port in the tile: a tile refuses EXCHANGE and SYNC with the
//! code UNSUPPORTED.

pub mod fabric;
pub mod schedule;
