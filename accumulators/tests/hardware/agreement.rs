//! Runs cases through a bench and compares every result and every flag, in the cycle that the contract tables state.

use std::collections::VecDeque;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::bench::{Bench, Unit};
use crate::cases::{Case, Cases};
use crate::expected;
use crate::simulators::Simulation;

/// More cycles than any unit needs.
const HISTORY: usize = 16;

/// A unit that does not do what golden does.
#[derive(Debug)]
#[allow(dead_code, reason = "for the message of a failing test")]
pub struct Disagreement {
    pub unit: Unit,
    /// How many cases had gone in, this one included.
    pub after: u64,
    pub found: String,
    pub expected: String,
    pub case: Case,
}

/// What was compared of one unit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Cases whose result and flags agreed.
    pub compared: u64,
    /// In how many of them each of [`Unit::flags`] was raised.
    pub raised: [u64; 7],
}

/// For each unit, in the order of [`Bench::units`].
pub type Tallies = Vec<(Unit, Tally)>;

/// A case and what is expected of it.
struct Given {
    case: Case,
    expected: Vec<u128>,
}

/// Feeds `cycles` cases, one a cycle, the read-out with random stalls. Every output is compared in the cycle in which
/// its latency says that it is there; a result that waits is compared again and counted once.
pub fn run(
    bench: &Bench,
    simulation: &mut dyn Simulation,
    mut cases: Cases,
    cycles: u64,
) -> Result<Tallies, Box<Disagreement>> {
    let units = bench.units();
    let mut stalls = SmallRng::seed_from_u64(!cases.seed);
    let mut tallies = vec![Tally::default(); units.len()];
    // The newest first: `given` by cycle, `advanced` by cycle with `advance`.
    let (mut given, mut advanced) = (VecDeque::<Given>::new(), VecDeque::<u64>::new());
    let mut inputs = vec![];
    for cycle in 0..cycles {
        let advance = stalls.random_range(0..4) > 0;
        let case = cases.next(advance);
        let mut recycled = if given.len() == 4 * HISTORY { given.pop_back() } else { None };
        let mut outputs = recycled.take().map_or(vec![], |old| old.expected);
        expected::outputs(bench, &case, &mut outputs);
        case.inputs(advance, &mut inputs);
        for (input, &value) in inputs.iter().enumerate() {
            simulation.set(input, value);
        }
        simulation.step();
        given.push_front(Given { case, expected: outputs });
        if advance {
            advanced.push_front(cycle);
            advanced.truncate(HISTORY);
        }
        for (output, (unit, tally)) in units.iter().zip(&mut tallies).enumerate() {
            // After the edge that took this cycle's operands, those of `latency - 1` cycles before are done.
            let age = if unit.is_result() {
                advanced.get(unit.latency_cycles() - 1).map_or(usize::MAX, |taken| (cycle - taken) as usize)
            } else {
                unit.latency_cycles() - 1
            };
            let Some(Given { case, expected }) = given.get(age) else { continue };
            let found = simulation.get(output);
            if found != expected[output] {
                return Err(Box::new(Disagreement {
                    unit: *unit,
                    after: cycle + 1,
                    found: format!("{found:#x}"),
                    expected: format!("{:#x}", expected[output]),
                    case: case.clone(),
                }));
            }
            if !unit.is_result() || advance {
                tally.compared += 1;
                let flags = found >> unit.result_bits();
                for (i, raised) in tally.raised.iter_mut().rev().skip(7 - unit.flags().len()).enumerate() {
                    *raised += (flags >> i & 1) as u64;
                }
            }
        }
    }
    Ok(units.into_iter().zip(tallies).collect())
}
