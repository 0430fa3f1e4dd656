//! Lines and their numbers, and how far a reader has come.

/// How many bytes are read between two words about progress.
const STEP: usize = 1 << 16;

/// Says now and then how many bytes are done.
pub(super) struct Progress<'a> {
    tell: &'a mut dyn FnMut(u64),
    next: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(tell: &'a mut dyn FnMut(u64)) -> Self {
        Self { tell, next: STEP }
    }

    pub(super) fn at(&mut self, done: usize) {
        if done >= self.next {
            self.next = done + STEP;
            self.end(done);
        }
    }

    pub(super) fn end(&mut self, done: usize) {
        (self.tell)(u64::try_from(done).unwrap_or(u64::MAX));
    }
}

/// A line without the blanks around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) text: &'a [u8],
    /// Where it begins.
    pub(super) start: usize,
}

impl<'a> Line<'a> {
    /// Whether the line says nothing: blank, or a comment as a whole.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.text.first(), None | Some(b'#' | b';'))
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &'a [u8]> {
        self.text
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
    }
}

/// All lines of a text.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut next = 0;
    (1..)
        .zip(text.split(|byte| *byte == b'\n'))
        .map(move |(number, line)| {
            let start = next;
            next += line.len() + 1;
            let text = line.trim_ascii();
            Line {
                number,
                text,
                start,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_trimmed() {
        let read: Vec<_> = lines(b" a \r\n\r\n# b\nc")
            .filter(|line| !line.is_silent())
            .map(|line| (line.number, line.text, line.start))
            .collect();
        assert_eq!(read, [(1, b"a".as_slice(), 0), (4, b"c".as_slice(), 11)]);
    }

    #[test]
    fn progress_is_told_now_and_then() {
        let mut told = Vec::new();
        let mut tell = |done| told.push(done);
        let mut progress = Progress::new(&mut tell);
        for done in [1, 65_535, 65_536, 65_540, 140_000] {
            progress.at(done);
        }
        progress.end(140_007);
        assert_eq!(told, [65_536, 140_000, 140_007]);
    }
}
