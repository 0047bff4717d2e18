//! Broadcast writes beside the requests of each tile's host, on tiles in software that are ready when they like.

use std::collections::VecDeque;

use exchange::grid::broadcast::Broadcast;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtl::fault::{self, Fault};
use rtl::sim::{InputPort, OutputPort, Simulator};

use crate::SEED;

const TILES: usize = 5;
/// Cycles from a request that a tile takes to its response.
const RESPONSE_CYCLES: usize = 2;

/// Address, whether it writes, data.
type Request = (u64, bool, u64);

/// What a tile answers: data and whether it refuses.
fn answer(tile: usize, (address, _, data): Request) -> (u64, bool) {
    let mixed = (address ^ data ^ tile as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed, mixed >> 60 == 0)
}

/// A stream of requests: what is offered, what was taken and not answered yet.
#[derive(Default)]
struct Stream {
    offered: Option<Request>,
    under_way: VecDeque<Request>,
}

#[derive(Debug, Default)]
struct Seen {
    broadcasts: usize,
    refused: usize,
    requests: usize,
}

struct Bench {
    simulator: Simulator,
}

impl Bench {
    fn set(&mut self, name: &str, value: u64) {
        let port: InputPort = self.simulator.input(name).expect("a port");
        self.simulator.set(port, value);
    }

    fn get(&mut self, name: &str) -> u64 {
        let port: OutputPort = self.simulator.output(name).expect("a port");
        self.simulator.get(port)
    }

    fn offer(&mut self, port: &str, stream: &Stream) {
        let (address, write, data) = stream.offered.unwrap_or_default();
        self.set(&format!("{port}_valid"), stream.offered.is_some().into());
        self.set(&format!("{port}_address"), address);
        self.set(&format!("{port}_data"), data);
        self.set(&format!("{port}_lanes"), 0xff);
        if port != "broadcast" {
            self.set(&format!("{port}_write"), write.into());
        }
    }
}

/// Runs random streams. What differs first, if anything does, and what was seen.
fn compare(design: &rtl::Design, cycles: usize) -> (Option<String>, Seen) {
    let mut bench = Bench { simulator: Simulator::new(design).expect("the design compiles") };
    bench.simulator.reset(2).expect("a reset");
    let mut random = StdRng::seed_from_u64(SEED);
    let mut seen = Seen::default();
    let (mut broadcast, mut hosts) = (Stream::default(), <[Stream; TILES]>::default());
    // Of each tile: what it will answer, and the broadcasts that it has still to take.
    let mut answers = vec![VecDeque::from([None; RESPONSE_CYCLES]); TILES];
    let mut to_take = vec![VecDeque::<Request>::new(); TILES];
    for cycle in 0..cycles {
        let mut request = |chance, write: Option<bool>| {
            let write = write.unwrap_or_else(|| random.random());
            random.random_bool(chance).then(|| (random.random_range(0..1 << 24), write, random.random()))
        };
        if broadcast.offered.is_none() {
            broadcast.offered = request(0.4, Some(true));
            to_take.iter_mut().for_each(|queue| queue.extend(broadcast.offered));
        }
        for host in &mut hosts {
            host.offered = host.offered.or_else(|| request(0.7, None));
        }
        bench.offer("broadcast", &broadcast);
        let ready: Vec<bool> = (0..TILES).map(|_| random.random_bool(0.6)).collect();
        for tile in 0..TILES {
            bench.offer(&format!("hosts_{tile}"), &hosts[tile]);
            let said: Option<(u64, bool)> = answers[tile].pop_front().expect("a place for each cycle");
            let (data, error) = said.unwrap_or_default();
            for (name, value) in [
                ("ready", ready[tile].into()),
                ("response_valid", said.is_some().into()),
                ("response_data", data),
                ("response_error", error.into()),
            ] {
                bench.set(&format!("tiles_{tile}_{name}"), value);
            }
        }

        for tile in 0..TILES {
            let differs = |what: &str| (Some(format!("cycle {cycle}, tile {tile}: {what}")), Seen::default());
            let port = |name: &str| format!("requests_{tile}_{name}");
            let taken = (bench.get(&port("valid")) == 1 && ready[tile])
                .then(|| (bench.get(&port("address")), bench.get(&port("write")) == 1, bench.get(&port("data"))));
            answers[tile].push_back(taken.map(|request| answer(tile, request)));
            // A tile takes what is broadcast once and at once, and else what its host offers.
            let host_ready = bench.get(&format!("hosts_{tile}_ready")) == 1;
            let host = &mut hosts[tile];
            if ready[tile] {
                let next = to_take[tile].pop_front();
                let from_host = next.is_none();
                if taken != next.or(host.offered) || host_ready != from_host {
                    return differs("takes something else");
                }
                if from_host {
                    host.under_way.extend(host.offered.take());
                }
            } else if host_ready {
                return differs("ready without the tile");
            }
            if bench.get(&format!("hosts_{tile}_response_valid")) == 1 {
                let found = (
                    bench.get(&format!("hosts_{tile}_response_data")),
                    bench.get(&format!("hosts_{tile}_response_error")) == 1,
                );
                if host.under_way.pop_front().map(|request| answer(tile, request)) != Some(found) {
                    return differs("another response");
                }
                seen.requests += 1;
            }
        }
        let complete = broadcast.offered.is_some() && to_take.iter().all(VecDeque::is_empty);
        if (bench.get("broadcast_ready") == 1) != complete {
            return (Some(format!("cycle {cycle}: the broadcast's ready")), seen);
        }
        if bench.get("broadcast_response_valid") == 1 {
            let request = broadcast.under_way.pop_front();
            let refused = bench.get("broadcast_response_error") == 1;
            if request.map(|request| (0..TILES).any(|tile| answer(tile, request).1)) != Some(refused) {
                return (Some(format!("cycle {cycle}: the broadcast's response")), seen);
            }
            seen.broadcasts += 1;
            seen.refused += usize::from(refused);
        }
        if complete {
            broadcast.under_way.extend(broadcast.offered.take());
        }
        bench.simulator.step(1).expect("no assertion");
    }
    (None, seen)
}

fn elaborate() -> rtl::Design {
    rtl::elaborate(&Broadcast { tiles: TILES }).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn broadcasts_and_requests_of_hosts_are_served_once_in_their_order() {
    let (differs, seen) = compare(&elaborate(), 10_000);
    assert_eq!(differs, None, "seed {SEED:#x}");
    assert!(seen.broadcasts > 1000 && seen.refused > 200 && seen.requests > 5000, "{seen:?}");
}

#[test]
fn faults_in_the_broadcast_are_noticed() {
    for (name, fault, meaning) in [
        ("had_2", Fault::StuckAtZero, "a tile takes a broadcast several times"),
        ("wants_3", Fault::StuckAtZero, "a tile never takes one"),
        ("takes_4", Fault::StuckAtOne, "a tile counts as having taken it"),
        ("refused", Fault::StuckAtZero, "an early refusal is forgotten"),
        ("error", Fault::StuckAtZero, "no refusal is told"),
        ("all", Fault::StuckAtZero, "no broadcast is ever complete"),
    ] {
        let mut design = elaborate();
        fault::inject(&mut design, &format!("broadcast_n{TILES}"), name, fault)
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(compare(&design, 2000).0.is_some(), "{name}: {fault:?}: {meaning}: not noticed");
    }
}
