//! One JSON object a line, as Spamhaus publishes DROP now.

use std::borrow::Cow;

use serde::Deserialize;

use super::lines::{Line, Progress, lines};
use super::list::List;

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    cidr: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

pub(super) fn read(text: &[u8], list: &mut List, progress: &mut Progress<'_>) {
    for line in lines(text) {
        progress.at(line.start);
        if !line.is_silent() {
            read_row(&line, list);
        }
    }
}

fn read_row(line: &Line<'_>, list: &mut List) {
    let row: Row<'_> = match serde_json::from_slice(line.text) {
        Ok(row) => row,
        Err(error) => {
            let what = format!("this is no JSON object of its own: {error}");
            return list.refuse(line.number, what);
        }
    };
    match row.cidr {
        Some(cidr) => list.add(cidr.as_bytes(), None, line.number),
        // The last line tells when the list was made.
        None if row.kind.as_deref() == Some("metadata") => (),
        None => list.refuse(line.number, "this object names no \"cidr\""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_bad, read};

    #[test]
    fn rows_and_their_metadata_are_read() {
        let text = "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL256894\",\"rir\":\"apnic\"}\r\n\
                    # of ours\n\n{\"rir\":\"ripencc\",\"cidr\":\"2001:db8::\\/32\"}\n\
                    {\"type\":\"metadata\",\"timestamp\":1711000000,\"size\":2,\"records\":2}\n";
        assert_eq!(read(text), ["1.10.16.0/20 line 1", "2001:db8::/32 line 4"]);
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = "{\"cidr\":\"1.10.16.1/20\"}\n{\"cidr\":7}\n{\"asn\":64496}\n{\n\
                    192.0.2.1\n{\"cidr\":\"192.0.2.1\"}}\n{\"cidr\":\"example.org\"}\n";
        assert_bad(
            text,
            &[
                (1, "1.10.16.0/20"),
                (2, "no JSON object of its own"),
                (3, "names no \"cidr\""),
                (4, "no JSON object of its own"),
                (5, "no JSON object of its own"),
                (6, "no JSON object of its own"),
                (7, "is a name"),
            ],
        );
    }
}
