//! The vector ALU against the golden model: every pair of exponent classes, and operands at random; both simulators.

use std::collections::VecDeque;

use accumulators::VectorAlu;
use accumulators::vector::{LANES, LATENCY_CYCLES};
use golden::vector::Operand;
use golden::{FP16, FP32, Format, Overflow, Rounding, elementwise};
use isa::VectorOperation;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::SEED;
use crate::numbers::{FP16_CORNERS, FP32_CORNERS, fp16_in, fp32_with_exponent, pick};
use crate::simulators::{Native, Simulation, Verilated};

/// Operations of the ALU: all but functions and reductions.
const OPERATIONS: std::ops::RangeInclusive<u8> = VectorOperation::COPY.0..=VectorOperation::SELECT.0;

/// What is done with the elements of a cycle.
#[derive(Clone, Copy, Debug)]
struct Mode {
    operation: VectorOperation,
    /// Format of the operands.
    operands: Format,
    result: Format,
    stochastic: bool,
    saturate: bool,
}

/// Operands a, b and c of one lane, its random bits, and the result with flags and events above it.
#[derive(Clone, Copy, Debug)]
struct Element {
    operands: [u32; 3],
    random: u32,
    expected: u64,
}

/// The elements of one cycle: four of FP16, or two.
#[derive(Clone, Debug)]
pub struct Beat {
    mode: Mode,
    elements: Vec<Element>,
}

/// A result that is not what was expected.
#[derive(Debug)]
#[allow(dead_code, reason = "for the message of a failing test")]
pub struct Disagreement {
    pub after: u64,
    lane: usize,
    found: u64,
    beat: Beat,
}

impl Mode {
    /// Operands and result are FP16.
    fn fp16(&self) -> bool {
        self.operands == FP16 && self.result == FP16
    }

    fn lanes(&self) -> usize {
        if self.fp16() { LANES.len() } else { 2 }
    }

    fn random(rng: &mut SmallRng) -> Mode {
        let operation = VectorOperation(rng.random_range(OPERATIONS));
        let (operands, result) = pick(rng, &[(FP16, FP16), (FP32, FP32), (FP32, FP16)]);
        Mode { operation, operands, result, stochastic: rng.random(), saturate: rng.random() }
    }
}

impl Element {
    fn of_golden(mode: &Mode, operands: [u32; 3], random: u32) -> Element {
        let rounding = if mode.stochastic { Rounding::Stochastic { random } } else { Rounding::NearestEven };
        let overflow = if mode.saturate { Overflow::Saturate } else { Overflow::ToInfinity };
        let numbers = operands.map(|bits| Operand { format: mode.operands, bits });
        let element = elementwise(mode.operation, numbers, mode.result, rounding, overflow);
        let (flags, counts) = (element.flags, element.counts);
        let flags = [flags.nv, flags.of, flags.uf, flags.nx];
        let events = [counts.nans, counts.overflows, counts.zeroed].map(|count| count == 1);
        let expected = above(element.bits, flags.into_iter().chain(events));
        Element { operands, random, expected }
    }
}

/// A result with what happened above it.
fn above(bits: u32, happened: impl IntoIterator<Item = bool>) -> u64 {
    happened.into_iter().fold(0, |above, one| above << 1 | u64::from(one)) << 32 | u64::from(bits)
}

/// Feeds the beats, one a cycle, with stalls where `stalls` says so. Every result is compared in the cycle in which the
/// latency says that it is there, those that wait as well. Returns how many elements were compared.
pub fn run(
    simulation: &mut dyn Simulation,
    beats: impl Iterator<Item = Beat>,
    mut stalls: Option<SmallRng>,
) -> Result<u64, Disagreement> {
    // Ports in the order of their declaration; of a lane's outputs the result comes first, then flags and events.
    let (advance_port, mode_ports, random_ports, operand_ports) = (0, 1, 6, 10);
    let outputs_per_lane = 8;
    let mut in_flight = VecDeque::from([const { None }; LATENCY_CYCLES]);
    let mut compared = 0;
    // Empty slots at the end bring the last results out.
    let mut beats = beats.map(Some).chain([const { None }; LATENCY_CYCLES - 1]);
    loop {
        let advance = stalls.as_mut().is_none_or(|stalls| stalls.random_range(0..4) > 0);
        if advance {
            let Some(beat) = beats.next() else { return Ok(compared) };
            if let Some(Beat { mode, elements }) = &beat {
                let fp16_result = mode.result == FP16;
                let flags = [mode.fp16(), fp16_result, mode.stochastic, mode.saturate];
                simulation.set(mode_ports, mode.operation.0.into());
                flags.into_iter().enumerate().for_each(|(i, flag)| simulation.set(mode_ports + 1 + i, flag.into()));
                for (lane, element) in elements.iter().enumerate() {
                    simulation.set(random_ports + lane, element.random.into());
                    for (i, operand) in element.operands.into_iter().enumerate() {
                        simulation.set(operand_ports + LANES.len() * i + lane, operand.into());
                    }
                }
            }
            in_flight.push_front(beat);
            in_flight.truncate(LATENCY_CYCLES);
        }
        simulation.set(advance_port, advance.into());
        simulation.step();
        let Some(beat) = &in_flight[LATENCY_CYCLES - 1] else { continue };
        for (lane, element) in beat.elements.iter().enumerate() {
            let port = outputs_per_lane * lane;
            let happened: Vec<bool> = (1..outputs_per_lane).map(|i| simulation.get(port + i) == 1).collect();
            let found = above(simulation.get(port) as u32, happened);
            compared += u64::from(advance);
            if found != element.expected {
                return Err(Disagreement { after: compared, lane, found, beat: beat.clone() });
            }
        }
    }
}

/// A number of each class: signs, zero, the least and the greatest subnormal, normals at both ends and about one,
/// infinity, both NaNs.
fn classes(format: Format) -> Vec<u32> {
    let (exponent, fraction) = (format.exponent_bits, format.fraction_bits);
    let normal = |biased: u32, fraction: u32| biased << format.fraction_bits | fraction;
    let (bias, most) = ((1 << (exponent - 1)) - 1, (1 << exponent) - 1);
    let all = (1 << fraction) - 1;
    let positive = [
        normal(0, 0),
        normal(0, 1),
        normal(0, all),
        normal(1, 0),
        normal(bias / 2, all),
        normal(bias - 1, all),
        normal(bias, 0),
        normal(bias, 1),
        normal(bias + fraction, 0),
        normal(most - 1, all),
        normal(most, 0),
        normal(most, 1),
        normal(most, 1 << (fraction - 1)),
    ];
    positive.into_iter().flat_map(|number| [number, number | format.sign_bit(true)]).collect()
}

/// Every pair of classes in every operation, and in fused multiply-add every triple.
fn every_pair_of_classes() -> impl Iterator<Item = Beat> {
    let formats = [(FP16, FP16), (FP32, FP32), (FP32, FP16)];
    formats.into_iter().flat_map(|(operands, result)| {
        OPERATIONS.map(VectorOperation).flat_map(move |operation| {
            let numbers = classes(operands);
            let fused = operation == VectorOperation::FMA;
            let third = if fused { numbers.clone() } else { vec![numbers[2], numbers[13]] };
            let pairs = numbers.iter().flat_map(|&a| numbers.iter().map(move |&b| (a, b)));
            let triples: Vec<[u32; 3]> = pairs.flat_map(|(a, b)| third.iter().map(move |&c| [a, b, c])).collect();
            let mode = Mode { operation, operands, result, stochastic: false, saturate: false };
            let beats: Vec<Beat> = triples
                .chunks(mode.lanes())
                .map(|triples| {
                    let elements = triples.iter().map(|&operands| Element::of_golden(&mode, operands, 0));
                    Beat { mode, elements: elements.collect() }
                })
                .collect();
            beats
        })
    })
}

/// Elements of [`every_pair_of_classes`].
const CLASS_ELEMENTS: u64 = 3 * (12 * 26 * 26 * 2 + 26 * 26 * 26);

/// A number of any sort; about one, with few bits, more often than not.
fn number(rng: &mut SmallRng, format: Format) -> u32 {
    let sort = rng.random_range(0..8);
    if format == FP16 {
        let number = match sort {
            0 => pick(rng, &FP16_CORNERS),
            1 => rng.random(),
            2 => fp16_in(rng, 0..=1),
            3 => fp16_in(rng, 27..=30),
            _ => fp16_in(rng, 8..=22),
        };
        let few_bits = if sort % 2 == 0 { 0xFFFF } else { 0xFF80 };
        u32::from(number & few_bits)
    } else {
        match sort {
            0 => pick(rng, &FP32_CORNERS),
            1 => rng.random(),
            2 => rng.random::<u32>() & 0x81FF_FFFF,
            3 => rng.random_range(0x6F00_0000..0x7F80_0000) ^ rng.random::<u32>() & 1 << 31,
            // About FP16's limits.
            4 => golden::fp16_to_fp32(rng.random()).0.wrapping_add_signed(rng.random_range(-2..=2)),
            5 => golden::fp16_to_fp32(rng.random()).0 ^ 0x1000,
            _ => {
                let exponent = rng.random_range(90..160);
                fp32_with_exponent(rng, exponent)
            }
        }
    }
}

/// Operands at random; in every third element c nearly cancels the product, or b is near a.
fn random_element(rng: &mut SmallRng, mode: &Mode) -> Element {
    let format = mode.operands;
    let mut operands = [0; 3].map(|_| number(rng, format));
    if rng.random_range(0..3) == 0 {
        let near = rng.random_range(-2..=2);
        let sign = format.sign_bit(rng.random());
        let mask = format.sign_bit(true) | (format.sign_bit(true) - 1);
        let exactly = |operation, operands: [u32; 3]| {
            let numbers = operands.map(|bits| Operand { format, bits });
            elementwise(operation, numbers, format, Rounding::NearestEven, Overflow::ToInfinity).bits
        };
        operands[1] = if mode.operation == VectorOperation::FMA || mode.operation == VectorOperation::FNMA {
            let product = exactly(VectorOperation::MULTIPLY, operands);
            operands[2] = (product.wrapping_add_signed(near) ^ sign) & mask;
            operands[1]
        } else {
            (operands[0].wrapping_add_signed(near) ^ sign) & mask
        };
    }
    Element::of_golden(mode, operands, rng.random())
}

/// Every operation in every mode at random: what a pipeline holds is never of one kind.
pub fn random_beats(seed: u64, count: u64) -> impl Iterator<Item = Beat> {
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..count).map(move |_| {
        let mode = Mode::random(&mut rng);
        let elements = (0..mode.lanes()).map(|_| random_element(&mut rng, &mode)).collect();
        Beat { mode, elements }
    })
}

fn design() -> rtl::Design {
    rtl::elaborate(&VectorAlu).unwrap_or_else(|errors| panic!("{errors}"))
}

fn agree(simulation: &mut dyn Simulation, beats: impl Iterator<Item = Beat>, stalls: Option<SmallRng>) -> u64 {
    run(simulation, beats, stalls).unwrap_or_else(|wrong| panic!("{wrong:#x?}"))
}

#[test]
fn every_pair_of_exponent_classes_is_as_in_golden() {
    assert_eq!(agree(&mut Verilated::new(&design()), every_pair_of_classes(), None), CLASS_ELEMENTS);
    let native = every_pair_of_classes().step_by(3);
    assert!(agree(&mut Native::new(&design()), native, None) > CLASS_ELEMENTS / 4);
}

#[test]
fn simulators_agree_with_golden_on_any_mixture_with_stalls() {
    println!("seed {SEED:#x}");
    let stalls = Some(SmallRng::seed_from_u64(SEED));
    let design = design();
    assert!(agree(&mut Native::new(&design), random_beats(SEED, 20_000), stalls.clone()) > 50_000);
    assert!(agree(&mut Verilated::new(&design), random_beats(SEED + 1, 150_000), stalls) > 390_000);
}
