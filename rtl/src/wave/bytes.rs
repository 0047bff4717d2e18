//! Bytes that are appended a few at a time, millions of times a second.

/// Bytes at the beginning of a larger room: copies of a fixed size, of which the rest is overwritten later, are an
/// instruction or two of the processor.
#[derive(Default)]
pub struct Bytes {
    room: Vec<u8>,
    used: usize,
}

impl Bytes {
    pub fn len(&self) -> usize {
        self.used
    }

    /// Bytes that can still be appended.
    pub fn free(&self) -> usize {
        self.room.len() - self.used
    }

    /// Makes room for so many more bytes.
    #[inline]
    pub fn reserve(&mut self, bytes: usize) {
        if self.free() < bytes {
            self.grow(bytes);
        }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        self.room.resize((2 * self.used).max(self.used + bytes), 0);
    }

    /// Appends the first `bytes` of an array, for all of which there is room.
    #[inline]
    pub fn put<const N: usize>(&mut self, array: &[u8; N], bytes: usize) {
        self.room[self.used..self.used + N].copy_from_slice(array);
        self.used += bytes;
    }

    /// Appends bytes, for which there is room.
    pub fn put_all(&mut self, bytes: &[u8]) {
        self.room[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.room[..self.used]
    }

    /// Keeps the room alone.
    pub fn clear(&mut self) {
        self.used = 0;
    }
}
