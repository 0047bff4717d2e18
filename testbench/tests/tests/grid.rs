//! Products on machines of many tiles.

use exchange::GridConfig;
use golden::Start;
use isa::register;
use kernels::device::NativeGrid;
use kernels::matmul::grid::{expected, plan, run_grid_matmul};
use kernels::matmul::{MatmulProblem, Operands};
use kernels::random::Random;
use tile::TileConfig;

fn show(tiles: usize, (m, n, k): (usize, usize, usize)) {
    let config = GridConfig::new(TileConfig::ipu64(), tiles);
    let problem = MatmulProblem::new(m, n, k);
    let begin = std::time::Instant::now();
    let plan = plan(&config, &problem).unwrap_or_else(|error| panic!("{error}"));
    println!("planned in {:?}", begin.elapsed());
    for candidate in plan.candidates.iter().take(8) {
        println!("  {} rough {} predicted {:?}", candidate.partition, candidate.rough_cycles, candidate.predicted);
    }
    let mut random = Random::new(1);
    let (a, b) = (random.fp16s(m * k), random.fp16s(k * n));
    let operands = Operands { a: &a, b: &b, start: Start::Zero };
    let begin = std::time::Instant::now();
    let mut grid = NativeGrid::new(&config).unwrap_or_else(|error| panic!("{error}"));
    println!("built in {:?}", begin.elapsed());
    let begin = std::time::Instant::now();
    let report = run_grid_matmul(&mut grid, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    println!("{} simulated cycles in {:?}", report.simulated_cycles, begin.elapsed());
    println!(
        "{tiles} tiles, {m}x{n}x{k}: {} cycles, predicted {:?}, utilisation {:.4}, exchange {} sync {}, compute bound {}, port {}",
        report.cycles,
        plan.predicted,
        report.utilisation(),
        report.most(&register::EXCHANGE_CYCLES),
        report.most(&register::SYNC_CYCLES),
        plan.compute_bound(),
        plan.busiest_port_cycles
    );
    let limit = 1.02 * (plan.compute_bound() + plan.busiest_port_cycles) as f64 + 500.0;
    println!("limit {limit}");
    let golden = expected(&plan, &operands);
    assert_eq!(report.bits, golden.bits);
}

#[test]
fn quick() {
    show(4, (256, 256, 256));
    show(4, (64, 64, 1024));
    show(3, (50, 70, 90));
}

#[test]
#[ignore]
fn big() {
    show(16, (512, 512, 512));
}
