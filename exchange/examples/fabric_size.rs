//! How the fabric grows with the tiles: latency, time to elaborate and to emit, size of the Verilog.
//!
//! `cargo run --release -p tessera-exchange --example fabric_size [tiles ...]`

use std::time::Instant;

use exchange::fabric::{Fabric, FabricConfig};

fn main() {
    let mut sizes: Vec<usize> =
        std::env::args().skip(1).map(|size| size.parse().expect("expected numbers of tiles")).collect();
    if sizes.is_empty() {
        sizes = vec![4, 16, 64, 256, 1024, 1472];
    }
    println!("tiles  lane bits  latency  elaborate    emit     Verilog  bytes/tile  lines");
    for tiles in sizes {
        for lane_bits in [32, 64] {
            let config = FabricConfig { lane_bits, ..FabricConfig::new(tiles) };
            if let Err(error) = config.validate() {
                eprintln!("{error}");
                std::process::exit(2);
            }
            let begin = Instant::now();
            let design = rtl::elaborate(&Fabric { config }).expect("legal configurations elaborate");
            let elaborated = begin.elapsed();
            let text = rtl::verilog::emit_string(&design, &rtl::verilog::Options::default());
            let emitted = begin.elapsed() - elaborated;
            println!(
                "{tiles:5}  {lane_bits:9}  {:7}  {:7.3} s  {:.3} s  {:8} B  {:10}  {:5}",
                config.latency_cycles(),
                elaborated.as_secs_f64(),
                emitted.as_secs_f64(),
                text.len(),
                text.len() / tiles,
                text.lines().count(),
            );
        }
    }
}
