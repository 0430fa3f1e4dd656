//! One address, prefix or range a line, with comments.
//!
//! FireHOL's netsets and the text form of Spamhaus DROP are this too.

use super::lines::{Progress, lines};
use super::list::List;

pub(super) fn read(text: &[u8], list: &mut List, progress: &mut Progress<'_>) {
    for line in lines(text) {
        progress.at(line.start);
        let entry = without_comment(line.text);
        if !entry.is_empty() {
            list.add(entry, None, line.number);
        }
    }
}

fn without_comment(line: &[u8]) -> &[u8] {
    let comment = line.iter().position(|byte| matches!(byte, b'#' | b';'));
    comment.map_or(line, |at| line[..at].trim_ascii_end())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_bad, read};

    #[test]
    fn lines_are_read_as_people_write_them() {
        let text = "\u{feff}# ours\r\n\r\n  192.0.2.1\t\r\n192.0.2.0/28 # the lab\r\n\
                    198.51.100.4 - 198.51.100.9;x # y\r\n::ffff:203.0.113.0/120\r\n2001:db8::1";
        assert_eq!(
            read(text),
            [
                "192.0.2.0/28 line 4",
                "192.0.2.1/32 line 3",
                "198.51.100.4/30 line 5",
                "198.51.100.8/31 line 5",
                "203.0.113.0/24 line 6",
                "2001:db8::1/128 line 7",
            ]
        );
    }

    #[test]
    fn spamhaus_and_firehol_are_plain() {
        let drop = "; Spamhaus DROP List 2024/04/01\n; Expires: Mon\n1.10.16.0/20 ; SBL256894\n";
        assert_eq!(read(drop), ["1.10.16.0/20 line 3"]);
        let netset = "#\n# firehol_level1\n#\n# Entries: 2\n\n0.0.0.0/8\n1.10.16.0/20\n";
        assert_eq!(read(netset), ["0.0.0.0/8 line 6", "1.10.16.0/20 line 7"]);
    }

    #[test]
    fn a_list_without_entries_is_empty() {
        for text in ["", "\n", "# nothing today\n;\n"] {
            assert!(read(text).is_empty());
        }
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = "192.0.2.1\n192.0.2.1/24\nexample.org\n\n0.0.0.0/0\n192.0.2.9-192.0.2.1\n\
                    add x 192.0.2.1\n<b>192.0.2.1</b>\n";
        assert_bad(
            text,
            &[
                (2, "192.0.2.0/24"),
                (3, "is a name"),
                (5, "narrower"),
                (6, "backwards"),
                (7, "no address"),
                (8, "no address"),
            ],
        );
    }

    #[test]
    fn a_comment_may_hold_any_bytes() {
        let list = super::super::parse(b"192.0.2.1 # caf\xe9\n", &mut |_| ()).unwrap();
        assert_eq!(list.len(), 1);
    }
}
