//! What the host's numeric counters count: results that show where a program loses range.

use std::ops::{Add, AddAssign};

use crate::flags::Flags;
use crate::format::Format;

/// How many results were of a sort; of one result 0 or 1 each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// NaN.
    pub nans: u64,
    /// Beyond the largest finite number (OF).
    pub overflows: u64,
    /// Rounded to zero, but not zero.
    pub zeroed: u64,
}

/// A result on its way to memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element {
    /// The bit pattern, of the result's format.
    pub bits: u32,
    /// What happened.
    pub flags: Flags,
    /// What the counters count of it.
    pub counts: Counts,
}

impl Counts {
    /// No result.
    pub const NONE: Counts = Counts { nans: 0, overflows: 0, zeroed: 0 };

    /// Those of one result, as it was rounded to `format`.
    pub fn of(format: Format, bits: u32, flags: Flags) -> Counts {
        let zero = bits & !format.sign_bit(true) == 0;
        Counts {
            nans: format.is_nan(bits).into(),
            overflows: flags.of.into(),
            zeroed: (zero && flags.uf).into(), // a tiny result that is inexact
        }
    }
}

impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            nans: self.nans + other.nans,
            overflows: self.overflows + other.overflows,
            zeroed: self.zeroed + other.zeroed,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        *self = *self + other;
    }
}
