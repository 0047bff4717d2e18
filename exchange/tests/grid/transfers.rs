//! Random transfers, and what they mean.

use exchange::schedule::{Destination, Machine, Transfer};
use rand::Rng;
use rand::rngs::StdRng;

use crate::machine::{DATA, WORDS};

/// What is read and what is written of a machine's memory.
struct Use {
    read: Vec<Vec<bool>>,
    written: Vec<Vec<bool>>,
}

fn words(address: usize, words: usize, rows: usize, stride: usize) -> impl Iterator<Item = usize> {
    (0..rows).flat_map(move |row| (0..words).map(move |word| address + row * stride + word))
}

/// Up to `count` legal transfers of up to `most_words` words a row, to one tile or several; anywhere behind `DATA`.
pub fn random(machine: &Machine, random: &mut StdRng, count: usize, most_words: usize) -> Vec<Transfer> {
    let lane = machine.lane_words;
    let nothing = || vec![vec![false; WORDS]; machine.tiles];
    let mut used = Use { read: nothing(), written: nothing() };
    let mut transfers = vec![];
    for _ in 0..4 * count {
        if transfers.len() == count {
            break;
        }
        let row_words = lane * random.random_range(1..=most_words);
        let rows = if random.random_bool(0.4) { random.random_range(2..=6) } else { 1 };
        let mut stride = || row_words + lane * random.random_range(0..8);
        let (source_stride, destination_stride) = (stride(), stride());
        let mut place = |stride: usize| {
            let room = WORDS - DATA - ((rows - 1) * stride + row_words);
            DATA + random.random_range(0..=room / lane) * lane
        };
        let address = place(source_stride);
        let places: Vec<usize> = (0..machine.tiles).map(|_| place(destination_stride)).collect();
        let receivers = if random.random_bool(0.3) { random.random_range(1..=machine.tiles) } else { 1 };
        let mut tiles: Vec<usize> = (0..machine.tiles).collect();
        let destinations: Vec<Destination> = (0..receivers)
            .map(|_| tiles.swap_remove(random.random_range(0..tiles.len())))
            .map(|tile| Destination { tile, address: places[tile] })
            .collect();
        let source = random.random_range(0..machine.tiles);

        let reads: Vec<usize> = words(address, row_words, rows, source_stride).collect();
        let writes = |to: &Destination| words(to.address, row_words, rows, destination_stride);
        let free = |to: &Destination| {
            writes(to).all(|word| {
                let own = to.tile == source && reads.contains(&word);
                !own && !used.read[to.tile][word] && !used.written[to.tile][word]
            })
        };
        if reads.iter().any(|&word| used.written[source][word]) || !destinations.iter().all(free) {
            continue;
        }
        reads.iter().for_each(|&word| used.read[source][word] = true);
        destinations.iter().for_each(|to| writes(to).for_each(|word| used.written[to.tile][word] = true));
        let strided = Transfer::multicast(source, address, row_words, destinations);
        transfers.push(strided.strided(rows, source_stride, destination_stride));
    }
    transfers
}

/// What memories become: every destination what the source was.
pub fn apply(memories: &mut [Vec<u32>], transfers: &[Transfer]) -> usize {
    let before = memories.to_vec();
    let mut moved = 0;
    for transfer in transfers {
        for row in 0..transfer.rows {
            for word in 0..transfer.words {
                let from = before[transfer.source][transfer.address + row * transfer.source_stride + word];
                for to in &transfer.destinations {
                    memories[to.tile][to.address + row * transfer.destination_stride + word] = from;
                    moved += 1;
                }
            }
        }
    }
    moved
}
