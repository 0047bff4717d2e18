//! Correctly rounded elementary functions, with their flags: what the transcendental unit is checked against.
//!
//! | file       | what is there                                                                         |
//! |------------|---------------------------------------------------------------------------------------|
//! | [`fp64`]   | the functions in FP64, off by less than a proven bound                                |
//! | [`exact`]  | which results are exact                                                               |
//! | `precise`  | the functions with 320 bits, for the few results that FP64 leaves open                |
//! | [`mod@format`] | FP16 and FP32: to FP64, and the one rounding                                          |
//! | [`Oracle`] | all of it together                                                                    |
//!
//! Shares no code with the golden model and the hardware, and none with the making of the tables.

pub mod exact;
pub mod format;
pub mod fp64;
mod precise;

use functions::Function;

use format::Real;
pub use format::{FP16, FP32, Format, Rounded};
use precise::Precise;

/// Says what a function returns.
#[derive(Default)]
pub struct Oracle {
    precise: Precise,
    /// How many results FP64 left open.
    pub left_open: u64,
}

impl Oracle {
    /// The correctly rounded result of `function` of a number of `format`, and the flags that it raises.
    pub fn expected(&mut self, function: Function, format: Format, operand: u32) -> Rounded {
        let x = format.to_f64(operand);
        if let Some(value) = special(function, x) {
            return Rounded {
                bits: if value.is_nan() { format.nan() } else { format.round(Real::from_f64(value), true).bits },
                invalid: format.is_signalling(operand) || value.is_nan() && !x.is_nan(),
                overflow: value.is_infinite() && x.is_finite(),
                underflow: false,
                inexact: false,
            };
        }
        let value = fp64::approximate(function, x);
        if exact::is_exact(function, x) {
            return format.round(Real::from_f64(value), true);
        }
        let around = [1.0 - fp64::RELATIVE_ERROR, 1.0 + fp64::RELATIVE_ERROR]
            .map(|factor| format.round(Real::from_f64(value * factor), false));
        if around[0] == around[1] {
            return around[0];
        }
        self.left_open += 1;
        format.round(self.precise.value(function, x), false)
    }
}

/// Results that are no approximation, as C's libm has them: of NaNs, infinities and zeros, outside the domain, and
/// the logarithm of 1.
pub fn special(function: Function, x: f64) -> Option<f64> {
    let outside =
        x < 0.0 && matches!(function, Function::Ln | Function::Log2 | Function::Sqrt | Function::ReciprocalSqrt);
    let logarithm_of_one = x == 1.0 && matches!(function, Function::Ln | Function::Log2);
    if x.is_finite() && x != 0.0 && !outside && !logarithm_of_one {
        return None;
    }
    Some(match function {
        Function::Exp => x.exp(),
        Function::Exp2 => x.exp2(),
        Function::Ln => x.ln(),
        Function::Log2 => x.log2(),
        Function::Tanh => x.tanh(),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Reciprocal => 1.0 / x,
        Function::Sqrt => x.sqrt(),
        Function::ReciprocalSqrt => 1.0 / x.sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fp64_keeps_its_bound() {
        let mut precise = Precise::default();
        let mut compared = 0;
        for function in Function::ALL {
            let mut worst = 0f64;
            for bits in (0..1u64 << 32).step_by(1_299_709) {
                let x = FP32.to_f64(bits as u32);
                let value = fp64::approximate(function, x);
                if special(function, x).is_some() || !(1e-60..1e60).contains(&value.abs()) {
                    continue;
                }
                // 53 bits of the precise value, and what is left of it.
                let Real { negative, significand, exponent } = precise.value(function, x);
                let scale = 2f64.powi(exponent + 75) * if negative { -1.0 } else { 1.0 };
                let upper = (significand >> 75) as f64 * scale;
                let lower = (significand & ((1 << 75) - 1)) as f64 / 2f64.powi(75) * scale;
                worst = worst.max((((value - upper) - lower) / value).abs());
                compared += 1;
            }
            assert!(worst < fp64::RELATIVE_ERROR, "{}: {worst:e}", function.name());
            assert!(worst > 2f64.powi(-56), "{}: {worst:e}", function.name());
        }
        assert!(compared > 10_000, "{compared}");
    }
}
