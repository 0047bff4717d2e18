//! What the polynomials approximate: each region's curve, a smooth function of a fraction from 0 to 1.
//!
//! Computed in FP64 with nothing but additions, products, quotients and square roots, which IEEE 754 defines to the
//! bit: the tables are the same on every machine. A few ulps of error, 2^-50, lie far below the coefficients' last
//! place of 2^-34.

use std::f64::consts::{LN_2, LOG2_E};

/// A curve of one region, over its fraction `f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// `1 / (1 + f)`.
    Reciprocal,
    /// `sqrt(scale (1 + f))`, `scale` 1 or 2.
    Sqrt { scale: f64 },
    /// `1 / sqrt(scale (1 + f))`.
    ReciprocalSqrt { scale: f64 },
    /// Logarithm of `1 + f`.
    Log { base: Base },
    /// Logarithm of `1 + t` in units of 2^binade, where `t = 2^binade (1 + f)`.
    LogAboveOne { base: Base, binade: i32 },
    /// Minus the logarithm of `1 - t`, likewise.
    LogBelowOne { base: Base, binade: i32 },
    /// Hyperbolic tangent of `x = 2^binade (1 + f)` in units of 2^binade.
    Tanh { binade: i32 },
    /// `1 + f`: the tangent of a number so small that it is the number.
    Identity,
    /// `2^-f / (1 + 2^-(n + f))`: the logistic function of `-(n + f) ln 2` in units of 2^-n.
    Logistic { n: i32 },
    /// `2^-f`.
    Exponential,
}

/// Of a logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Base {
    E,
    Two,
}

impl Curve {
    /// The curve at `f`.
    pub fn at(self, f: f64) -> f64 {
        match self {
            Curve::Reciprocal => 1.0 / (1.0 + f),
            Curve::Sqrt { scale } => (scale * (1.0 + f)).sqrt(),
            Curve::ReciprocalSqrt { scale } => 1.0 / (scale * (1.0 + f)).sqrt(),
            Curve::Log { base } => base.log_1p(f),
            Curve::LogAboveOne { base, binade } => base.log_1p(power_of_two(binade) * (1.0 + f)) / power_of_two(binade),
            Curve::LogBelowOne { base, binade } => {
                -base.log_1p(-power_of_two(binade) * (1.0 + f)) / power_of_two(binade)
            }
            Curve::Tanh { binade } => tanh(power_of_two(binade) * (1.0 + f)) / power_of_two(binade),
            Curve::Identity => 1.0 + f,
            Curve::Logistic { n } => {
                let exponential = exp(-f * LN_2);
                exponential / (1.0 + power_of_two(-n) * exponential)
            }
            Curve::Exponential => exp(-f * LN_2),
        }
    }

    /// The curve begins at 0 or 1, and the function of such an argument is exact.
    pub fn begins_exactly(self) -> bool {
        match self {
            Curve::Reciprocal | Curve::Log { .. } | Curve::Exponential | Curve::Identity => true,
            Curve::ReciprocalSqrt { scale } => scale == 1.0,
            Curve::Sqrt { .. }
            | Curve::LogAboveOne { .. }
            | Curve::LogBelowOne { .. }
            | Curve::Tanh { .. }
            | Curve::Logistic { .. } => false,
        }
    }
}

impl Base {
    /// Logarithm of `1 + t`.
    fn log_1p(self, t: f64) -> f64 {
        match self {
            Base::E => ln_1p(t),
            Base::Two => ln_1p(t) * LOG2_E,
        }
    }
}

fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// `ln(1 + t)` for t from -1/2 to 1: `2 atanh(z)`, z = t / (2 + t), by its series; z^2 <= 1/9.
fn ln_1p(t: f64) -> f64 {
    let z = t / (2.0 + t);
    let series = (0..20).rev().fold(0.0, |sum, term| sum * z * z + 1.0 / f64::from(2 * term + 1));
    2.0 * z * series
}

/// `e^y` for |y| < 1 by its series.
fn exp(y: f64) -> f64 {
    (1..20).rev().fold(1.0, |sum, term| 1.0 + sum * y / f64::from(term))
}

/// `tanh(x)` for x up to 1/2 by its continued fraction: x / (1 + x^2 / (3 + x^2 / (5 + ...))).
fn tanh(x: f64) -> f64 {
    x / (0..12).rev().fold(25.0, |rest, term| f64::from(2 * term + 1) + x * x / rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elementary_functions_agree_with_the_platform() {
        let mut compared = 0;
        for step in 0..=1000 {
            let f = f64::from(step) / 1000.0;
            for (ours, theirs) in [
                (ln_1p(f), f.ln_1p()),
                (ln_1p(-f / 2.0), (-f / 2.0).ln_1p()),
                (exp(-f), (-f).exp()),
                (tanh(f / 2.0), (f / 2.0).tanh()),
            ] {
                assert!((ours - theirs).abs() <= theirs.abs() * 2f64.powi(-49), "{f}: {ours} {theirs}");
                compared += 1;
            }
        }
        assert_eq!(compared, 4004);
    }
}
