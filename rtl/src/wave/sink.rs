//! Where waveforms go.

use std::io;

/// Number of a variable of a sink, in the order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VariableId(pub usize);

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bits that are computed.
    Wire {
        /// Width in bits.
        width: usize,
    },
    /// Bits that are stored.
    Register {
        /// Width in bits.
        width: usize,
    },
    /// A number.
    Real,
    /// ASCII text.
    Text,
}

/// A format of waveforms: first scopes and variables are declared, then times and changes follow.
pub trait Sink: Send {
    /// Opens a scope, an instance called `name` of a module, below the one that is open.
    ///
    /// # Errors
    /// It cannot be written; this holds for all functions.
    fn open_scope(&mut self, name: &str, module: &str) -> io::Result<()>;

    /// Ends the innermost open scope.
    ///
    /// # Errors
    /// It cannot be written.
    fn close_scope(&mut self) -> io::Result<()>;

    /// A new variable in the open scope.
    ///
    /// # Errors
    /// It cannot be written.
    fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId>;

    /// A further name, of the same kind, for a variable.
    ///
    /// # Errors
    /// It cannot be written.
    fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()>;

    /// Ends the declarations.
    ///
    /// # Errors
    /// It cannot be written.
    fn begin(&mut self) -> io::Result<()>;

    /// Time goes on to `nanoseconds`. The first time is followed by the value of every variable.
    ///
    /// # Errors
    /// It cannot be written.
    fn time(&mut self, nanoseconds: u64) -> io::Result<()>;

    /// A variable of bits changes; words are least significant first, and bits past the width are zero.
    ///
    /// # Errors
    /// It cannot be written.
    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()>;

    /// A number changes.
    ///
    /// # Errors
    /// It cannot be written.
    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()>;

    /// A text changes.
    ///
    /// # Errors
    /// It cannot be written.
    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()>;

    /// The end: everything is written out.
    ///
    /// # Errors
    /// It cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// Eight binary digits of each byte, most significant first.
static DIGITS: [[u8; 8]; 256] = {
    let mut digits = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut i = 0;
        while i < 8 {
            digits[byte][i] = b'0' + (byte >> (7 - i) & 1) as u8;
            i += 1;
        }
        byte += 1;
    }
    digits
};

/// The binary digits of a byte, most significant first.
#[inline]
pub(super) fn byte_digits(byte: u8) -> [u8; 8] {
    DIGITS[usize::from(byte)]
}

/// The binary digits of a word, most significant first.
#[inline]
pub(super) fn word_digits(word: u64) -> [u8; 64] {
    let mut digits = [0; 64];
    for (eight, byte) in digits.chunks_exact_mut(8).zip(word.to_be_bytes()) {
        eight.copy_from_slice(&byte_digits(byte));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_digits_are_those_that_rust_prints() {
        for word in [0, 1, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, u64::MAX] {
            assert_eq!(word_digits(word), format!("{word:064b}").as_bytes());
        }
    }
}
