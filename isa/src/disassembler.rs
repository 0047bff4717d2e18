//! Disassembler: a [`Program`] to text that assembles to the same words.
//!
//! What the words are is followed from the entry: commands up to HALT, the descriptors that they name, the lists that
//! those name. Everything else is plain words.

use std::collections::BTreeMap;

use crate::WORD_BYTES;
use crate::assembler::DATA_DIRECTIVES;
use crate::command::Command;
use crate::layout::{Field, Layout};
use crate::program::{Item, Program, START_SYMBOL, is_placeable};

/// Names by byte address.
type Labels<'a> = BTreeMap<u32, Vec<&'a str>>;

/// The text of `program`, with its symbols as labels and, where it has no such symbol, `start` at its entry.
pub fn disassemble(program: &Program) -> String {
    let mut labels = Labels::new();
    for (name, &address) in &program.symbols {
        labels.entry(address).or_default().push(name);
    }
    if !program.symbols.contains_key(START_SYMBOL) {
        labels.entry(program.entry).or_default().push(START_SYMBOL);
    }
    let items = program.items();
    let mut listing = Listing { text: String::new(), location: 0, labels: &labels, unwritten_from: 0 };
    for segment in &program.segments {
        let mut address = segment.address;
        let mut words = segment.words.as_slice();
        while !words.is_empty() {
            let item = items.get(&address);
            let (taken, rest) = words.split_at(item.map_or(1, Item::words));
            let text = match item {
                Some(Item::Command(_)) => command_text(taken[0], &labels),
                Some(Item::Data(layout)) => data_text(directive(layout), layout, taken, &labels),
                None => word_text(taken[0]),
            };
            listing.put(address, taken.len(), &text);
            address = listing.location;
            words = rest;
        }
    }
    listing.labels_up_to(u32::MAX);
    listing.text
}

/// The directive that places a layout.
fn directive(layout: &Layout) -> &'static str {
    let (name, _) = DATA_DIRECTIVES.iter().find(|(_, of)| of == layout).expect("every layout has a directive");
    name
}

/// One word as a command, or as `.word` where it is none.
pub fn disassemble_word(word: u64) -> String {
    command_text(word, &Labels::new())
}

/// The text so far.
struct Listing<'a> {
    text: String,
    /// Byte address at which the assembler would place the next word.
    location: u32,
    labels: &'a Labels<'a>,
    /// Labels below this address have been written.
    unwritten_from: u32,
}

impl Listing<'_> {
    fn put(&mut self, address: u32, words: usize, text: &str) {
        self.labels_up_to(address);
        self.move_to(address);
        self.text.push_str(&format!("    {text}\n"));
        self.location += words as u32 * WORD_BYTES;
    }

    fn labels_up_to(&mut self, address: u32) {
        let labels = self.labels;
        for (&at, names) in labels.range(self.unwritten_from..=address) {
            if is_placeable(at.into(), 0) {
                self.move_to(at);
                names.iter().for_each(|name| self.text.push_str(&format!("{name}:\n")));
            }
        }
        self.unwritten_from = address.saturating_add(1);
    }

    fn move_to(&mut self, address: u32) {
        if self.location != address {
            self.text.push_str(&format!("    .org {address:#x}\n"));
            self.location = address;
        }
    }
}

fn word_text(word: u64) -> String {
    format!(".word {word:#x}")
}

fn command_text(word: u64, labels: &Labels) -> String {
    let Ok(command) = Command::decode(word) else { return word_text(word) };
    let layout = command.layout();
    let operands: Vec<String> =
        layout.operands().iter().map(|field| value_text(field, field.extract(word), labels)).collect();
    format!("{} {}", layout.mnemonic, operands.join(", ")).trim_end().to_owned()
}

/// A layout of one word on one line, a longer one with a line for each word.
fn data_text(directive: &str, layout: &Layout, words: &[u64], labels: &Labels) -> String {
    let lines: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(index, &word)| {
            let fields = layout.fields.iter().filter(|field| field.word == index);
            let values =
                fields.map(|field| format!("{} = {}", field.name, value_text(field, field.extract(word), labels)));
            values.collect::<Vec<_>>().join(", ")
        })
        .collect();
    match lines.as_slice() {
        [line] => format!(".{directive} {{ {line} }}"),
        _ => format!(".{directive} {{\n        {}\n    }}", lines.join("\n        ")),
    }
}

fn value_text(field: &Field, value: i64, labels: &Labels) -> String {
    if !field.names.is_empty() {
        return named_text(field, value);
    }
    if field.is_address() {
        let label = u32::try_from(value).ok().and_then(|address| labels.get(&address));
        return label.map_or_else(|| format!("{value:#x}"), |names| names[0].to_owned());
    }
    value.to_string()
}

/// The value's name, or the names of its bits, or the number.
fn named_text(field: &Field, value: i64) -> String {
    if let Some(named) = field.names.iter().find(|named| named.value == value) {
        return named.name.to_owned();
    }
    let parts = field.names.iter().filter(|named| named.value != 0 && named.value & !value == 0);
    let (values, names): (Vec<i64>, Vec<&str>) = parts.map(|named| (named.value, named.name)).unzip();
    if value != 0 && values.iter().fold(0, |all, part| all | part) == value {
        return names.join(" | ");
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assembler::assemble;

    #[test]
    fn listing_reads_like_the_source() {
        let text = "\
start:
    amp panel
    wait amp | vector
    set marker, 7
    set 9, 7
    loop 0, 4, start
    halt
    .org 0x100
panel:
    .amp {
        rows_x = 64, rows_y = 1, columns = 16, partial_in = 0, result_fp16 = 1, saturate = 0, result_exact = 0, activation = relu, list_count = 1, partial_exact = 0, stochastic = 0
        input_address = 0x4000, input_stride_x = -4, input_stride_y = 0
        list_address = list, weight_address = 0x8000
        weight_stride = 4
        result_address = 0xc000, result_stride_x = 4, result_stride_y = 0
        partial_address = start, partial_stride_x = 0, partial_stride_y = 0
    }
list:
    .entry { input_offset = -1, weight_block = 64, k_count_minus_1 = 15, transposed = 1, y_first = 0, y_last = 0, x_first = 0, x_last = 63 }
    .word 0x1234
    .org 0x200
end:
";
        assert_eq!(disassemble(&assemble(text).unwrap()), text);
    }

    #[test]
    fn single_words_are_commands_or_data() {
        assert_eq!(disassemble_word(0x01), "halt");
        assert_eq!(disassemble_word(0x0040_0002), "amp 0x4000");
        assert_eq!(disassemble_word(0xF806), "wait 248");
        assert_eq!(disassemble_word(0x101), ".word 0x101");
    }
}
