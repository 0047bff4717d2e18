//! Random bits for stochastic rounding: the generator xoroshiro128aox.
//!
//! ```text
//!               +--------+
//!  seed_set --->|        |----> words     the next `words` outputs of 64 bits, the next one first
//!  seed ------->| Random |
//!  draw ------->|        |
//!               +--------+
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | the words are there in every cycle; others, one cycle after `draw` or `seed_set` |
//! | Throughput | `words` outputs a cycle                                                          |
//! | Reset      | as if seed 0 had been set                                                        |
//! | Ordering   | `draw` uses up all words; `seed_set` comes before `draw`                         |
//!
//! The state of 128 bits moves by rotations, shifts and XOR, the output adds AND and OR (Hanlon and Felix, "A Fast
//! Hardware Pseudorandom Number Generator Based on xoroshiro128", IEEE Transactions on Computers, 2022). For more than
//! one word a cycle these follow one another: a gate or two a word for most bits.

use rtl::{Builder, Module, Ports, Signal, bundle, cat, lit, mux};

/// Bits of a seed.
pub const SEED_BITS: usize = 32;

/// Bits of a word, and of either half of the state.
pub const WORD_BITS: usize = 64;

/// The upper half of the state for every seed: not zero, so that the state never is.
const UPPER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A generator.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    /// Outputs a cycle.
    pub words: usize,
}

bundle! {
    /// What happens to the state.
    pub struct RandomIn {
        /// Begins anew from `seed`.
        pub seed_set: Signal,
        /// The seed.
        pub seed: Signal,
        /// The words are used.
        pub draw: Signal,
    }
}

bundle! {
    /// Random bits.
    pub struct RandomOut {
        /// The next outputs.
        pub words: Vec<Signal>,
    }
}

impl Module for Random {
    type In = RandomIn;
    type Out = RandomOut;

    fn name(&self) -> String {
        format!("random_{}", self.words)
    }

    fn inputs(&self, ports: &Ports) -> RandomIn {
        RandomIn { seed_set: ports.bit("seed_set"), seed: ports.input("seed", SEED_BITS), draw: ports.bit("draw") }
    }

    fn build(&self, m: &Builder, io: RandomIn) -> RandomOut {
        m.summary("Random bits: xoroshiro128aox.");
        let s0 = m.register("s0", WORD_BITS).reset(u64::from(u32::MAX) << 32);
        let s1 = m.register("s1", WORD_BITS).reset(UPPER);
        let (mut state, mut words) = ((s0.q, s1.q), vec![]);
        for _ in 0..self.words {
            let (word, next) = advance(state);
            words.push(word);
            state = next;
        }
        let (next_s0, next_s1) = state;
        m.when(io.seed_set | io.draw, || {
            s0.set(mux(io.seed_set, cat([!io.seed, io.seed]), next_s0));
            s1.set(mux(io.seed_set, lit(UPPER, WORD_BITS), next_s1));
        });
        RandomOut { words }
    }
}

/// The output of a state, and the state after it.
fn advance((s0, s1): (Signal, Signal)) -> (Signal, (Signal, Signal)) {
    let (exclusive, both) = (s0 ^ s1, s0 & s1);
    let output = exclusive ^ (rotate_left(both, 1) | rotate_left(both, 2));
    (output, (rotate_left(s0, 55) ^ exclusive ^ (exclusive << 14), rotate_left(exclusive, 36)))
}

fn rotate_left(word: Signal, places: usize) -> Signal {
    let low = WORD_BITS - places;
    cat([word.bits(0..low), word.bits(low..WORD_BITS)])
}
