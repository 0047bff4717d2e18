//! Declarations of the tile's commands, descriptors, list entries, registers and error codes.
//!
//! Everything that software and hardware must agree on is declared once, here; the hardware, the golden model and
//! the kernels all read it.
//!
//! | File         | Declares                                                                  |
//! |--------------|---------------------------------------------------------------------------|
//! | `layout`     | the mechanism: fields of 64-bit words, `encode` and `decode`              |
//! | `command`    | [`Command`] and, for hardware, `command::Amp::DESCRIPTOR` and its like    |
//! | `amp`        | [`AmpDescriptor`], [`ListEntry`]                                          |
//! | `vector`     | [`VectorDescriptor`], [`VectorOperand`]                                   |
//! | `exchange`   | [`ExchangeDescriptor`], [`ExchangeEntry`]                                 |
//! | `values`     | [`EngineMask`], [`ControlRegister`], [`Activation`], [`VectorOperation`], [`VectorSource`] |
//! | `register`   | host registers ([`register::REGISTERS`]) and their fields                 |
//! | `error_code` | [`ErrorCode`]                                                             |
//!
//! Programs, from those declarations:
//!
//! | File           | What it does                                                            |
//! |----------------|-------------------------------------------------------------------------|
//! | `validate`     | what a tile refuses, with its error code: [`Limits`], [`Violation`]     |
//! | `program`      | [`Program`]: a memory image and where it starts                         |
//! | `builder`      | [`ProgramBuilder`]: programs from Rust                                  |
//! | `assembler`    | [`assemble`]: programs from text                                        |
//! | `disassembler` | [`disassemble`]: the text of a program                                  |
//! | `reference`    | [`reference()`] and [`register_reference()`]: `docs/isa.md`, `docs/registers.md` |

pub mod amp;
pub mod assembler;
pub mod builder;
pub mod command;
pub mod disassembler;
pub mod error_code;
pub mod exchange;
pub mod layout;
pub mod program;
pub mod reference;
pub mod register;
pub mod validate;
pub mod values;
pub mod vector;

pub use amp::{AmpDescriptor, ListEntry, exact_sum};
pub use assembler::{AssembleError, assemble};
pub use builder::{BuildError, ProgramBuilder};
pub use command::{COMMANDS, Command};
pub use disassembler::{disassemble, disassemble_word};
pub use error_code::ErrorCode;
pub use exchange::{ExchangeDescriptor, ExchangeEntry};
pub use layout::{DecodeError, EncodeError, Field, Layout};
pub use program::{Program, ProgramError, Segment};
pub use reference::{reference, register_reference};
pub use register::{Flags, REGISTER_BASE, REGISTERS, Register};
pub use validate::{Limits, Violation};
pub use values::{Activation, ControlRegister, EngineMask, VectorOperation, VectorSource};
pub use vector::{PARTIAL_SUMS, VectorDescriptor, VectorOperand};

/// Bytes of a memory word.
pub const WORD_BYTES: u32 = 8;

/// Lanes of the AMP: result columns, and accumulators in a row.
pub const LANES: u32 = 16;

/// Side of a weight block: K and columns.
pub const BLOCK: u32 = 16;

/// Most rows that one AMP command can name: accumulator rows in each half of the largest tile.
pub const ROWS: u32 = 64;

/// Zones of tiles that can meet at a barrier of their own.
pub const ZONES: u32 = 4;

/// Loop counters of the sequencer.
pub const LOOP_LEVELS: u32 = 2;
