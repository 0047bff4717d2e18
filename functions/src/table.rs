//! The table of cubics, one for each segment.
//!
//! A segment's curve over d in [0, 1) is computed by Horner's rule in fixed point, each step rounded down:
//!
//! ```text
//!   second = c2 + floor(c3 * d[27:10] / 2^18)
//!   first  = c1 + floor(second * d[27:3] / 2^25)
//!   value  = c0 + floor(first * d / 2^28)            all with a last place of 2^-34
//! ```
//! | error                    | last places of 2^-34                                                              |
//! |--------------------------|-----------------------------------------------------------------------------------|
//! | fit                      | below 4: four Chebyshev nodes, so 2 f''''(x) (w/4)^4 / 4! for segments of width w |
//! | rounded coefficients     | 1/2 each, 2 in all, as d < 1                                                      |
//! | three steps rounded down | 1 each, downwards; `c0` is raised by one, which halves what they do               |
//! | d cut to 18 and 25 bits  | 1/2 and 1: c3 < 2^-16 loses d by 2^-18, c2 < 2^-9 by 2^-25                        |
//! | in all                   | below 8, which the tests below measure: 2^-31 of the curve, or 2^-30 where it is 1/2 |
//!
//! A square root errs upwards only, by less than 2^-30: an exact root shows as zeros (`golden::transcendental` has the
//! proof).

use std::sync::LazyLock;

use crate::curve::Curve;
use crate::region::Region;

/// Places after the binary point of every coefficient and of the value.
pub const PLACES: u32 = 34;
/// Bits of a segment's argument d.
pub const ARGUMENT_BITS: u32 = 28;
/// Its upper bits that meet `c2` and what is added to it.
pub const SECOND_ARGUMENT_BITS: u32 = 25;
/// Its upper bits that meet `c3`.
pub const THIRD_ARGUMENT_BITS: u32 = 18;

/// Bits of `c0` and of the value: unsigned, below 4.
pub const C0_BITS: u32 = 36;
/// Bits of `c1`, two's complement, as the next two.
pub const C1_BITS: u32 = 36;
/// Bits of `c2`.
pub const C2_BITS: u32 = 26;
/// Bits of `c3`.
pub const C3_BITS: u32 = 19;

/// The Chebyshev nodes of four on [-1, 1]: cosines of 7, 5, 3 and 1 eighths of pi.
const COSINES: [f64; 4] =
    [-0.923_879_532_511_286_7, -0.382_683_432_365_089_8, 0.382_683_432_365_089_8, 0.923_879_532_511_286_7];

/// One segment's cubic, in units of 2^-[`PLACES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficients {
    /// Constant.
    pub c0: i64,
    /// Of d.
    pub c1: i64,
    /// Of d^2.
    pub c2: i64,
    /// Of d^3.
    pub c3: i64,
}

/// All regions and all segments.
#[derive(Debug)]
pub struct Table {
    /// By number; see [`crate::region`].
    pub regions: Vec<Region>,
    /// From [`Region::first_segment`] on.
    pub segments: Vec<Coefficients>,
}

impl Table {
    /// The table; computed once.
    pub fn get() -> &'static Table {
        static TABLE: LazyLock<Table> = LazyLock::new(|| {
            let regions = Region::all();
            let segments = regions.iter().flat_map(|region| {
                let width = 1.0 / region.segments() as f64;
                (0..region.segments())
                    .map(move |segment| Coefficients::fit(region.curve, segment as f64 * width, width))
            });
            Table { segments: segments.collect(), regions }
        });
        &TABLE
    }
}

impl Coefficients {
    /// The cubic through the curve at four points of the segment: the Chebyshev nodes, which make its error all but the
    /// least possible. Where the curve begins exactly so does the cubic: the nodes are spread until the first is 0.
    fn fit(curve: Curve, begin: f64, width: f64) -> Coefficients {
        let pinned = begin == 0.0 && curve.begins_exactly();
        let reach = if pinned { COSINES[3] } else { 1.0 };
        let nodes = COSINES.map(|cosine| (cosine + reach) / (1.0 + reach));
        // Newton's divided differences.
        let mut differences = nodes.map(|d| curve.at(begin + d * width));
        for order in 1..4 {
            for i in (order..4).rev() {
                differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order]);
            }
        }
        // From the innermost product (d - node) outwards.
        let mut powers = [differences[3], 0.0, 0.0, 0.0];
        for i in (0..3).rev() {
            for power in (1..4).rev() {
                powers[power] = powers[power - 1] - nodes[i] * powers[power];
            }
            powers[0] = differences[i] - nodes[i] * powers[0];
        }
        let [c0, c1, c2, c3] = powers.map(|power| (power * (1u64 << PLACES) as f64).round() as i64);
        let bias = match curve {
            // An argument below 2^-16 exceeds its tangent.
            Curve::Identity => -1,
            // Never below the root, so that an exact one shows as zeros.
            Curve::Sqrt { .. } => 6,
            _ if pinned => 0,
            _ => 1,
        };
        Coefficients { c0: c0 + bias, c1, c2, c3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Horner's rule, as the module says.
    fn value(Coefficients { c0, c1, c2, c3 }: Coefficients, d: u32) -> [i64; 3] {
        let step = |constant: i64, sum: i64, bits: u32| {
            constant + ((i128::from(sum) * i128::from(d >> (ARGUMENT_BITS - bits))) >> bits) as i64
        };
        let second = step(c2, c3, THIRD_ARGUMENT_BITS);
        let first = step(c1, second, SECOND_ARGUMENT_BITS);
        [second, first, step(c0, first, ARGUMENT_BITS)]
    }

    /// 65 arguments of every segment, both ends among them: number of the region, segment, value in last places, curve.
    fn samples() -> impl Iterator<Item = (Curve, Coefficients, u32, f64)> {
        let table = Table::get();
        table.regions.iter().flat_map(move |region| {
            (0..region.segments() * 65).map(move |sample| {
                let (segment, step) = (sample / 65, sample % 65);
                let d = ((step << (ARGUMENT_BITS - 6)) as u32).min((1 << ARGUMENT_BITS) - 1);
                let fraction =
                    (segment as f64 + f64::from(d) / f64::from(1 << ARGUMENT_BITS)) / region.segments() as f64;
                let curve = region.curve.at(fraction) * (1u64 << PLACES) as f64;
                (region.curve, table.segments[region.first_segment + segment], d, curve)
            })
        })
    }

    #[test]
    fn the_table_has_1904_segments_of_117_bits() {
        assert_eq!((Table::get().segments.len(), C0_BITS + C1_BITS + C2_BITS + C3_BITS), (1904, 117));
    }

    #[test]
    fn coefficients_and_sums_fit_their_bits() {
        let signed = |value: i64, bits: u32| (-(1 << (bits - 1))..1 << (bits - 1)).contains(&value);
        let mut tested = 0;
        for (curve, coefficients, d, _) in samples() {
            let Coefficients { c0, c1, c2, c3 } = coefficients;
            let [second, first, value] = value(coefficients, d);
            let fit = (0..1 << C0_BITS).contains(&c0)
                && signed(c1, C1_BITS)
                && signed(c2, C2_BITS)
                && signed(c3, C3_BITS)
                && signed(second, C2_BITS)
                && signed(first, C1_BITS)
                && (0..1 << C0_BITS).contains(&value);
            assert!(fit, "{curve:?}: {coefficients:?} at {d:#x}");
            tested += 1;
        }
        assert_eq!(tested, 65 * Table::get().segments.len());
    }

    #[test]
    fn values_are_off_by_less_than_eight_last_places() {
        let mut worst = 0f64;
        for (curve, coefficients, d, exact) in samples() {
            let error = value(coefficients, d)[2] as f64 - exact;
            worst = worst.max(error.abs());
            let allowed = if matches!(curve, Curve::Sqrt { .. }) { 0.0..=10.0 } else { -7.5..=7.5 };
            assert!(allowed.contains(&error), "{curve:?} at {d:#x}: {error}");
        }
        assert!(worst > 1.0, "{worst}");
    }

    #[test]
    fn what_begins_exactly_does_so() {
        let mut exact = 0;
        for region in Table::get().regions.iter().filter(|region| region.curve.begins_exactly()) {
            let begin = Table::get().segments[region.first_segment].c0;
            let below = i64::from(region.curve == Curve::Identity);
            assert_eq!(begin + below, (region.curve.at(0.0) * (1u64 << PLACES) as f64) as i64, "{:?}", region.curve);
            exact += 1;
        }
        assert_eq!(exact, 6);
    }
}
