//! Cases: what all units of a bench are given in one cycle. Directed ones look for massive cancellation, ties and
//! near-ties, the edges of the windows and of the ranges, and every kind of special value; random ones fill the gaps.

use golden::step::ProductSum;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::bench::Bench;
use crate::numbers::{
    FP16_CORNERS, FP16_FRACTIONS, FP32_CORNERS, factors_of_power, fp16_in, fp16_midpoint, fp32_boundary,
    fp32_with_exponent, pick,
};

/// Midpoints between FP16 numbers, the last one between the largest finite number and 65536.
const MIDPOINTS: u64 = 0x7c00;

/// Classes of a step: 32 exponents of either factor, 256 of the state.
pub const CLASSES: u64 = 32 * 32 * 256;

/// What a bench is given in one cycle.
#[derive(Clone, Debug)]
pub struct Case {
    pub x: [u16; 16],
    pub w: [u16; 16],
    pub enable: u16,
    /// For each FP32 accumulator.
    pub fp32_states: Vec<u32>,
    /// For each exact accumulator, as it stands in memory.
    pub exact_states: Vec<u128>,
    /// Results as FP16.
    pub fp16: bool,
    pub saturate: bool,
    pub relu: bool,
    pub stochastic: bool,
    pub random: u32,
    /// State of an FP32 accumulator that is read out.
    pub read_fp32: u32,
    /// States of exact accumulators that are read out.
    pub read_exact: Vec<u128>,
    /// FP32 partial sum.
    pub number: u32,
}

impl Case {
    /// Values of the bench's inputs, in the order of its ports.
    pub fn inputs(&self, advance: bool, values: &mut Vec<u128>) {
        let four = |numbers: &[u16]| numbers.iter().rev().fold(0, |word, &number| word << 16 | u128::from(number));
        values.clear();
        values.extend(self.x.chunks(4).map(four));
        values.extend(self.w.chunks(4).map(four));
        values.push(self.enable.into());
        values.extend(self.fp32_states.iter().map(|&state| u128::from(state)));
        values.extend(&self.exact_states);
        values.extend([advance, self.fp16, self.saturate, self.relu, self.stochastic].map(u128::from));
        values.push(self.random.into());
        values.push(self.read_fp32.into());
        values.extend(&self.read_exact);
        values.push(self.number.into());
    }
}

/// An endless sequence of cases.
pub struct Cases {
    pub seed: u64,
    bench: Bench,
    /// Every class in turn rather than themes.
    classes: bool,
    rng: SmallRng,
    count: u64,
    /// How many have been taken by the read-out units.
    read: u64,
}

impl Cases {
    pub fn new(bench: &Bench, seed: u64) -> Cases {
        let rng = SmallRng::seed_from_u64(seed);
        Cases { seed, bench: bench.clone(), classes: false, rng, count: 0, read: 0 }
    }

    /// Every exponent of an FP32 state with every pair of exponents of its first factors, fractions at boundaries; in
    /// every other case no other product takes part.
    pub fn of_classes(bench: &Bench, seed: u64) -> Cases {
        Cases { classes: true, ..Cases::new(bench, seed) }
    }

    /// The next case; what is read out counts as taken with `advance` only.
    pub fn next(&mut self, advance: bool) -> Case {
        let (n, read, rng) = (self.count, self.read, &mut self.rng);
        self.count += 1;
        self.read += u64::from(advance);
        let (mut x, mut w) = operands(rng);
        let mut enable = enable(rng);
        if self.classes {
            let mut factor = |exponent: u64| {
                let sign = rng.random::<u16>() & 0x8000;
                sign | ((exponent % 32) << 10) as u16 | pick(rng, &FP16_FRACTIONS)
            };
            (x[0], w[0]) = (factor(n), factor(n / 32));
            enable = if rng.random() { 1 } else { enable | 1 };
        }
        let sum = |terms: usize| ProductSum::of(&x[..terms], &w[..terms], enable.into()).finite;
        let sums = [1, 2, 4, 8, 16].map(|terms| (terms, sum(terms)));
        let sum = |terms: usize| sums.iter().find(|(found, _)| *found == terms).expect("terms of a bench").1;
        Case {
            x,
            w,
            enable,
            fp32_states: self
                .bench
                .fp32
                .iter()
                .map(|&terms| match self.classes {
                    true => fp32_with_exponent(rng, (n / 1024 % 256) as u32),
                    false => fp32_state(rng, sum(terms)),
                })
                .collect(),
            exact_states: self.bench.exact.iter().map(|&(terms, bits)| exact_state(rng, bits, sum(terms))).collect(),
            fp16: rng.random_range(0..3) > 0,
            saturate: rng.random(),
            relu: rng.random_range(0..4) == 0,
            stochastic: rng.random_range(0..3) == 0,
            random: rng.random(),
            read_fp32: read_fp32(rng, read),
            read_exact: self.bench.exact_bits.iter().map(|&bits| read_exact(rng, bits, read)).collect(),
            number: number(rng, n),
        }
    }
}

fn enable(rng: &mut SmallRng) -> u16 {
    match rng.random_range(0..8) {
        0 => rng.random(),
        1 => ((1u32 << rng.random_range(0..=16)) - 1) as u16,
        2 => 1 << rng.random_range(0..16),
        _ => 0xffff,
    }
}

fn operands(rng: &mut SmallRng) -> ([u16; 16], [u16; 16]) {
    let (mut x, mut w) = ([0u16; 16], [0u16; 16]);
    let mut each = |rng: &mut SmallRng, make: &dyn Fn(&mut SmallRng) -> (u16, u16)| {
        for i in 0..16 {
            (x[i], w[i]) = make(rng);
        }
    };
    match rng.random_range(0..12) {
        0 => each(rng, &|rng| (fp16_in(rng, 0..=30), fp16_in(rng, 0..=30))),
        1 => each(rng, &|rng| (fp16_in(rng, 10..=20), fp16_in(rng, 10..=20))),
        2 => each(rng, &|rng| (fp16_in(rng, 0..=3), fp16_in(rng, 0..=3))),
        3 => each(rng, &|rng| (fp16_in(rng, 27..=30), fp16_in(rng, 27..=30))),
        // Few bits: ties.
        4 => each(rng, &|rng| (fp16_in(rng, 0..=30) & 0xfc00, fp16_in(rng, 1..=30) & 0xfc00)),
        5 => each(rng, &|rng| {
            let sign = rng.random_range(0..8u16) / 7 * 0x8000;
            (rng.random::<u16>() & 0x8000, rng.random::<u16>() & 0x7fff ^ sign)
        }),
        6 => each(rng, &|rng| (pick(rng, &FP16_CORNERS), pick(rng, &FP16_CORNERS))),
        7 => {
            let sign = rng.random::<u16>() & 0x8000;
            each(rng, &|rng| (0x7bff - rng.random_range(0..2), (0x7bff - rng.random_range(0..2)) | sign));
        }
        // Pairs that cancel, or almost.
        8 => {
            each(rng, &|rng| (fp16_in(rng, 0..=30), fp16_in(rng, 0..=30)));
            for i in (0..16).step_by(2) {
                (x[i + 1], w[i + 1]) = (x[i], w[i] ^ 0x8000);
                if rng.random_range(0..4) == 0 {
                    w[i + 1] ^= 1;
                }
            }
        }
        // Zeros of one sign or of both, and -0 as the only product.
        9 => {
            let mask = if rng.random() { 0x8000 } else { 0 };
            each(rng, &|rng| (0x8000, fp16_in(rng, 0..=30) & !mask & 0x7fff));
        }
        // A sum of 25 significant bits, a tie, and something far below it.
        _ => {
            each(rng, &|rng| (rng.random::<u16>() & 0x8000, rng.random::<u16>() & 0x83ff));
            let top = rng.random_range(-24..=30);
            let tie = (top - 22 - rng.random_range(0..5)).max(-48);
            let below = rng.random_range(-48..=tie);
            for (i, exponent) in [top, tie, below].into_iter().enumerate() {
                (x[i], w[i]) = factors_of_power(rng, exponent);
                x[i] ^= rng.random::<u16>() & 0x8000;
            }
        }
    }
    // Among numbers, now and then something special.
    if rng.random_range(0..16) == 0 {
        for _ in 0..rng.random_range(1..4) {
            x[rng.random_range(0..16)] = pick(rng, &FP16_CORNERS);
            w[rng.random_range(0..16)] = pick(rng, &FP16_CORNERS);
        }
    }
    (x, w)
}

/// A state for a step that adds `sum` (in units of 2^-48).
fn fp32_state(rng: &mut SmallRng, sum: i128) -> u32 {
    let rounded = (sum as f64 * 2f64.powi(-48)) as f32;
    // Biased exponents whose last place is the lowest and the highest bit of the sum.
    let (lowest, highest) = (sum.trailing_zeros() as i32 + 102, 127 - sum.unsigned_abs().leading_zeros() as i32 + 102);
    match rng.random_range(0..12) {
        0 => rng.random(),
        1 => {
            let exponent = rng.random_range(0..256);
            fp32_with_exponent(rng, exponent)
        }
        // Cancellation to a few units, or to nothing.
        2..=4 => (-rounded).to_bits().wrapping_add(rng.random_range(0..5)).wrapping_sub(2),
        // The edges of the window.
        5 => {
            let exponent = pick(rng, &[27, 28, 29, 51, 52, 53, 74, 75, 76, 77, 78, 101, 102, 103, 186, 187, 188, 189]);
            fp32_with_exponent(rng, exponent)
        }
        // The sum is about half a unit of the state, or exactly.
        6 | 7 if sum != 0 => {
            let exponent = if rng.random() { lowest + 1 } else { highest + rng.random_range(-2..4) };
            fp32_with_exponent(rng, exponent.clamp(0, 254) as u32)
        }
        // The state is about as large as the sum.
        8 if sum != 0 => {
            let exponent = highest - 23 + rng.random_range(-27..27);
            fp32_with_exponent(rng, exponent.clamp(0, 254) as u32)
        }
        9 | 10 => {
            let exponent = rng.random_range(0..104);
            fp32_with_exponent(rng, exponent)
        }
        _ => pick(rng, &FP32_CORNERS),
    }
}

/// Sticky bits: mostly none.
fn sticky_bits(rng: &mut SmallRng, bits: usize, one_in: u32) -> u128 {
    if rng.random_range(0..one_in) == 0 { rng.random_range(0..8u128) << bits } else { 0 }
}

fn low(value: i128, bits: usize) -> u128 {
    value as u128 & ((1 << bits) - 1)
}

/// A state for a step that adds `sum`.
fn exact_state(rng: &mut SmallRng, bits: usize, sum: i128) -> u128 {
    let largest = (1i128 << (bits - 1)) - 1;
    let near = i128::from(rng.random_range(-2..=2));
    let number = match rng.random_range(0..8) {
        0 => rng.random(),
        1 => rng.random::<i128>() >> rng.random_range(0..128),
        2 | 3 => near - sum,
        4 => largest - sum + near,
        5 => -largest - 1 - sum + near,
        6 => largest ^ -i128::from(rng.random::<bool>()),
        _ => 0,
    };
    low(number, bits) | sticky_bits(rng, bits, 8)
}

/// A state that is read out: each midpoint of FP16 and its neighbours in turn, and in between boundaries of FP32.
fn read_fp32(rng: &mut SmallRng, n: u64) -> u32 {
    let turn = n / 2;
    if n % 2 == 1 {
        match rng.random_range(0..4) {
            0 => rng.random(),
            1 => fp32_with_exponent(rng, 96 + turn as u32 % 52),
            2 => pick(rng, &FP32_CORNERS),
            _ => fp32_boundary(turn),
        }
    } else {
        let midpoint = (fp16_midpoint((turn % MIDPOINTS) as u16) as f32).to_bits();
        let turns = turn / MIDPOINTS;
        (midpoint - 1 + (turns % 3) as u32) | ((turns / 3 % 2) as u32) << 31
    }
}

/// As [`read_fp32`]; besides, numbers of every size at the boundaries of FP32, and just off FP16's midpoints, where a
/// rounding to FP32 first would show.
fn read_exact(rng: &mut SmallRng, bits: usize, n: u64) -> u128 {
    let off = match rng.random_range(0..4) {
        0 => 0,
        1 => 1,
        2 => -1,
        _ => rng.random::<i128>() >> rng.random_range(80..128),
    };
    let number = if n.is_multiple_of(2) {
        let midpoint = (fp16_midpoint((n / 2 % MIDPOINTS) as u16) * 2f64.powi(48)) as i128;
        let number = midpoint + off;
        if rng.random() { -number } else { number }
    } else {
        let top = rng.random_range(0..bits - 1);
        // The leading one, a fraction that often carries, the round bit at the precision of FP32 or FP16, the rest.
        let precision = pick(rng, &[24, 11]).min(top + 1);
        let fraction = match rng.random_range(0..3) {
            0 => (1u128 << precision) - 1,
            1 => 1 << (precision - 1),
            _ => 1 << (precision - 1) | u128::from(rng.random::<u32>()) & ((1 << precision) - 1),
        };
        let below = top + 1 - precision;
        let half = if below > 0 { 1i128 << (below - 1) } else { 0 };
        let discarded = pick(rng, &[0, half]) + if below > 1 { pick(rng, &[-1, 0, 1]) } else { 0 };
        let number = ((fraction as i128) << below) + discarded;
        match rng.random_range(0..16) {
            0 => pick(rng, &[-1i128 << (bits - 1), (1 << (bits - 1)) - 1, 0, 1, -1]),
            1..=7 => -number,
            _ => number,
        }
    };
    low(number, bits) | sticky_bits(rng, bits, 16)
}

/// A partial sum: every exponent with every boundary fraction in turn; in between around the grid and the ranges.
fn number(rng: &mut SmallRng, n: u64) -> u32 {
    match n % 4 {
        0 => fp32_boundary(n / 4),
        1 => {
            let exponent = rng.random_range(76..104);
            fp32_with_exponent(rng, exponent)
        }
        // The limits of 88, 104 and 120 bits.
        2 => {
            let exponent = pick(rng, &[166, 182, 198]) - 1 + rng.random_range(0..3);
            fp32_with_exponent(rng, exponent)
        }
        _ if rng.random_range(0..4) == 0 => pick(rng, &FP32_CORNERS),
        _ => rng.random(),
    }
}
