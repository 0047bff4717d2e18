//! Grid: many tiles, the fabric and the barrier that join them, and a host port to each.
//!
//! ```text
//!                       +----------------------------------------------------------+
//!  broadcast ---------->|             +--> tile 0 ---- lane, select ---> |        |
//!  hosts[n] ----------->|  broadcast -+--> tile 1 ---- lane, select ---> | fabric |
//!  host responses <-----|             +--> ...     <-- received word --- |        |
//!  status <-------------|                    \---- arrive, release ----- sync     |
//!                       +----------------------------------------------------------+
//! ```
//! | Contract   |                                                                                     |
//! |------------|-------------------------------------------------------------------------------------|
//! | Host ports | one for each tile as [`tile::tile`] has it, and one for writes to all tiles         |
//! | Program    | each tile runs its own; a START that is broadcast starts all in one cycle           |
//! | Exchange   | words arrive [`FabricConfig::latency_cycles`] after they were driven                |
//! | Barrier    | releases a zone [`Sync::latency_cycles`] after its last tile has arrived            |
//! | Status     | a bit for each tile: running, done, error                                           |
//! | Reset      | synchronous, active high; clears control, not the SRAM                              |

pub mod broadcast;

use isa::Limits;
use rtl::{Builder, Module, Ports, Signal, bundle, cat};
use thiserror::Error;
use tile::exchange_port::{Arrivals, FIRST_WORD_CYCLES, Lane};
use tile::sram::{self, HostRequest};
use tile::tile::{TileExchangeIn, TileIn, TileOut};
use tile::{ExchangePortConfig, Tile, TileConfig, TileConfigError};

use self::broadcast::{Broadcast, BroadcastAnswer, BroadcastIn, BroadcastRequest, HostAnswer};
use crate::fabric::{Fabric, FabricConfig, FabricError, FabricIn, FabricOut, Faults};
use crate::schedule::{ListTiming, Machine};
use crate::sync::{Sync, SyncIn, SyncOut, SyncTile};

/// A machine of equal tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridConfig {
    /// Each tile.
    pub tile: TileConfig,
    /// What joins them, and how many they are.
    pub fabric: FabricConfig,
}

/// A machine that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GridError {
    /// The tile.
    #[error(transparent)]
    Tile(#[from] TileConfigError),
    /// The fabric.
    #[error(transparent)]
    Fabric(#[from] FabricError),
}

impl GridConfig {
    /// `tiles` tiles, 32-bit lanes.
    pub fn new(tile: TileConfig, tiles: usize) -> GridConfig {
        GridConfig { tile, fabric: FabricConfig::new(tiles) }
    }

    /// Refuses what cannot be built.
    ///
    /// # Errors
    /// The first field that is out of range, with the legal values.
    pub fn validate(&self) -> Result<(), GridError> {
        self.tile.validate()?;
        Ok(self.fabric.validate()?)
    }

    /// Multiply-accumulates that all tiles can do in a cycle.
    pub fn macs_per_cycle(&self) -> usize {
        self.tiles() * self.tile.macs_per_cycle()
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.fabric.tiles
    }

    /// The barrier.
    pub fn sync(&self) -> Sync {
        Sync { tiles: self.fabric.tiles }
    }

    /// The exchange port of each tile.
    pub fn exchange_port(&self) -> ExchangePortConfig {
        ExchangePortConfig {
            lane_words: self.fabric.lane_bits / 32,
            source_bits: self.fabric.source_bits(),
            latency_cycles: self.fabric.latency_cycles(),
            unheard_cycles: FabricConfig::UNHEARD_CYCLES,
        }
    }

    /// Each tile as hardware.
    pub fn tile(&self) -> Tile {
        Tile::with_exchange(self.tile.clone(), self.exchange_port())
    }

    /// What decides which programs are legal on a tile of this machine.
    pub fn limits(&self) -> Limits {
        self.tile.limits().with_exchange(self.exchange_port().lane_words as u32)
    }

    /// What a schedule is made for.
    pub fn machine(&self) -> Machine {
        Machine {
            tiles: self.tiles(),
            lane_words: self.fabric.lane_bits / 32,
            memory_words: self.tile.memory_bytes() / 4,
            bank_words: self.tile.bank_bytes() / 4,
            latency_cycles: self.fabric.latency_cycles() as u64,
            read_cycles: sram::LATENCY_CYCLES as u64,
            lists: ListTiming::DEFAULT,
        }
    }

    /// Cycles of a SYNC that is the last to arrive, and of the exchange that it starts, until a tile's port is idle whose
    /// last word, sent or received, leaves its source in the cycle before `end_cycle`.
    pub fn exchange_cycles(&self, end_cycle: u64) -> u64 {
        self.sync().latency_cycles() as u64 + self.exchange_port().idle_after_cycles(end_cycle)
    }

    /// The cycle of an exchange in which its first word can be on a lane, counted from the last arrival.
    pub fn first_word_cycles(&self) -> u64 {
        (self.sync().latency_cycles() + FIRST_WORD_CYCLES) as u64
    }
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Configuration; must be valid.
    pub config: GridConfig,
}

bundle! {
    /// The hosts' side in.
    pub struct GridIn {
        /// Writes to all tiles.
        pub broadcast: BroadcastRequest,
        /// Requests, by tile.
        pub hosts: Vec<HostRequest>,
    }
}

bundle! {
    /// The hosts' side out.
    pub struct GridOut {
        /// Of writes to all tiles.
        pub broadcast: BroadcastAnswer,
        /// Of each tile.
        pub hosts: Vec<HostAnswer>,
        /// A tile runs a program.
        pub running: Signal,
        /// Which tiles do.
        pub status_running: Signal,
        /// Whose last program ended by itself.
        pub status_done: Signal,
        /// Whose last program was stopped.
        pub status_error: Signal,
    }
}

impl Module for Grid {
    type In = GridIn;
    type Out = GridOut;

    fn name(&self) -> String {
        format!("grid_n{}", self.config.tiles())
    }

    fn inputs(&self, ports: &Ports) -> GridIn {
        let host = |tile| HostRequest::ports(&ports.nested(&format!("hosts_{tile}")));
        GridIn {
            broadcast: BroadcastRequest::ports(&ports.nested("broadcast")),
            hosts: (0..self.config.tiles()).map(host).collect(),
        }
    }

    fn build(&self, m: &Builder, io: GridIn) -> GridOut {
        m.summary("Tiles, the fabric and the barrier that join them, and a host port to each.");
        let (tiles, port) = (self.config.tiles(), self.config.exchange_port());

        // What comes back to those who ask; declared before the tiles are.
        let by_tile = |name: &str, i: usize| format!("{name}_{i}");
        let answers = m.wires("answers", |ports| {
            (0..tiles).map(|i| HostAnswer::ports(&ports.nested(&i.to_string()))).collect::<Vec<_>>()
        });
        let arrivals = m.wires("arrivals", |ports| {
            (0..tiles).map(|i| Arrivals::ports(&ports.nested(&i.to_string()), port.lane_bits())).collect::<Vec<_>>()
        });
        let release = m.wire("released", isa::ZONES as usize);
        let broken = m.wire("broken", isa::ZONES as usize);

        let inputs = BroadcastIn { broadcast: io.broadcast, hosts: io.hosts, tiles: answers.value.clone() };
        let hosts = m.instance("broadcast", &Broadcast { tiles }, inputs);
        let tile = self.config.tile();
        let outputs: Vec<TileOut> = (0..tiles)
            .map(|i| {
                let machine =
                    TileExchangeIn { arrivals: arrivals.value[i], released: release.value, broken: broken.value };
                let inputs = TileIn { host_request: hosts.requests[i].clone(), exchange: Some(machine) };
                m.instance(&by_tile("tile", i), &tile, inputs)
            })
            .collect();

        let machines: Vec<_> = outputs.iter().map(|tile| tile.exchange.clone().expect("an exchange port")).collect();
        let fabric: FabricOut = m.instance(
            "fabric",
            &Fabric { config: self.config.fabric },
            FabricIn {
                lanes: machines.iter().map(|tile| tile.lane).collect(),
                selects: machines.iter().map(|tile| tile.select).collect(),
            },
        );
        let arrive = |(received, faults): (&Lane, &Faults)| Arrivals {
            received: *received,
            silent: faults.silent,
            missing: faults.missing,
            unheard: faults.unheard,
        };
        arrivals.set(&fabric.received.iter().zip(&fabric.faults).map(arrive).collect());

        let sync_tile = |(tile, out): (&tile::tile::TileExchangeOut, &TileOut)| SyncTile {
            arrive: tile.arrive,
            zones: tile.zones,
            running: out.status_running,
            error: out.status_error,
        };
        let SyncOut { released: complete, broken: stopped } = m.instance(
            "sync",
            &self.config.sync(),
            SyncIn { tiles: machines.iter().zip(&outputs).map(sync_tile).collect() },
        );
        release.set(complete);
        broken.set(stopped);

        let answer = |tile: &TileOut| HostAnswer {
            ready: tile.host_request_ready,
            response_valid: tile.host_response_valid,
            response_data: tile.host_response_data,
            response_error: tile.host_response_error,
        };
        answers.set(&outputs.iter().map(answer).collect());
        let status = |of: fn(&TileOut) -> Signal| cat(outputs.iter().rev().map(of).collect::<Vec<_>>());
        let status_running = status(|tile| tile.status_running);
        GridOut {
            broadcast: hosts.broadcast,
            hosts: hosts.hosts,
            running: status_running.any(),
            status_running,
            status_done: status(|tile| tile.status_done),
            status_error: status(|tile| tile.status_error),
        }
    }
}
