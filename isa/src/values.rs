//! Fields whose values have names: engines, control registers, activations.
//!
//! Each is a number that keeps any value a field can hold, so that what a program contains can always be
//! represented; the named values are constants.

use crate::layout::{FieldValue, NamedValue};

/// Declares a number with named values: `CONSTANT "name" = value;`.
macro_rules! named_values {
    (
        $(#[doc = $about:literal])+
        pub struct $type:ident {
            $( $(#[doc = $meaning:literal])+ $constant:ident $name:literal = $value:literal; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $type(
            /// The value of the field.
            pub u8,
        );

        impl $type {
            $( $(#[doc = $meaning])+ pub const $constant: Self = Self($value); )+

            /// Every named value.
            pub const NAMES: &'static [NamedValue] = &[$(
                NamedValue { name: $name, value: $value, meaning: concat!($($meaning),+).trim_ascii() }
            ),+];
        }

        impl FieldValue for $type {
            const SIGNED: bool = false;
            const CAPACITY_BITS: u32 = 8;
            const NAMES: &'static [NamedValue] = $type::NAMES;

            fn to_raw(self) -> i64 {
                self.0.into()
            }

            fn from_raw(raw: i64) -> Self {
                Self(raw as u8)
            }
        }
    };
}

named_values! {
    /// A set of engines, one bit each.
    pub struct EngineMask {
        /// The AMP engine.
        AMP "amp" = 1;
        /// The vector engine.
        VECTOR "vector" = 2;
        /// The exchange port.
        EXCHANGE "exchange" = 4;
    }
}

impl EngineMask {
    /// Whether every engine of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for EngineMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

named_values! {
    /// A register that SET writes.
    pub struct ControlRegister {
        /// A 32-bit progress mark, which the host reads in the register MARKER.
        MARKER "marker" = 0;
        /// Clears the sticky flags whose bits are set in the value (bits as in the register FLAGS).
        FLAGS_CLEAR "flags_clear" = 1;
    }
}

named_values! {
    /// A function applied to results on their way to memory.
    pub struct Activation {
        /// Results leave as they are.
        NONE "none" = 0;
        /// ReLU: positive numbers and NaN pass, everything else becomes +0.
        RELU "relu" = 1;
    }
}
