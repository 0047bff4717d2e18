//! The reference pages, generated from the declarations; the text files beside this one hold what they do not say.

use crate::amp::{AmpDescriptor, ListEntry};
use crate::command::{COMMANDS, CommandLayout};
use crate::error_code::ErrorCode;
use crate::exchange::{ExchangeDescriptor, ExchangeEntry};
use crate::layout::{Field, Layout, NamedValue};
use crate::register::{Access, Configuration, Flags, REGISTER_BASE, REGISTERS, Register, Status};
use crate::values::{Activation, ControlRegister, EngineMask, VectorOperation, VectorSource};
use crate::vector::{PARTIAL_SUMS, VectorDescriptor};
use crate::{BLOCK, LANES, LOOP_LEVELS, ROWS, WORD_BYTES, ZONES};

/// The page of the instruction set in Markdown: commands, descriptors, entries, assembly text.
pub fn reference() -> String {
    let mut page = Page { text: include_str!("introduction.md").to_owned() };
    page.table(
        &["Constant", "Value"],
        [
            ("Bytes of a word", WORD_BYTES.to_string()),
            ("Lanes: columns of a result", LANES.to_string()),
            ("Rows and columns of a weight block", BLOCK.to_string()),
            ("Rows of an AMP command, at most", ROWS.to_string()),
            ("Partial sums of a vector reduction", PARTIAL_SUMS.to_string()),
            ("Loop counters", LOOP_LEVELS.to_string()),
            ("Zones", ZONES.to_string()),
        ]
        .map(|(name, value)| [name.to_owned(), value]),
    );

    page.section("## Commands", "One 64-bit word each. Bits of no field are zero, or the tile stops with BAD_COMMAND.");
    page.table(
        &["Opcode", "Command", "What it does"],
        COMMANDS.iter().map(|command| {
            let opcode = format!("{:#04x}", command.opcode);
            [opcode, format!("`{}`", usage(command)), command.layout.meaning.to_owned()]
        }),
    );
    for command in COMMANDS.iter().filter(|command| !command.operands().is_empty()) {
        page.section(&format!("### `{}`", usage(command)), "");
        page.layout(&command.layout, command.operands());
    }
    page.names("Engines: bits of a mask", EngineMask::NAMES);
    page.names("Control registers", ControlRegister::NAMES);

    page.section("## AMP descriptor", AmpDescriptor::LAYOUT.meaning);
    page.layout(&AmpDescriptor::LAYOUT, AmpDescriptor::LAYOUT.fields);
    page.names("Activations", Activation::NAMES);
    page.section("## List entry", ListEntry::LAYOUT.meaning);
    page.layout(&ListEntry::LAYOUT, ListEntry::LAYOUT.fields);
    page.text.push_str(include_str!("amp.md"));

    page.section("## Vector descriptor", VectorDescriptor::LAYOUT.meaning);
    page.layout(&VectorDescriptor::LAYOUT, VectorDescriptor::LAYOUT.fields);
    page.names("Vector operations", VectorOperation::NAMES);
    page.names("Sources of operands", VectorSource::NAMES);
    page.text.push_str(include_str!("vector.md"));

    page.section("## Exchange descriptor", ExchangeDescriptor::LAYOUT.meaning);
    page.layout(&ExchangeDescriptor::LAYOUT, ExchangeDescriptor::LAYOUT.fields);
    page.section("## Exchange entry", ExchangeEntry::LAYOUT.meaning);
    page.layout(&ExchangeEntry::LAYOUT, ExchangeEntry::LAYOUT.fields);
    page.text.push_str(include_str!("exchange.md"));

    page.text.push_str(include_str!("assembly.md"));
    page.text
}

/// The page of what the host sees, in Markdown: registers and error codes.
pub fn register_reference() -> String {
    let mut page = Page { text: include_str!("registers.md").to_owned() };
    let first = format!(
        "64 bits each, the first at byte address {REGISTER_BASE:#x}. Counters count clock cycles unless they say otherwise."
    );
    page.section("## Host registers", &first);
    page.table(&["Address", "Register", "Access", "Meaning"], REGISTERS.iter().map(register_row));
    for layout in [Configuration::LAYOUT, Status::LAYOUT, Flags::LAYOUT] {
        page.section(&format!("### {}", layout.name.to_uppercase()), layout.meaning);
        page.layout(&layout, layout.fields);
    }

    page.section("## Error codes", "In STATUS; ERROR_ADDRESS says where.");
    page.table(
        &["Code", "Name", "Meaning"],
        ErrorCode::ALL
            .iter()
            .map(|error| [error.code().to_string(), error.name().to_owned(), error.meaning().to_owned()]),
    );
    page.text
}

/// A command as it is written.
fn usage(command: &CommandLayout) -> String {
    let operands: Vec<&str> = command.operands().iter().map(|field| field.name).collect();
    format!("{} {}", command.mnemonic, operands.join(", ")).trim_end().to_owned()
}

fn register_row(register: &Register) -> [String; 4] {
    let access = match register.access {
        Access::ReadOnly => "read",
        Access::WriteOnly => "write",
        Access::ReadWrite => "read, write",
        Access::WriteOneToClear => "read; write 1 to clear",
    };
    let address = format!("{:#x}", register.address());
    [address, register.name.to_owned(), access.to_owned(), register.meaning.to_owned()]
}

/// Markdown text.
struct Page {
    text: String,
}

impl Page {
    fn section(&mut self, heading: &str, meaning: &str) {
        self.text.push_str(&format!("\n{heading}\n"));
        if !meaning.is_empty() {
            self.text.push_str(&format!("\n{meaning}\n"));
        }
        self.text.push('\n');
    }

    fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    fn table<const N: usize>(&mut self, heads: &[&str; N], rows: impl IntoIterator<Item = [String; N]>) {
        self.row(heads);
        self.text.push_str(&format!("|{}\n", "---|".repeat(N)));
        for row in rows {
            self.row(&row);
        }
    }

    fn names(&mut self, title: &str, names: &[NamedValue]) {
        self.text.push_str(&format!("\n{title}:\n\n"));
        let row = |named: &NamedValue| [named.value.to_string(), named.name.to_owned(), named.meaning.to_owned()];
        self.table(&["Value", "Name", "Meaning"], names.iter().map(row));
    }

    /// The words as boxes, then a table of `fields`.
    fn layout(&mut self, layout: &Layout, fields: &[Field]) {
        self.text.push_str("```text\n");
        for word in 0..layout.words {
            self.text.push_str(&boxes(layout, word));
        }
        self.text.push_str("```\n\n");
        let word = |field: &Field| if layout.words > 1 { format!("{}, ", field.word) } else { String::new() };
        let position_head = if layout.words > 1 { "Word, bits" } else { "Bits" };
        self.table(
            &[position_head, "Field", "Type", "Meaning"],
            fields.iter().map(|field| {
                let sign = if field.signed { "signed" } else { "unsigned" };
                let kind = if field.is_address() { "address".to_owned() } else { format!("{sign} {}", field.bits) };
                let position = format!("{}{}", word(field), range(field.high(), field.low));
                [position, format!("`{}`", field.name), kind, field.meaning.to_owned()]
            }),
        );
    }
}

fn range(high: u32, low: u32) -> String {
    if high == low { high.to_string() } else { format!("{high}:{low}") }
}

/// One word as a row of boxes, highest bit first; `0` stands for reserved bits.
///
/// ```text
///     63:24   23:8   7:0
///    +-------+------+--------+
/// w0 | 0     | size | opcode |
///    +-------+------+--------+
/// ```
fn boxes(layout: &Layout, word: usize) -> String {
    let mut fields: Vec<&Field> = layout.fields.iter().filter(|field| field.word == word).collect();
    fields.sort_by_key(|field| std::cmp::Reverse(field.low));
    let mut cells: Vec<(String, &str)> = Vec::new();
    // Bits from here on upwards are in the cells.
    let mut above = 64;
    for field in fields {
        if field.high() + 1 < above {
            cells.push((range(above - 1, field.high() + 1), "0"));
        }
        cells.push((range(field.high(), field.low), field.name));
        above = field.low;
    }
    if above > 0 {
        cells.push((range(above - 1, 0), "0"));
    }

    let (mut bits, mut edge, mut names) = ("   ".to_owned(), "   +".to_owned(), format!("w{word} |"));
    for (position, name) in cells {
        let width = position.len().max(name.len());
        bits.push_str(&format!("  {position:width$}"));
        bits.push(' ');
        edge.push_str(&format!("{}+", "-".repeat(width + 2)));
        names.push_str(&format!(" {name:width$} |"));
    }
    format!("{}\n{edge}\n{names}\n{edge}\n", bits.trim_end())
}
