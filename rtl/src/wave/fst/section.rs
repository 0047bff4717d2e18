//! A section: the values before its first time, then the changes of each signal, then the times.
//!
//! A change begins with a variable-length number, in which `times` says how many times of the section after the last
//! change of the signal it comes:
//!
//! | signal       | number                   | then                                            |
//! |--------------|--------------------------|-------------------------------------------------|
//! | one bit      | `times << 2 \| bit << 1` |                                                 |
//! | several bits | `times << 1`             | bytes, the most significant bit first           |
//! | real         | `times << 1 \| 1`        | eight bytes                                     |
//! | text         | `times << 1`             | length in bytes, as a number again, and the bytes |

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

use super::Shape;
use super::block::{Block, BlockType, append_signed, append_unsigned, unsigned};
use crate::wave::bytes::Bytes;
use crate::wave::sink::byte_digits;

/// Shorter changes of a signal are not compressed.
const COMPRESSED_BYTES: usize = 32;

/// Changes that are collected for the next block.
pub struct Section {
    signals: Vec<Signal>,
    /// The values before the first time, as the format has them: digits, and the bytes of reals.
    frame: Vec<u8>,
    /// Each time, less the one before it.
    times: Vec<u8>,
    time_count: u32,
    /// The last time.
    end: Option<u64>,
    /// The last time of the section before.
    begin: Option<u64>,
    changes_bytes: usize,
    table: CompressTable,
    compressed: Vec<u8>,
}

/// A signal and its changes.
struct Signal {
    shape: Shape,
    changes: Bytes,
    /// Number of the time of the last change.
    time: u32,
    /// Where the last value is in `changes`; of a signal of one bit, where the change begins.
    last: u32,
}

impl Section {
    pub fn new(shapes: &[Shape]) -> Section {
        let signal = |&shape: &Shape| Signal { shape, changes: Bytes::default(), time: 0, last: 0 };
        // Nothing is known before the first section.
        let unknown = |shape: &Shape| match *shape {
            Shape::Bits { width } => vec![b'x'; width],
            Shape::Real => f64::NAN.to_le_bytes().to_vec(),
            Shape::Text => vec![],
        };
        Section {
            signals: shapes.iter().map(signal).collect(),
            frame: shapes.iter().flat_map(unknown).collect(),
            times: vec![],
            time_count: 0,
            end: None,
            begin: None,
            changes_bytes: 0,
            table: CompressTable::default(),
            compressed: vec![],
        }
    }

    /// Bytes of all changes.
    pub fn changes_bytes(&self) -> usize {
        self.changes_bytes
    }

    /// The last time.
    pub fn end(&self) -> u64 {
        self.end.unwrap_or(0)
    }

    /// Time goes on.
    pub fn time(&mut self, time: u64) {
        let since = if self.time_count == 0 { 0 } else { self.end() };
        append_unsigned(&mut self.times, time - since);
        self.begin.get_or_insert(time);
        self.end = Some(time);
        self.time_count += 1;
    }

    /// A signal of bits changes.
    #[inline]
    pub fn bits(&mut self, signal: usize, words: &[u64]) {
        self.change(signal, |Signal { shape, changes, last, .. }, times| match *shape {
            Shape::Bits { width: 1 } => {
                *last = changes.len() as u32;
                put_number(changes, times << 2 | words[0] << 1);
            }
            Shape::Bits { width } => {
                put_number(changes, times << 1);
                *last = changes.len() as u32;
                put_bits(changes, words, width);
            }
            _ => panic!("a signal that was not declared as bits"),
        });
    }

    /// A real signal changes.
    pub fn real(&mut self, signal: usize, number: f64) {
        self.change(signal, |Signal { changes, last, .. }, times| {
            put_number(changes, times << 1 | 1);
            *last = changes.len() as u32;
            changes.reserve(8);
            changes.put(&number.to_le_bytes(), 8);
        });
    }

    /// A signal of texts changes.
    pub fn text(&mut self, signal: usize, text: &str) {
        self.change(signal, |Signal { changes, .. }, times| {
            put_number(changes, times << 1);
            put_number(changes, text.len() as u64);
            changes.reserve(text.len());
            changes.put_all(text.as_bytes());
        });
    }

    /// Appends a change, which comes so many times after the last change of the signal.
    #[inline(always)]
    fn change(&mut self, signal: usize, put: impl FnOnce(&mut Signal, u64)) {
        let signal = &mut self.signals[signal];
        let now = self.time_count - 1;
        let times = u64::from(now - std::mem::replace(&mut signal.time, now));
        let before = signal.changes.len();
        put(signal, times);
        self.changes_bytes += signal.changes.len() - before;
    }

    /// The block of what came since the last one.
    pub fn take_block(&mut self) -> Block {
        let mut block = Block::new(BlockType::Section);
        block.number(self.begin.unwrap_or(0)).number(self.end());
        // A reader needs so much memory for the changes.
        block.number(self.changes_bytes as u64);

        // Equal lengths: not compressed.
        let frame_bytes = self.frame.len() as u64;
        block.variable_length(frame_bytes).variable_length(frame_bytes);
        block.variable_length(self.signals.len() as u64).put(&self.frame);
        self.advance_frame();

        let places = self.put_changes(&mut block);
        block.put(&places).number(places.len() as u64);

        let time_bytes = self.times.len() as u64;
        block.put(&self.times).number(time_bytes).number(time_bytes).number(self.time_count.into());

        self.begin = self.end;
        self.times.clear();
        (self.time_count, self.changes_bytes) = (0, 0);
        block
    }

    /// Appends the changes of each signal that has any, and empties them. Returns where they are: runs of signals
    /// without changes, and distances in bytes, which bit 0 tells from them.
    fn put_changes(&mut self, block: &mut Block) -> Vec<u8> {
        let mut places = vec![];
        block.variable_length(self.signals.len() as u64).put(b"4");
        let (mut previous, mut unchanged) = (block.len() - 1, 0);
        for Signal { changes, time, last, .. } in &mut self.signals {
            if changes.len() == 0 {
                unchanged += 1;
                continue;
            }
            if unchanged > 0 {
                append_unsigned(&mut places, unchanged << 1);
                unchanged = 0;
            }
            append_signed(&mut places, ((block.len() - previous) << 1 | 1) as i64);
            previous = block.len();

            let bytes = changes.as_slice();
            self.compressed.resize(get_maximum_output_size(bytes.len()), 0);
            let compressed = match bytes.len() {
                0..COMPRESSED_BYTES => None,
                _ => compress_into_with_table(bytes, &mut self.compressed, &mut self.table).ok(),
            };
            match compressed.filter(|&compressed| compressed < bytes.len()) {
                Some(compressed) => block.variable_length(bytes.len() as u64).put(&self.compressed[..compressed]),
                // Length 0: not compressed.
                None => block.variable_length(0).put(bytes),
            };
            changes.clear();
            (*time, *last) = (0, 0);
        }
        if unchanged > 0 {
            append_unsigned(&mut places, unchanged << 1);
        }
        places
    }

    /// Makes the frame that of the next section.
    fn advance_frame(&mut self) {
        let mut frame = self.frame.as_mut_slice();
        for Signal { shape, changes, last, .. } in &self.signals {
            let bytes = match *shape {
                Shape::Bits { width } => width,
                Shape::Real => 8,
                Shape::Text => 0,
            };
            let (value, rest) = frame.split_at_mut(bytes);
            frame = rest;
            let last = changes.as_slice().get(*last as usize..).unwrap_or_default();
            match *shape {
                _ if last.is_empty() => {}
                Shape::Bits { width: 1 } => value[0] = b'0' + (last[0] >> 1 & 1),
                Shape::Bits { .. } => {
                    for (eight, byte) in value.chunks_mut(8).zip(last) {
                        eight.copy_from_slice(&byte_digits(*byte)[..eight.len()]);
                    }
                }
                Shape::Real => value.copy_from_slice(last),
                Shape::Text => {}
            }
        }
    }
}

#[inline(always)]
fn put_number(to: &mut Bytes, number: u64) {
    to.reserve(10);
    // Nearly all are small.
    if number < 0x80 {
        to.put(&[number as u8], 1);
    } else {
        let (bytes, count) = unsigned(number);
        to.put(&bytes, count);
    }
}

/// Most significant bit first; the last byte is filled with zeros.
#[inline]
fn put_bits(to: &mut Bytes, words: &[u64], width: usize) {
    to.reserve(8 * words.len());
    let mut left = width.div_ceil(8);
    let up = (64 - width % 64) % 64;
    for i in (0..words.len()).rev() {
        let below = if i > 0 { words[i - 1] >> 1 >> (63 - up) } else { 0 };
        to.put(&(words[i] << up | below).to_be_bytes(), left.min(8));
        left -= left.min(8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::words_for;
    use crate::wave::sink::word_digits;

    #[test]
    fn bits_are_bytes_from_the_most_significant_bit_on() {
        let words = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];
        for width in 1..=128 {
            let words: Vec<u64> = words[..words_for(width)].to_vec();
            let mut packed = Bytes::default();
            put_bits(&mut packed, &words, width);
            let digits = [word_digits(0xfedc_ba98_7654_3210), word_digits(0x0123_4567_89ab_cdef)].concat();
            let mut digits = digits[128 - width..].to_vec();
            digits.resize(8 * width.div_ceil(8), b'0');
            let byte = |eight: &[u8]| eight.iter().fold(0, |byte, digit| byte << 1 | (digit - b'0'));
            let expected: Vec<u8> = digits.chunks(8).map(byte).collect();
            assert_eq!(packed.as_slice(), expected, "{width} bits");
        }
    }
}
