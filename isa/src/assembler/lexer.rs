//! Splits assembly text into tokens.

use std::fmt;

use super::AssembleError;
use crate::program::{is_name_part, is_name_start};

/// The smallest piece of assembly text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A mnemonic, a label, a field or a named value.
    Name(String),
    /// A name after a full stop.
    Directive(String),
    Number(u64),
    Punctuation(char),
    LineEnd,
    TextEnd,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "`{name}`"),
            Self::Directive(name) => write!(f, "`.{name}`"),
            Self::Number(value) => write!(f, "`{value:#x}`"),
            Self::Punctuation(mark) => write!(f, "`{mark}`"),
            Self::LineEnd => f.write_str("the end of the line"),
            Self::TextEnd => f.write_str("the end of the text"),
        }
    }
}

/// The tokens of `text` with the numbers of their lines; `LineEnd` closes every line, `TextEnd` the text.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, AssembleError> {
    let mut tokens = Vec::new();
    let mut lines = 0;
    for line in text.lines() {
        lines += 1;
        let code = line.split(';').next().unwrap_or_default();
        let mut rest = code.trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, length) = token(rest, first, lines)?;
            tokens.push((lines, token));
            rest = rest[length..].trim_start();
        }
        tokens.push((lines, Token::LineEnd));
    }
    tokens.push((lines, Token::TextEnd));
    Ok(tokens)
}

/// The token at the beginning of `rest`, and its length in bytes.
fn token(rest: &str, first: char, line: usize) -> Result<(Token, usize), AssembleError> {
    let word = |from: usize| {
        let length = rest[from..].find(|letter| !is_name_part(letter)).unwrap_or(rest.len() - from);
        &rest[from..from + length]
    };
    if is_name_start(first) {
        let name = word(0);
        return Ok((Token::Name(name.to_owned()), name.len()));
    }
    if first.is_ascii_digit() {
        let digits = word(0);
        let value = number(digits).ok_or_else(|| {
            AssembleError::new(line, format!("`{digits}`"), "a decimal, 0x or 0b number of at most 64 bits")
        })?;
        return Ok((Token::Number(value), digits.len()));
    }
    match first {
        '.' => {
            let name = word(1);
            Ok((Token::Directive(name.to_owned()), 1 + name.len()))
        }
        ':' | ',' | '{' | '}' | '=' | '+' | '-' | '|' => Ok((Token::Punctuation(first), 1)),
        _ => Err(AssembleError::new(
            line,
            format!("`{first}`"),
            "a name, a number, a directive or one of : , { } = + - |",
        )),
    }
}

fn number(digits: &str) -> Option<u64> {
    let digits = digits.replace('_', "");
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        u64::from_str_radix(hexadecimal, 16).ok()
    } else if let Some(binary) = digits.strip_prefix("0b") {
        u64::from_str_radix(binary, 2).ok()
    } else {
        digits.parse().ok()
    }
}
