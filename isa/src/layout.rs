//! The mechanism behind every declaration: named bit fields of 64-bit words.
//!
//! ```text
//!  layout! { pub struct Example: [u64; 1] { SIZE size: u32 = 0[6:0]; ... } }
//!                 |
//!                 +--> struct Example { pub size: u32, ... }    what software holds
//!                 +--> Example::SIZE: Field                     what hardware slices by
//!                 +--> Example::LAYOUT: Layout                  what the assembler and the reference page read
//!                 +--> Example::encode, Example::decode         between the two
//! ```
//! A layout whose fields overlap, leave their word or do not fit their Rust type does not compile.

use thiserror::Error;

/// Width of a byte address in every layout. An unsigned field of exactly this width is a byte address.
pub const ADDRESS_BITS: u32 = 24;

/// A name for one value of a field, as the assembler writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedValue {
    /// Lower case, as in assembly text.
    pub name: &'static str,
    /// The value that the field holds.
    pub value: i64,
    /// What the value means, one sentence.
    pub meaning: &'static str,
}

/// A run of bits in one word of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name of the field, as in the Rust struct and in assembly text.
    pub name: &'static str,
    /// Index of the 64-bit word that holds the field.
    pub word: usize,
    /// Lowest bit of the field in its word.
    pub low: u32,
    /// Width of the field, 1 to 32.
    pub bits: u32,
    /// Whether the field is in two's complement.
    pub signed: bool,
    /// Names for some of the values; empty where the value is a plain number.
    pub names: &'static [NamedValue],
    /// What the field means, with units.
    pub meaning: &'static str,
}

impl Field {
    /// Highest bit of the field in its word.
    pub const fn high(&self) -> u32 {
        self.low + self.bits - 1
    }

    /// The field's bits in its word.
    pub const fn mask(&self) -> u64 {
        (u64::MAX >> (64 - self.bits)) << self.low
    }

    /// Smallest value that the field can hold.
    pub const fn min(&self) -> i64 {
        if self.signed { -(1 << (self.bits - 1)) } else { 0 }
    }

    /// Largest value that the field can hold.
    pub const fn max(&self) -> i64 {
        if self.signed { (1 << (self.bits - 1)) - 1 } else { (1 << self.bits) - 1 }
    }

    /// Whether the field is a byte address (see [`ADDRESS_BITS`]), of an `address`, a `descriptor` or a `target`.
    pub fn is_address(&self) -> bool {
        let named = ["address", "descriptor", "target"].iter().any(|name| self.name.ends_with(name));
        named && !self.signed && self.bits == ADDRESS_BITS
    }

    /// The field's value in `word`, sign-extended where the field is signed.
    pub const fn extract(&self, word: u64) -> i64 {
        let at_top = word << (63 - self.high());
        if self.signed { at_top as i64 >> (64 - self.bits) } else { (at_top >> (64 - self.bits)) as i64 }
    }

    /// `word` with the field set to the low bits of `value`; [`Layout::insert`] is the checked form.
    pub const fn deposit(&self, word: u64, value: i64) -> u64 {
        word & !self.mask() | (value as u64) << self.low & self.mask()
    }
}

/// The fields of a command, a descriptor, a list entry or a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Name of the Rust type.
    pub name: &'static str,
    /// Size in 64-bit words.
    pub words: usize,
    /// What the layout is for.
    pub meaning: &'static str,
    /// The fields, in the order of their declaration.
    pub fields: &'static [Field],
}

impl Layout {
    /// The bits of word `word` that belong to no field, and so must be zero.
    pub const fn reserved_mask(&self, word: usize) -> u64 {
        let mut used = 0;
        let mut index = 0;
        while index < self.fields.len() {
            if self.fields[index].word == word {
                used |= self.fields[index].mask();
            }
            index += 1;
        }
        !used
    }

    /// The field called `name`.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Sets `field` in `words`.
    ///
    /// # Errors
    /// If `value` does not fit the field.
    pub fn insert(&self, words: &mut [u64], field: &Field, value: i64) -> Result<(), EncodeError> {
        let (min, max) = (field.min(), field.max());
        if value < min || value > max {
            return Err(EncodeError { layout: self.name, field: field.name, value, min, max });
        }
        words[field.word] = field.deposit(words[field.word], value);
        Ok(())
    }

    /// Refuses words in which a reserved bit is set.
    ///
    /// # Errors
    /// Names the first word with such bits.
    pub fn check_reserved(&self, words: &[u64]) -> Result<(), DecodeError> {
        for (word, &value) in words.iter().enumerate() {
            let bits = value & self.reserved_mask(word);
            if bits != 0 {
                return Err(DecodeError::ReservedBits { layout: self.name, word, bits });
            }
        }
        Ok(())
    }

    /// Panics, at compile time, where fields leave their word or overlap.
    pub(crate) const fn assert_valid(&self) {
        let mut index = 0;
        while index < self.fields.len() {
            let field = &self.fields[index];
            assert!(field.word < self.words, "a field lies beyond the last word");
            assert!(field.bits >= 1 && field.bits <= 32, "a field has 1 to 32 bits");
            assert!(field.high() < 64, "a field leaves its word");
            let mut other = 0;
            while other < index {
                let earlier = &self.fields[other];
                let overlap = field.word == earlier.word && field.mask() & earlier.mask() != 0;
                assert!(!overlap, "two fields overlap");
                other += 1;
            }
            index += 1;
        }
    }
}

/// A Rust type that a field's bits convert to and from.
pub(crate) trait FieldValue: Copy {
    /// Whether the bits are two's complement.
    const SIGNED: bool;
    /// Widest field that the type can hold.
    const CAPACITY_BITS: u32;
    /// Names of values, for the assembler and the reference page.
    const NAMES: &'static [NamedValue] = &[];
    fn to_raw(self) -> i64;
    fn from_raw(raw: i64) -> Self;
}

impl FieldValue for u32 {
    const SIGNED: bool = false;
    const CAPACITY_BITS: u32 = 32;

    fn to_raw(self) -> i64 {
        self.into()
    }

    fn from_raw(raw: i64) -> Self {
        raw as u32
    }
}

impl FieldValue for i32 {
    const SIGNED: bool = true;
    const CAPACITY_BITS: u32 = 32;

    fn to_raw(self) -> i64 {
        self.into()
    }

    fn from_raw(raw: i64) -> Self {
        raw as i32
    }
}

impl FieldValue for bool {
    const SIGNED: bool = false;
    const CAPACITY_BITS: u32 = 1;

    fn to_raw(self) -> i64 {
        self.into()
    }

    fn from_raw(raw: i64) -> Self {
        raw != 0
    }
}

/// A value that does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{layout}.{field} = {value} does not fit its bits: expected {min}..={max}")]
pub struct EncodeError {
    /// Name of the layout.
    pub layout: &'static str,
    /// Name of the field.
    pub field: &'static str,
    /// The value that was refused.
    pub value: i64,
    /// Smallest legal value.
    pub min: i64,
    /// Largest legal value.
    pub max: i64,
}

/// Words that no encoder makes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Reserved bits are set.
    #[error("{layout}: reserved bits {bits:#x} of word {word} are set: expected zero")]
    ReservedBits {
        /// Name of the layout.
        layout: &'static str,
        /// Index of the word.
        word: usize,
        /// The reserved bits that are set, in place.
        bits: u64,
    },
    /// The opcode of a command is not declared.
    #[error("opcode {opcode:#04x} is not a command")]
    UnknownOpcode {
        /// The opcode found.
        opcode: u8,
    },
}

/// One [`Field`] of a layout, from its declaration.
macro_rules! field {
    ($name:ident, $type:ty, $word:literal, $high:literal, $low:literal, $($meaning:literal)+) => {{
        const BITS: u32 = $high - $low + 1;
        assert!(BITS <= <$type as $crate::layout::FieldValue>::CAPACITY_BITS, "a field is wider than its type");
        $crate::layout::Field {
            name: stringify!($name),
            word: $word,
            low: $low,
            bits: BITS,
            signed: <$type as $crate::layout::FieldValue>::SIGNED,
            names: <$type as $crate::layout::FieldValue>::NAMES,
            meaning: concat!($($meaning),+).trim_ascii(),
        }
    }};
}

/// Declares a layout: `CONSTANT field: type = word[high:low];` for each field, its meaning in the doc comment.
macro_rules! layout {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident: [u64; $words:literal] {
            $(
                $(#[doc = $meaning:literal])+
                $constant:ident $field:ident: $type:ty = $word:literal[$high:literal : $low:literal];
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name {
            $( $(#[doc = $meaning])+ pub $field: $type, )+
        }

        impl $name {
            $(
                #[doc = concat!("Position of [`Self::", stringify!($field), "`].")]
                pub const $constant: $crate::layout::Field =
                    $crate::layout::field!($field, $type, $word, $high, $low, $($meaning)+);
            )+

            /// Size in 64-bit words.
            pub const WORDS: usize = $words;

            /// Every field, with its position and meaning.
            pub const LAYOUT: $crate::layout::Layout = $crate::layout::Layout {
                name: stringify!($name),
                words: $words,
                meaning: concat!($($about),+).trim_ascii(),
                fields: &[$(Self::$constant),+],
            };

            /// The words that the hardware reads.
            ///
            /// # Errors
            /// If a value does not fit its field; it names the field, the value and the legal range.
            pub fn encode(&self) -> Result<[u64; $words], $crate::layout::EncodeError> {
                use $crate::layout::FieldValue;
                let mut words = [0; $words];
                $( Self::LAYOUT.insert(&mut words, &Self::$constant, self.$field.to_raw())?; )+
                Ok(words)
            }

            /// The fields of `words`.
            ///
            /// # Errors
            /// If a reserved bit is set; it names the word and the bits.
            pub fn decode(words: &[u64; $words]) -> Result<Self, $crate::layout::DecodeError> {
                use $crate::layout::FieldValue;
                Self::LAYOUT.check_reserved(words)?;
                Ok(Self { $( $field: <$type>::from_raw(Self::$constant.extract(words[$word])), )+ })
            }
        }

        const _: () = $name::LAYOUT.assert_valid();
    };
}

pub(crate) use {field, layout};

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: Field = field!(offset, i32, 0, 11, 4, "Bits 11:4.");

    fn layout(fields: &'static [Field]) -> Layout {
        Layout { name: "Test", words: 1, meaning: "A test.", fields }
    }

    #[test]
    fn fields_are_extracted_and_deposited_in_place() {
        assert_eq!((SIGNED.high(), SIGNED.mask(), SIGNED.min(), SIGNED.max()), (11, 0xFF0, -128, 127));
        assert_eq!(SIGNED.extract(0xF80F), -128);
        assert_eq!(SIGNED.deposit(u64::MAX, -128), 0xFFFF_FFFF_FFFF_F80F);
        const TOP: Field = field!(value, u32, 0, 63, 32, "The upper half.");
        assert_eq!((TOP.extract(u64::MAX), TOP.max()), (0xFFFF_FFFF, 0xFFFF_FFFF));
        assert_eq!(TOP.deposit(1, 0x8000_0001), 0x8000_0001_0000_0001);
    }

    #[test]
    fn reserved_bits_are_those_of_no_field() {
        assert_eq!(layout(&[SIGNED]).reserved_mask(0), !0xFF0);
        assert_eq!(layout(&[SIGNED]).reserved_mask(1), u64::MAX);
    }

    #[test]
    #[should_panic(expected = "two fields overlap")]
    fn overlapping_fields_are_refused() {
        layout(const { &[SIGNED, field!(other, u32, 0, 4, 0, "Shares bit 4.")] }).assert_valid();
    }

    #[test]
    #[should_panic(expected = "a field leaves its word")]
    fn fields_outside_their_word_are_refused() {
        layout(const { &[field!(other, u32, 0, 64, 60, "One bit too many.")] }).assert_valid();
    }

    #[test]
    #[should_panic(expected = "a field lies beyond the last word")]
    fn fields_beyond_the_last_word_are_refused() {
        layout(const { &[field!(other, u32, 1, 4, 0, "In the second of one words.")] }).assert_valid();
    }
}
