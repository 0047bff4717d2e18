//! Broadcast: writes of the host that go to all tiles, beside each tile's own host port.
//!
//! ```text
//!               +-----------+
//!  broadcast -->|           |----> ready, response   (all tiles have it, all tiles have answered)
//!  hosts[n] --->| Broadcast |----> hosts[n] ready, response
//!               |           |<---> tiles[n]
//!               +-----------+
//! ```
//! | Contract   |                                                                                     |
//! |------------|-------------------------------------------------------------------------------------|
//! | Latency    | none for requests; responses as the tiles give them                                 |
//! | Throughput | a request a cycle                                                                   |
//! | Handshake  | each port valid and ready; a response for each request, which cannot be refused     |
//! | Order      | in each port, responses in the order of requests; a broadcast goes before requests  |
//! |            | of the hosts                                                                        |
//! | Errors     | a broadcast's response has `error` if any tile refused it                           |
//! | START      | reaches all tiles in one cycle                                                      |

use rtl::generic::tree::tree;
use rtl::{Builder, Module, Ports, Signal, bundle, lit, mux};
use tile::sram::{ADDRESS_BITS, HostRequest};

/// Cycles from a request that a tile takes to its response.
const RESPONSE_CYCLES: usize = 2;

/// The hosts' side of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Broadcast {
    /// Number of tiles.
    pub tiles: usize,
}

bundle! {
    /// A write that goes to all tiles.
    #[derive(Copy)]
    pub struct BroadcastRequest {
        /// Wanted.
        pub valid: Signal,
        /// Byte address in each tile.
        pub address: Signal,
        /// 64 bits.
        pub data: Signal,
        /// One bit a byte that is written.
        pub lanes: Signal,
    }
}

bundle! {
    /// What a tile answers its host.
    #[derive(Copy)]
    pub struct HostAnswer {
        /// The request is taken in this cycle.
        pub ready: Signal,
        /// There is a response.
        pub response_valid: Signal,
        /// 64 bits; meaningless for writes.
        pub response_data: Signal,
        /// The request could not be served.
        pub response_error: Signal,
    }
}

bundle! {
    /// What a broadcast is answered.
    #[derive(Copy)]
    pub struct BroadcastAnswer {
        /// All tiles have taken the request.
        pub ready: Signal,
        /// All tiles have served it.
        pub response_valid: Signal,
        /// A tile could not.
        pub response_error: Signal,
    }
}

bundle! {
    /// Requests, and what tiles answer.
    pub struct BroadcastIn {
        /// To all.
        pub broadcast: BroadcastRequest,
        /// By tile.
        pub hosts: Vec<HostRequest>,
        /// By tile.
        pub tiles: Vec<HostAnswer>,
    }
}

bundle! {
    /// Requests to the tiles, and what hosts hear.
    pub struct BroadcastOut {
        /// To who broadcasts.
        pub broadcast: BroadcastAnswer,
        /// By tile.
        pub hosts: Vec<HostAnswer>,
        /// By tile.
        pub requests: Vec<HostRequest>,
    }
}

impl BroadcastRequest {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> BroadcastRequest {
        BroadcastRequest {
            valid: ports.bit("valid"),
            address: ports.input("address", ADDRESS_BITS),
            data: ports.input("data", 64),
            lanes: ports.input("lanes", 8),
        }
    }
}

impl HostAnswer {
    /// Declares the ports.
    pub fn ports(ports: &Ports) -> HostAnswer {
        HostAnswer {
            ready: ports.bit("ready"),
            response_valid: ports.bit("response_valid"),
            response_data: ports.input("response_data", 64),
            response_error: ports.bit("response_error"),
        }
    }
}

impl Module for Broadcast {
    type In = BroadcastIn;
    type Out = BroadcastOut;

    fn name(&self) -> String {
        format!("broadcast_n{}", self.tiles)
    }

    fn inputs(&self, ports: &Ports) -> BroadcastIn {
        let nested = |name: &str, tile: usize| ports.nested(&format!("{name}_{tile}"));
        BroadcastIn {
            broadcast: BroadcastRequest::ports(&ports.nested("broadcast")),
            hosts: (0..self.tiles).map(|tile| HostRequest::ports(&nested("hosts", tile))).collect(),
            tiles: (0..self.tiles).map(|tile| HostAnswer::ports(&nested("tiles", tile))).collect(),
        }
    }

    fn build(&self, m: &Builder, io: BroadcastIn) -> BroadcastOut {
        m.summary("Writes of the host that go to all tiles, beside each tile's own host port.");
        let all = m.wire("all", 1);
        let BroadcastRequest { valid, address, data, lanes } = io.broadcast;
        let (mut has, mut errors) = (vec![], vec![]);
        let (mut hosts, mut requests) = (vec![], vec![]);
        for (i, (host, tile)) in io.hosts.iter().zip(&io.tiles).enumerate() {
            // A tile takes a broadcast once, whenever it can; the others may need longer.
            let had = m.register(&format!("had_{i}"), 1).reset(0);
            let wants = (valid & !had.q).named(format!("wants_{i}"));
            let takes = (wants & tile.ready).named(format!("takes_{i}"));
            had.set((had.q | takes) & !all.value);
            has.push(had.q | takes);

            // The tile's response in so many cycles is the broadcast's, and not its host's.
            let answers = takes.delay(&format!("answers_{i}"), RESPONSE_CYCLES, true);
            errors.push(answers & tile.response_error);
            hosts.push(HostAnswer {
                ready: tile.ready & !wants,
                response_valid: tile.response_valid & !answers,
                response_data: tile.response_data,
                response_error: tile.response_error,
            });
            let broadcast = HostRequest { valid: lit(1, 1), address, write: lit(1, 1), data, lanes };
            requests.push(mux(wants, broadcast, host.clone()));
        }
        all.set(valid & tree(&has, |a, b| a & b));

        // The last tile's response is the last of all; what others said before is remembered until then.
        let response_valid = all.value.delay("response", RESPONSE_CYCLES, true);
        let refused = m.register("refused", 1).reset(0);
        let error = (refused.q | tree(&errors, |a, b| a | b)).named("error");
        refused.set(error & !response_valid);
        let broadcast = BroadcastAnswer { ready: all.value, response_valid, response_error: error };
        BroadcastOut { broadcast, hosts, requests }
    }
}
