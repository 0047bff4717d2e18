//! One exact FP16 product.
//!
//! ```text
//!   x (unpacked) --+
//!                  +--> multiply_exact --> sign, magnitude, shift;  nan, invalid, infinite
//!   w (unpacked) --+         ^
//!                          enable
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational: one 11 x 11-bit product                                           |
//! | Numerics   | exact, `magnitude * 2^(shift - 48)`; 0 x Inf and signalling NaN are invalid      |
//! | Without    | `enable`: a zero that raises nothing and does not count as -0                    |
//! | Does not   | shift: the magnitude is put in its place by [`crate::dot_product`]               |

use rtl::{Signal, bundle, lit};

use crate::format::FP16;
use crate::unpack::Unpacked;

bundle! {
    /// An exact product: `magnitude * 2^(shift - 48)`, negated if `sign`.
    pub struct Product {
        /// Set for negative products, zeros and infinities included.
        pub sign: Signal,
        /// Product of the significands: 22 bits; zero where the product is not finite.
        pub magnitude: Signal,
        /// Where the magnitude stands on the 2^-48 grid: 6 bits, 0 to 58.
        pub shift: Signal,
        /// The product takes part and is not minus zero.
        pub not_negative_zero: Signal,
        /// A NaN operand, or 0 x Inf.
        pub nan: Signal,
        /// 0 x Inf, or a signalling NaN operand.
        pub invalid: Signal,
        /// An infinite product.
        pub infinite: Signal,
    }
}

/// Multiplies two unpacked FP16 numbers exactly. A product that is not enabled is zero and raises nothing. What is
/// found on the way is named `name` and what it is. Combinational.
#[track_caller]
pub fn multiply_exact(name: &str, x: &Unpacked, w: &Unpacked, enable: Signal) -> Product {
    let part = |part: &str, signal: Signal| signal.named(format!("{name}_{part}"));
    let sign = part("sign", x.sign ^ w.sign);
    let zero_times_infinity = part("zero_times_infinity", (x.zero & w.infinite) | (x.infinite & w.zero));
    let nan = part("nan", x.nan | w.nan | zero_times_infinity);
    let infinite = part("infinite", (x.infinite | w.infinite) & !nan);
    let finite = part("finite", enable & !(x.infinite | w.infinite | x.nan | w.nan));
    let negative_zero = part("negative_zero", sign & (x.zero | w.zero) & !nan);

    // Gated behind the multiplier, which is what takes long.
    let product = part("significand", x.significand * w.significand);
    let magnitude = product & finite.repeat(2 * FP16.significand_bits());

    // A significand weighs 2^(exponent - 25), so the product weighs 2^(sum - 50); exponents are at least 1.
    let shift = x.exponent.zero_extend(6) + w.exponent.zero_extend(6) - lit(2, 6);
    Product {
        sign,
        magnitude,
        shift,
        not_negative_zero: enable & !negative_zero,
        nan: enable & nan,
        invalid: enable & (zero_times_infinity | x.signalling | w.signalling),
        infinite: enable & infinite,
    }
}
