//! The parts that blocks are made of. Numbers are big-endian; variable-length numbers have seven bits in a byte, the
//! lowest first, and a one above them in each byte but the last.

/// A block of a file: a byte that says which, its length from there on, its contents.
pub struct Block {
    bytes: Vec<u8>,
}

/// What a block holds.
#[derive(Clone, Copy)]
pub enum BlockType {
    Header = 0,
    Geometry = 3,
    HierarchyLz4 = 6,
    Section = 8,
}

impl Block {
    pub fn new(block_type: BlockType) -> Block {
        let mut bytes = vec![block_type as u8];
        bytes.extend_from_slice(&[0; 8]);
        Block { bytes }
    }

    pub fn number(&mut self, number: u64) -> &mut Block {
        self.put(&number.to_be_bytes())
    }

    pub fn variable_length(&mut self, number: u64) -> &mut Block {
        append_unsigned(&mut self.bytes, number);
        self
    }

    pub fn put(&mut self, bytes: &[u8]) -> &mut Block {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The whole block, with its length.
    pub fn finish(mut self) -> Vec<u8> {
        let length = self.bytes.len() as u64 - 1;
        self.bytes[1..9].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }
}

/// A variable-length number, and of how many bytes.
#[inline]
pub fn unsigned(mut number: u64) -> ([u8; 10], usize) {
    let (mut bytes, mut count) = ([0; 10], 0);
    while number >= 0x80 {
        bytes[count] = number as u8 | 0x80;
        number >>= 7;
        count += 1;
    }
    bytes[count] = number as u8;
    (bytes, count + 1)
}

pub fn append_unsigned(to: &mut Vec<u8>, number: u64) {
    let (bytes, count) = unsigned(number);
    to.extend_from_slice(&bytes[..count]);
}

/// Bit 6 of the last byte is the sign.
pub fn append_signed(to: &mut Vec<u8>, mut number: i64) {
    while !(-0x40..0x40).contains(&number) {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8 & 0x7f);
}
