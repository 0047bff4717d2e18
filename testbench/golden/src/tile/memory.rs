//! Checked access to the memory image.

use isa::{ErrorCode, WORD_BYTES};
use std::ops::Range;

/// Why a program stops, and the byte address that it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub code: ErrorCode,
    pub address: u32,
}

/// `ErrorCode::X.at(address)`.
pub(super) trait At {
    fn at(self, address: u32) -> Fault;
}

impl At for ErrorCode {
    fn at(self, address: u32) -> Fault {
        Fault { code: self, address }
    }
}

/// `address` moved by a signed number of words, modulo 2^24.
pub(super) fn moved(address: u32, words: i64) -> u32 {
    (i64::from(address) + words * i64::from(WORD_BYTES)).rem_euclid(1 << isa::layout::ADDRESS_BITS) as u32
}

/// The indices of the words in whole accesses of `access_bytes` that cover `bytes` from `address`, which is aligned.
pub(super) fn span(memory: &[u64], address: u32, bytes: u32, access_bytes: u32) -> Result<Range<usize>, Fault> {
    assert!(address.is_multiple_of(access_bytes), "alignment was checked where the address came from");
    let memory_bytes = memory.len() as u32 * WORD_BYTES;
    // Memory ends with a whole access, so that the first access beyond begins there, or is the very first.
    if address >= memory_bytes {
        return Err(ErrorCode::OutOfRange.at(address));
    }
    let end = address + bytes.next_multiple_of(access_bytes);
    if end > memory_bytes {
        return Err(ErrorCode::OutOfRange.at(memory_bytes));
    }
    Ok((address / WORD_BYTES) as usize..(end / WORD_BYTES) as usize)
}

/// The word at `address`, which is aligned.
pub(super) fn read_word(memory: &[u64], address: u32) -> Result<u64, Fault> {
    Ok(memory[span(memory, address, WORD_BYTES, WORD_BYTES)?.start])
}

/// Refuses an address that is not a multiple of a word. `found_at` is where it came from.
pub(super) fn require_word_aligned(address: u32, found_at: u32) -> Result<(), Fault> {
    if address.is_multiple_of(WORD_BYTES) { Ok(()) } else { Err(ErrorCode::Misaligned.at(found_at)) }
}

/// The FP16 numbers in words, lowest bits first.
pub(super) fn fp16s(words: &[u64]) -> impl Iterator<Item = u16> {
    words.iter().flat_map(|word| (0..4).map(move |i| (word >> (16 * i)) as u16))
}

/// The FP32 numbers in words, lowest bits first.
pub(super) fn fp32s(words: &[u64]) -> impl Iterator<Item = u32> {
    words.iter().flat_map(|word| [*word as u32, (word >> 32) as u32])
}
