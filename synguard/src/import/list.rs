//! The list while it is being read.

use std::time::Duration;

use ipnet::IpNet;

use super::Entry;
use super::bad::BadLines;
use super::{hint, range};
use crate::address::parse_prefix;

#[derive(Default)]
pub(super) struct List {
    entries: Vec<Entry>,
    bad: BadLines,
}

impl List {
    /// Takes in what somebody wrote for an address, a prefix or a range.
    pub(super) fn add(&mut self, text: &[u8], lasting: Option<Duration>, line: u64) {
        let Ok(text) = std::str::from_utf8(text) else {
            let shown = hint::shown(text);
            return self.refuse(line, format!("{shown} is no UTF-8 text"));
        };
        if let Some((first, last)) = text.split_once('-') {
            match range::prefixes(text, first, last) {
                Ok(nets) => nets.for_each(|net| self.push(net, lasting, line)),
                Err(what) => self.refuse(line, what),
            }
        } else {
            match parse_prefix(text) {
                Ok(net) => self.push(net, lasting, line),
                Err(error) => {
                    self.refuse(line, hint::of(text).unwrap_or_else(|| error.to_string()));
                }
            }
        }
    }

    fn push(&mut self, net: IpNet, lasting: Option<Duration>, line: u64) {
        self.entries.push(Entry { net, lasting, line });
    }

    pub(super) fn refuse(&mut self, line: u64, what: impl Into<String>) {
        self.bad.add(line, what);
    }

    pub(super) fn finish(mut self) -> Result<Vec<Entry>, BadLines> {
        if !self.bad.is_empty() {
            return Err(self.bad);
        }
        // The entry that lasts longest comes first, and the first is kept.
        self.entries.sort_unstable_by(|a, b| {
            (a.net.cmp(&b.net))
                .then_with(|| end(b).cmp(&end(a)))
                .then(a.line.cmp(&b.line))
        });
        self.entries.dedup_by_key(|entry| entry.net);
        Ok(self.entries)
    }
}

fn end(entry: &Entry) -> Duration {
    entry.lasting.unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_lasts_longest_is_kept() {
        let mut list = List::default();
        let secs = |secs| Some(Duration::from_secs(secs));
        for (line, text, lasting) in [
            (1, "198.51.100.0/24", secs(5)),
            (2, "192.0.2.1", secs(5)),
            (3, "192.0.2.1", secs(7)),
            (4, "198.51.100.0/24", None),
            (5, "192.0.2.1/32", secs(7)),
        ] {
            list.add(text.as_bytes(), lasting, line);
        }
        let kept: Vec<_> = (list.finish().unwrap().iter())
            .map(|entry| (entry.net.to_string(), entry.lasting, entry.line))
            .collect();
        assert_eq!(
            kept,
            [
                ("192.0.2.1/32".to_owned(), secs(7), 3),
                ("198.51.100.0/24".to_owned(), None, 4)
            ]
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_a_bad_line() {
        let mut list = List::default();
        list.add(b"192.0.2.\xff", None, 9);
        let bad = list.finish().unwrap_err().to_string();
        assert!(
            bad.starts_with("line 9: 192.0.2.") && bad.ends_with("UTF-8 text"),
            "{bad}"
        );
    }
}
