//! Transfers for tests: shapes of traffic from a seed, with room in memory for all of them.

use exchange::schedule::{Destination, ListTiming, Machine, Transfer};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// Shapes of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// A few random permutations, each with messages of one length or of many.
    Permutations,
    /// Everyone to everyone, itself included.
    AllToAll,
    /// Most messages to, or from, one tile.
    HotSpot,
    /// Any unicasts.
    Unicasts,
    /// Messages to several tiles, and some to one.
    Multicasts,
    /// One tile to all.
    Broadcast,
    /// Every tile to all others.
    AllGather,
    /// Rows at all distances.
    Strided,
}

impl Traffic {
    pub const ALL: [Traffic; 8] = [
        Traffic::Permutations,
        Traffic::AllToAll,
        Traffic::HotSpot,
        Traffic::Unicasts,
        Traffic::Multicasts,
        Traffic::Broadcast,
        Traffic::AllGather,
        Traffic::Strided,
    ];

    /// Those that the issue states an efficiency for.
    pub const STATED: [Traffic; 3] = [Traffic::Permutations, Traffic::AllToAll, Traffic::HotSpot];
}

/// A machine with memory for any traffic of this file.
pub fn machine(tiles: usize, lane_words: usize) -> Machine {
    let (memory_words, bank_words) = (1 << 17, 1 << 12);
    let (latency_cycles, read_cycles) = (3, 2);
    Machine { tiles, lane_words, memory_words, bank_words, latency_cycles, read_cycles, lists: ListTiming::DEFAULT }
}

/// Gives out memory: sources from below, destinations from the middle on.
pub struct Allocator {
    lane_words: usize,
    sources: Vec<usize>,
    destinations: Vec<usize>,
}

impl Allocator {
    pub fn new(machine: &Machine) -> Allocator {
        let middle = machine.memory_words / 2;
        let (sources, destinations) = (vec![0; machine.tiles], vec![middle; machine.tiles]);
        Allocator { lane_words: machine.lane_words, sources, destinations }
    }

    /// A transfer of `lanes` lane words.
    pub fn unicast(&mut self, source: usize, tile: usize, lanes: usize) -> Transfer {
        self.multicast(source, &[tile], lanes)
    }

    pub fn multicast(&mut self, source: usize, tiles: &[usize], lanes: usize) -> Transfer {
        let words = lanes * self.lane_words;
        let address = self.sources[source];
        self.sources[source] += words;
        let destinations = tiles.iter().map(|&tile| {
            let address = self.destinations[tile];
            self.destinations[tile] += words;
            Destination { tile, address }
        });
        Transfer::multicast(source, address, words, destinations.collect::<Vec<_>>())
    }

    pub fn strided(&mut self, source: usize, tiles: &[usize], row: [usize; 2], gaps: [usize; 2]) -> Transfer {
        let [lanes, rows] = row;
        let [source_stride, destination_stride] = gaps.map(|gap| (lanes + gap) * self.lane_words);
        let mut transfer = self.multicast(source, tiles, lanes).strided(rows, source_stride, destination_stride);
        if rows > 1 {
            self.sources[source] += (rows - 1) * source_stride;
            tiles.iter().for_each(|&tile| self.destinations[tile] += (rows - 1) * destination_stride);
        }
        if gaps[0] == 0 {
            // The same row again and again.
            transfer.source_stride = 0;
        }
        transfer
    }
}

/// Transfers of a shape, with messages of `lanes` lane words.
pub fn transfers(machine: &Machine, traffic: Traffic, lanes: [usize; 2], seed: u64) -> Vec<Transfer> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut memory = Allocator::new(machine);
    let tiles: Vec<usize> = (0..machine.tiles).collect();
    let [least, most] = lanes;
    let equal = random.random_bool(0.3).then(|| random.random_range(least..=most));
    let length = move |random: &mut StdRng| equal.unwrap_or_else(|| random.random_range(least..=most));
    let mut made = vec![];
    match traffic {
        Traffic::Permutations => {
            for _ in 0..random.random_range(1..=6) {
                let mut to = tiles.clone();
                to.shuffle(&mut random);
                for &tile in &tiles {
                    made.push(memory.unicast(tile, to[tile], length(&mut random)));
                }
            }
        }
        Traffic::AllToAll => {
            for &from in &tiles {
                for &to in &tiles {
                    made.push(memory.unicast(from, to, length(&mut random)));
                }
            }
        }
        Traffic::HotSpot => {
            let spot = random.random_range(0..machine.tiles);
            let outward = random.random_bool(0.5);
            for _ in 0..random.random_range(1..=4 * machine.tiles) {
                let [mut from, mut to] = [(); 2].map(|()| random.random_range(0..machine.tiles));
                if random.random_bool(0.7) {
                    if outward { from = spot } else { to = spot }
                }
                made.push(memory.unicast(from, to, length(&mut random)));
            }
        }
        Traffic::Unicasts => {
            for _ in 0..random.random_range(1..=5 * machine.tiles) {
                let [from, to] = [(); 2].map(|()| random.random_range(0..machine.tiles));
                made.push(memory.unicast(from, to, length(&mut random)));
            }
        }
        Traffic::Multicasts => {
            for _ in 0..random.random_range(1..=3 * machine.tiles) {
                let from = random.random_range(0..machine.tiles);
                let some = some_of(&tiles, &mut random);
                made.push(memory.multicast(from, &some, length(&mut random)));
            }
        }
        Traffic::Broadcast => {
            let from = random.random_range(0..machine.tiles);
            made.push(memory.multicast(from, &tiles, length(&mut random)));
        }
        Traffic::AllGather => {
            let lanes = length(&mut random);
            for &from in &tiles {
                let others: Vec<usize> = tiles.iter().copied().filter(|&tile| tile != from).collect();
                made.push(memory.multicast(from, &others, lanes));
            }
        }
        Traffic::Strided => {
            for _ in 0..random.random_range(1..=3 * machine.tiles) {
                let from = random.random_range(0..machine.tiles);
                let some = if random.random_bool(0.7) {
                    vec![random.random_range(0..machine.tiles)]
                } else {
                    some_of(&tiles, &mut random)
                };
                let row = [random.random_range(1..=6), random.random_range(1..=9)];
                let gaps = [(); 2].map(|()| random.random_range(0..4));
                made.push(memory.strided(from, &some, row, gaps));
            }
        }
    }
    made.shuffle(&mut random);
    made
}

fn some_of(tiles: &[usize], random: &mut StdRng) -> Vec<usize> {
    let mut some = tiles.to_vec();
    some.shuffle(random);
    some.truncate(random.random_range(1..=tiles.len()));
    some
}
