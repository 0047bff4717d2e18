//! Tokens to statements: every statement gets its address, every label its value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::lexer::{Token, tokens};
use super::{AssembleError, DATA_DIRECTIVES};
use crate::WORD_BYTES;
use crate::command::{COMMANDS, CommandLayout};
use crate::layout::{Field, Layout};
use crate::program::is_placeable;

/// Names and numbers joined by `+`, `-` and `|`, evaluated from left to right.
#[derive(Debug)]
pub(super) struct Expression {
    pub line: usize,
    pub terms: Vec<(Operator, Term)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Operator {
    Add,
    Subtract,
    Or,
}

#[derive(Debug)]
pub(super) enum Term {
    Number(u64),
    Name(String),
}

/// Something that takes words.
#[derive(Debug)]
pub(super) struct Statement {
    pub line: usize,
    /// Byte address of the first word.
    pub address: u32,
    pub body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// A command with its operands, in the order of the layout.
    Command(&'static CommandLayout, Vec<Expression>),
    /// A descriptor or an entry with the fields that are not zero.
    Data(Layout, Vec<(Field, Expression)>),
    /// Plain words.
    Words(Vec<Expression>),
}

impl Body {
    fn words(&self) -> usize {
        match self {
            Self::Command(..) => 1,
            Self::Data(layout, _) => layout.words,
            Self::Words(values) => values.len(),
        }
    }
}

/// A parsed text.
#[derive(Debug)]
pub(super) struct Source {
    pub statements: Vec<Statement>,
    /// Labels and their byte addresses.
    pub symbols: BTreeMap<String, u32>,
}

pub(super) fn parse(text: &str) -> Result<Source, AssembleError> {
    let source = Source { statements: Vec::new(), symbols: BTreeMap::new() };
    let mut parser = Parser { tokens: tokens(text)?, next: 0, location: 0, source };
    while *parser.peek() != Token::TextEnd {
        parser.line()?;
    }
    Ok(parser.source)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    /// Index of the next token. The last one, `TextEnd`, is never passed.
    next: usize,
    /// Byte address of the next word.
    location: u32,
    source: Source,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].1
    }

    fn line_number(&self) -> usize {
        self.tokens[self.next].0
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::TextEnd {
            self.next += 1;
        }
        token
    }

    fn take_if(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == wanted;
        if found {
            self.next += 1;
        }
        found
    }

    /// An error at the next token.
    fn unexpected<T>(&self, expected: impl Into<String>) -> Result<T, AssembleError> {
        Err(AssembleError::new(self.line_number(), self.peek().to_string(), expected))
    }

    fn expect(&mut self, mark: char, expected: impl Into<String>) -> Result<(), AssembleError> {
        if self.take_if(&Token::Punctuation(mark)) { Ok(()) } else { self.unexpected(expected) }
    }

    /// Labels, then at most one command or directive.
    fn line(&mut self) -> Result<(), AssembleError> {
        let line = self.line_number();
        match self.peek().clone() {
            Token::LineEnd => {}
            Token::Directive(name) => {
                self.next += 1;
                self.directive(line, &name)?;
            }
            Token::Name(name) => {
                self.next += 1;
                if self.take_if(&Token::Punctuation(':')) {
                    self.define(line, name)?;
                    return self.line();
                }
                self.command(line, &name)?;
            }
            _ => return self.unexpected("a label, a command or a directive"),
        }
        if *self.peek() != Token::TextEnd && !self.take_if(&Token::LineEnd) {
            return self.unexpected("the end of the line");
        }
        Ok(())
    }

    fn define(&mut self, line: usize, name: String) -> Result<(), AssembleError> {
        match self.source.symbols.entry(name) {
            Entry::Vacant(place) => {
                place.insert(self.location);
                Ok(())
            }
            Entry::Occupied(place) => {
                let found = format!("a second label `{}`", place.key());
                Err(AssembleError::new(line, found, "a name that is not used yet"))
            }
        }
    }

    fn add(&mut self, line: usize, body: Body) -> Result<(), AssembleError> {
        let words = body.words();
        if !is_placeable(self.location.into(), words as u64) {
            let found = format!("{} bytes at {:#x}", words * WORD_BYTES as usize, self.location);
            return Err(AssembleError::new(line, found, "an address below the registers"));
        }
        self.source.statements.push(Statement { line, address: self.location, body });
        self.location += words as u32 * WORD_BYTES;
        Ok(())
    }

    fn command(&mut self, line: usize, mnemonic: &str) -> Result<(), AssembleError> {
        let Some(command) = CommandLayout::from_mnemonic(mnemonic) else {
            let mnemonics: Vec<&str> = COMMANDS.iter().map(|command| command.mnemonic).collect();
            let expected = format!("a label and `:`, or one of the commands {}", mnemonics.join(", "));
            return Err(AssembleError::new(line, format!("`{mnemonic}`"), expected));
        };
        let mut operands = Vec::new();
        for field in command.operands() {
            let expected = format!("the operand `{}` of {mnemonic}", field.name);
            if !operands.is_empty() {
                self.expect(',', format!("`,` and {expected}"))?;
            }
            operands.push(self.expression(&expected)?);
        }
        self.add(line, Body::Command(command, operands))
    }

    fn directive(&mut self, line: usize, name: &str) -> Result<(), AssembleError> {
        if name == "org" {
            return self.origin();
        }
        if name == "word" {
            let mut values = vec![self.expression("a value")?];
            while self.take_if(&Token::Punctuation(',')) {
                values.push(self.expression("a value")?);
            }
            return self.add(line, Body::Words(values));
        }
        let Some((_, layout)) = DATA_DIRECTIVES.iter().find(|(directive, _)| *directive == name) else {
            return Err(AssembleError::new(line, format!("`.{name}`"), "one of .org, .word, .amp, .entry"));
        };
        if let Token::Name(label) = self.peek().clone() {
            self.next += 1;
            self.define(line, label)?;
        }
        let values = self.fields(layout)?;
        self.add(line, Body::Data(*layout, values))
    }

    fn origin(&mut self) -> Result<(), AssembleError> {
        let expected = format!("a multiple of {WORD_BYTES} below the registers");
        match *self.peek() {
            Token::Number(address) if is_placeable(address, 0) => {
                self.next += 1;
                self.location = address as u32;
                Ok(())
            }
            _ => self.unexpected(expected),
        }
    }

    /// `{ field = value, ... }`, separated by commas or line ends.
    fn fields(&mut self, layout: &Layout) -> Result<Vec<(Field, Expression)>, AssembleError> {
        self.expect('{', "a label or `{`")?;
        let mut values: Vec<(Field, Expression)> = Vec::new();
        loop {
            while self.take_if(&Token::LineEnd) {}
            if self.take_if(&Token::Punctuation('}')) {
                return Ok(values);
            }
            let line = self.line_number();
            let Some(&field) = self.field_name(layout) else {
                let names: Vec<&str> = layout.fields.iter().map(|field| field.name).collect();
                return self.unexpected(format!("`}}` or one of the fields {}", names.join(", ")));
            };
            if values.iter().any(|(earlier, _)| earlier.name == field.name) {
                let found = format!("`{}` a second time", field.name);
                return Err(AssembleError::new(line, found, "each field at most once"));
            }
            self.next += 1;
            self.expect('=', format!("`=` after `{}`", field.name))?;
            values.push((field, self.expression(&format!("the value of `{}`", field.name))?));
            let separated = self.take_if(&Token::Punctuation(','));
            if !separated && !matches!(self.peek(), Token::LineEnd | Token::Punctuation('}')) {
                return self.unexpected("`,`, `}` or the end of the line");
            }
        }
    }

    fn field_name(&self, layout: &Layout) -> Option<&'static Field> {
        match self.peek() {
            Token::Name(name) => layout.field(name),
            _ => None,
        }
    }

    fn expression(&mut self, expected: &str) -> Result<Expression, AssembleError> {
        let line = self.line_number();
        let negative = self.take_if(&Token::Punctuation('-'));
        let mut operator = if negative { Operator::Subtract } else { Operator::Add };
        let mut terms = Vec::new();
        loop {
            let term = match self.peek() {
                Token::Number(value) => Term::Number(*value),
                Token::Name(name) => Term::Name(name.clone()),
                _ => return self.unexpected(expected),
            };
            self.next += 1;
            terms.push((operator, term));
            operator = match self.peek() {
                Token::Punctuation('+') => Operator::Add,
                Token::Punctuation('-') => Operator::Subtract,
                Token::Punctuation('|') => Operator::Or,
                _ => return Ok(Expression { line, terms }),
            };
            self.take();
        }
    }
}
