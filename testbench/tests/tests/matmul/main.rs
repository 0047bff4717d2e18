//! Matrix products on the whole tile, in the native simulator and in Verilator: every result and every flag is the
//! golden model's, and every cycle is the planner's.
//!
//! Six tiles: T in {1, 4, 16} with both accumulators; the named configurations are three of them.

mod operands;

use std::collections::HashMap;

use golden::Flags;
use kernels::device::{Device, NativeTile, VerilatorTile};
use kernels::matmul::{MatmulProblem, expected, plan, run_matmul};
use kernels::random::Random;
use kernels::report::KernelReport;
use operands::{DATA, Data, Product};
use tile::{Accumulator, TileConfig};

/// Products for each tile: in all 240 on Verilator.
const PRODUCTS_ON_VERILATOR: usize = 40;
const PRODUCTS_ON_NATIVE: usize = 36;

/// Runs a product and compares it; the cycles must be those of the plan.
fn multiply(device: &mut dyn Device, config: &TileConfig, product: &Product) -> (KernelReport, usize) {
    let Product { problem, data, .. } = product;
    let what = || format!("{problem:?} with {data:?} data on {} ({})", config.name, device_name(config));
    let plan = plan(config, problem).unwrap_or_else(|error| panic!("{}: {error}", what()));
    let operands = product.operands();
    let report =
        run_matmul(device, &plan, &operands, &mut |_| ()).unwrap_or_else(|error| panic!("{}: {error}", what()));
    let comparison = plan.problem.compare((&report.bits, report.flags), &expected(&plan, &operands));
    if let Some(difference) = comparison.first {
        panic!("{}: {} results differ; {difference}", what(), comparison.different);
    }
    assert_eq!(comparison.flags.0, comparison.flags.1, "flags of {}", what());
    assert!(plan.layout.conflict_free, "{}", what());
    assert_eq!(report.cycles, report.predicted_cycles, "cycles of {}", what());
    (report, comparison.compared)
}

fn device_name(config: &TileConfig) -> String {
    format!("T = {}, {:?}", config.terms, config.accumulator)
}

/// A series of random products, all on one tile.
fn check(device: &mut dyn Device, config: &TileConfig, products: usize) {
    let seed = std::env::var("TESSERA_SEED").map_or(config.terms as u64, |seed| seed.parse().expect("a number"));
    println!("TESSERA_SEED={seed}");
    let mut random = Random::new(seed);
    let mut compared: HashMap<Data, usize> = HashMap::new();
    let mut flags = Flags::NONE;
    for index in 0..products {
        let product = Product::random(&mut random, index);
        let (report, results) = multiply(device, config, &product);
        *compared.entry(product.data).or_default() += results;
        flags |= report.flags;
    }
    for data in DATA {
        let results = compared.get(&data).copied().unwrap_or(0);
        assert!(results > 100, "{results} results compared with {data:?} data");
    }
    let every_flag = Flags { nv: true, of: true, uf: true, nx: true, hr: false };
    assert_eq!(flags, every_flag, "flags that were raised; no sum here is long enough for HR");
}

/// The tile with T terms and a kind of accumulator: a named one where there is one.
fn config(terms: usize, accumulator: Accumulator) -> TileConfig {
    let named = TileConfig::named();
    let same_terms = named.into_iter().find(|config| config.terms == terms).expect("named for T = 1, 4 and 16");
    let name = if same_terms.accumulator == accumulator { same_terms.name.clone() } else { "variant".into() };
    TileConfig { name, accumulator, ..same_terms }
}

macro_rules! variants {
    ($($name:ident: $terms:literal, $accumulator:ident;)+) => { $(
        mod $name {
            use super::*;

            #[test]
            fn products_are_bit_exact_and_take_the_planned_cycles_on_the_native_simulator() {
                let config = config($terms, Accumulator::$accumulator);
                check(&mut NativeTile::new(&config).unwrap(), &config, PRODUCTS_ON_NATIVE);
            }

            #[test]
            fn products_are_bit_exact_and_take_the_planned_cycles_on_verilator() {
                let config = config($terms, Accumulator::$accumulator);
                let mut device = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
                check(&mut device, &config, PRODUCTS_ON_VERILATOR);
            }
        }
    )+ };
}

variants! {
    t1_fp32: 1, Fp32;
    t1_exact: 1, Exact;
    t4_fp32: 4, Fp32;
    t4_exact: 4, Exact;
    t16_fp32: 16, Fp32;
    t16_exact: 16, Exact;
}

/// Cubes of `size` with FP32 results: utilisation from START to DONE.
fn utilisation(device: &mut dyn Device, config: &TileConfig, size: usize) -> f64 {
    let product = Product::new(MatmulProblem::new(size, size, size), Data::Even, &mut Random::new(size as u64));
    multiply(device, config, &product).0.utilisation()
}

#[test]
fn ipu64_uses_92_percent_of_its_macs_at_64_and_more_at_larger_sizes() {
    let config = TileConfig::ipu64();
    let mut device = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
    for (size, least) in [(64, 0.92), (128, 0.98), (256, 0.995)] {
        let utilisation = utilisation(&mut device, &config, size);
        assert!(utilisation >= least, "{utilisation} at {size}");
    }
}

#[test]
fn wide256_uses_90_percent_of_its_macs_at_256() {
    let config = TileConfig::wide256();
    let mut device = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
    let utilisation = utilisation(&mut device, &config, 256);
    assert!(utilisation >= 0.9, "{utilisation}");
}

/// Both simulators count the same cycles and stalls: they run the same hardware.
#[test]
fn both_simulators_agree_on_cycles_and_counters() {
    let config = TileConfig::small16();
    let mut native = NativeTile::new(&config).unwrap();
    let mut verilator = VerilatorTile::new(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut random = Random::new(3);
    for index in 0..6 {
        let product = Product::random(&mut random, index);
        let (native, _) = multiply(&mut native, &config, &product);
        let (verilator, _) = multiply(&mut verilator, &config, &product);
        assert_eq!(native, verilator, "{:?}", product.problem);
    }
}
