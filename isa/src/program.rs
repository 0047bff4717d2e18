//! A tile program as it lies in memory.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::amp::{AmpDescriptor, ListEntry};
use crate::command::Command;
use crate::exchange::{ExchangeDescriptor, ExchangeEntry};
use crate::layout::Layout;
use crate::validate::{Limits, Violation};
use crate::vector::VectorDescriptor;
use crate::{REGISTER_BASE, WORD_BYTES};

/// The symbol at which a program starts.
pub const START_SYMBOL: &str = "start";

/// Words at consecutive addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Byte address of the first word, a multiple of 8.
    pub address: u32,
    /// The words.
    pub words: Vec<u64>,
}

/// A memory image with the place where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What to load, in ascending order of addresses; segments neither overlap nor touch.
    pub segments: Vec<Segment>,
    /// Byte address of the first command: what the host writes to START.
    pub entry: u32,
    /// Names of byte addresses.
    pub symbols: BTreeMap<String, u32>,
}

/// Where [`Program::validate`] found an illegal command, descriptor or entry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at {address:#x}: {violation}")]
pub struct ProgramError {
    /// Byte address of the command, descriptor or entry.
    pub address: u32,
    /// What is wrong with it.
    pub violation: Violation,
}

/// What the words at an address are, as far as the program itself shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Command(Command),
    /// A descriptor or an entry.
    Data(&'static Layout),
}

impl Item {
    pub(crate) fn words(&self) -> usize {
        match self {
            Self::Command(_) => 1,
            Self::Data(layout) => layout.words,
        }
    }

    /// Size in memory.
    fn bytes(&self) -> u32 {
        self.words() as u32 * WORD_BYTES
    }
}

impl Program {
    /// The byte address of `symbol`.
    pub fn address_of(&self, symbol: &str) -> Option<u32> {
        self.symbols.get(symbol).copied()
    }

    /// The word at a byte address, where the program has one.
    pub fn word(&self, address: u32) -> Option<u64> {
        let segment = self.segments.iter().rev().find(|segment| segment.address <= address)?;
        let offset = address - segment.address;
        if !offset.is_multiple_of(WORD_BYTES) {
            return None;
        }
        segment.words.get((offset / WORD_BYTES) as usize).copied()
    }

    /// Validates every command from the entry to its HALT, and the descriptors and entries that they name, as far
    /// as they are part of the program and not written at run time.
    ///
    /// # Errors
    /// The first illegal command, descriptor or entry, with its address; or the end of commands without HALT.
    pub fn validate(&self, limits: &Limits) -> Result<(), ProgramError> {
        let at = |address| move |violation| ProgramError { address, violation };
        let mut end = self.entry;
        let mut halts = false;
        for (address, word) in self.command_words() {
            let command = Command::check(word, limits).map_err(at(address))?;
            end = address + WORD_BYTES;
            halts = command == Command::Halt;
            match command {
                Command::Amp { descriptor: address } => {
                    let Some(words) = self.words_at(address) else { continue };
                    let descriptor = AmpDescriptor::check(&words, limits).map_err(at(address))?;
                    for (address, entry) in self.entries(&descriptor) {
                        entry.validate(&descriptor, limits).map_err(at(address))?;
                    }
                }
                Command::Vector { descriptor: address } => {
                    let Some(words) = self.words_at(address) else { continue };
                    VectorDescriptor::check(&words, limits).map_err(at(address))?;
                }
                Command::Exchange { descriptor: address } => {
                    let Some(words) = self.words_at(address) else { continue };
                    let descriptor = ExchangeDescriptor::check(&words, limits).map_err(at(address))?;
                    for (address, sends, entry) in self.exchange_entries(&descriptor) {
                        entry.validate(sends, limits).map_err(at(address))?;
                    }
                }
                _ => {}
            }
        }
        if halts { Ok(()) } else { Err(at(end)(Violation::no_command())) }
    }

    /// The words from the entry to the first HALT, the first word that is not a command, or the end.
    fn command_words(&self) -> Vec<(u32, u64)> {
        let mut words = Vec::new();
        let mut address = self.entry;
        while let Some(word) = self.word(address) {
            words.push((address, word));
            match Command::decode(word) {
                Ok(Command::Halt) | Err(_) => break,
                Ok(_) => address += WORD_BYTES,
            }
        }
        words
    }

    fn words_at<const N: usize>(&self, address: u32) -> Option<[u64; N]> {
        let mut words = [0; N];
        for (place, offset) in words.iter_mut().zip((0..).step_by(WORD_BYTES as usize)) {
            *place = self.word(address + offset)?;
        }
        Some(words)
    }

    fn entries(&self, descriptor: &AmpDescriptor) -> impl Iterator<Item = (u32, ListEntry)> {
        let addresses = (descriptor.list_address..).step_by(WORD_BYTES as usize);
        addresses.take(descriptor.list_count as usize).map_while(|address| {
            let entry = ListEntry::decode(&[self.word(address)?]).ok()?;
            Some((address, entry))
        })
    }

    /// The entries of both lists, each with its address and whether it sends.
    fn exchange_entries(&self, descriptor: &ExchangeDescriptor) -> impl Iterator<Item = (u32, bool, ExchangeEntry)> {
        let ExchangeDescriptor { send_address, send_count, receive_address, receive_count } = *descriptor;
        let list = |address: u32, count: u32, sends: bool| {
            let addresses = (address..).step_by(ExchangeEntry::WORDS * WORD_BYTES as usize).take(count as usize);
            addresses.map_while(move |address| {
                let entry = ExchangeEntry::decode(&self.words_at(address)?).ok()?;
                Some((address, sends, entry))
            })
        };
        list(send_address, send_count, true).chain(list(receive_address, receive_count, false))
    }

    /// What the program shows of itself: commands first, then descriptors, then lists, none over another.
    pub(crate) fn items(&self) -> BTreeMap<u32, Item> {
        let mut labelled: Vec<u32> = self.symbols.values().copied().collect();
        labelled.push(self.entry);
        let mut items = Items { by_address: BTreeMap::new(), labelled };

        let words = self.command_words().into_iter();
        let commands: Vec<(u32, Command)> =
            words.filter_map(|(address, word)| Some((address, Command::decode(word).ok()?))).collect();
        for &(address, command) in &commands {
            items.insert(address, Item::Command(command));
        }
        let mut entries = Vec::new();
        for (_, command) in commands {
            match command {
                Command::Amp { descriptor: address } => {
                    let decoded = self.words_at(address).and_then(|words| AmpDescriptor::decode(&words).ok());
                    let Some(descriptor) = decoded else { continue };
                    items.insert(address, Item::Data(&AmpDescriptor::LAYOUT));
                    let list = self.entries(&descriptor);
                    entries.extend(list.map(|(address, _)| (address, &ListEntry::LAYOUT)));
                }
                Command::Vector { descriptor: address } => {
                    let words = self.words_at(address);
                    if words.is_some_and(|words| VectorDescriptor::decode(&words).is_ok()) {
                        items.insert(address, Item::Data(&VectorDescriptor::LAYOUT));
                    }
                }
                Command::Exchange { descriptor: address } => {
                    let decoded = self.words_at(address).and_then(|words| ExchangeDescriptor::decode(&words).ok());
                    let Some(descriptor) = decoded else { continue };
                    items.insert(address, Item::Data(&ExchangeDescriptor::LAYOUT));
                    let lists = self.exchange_entries(&descriptor);
                    entries.extend(lists.map(|(address, ..)| (address, &ExchangeEntry::LAYOUT)));
                }
                _ => {}
            }
        }
        for (address, layout) in entries {
            items.insert(address, Item::Data(layout));
        }
        items.by_address
    }
}

/// Collects items that do not overlap. No label lies inside an item, so that each can be written.
struct Items {
    by_address: BTreeMap<u32, Item>,
    labelled: Vec<u32>,
}

impl Items {
    fn insert(&mut self, address: u32, item: Item) {
        let end = address + item.bytes();
        let before = self.by_address.range(..end).next_back();
        let overlaps = before.is_some_and(|(&start, other)| start + other.bytes() > address);
        let labelled_inside = self.labelled.iter().any(|&label| address < label && label < end);
        if !overlaps && !labelled_inside {
            self.by_address.insert(address, item);
        }
    }
}

/// Words by address while a program is put together.
#[derive(Debug, Default)]
pub(crate) struct Image {
    words: BTreeMap<u32, u64>,
}

impl Image {
    /// Places `words` from `address` on; gives back the first address that is taken already.
    pub(crate) fn place(&mut self, address: u32, words: &[u64]) -> Result<(), u32> {
        for (at, &word) in (address..).step_by(WORD_BYTES as usize).zip(words) {
            if self.words.insert(at, word).is_some() {
                return Err(at);
            }
        }
        Ok(())
    }

    /// The words as segments, joined where they touch.
    pub(crate) fn into_segments(self) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        for (address, word) in self.words {
            match segments.last_mut() {
                Some(last) if last.address + last.words.len() as u32 * WORD_BYTES == address => last.words.push(word),
                _ => segments.push(Segment { address, words: vec![word] }),
            }
        }
        segments
    }
}

/// Whether `count` words may lie at `address`: aligned, and below the registers.
pub(crate) fn is_placeable(address: u64, count: u64) -> bool {
    let word_bytes = u64::from(WORD_BYTES);
    address.is_multiple_of(word_bytes) && address + count * word_bytes <= u64::from(REGISTER_BASE)
}

/// Whether `name` can stand in assembly text: a letter or `_`, then letters, digits and `_`.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(is_name_start) && name.chars().all(is_name_part)
}

pub(crate) fn is_name_start(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

pub(crate) fn is_name_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}
