//! What the maps of a filter say of their own layout, so that another build can take
//! them over without misreading one.
//!
//! Two maps never change: this one, an array of [`LINES`] lines of text of [`LINE`] bytes,
//! filled up with zeros; and the first word of the settings, which is the
//! [`ABI_VERSION`](super::ABI_VERSION). The lines say `abi 6`, then for each of [`PARTS`]
//! the version since which its entries begin as they do: `rules 4`. Then come the names of
//! the counters in their order: `counter banned`.
//!
//! An entry may grow at its end, where zeros have to mean what there was before. Whatever
//! else changes is a new beginning, and its number in [`PARTS`] is raised.

use crate::verdict::Reason;

/// How long a line is, in bytes.
pub const LINE: usize = 64;
/// How many lines there are.
pub const LINES: usize = 128;

/// Maps of one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// The version since which entries begin as they do.
    pub since: u32,
    /// How long they were then, in bytes.
    pub bytes: usize,
}

/// The parts that another build takes over.
pub const PARTS: [Part; 6] = [SETTINGS, ATTACHMENT, RULES, OFFENCES, LISTS, SOURCES];

/// [`Settings`](super::Settings).
pub const SETTINGS: Part = part("settings", 4, 112);
/// [`Attachment`](super::Attachment).
pub const ATTACHMENT: Part = part("attachment", 4, 48);
/// [`Rule`](super::Rule), and the keys of the four maps of rules.
pub const RULES: Part = part("rules", 4, 64);
/// [`Offences`](super::Offences), by source.
pub const OFFENCES: Part = part("offences", 4, 16);
/// [`List`](super::List).
pub const LISTS: Part = part("lists", 4, 64);
/// [`SourceRecord`](super::SourceRecord), by source.
pub const SOURCES: Part = part("sources", 4, 136);

const fn part(name: &'static str, since: u32, bytes: usize) -> Part {
    Part { name, since, bytes }
}

const _: () = assert!(1 + PARTS.len() + Reason::COUNT <= LINES);
