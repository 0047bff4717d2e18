//! Builds a [`Program`] in Rust.
//!
//! ```
//! use isa::{AmpDescriptor, EngineMask, ListEntry, ProgramBuilder};
//!
//! let mut program = ProgramBuilder::new(0x1000);
//! let entry = ListEntry { k_count_minus_1: 15, x_last: 63, ..Default::default() };
//! let panel = AmpDescriptor { rows_x: 64, rows_y: 1, columns: 16, weight_stride: 4, ..Default::default() };
//! program.repeat(3, |body| {
//!     body.amp_with(panel, &[entry]);
//! });
//! program.wait(EngineMask::AMP).halt();
//! let program = program.finish()?;
//! assert_eq!(program.entry, 0x1000);
//! # Ok::<(), isa::BuildError>(())
//! ```

use std::collections::BTreeMap;

use thiserror::Error;

use crate::amp::{AmpDescriptor, ListEntry};
use crate::command::Command;
use crate::exchange::{ExchangeDescriptor, ExchangeEntry};
use crate::layout::EncodeError;
use crate::program::{Image, Program, START_SYMBOL, is_name, is_placeable};
use crate::values::{ControlRegister, EngineMask};
use crate::vector::VectorDescriptor;
use crate::{LOOP_LEVELS, REGISTER_BASE, WORD_BYTES};

/// A program that cannot be placed in memory.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BuildError {
    /// A value does not fit its field.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The commands run off their end.
    #[error("the last command is not HALT: expected halt() at the end")]
    NoHalt,
    /// More nested loops than the sequencer has counters.
    #[error("{depth} nested loops: expected at most {LOOP_LEVELS}")]
    TooDeep {
        /// Depth of the innermost loop.
        depth: u32,
    },
    /// Words at an address that memory does not have.
    #[error("{bytes} bytes at {address:#x}: expected a multiple of {WORD_BYTES}, all below {REGISTER_BASE:#x}")]
    Placement {
        /// Byte address of the first word.
        address: u32,
        /// Number of bytes.
        bytes: usize,
    },
    /// Two words at one address.
    #[error("two words at {address:#x}: expected each address at most once")]
    Overlap {
        /// The byte address.
        address: u32,
    },
    /// A label that assembly text cannot hold, or a second one of its name.
    #[error("label `{name}`: expected a new name of letters, digits and `_`, with no digit first")]
    Label {
        /// The label.
        name: String,
    },
}

/// A descriptor with its lists, which gets its addresses last.
#[derive(Debug, Clone)]
enum Appended {
    Amp(AmpDescriptor, Vec<ListEntry>),
    Vector(VectorDescriptor),
    Exchange(Vec<ExchangeEntry>, Vec<ExchangeEntry>),
}

/// Puts a program together: commands in order from an origin, descriptors and lists where the caller wants them or
/// behind the commands. Mistakes are reported by [`ProgramBuilder::finish`].
#[derive(Debug, Clone)]
pub struct ProgramBuilder {
    origin: u32,
    commands: Vec<Command>,
    /// Words at addresses that the caller chose.
    placed: Vec<(u32, Vec<u64>)>,
    /// Descriptors that go behind the commands, with their lists, and the index of the command.
    appended: Vec<(usize, Appended)>,
    symbols: BTreeMap<String, u32>,
    loop_depth: u32,
    first_error: Option<BuildError>,
}

impl ProgramBuilder {
    /// A program whose first command is at the byte address `origin`, a multiple of 8.
    pub fn new(origin: u32) -> Self {
        Self {
            origin,
            commands: Vec::new(),
            placed: Vec::new(),
            appended: Vec::new(),
            symbols: BTreeMap::from([(START_SYMBOL.to_owned(), origin)]),
            loop_depth: 0,
            first_error: None,
        }
    }

    /// Byte address of the next command, for instance as the target of a loop.
    pub fn here(&self) -> u32 {
        self.origin.saturating_add(self.commands.len() as u32 * WORD_BYTES)
    }

    /// Names the next command.
    pub fn label(&mut self, name: &str) -> &mut Self {
        let address = self.here();
        self.name_address(name, address)
    }

    /// Names a byte address.
    pub fn name_address(&mut self, name: &str, address: u32) -> &mut Self {
        let taken = self.symbols.contains_key(name);
        if taken || !is_name(name) {
            self.fail(BuildError::Label { name: name.to_owned() });
        } else {
            self.symbols.insert(name.to_owned(), address);
        }
        self
    }

    /// Appends any command.
    pub fn command(&mut self, command: Command) -> &mut Self {
        self.commands.push(command);
        self
    }

    /// AMP with the descriptor at a byte address.
    pub fn amp(&mut self, descriptor: u32) -> &mut Self {
        self.command(Command::Amp { descriptor })
    }

    /// AMP with a descriptor and a list that are placed behind the commands; `list_address` and `list_count` are
    /// filled in.
    pub fn amp_with(&mut self, descriptor: AmpDescriptor, list: &[ListEntry]) -> &mut Self {
        self.appended.push((self.commands.len(), Appended::Amp(descriptor, list.to_vec())));
        self.amp(0)
    }

    /// VECTOR with the descriptor at a byte address.
    pub fn vector(&mut self, descriptor: u32) -> &mut Self {
        self.command(Command::Vector { descriptor })
    }

    /// VECTOR with a descriptor that is placed behind the commands.
    pub fn vector_with(&mut self, descriptor: VectorDescriptor) -> &mut Self {
        self.appended.push((self.commands.len(), Appended::Vector(descriptor)));
        self.vector(0)
    }

    /// EXCHANGE with the descriptor at a byte address.
    pub fn exchange(&mut self, descriptor: u32) -> &mut Self {
        self.command(Command::Exchange { descriptor })
    }

    /// EXCHANGE with a descriptor and lists that are placed behind the commands.
    pub fn exchange_with(&mut self, sends: &[ExchangeEntry], receives: &[ExchangeEntry]) -> &mut Self {
        self.appended.push((self.commands.len(), Appended::Exchange(sends.to_vec(), receives.to_vec())));
        self.exchange(0)
    }

    /// Meets the tiles of a zone at the barrier.
    pub fn sync(&mut self, zone: u32) -> &mut Self {
        self.command(Command::Sync { zone })
    }

    /// Waits until the engines are idle.
    pub fn wait(&mut self, engines: EngineMask) -> &mut Self {
        self.command(Command::Wait { engines })
    }

    /// Writes a control register.
    pub fn set(&mut self, register: ControlRegister, value: u32) -> &mut Self {
        self.command(Command::Set { register, value })
    }

    /// Runs what `body` appends `count` times in total. Loops nest up to [`LOOP_LEVELS`] deep.
    pub fn repeat(&mut self, count: u32, body: impl FnOnce(&mut Self)) -> &mut Self {
        let (level, target) = (self.loop_depth, self.here());
        self.loop_depth += 1;
        if self.loop_depth > LOOP_LEVELS {
            self.fail(BuildError::TooDeep { depth: self.loop_depth });
        }
        body(self);
        self.loop_depth -= 1;
        self.command(Command::Loop { level, count, target })
    }

    /// Ends the program.
    pub fn halt(&mut self) -> &mut Self {
        self.command(Command::Halt)
    }

    /// Places a descriptor at a byte address.
    pub fn place_descriptor(&mut self, address: u32, descriptor: &AmpDescriptor) -> &mut Self {
        match descriptor.encode() {
            Ok(words) => self.place_words(address, &words),
            Err(error) => self.fail(error.into()),
        }
    }

    /// Places a block list at a byte address.
    pub fn place_list(&mut self, address: u32, list: &[ListEntry]) -> &mut Self {
        match encode_list(list) {
            Ok(words) => self.place_words(address, &words),
            Err(error) => self.fail(error.into()),
        }
    }

    /// Places plain words at a byte address.
    pub fn place_words(&mut self, address: u32, words: &[u64]) -> &mut Self {
        self.placed.push((address, words.to_vec()));
        self
    }

    /// The program. Whether a tile runs it is for [`Program::validate`] to say.
    ///
    /// # Errors
    /// The first mistake.
    pub fn finish(&self) -> Result<Program, BuildError> {
        if let Some(error) = &self.first_error {
            return Err(error.clone());
        }
        if self.commands.last() != Some(&Command::Halt) {
            return Err(BuildError::NoHalt);
        }
        let mut commands = self.commands.clone();
        let mut image = Image::default();
        let mut end = self.here();
        for (index, appended) in &self.appended {
            let (command, words) = appended.encode(end)?;
            commands[*index] = command;
            place(&mut image, end, &words)?;
            end += words.len() as u32 * WORD_BYTES;
        }
        let words = commands.iter().map(Command::encode).collect::<Result<Vec<u64>, _>>()?;
        place(&mut image, self.origin, &words)?;
        for (address, words) in &self.placed {
            place(&mut image, *address, words)?;
        }
        Ok(Program { segments: image.into_segments(), entry: self.origin, symbols: self.symbols.clone() })
    }

    fn fail(&mut self, error: BuildError) -> &mut Self {
        self.first_error.get_or_insert(error);
        self
    }
}

impl Appended {
    /// The command, and the descriptor with its lists as they lie at `address`.
    fn encode(&self, address: u32) -> Result<(Command, Vec<u64>), EncodeError> {
        match self {
            Self::Amp(descriptor, list) => {
                let list_address = address + AmpDescriptor::WORDS as u32 * WORD_BYTES;
                let descriptor = AmpDescriptor { list_address, list_count: list.len() as u32, ..*descriptor };
                let words = [descriptor.encode()?.to_vec(), encode_list(list)?].concat();
                Ok((Command::Amp { descriptor: address }, words))
            }
            Self::Vector(descriptor) => Ok((Command::Vector { descriptor: address }, descriptor.encode()?.to_vec())),
            Self::Exchange(sends, receives) => {
                let words = ExchangeDescriptor::with_lists(address, sends, receives)?;
                Ok((Command::Exchange { descriptor: address }, words))
            }
        }
    }
}

fn encode_list(list: &[ListEntry]) -> Result<Vec<u64>, EncodeError> {
    list.iter().map(|entry| entry.encode().map(|[word]| word)).collect()
}

fn place(image: &mut Image, address: u32, words: &[u64]) -> Result<(), BuildError> {
    if !is_placeable(address.into(), words.len() as u64) {
        return Err(BuildError::Placement { address, bytes: words.len() * WORD_BYTES as usize });
    }
    image.place(address, words).map_err(|address| BuildError::Overlap { address })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disassembler::disassemble;

    fn entry() -> ListEntry {
        ListEntry { x_last: 1, ..Default::default() }
    }

    #[test]
    fn loops_nest_and_appended_data_is_linked() {
        let mut builder = ProgramBuilder::new(0x40);
        builder.label("outer").repeat(3, |outer| {
            outer.repeat(2, |inner| {
                inner.amp_with(AmpDescriptor { rows_x: 2, ..Default::default() }, &[entry(), entry()]);
            });
            outer.amp(0x800);
        });
        builder.set(ControlRegister::MARKER, 5).halt();
        builder.place_descriptor(0x800, &AmpDescriptor { list_address: 0x900, list_count: 1, ..Default::default() });
        builder.place_list(0x900, &[entry()]).name_address("list", 0x900);
        let program = builder.finish().unwrap();

        let appended = 0x40 + 6 * 8;
        let commands: Vec<Command> =
            program.segments[0].words[..6].iter().map(|&w| Command::decode(w).unwrap()).collect();
        assert_eq!(
            commands,
            [
                Command::Amp { descriptor: appended },
                Command::Loop { level: 1, count: 2, target: 0x40 },
                Command::Amp { descriptor: 0x800 },
                Command::Loop { level: 0, count: 3, target: 0x40 },
                Command::Set { register: ControlRegister::MARKER, value: 5 },
                Command::Halt,
            ]
        );
        let descriptor = AmpDescriptor::decode(program.segments[0].words[6..12].try_into().unwrap()).unwrap();
        assert_eq!((descriptor.rows_x, descriptor.list_address, descriptor.list_count), (2, appended + 48, 2));
        assert_eq!(program.word(appended + 56), Some(entry().encode().unwrap()[0]));
        assert_eq!(program.word(0x900), Some(entry().encode().unwrap()[0]));
        assert_eq!((program.address_of("outer"), program.address_of("list")), (Some(0x40), Some(0x900)));
        assert!(disassemble(&program).contains("\nlist:\n"));
    }

    #[test]
    fn vector_descriptors_are_linked() {
        let descriptor = VectorDescriptor { rows: 3, columns: 5, ..Default::default() };
        let mut builder = ProgramBuilder::new(0x40);
        builder.vector_with(descriptor).vector(0x800).vector_with(descriptor).halt();
        let program = builder.finish().unwrap();
        let command = |index: u32| Command::decode(program.word(0x40 + 8 * index).unwrap()).unwrap();
        let places = [0x60, 0x800, 0x60 + 56];
        assert_eq!([0, 1, 2].map(command), places.map(|descriptor| Command::Vector { descriptor }));
        for place in [places[0], places[2]] {
            let words = std::array::from_fn(|i| program.word(place + 8 * i as u32).unwrap());
            assert_eq!(VectorDescriptor::decode(&words), Ok(descriptor));
        }
    }

    #[test]
    fn exchanges_are_linked_with_both_lists() {
        let entry = |start_cycle| ExchangeEntry { start_cycle, row_words: 1, rows: 1, ..Default::default() };
        let mut builder = ProgramBuilder::new(0x40);
        builder.exchange_with(&[entry(0)], &[entry(1), entry(2)]).sync(3).exchange(0x800).sync(0);
        builder.exchange_with(&[], &[]).halt();
        let program = builder.finish().unwrap();
        let (first, second) = (0x40 + 6 * 8, 0x40 + 6 * 8 + 16 + 3 * 16);
        let command = |index: u32| Command::decode(program.word(0x40 + 8 * index).unwrap()).unwrap();
        assert_eq!(command(0), Command::Exchange { descriptor: first });
        assert_eq!([command(1), command(3)], [Command::Sync { zone: 3 }, Command::Sync { zone: 0 }]);
        assert_eq!([command(2), command(4)], [0x800, second].map(|descriptor| Command::Exchange { descriptor }));
        let descriptor = |at: u32| [at, at + 8].map(|at| program.word(at).unwrap());
        let (send_address, receive_address) = (first + 16, first + 32);
        assert_eq!(
            ExchangeDescriptor::decode(&descriptor(first)),
            Ok(ExchangeDescriptor { send_address, send_count: 1, receive_address, receive_count: 2 })
        );
        let starts = [send_address, receive_address, receive_address + 16]
            .map(|at| ExchangeEntry::decode(&descriptor(at)).unwrap().start_cycle);
        assert_eq!(starts, [0, 1, 2]);
        let empty = ExchangeDescriptor::decode(&descriptor(second)).unwrap();
        assert_eq!((empty.send_count, empty.receive_count), (0, 0));
    }

    #[test]
    fn mistakes_are_reported_at_the_end() {
        let refusal = |build: &dyn Fn(&mut ProgramBuilder)| {
            let mut builder = ProgramBuilder::new(0);
            build(&mut builder);
            builder.finish().expect_err("the program is wrong").to_string()
        };
        assert_eq!(refusal(&|_| ()), "the last command is not HALT: expected halt() at the end");
        let too_deep = |builder: &mut ProgramBuilder| {
            builder.repeat(1, |a| {
                a.repeat(1, |b| {
                    b.repeat(1, |_| ());
                });
            });
            builder.halt();
        };
        assert_eq!(refusal(&too_deep), "3 nested loops: expected at most 2");
        assert_eq!(
            refusal(&|builder| {
                builder.repeat(0x1_0000, |_| ()).halt();
            }),
            "Loop.count = 65536 does not fit its bits: expected 0..=65535"
        );
        assert_eq!(
            refusal(&|builder| {
                builder.halt().place_list(8, &[ListEntry { x_last: 64, ..entry() }]);
            }),
            "ListEntry.x_last = 64 does not fit its bits: expected 0..=63"
        );
        assert_eq!(
            refusal(&|builder| {
                builder.halt().place_words(12, &[1]);
            }),
            "8 bytes at 0xc: expected a multiple of 8, all below 0x800000"
        );
        assert_eq!(
            refusal(&|builder| {
                builder.halt().place_words(0, &[1]);
            }),
            "two words at 0x0: expected each address at most once"
        );
        for name in ["start", "9", "a b", ""] {
            let message = refusal(&|builder| {
                builder.label(name).halt();
            });
            let expected =
                format!("label `{name}`: expected a new name of letters, digits and `_`, with no digit first");
            assert_eq!(message, expected);
        }
    }
}
