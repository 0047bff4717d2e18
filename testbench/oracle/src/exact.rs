//! Which results are exact before they are rounded.

use functions::Function;

/// The function of `x`, finite and not zero, is a binary fraction. For exp, ln, tanh and sigmoid there is none but
/// ln 1 (Lindemann: e^x is transcendental for algebraic x other than 0); for exp2 and log2 those of whole exponents
/// (Gelfond and Schneider: 2^x is transcendental for algebraic irrational x, and a root where x is a fraction).
#[inline]
pub fn is_exact(function: Function, x: f64) -> bool {
    match function {
        Function::Exp | Function::Tanh | Function::Sigmoid => false,
        Function::Ln => x == 1.0,
        Function::Exp2 => x == x.trunc(),
        Function::Log2 | Function::Reciprocal => is_power_of_two(x),
        // The root of a number of 24 bits has 12 if it is exact, so that its square here is exact as well.
        Function::Sqrt => x.sqrt() * x.sqrt() == x && x.sqrt() as f32 as f64 == x.sqrt(),
        Function::ReciprocalSqrt => is_power_of_two(x) && is_power_of_two(x.sqrt()),
    }
}

#[inline]
fn is_power_of_two(x: f64) -> bool {
    x.to_bits() << 12 == 0
}
