//! The input as a list of choices: targets that need a whole structure build it from what the bytes
//! choose, so that nearly every input is one that gets past the first check.

/// What is left of an input. Whoever asks beyond its end is given zeros.
pub struct Choices<'i> {
    rest: &'i [u8],
}

impl<'i> Choices<'i> {
    /// The choices that `bytes` make.
    pub fn new(bytes: &'i [u8]) -> Self {
        Self { rest: bytes }
    }

    /// True when nothing is left.
    pub fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().unwrap_or((&0, &[]));
        self.rest = rest;
        *first
    }

    /// The next so many bytes, or as many as there are.
    pub fn take(&mut self, count: usize) -> &'i [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// The next eight bytes as a number.
    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        let taken = self.take(8);
        bytes[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(bytes)
    }

    /// A small number most of the time, now and then any at all.
    pub fn length(&mut self) -> u64 {
        match self.byte() {
            255 => self.number(),
            small => u64::from(small),
        }
    }
}
