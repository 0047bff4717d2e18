//! How fast the native simulator runs: an array of multiply-accumulate cells as the tile has them.
//!
//! Each cell multiplies two 11-bit significands, shifts the product by a 6-bit exponent into an 86-bit window, and
//! adds it with its sign to a 104-bit accumulator. Inputs enter on the left of each row and at the top of each column,
//! and move on by a cell a cycle.
//!
//! `cargo run --release -p tessera-rtl --example sim_speed [rows columns cycles]`

use std::time::Instant;

use rtl::sim::Simulator;
use rtl::{Builder, Module, Ports, Signal, bundle, cat, elaborate, mux};

/// Sign, 5-bit exponent, 10-bit fraction.
const OPERAND_BITS: usize = 16;
const WINDOW_BITS: usize = 86;
const ACCUMULATOR_BITS: usize = 104;

bundle! {
    struct CellIn { x: Signal, w: Signal, clear: Signal }
}
bundle! {
    struct CellOut { x_next: Signal, w_next: Signal, sum: Signal }
}
bundle! {
    struct ArrayIn { x: Vec<Signal>, w: Vec<Signal>, clear: Signal }
}
bundle! {
    struct ArrayOut { sums: Vec<Signal> }
}

#[derive(Debug)]
struct Cell;

impl Module for Cell {
    type In = CellIn;
    type Out = CellOut;

    fn name(&self) -> String {
        "multiply_accumulate".into()
    }

    fn inputs(&self, ports: &Ports) -> CellIn {
        CellIn { x: ports.input("x", OPERAND_BITS), w: ports.input("w", OPERAND_BITS), clear: ports.bit("clear") }
    }

    fn build(&self, m: &Builder, io: CellIn) -> CellOut {
        let exponent = |value: Signal| value.bits(10..15);
        let significand = |value: Signal| cat([exponent(value).any(), value.bits(0..10)]);
        let product = (significand(io.x) * significand(io.w)).register("product");
        let shift = exponent(io.x).widening_add(exponent(io.w)).register("shift");
        let sign = (io.x.msb() ^ io.w.msb()).register("sign");

        let aligned = product.zero_extend(WINDOW_BITS).shift_left(shift).zero_extend(ACCUMULATOR_BITS);
        let sum = m.register("accumulator", ACCUMULATOR_BITS).reset(0);
        let next = sum.q + mux(sign, -aligned, aligned);
        sum.set(mux(io.clear, aligned, next));
        CellOut { x_next: io.x.register("x_next"), w_next: io.w.register("w_next"), sum: sum.q }
    }
}

#[derive(Debug)]
struct Array {
    rows: usize,
    columns: usize,
}

impl Module for Array {
    type In = ArrayIn;
    type Out = ArrayOut;

    fn name(&self) -> String {
        "array".into()
    }

    fn inputs(&self, ports: &Ports) -> ArrayIn {
        ArrayIn {
            x: ports.array("x", self.rows, OPERAND_BITS),
            w: ports.array("w", self.columns, OPERAND_BITS),
            clear: ports.bit("clear"),
        }
    }

    fn build(&self, m: &Builder, io: ArrayIn) -> ArrayOut {
        let mut sums = vec![];
        let mut w = io.w;
        for (row, mut x) in io.x.into_iter().enumerate() {
            for (column, w) in w.iter_mut().enumerate() {
                let cell = CellIn { x, w: *w, clear: io.clear };
                let out = m.instance(&format!("cell_{row}_{column}"), &Cell, cell);
                (x, *w) = (out.x_next, out.w_next);
                sums.push(out.sum);
            }
        }
        ArrayOut { sums }
    }
}

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).map(|text| text.parse().expect("a number")).collect();
    let (rows, columns, cycles) = match arguments[..] {
        [] => (16, 16, 20_000),
        [rows, columns, cycles] => (rows, columns, cycles),
        _ => panic!("expected `rows columns cycles` or nothing"),
    };
    let start = Instant::now();
    let design = elaborate(&Array { rows, columns }).expect("a sound design");
    let elaborated = start.elapsed();
    let start = Instant::now();
    let mut sim = Simulator::new(&design).expect("a checked design");
    let compiled = start.elapsed();
    let (instructions, batches) = sim.instruction_count();
    println!("{rows} x {columns} cells: elaborated in {elaborated:.1?}, compiled in {compiled:.1?}");
    println!("{instructions} instructions in {batches} batches");

    let names = |prefix: &str, count: usize| (0..count).map(|i| format!("{prefix}_{i}")).collect::<Vec<_>>();
    let inputs: Vec<_> = [names("x", rows), names("w", columns)]
        .concat()
        .iter()
        .map(|name| sim.input(name).expect("a port of the array"))
        .collect();
    sim.reset(1).expect("no assertions");
    let mut state = 1u64;
    let start = Instant::now();
    for _ in 0..cycles {
        for &input in &inputs {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sim.set(input, state >> 48);
        }
        sim.step(1).expect("no assertions");
    }
    let seconds = start.elapsed().as_secs_f64();
    let last = sim.output(&format!("sums_{}", rows * columns - 1)).expect("an output of the array");
    println!("last sum: {:?}", sim.get_bits(last));
    println!(
        "{:.0} cycles/s, {:.2} ns an instruction",
        cycles as f64 / seconds,
        1e9 * seconds / (cycles * instructions) as f64
    );
}
