//! Fields of 64-bit words, as the crate `isa` declares them: out of a word, and into one.

use isa::Field;
use rtl::{Signal, cat, lit};

/// The bits of a field in the word that holds it.
pub fn field_of(word: Signal, field: Field) -> Signal {
    word.bits(field.low as usize..(field.low + field.bits) as usize)
}

/// A 64-bit word with values in its fields and zeros elsewhere; fields in ascending order.
pub fn word_of(fields: &[(Field, Signal)]) -> Signal {
    let mut parts = vec![];
    let mut next = 0;
    for &(field, value) in fields {
        assert!(field.low >= next, "fields in ascending order that do not overlap");
        assert!(
            value.width() == field.bits as usize,
            "a value of {} bits for a field of {}",
            value.width(),
            field.bits
        );
        if field.low > next {
            parts.push(lit(0, (field.low - next) as usize));
        }
        parts.push(value);
        next = field.low + field.bits;
    }
    parts.reverse();
    cat(parts).zero_extend(64)
}
