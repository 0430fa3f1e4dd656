//! What a list is written in, as its first line with content shows.

use super::bad::BadLine;
use super::lines::{Line, lines};

/// How far a file that is no text is looked for the bytes that betray it.
const LOOKED_AT: usize = 1024;

const NFT_OBJECTS: [&[u8]; 9] = [
    b"chain",
    b"counter",
    b"element",
    b"flowtable",
    b"map",
    b"rule",
    b"ruleset",
    b"set",
    b"table",
];

const NFT_STATEMENTS: [&[u8]; 8] = [
    b"chain",
    b"define",
    b"elements",
    b"include",
    b"map",
    b"redefine",
    b"set",
    b"table",
];

const IPSET_COMMANDS: [&[u8]; 15] = [
    b"-!", b"-A", b"-D", b"-E", b"-F", b"-N", b"-W", b"-X", b"-exist", b"COMMIT", b"del", b"n",
    b"new", b"rename", b"swap",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    JsonLines,
    Ipset,
    Nft,
}

impl Format {
    /// The format of a text, or what else it is. A text without content is plain.
    pub(super) fn of(text: &[u8]) -> Result<Self, BadLine> {
        if is_binary(text) {
            return Err(BadLine {
                line: 1,
                what: "this is no text: unpack it if it is compressed, or save it as UTF-8"
                    .to_owned(),
            });
        }
        let Some(line) = lines(text).find(|line| !line.is_silent()) else {
            return Ok(Self::Plain);
        };
        match not_a_list(&line) {
            Some(what) => Err(BadLine {
                line: line.number,
                what: what.to_owned(),
            }),
            None => Ok(Self::of_line(&line)),
        }
    }

    fn of_line(line: &Line<'_>) -> Self {
        if line.text.starts_with(b"{") {
            return Self::JsonLines;
        }
        let mut words = line.words();
        let (first, second) = (words.next().unwrap_or(b""), words.next().unwrap_or(b""));
        match first {
            b"add" | b"create" | b"delete" | b"destroy" | b"flush" => {
                if NFT_OBJECTS.contains(&second) {
                    Self::Nft
                } else {
                    Self::Ipset
                }
            }
            _ if NFT_STATEMENTS.contains(&first) || first.starts_with(b"elements=") => Self::Nft,
            _ if IPSET_COMMANDS.contains(&first) => Self::Ipset,
            _ => Self::Plain,
        }
    }
}

fn is_binary(text: &[u8]) -> bool {
    let start = &text[..text.len().min(LOOKED_AT)];
    start.contains(&0) || start.starts_with(b"\x1f\x8b")
}

/// What a person may have saved instead of a list, and what to do.
fn not_a_list(line: &Line<'_>) -> Option<&'static str> {
    let starts = |with: &[u8]| line.text.starts_with(with);
    if starts(b"<ipset") {
        Some("this is what `ipset save -o xml` prints: import what `ipset save` prints")
    } else if starts(b"<") {
        Some("this looks like a web page, not a list: open it in a browser to see what it says")
    } else if starts(b"Name:") {
        Some("this is what `ipset list` prints: import what `ipset save` prints")
    } else if starts(b"{\"nftables\"") {
        Some("this is what `nft -j` prints: import what `nft list set` prints without -j")
    } else if starts(b"[") {
        Some(
            "this is one JSON array: the JSON that can be read has one object {\"cidr\": …} a line",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_with_content_tells() {
        use Format::{Ipset, JsonLines, Nft, Plain};
        for (text, format) in [
            ("", Plain),
            ("# add x 192.0.2.1\n", Plain),
            ("192.0.2.1", Plain),
            ("; Spamhaus\r\n\r\n192.0.2.0/24 ; SBL1\r\n", Plain),
            ("add 192.0.2.1", Ipset),
            ("create x hash:ip", Ipset),
            ("create table hash:ip family inet", Nft),
            ("flush x", Ipset),
            ("-N x hash:ip", Ipset),
            ("flush ruleset", Nft),
            ("#!/usr/sbin/nft -f\n\ntable ip x {", Nft),
            ("add element ip t s { 192.0.2.1 }", Nft),
            ("define X = { 192.0.2.1 }", Nft),
            ("elements={ 192.0.2.1 }", Nft),
            ("{\"cidr\":\"192.0.2.0/24\"}", JsonLines),
        ] {
            assert_eq!(Format::of(text.as_bytes()), Ok(format), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_named() {
        for (text, line, hint) in [
            (b"\n<!DOCTYPE html>\n".as_slice(), 2, "web page"),
            (b"\x1f\x8b\x08abc", 1, "compressed"),
            (b"\xff\xfe1\x002\x00", 1, "UTF-8"),
            (b"Name: x\nType: hash:ip\n", 1, "`ipset save`"),
            (b"<ipsets>", 1, "`ipset save`"),
            (b"{\"nftables\": []}", 1, "without -j"),
            (b"[\"192.0.2.1\"]", 1, "one object"),
        ] {
            let bad = Format::of(text).unwrap_err();
            assert_eq!(bad.line, line);
            assert!(bad.what.contains(hint), "{bad}");
        }
    }
}
