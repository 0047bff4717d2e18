//! The functions with 320 bits.

use astro_float_num::{BigFloat, Consts, RoundingMode, Sign};
use functions::Function;

use crate::format::Real;

/// Tells tanh(2^-126), 2^-379 less than its argument, from it.
const BITS: usize = 320;

/// Computes with 320 bits.
pub struct Precise {
    /// Pi, e and logarithms, computed when they are first needed.
    constants: Consts,
}

impl Default for Precise {
    fn default() -> Precise {
        Precise { constants: Consts::new().expect("memory for constants") }
    }
}

impl Precise {
    /// The upper 128 bits of the function of `x`.
    pub fn value(&mut self, function: Function, x: f64) -> Real {
        const NEAREST: RoundingMode = RoundingMode::ToEven;
        let constants = &mut self.constants;
        let (x, one) = (BigFloat::from_f64(x, BITS), BigFloat::from_f64(1.0, BITS));
        let value = match function {
            Function::Exp => x.exp(BITS, NEAREST, constants),
            Function::Exp2 => BigFloat::from_f64(2.0, BITS).pow(&x, BITS, NEAREST, constants),
            Function::Ln => x.ln(BITS, NEAREST, constants),
            Function::Log2 => x.log2(BITS, NEAREST, constants),
            Function::Tanh => x.tanh(BITS, NEAREST, constants),
            Function::Sigmoid => {
                let exponential = x.neg().exp(BITS, NEAREST, constants);
                one.div(&one.add(&exponential, BITS, NEAREST), BITS, NEAREST)
            }
            Function::Reciprocal => one.div(&x, BITS, NEAREST),
            Function::Sqrt => x.sqrt(BITS, NEAREST),
            Function::ReciprocalSqrt => one.div(&x.sqrt(BITS, NEAREST), BITS, NEAREST),
        };
        let (words, _, sign, exponent, _) = value.as_raw_parts().expect("a finite value");
        let [.., second, first] = words else { unreachable!("320 bits are five words") };
        // The value is `0.first second... * 2^exponent`.
        let significand = u128::from(*first) << 64 | u128::from(*second);
        Real { negative: sign == Sign::Neg, significand, exponent: exponent - 128 }
    }
}
