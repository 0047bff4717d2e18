//! What a tile refuses beyond reserved bits, with the error code that it reports.
//!
//! The order of the checks is the order in which the hardware decides: values, then alignment, then ranges. What
//! passes here runs without an error; a range that fails here stops the tile when the access is made.

use thiserror::Error;

use crate::amp::{AmpDescriptor, ListEntry, exact_sum};
use crate::command::Command;
use crate::error_code::ErrorCode;
use crate::exchange::{ExchangeDescriptor, ExchangeEntry};
use crate::layout::{DecodeError, NamedValue};
use crate::values::{Activation, ControlRegister, EngineMask, VectorOperation, VectorSource};
use crate::vector::VectorDescriptor;
use crate::{BLOCK, LANES, WORD_BYTES, ZONES};

/// What a tile was built with, as far as it decides which programs are legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Size of the memory, in bytes.
    pub memory_bytes: u32,
    /// Products that a lane adds in a cycle (T).
    pub terms: u32,
    /// Accumulator rows in each half (D).
    pub rows: u32,
    /// Accumulators are exact.
    pub exact: bool,
    /// The engines that exist.
    pub engines: EngineMask,
    /// 32-bit words of an exchange lane: 1 or 2; 0 without an exchange port.
    pub lane_words: u32,
}

impl Limits {
    /// A tile whose only engine is the AMP, with FP32 accumulators.
    pub const fn new(memory_bytes: u32, terms: u32, rows: u32) -> Self {
        Self { memory_bytes, terms, rows, exact: false, engines: EngineMask::AMP, lane_words: 0 }
    }

    /// The same tile with an exchange port, whose lanes carry `lane_words` words of 32 bits in a cycle.
    pub fn with_exchange(self, lane_words: u32) -> Self {
        Self { engines: self.engines | EngineMask::EXCHANGE, lane_words, ..self }
    }

    /// The same tile with a vector engine.
    pub fn with_vector(self) -> Self {
        Self { engines: self.engines | EngineMask::VECTOR, ..self }
    }

    /// Words of 8 bytes that a stream moves in one access (G): `max(1, terms / 4)`.
    pub const fn access_words(&self) -> u32 {
        if self.terms < 4 { 1 } else { self.terms / 4 }
    }

    /// Bytes that a stream moves in one access; stream addresses are multiples of it.
    pub const fn access_bytes(&self) -> u32 {
        self.access_words() * WORD_BYTES
    }
}

/// A program that a tile refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct Violation {
    /// The code that the tile reports.
    pub code: ErrorCode,
    /// What was found and what is expected.
    pub message: String,
}

impl Violation {
    fn new(code: ErrorCode, message: String) -> Self {
        Self { code, message }
    }

    /// A program runs into words that it did not load.
    pub(crate) fn no_command() -> Self {
        Self::new(ErrorCode::UnknownCommand, "the program has no word here: expected a command".to_owned())
    }

    fn decoding(error: DecodeError, reserved: ErrorCode) -> Self {
        let code = match error {
            DecodeError::ReservedBits { .. } => reserved,
            DecodeError::UnknownOpcode { .. } => ErrorCode::UnknownCommand,
        };
        Self::new(code, error.to_string())
    }
}

/// Refuses with `code` and a message unless the condition holds.
macro_rules! require {
    ($condition:expr, $code:ident, $($message:tt)+) => {
        if !$condition {
            return Err(Violation::new(ErrorCode::$code, format!($($message)+)));
        }
    };
}

impl Command {
    /// Decodes and validates `word`.
    ///
    /// # Errors
    /// As [`Command::decode`] and [`Command::validate`], with the code that the tile reports.
    pub fn check(word: u64, limits: &Limits) -> Result<Self, Violation> {
        let command = Self::decode(word).map_err(|error| Violation::decoding(error, ErrorCode::BadCommand))?;
        command.validate(limits)?;
        Ok(command)
    }

    /// Whether a tile with these limits runs the command.
    ///
    /// # Errors
    /// `UNSUPPORTED`, `BAD_COMMAND`, `MISALIGNED` or `OUT_OF_RANGE`.
    pub fn validate(&self, limits: &Limits) -> Result<(), Violation> {
        match *self {
            Self::Halt => Ok(()),
            Self::Amp { descriptor } => {
                require_engine(limits, EngineMask::AMP, "AMP")?;
                require_words("the AMP descriptor", descriptor, AmpDescriptor::WORDS as u32, limits)
            }
            Self::Vector { descriptor } => {
                require_engine(limits, EngineMask::VECTOR, "VECTOR")?;
                require_words("the vector descriptor", descriptor, VectorDescriptor::WORDS as u32, limits)
            }
            Self::Exchange { descriptor } => {
                require_engine(limits, EngineMask::EXCHANGE, "EXCHANGE")?;
                require_words("the exchange descriptor", descriptor, ExchangeDescriptor::WORDS as u32, limits)
            }
            Self::Sync { zone } => {
                require_engine(limits, EngineMask::EXCHANGE, "SYNC")?;
                require!(zone < ZONES, BadZone, "SYNC zone = {zone}: expected 0..{ZONES}");
                Ok(())
            }
            Self::Wait { engines } => {
                let legal = engines.0 != 0 && limits.engines.contains(engines);
                require!(
                    legal,
                    Unsupported,
                    "WAIT engines = {:#x}: expected a nonzero part of {:#x}, the engines that exist",
                    engines.0,
                    limits.engines.0
                );
                Ok(())
            }
            Self::Set { register: ControlRegister::SEED_VECTOR, .. } => {
                require_engine(limits, EngineMask::VECTOR, "SET seed_vector")
            }
            Self::Set { register, .. } => {
                require_named("SET register", register.0, ControlRegister::NAMES, ErrorCode::Unsupported)
            }
            Self::Loop { count, target, .. } => {
                require!(count >= 1, BadCommand, "LOOP count = 0: expected 1..=65535");
                require_words("the LOOP target", target, 1, limits)
            }
        }
    }
}

fn require_engine(limits: &Limits, engine: EngineMask, command: &str) -> Result<(), Violation> {
    require!(limits.engines.contains(engine), Unsupported, "{command}: this tile has no such engine");
    Ok(())
}

/// The value is one that has a name.
fn require_named(what: &str, value: u8, names: &[NamedValue], code: ErrorCode) -> Result<(), Violation> {
    if names.iter().any(|name| name.value == value.into()) {
        return Ok(());
    }
    let legal: Vec<String> = names.iter().map(|name| format!("{} ({})", name.value, name.name)).collect();
    Err(Violation::new(code, format!("{what} = {value}: expected {}", legal.join(" or "))))
}

/// Commands and descriptors: 8-byte aligned, inside the memory.
fn require_words(what: &str, address: u32, words: u32, limits: &Limits) -> Result<(), Violation> {
    require!(
        address.is_multiple_of(WORD_BYTES),
        Misaligned,
        "{what} is at {address:#x}: expected a multiple of {WORD_BYTES}"
    );
    let first = i64::from(address);
    require_range(what, first, first + i64::from(words * WORD_BYTES), limits, ErrorCode::OutOfRange)
}

/// The bytes `first..end` lie inside the memory.
fn require_range(what: &str, first: i64, end: i64, limits: &Limits, code: ErrorCode) -> Result<(), Violation> {
    if first >= 0 && end <= i64::from(limits.memory_bytes) {
        return Ok(());
    }
    let hexadecimal = |byte: i64| format!("{}{:#x}", if byte < 0 { "-" } else { "" }, byte.unsigned_abs());
    let (first, end, memory_bytes) = (hexadecimal(first), hexadecimal(end), limits.memory_bytes);
    let message = format!("{what}: bytes {first}..{end}, expected inside 0x0..{memory_bytes:#x}");
    Err(Violation::new(code, message))
}

/// A stream over a rectangle of rows: where it begins, its strides and the length of a row.
struct Footprint {
    address: i64,
    stride_x_words: i32,
    stride_y_words: i32,
    x: (u32, u32),
    y: (u32, u32),
    row_bytes: u32,
}

impl Footprint {
    /// First byte, and the byte after the last, over all rows. Linear in x and y: the corners decide.
    fn bytes(&self) -> (i64, i64) {
        let step = |stride: i32, at: u32| i64::from(stride) * i64::from(at) * i64::from(WORD_BYTES);
        let (x0, x1) = (step(self.stride_x_words, self.x.0), step(self.stride_x_words, self.x.1));
        let (y0, y1) = (step(self.stride_y_words, self.y.0), step(self.stride_y_words, self.y.1));
        let first = self.address + x0.min(x1) + y0.min(y1);
        let last = self.address + x0.max(x1) + y0.max(y1);
        (first, last + i64::from(self.row_bytes))
    }

    fn require(&self, what: &str, limits: &Limits) -> Result<(), Violation> {
        let (first, end) = self.bytes();
        require_range(what, first, end, limits, ErrorCode::OutOfRange)
    }
}

impl AmpDescriptor {
    /// Decodes and validates `words`.
    ///
    /// # Errors
    /// `BAD_DESCRIPTOR` for reserved bits, otherwise as [`AmpDescriptor::validate`].
    pub fn check(words: &[u64; Self::WORDS], limits: &Limits) -> Result<Self, Violation> {
        let descriptor = Self::decode(words).map_err(|e| Violation::decoding(e, ErrorCode::BadDescriptor))?;
        descriptor.validate(limits)?;
        Ok(descriptor)
    }

    /// Whether a tile with these limits runs the descriptor; the entries have a check of their own.
    ///
    /// # Errors
    /// `BAD_DESCRIPTOR`, `MISALIGNED`, `LIST_OUT_OF_RANGE`, or `OUT_OF_RANGE` for results and partial sums.
    pub fn validate(&self, limits: &Limits) -> Result<(), Violation> {
        self.validate_values(limits)?;
        self.validate_alignment(limits)?;

        let list_first = i64::from(self.list_address);
        let list_end = list_first + i64::from(self.list_count) * i64::from(WORD_BYTES);
        require_range("the block list", list_first, list_end, limits, ErrorCode::ListOutOfRange)?;

        let rows = |address: u32, stride_x_words: i32, stride_y_words: i32, column_bytes: u32| Footprint {
            address: address.into(),
            stride_x_words,
            stride_y_words,
            x: (0, self.rows_x - 1),
            y: (0, self.rows_y - 1),
            row_bytes: (self.columns * column_bytes).next_multiple_of(limits.access_bytes()),
        };
        let result_bytes = if self.result_exact {
            exact_sum::BYTES
        } else if self.result_fp16 {
            2
        } else {
            4
        };
        rows(self.result_address, self.result_stride_x, self.result_stride_y, result_bytes)
            .require("the result", limits)?;
        if self.partial_in {
            let partial_bytes = if self.partial_exact { exact_sum::BYTES } else { 4 };
            rows(self.partial_address, self.partial_stride_x, self.partial_stride_y, partial_bytes)
                .require("the partial sums", limits)?;
        }
        Ok(())
    }

    /// Values that the bits allow and the hardware does not: `BAD_DESCRIPTOR`.
    fn validate_values(&self, limits: &Limits) -> Result<(), Violation> {
        for (name, value, max) in [
            ("rows_x", self.rows_x, limits.rows),
            ("rows_y", self.rows_y, limits.rows),
            ("columns", self.columns, LANES),
            ("list_count", self.list_count, 65535),
        ] {
            require!((1..=max).contains(&value), BadDescriptor, "{name} = {value}: expected 1..={max}");
        }
        let exact = self.result_exact || self.partial_exact;
        require!(!exact || limits.exact, BadDescriptor, "exact sums: expected none, the accumulators are FP32");
        let plain = !self.result_fp16 && self.activation == Activation::NONE;
        require!(!self.result_exact || plain, BadDescriptor, "exact results: expected no result_fp16, no activation");
        let (rows, most) = (self.rows(), limits.rows);
        require!(rows <= most, BadDescriptor, "rows_x * rows_y = {rows}: expected at most {most}");
        require_named("activation", self.activation.0, Activation::NAMES, ErrorCode::BadDescriptor)
    }

    /// Stream addresses and strides are multiples of the access, the list's address of a word: `MISALIGNED`.
    fn validate_alignment(&self, limits: &Limits) -> Result<(), Violation> {
        let access_bytes = limits.access_bytes();
        let no_partials = (0, 0, 0);
        let (partial_address, partial_stride_x, partial_stride_y) = if self.partial_in {
            (self.partial_address, self.partial_stride_x, self.partial_stride_y)
        } else {
            no_partials
        };
        for (name, address, bytes) in [
            ("input_address", self.input_address, access_bytes),
            ("weight_address", self.weight_address, access_bytes),
            ("result_address", self.result_address, access_bytes),
            ("partial_address", partial_address, access_bytes),
            ("list_address", self.list_address, WORD_BYTES),
        ] {
            let aligned = address.is_multiple_of(bytes);
            require!(aligned, Misaligned, "{name} = {address:#x}: expected a multiple of {bytes}");
        }
        for (name, stride) in [
            ("input_stride_x", self.input_stride_x),
            ("input_stride_y", self.input_stride_y),
            ("weight_stride", self.weight_stride),
            ("result_stride_x", self.result_stride_x),
            ("result_stride_y", self.result_stride_y),
            ("partial_stride_x", partial_stride_x),
            ("partial_stride_y", partial_stride_y),
        ] {
            require_whole_accesses(name, stride, limits)?;
        }
        Ok(())
    }
}

fn require_whole_accesses(name: &str, words: i32, limits: &Limits) -> Result<(), Violation> {
    let access_words = limits.access_words();
    require!(
        words.unsigned_abs().is_multiple_of(access_words),
        Misaligned,
        "{name} = {words} words: expected a multiple of {access_words}"
    );
    Ok(())
}

impl ListEntry {
    /// Whether a tile with these limits runs the entry in the list of `descriptor`, which is valid itself.
    ///
    /// # Errors
    /// `BAD_ENTRY`, `MISALIGNED`, or `OUT_OF_RANGE` for inputs and weights.
    pub fn validate(&self, descriptor: &AmpDescriptor, limits: &Limits) -> Result<(), Violation> {
        for (axis, first, last, rows) in
            [("x", self.x_first, self.x_last, descriptor.rows_x), ("y", self.y_first, self.y_last, descriptor.rows_y)]
        {
            require!(
                first <= last && last < rows,
                BadEntry,
                "{axis}_first..={axis}_last = {first}..={last}: expected an ascending range inside 0..{rows}"
            );
        }
        require_whole_accesses("input_offset", self.input_offset, limits)?;
        require_whole_accesses("weight_block", self.weight_block as i32, limits)?;

        let word_bytes = i64::from(WORD_BYTES);
        let input = Footprint {
            address: i64::from(descriptor.input_address) + i64::from(self.input_offset) * word_bytes,
            stride_x_words: descriptor.input_stride_x,
            stride_y_words: descriptor.input_stride_y,
            x: (self.x_first, self.x_last),
            y: (self.y_first, self.y_last),
            row_bytes: (self.k_count() * 2).next_multiple_of(limits.access_bytes()),
        };
        input.require("the input", limits)?;
        // A block loads whole, whatever part of its K is valid.
        let weights = Footprint {
            address: i64::from(descriptor.weight_address) + i64::from(self.weight_block) * word_bytes,
            stride_x_words: descriptor.weight_stride,
            stride_y_words: 0,
            x: (0, BLOCK - 1),
            y: (0, 0),
            row_bytes: LANES * 2,
        };
        weights.require("the weight block", limits)
    }
}

impl VectorDescriptor {
    /// Decodes and validates `words`.
    ///
    /// # Errors
    /// `BAD_DESCRIPTOR` for reserved bits, otherwise as [`VectorDescriptor::validate`].
    pub fn check(words: &[u64; Self::WORDS], limits: &Limits) -> Result<Self, Violation> {
        let descriptor = Self::decode(words).map_err(|e| Violation::decoding(e, ErrorCode::BadDescriptor))?;
        descriptor.validate(limits)?;
        Ok(descriptor)
    }

    /// Whether a tile with these limits runs the descriptor.
    ///
    /// # Errors
    /// `BAD_DESCRIPTOR`, `MISALIGNED`, or `OUT_OF_RANGE` for operands and results.
    pub fn validate(&self, limits: &Limits) -> Result<(), Violation> {
        for (name, value) in [("rows", self.rows), ("columns", self.columns)] {
            require!((1..=65535).contains(&value), BadDescriptor, "{name} = {value}: expected 1..=65535");
        }
        require_named("operation", self.operation.0, VectorOperation::NAMES, ErrorCode::BadDescriptor)?;
        let operands = self.operands();
        for operand in &operands {
            let what = format!("{}_source", operand.name);
            require_named(&what, operand.source.0, VectorSource::NAMES, ErrorCode::BadDescriptor)?;
        }
        if self.operation.function().is_some() {
            let (a, result) = (self.a_fp16, self.result_fp16);
            require!(a == result, BadDescriptor, "a_fp16 != result_fp16: expected a function's operand as its result");
            let plain = !self.stochastic && !self.saturate;
            require!(plain, BadDescriptor, "stochastic or saturate: expected neither of a function");
        }

        let in_memory = || {
            let streams = operands.iter().copied().filter(|operand| operand.source != VectorSource::CONSTANT);
            streams.chain([self.result()])
        };
        for stream in in_memory() {
            let (name, address) = (stream.name, stream.address);
            let aligned = address.is_multiple_of(WORD_BYTES);
            require!(aligned, Misaligned, "{name}_address = {address:#x}: expected a multiple of {WORD_BYTES}");
        }
        for stream in in_memory() {
            let words = Footprint {
                address: stream.address.into(),
                stride_x_words: stream.stride_x,
                stride_y_words: stream.stride_y,
                x: (0, stream.row_words(self.columns) - 1),
                y: (0, self.rows - 1),
                row_bytes: WORD_BYTES,
            };
            words.require(stream.name, limits)?;
        }
        Ok(())
    }
}

impl ExchangeDescriptor {
    /// Decodes and validates `words`.
    ///
    /// # Errors
    /// `BAD_DESCRIPTOR` for reserved bits, `MISALIGNED` or `LIST_OUT_OF_RANGE` for the lists.
    pub fn check(words: &[u64; Self::WORDS], limits: &Limits) -> Result<Self, Violation> {
        let descriptor = Self::decode(words).map_err(|e| Violation::decoding(e, ErrorCode::BadDescriptor))?;
        let lists = [
            ("the send list", descriptor.send_address, descriptor.send_count),
            ("the receive list", descriptor.receive_address, descriptor.receive_count),
        ];
        for (name, address, _) in lists {
            let aligned = address.is_multiple_of(WORD_BYTES);
            require!(aligned, Misaligned, "{name} is at {address:#x}: expected a multiple of {WORD_BYTES}");
        }
        for (name, address, count) in lists.into_iter().filter(|&(_, _, count)| count > 0) {
            let (first, bytes) = (i64::from(address), i64::from(count) * ExchangeEntry::WORDS as i64 * 8);
            require_range(name, first, first + bytes, limits, ErrorCode::ListOutOfRange)?;
        }
        Ok(descriptor)
    }
}

impl ExchangeEntry {
    /// Whether a tile with these limits runs the entry, as one of a send list or of a receive list. That entries do not
    /// overlap, that lanes are not silent and that banks do not meet is for the schedule to see to.
    ///
    /// # Errors
    /// `BAD_DESCRIPTOR`, `MISALIGNED` or `OUT_OF_RANGE`.
    pub fn validate(&self, sends: bool, limits: &Limits) -> Result<(), Violation> {
        for (name, value) in [("row_words", self.row_words), ("rows", self.rows)] {
            require!(value >= 1, BadDescriptor, "{name} = 0: expected at least 1");
        }
        require!(!sends || self.source == 0, BadDescriptor, "source = {} in a send list: expected 0", self.source);
        let lane_words = limits.lane_words.max(1);
        for (name, words) in
            [("row_words", self.row_words), ("word_address", self.word_address), ("row_stride", self.row_stride)]
        {
            let aligned = words.is_multiple_of(lane_words);
            require!(aligned, Misaligned, "{name} = {words}: expected a multiple of {lane_words}");
        }
        let first = i64::from(self.word_address) * 4;
        let last_row = i64::from(self.rows - 1) * i64::from(self.row_stride);
        let end = first + 4 * (last_row + i64::from(self.row_words));
        require_range("the words", first, end, limits, ErrorCode::OutOfRange)
    }
}
