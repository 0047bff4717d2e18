//! What schedules cost: makespan against the busiest port's words, list entries, time to make them.
//!
//! `cargo run --release -p tessera-exchange --example schedule_figures [tiles ...]`

use std::time::Instant;

use exchange::fabric::FabricConfig;
use exchange::schedule::{Destination, ListTiming, Machine, Transfer, busiest_port_cycles, check, schedule};

/// Traffic of `tiles` tiles with messages of about `words` words.
fn traffic(kind: &str, tiles: usize, words: usize) -> Vec<Transfer> {
    let place = |slot: usize| slot * 2 * words;
    let half = tiles * 2 * words;
    let unicast =
        |from: usize, to: usize, words: usize| Transfer::unicast(from, place(to), words, to, half + place(from));
    let each = 0..tiles;
    match kind {
        "permutation" => each.map(|from| unicast(from, (7 * from + 3) % tiles, words)).collect(),
        "all to all" => each.flat_map(|from| (0..tiles).map(move |to| unicast(from, to, words))).collect(),
        // Messages of words / 2 to 3 words / 2.
        "uneven" => each
            .flat_map(|from| {
                (0..tiles).map(move |to| unicast(from, to, words.div_ceil(2) + (from * 37 + to * 101) % words))
            })
            .collect(),
        "hot spot" => {
            (1..tiles).flat_map(|from| [unicast(from, 0, words), unicast(from, from / 2 + 1, words)]).collect()
        }
        "broadcast" => vec![Transfer::multicast(0, 0, words, each.map(|tile| Destination { tile, address: half }))],
        _ => each
            .map(|from| {
                let others = (0..tiles).filter(|&tile| tile != from);
                let destinations = others.map(|tile| Destination { tile, address: half + place(from) });
                Transfer::multicast(from, 0, words, destinations)
            })
            .collect(),
    }
}

fn main() {
    let mut sizes: Vec<usize> =
        std::env::args().skip(1).map(|size| size.parse().expect("expected numbers of tiles")).collect();
    if sizes.is_empty() {
        sizes = vec![16, 64];
    }
    println!("tiles  traffic      words  busiest port  makespan  lists free  ratio   entries/message  time");
    for tiles in sizes {
        for kind in ["permutation", "all to all", "uneven", "hot spot", "broadcast", "all gather"] {
            for words in [1, 8, 64] {
                let latency_cycles = FabricConfig::new(tiles).latency_cycles() as u64;
                let memory_words = 4 * tiles * words;
                let lists = ListTiming::DEFAULT;
                let (bank_words, read_cycles) = (1 << 12, 2);
                let machine =
                    Machine { tiles, lane_words: 1, memory_words, bank_words, latency_cycles, read_cycles, lists };
                let transfers = traffic(kind, tiles, words);
                let begin = Instant::now();
                let made = schedule(&machine, &transfers).expect("legal transfers");
                let time = begin.elapsed().as_secs_f64();
                check(&machine, &transfers, &made).expect("right lists");
                let free = Machine { lists: ListTiming::FREE, ..machine.clone() };
                let free = schedule(&free, &transfers).expect("legal transfers").makespan_cycles;
                let busiest = busiest_port_cycles(&machine, &transfers);
                let messages: usize = transfers.iter().map(|transfer| transfer.destinations.len()).sum();
                println!(
                    "{tiles:5}  {kind:11}  {words:5}  {busiest:12}  {:8}  {free:10}  {:5.3}  {:15.2}  {time:.3} s",
                    made.makespan_cycles,
                    made.makespan_cycles as f64 / busiest as f64,
                    made.entries() as f64 / messages as f64,
                );
            }
        }
    }
}
