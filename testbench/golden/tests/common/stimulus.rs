//! Random and directed operands.

/// SplitMix64: a small, well-known generator, so that a seed means the same numbers for ever.
pub struct Random(u64);

impl Random {
    /// The seed is `default`, or the environment's TESSERA_SEED; it is printed.
    pub fn seeded(default: u64) -> Random {
        let seed = std::env::var("TESSERA_SEED").ok().map_or(default, |text| text.parse().expect("TESSERA_SEED"));
        println!("seed {seed}");
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    pub fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// FP16 corners: zeros, subnormals, powers of two, extremes, infinities, quiet and signalling NaNs.
pub const CORNERS_FP16: [u16; 26] = [
    0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x0401, 0x3BFF, 0x3C00, 0xBC00, 0x3C01, 0x4000,
    0x77FF, 0x7BFF, 0xFBFF, 0x7BFE, 0x7C00, 0xFC00, 0x7E00, 0xFE00, 0x7C01, 0xFDFF, 0x7FFF, 0x5800,
];

/// FP32 corners, likewise, with the neighbourhood of FP16's limits.
pub const CORNERS_FP32: [u32; 32] = [
    0x0000_0000,
    0x8000_0000,
    0x0000_0001,
    0x8000_0001,
    0x007F_FFFF,
    0x807F_FFFF,
    0x0080_0000,
    0x8080_0000,
    0x0080_0001,
    0x3F80_0000,
    0xBF80_0000,
    0x3F80_0001,
    0x477F_E000,
    0x477F_EFFF,
    0x477F_F000,
    0x477F_F001,
    0x4780_0000,
    0x3880_0000,
    0x387F_C000,
    0x387F_E000,
    0x3300_0000,
    0x3300_0001,
    0x3380_0000,
    0x7F7F_FFFF,
    0xFF7F_FFFF,
    0x7F00_0000,
    0x7F80_0000,
    0xFF80_0000,
    0x7FC0_0000,
    0xFFC0_0000,
    0x7F80_0001,
    0xFFBF_FFFF,
];

/// The operands of one step.
#[derive(Clone, Debug)]
pub struct StepCase {
    pub accumulator: u32,
    pub x: Vec<u16>,
    pub w: Vec<u16>,
    pub enabled: u32,
}

/// Kinds of [`step_case`], so that a test can say that it saw them all.
pub const STEP_KINDS: u64 = 10;

/// Operands of one step with `terms` products. The kind selects where they are aimed.
pub fn step_case(random: &mut Random, terms: usize, kind: u64) -> StepCase {
    let enabled = if random.chance(4) { random.next() as u32 } else { u32::MAX };
    let vectors = |random: &mut Random, number: fn(&mut Random) -> u16| -> (Vec<u16>, Vec<u16>) {
        ((0..terms).map(|_| number(random)).collect(), (0..terms).map(|_| number(random)).collect())
    };
    let ((x, w), accumulator) = match kind {
        // Any bits at all.
        0 => (vectors(random, |r| r.next() as u16), random.next() as u32),
        // Any finite numbers.
        1 => (vectors(random, finite_fp16), finite_fp32(random)),
        // Numbers of like size, as in practice; the partial sum near the products.
        2 => (vectors(random, |r| moderate_fp16(r, 12, 6)), moderate_fp32(random, 122, 12)),
        // Massive cancellation: every product has its negative, in half the cases but for a last bit here and there;
        // the partial sum is anything from subnormal up.
        3 => {
            let (mut x, mut w) = vectors(random, finite_fp16);
            let exact = random.chance(2);
            for i in (0..terms).step_by(2) {
                if i + 1 == terms {
                    x[i] &= 0x8000;
                } else {
                    let last_bit = u16::from(!exact && random.chance(4));
                    (x[i + 1], w[i + 1]) = (w[i] ^ 0x8000, x[i] ^ last_bit);
                }
            }
            let first_binade = random.pick(&[0, 0, 70, 100]);
            ((x, w), moderate_fp32(random, first_binade, if first_binade == 0 { 1 } else { 30 }))
        }
        // The partial sum cancels the products but for a few units in the last place.
        4 => {
            let (x, w) = vectors(random, |r| moderate_fp16(r, 10, 10));
            let sum: f64 = (0..terms).filter(|i| enabled >> i & 1 == 1).map(|i| as_f64(x[i]) * as_f64(w[i])).sum();
            let near = (-sum as f32).to_bits() as i32;
            ((x, w), near.wrapping_add(random.below(9) as i32 - 4) as u32 & 0xFF7F_FFFF)
        }
        // A tie at the partial sum's last place, or just off it: products of half a unit and of almost nothing.
        5 => {
            let (mut x, mut w) = vectors(random, |r| r.pick(&[0x0000, 0x8000, 0x0001, 0x8001]));
            let half_unit_exponent = random.below(60) as i32 - 40;
            let i = random.below(terms as u64) as usize;
            let split = half_unit_exponent / 2;
            (x[i], w[i]) = (power_of_two_fp16(split), power_of_two_fp16(half_unit_exponent - split));
            if random.chance(8) {
                x[i] |= 1;
            }
            let biased_exponent = (half_unit_exponent + 1 + 23 + 127) as u32;
            let any = random.next() as u32 & 0x7F_FFFF;
            let fraction = random.pick(&[0, 1, 2, 3, 0x7F_FFFF, 0x7F_FFFE, any]);
            ((x, w), (random.next() as u32 & 1) << 31 | biased_exponent << 23 | fraction)
        }
        // The partial sum at the limits of FP32: near overflow, or subnormal.
        6 => {
            let (x, w) = vectors(random, |r| if r.chance(2) { corner_finite_fp16(r) } else { finite_fp16(r) });
            let sign = (random.next() as u32 & 1) << 31;
            let magnitude = if random.chance(2) {
                0x7F7F_FFFF - random.below(1 << 24) as u32
            } else {
                random.below(1 << 24) as u32
            };
            ((x, w), sign | magnitude)
        }
        // Zeros of both signs: most products are -0, so that sums of nothing else occur for every T.
        7 => {
            let product_of_zeros = |r: &mut Random| match r.below(40) {
                0 => (0x0000, 0x3C00),
                1 => (0x3C00, 0x3C00),
                n if n % 2 == 0 => (0x8000, finite_fp16(r) & 0x7FFF),
                _ => (finite_fp16(r) | 0x8000, 0x0000),
            };
            ((0..terms).map(|_| product_of_zeros(random)).unzip(), random.pick(&[0x8000_0000, 0x8000_0000, 0]))
        }
        // The products make a tie among themselves, and a tiny partial sum far below breaks it, or does not.
        8 => {
            let (mut x, mut w) = vectors(random, |_| 0x0000);
            let leading_exponent = random.below(50) as i32 - 20;
            let power_of_two_product = |exponent: i32| {
                let split = exponent.div_euclid(2);
                (power_of_two_fp16(split), power_of_two_fp16(exponent - split))
            };
            (x[0], w[0]) = power_of_two_product(leading_exponent);
            if terms > 1 {
                (x[1], w[1]) = power_of_two_product(leading_exponent - 24);
                // 1, 3, 5 or 7 halves of the last place: ties to either side.
                x[1] = small_multiple_fp16(x[1], 2 * random.below(4) as u16 + 1);
                w[0] ^= random.pick(&[0x0000, 0x8000]);
                w[1] ^= random.pick(&[0x0000, 0x8000]);
            }
            let tiny = random.next() as u32 & 0x8000_0000 | random.below(0x1800_0000) as u32;
            ((x, w), if random.chance(3) { 0 } else { tiny })
        }
        // Corners against corners: infinities, NaNs, extremes.
        _ => {
            let corner = |r: &mut Random| if r.chance(3) { r.pick(&CORNERS_FP16) } else { corner_finite_fp16(r) };
            ((0..terms).map(|_| (corner(random), corner(random))).unzip(), random.pick(&CORNERS_FP32))
        }
    };
    StepCase { accumulator, x, w, enabled }
}

pub fn finite_fp16(random: &mut Random) -> u16 {
    loop {
        let bits = random.next() as u16;
        if bits & 0x7C00 != 0x7C00 {
            return bits;
        }
    }
}

pub fn finite_fp32(random: &mut Random) -> u32 {
    loop {
        let bits = random.next() as u32;
        if bits & 0x7F80_0000 != 0x7F80_0000 {
            return bits;
        }
    }
}

fn corner_finite_fp16(random: &mut Random) -> u16 {
    loop {
        let bits = random.pick(&CORNERS_FP16);
        if bits & 0x7C00 != 0x7C00 {
            return bits;
        }
    }
}

/// A normal number whose biased exponent is one of `count` from `first`.
pub fn moderate_fp16(random: &mut Random, first: u64, count: u64) -> u16 {
    random.next() as u16 & 0x83FF | ((first + random.below(count)) as u16) << 10
}

/// A normal number whose biased exponent is one of `count` from `first`.
pub fn moderate_fp32(random: &mut Random, first: u64, count: u64) -> u32 {
    random.next() as u32 & 0x807F_FFFF | ((first + random.below(count)) as u32) << 23
}

/// 2^exponent, from -24 to 15.
fn power_of_two_fp16(exponent: i32) -> u16 {
    if exponent >= -14 { ((exponent + 15) as u16) << 10 } else { 1 << (exponent + 24) }
}

/// A power of two, times a number from 1 to 7.
fn small_multiple_fp16(power_of_two: u16, factor: u16) -> u16 {
    if power_of_two < 0x0400 {
        return power_of_two * factor; // subnormal: still exact if it becomes normal
    }
    let binades = factor.ilog2() as u16;
    power_of_two + (binades << 10) + ((factor << (10 - binades)) & 0x3FF)
}

fn as_f64(bits: u16) -> f64 {
    golden::FP16.to_f64(u32::from(bits))
}
