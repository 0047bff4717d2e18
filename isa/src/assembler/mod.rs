//! Assembler: text to a [`Program`].
//!
//! ```text
//! start:  amp panel                ; a command: mnemonic, then its operands in the order of the reference
//!         wait amp | vector        ; some operands have named values; `|`, `+` and `-` combine values
//!         set marker, 7
//!         loop 0, 4, start
//!         halt
//!         .org 0x400               ; continue at this byte address
//!         .amp panel {             ; a descriptor, here with a label; fields that are not named are 0
//!             rows_x = 64, rows_y = 1, columns = 16
//!             list_address = list, list_count = 1
//!         }
//! list:   .entry { x_last = 63, k_count_minus_1 = 15 }
//!         .word 0x1234, 5          ; plain 64-bit words
//! ```
//! A program starts at the label `start`, or else at its first command.

mod lexer;
mod parser;

use std::collections::BTreeMap;

use thiserror::Error;

use self::parser::{Body, Expression, Operator, Statement, Term, parse};
use crate::amp::{AmpDescriptor, ListEntry};
use crate::command::OPCODE;
use crate::exchange::{ExchangeDescriptor, ExchangeEntry};
use crate::layout::{Field, Layout, NamedValue};
use crate::program::{Image, Program, START_SYMBOL};
use crate::vector::VectorDescriptor;

/// The directives that place a layout, `.amp { ... }`, `.entry { ... }` and so on.
pub const DATA_DIRECTIVES: [(&str, Layout); 5] = [
    ("amp", AmpDescriptor::LAYOUT),
    ("entry", ListEntry::LAYOUT),
    ("vector", VectorDescriptor::LAYOUT),
    ("exchange", ExchangeDescriptor::LAYOUT),
    ("exchange_entry", ExchangeEntry::LAYOUT),
];

/// Text that is not a program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: found {found}, expected {expected}")]
pub struct AssembleError {
    /// Line of the text, counted from 1.
    pub line: usize,
    /// What stands there.
    pub found: String,
    /// What is legal there.
    pub expected: String,
}

impl AssembleError {
    fn new(line: usize, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { line, found: found.into(), expected: expected.into() }
    }
}

/// Assembles `text`.
///
/// The result is well formed (every field fits its bits, no address is used twice); whether a tile runs it is for
/// [`Program::validate`] to say.
///
/// # Errors
/// The first mistake: the line, what was found and what is expected.
pub fn assemble(text: &str) -> Result<Program, AssembleError> {
    let source = parse(text)?;
    let mut image = Image::default();
    for statement in &source.statements {
        let words = encode(statement, &source.symbols)?;
        image.place(statement.address, &words).map_err(|address| {
            let found = format!("a second word at {address:#x}");
            AssembleError::new(statement.line, found, "each address at most once")
        })?;
    }
    let start = source.symbols.get(START_SYMBOL).copied();
    let first_command = source.statements.iter().find(|statement| matches!(statement.body, Body::Command(..)));
    let entry = start.or(first_command.map(|statement| statement.address)).unwrap_or(0);
    Ok(Program { segments: image.into_segments(), entry, symbols: source.symbols })
}

fn encode(statement: &Statement, symbols: &BTreeMap<String, u32>) -> Result<Vec<u64>, AssembleError> {
    match &statement.body {
        Body::Command(command, operands) => {
            let mut words = [OPCODE.deposit(0, command.opcode.into())];
            for (field, operand) in command.operands().iter().zip(operands) {
                set_field(&mut words, field, operand, symbols)?;
            }
            Ok(words.to_vec())
        }
        Body::Data(layout, values) => {
            let mut words = vec![0; layout.words];
            for (field, value) in values {
                set_field(&mut words, field, value, symbols)?;
            }
            Ok(words)
        }
        Body::Words(values) => values
            .iter()
            .map(|expression| {
                let value = evaluate(expression, &[], symbols)?;
                let out_of_range =
                    || AssembleError::new(expression.line, format!("the word {value}"), "at most 64 bits");
                if value < 0 {
                    i64::try_from(value).map(|signed| signed as u64).map_err(|_| out_of_range())
                } else {
                    u64::try_from(value).map_err(|_| out_of_range())
                }
            })
            .collect(),
    }
}

fn set_field(
    words: &mut [u64],
    field: &Field,
    expression: &Expression,
    symbols: &BTreeMap<String, u32>,
) -> Result<(), AssembleError> {
    let value = evaluate(expression, field.names, symbols)?;
    let legal = field.min()..=field.max();
    match i64::try_from(value) {
        Ok(value) if legal.contains(&value) => {
            words[field.word] = field.deposit(words[field.word], value);
            Ok(())
        }
        _ => {
            let found = format!("{} = {value}", field.name);
            Err(AssembleError::new(expression.line, found, format!("{}..={}", field.min(), field.max())))
        }
    }
}

fn evaluate(
    expression: &Expression,
    names: &[NamedValue],
    symbols: &BTreeMap<String, u32>,
) -> Result<i128, AssembleError> {
    let mut value = 0;
    for (operator, term) in &expression.terms {
        let term = match term {
            Term::Number(number) => i128::from(*number),
            Term::Name(name) => lookup(name, names, symbols).ok_or_else(|| {
                let mut expected: Vec<&str> = names.iter().map(|named| named.name).collect();
                expected.push("a number or a label of this text");
                AssembleError::new(expression.line, format!("`{name}`"), expected.join(", "))
            })?,
        };
        value = match operator {
            Operator::Add => value + term,
            Operator::Subtract => value - term,
            Operator::Or => value | term,
        };
    }
    Ok(value)
}

/// A named value of the field comes before a label of the same name.
fn lookup(name: &str, names: &[NamedValue], symbols: &BTreeMap<String, u32>) -> Option<i128> {
    let named = names.iter().find(|named| named.name == name).map(|named| named.value.into());
    named.or_else(|| symbols.get(name).copied().map(i128::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Command, ControlRegister, EngineMask};

    const EXAMPLE: &str = "
start:  amp panel                ; comment
        wait amp | vector
        set marker, 7
        loop 1, 4, start
        halt
        .org 0x400
        .amp panel {
            rows_x = 64, rows_y = 1   ; both separators
            input_stride_x = -4, activation = relu, partial_in = 1,
            list_address = list + 8, list_count = 0b1
        }
list:   .word 0xFFFF_FFFF_FFFF_FFFF, -1
        .entry { x_last = 63, input_offset = -2 }
";

    #[test]
    fn text_becomes_commands_descriptors_and_words() {
        let program = assemble(EXAMPLE).unwrap();
        let commands: Vec<Command> =
            program.segments[0].words.iter().map(|&word| Command::decode(word).unwrap()).collect();
        assert_eq!(
            commands,
            [
                Command::Amp { descriptor: 0x400 },
                Command::Wait { engines: EngineMask::AMP | EngineMask::VECTOR },
                Command::Set { register: ControlRegister::MARKER, value: 7 },
                Command::Loop { level: 1, count: 4, target: 0 },
                Command::Halt,
            ]
        );

        let segment = &program.segments[1];
        assert_eq!((program.segments.len(), segment.address, segment.words.len()), (2, 0x400, 9));
        let descriptor = AmpDescriptor::decode(segment.words[..6].try_into().unwrap()).unwrap();
        let expected = AmpDescriptor {
            rows_x: 64,
            rows_y: 1,
            input_stride_x: -4,
            activation: Activation::RELU,
            partial_in: true,
            list_address: 0x438,
            list_count: 1,
            ..Default::default()
        };
        assert_eq!(descriptor, expected);
        assert_eq!(segment.words[6..8], [u64::MAX, u64::MAX]);
        let entry = ListEntry { x_last: 63, input_offset: -2, ..Default::default() };
        assert_eq!(segment.words[8..], entry.encode().unwrap());

        assert_eq!(program.address_of("panel"), Some(0x400));
        assert_eq!(program.address_of("list"), Some(0x430));
        assert_eq!(program.entry, 0);
    }

    #[test]
    fn a_program_starts_at_its_label_or_its_first_command() {
        assert_eq!(assemble(".word 1\nhalt").unwrap().entry, 8);
        assert_eq!(assemble("halt\n.org 0x40\nstart: halt").unwrap().entry, 0x40);
        assert_eq!(assemble("").unwrap().entry, 0);
    }

    #[test]
    fn mistakes_name_the_line_and_both_sides() {
        for (text, message) in [
            (
                "\n hold",
                "line 2: found `hold`, expected a label and `:`, or one of the commands halt, amp, vector, exchange, \
                 sync, wait, set, loop",
            ),
            ("halt halt", "line 1: found `halt`, expected the end of the line"),
            ("7", "line 1: found `0x7`, expected a label, a command or a directive"),
            ("amp", "line 1: found the end of the line, expected the operand `descriptor` of amp"),
            ("set marker 7", "line 1: found `0x7`, expected `,` and the operand `value` of set"),
            ("amp panel", "line 1: found `panel`, expected a number or a label of this text"),
            ("wait fpu", "line 1: found `fpu`, expected amp, vector, exchange, a number or a label of this text"),
            ("wait 256", "line 1: found engines = 256, expected 0..=255"),
            ("amp -8", "line 1: found descriptor = -8, expected 0..=16777215"),
            ("a:\nb: a: halt", "line 2: found a second label `a`, expected a name that is not used yet"),
            (".orgg 0", "line 1: found `.orgg`, expected one of .org, .word, .amp, .entry"),
            (".org 4", "line 1: found `0x4`, expected a multiple of 8 below the registers"),
            (".org 0x1000000", "line 1: found `0x1000000`, expected a multiple of 8 below the registers"),
            (".org 0x7ffff8\nhalt\nhalt", "line 3: found 8 bytes at 0x800000, expected an address below the registers"),
            (".word 1\n.org 0\n.word 2", "line 3: found a second word at 0x0, expected each address at most once"),
            (
                ".word 0x1_0000_0000_0000_0000",
                "line 1: found `0x1_0000_0000_0000_0000`, expected a decimal, 0x or 0b number of at most 64 bits",
            ),
            (".word -0x8000_0000_0000_0001", "line 1: found the word -9223372036854775809, expected at most 64 bits"),
            (".amp 7", "line 1: found `0x7`, expected a label or `{`"),
            (".amp {\n rows_x }", "line 2: found `}`, expected `=` after `rows_x`"),
            (".amp { rows_x = }", "line 1: found `}`, expected the value of `rows_x`"),
            (".amp { rows_x = 1 rows_y = 2 }", "line 1: found `rows_y`, expected `,`, `}` or the end of the line"),
            (
                ".amp { rows_x = 1\n rows_x = 2 }",
                "line 2: found `rows_x` a second time, expected each field at most once",
            ),
            (".amp {\n rows_x = 1,\n rows_y = 128 }", "line 3: found rows_y = 128, expected 0..=127"),
            (".entry { input_offset = -0x20001 }", "line 1: found input_offset = -131073, expected -131072..=131071"),
            ("halt (", "line 1: found `(`, expected a name, a number, a directive or one of : , { } = + - |"),
        ] {
            let error = assemble(text).expect_err("the text is wrong");
            assert_eq!(error.to_string(), message, "{text}");
        }
    }

    #[test]
    fn unknown_fields_are_answered_with_the_known_ones() {
        let error = assemble(".entry {\n rows = 1 }").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: found `rows`, expected `}` or one of the fields input_offset, weight_block, k_count_minus_1, \
             transposed, y_first, y_last, x_first, x_last"
        );
    }
}
