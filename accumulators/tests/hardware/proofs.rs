//! Comparisons of the arithmetic with golden that take minutes, under Verilator:
//!
//! ```text
//! scripts/proofs products|products_fpga|steps|steps_fpga...
//! ```
//! `products` are all 2^32 products of two FP16 numbers; `steps` are 10^8 steps of a lane of four terms with either
//! accumulator, directed and random. What is finished is kept in a file, so that a proof goes on where it was.

#[allow(dead_code, reason = "the tests of each change use the rest")]
mod agreement;
#[allow(dead_code, reason = "likewise")]
mod bench;
#[allow(dead_code, reason = "likewise")]
mod cases;
mod expected;
#[allow(dead_code, reason = "likewise")]
mod numbers;
mod products;
#[allow(dead_code, reason = "likewise")]
mod simulators;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use accumulators::Target;
use indicatif::{ProgressBar, ProgressStyle};

use crate::bench::Bench;
use crate::cases::Cases;
use crate::products::Products;
use crate::simulators::Verilated;

/// Seed of the first chunk of steps; each chunk has the next.
const SEED: u64 = 0x5eed_0000;

/// Numbers `x` in a chunk of products.
const CHUNK_NUMBERS: u64 = 256;

/// Cycles in a chunk of steps.
const CHUNK_CYCLES: u64 = 1_000_000;

/// How far a proof is, in a file. A proof of other Verilog begins anew.
struct Record {
    path: PathBuf,
    fingerprint: u64,
    chunks: u64,
}

impl Record {
    fn open(path: PathBuf, design: &rtl::Design) -> Record {
        let mut hasher = DefaultHasher::new();
        rtl::verilog::emit_string(design, &rtl::verilog::Options::simulation()).hash(&mut hasher);
        let fingerprint = hasher.finish();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let found = text.split_once(' ').filter(|(of, _)| of.parse() == Ok(fingerprint));
        Record { path, fingerprint, chunks: found.and_then(|(_, chunks)| chunks.parse().ok()).unwrap_or(0) }
    }

    fn add_chunk(&mut self) {
        self.chunks += 1;
        std::fs::write(&self.path, format!("{} {}", self.fingerprint, self.chunks)).expect("the record is written");
    }
}

/// Compares the chunks that the record lacks; returns how many the whole has.
fn prove(name: &str, record: &mut Record, chunks: u64, mut compare: impl FnMut(u64)) {
    let style = ProgressStyle::with_template("{msg:13} {bar:40} {percent:>3} %, {eta} to go").expect("a template");
    let bar = ProgressBar::new(chunks).with_style(style).with_message(name.to_owned()).with_position(record.chunks);
    bar.reset_eta();
    while record.chunks < chunks {
        compare(record.chunks);
        record.add_chunk();
        bar.inc(1);
    }
    bar.finish_and_clear();
}

fn products(name: &str, target: Target, folder: &Path) {
    let products = Products { target };
    let design = rtl::elaborate(&products).unwrap_or_else(|errors| panic!("{errors}"));
    let mut record = Record::open(folder.join(name), &design);
    let mut verilated = Verilated::new(&design);
    let numbers: Vec<u16> = (0..=u16::MAX).collect();
    prove(name, &mut record, numbers.len() as u64 / CHUNK_NUMBERS, |chunk| {
        let x = &numbers[(chunk * CHUNK_NUMBERS) as usize..][..CHUNK_NUMBERS as usize];
        let compared = products.compare(&mut verilated.model, x, &numbers).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!(compared, CHUNK_NUMBERS << 16);
    });
    println!("{name}: {} products agree", record.chunks * CHUNK_NUMBERS << 16);
}

fn steps(name: &str, target: Target, folder: &Path) {
    let bench = Bench { fp32: vec![4], target, exact_bits: vec![], ..Bench::small() };
    let design = rtl::elaborate(&bench).unwrap_or_else(|errors| panic!("{errors}"));
    let mut record = Record::open(folder.join(name), &design);
    let mut verilated = Verilated::new(&design);
    prove(name, &mut record, 100, |chunk| {
        let cases = Cases::new(&bench, SEED + chunk);
        agreement::run(&bench, &mut verilated, cases, CHUNK_CYCLES).unwrap_or_else(|wrong| panic!("{wrong:#x?}"));
    });
    println!("{name}: {} steps of either accumulator agree, seed {SEED:#x}", record.chunks * CHUNK_CYCLES);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, names @ ..] = &arguments[..] else { panic!("expected: FOLDER NAME...") };
    let folder = Path::new(folder);
    for name in names {
        match name.as_str() {
            "products" => products(name, Target::StandardCells, folder),
            "products_fpga" => products(name, Target::Fpga, folder),
            "steps" => steps(name, Target::StandardCells, folder),
            "steps_fpga" => steps(name, Target::Fpga, folder),
            _ => panic!("{name}; expected products, products_fpga, steps or steps_fpga"),
        }
    }
}
