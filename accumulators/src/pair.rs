//! One pair of FP16 factors: what its product needs beside the multiplication.
//!
//! ```text
//!   x (unpacked) --+
//!                  +--> Pair --> x, w, sign, shift, finite;  nan, invalid, infinite
//!   w (unpacked) --+     ^
//!                      enable
//! ```
//! | Contract   |                                                                                  |
//! |------------|----------------------------------------------------------------------------------|
//! | Latency    | combinational                                                                    |
//! | Numerics   | exact, `x * w * 2^(shift - 50)`; 0 x Inf and signalling NaN are invalid          |
//! | Without    | `enable`: a zero that raises nothing and does not count as -0                    |
//! | Does not   | multiply or shift: [`crate::dot_product`] does, as suits what it is built for    |

use rtl::{Signal, bundle};

use crate::unpack::Unpacked;

/// By how many bits shifts count too far for the 2^-48 grid: exponents are at least 1, each.
pub const OFFSET_BITS: usize = 2;

bundle! {
    /// An exact product: `x * w * 2^(shift - 50)`, negated if `sign`.
    pub struct Pair {
        /// Significand of a factor.
        pub x: Signal,
        /// Significand of the other.
        pub w: Signal,
        /// Set for negative products, zeros and infinities included.
        pub sign: Signal,
        /// Sum of the exponents: 6 bits, 2 to 60 where the product is finite.
        pub shift: Signal,
        /// The product takes part and is neither infinite nor NaN; else the sum takes it for zero.
        pub finite: Signal,
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

impl Pair {
    /// Looks at two unpacked FP16 numbers. A pair that is not enabled is zero and raises nothing. What is found on the
    /// way is named `name` and what it is. Combinational.
    #[track_caller]
    pub fn of(name: &str, x: &Unpacked, w: &Unpacked, enable: Signal) -> Pair {
        let part = |part: &str, signal: Signal| signal.named(format!("{name}_{part}"));
        let sign = part("sign", x.sign ^ w.sign);
        let zero_times_infinity = part("zero_times_infinity", (x.zero & w.infinite) | (x.infinite & w.zero));
        let nan = part("nan", x.nan | w.nan | zero_times_infinity);
        let infinite = part("infinite", (x.infinite | w.infinite) & !nan);
        let finite = part("finite", enable & !(x.infinite | w.infinite | x.nan | w.nan));
        let negative_zero = part("negative_zero", sign & (x.zero | w.zero) & !nan);
        Pair {
            x: x.significand,
            w: w.significand,
            sign,
            // A significand weighs 2^(exponent - 25), so the product weighs 2^(sum - 50).
            shift: x.exponent.widening_add(w.exponent),
            finite,
            not_negative_zero: enable & !negative_zero,
            nan: enable & nan,
            invalid: enable & (zero_times_infinity | x.signalling | w.signalling),
            infinite: enable & infinite,
        }
    }
}
