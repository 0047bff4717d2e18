//! How long exchanges take on sixteen tiles, from the release of the barrier to the last word in memory, all included.

use exchange::schedule::{Destination, Schedule, Transfer, schedule};
use isa::register;
use kernels::device::NativeGrid;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use crate::SEED;
use crate::machine::{DATA, WORDS, compare_cycles, config, native, numbered, programs, read_data, run, write_data};
use crate::transfers::apply;

const TILES: usize = 16;
/// What is sent lies in the first banks of the data, what is received in the others.
const FROM: usize = DATA;
const TO: usize = DATA + 3 * 512;
/// Of an exchange beyond the words of the busiest port: a share, and cycles.
const MOST: (f64, u64) = (1.05, 40);

/// Places for what each tile receives, one behind the other.
struct Places(Vec<usize>);

impl Places {
    fn new() -> Places {
        Places(vec![TO; TILES])
    }

    /// `words` words of a tile, whatever they are, to the next place of another.
    fn send(&mut self, source: usize, from: usize, words: usize, tile: usize) -> Transfer {
        let to = self.0[tile];
        self.0[tile] += words;
        assert!(from + words <= TO && self.0[tile] <= WORDS, "the data fits");
        Transfer::unicast(source, from, words, tile, to)
    }
}

/// Every tile sends to one tile and receives from one.
fn permutation(words: usize, random: &mut StdRng) -> Vec<Transfer> {
    let mut tiles: Vec<usize> = (0..TILES).collect();
    tiles.shuffle(random);
    let mut places = Places::new();
    (0..TILES).map(|source| places.send(source, FROM + random.random_range(0..64), words, tiles[source])).collect()
}

/// Every tile has a message for every other.
fn all_to_all(words: usize, _: &mut StdRng) -> Vec<Transfer> {
    let mut places = Places::new();
    let pairs = (0..TILES).flat_map(|source| (0..TILES).map(move |tile| (source, tile)));
    pairs
        .filter(|(source, tile)| source != tile)
        .map(|(source, tile)| places.send(source, FROM + tile * words, words, tile))
        .collect()
}

/// Every tile has a message for one, and half of the tiles have one for another.
fn hot_spot(words: usize, random: &mut StdRng) -> Vec<Transfer> {
    let hot = random.random_range(0..TILES);
    let mut places = Places::new();
    let mut transfers: Vec<Transfer> =
        (0..TILES).filter(|&tile| tile != hot).map(|source| places.send(source, FROM, words, hot)).collect();
    for source in (0..TILES).filter(|tile| tile % 2 == 0) {
        let tile = (source + 1 + random.random_range(0..TILES - 1)) % TILES;
        transfers.push(places.send(source, FROM + 512, words, tile));
    }
    transfers
}

/// Words of the busiest port.
fn busiest(transfers: &[Transfer]) -> u64 {
    let (mut send, mut receive) = ([0; TILES], [0; TILES]);
    for transfer in transfers {
        send[transfer.source] += transfer.words as u64;
        transfer.destinations.iter().for_each(|to| receive[to.tile] += transfer.words as u64);
    }
    send.into_iter().chain(receive).max().expect("tiles")
}

/// Runs an exchange. Cycles from the release to the idle port of the last tile.
fn cycles(grid: &mut NativeGrid, transfers: &[Transfer], place: &str) -> u64 {
    let config = config(TILES);
    let lists: Schedule = schedule(&config.machine(), transfers).unwrap_or_else(|error| panic!("{place}: {error}"));
    let mut memories = numbered(TILES);
    write_data(grid, &memories);
    let exchanges = [lists];
    grid.load(&programs(&config, &exchanges)).unwrap_or_else(|error| panic!("{place}: {error}"));
    run(grid, 100_000, place);
    compare_cycles(grid, &config, &exchanges, place);
    apply(&mut memories, transfers);
    assert!(read_data(grid) == memories, "{place}: memories");
    // The counter begins in the cycle after the release.
    let counted = (0..TILES).map(|tile| grid.read_register(tile, &register::EXCHANGE_CYCLES).expect("a register"));
    counted.max().expect("tiles") + 1
}

/// Makes the transfers of a kind of traffic, of messages of so many words.
type Traffic = fn(usize, &mut StdRng) -> Vec<Transfer>;

#[test]
fn exchanges_take_little_more_than_the_words_of_the_busiest_port() {
    let mut grid = native(&config(TILES));
    let mut random = StdRng::seed_from_u64(SEED);
    let kinds: [(&str, Traffic); 3] =
        [("permutation", permutation), ("all to all", all_to_all), ("hot spot", hot_spot)];
    println!("| traffic | words of a message | busiest port | cycles | beyond the words |\n|---|---|---|---|---|");
    for (name, traffic) in kinds {
        for words in [1, 8, 16, 64] {
            let transfers = traffic(words, &mut random);
            let busiest = busiest(&transfers);
            let cycles = cycles(&mut grid, &transfers, &format!("{name}, {words} words"));
            println!("| {name} | {words} | {busiest} | {cycles} | {} |", cycles - busiest);
            let most = (MOST.0 * busiest as f64) as u64 + MOST.1;
            assert!(words < 8 || cycles <= most, "{name}, {words} words: {cycles} cycles, at most {most}");
        }
    }
}

#[test]
fn a_broadcast_takes_its_words_and_a_constant() {
    let config = config(TILES);
    let mut grid = native(&config);
    let constant = config.exchange_port().idle_after_cycles(0);
    for words in [1, 8, 64, 512] {
        let all = (0..TILES).map(|tile| Destination { tile, address: TO + 64 });
        let transfers = [Transfer::multicast(3, FROM, words, all)];
        let cycles = cycles(&mut grid, &transfers, &format!("broadcast of {words} words"));
        println!("| broadcast | {words} | {words} | {cycles} | {} |", cycles - words as u64);
        assert_eq!(cycles, words as u64 + constant, "{words} words");
    }
}
