//! The registers that the host sees, 8 bytes each, from [`REGISTER_BASE`].

use crate::error_code::ErrorCode;
use crate::layout::{Field, layout};

/// Byte address of the first host register; memory begins at 0.
pub const REGISTER_BASE: u32 = 0x80_0000;

/// Version of the interface that this crate declares, in the low byte of [`IDENTITY_VALUE`].
pub const INTERFACE_VERSION: u8 = 3;

/// What the register IDENTITY reads as: `TESSERA` in ASCII, then the interface version.
pub const IDENTITY_VALUE: u64 = u64::from_be_bytes([b'T', b'E', b'S', b'S', b'E', b'R', b'A', INTERFACE_VERSION]);

/// What the host may do with a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Writes are refused.
    ReadOnly,
    /// Reads are refused.
    WriteOnly,
    /// Reads as it was written.
    ReadWrite,
    /// Reads as it is; writing 1 to a bit clears it.
    WriteOneToClear,
}

/// One 64-bit host register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// Name in capitals.
    pub name: &'static str,
    /// Bytes beyond [`REGISTER_BASE`].
    pub offset: u32,
    /// What the host may do.
    pub access: Access,
    /// The fields; empty where the 64 bits are one number.
    pub fields: &'static [Field],
    /// What the register holds, with units.
    pub meaning: &'static str,
}

impl Register {
    /// Byte address on the host port.
    pub const fn address(&self) -> u32 {
        REGISTER_BASE + self.offset
    }

    /// The register called `name`.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        REGISTERS.iter().find(|register| register.name == name)
    }
}

/// Declares the registers: `NAME = offset, access, layout of the fields if any;`.
macro_rules! registers {
    ($( $(#[doc = $meaning:literal])+ $name:ident = $offset:literal, $access:ident $(, $layout:ident)?; )+) => {
        $(
            $(#[doc = $meaning])+
            pub const $name: Register = Register {
                name: stringify!($name),
                offset: $offset,
                access: Access::$access,
                fields: registers!(@fields $($layout)?),
                meaning: concat!($($meaning),+).trim_ascii(),
            };
        )+

        /// Every host register, in the order of offsets.
        pub const REGISTERS: &[Register] = &[$($name),+];
    };
    (@fields) => { &[] };
    (@fields $layout:ident) => { $layout::LAYOUT.fields };
}

layout! {
    /// The register CONFIGURATION: what was built.
    pub struct Configuration: [u64; 1] {
        /// Products that a lane adds in a cycle (T): 1, 2, 4, 8 or 16.
        TERMS terms: u32 = 0[7:0];
        /// Lanes, that is, result columns.
        LANES lanes: u32 = 0[15:8];
        /// Accumulator rows in each half (D).
        ROWS rows: u32 = 0[23:16];
        /// Accumulators: 0 FP32, 1 exact.
        EXACT exact: bool = 0[24:24];
        /// 1: there is a vector engine.
        VECTOR vector: bool = 0[25:25];
        /// Width of an accumulator: 32 for FP32, that of the number for exact.
        ACCUMULATOR_BITS accumulator_bits: u32 = 0[39:32];
        /// Banks of the memory.
        BANKS banks: u32 = 0[47:40];
        /// 32-bit words that an exchange lane carries in a cycle: 1 or 2; 0 where there is no exchange.
        LANE_WORDS lane_words: u32 = 0[49:48];
    }
}

layout! {
    /// The register STATUS: whether a program runs, and how the last one ended.
    pub struct Status: [u64; 1] {
        /// A program runs.
        RUNNING running: bool = 0[0:0];
        /// The program ended by HALT.
        DONE done: bool = 0[1:1];
        /// Why the program stopped: a number from the table of error codes.
        ERROR_CODE error_code: u32 = 0[15:8];
    }
}

impl Status {
    /// The error, where the code is a declared one.
    pub fn error(&self) -> Option<ErrorCode> {
        u8::try_from(self.error_code).ok().and_then(ErrorCode::from_code)
    }
}

layout! {
    /// The register FLAGS: the sticky numeric flags.
    pub struct Flags: [u64; 1] {
        /// Invalid: 0 times infinity, infinities of both signs in a sum, or a signalling NaN.
        NV nv: bool = 0[0:0];
        /// Overflow: a finite result beyond the largest finite number.
        OF of: bool = 0[1:1];
        /// Underflow: a result that is tiny and inexact.
        UF uf: bool = 0[2:2];
        /// Inexact: a result was rounded.
        NX nx: bool = 0[3:3];
        /// Headroom: an exact accumulator ran past its width.
        HR hr: bool = 0[4:4];
    }
}

registers! {
    /// `TESSERA` in ASCII in the upper 7 bytes, the interface version in the low byte.
    IDENTITY = 0x00, ReadOnly;
    /// What was built.
    CONFIGURATION = 0x08, ReadOnly, Configuration;
    /// Size of the memory, in bytes.
    MEMORY_BYTES = 0x10, ReadOnly;
    /// Starts the program at the byte address written.
    START = 0x18, WriteOnly;
    /// Whether a program runs, and how the last one ended.
    STATUS = 0x20, ReadOnly, Status;
    /// Byte address of the command, descriptor, entry or datum that the error is about.
    ERROR_ADDRESS = 0x28, ReadOnly;
    /// Clock cycles from START to the end of the program.
    CYCLES = 0x30, ReadOnly;
    /// Sticky numeric flags.
    FLAGS = 0x38, WriteOneToClear, Flags;
    /// The progress mark that the program wrote last.
    MARKER = 0x40, ReadOnly;
    /// Stops the program; any value.
    STOP = 0x48, WriteOnly;
    /// Byte address of the command in the sequencer.
    PROGRAM_COUNTER = 0x50, ReadOnly;
    /// Row steps that the AMP issued. This counter and those below are cleared by START.
    AMP_ROWS = 0x58, ReadOnly;
    /// Cycles in which rows waited for weights.
    STALL_WEIGHTS = 0x60, ReadOnly;
    /// Cycles in which a row waited for the accumulator loop.
    STALL_ACCUMULATOR = 0x68, ReadOnly;
    /// Cycles in which rows waited for a free accumulator half or for its preload.
    STALL_DRAIN = 0x70, ReadOnly;
    /// Bank conflict cycles of the results.
    CONFLICT_RESULTS = 0x78, ReadOnly;
    /// Bank conflict cycles of the inputs.
    CONFLICT_INPUTS = 0x80, ReadOnly;
    /// Bank conflict cycles of the weights.
    CONFLICT_WEIGHTS = 0x88, ReadOnly;
    /// Bank conflict cycles of the partial sums.
    CONFLICT_PARTIALS = 0x90, ReadOnly;
    /// Cycles in which block lists or exchange lists lost their bank.
    CONFLICT_LISTS = 0x98, ReadOnly;
    /// Bank conflict cycles of the sequencer.
    CONFLICT_SEQUENCER = 0xA0, ReadOnly;
    /// Bank conflict cycles of the host.
    CONFLICT_HOST = 0xA8, ReadOnly;
    /// Cycles in which a SYNC waited.
    SYNC_CYCLES = 0xB0, ReadOnly;
    /// Cycles in which an exchange was under way.
    EXCHANGE_CYCLES = 0xB8, ReadOnly;
    /// The zones that this tile is in, one bit each. After a reset, and on a tile without exchange for ever: zone 0.
    ZONES = 0xC0, ReadWrite;
    /// Results of the AMP that were stored as NaN. This counter and those below count results, and are cleared by START.
    AMP_NANS = 0xC8, ReadOnly;
    /// Results of the AMP that overflowed to FP16.
    AMP_OVERFLOWS = 0xD0, ReadOnly;
    /// Results of the AMP that were not zero, and were rounded to zero.
    AMP_ZEROED = 0xD8, ReadOnly;
    /// Results of the vector engine that are NaN where no operand was.
    VECTOR_NANS = 0xE0, ReadOnly;
    /// Results of the vector engine that overflowed.
    VECTOR_OVERFLOWS = 0xE8, ReadOnly;
    /// Results of the vector engine that were not zero, and were rounded to zero.
    VECTOR_ZEROED = 0xF0, ReadOnly;
    /// Cycles in which a vector command was under way, from its legal descriptor to its last result. This counter and the
    /// one below are cleared by START.
    VECTOR_CYCLES = 0xF8, ReadOnly;
    /// Bank conflict cycles of the vector engine.
    CONFLICT_VECTOR = 0x100, ReadOnly;
}
