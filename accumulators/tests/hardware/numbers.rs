//! FP16 and FP32 numbers of every sort.

use rand::Rng;
use rand::rngs::SmallRng;

/// Zeros, infinities, quiet and signalling NaNs, the least and the largest of subnormals and normals, one.
pub const FP16_CORNERS: [u16; 14] =
    [0x0000, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0xfe37, 0x7c01, 0xfdff, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff, 0x3c00];

/// The same of FP32.
pub const FP32_CORNERS: [u32; 16] = [
    0x0000_0000,
    0x8000_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0xffc1_2345,
    0x7f80_0001,
    0xffbf_ffff,
    0x0000_0001,
    0x8000_0001,
    0x007f_ffff,
    0x0080_0000,
    0x7f7f_ffff,
    0xff7f_ffff,
    0x3f80_0000,
    0xbf80_0000,
];

/// Fractions at which rounding, carries and comparisons change.
const FRACTIONS: [u32; 15] = [
    0, 1, 2, 3, 0x0f_ffff, 0x10_0000, 0x3f_ffff, 0x40_0000, 0x40_0001, 0x7f_fffe, 0x7f_ffff, 0x55_5555, 0x2a_aaaa,
    0x00_1000, 0x00_3000,
];

/// The same of FP16.
pub const FP16_FRACTIONS: [u16; 16] =
    [0, 1, 2, 3, 0x00f, 0x0f0, 0x155, 0x1ff, 0x200, 0x201, 0x2aa, 0x300, 0x3f0, 0x3fc, 0x3fe, 0x3ff];

/// One of a list.
pub fn pick<T: Copy>(rng: &mut SmallRng, list: &[T]) -> T {
    list[rng.random_range(0..list.len())]
}

/// A finite FP16 number with a biased exponent in a range, of either sign.
pub fn fp16_in(rng: &mut SmallRng, exponents: std::ops::RangeInclusive<u16>) -> u16 {
    let exponent = rng.random_range(exponents);
    exponent << 10 | rng.random::<u16>() & 0x83ff
}

/// An FP32 number with that biased exponent and a fraction at a boundary, near one, or at random.
pub fn fp32_with_exponent(rng: &mut SmallRng, exponent: u32) -> u32 {
    let fraction = match rng.random_range(0..4) {
        0 => rng.random::<u32>(),
        1 => 1 << rng.random_range(0..23),
        _ => pick(rng, &FRACTIONS),
    };
    rng.random::<u32>() & 0x8000_0000 | exponent << 23 | fraction & 0x7f_ffff
}

/// The n-th of all pairs of an exponent and a boundary fraction, with both signs; starts again after the last.
pub fn fp32_boundary(n: u64) -> u32 {
    let fraction = FRACTIONS[(n / 512 % FRACTIONS.len() as u64) as usize];
    let (sign, exponent) = ((n / 256 % 2) as u32, (n % 256) as u32);
    sign << 31 | exponent << 23 | fraction
}

/// Two FP16 powers of two whose product is 2^exponent, -48 to 30.
pub fn factors_of_power(rng: &mut SmallRng, exponent: i32) -> (u16, u16) {
    let first = rng.random_range((exponent - 15).max(-24)..=(exponent + 24).min(15));
    (fp16_power(first), fp16_power(exponent - first))
}

fn fp16_power(exponent: i32) -> u16 {
    if exponent >= -14 { ((exponent + 15) as u16) << 10 } else { 1 << (exponent + 24) }
}

/// The number halfway between FP16 number `n` and the next larger one; with the largest finite one, 65520.
pub fn fp16_midpoint(n: u16) -> f64 {
    let value = |n: u16| if n == 0x7c00 { 65536.0 } else { golden::FP16.to_f64(u32::from(n)) };
    (value(n) + value(n + 1)) / 2.0
}
