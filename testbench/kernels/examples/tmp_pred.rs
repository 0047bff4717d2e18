//! tmp
use kernels::matmul::*;
fn main() {
    for (name, s) in [("ipu64", 64), ("ipu64", 128), ("ipu64", 256), ("wide256", 64),("wide256", 256), ("small16", 64)] {
        let config = tile::TileConfig::named().into_iter().find(|c| c.name == name).unwrap();
        let t = std::time::Instant::now();
        let plan = plan::plan(&config, &MatmulProblem::new(s, s, s)).unwrap();
        let p = plan.predicted_cycles();
        println!("{name} {s} predicted {p} utilisation {:.2}% launches {} plan {:?}", 100.0 * (s*s*s) as f64 / config.macs_per_cycle() as f64 / p as f64, plan.launches.len(), t.elapsed());
    }
}
