//! The barrier alone, against a model in software: zones, arrivals in any order, tiles that stop.

use std::collections::VecDeque;
use std::ops::Range;

use exchange::sync::Sync;
use isa::ZONES;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rtl::Module;
use rtl::fault::{self, Fault};
use rtl::sim::{InputPort, Simulator};

use crate::SEED;

/// How long a tile stops: longer than a release is on its way, as no program comes to a SYNC sooner.
const STOPPED_CYCLES: Range<u32> = 8..30;

/// What a tile does in a cycle.
#[derive(Clone, Copy, Default)]
struct Tile {
    /// The zones that it is in, one bit each.
    zones: u64,
    /// The zone that it waits for, one bit.
    waits: u64,
    /// Barriers behind it, of all those that there are.
    passed: usize,
    /// Cycles until it runs again.
    stopped: u32,
    error: bool,
}

/// Who has arrived, and what is still to be heard of it.
struct Model {
    arrived: Vec<u64>,
    released: VecDeque<u64>,
    broken: u64,
}

impl Model {
    fn new(sync: Sync) -> Model {
        Model { arrived: vec![0; sync.tiles], released: vec![0; sync.latency_cycles()].into(), broken: 0 }
    }

    /// What is heard in this cycle.
    fn outputs(&self) -> (u64, u64) {
        (self.released[0], self.broken)
    }

    /// Tiles with what they arrive at in this cycle.
    fn cycle(&mut self, tiles: &[Tile], arrivals: &[u64]) {
        for ((arrived, tile), arrives) in self.arrived.iter_mut().zip(tiles).zip(arrivals) {
            *arrived = if tile.stopped == 0 { *arrived | arrives } else { 0 };
        }
        let complete = |zone: &u64| {
            let mut members = tiles.iter().zip(&self.arrived).filter(|(tile, _)| tile.zones & zone != 0).peekable();
            members.peek().is_some() && members.all(|(_, arrived)| arrived & zone != 0)
        };
        let complete: u64 = (0..ZONES).map(|zone| 1 << zone).filter(complete).sum();
        self.arrived.iter_mut().for_each(|arrived| *arrived &= !complete);
        self.released.pop_front();
        self.released.push_back(complete);
        self.broken = tiles.iter().filter(|tile| tile.error).fold(0, |broken, tile| broken | tile.zones);
    }
}

struct Pins {
    arrive: InputPort,
    zones: InputPort,
    running: InputPort,
    error: InputPort,
}

/// Runs tiles that arrive, wait and stop at random. The first cycle that differs from the model, if one does, and how
/// many barriers were completed.
fn compare(sync: Sync, design: &rtl::Design, cycles: usize) -> (Option<usize>, usize) {
    let mut simulator = Simulator::new(design).expect("the design compiles");
    simulator.reset(2).expect("a reset");
    let pin = |tile: usize, name: &str| simulator.input(&format!("tiles_{tile}_{name}")).expect("a port");
    let pins: Vec<Pins> = (0..sync.tiles)
        .map(|i| Pins {
            arrive: pin(i, "arrive"),
            zones: pin(i, "zones"),
            running: pin(i, "running"),
            error: pin(i, "error"),
        })
        .collect();
    let (released, broken) =
        (simulator.output("released").expect("a port"), simulator.output("broken").expect("a port"));

    let mut random = StdRng::seed_from_u64(SEED + sync.tiles as u64);
    // All tiles come to the barriers of their zones in one order, or they would wait for each other.
    let zone = |random: &mut StdRng| if random.random_bool(0.7) { 1 } else { 1 << random.random_range(0..ZONES) };
    let order: Vec<u64> = (0..cycles).map(|_| zone(&mut random)).collect();
    let mut tiles = vec![Tile::default(); sync.tiles];
    for tile in &mut tiles {
        tile.zones = 1 | random.random_range(0..1 << ZONES);
    }
    let mut model = Model::new(sync);
    let mut barriers = 0;
    for cycle in 0..cycles {
        let mut arrivals = vec![0; sync.tiles];
        for ((tile, arrives), arrived) in tiles.iter_mut().zip(&mut arrivals).zip(&model.arrived) {
            if tile.stopped > 0 {
                tile.stopped -= 1;
                tile.error &= tile.stopped > 0;
            } else if random.random_bool(0.02 / sync.tiles as f64) {
                // What is complete is behind it, heard of or not.
                tile.passed += usize::from(tile.waits & !arrived != 0);
                *tile =
                    Tile { stopped: random.random_range(STOPPED_CYCLES), error: random.random(), waits: 0, ..*tile };
            } else if tile.waits == 0 && random.random_bool(0.3) {
                while tile.zones & order[tile.passed] == 0 {
                    tile.passed += 1;
                }
                tile.waits = order[tile.passed];
                *arrives = tile.waits;
            }
        }
        for ((tile, pins), &arrives) in tiles.iter().zip(&pins).zip(&arrivals) {
            simulator.set(pins.arrive, arrives);
            simulator.set(pins.zones, tile.zones);
            simulator.set(pins.running, (tile.stopped == 0).into());
            simulator.set(pins.error, tile.error.into());
        }
        let found = (simulator.get(released), simulator.get(broken));
        if found != model.outputs() {
            return (Some(cycle), barriers);
        }
        barriers += found.0.count_ones() as usize;
        model.cycle(&tiles, &arrivals);
        for tile in tiles.iter_mut().filter(|tile| tile.waits & found.0 != 0) {
            *tile = Tile { waits: 0, passed: tile.passed + 1, ..*tile };
        }
        simulator.step(1).expect("no assertion");
    }
    (None, barriers)
}

fn elaborate(sync: Sync) -> rtl::Design {
    rtl::elaborate(&sync).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn barriers_of_up_to_130_tiles_are_their_model() {
    for (tiles, cycles, least) in
        [(1, 2000, 200), (2, 2000, 150), (3, 2000, 80), (16, 4000, 80), (64, 4000, 60), (65, 4000, 60), (130, 4000, 60)]
    {
        let sync = Sync { tiles };
        let (differs, barriers) = compare(sync, &elaborate(sync), cycles);
        assert_eq!(differs, None, "{tiles} tiles: the cycle that differs");
        assert!(barriers >= least, "{tiles} tiles: {barriers} barriers");
    }
}

#[test]
fn faults_in_the_barrier_are_noticed() {
    for (tiles, name, fault, meaning) in [
        (5, "arrived_3", Fault::StuckAtOne, "a tile has always arrived"),
        (5, "arrived_4", Fault::BitStuckAtZero(0), "a tile never arrives in zone 0"),
        (5, "met", Fault::BitStuckAtOne(4), "zone 0 is always complete"),
        (5, "released_state", Fault::BitInverted(3), "zone 3 hears the opposite"),
        (5, "broken_state", Fault::BitStuckAtZero(0), "a broken zone is not told"),
        (70, "met_0_1", Fault::BitStuckAtOne(4), "the second group of tiles does not count in zone 0"),
        (70, "past_0", Fault::StuckAtZero, "a barrier is released twice"),
    ] {
        let sync = Sync { tiles };
        let mut design = elaborate(sync);
        fault::inject(&mut design, &sync.name(), name, fault).unwrap_or_else(|error| panic!("{error}"));
        let (differs, _) = compare(sync, &design, 4000);
        assert!(differs.is_some(), "{name}: {fault:?}: {meaning}: not noticed");
    }
}
