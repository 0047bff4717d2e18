//! Fields whose values have names: engines, control registers, activations, vector operations.
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
        /// Begins the random bits of the AMP anew, from this seed; after a reset the seed is 0.
        SEED_AMP "seed_amp" = 2;
        /// The same for the vector engine.
        SEED_VECTOR "seed_vector" = 3;
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

named_values! {
    /// Where an operand of the vector engine comes from.
    pub struct VectorSource {
        /// Memory, an element for each column.
        STREAM "stream" = 0;
        /// Memory, an element for each row: the lowest of a word.
        ROW_SCALAR "row_scalar" = 1;
        /// The descriptor, one element for all.
        CONSTANT "constant" = 2;
    }
}

named_values! {
    /// What the vector engine does with its operands a, b, c. Each result is rounded once.
    pub struct VectorOperation {
        /// a, in the format of the result.
        COPY "copy" = 0;
        /// a + b.
        ADD "add" = 1;
        /// a - b.
        SUBTRACT "subtract" = 2;
        /// a * b.
        MULTIPLY "multiply" = 3;
        /// a * b + c, rounded once.
        FMA "fma" = 4;
        /// c - a * b, rounded once.
        FNMA "fnma" = 5;
        /// The smaller of a and b; a number rather than a NaN, and -0 rather than +0.
        MIN "min" = 6;
        /// The larger of a and b; a number rather than a NaN, and +0 rather than -0.
        MAX "max" = 7;
        /// ReLU of a: positive numbers and NaN pass, everything else becomes +0.
        RELU "relu" = 8;
        /// 1 where a < b, else 0.
        LESS "less" = 9;
        /// 1 where a <= b, else 0.
        LESS_EQUAL "less_equal" = 10;
        /// 1 where a = b, else 0.
        EQUAL "equal" = 11;
        /// b where a is not zero, else c; a NaN is not zero.
        SELECT "select" = 12;
        /// e to the power of a.
        EXP "exp" = 16;
        /// 2 to the power of a.
        EXP2 "exp2" = 17;
        /// The natural logarithm of a.
        LN "ln" = 18;
        /// The logarithm of a to base 2.
        LOG2 "log2" = 19;
        /// The hyperbolic tangent of a.
        TANH "tanh" = 20;
        /// 1 / (1 + e^-a).
        SIGMOID "sigmoid" = 21;
        /// 1 / a.
        RECIPROCAL "reciprocal" = 22;
        /// The square root of a.
        SQRT "sqrt" = 23;
        /// 1 / sqrt(a).
        RSQRT "rsqrt" = 24;
        /// The sum of a row of a.
        SUM "sum" = 28;
        /// The sum of a * b over a row.
        DOT "dot" = 29;
        /// The largest number of a row of a.
        ROW_MAX "row_max" = 30;
        /// The smallest number of a row of a.
        ROW_MIN "row_min" = 31;
    }
}

impl VectorOperation {
    /// The code of the transcendental function numbered 0.
    pub const FIRST_FUNCTION: Self = Self::EXP;
}
