//! Collectives on machines of a few tiles: all of every tile's memory that they write as it must be, every cycle as
//! predicted.

use exchange::GridConfig;
use exchange::schedule::Transfer;
use golden::fp16_to_fp32;
use kernels::collective::{
    Matrix, Movement, Reduction, all_gather, all_to_all, broadcast, contribution_elements, gather, scatter, share,
    transpose,
};
use kernels::device::NativeGrid;
use kernels::random::Random;
use tile::{Accumulator, TileConfig};

const SEED: u64 = 0x7e55_e7a1;

/// Word addresses of what is read and of what is written, and words of each, in banks of their own.
const FROM: usize = 0;
const TO: usize = 4096;
const REGION_WORDS: usize = 4096;
/// Byte address of programs and lists.
const PROGRAMS: u32 = 0x8000;

fn machine(tiles: usize, accumulator: Accumulator) -> GridConfig {
    let tile =
        TileConfig { name: "small".into(), accumulator, rows: 16, banks: 24, bank_kib: 4, ..TileConfig::ipu64() };
    GridConfig::new(tile, tiles)
}

fn build(config: &GridConfig) -> NativeGrid {
    NativeGrid::new(config).unwrap_or_else(|error| panic!("{error}"))
}

/// A machine with random words in every tile.
struct Bench {
    config: GridConfig,
    grid: NativeGrid,
    random: Random,
    compared: usize,
}

impl Bench {
    /// Moves random words and compares all of the written region; `source` says whose word each one must be: tile and
    /// place, or that it must not change.
    fn check(&mut self, what: &str, transfers: &[Transfer], source: impl Fn(usize, usize) -> Option<(usize, usize)>) {
        let tiles = self.config.tiles();
        let movement =
            Movement::new(&self.config, transfers, PROGRAMS).unwrap_or_else(|error| panic!("{what}: {error}"));
        let before: Vec<Vec<u64>> =
            (0..tiles).map(|_| (0..REGION_WORDS).map(|_| self.random.bits()).collect()).collect();
        let writes: Vec<_> = before.iter().enumerate().map(|(tile, words)| (tile, 0, words.as_slice())).collect();
        self.grid.write_memory(&writes).unwrap();
        let cycles = movement.run(&mut self.grid).unwrap_or_else(|error| panic!("{what}: {error}"));
        let reads: Vec<_> = (0..tiles).map(|tile| (tile, 0, REGION_WORDS)).collect();
        let after = self.grid.read_memory(&reads).unwrap();
        let word =
            |memory: &[Vec<u64>], tile: usize, place: usize| (memory[tile][place / 2] >> (32 * (place % 2))) as u32;
        for tile in 0..tiles {
            for place in 0..2 * REGION_WORDS {
                let moved = if place < TO { None } else { source(tile, place - TO) };
                let (from, at) = moved.map_or((tile, place), |(from, at)| (from, FROM + at));
                let (found, expected) = (word(&after, tile, place), word(&before, from, at));
                assert_eq!(found, expected, "{what}: word {place} of tile {tile}");
                self.compared += 1;
            }
        }
        assert_eq!(cycles, movement.predicted.total, "{what}: cycles against the prediction");
        assert!(cycles > movement.bound_cycles, "{what}: {cycles} cycles, bound {}", movement.bound_cycles);
    }
}

#[test]
fn words_go_where_they_must_in_the_cycles_that_were_predicted() {
    let mut compared = 0;
    for tiles in [2, 3, 5] {
        let config = machine(tiles, Accumulator::Fp32);
        let mut bench = Bench { grid: build(&config), config, random: Random::new(SEED), compared: 0 };
        for round in 0..2 {
            let words = tiles + bench.random.below(if round == 0 { 40 } else { 600 }) as usize;
            let root = bench.random.below(tiles as u64) as usize;
            let own = |tile: usize| share(words, tiles, tile);
            let owner = |place: usize| (0..tiles).find(|&tile| own(tile).contains(&place)).unwrap();
            let of_owner = |place: usize| (place < words).then(|| (owner(place), place - own(owner(place)).start));

            let moved = broadcast(tiles, root, words, FROM, TO);
            bench.check("broadcast", &moved, |_, place| (place < words).then_some((root, place)));
            let moved = scatter(tiles, root, words, FROM, TO);
            let source = |tile, place| (place < own(tile).len()).then(|| (root, own(tile).start + place));
            bench.check("scatter", &moved, source);
            let moved = gather(tiles, root, words, FROM, TO);
            bench.check("gather", &moved, |tile, place| of_owner(place).filter(|_| tile == root));
            bench.check("all-gather", &all_gather(tiles, words, FROM, TO), |_, place| of_owner(place));
            let source = |tile, place| (place < tiles * words).then(|| (place / words, tile * words + place % words));
            bench.check("all-to-all", &all_to_all(tiles, words, FROM, TO), source);
        }
        for matrix in [Matrix { rows: 3, columns: 7 }, Matrix { rows: 37, columns: 21 }] {
            let Matrix { rows, columns } = matrix;
            let own = |size: usize, tile: usize| share(size, tiles, tile);
            let source = |tile: usize, place: usize| {
                let (row, column) = (place % rows, own(columns, tile).start + place / rows);
                let owner = (0..tiles).find(|&tile| own(rows, tile).contains(&row))?;
                let at = (row - own(rows, owner).start) * columns + column;
                own(columns, tile).contains(&column).then_some((owner, at))
            };
            bench.check("transpose", &transpose(tiles, matrix, FROM, TO), source);
        }
        compared += bench.compared;
    }
    println!("{compared} words compared");
    assert!(compared > 250_000, "{compared} words");
}

#[test]
fn long_vectors_keep_the_busiest_port_busy() {
    let tiles = 4;
    let config = machine(tiles, Accumulator::Fp32);
    let mut bench = Bench { grid: build(&config), config, random: Random::new(SEED), compared: 0 };
    let words = REGION_WORDS;
    let matrix = Matrix { rows: 64, columns: 64 };
    for (what, moved) in [
        ("broadcast", broadcast(tiles, 1, words, FROM, TO)),
        ("scatter", scatter(tiles, 1, words, FROM, TO)),
        ("gather", gather(tiles, 1, words, FROM, TO)),
        ("all-gather", all_gather(tiles, words, FROM, TO)),
        ("all-to-all", all_to_all(tiles, words / tiles, FROM, TO)),
        ("transpose", transpose(tiles, matrix, FROM, TO)),
    ] {
        let movement = Movement::new(&bench.config, &moved, PROGRAMS).unwrap();
        let (cycles, bound) = (movement.run(&mut bench.grid).unwrap(), movement.bound_cycles);
        println!("{what} of {words} words on {tiles} tiles: {cycles} cycles, bound {bound}");
        assert_eq!(cycles, movement.predicted.total, "{what}");
        assert!((bound..bound + bound / 16 + 100).contains(&cycles), "{what}: {cycles} cycles, bound {bound}");
    }
}

/// The sum in the order of the ring, by the processor's own FP32 additions.
fn ring_sum(contributions: &[Vec<u16>], plan: &kernels::matmul::grid::GridPlan) -> Vec<u32> {
    let (n, tiles) = (plan.problem.shape.n, contributions.len());
    let mut sums = vec![0; contributions[0].len()];
    for (last, part) in plan.tiles.iter().enumerate() {
        for (index, sum) in sums.iter_mut().enumerate().filter(|(index, _)| part.result.contains(&(index % n))) {
            let terms =
                (1..=tiles).map(|hop| f32::from_bits(fp16_to_fp32(contributions[(last + hop) % tiles][index]).0));
            *sum = terms.fold(0.0, |sum, term| sum + term).to_bits();
        }
    }
    sums
}

#[test]
fn sums_round_the_ring_are_those_of_fp32_additions() {
    let mut compared = 0;
    let mut random = Random::new(SEED);
    for (tiles, accumulator) in [(2, Accumulator::Exact), (3, Accumulator::Fp32), (5, Accumulator::Fp32)] {
        let config = machine(tiles, accumulator);
        let mut grid = build(&config);
        for elements in [256 * tiles - 3, 256 * tiles + 700] {
            let count = contribution_elements(elements);
            // Any finite pattern, so that additions round, cancel and meet subnormals.
            let mut number = || loop {
                let bits = random.bits() as u16;
                if bits & 0x7C00 != 0x7C00 {
                    return bits;
                }
            };
            let contributions: Vec<Vec<u16>> = (0..tiles).map(|_| (0..count).map(|_| number()).collect()).collect();
            let scatter = Reduction::scatter(&config, elements).unwrap_or_else(|error| panic!("{error}"));
            let all = Reduction::all(&config, elements).unwrap_or_else(|error| panic!("{error}"));
            for reduction in [&scatter, &all] {
                let what = format!("{elements} numbers on {tiles} tiles");
                let found = reduction.run(&mut grid, &contributions).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(found.sums.len(), if reduction.gather.is_some() { tiles } else { 1 });
                let expected = ring_sum(&contributions, &reduction.plan);
                for sums in &found.sums {
                    let wrong = sums.iter().zip(&expected).position(|(found, expected)| found != expected);
                    assert_eq!((wrong, sums.len()), (None, count), "{what}: first sum that differs");
                    compared += count;
                }
                assert_eq!(found.cycles, reduction.predicted_cycles(), "{what}");
                let (cycles, bound) = (found.cycles, reduction.bound_cycles());
                println!("{what}: {cycles} cycles, bound {bound}");
                assert!((bound..2 * bound).contains(&cycles), "{what}: {cycles} cycles, bound {bound}");
            }
        }
    }
    println!("{compared} sums compared");
    assert!(compared > 10_000, "{compared} sums");
}

#[test]
fn collectives_that_cannot_be_are_refused() {
    let config = machine(4, Accumulator::Fp32);
    let refused =
        |transfers: &[Transfer], reserved| Movement::new(&config, transfers, reserved).unwrap_err().to_string();
    assert_eq!(
        refused(&broadcast(4, 0, 100, FROM, TO), 0x4000),
        "a transfer ends at byte 16784; expected at most 16384, the bytes below programs and lists"
    );
    assert_eq!(
        refused(&broadcast(4, 0, 100, FROM, TO), 0x17000),
        "the 98304 bytes of a tile of small are too few; expected at least 98352"
    );
    assert_eq!(refused(&broadcast(4, 4, 100, FROM, TO), PROGRAMS), "transfer 0 reads tile 4; the tiles are 0 to 3");
    let sum = |elements| Reduction::scatter(&config, elements).unwrap_err().to_string();
    assert_eq!(
        sum(700),
        "sums of 700 numbers on 4 tiles of small: expected at least 769 numbers, a block for each tile"
    );
    assert_eq!(sum(100_000), "sums of 100000 numbers on 4 tiles of small: expected fewer: 98304 bytes are too few");
}
