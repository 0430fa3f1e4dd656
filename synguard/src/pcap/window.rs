//! A stream seen through a window of bytes that moves on over it.

use std::io::{self, Read};

/// Large enough that system calls cost nothing beside the packets in it.
const CAPACITY: usize = 1 << 20;

/// The bytes of a stream from [`Self::offset`] on.
pub(super) struct Window<R> {
    stream: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            bytes: vec![0; CAPACITY],
            start: 0,
            end: 0,
            offset: 0,
        }
    }

    /// How many bytes lie before the window.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next `count` bytes, or all that are left where there are fewer.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.end - self.start < count {
            self.fill(count)?;
        }
        Ok(self.seen(count))
    }

    /// What [`Self::peek`] has brought into the window, `count` bytes at most.
    pub(super) fn seen(&self, count: usize) -> &[u8] {
        &self.bytes[self.start..self.end.min(self.start.saturating_add(count))]
    }

    /// Moves on by `count` bytes, which were seen.
    pub(super) fn advance(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    fn fill(&mut self, count: usize) -> io::Result<()> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.bytes.len() < count {
            self.bytes.resize(count, 0);
        }
        while self.end < count {
            match self.stream.read(&mut self.bytes[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, as a slow pipe does.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = buffer.len().min(1);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn all_bytes_pass_by_once_and_in_order() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut window = Window::new(Trickle(&bytes));
        let mut passed = Vec::new();
        for count in [1, 7, 100, 100, 40, 100] {
            let seen = window.peek(count).unwrap().to_vec();
            window.advance(seen.len());
            passed.extend(seen);
        }
        assert_eq!(passed, bytes);
        assert_eq!(window.offset(), 256);
        assert!(window.peek(1).unwrap().is_empty());
    }

    #[test]
    fn more_than_the_window_holds_makes_it_larger() {
        let bytes = vec![7; CAPACITY + 10];
        let mut window = Window::new(&bytes[..]);
        assert_eq!(window.peek(CAPACITY + 5).unwrap().len(), CAPACITY + 5);
    }
}
