//! What maps say of their own layout ([`synguard_common::abi::layout`]).

use synguard_common::abi::ABI_VERSION;
use synguard_common::abi::layout::{LINE, PARTS, Part};
use synguard_common::verdict::Reason;

/// The word before the version.
const ABI: &str = "abi";
/// The word before the name of a counter.
const COUNTER: &str = "counter";

/// The layout of a filter's maps, as they say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The build's [`ABI_VERSION`].
    pub(super) abi: u32,
    /// Parts by name, with the version since which they are as they are.
    parts: Vec<(String, u32)>,
    /// The names of the counters, in order.
    pub(super) counters: Vec<String>,
}

impl Layout {
    /// That of this build.
    pub(super) fn own() -> Self {
        let label = |reason: Reason| reason.label().to_owned();
        Self {
            counters: Reason::ALL.map(label).to_vec(),
            ..Self::of(ABI_VERSION, &PARTS)
        }
    }

    /// One with these parts as this build has them, and counters without names.
    pub(super) fn of(abi: u32, parts: &[Part]) -> Self {
        let part = |part: &Part| (part.name.to_owned(), part.since);
        Self {
            abi,
            parts: parts.iter().map(part).collect(),
            counters: Vec::new(),
        }
    }

    /// Reads its lines. What is not understood is left out, as it may have come later.
    pub(super) fn parse(lines: impl IntoIterator<Item = [u8; LINE]>) -> Self {
        let mut layout = Self::default();
        for line in lines {
            let end = line.iter().position(|byte| *byte == 0).unwrap_or(LINE);
            let text = String::from_utf8_lossy(&line[..end]);
            match text.split_once(' ') {
                Some((COUNTER, name)) => layout.counters.push(name.to_owned()),
                Some((ABI, version)) => layout.abi = version.parse().unwrap_or(0),
                Some((part, since)) => {
                    let since = since.parse().map(|since| (part.to_owned(), since));
                    layout.parts.extend(since);
                }
                None => {}
            }
        }
        layout
    }

    /// Its lines.
    pub(super) fn lines(&self) -> Vec<[u8; LINE]> {
        let parts = self.parts.iter();
        let parts = parts.map(|(name, since)| format!("{name} {since}"));
        let counters = self.counters.iter().map(|name| format!("{COUNTER} {name}"));
        std::iter::once(format!("{ABI} {}", self.abi))
            .chain(parts)
            .chain(counters)
            .map(|text| padded(&text))
            .collect()
    }

    /// Whether entries begin as they do in this build.
    pub(super) fn has(&self, part: Part) -> bool {
        let is = |(name, since): &(String, u32)| name == part.name && *since == part.since;
        self.parts.iter().any(is)
    }
}

fn padded(text: &str) -> [u8; LINE] {
    let mut line = [0; LINE];
    for (place, byte) in line.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    line
}

#[cfg(test)]
mod tests {
    use synguard_common::abi::layout::{LINES, OFFENCES, RULES};

    use super::*;

    #[test]
    fn a_layout_survives_its_lines() {
        let own = Layout::own();
        let lines = own.lines();
        assert!(lines.len() <= LINES);
        // Without what was cut off.
        assert!(lines.iter().all(|line| line[LINE - 1] == 0));
        let empty = [[0; LINE]; 3];
        assert_eq!(Layout::parse(lines.into_iter().chain(empty)), own);
        assert!(PARTS.iter().all(|part| own.has(*part)));
    }

    #[test]
    fn what_begins_otherwise_or_is_unknown_is_not_read() {
        let lines = [
            "abi 9",
            "rules 7",
            "offences 4",
            "futures many",
            "counter x y",
        ];
        let layout = Layout::parse(lines.map(padded));
        assert_eq!((layout.abi, layout.counters.len()), (9, 1));
        assert!(!layout.has(RULES) && layout.has(OFFENCES));
        assert!(!Layout::parse([[0xff; LINE]]).has(RULES));
    }
}
