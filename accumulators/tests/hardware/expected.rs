//! What golden says about a case.

use golden::{
    Accumulator, AccumulatorKind, Activation, Element, ExactState, Flags, OutputType, Overflow, ReadOut, Rounding,
};

use crate::bench::{Bench, Unit};
use crate::cases::Case;

/// The outputs of a bench for a case, in order.
pub fn outputs(bench: &Bench, case: &Case, values: &mut Vec<u128>) {
    values.clear();
    let mut place = 0;
    values.extend(case.fp32_states.iter().zip(&bench.fp32).map(|(&state, &terms)| {
        let (state, flags) = step(case, Accumulator::Fp32(state), terms);
        pack_step(flags, state, 32)
    }));
    values.extend(case.exact_states.iter().zip(&bench.exact).map(|(&state, &(terms, bits))| {
        let (state, flags) = step(case, Accumulator::Exact(exact_state(state, bits)), terms);
        pack_step(flags, state, bits + 3)
    }));
    for unit in &bench.units()[values.len()..] {
        values.push(match *unit {
            Unit::Fp32Result { with_fp32 } => result(case, Accumulator::Fp32(case.read_fp32), with_fp32),
            Unit::ExactResult { bits, with_fp32 } => {
                let state = case.read_exact[place % bench.exact_bits.len()];
                place += 1;
                result(case, Accumulator::Exact(exact_state(state, bits)), with_fp32)
            }
            Unit::Partial { bits } => partial(case.number, bits),
            Unit::Fp32Step { .. } | Unit::ExactStep { .. } => unreachable!("steps come first"),
        });
    }
}

/// One bit a flag, the first most significant, on top of a result of `bits` bits.
fn pack(flags: &[bool], result: u128, bits: usize) -> u128 {
    flags.iter().fold(0, |word, &flag| word << 1 | u128::from(flag)) << bits | result
}

fn pack_step(flags: Flags, state: u128, bits: usize) -> u128 {
    assert!(!flags.of && !flags.uf, "a step neither overflows nor underflows");
    pack(&[flags.nv, flags.nx, flags.hr], state, bits)
}

fn step(case: &Case, mut accumulator: Accumulator, terms: usize) -> (u128, Flags) {
    let flags = accumulator.step(&case.x[..terms], &case.w[..terms], case.enable.into());
    (state_word(&accumulator), flags)
}

fn result(case: &Case, accumulator: Accumulator, with_fp32: bool) -> u128 {
    let options = ReadOut {
        output: if case.fp16 || !with_fp32 { OutputType::Fp16 } else { OutputType::Fp32 },
        overflow: if case.saturate { Overflow::Saturate } else { Overflow::ToInfinity },
        activation: if case.relu { Activation::Relu } else { Activation::None },
    };
    let random = case.random;
    let rounding = if case.stochastic { Rounding::Stochastic { random } } else { Rounding::NearestEven };
    let Element { bits, flags, counts } = accumulator.read_rounded(options, rounding);
    assert!(!flags.hr, "a result has no headroom");
    let [nan, overflow, zeroed] = [counts.nans, counts.overflows, counts.zeroed].map(|count| count == 1);
    pack(&[nan, overflow, zeroed, flags.nv, flags.of, flags.uf, flags.nx], bits.into(), 32)
}

fn partial(number: u32, bits: usize) -> u128 {
    let (accumulator, flags) = AccumulatorKind::Exact { bits: bits as u32 }.from_partial_sum(number);
    assert!(!flags.uf && !flags.hr, "a partial sum neither underflows nor exceeds headroom");
    pack(&[flags.nv, flags.of, flags.nx], state_word(&accumulator), bits + 3)
}

/// An exact state from its memory word: | -Inf | +Inf | NaN | number |.
pub fn exact_state(word: u128, bits: usize) -> ExactState {
    let sticky = |position: usize| word >> (bits + position) & 1 == 1;
    ExactState {
        bits: bits as u32,
        value: (word << (128 - bits)) as i128 >> (128 - bits),
        nan: sticky(0),
        positive_infinity: sticky(1),
        negative_infinity: sticky(2),
    }
}

/// The memory word of a state.
pub fn state_word(accumulator: &Accumulator) -> u128 {
    match accumulator {
        Accumulator::Fp32(state) => u128::from(*state),
        Accumulator::Exact(state) => {
            let number = state.value as u128 & ((1 << state.bits) - 1);
            pack(&[state.negative_infinity, state.positive_infinity, state.nan], number, state.bits as usize)
        }
    }
}
