//! What a file is, by its first bytes.

use super::damage::Unreadable;

/// The two formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Classic,
    NextGeneration,
}

/// Files that are no captures but hold or resemble one, and what to do with them.
const OTHERS: [(&[u8], &str); 8] = [
    (
        &[0x1f, 0x8b],
        "compressed: pipe `gzip -dc FILE` into this command, with `-` in the file's place",
    ),
    (
        &[0x28, 0xb5, 0x2f, 0xfd],
        "compressed: pipe `zstd -dc FILE` into this command, with `-` in the file's place",
    ),
    (
        &[0xfd, b'7', b'z', b'X', b'Z'],
        "compressed: pipe `xz -dc FILE` into this command, with `-` in the file's place",
    ),
    (
        b"BZh",
        "compressed: pipe `bzip2 -dc FILE` into this command, with `-` in the file's place",
    ),
    (
        &[0x04, 0x22, 0x4d, 0x18],
        "compressed: pipe `lz4 -dc FILE` into this command, with `-` in the file's place",
    ),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (
        b"snoop\0\0\0",
        "a capture of Solaris' snoop: `editcap FILE new.pcap` makes a pcap of it",
    ),
    (
        &[0xa1, 0xb2, 0xcd, 0x34],
        "a pcap of a modified kind, big-endian: `editcap FILE new.pcap` makes a usual one of it",
    ),
];

/// Recognises a file by its first twelve bytes, or fewer where it has no more.
pub(super) fn recognise(first: &[u8]) -> Result<Format, Unreadable> {
    match first.first_chunk() {
        Some([0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] | [0x34, 0xcd, 0xb2, 0xa1]) => {
            Ok(Format::Classic)
        }
        Some([0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d]) => Ok(Format::Classic),
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => Ok(Format::NextGeneration),
        _ => Err(Unreadable(other(first))),
    }
}

fn other(first: &[u8]) -> String {
    if first.is_empty() {
        return "is empty".to_owned();
    }
    let known = OTHERS.iter().find(|(magic, _)| first.starts_with(magic));
    if let Some((_, what)) = known {
        return format!("is {what}");
    }
    let bytes: Vec<_> = first.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!(
        "is no pcap and no pcapng file: it begins with the bytes {}",
        bytes.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_their_first_bytes_say() {
        for (bytes, expected) in [
            (&[0xd4, 0xc3, 0xb2, 0xa1][..], Ok(Format::Classic)),
            (&[0xa1, 0xb2, 0xc3, 0xd4], Ok(Format::Classic)),
            (&[0x4d, 0x3c, 0xb2, 0xa1], Ok(Format::Classic)),
            (&[0xa1, 0xb2, 0x3c, 0x4d], Ok(Format::Classic)),
            (&[0x34, 0xcd, 0xb2, 0xa1], Ok(Format::Classic)),
            (&[0x0a, 0x0d, 0x0d, 0x0a], Ok(Format::NextGeneration)),
            (&[], Err("is empty")),
            (&[0xd4, 0xc3], Err("begins with the bytes d4 c3")),
            (&[0x1f, 0x8b, 8, 0], Err("gzip -dc")),
            (&[0xa1, 0xb2, 0xcd, 0x34], Err("editcap")),
            (b"#!/bin/sh", Err("23 21 2f 62")),
        ] {
            match (recognise(bytes), expected) {
                (Ok(format), Ok(expected)) => assert_eq!(format, expected, "{bytes:02x?}"),
                (Err(error), Err(words)) => assert!(error.0.contains(words), "{error}"),
                (found, _) => panic!("{bytes:02x?}: {found:?}"),
            }
        }
    }
}
