//! Whole products against steps of the oracle, and errors against FP64.

mod common;

use common::oracle::{self, HALF, SINGLE};
use common::stimulus::{Random, finite_fp16, moderate_fp16, moderate_fp32};
use common::{Scoreboard, stimulus};
use golden::reference::{error_ulp, matmul_fp64, summarize_errors};
use golden::{
    ALL_TERMS, AccumulatorKind, Activation, FP16, FP32, Flags, MatmulOptions, OutputType, Overflow, ReadOut, Shape,
    Start, matmul,
};
use num_bigint::BigInt;

struct Problem {
    shape: Shape,
    a: Vec<u16>,
    b: Vec<u16>,
    partial_sums: Vec<u32>,
}

fn problem(random: &mut Random, shape: Shape, number: fn(&mut Random) -> u16) -> Problem {
    let mut matrix = |size: usize| (0..size).map(|_| number(random)).collect::<Vec<u16>>();
    let (a, b) = (matrix(shape.m * shape.k), matrix(shape.k * shape.n));
    let partial_sums = (0..shape.m * shape.n).map(|_| moderate_fp32(random, 120, 12)).collect();
    Problem { shape, a, b, partial_sums }
}

impl Problem {
    /// Operands of result (`row`, `column`), K ascending.
    fn vectors(&self, row: usize, column: usize) -> (Vec<u16>, Vec<u16>) {
        let Shape { n, k, .. } = self.shape;
        ((0..k).map(|i| self.a[row * k + i]).collect(), (0..k).map(|i| self.b[i * n + column]).collect())
    }
}

#[test]
fn fp32_product_is_the_chain_of_its_steps() {
    let mut random = Random::seeded(0x3A7);
    let mut scoreboard = Scoreboard::new("FP32 matmul");
    for (round, &(m, n, k)) in [(3, 5, 40), (1, 1, 1), (4, 2, 16), (2, 7, 17), (5, 3, 0), (2, 2, 31)].iter().enumerate()
    {
        let number = if round % 2 == 0 { finite_fp16 } else { |r: &mut Random| moderate_fp16(r, 12, 6) };
        let problem = problem(&mut random, Shape { m, n, k }, number);
        for terms in [1, 2, 4, 8, 16] {
            for start in
                [Start::Zero, Start::PartialSums(&problem.partial_sums), Start::Bias(&problem.partial_sums[..n])]
            {
                let options = MatmulOptions { terms, ..Default::default() };
                let actual = matmul(problem.shape, &problem.a, &problem.b, start, &options);
                let mut flags = Flags::NONE;
                for row in 0..m {
                    for column in 0..n {
                        let mut sum = match start {
                            Start::Zero => 0,
                            Start::PartialSums(sums) => sums[row * n + column],
                            Start::Bias(bias) => bias[column],
                        };
                        let (x, w) = problem.vectors(row, column);
                        let mut i = 0;
                        while i < k {
                            let end = (i + terms).min(k);
                            let (next, more) = oracle::step(sum, &x[i..end], &w[i..end], ALL_TERMS);
                            (sum, i) = (next, end);
                            flags |= more;
                        }
                        let describe = || format!("{m}x{n}x{k} T = {terms} at ({row}, {column})");
                        scoreboard.compare(actual.bits[row * n + column], sum, describe);
                    }
                }
                scoreboard.compare(actual.flags, flags, || format!("flags of {m}x{n}x{k} T = {terms}"));
            }
        }
    }
    scoreboard.finish(945);
}

#[test]
fn exact_product_is_the_rounded_sum_for_every_t() {
    let mut random = Random::seeded(0xE8AC7);
    let mut scoreboard = Scoreboard::new("exact matmul");
    for &(m, n, k) in &[(3, 5, 40), (2, 2, 100), (4, 4, 16), (1, 3, 7)] {
        let problem = problem(&mut random, Shape { m, n, k }, |r| moderate_fp16(r, 10, 12));
        for (terms, output, overflow, activation) in [
            (1, OutputType::Fp32, Overflow::ToInfinity, Activation::None),
            (4, OutputType::Fp32, Overflow::ToInfinity, Activation::Relu),
            (8, OutputType::Fp16, Overflow::ToInfinity, Activation::None),
            (16, OutputType::Fp16, Overflow::Saturate, Activation::Relu),
        ] {
            let read_out = ReadOut { output, overflow, activation };
            let options = MatmulOptions { terms, accumulator: AccumulatorKind::EXACT, read_out };
            let actual = matmul(problem.shape, &problem.a, &problem.b, Start::Zero, &options);
            for row in 0..m {
                for column in 0..n {
                    let (x, w) = problem.vectors(row, column);
                    let product = |(&x, &w): (&u16, &u16)| match oracle::product(x, w) {
                        oracle::Product::Finite { value, .. } => value,
                        _ => unreachable!("finite operands"),
                    };
                    let exact: BigInt = x.iter().zip(&w).map(product).sum();
                    let format = if output == OutputType::Fp16 { HALF } else { SINGLE };
                    let (mut expected, flags) = format.nearest(&exact);
                    expected -= u32::from(flags.of && overflow == Overflow::Saturate);
                    if activation == Activation::Relu && expected & format.sign() != 0 {
                        expected = 0;
                    }
                    let describe = || format!("{m}x{n}x{k} T = {terms} at ({row}, {column})");
                    scoreboard.compare(actual.bits[row * n + column], expected, describe);
                }
            }
        }
    }
    scoreboard.finish(150);
}

#[test]
fn error_is_small_against_fp64() {
    let mut random = Random::seeded(0xE44);
    let shape = Shape { m: 16, n: 16, k: 256 };
    let problem = problem(&mut random, shape, |r| stimulus::moderate_fp16(r, 12, 4) & 0x7FFF);
    let reference = matmul_fp64(shape, &problem.a, &problem.b, Start::Zero, Activation::None);
    let mut errors = Vec::new();
    for accumulator in [AccumulatorKind::EXACT, AccumulatorKind::Fp32] {
        let options = MatmulOptions { terms: 4, accumulator, ..Default::default() };
        let result = matmul(shape, &problem.a, &problem.b, Start::Zero, &options);
        errors.push(summarize_errors(OutputType::Fp32, &result.bits, &reference));
    }
    println!("exact {:?}, FP32 {:?}", errors[0], errors[1]);
    assert_eq!(errors[0].compared, 256);
    assert!(errors[0].max_ulp <= 0.5, "one rounding is half a unit at most");
    assert!(errors[1].max_ulp <= 32.0 && errors[1].mean_ulp > errors[0].mean_ulp);
}

#[test]
fn errors_are_in_units_of_the_last_place() {
    let one = 0x3F80_0000;
    assert_eq!(error_ulp(FP32, one, 1.0), 0.0);
    assert_eq!(error_ulp(FP32, one + 1, 1.0), 1.0);
    assert_eq!(error_ulp(FP32, one, 1.0 + 2f64.powi(-24)), 0.5);
    assert_eq!(error_ulp(FP16, 0x0003, 2f64.powi(-24)), 2.0, "subnormals share one unit");
    assert_eq!(error_ulp(FP16, 0x8000, 0.0), 0.0);
    assert_eq!(error_ulp(FP16, 0x7C00, 65520.0), 0.0, "the reference is infinite in FP16");
    assert_eq!(error_ulp(FP16, 0x7BFF, 65519.0), 15.0 / 32.0);
    assert_eq!(error_ulp(FP16, 0x7BFF, 1e9), f64::INFINITY, "saturated");
    assert_eq!(error_ulp(FP32, 0x7FC0_0000, f64::NAN), 0.0);
    assert_eq!(error_ulp(FP32, 0x7FC0_0000, 1.0), f64::INFINITY);
}

#[test]
#[should_panic(expected = "terms are 1, 2, 4, 8 or 16, not 3")]
fn other_terms_are_refused() {
    let options = MatmulOptions { terms: 3, ..Default::default() };
    matmul(Shape { m: 1, n: 1, k: 1 }, &[0], &[0], Start::Zero, &options);
}

#[test]
#[should_panic(expected = "B is K x N")]
fn wrong_lengths_are_refused() {
    matmul(Shape { m: 1, n: 2, k: 1 }, &[0], &[0], Start::Zero, &MatmulOptions::default());
}
