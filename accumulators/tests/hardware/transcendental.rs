//! The transcendental unit: FP16 against the oracle, every number; FP32 against the golden model; both simulators.

use std::collections::VecDeque;

use accumulators::Transcendental;
use accumulators::transcendental::LATENCY_CYCLES;
use functions::Function;
use oracle::Oracle;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::SEED;
use crate::numbers::{FP32_CORNERS, fp32_boundary, fp32_with_exponent, pick};
use crate::simulators::{Native, Simulation, Verilated};

/// A function, its operand, and the result with the flags above it: NV, OF, UF, NX.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    function: Function,
    fp16: bool,
    operand: u32,
    expected: u64,
}

/// A result that is not what was expected.
#[derive(Debug)]
#[allow(dead_code, reason = "for the message of a failing test")]
pub struct Disagreement {
    pub after: u64,
    found: u64,
    case: Case,
}

impl Case {
    /// As the golden model has it.
    pub fn of_golden(function: Function, fp16: bool, operand: u32) -> Case {
        let format = if fp16 { golden::FP16 } else { golden::FP32 };
        let operand = if fp16 { operand & 0xFFFF } else { operand };
        let (bits, flags) = golden::transcendental(function, format, operand);
        Case { function, fp16, operand, expected: expected(bits, [flags.nv, flags.of, flags.uf, flags.nx]) }
    }

    /// Correctly rounded FP16.
    fn of_oracle(oracle: &mut Oracle, function: Function, operand: u32) -> Case {
        let result = oracle.expected(function, oracle::FP16, operand);
        let flags = [result.invalid, result.overflow, result.underflow, result.inexact];
        Case { function, fp16: true, operand, expected: expected(result.bits, flags) }
    }
}

fn expected(bits: u32, flags: [bool; 4]) -> u64 {
    flags.into_iter().fold(0, |flags, flag| flags << 1 | u64::from(flag)) << 32 | u64::from(bits)
}

/// Feeds the cases, one a cycle, with stalls where `stalls` says so. Every result is compared in the cycle in which the
/// latency says that it is there, those that wait as well. Returns how many cases were compared.
pub fn run(
    simulation: &mut dyn Simulation,
    cases: impl Iterator<Item = Case>,
    mut stalls: Option<SmallRng>,
) -> Result<u64, Disagreement> {
    // Ports in the order of their declaration.
    let [advance_port, function_port, fp16_port, operand_port] = [0, 1, 2, 3];
    let (result_port, flag_ports) = (0, [1, 2, 3, 4]);
    let mut in_flight = VecDeque::from([None; LATENCY_CYCLES]);
    let mut compared = 0;
    // Empty slots at the end bring the last results out.
    let mut cases = cases.map(Some).chain([None; LATENCY_CYCLES - 1]);
    loop {
        let advance = stalls.as_mut().is_none_or(|stalls| stalls.random_range(0..4) > 0);
        if advance {
            let Some(case) = cases.next() else { return Ok(compared) };
            in_flight.push_front(case);
            in_flight.truncate(LATENCY_CYCLES);
            let Case { function, fp16, operand, .. } = case.unwrap_or(Case::of_golden(Function::Exp, false, 0));
            simulation.set(function_port, function.code().into());
            simulation.set(fp16_port, fp16.into());
            simulation.set(operand_port, operand.into());
        }
        simulation.set(advance_port, advance.into());
        simulation.step();
        let Some(case) = in_flight[LATENCY_CYCLES - 1] else { continue };
        let flags = flag_ports.map(|flag| simulation.get(flag) == 1);
        let found = expected(simulation.get(result_port) as u32, flags);
        compared += u64::from(advance);
        if found != case.expected {
            return Err(Disagreement { after: compared, found, case });
        }
    }
}

/// Every FP16 number through every function.
fn every_fp16_number() -> impl Iterator<Item = Case> {
    let mut oracle = Oracle::default();
    let operands = Function::ALL.into_iter().flat_map(|function| (0..1 << 16).map(move |operand| (function, operand)));
    operands.map(move |(function, operand)| Case::of_oracle(&mut oracle, function, operand))
}

/// An FP32 operand: first the corners and every exponent with fractions at boundaries; then at random any number, any
/// exponent, near one, and where exponentials are neither 1 nor beyond the format.
fn fp32_operand(rng: &mut SmallRng, function: Function, n: u64) -> u32 {
    let operand = match (n, rng.random_range(0..4)) {
        (0..16, _) => return FP32_CORNERS[n as usize],
        (16..8000, _) => return fp32_boundary(n),
        (_, 0) => rng.random(),
        (_, 1) => {
            let exponent = rng.random_range(0..256);
            fp32_with_exponent(rng, exponent)
        }
        (_, 2) => {
            let below = 1 << rng.random_range(0..24);
            1f32.to_bits().wrapping_add_signed(rng.random_range(-below..=below))
        }
        _ => {
            let exponent = rng.random_range(118..134);
            fp32_with_exponent(rng, exponent)
        }
    };
    let positive = matches!(function, Function::Ln | Function::Log2 | Function::Sqrt | Function::ReciprocalSqrt);
    if positive && !n.is_multiple_of(8) { operand & !(1 << 31) } else { operand }
}

/// FP32 operands and what golden makes of them, functions in turn.
pub fn fp32_cases(seed: u64, each: u64) -> impl Iterator<Item = Case> {
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..each).flat_map(|n| Function::ALL.map(|function| (n, function))).map(move |(n, function)| {
        let operand = fp32_operand(&mut rng, function, n);
        Case::of_golden(function, false, operand)
    })
}

/// Both formats, functions at random: what a pipeline holds is never of one kind.
pub fn mixed_cases(seed: u64, count: u64) -> impl Iterator<Item = Case> {
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..count).map(move |n| {
        let function = pick(&mut rng, &Function::ALL);
        let fp16 = rng.random();
        let operand = if fp16 { rng.random() } else { fp32_operand(&mut rng, function, n * 16 % 16_384) };
        Case::of_golden(function, fp16, operand)
    })
}

fn design() -> rtl::Design {
    rtl::elaborate(&Transcendental).unwrap_or_else(|errors| panic!("{errors}"))
}

fn agree(simulation: &mut dyn Simulation, cases: impl Iterator<Item = Case>, stalls: Option<SmallRng>) -> u64 {
    run(simulation, cases, stalls).unwrap_or_else(|wrong| panic!("{wrong:#x?}"))
}

#[test]
fn every_fp16_result_is_correctly_rounded_on_verilator() {
    assert_eq!(agree(&mut Verilated::new(&design()), every_fp16_number(), None), 9 << 16);
}

/// `scripts/exhaustive` asks for ten times as many.
#[test]
fn fp32_is_the_golden_model_in_a_million_cases_of_each_function() {
    let each = std::env::var("TESSERA_FP32_CASES").map_or(1_000_000, |cases| cases.parse().expect("a number"));
    println!("seed {SEED:#x}");
    assert_eq!(agree(&mut Verilated::new(&design()), fp32_cases(SEED, each), None), 9 * each);
}

#[test]
fn simulators_agree_on_any_mixture_with_stalls() {
    println!("seed {SEED:#x}");
    let stalls = Some(SmallRng::seed_from_u64(SEED));
    let design = design();
    assert_eq!(agree(&mut Native::new(&design), mixed_cases(SEED, 200_000), stalls.clone()), 200_000);
    assert_eq!(agree(&mut Verilated::new(&design), mixed_cases(SEED, 200_000), stalls), 200_000);
}

#[test]
fn three_tools_accept_the_verilog_without_a_word() {
    let design = design();
    let files = rtl::verilog::emit(&design, &rtl::verilog::Options::default());
    assert_eq!(files.len(), 4);
    let verilog =
        files.into_iter().fold(cosim::Design::new(&design.top().name), |d, file| d.source(file.name, file.text));
    for messages in [cosim::verilator_lint(&verilog), cosim::icarus_lint(&verilog)] {
        let messages = messages.unwrap_or_else(|error| panic!("{error}"));
        let text: Vec<_> = messages.iter().map(ToString::to_string).collect();
        assert!(text.is_empty(), "{}", text.join("\n"));
    }
    // The two tables stay memories.
    let commands = "hierarchy -check -auto-top; proc; opt; check -assert; select -assert-count 2 */m:*";
    let printed = cosim::yosys(&verilog, commands).unwrap_or_else(|error| panic!("{error}"));
    let warnings: Vec<_> = printed.lines().filter(|line| line.to_lowercase().contains("warning")).collect();
    assert!(warnings.is_empty(), "{}", warnings.join("\n"));
}
