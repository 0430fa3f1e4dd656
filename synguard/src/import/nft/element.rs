//! One element of a set: an address, a prefix or a range, and its options.

use std::borrow::Cow;
use std::time::Duration;

use super::super::hint::shown;

/// The words between two commas.
#[derive(Default)]
pub(super) struct Element<'a> {
    words: Vec<&'a [u8]>,
    line: u64,
}

const OPTIONS: [&[u8]; 7] = [
    b"comment", b"counter", b"expires", b"last", b"limit", b"quota", b"timeout",
];

impl<'a> Element<'a> {
    pub(super) fn push(&mut self, line: u64, word: &'a [u8]) {
        if self.words.is_empty() {
            self.line = line;
        }
        self.words.push(word);
    }

    pub(super) fn clear(&mut self) {
        self.words.clear();
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The name behind `$`, if that is what the element is.
    pub(super) fn variable(&self) -> Option<&'a [u8]> {
        match self.words.as_slice() {
            [only] => only.strip_prefix(b"$"),
            _ => None,
        }
    }

    /// The address, prefix or range.
    pub(super) fn value(&self) -> Cow<'a, [u8]> {
        match self.split().0 {
            [only] => Cow::Borrowed(only),
            words => Cow::Owned(words.join(b" ".as_slice())),
        }
    }

    /// For how long it stays: what is left of its time, or its whole time, or
    /// what its set says.
    pub(super) fn lasting(&self, set: Option<Duration>) -> Result<Option<Duration>, String> {
        let options = self.split().1;
        let after = |name: &[u8]| {
            let at = options.iter().position(|word| *word == name)?;
            Some(options.get(at + 1).copied().unwrap_or(b""))
        };
        match (after(b"expires"), after(b"timeout")) {
            // Nothing left is nearly over, not without an end.
            (Some(left), _) => Ok(duration(left)?.or(Some(Duration::from_millis(1)))),
            (None, Some(time)) => duration(time),
            (None, None) => Ok(set),
        }
    }

    fn split(&self) -> (&[&'a [u8]], &[&'a [u8]]) {
        let options = self.words.iter().position(|word| OPTIONS.contains(word));
        self.words.split_at(options.unwrap_or(self.words.len()))
    }
}

/// A time as nft writes it, `1h2m3s`: zero and `never` are no end.
pub(super) fn duration(word: &[u8]) -> Result<Option<Duration>, String> {
    if word == b"never" {
        return Ok(None);
    }
    let time = std::str::from_utf8(word)
        .ok()
        .and_then(|word| humantime::parse_duration(word).ok())
        .ok_or_else(|| format!("{} is no time such as 1h2m3s", shown(word)))?;
    Ok((!time.is_zero()).then_some(time))
}
