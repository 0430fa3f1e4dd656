//! Lists of addresses from elsewhere, as `synguard import` reads them.
//!
//! What a list is written in shows in its content, never in its name: plain
//! lines (FireHOL and the text form of Spamhaus DROP among them), JSON lines,
//! `ipset save`, nftables. Everything here is pure: bytes in, entries out.

mod bad;
mod format;
mod hint;
mod ipset;
mod json_lines;
mod lines;
mod list;
mod nft;
mod plain;
mod range;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use bad::{BadLine, BadLines};
use format::Format;
use ipnet::IpNet;
use lines::Progress;
use list::List;

/// What a list says about one prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The prefix.
    pub net: IpNet,
    /// For how long it stays, or `None` for an entry without an end. Never zero.
    pub lasting: Option<Duration>,
    /// Where it was found, counted from 1.
    pub line: u64,
}

/// Reads a whole list, and says now and then how many bytes of it are done.
///
/// The entries are sorted by prefix, and each prefix is there once: the entry
/// that lasts longest. A list may be empty.
///
/// # Errors
///
/// All lines that cannot be read: a list is taken as a whole or not at all.
pub fn parse(text: &[u8], progress: &mut dyn FnMut(u64)) -> Result<Vec<Entry>, BadLines> {
    let mut list = List::default();
    let mut progress = Progress::new(progress);
    let total = text.len();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    match Format::of(text) {
        Ok(Format::Plain) => plain::read(text, &mut list, &mut progress),
        Ok(Format::JsonLines) => json_lines::read(text, &mut list, &mut progress),
        Ok(Format::Ipset) => ipset::read(text, &mut list, &mut progress),
        Ok(Format::Nft) => nft::read(text, &mut list, &mut progress),
        Err(BadLine { line, what }) => list.refuse(line, what),
    }
    progress.end(total);
    list.finish()
}
