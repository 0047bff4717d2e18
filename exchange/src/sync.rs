//! Sync: the barrier of each zone of tiles.
//!
//! ```text
//!               +------+
//!  tiles[n] --->| Sync |----> released  (a pulse for each zone: go on, in the same cycle everywhere)
//!               |      |----> broken    (a level for each zone: a tile of it has stopped with an error)
//!               +------+
//! ```
//! | Contract   |                                                                                     |
//! |------------|-------------------------------------------------------------------------------------|
//! | Latency    | [`Sync::latency_cycles`] from the last arrival of a zone to its release; 1 from an  |
//! |            | error to `broken`                                                                   |
//! | Throughput | a barrier of each zone every `latency_cycles` + 1 cycles                            |
//! | Handshake  | `arrive` is a pulse; a tile arrives again after its release at the earliest         |
//! | Order      | zones do not know each other; a tile may be in several                              |
//! | Reset      | nobody has arrived                                                                  |
//! | Does not   | wait for tiles that are not in the zone; remember arrivals of tiles that have       |
//! |            | stopped; end a wait for a tile whose program has ended or was never started         |

use isa::ZONES;
use rtl::generic::tree::tree;
use rtl::{Builder, Module, Ports, Signal, bundle, cat};

/// Tiles that meet between two registers.
const CHUNK: usize = 64;

/// The barrier of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Number of tiles, at least 1.
    pub tiles: usize,
}

bundle! {
    /// What a tile says.
    #[derive(Copy)]
    pub struct SyncTile {
        /// It arrives at the barrier of these zones, one bit each.
        pub arrive: Signal,
        /// The zones that it is in.
        pub zones: Signal,
        /// It runs a program.
        pub running: Signal,
        /// It has stopped with an error.
        pub error: Signal,
    }
}

bundle! {
    /// What all tiles say.
    pub struct SyncIn {
        /// By tile.
        pub tiles: Vec<SyncTile>,
    }
}

bundle! {
    /// What all tiles hear.
    #[derive(Copy)]
    pub struct SyncOut {
        /// Zones whose barrier is complete, one bit each.
        pub released: Signal,
        /// Zones in which a tile has stopped with an error.
        pub broken: Signal,
    }
}

impl Sync {
    /// Cycles from the last arrival to the release.
    pub fn latency_cycles(&self) -> usize {
        2 + self.levels()
    }

    /// Registers inside the tree.
    fn levels(&self) -> usize {
        let (mut left, mut levels) = (self.tiles, 0);
        while left > CHUNK {
            left = left.div_ceil(CHUNK);
            levels += 1;
        }
        levels
    }
}

impl Module for Sync {
    type In = SyncIn;
    type Out = SyncOut;

    fn name(&self) -> String {
        format!("sync_n{}", self.tiles)
    }

    fn inputs(&self, ports: &Ports) -> SyncIn {
        let zones = ZONES as usize;
        let tile = |ports: Ports| SyncTile {
            arrive: ports.input("arrive", zones),
            zones: ports.input("zones", zones),
            running: ports.bit("running"),
            error: ports.bit("error"),
        };
        SyncIn { tiles: (0..self.tiles).map(|i| tile(ports.nested(&format!("tiles_{i}")))).collect() }
    }

    fn build(&self, m: &Builder, io: SyncIn) -> SyncOut {
        m.summary("The barrier of each zone of tiles.");
        let zones = ZONES as usize;
        let release = m.register("released_state", zones).reset(0);

        // Who has arrived, until the release.
        let arrived: Vec<Signal> = (0..)
            .zip(&io.tiles)
            .map(|(i, tile)| {
                let arrived = m.register(&format!("arrived_{i}"), zones).reset(0);
                arrived.set((arrived.q | tile.arrive) & !release.q & tile.running.repeat(zones));
                arrived.q
            })
            .collect();

        // A zone is complete when all of its tiles have arrived, and it has any. Both travel through one tree.
        //   | all of zone 3 .. 0 | any of zone 3 .. 0 |
        let mut parts: Vec<Signal> = io
            .tiles
            .iter()
            .zip(&arrived)
            .map(|(tile, &arrived)| cat([arrived | !tile.zones, arrived & tile.zones]))
            .collect();
        let meet = |a: Signal, b: Signal| {
            cat([a.bits(zones..2 * zones) & b.bits(zones..2 * zones), a.bits(0..zones) | b.bits(0..zones)])
        };
        for level in 0..self.levels() {
            let group = |(i, parts): (usize, &[Signal])| tree(parts, meet).register_reset(&format!("met_{level}_{i}"));
            parts = parts.chunks(CHUNK).enumerate().map(group).collect();
        }
        let met = tree(&parts, meet).named("met");

        // What is in the tree when a zone is released is of the barrier that has just ended.
        let past = (0..self.levels()).fold((release.q, release.q), |(any, last), i| {
            let next = last.register_reset(&format!("past_{i}"));
            (any | next, next)
        });
        release.set(met.bits(zones..2 * zones) & met.bits(0..zones) & !past.0);

        let broken = io.tiles.iter().map(|tile| tile.zones & tile.error.repeat(zones)).collect::<Vec<_>>();
        let broken = tree(&broken, |a, b| a | b).register_reset("broken_state");
        SyncOut { released: release.q, broken }
    }
}
