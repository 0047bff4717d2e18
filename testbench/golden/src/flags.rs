//! The numeric status flags that every operation of the tile reports.

use std::ops::{BitOr, BitOrAssign};

/// Numeric flags of one operation, or the union over many (they are sticky in the tile).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Flags {
    /// Invalid: 0 x Inf, Inf - Inf, or a signalling NaN operand.
    pub nv: bool,
    /// Overflow: the rounded magnitude exceeds the largest finite number. Comes with `nx`.
    pub of: bool,
    /// Underflow: the exact magnitude is below the smallest normal number (tiny before rounding) and was inexact.
    pub uf: bool,
    /// Inexact: the result differs from the exact value.
    pub nx: bool,
    /// Headroom: the sum ran past the range of an exact accumulator.
    pub hr: bool,
}

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags { nv: false, of: false, uf: false, nx: false, hr: false };
    /// Only NV.
    pub const INVALID: Flags = Flags { nv: true, ..Flags::NONE };
    /// Only NX.
    pub const INEXACT: Flags = Flags { nx: true, ..Flags::NONE };
    /// OF and the NX that it implies.
    pub const OVERFLOW: Flags = Flags { of: true, nx: true, ..Flags::NONE };
    /// UF and the NX that it implies.
    pub const UNDERFLOW: Flags = Flags { uf: true, nx: true, ..Flags::NONE };
    /// Only HR.
    pub const HEADROOM: Flags = Flags { hr: true, ..Flags::NONE };

    /// The FLAGS register's layout: NV in bit 0, then OF, UF, NX, HR.
    pub fn to_bits(self) -> u32 {
        u32::from(self.nv)
            | u32::from(self.of) << 1
            | u32::from(self.uf) << 2
            | u32::from(self.nx) << 3
            | u32::from(self.hr) << 4
    }

    /// The inverse of [`Flags::to_bits`]; bits above HR are ignored.
    pub fn from_bits(bits: u32) -> Flags {
        let bit = |position: u32| bits >> position & 1 == 1;
        Flags { nv: bit(0), of: bit(1), uf: bit(2), nx: bit(3), hr: bit(4) }
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags {
            nv: self.nv | other.nv,
            of: self.of | other.of,
            uf: self.uf | other.uf,
            nx: self.nx | other.nx,
            hr: self.hr | other.hr,
        }
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        *self = *self | other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn register_layout_is_a_bijection() {
        for bits in 0..32 {
            assert_eq!(Flags::from_bits(bits).to_bits(), bits);
        }
        assert_eq!((Flags::INVALID | Flags::HEADROOM).to_bits(), 0b10001);
        assert_eq!((Flags::OVERFLOW | Flags::UNDERFLOW).to_bits(), 0b01110);
    }
}
