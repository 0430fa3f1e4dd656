//! What is written is read again, and what is damaged is not.

use std::fs;
use std::io::BufReader;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::line::{
    Action, Ban, FORMAT, Header, Imported, LONGEST, Line, Offender, PREFIXES, Prefixes, Said,
    Scope, VERSION,
};
use super::read::{self, Reader, Wrong};
use super::{Kind, aside, write};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_000_000 + seconds)
}

fn net(text: &str) -> ipnet::IpNet {
    text.parse().unwrap()
}

fn ban(source: &str) -> Line {
    Line::Ban(Ban {
        source: net(source),
        since: at(0),
        until: at(600),
        scope: Scope::Syn,
        hits: 7,
        syns: 503,
        syns_per_second: 503,
        handshakes: 0,
        source_port: 1 << 16 | 80,
        recent_ports: u64::MAX,
        port_set: 1 << 63,
    })
}

fn offender(source: &str) -> Line {
    Line::Offences(Offender {
        source: net(source),
        count: 3,
        until: at(600),
    })
}

fn list(name: &str) -> Line {
    Line::List(Imported {
        name: name.to_owned(),
        action: Action::Block,
        scope: Scope::All,
        imported: at(0),
        prefixes: 2,
    })
}

fn said(prefix: &str, lists: &[&str]) -> Line {
    Line::Rule(Said {
        prefix: net(prefix),
        action: Action::Allow,
        scope: Scope::All,
        since: at(0),
        until: None,
        hits: 0,
        lists: lists.iter().map(|name| (*name).to_owned()).collect(),
    })
}

fn prefixes(all: &[&str], lists: &[&str]) -> Line {
    Line::Prefixes(Prefixes {
        lists: lists.iter().map(|name| (*name).to_owned()).collect(),
        since: at(0),
        until: Some(at(900)),
        prefixes: all.iter().map(|text| net(text)).collect(),
    })
}

fn file(kind: Kind, lines: Vec<Line>) -> Vec<Line> {
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        kind,
        interface: "eth0".to_owned(),
        written: at(60),
        boot: "a-boot".to_owned(),
        dry_run: false,
        lines: lines.len() as u64,
    };
    std::iter::once(Line::Header(header)).chain(lines).collect()
}

fn bans() -> Vec<Line> {
    let lines = vec![
        ban("5.39.90.132/32"),
        ban("2001:db8:bad::/64"),
        offender("5.39.90.132/32"),
    ];
    file(Kind::Bans, lines)
}

fn rules() -> Vec<Line> {
    let lines = vec![
        list("drop"),
        said("192.0.2.0/24", &["drop"]),
        said("2001:db8::1/128", &[]),
        prefixes(&["198.51.100.0/24", "203.0.113.7/32"], &["drop"]),
    ];
    file(Kind::Rules, lines)
}

fn written(lines: &[Line]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/eth0/file");
    write::write(&path, lines).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(names, 1, "something was left");
    fs::read(path).unwrap()
}

/// The lines after the header, or what is wrong.
fn read(kind: Kind, bytes: &[u8]) -> Result<Vec<Line>, String> {
    let said = |wrong| match wrong {
        Wrong::Damaged(fault) => fault,
        Wrong::Unreadable(error) => panic!("{error}"),
    };
    let mut reader = Reader::begin(BufReader::new(bytes), kind, "eth0").map_err(said)?;
    let mut lines = Vec::new();
    while let Some(line) = reader.next().map_err(said)? {
        lines.push(line);
    }
    Ok(lines)
}

#[test]
fn what_is_written_is_read_again() {
    for (kind, lines) in [(Kind::Bans, bans()), (Kind::Rules, rules())] {
        let bytes = written(&lines);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(
            text.starts_with(r#"{"header":{"format":"synguard","version":1,"#),
            "{text}"
        );
        assert_eq!(read(kind, &bytes).unwrap(), lines[1..]);
    }
    let text = String::from_utf8(written(&bans())).unwrap();
    assert!(
        text.contains(r#""source":"5.39.90.132/32","since":"2026-11-18T11:06:40.000Z""#),
        "{text}"
    );
}

#[test]
fn a_line_of_as_many_prefixes_as_there_may_be_can_be_read() {
    let longest = "1111:1111:1111:1111:1111:1111:1111:1111/128";
    let lines = file(
        Kind::Rules,
        vec![list("drop"), prefixes(&vec![longest; PREFIXES], &["drop"])],
    );
    let bytes = written(&lines);
    assert!(bytes.len() < LONGEST);
    assert!(read(Kind::Rules, &bytes).is_ok());
}

#[test]
fn what_contradicts_itself_is_refused_by_its_line() {
    let header = |change: fn(&mut Header)| {
        let mut lines = bans();
        let Line::Header(header) = &mut lines[0] else {
            unreachable!()
        };
        change(header);
        lines
    };
    for (lines, said) in [
        (vec![], "it is empty"),
        (bans()[1..].to_vec(), "line 1: no header"),
        (
            header(|header| header.version = 2),
            "line 1: version 2, this build knows 1",
        ),
        (
            header(|header| header.interface = "br0".into()),
            "line 1: it is of br0",
        ),
        (
            header(|header| header.format = "other".into()),
            "line 1: it is a file of another kind",
        ),
        (
            header(|header| header.kind = Kind::Rules),
            "line 1: it is a file of another kind",
        ),
        (
            header(|header| header.lines = 9),
            "it ends after 3 of 9 lines",
        ),
        (
            header(|header| header.lines = 2),
            "line 4: more lines than the header says",
        ),
        (
            file(Kind::Bans, vec![list("a")]),
            "line 2: it belongs in another file",
        ),
        (
            file(Kind::Bans, vec![ban("5.39.90.132/24")]),
            "line 2: bits are set beyond a prefix, or it is everything",
        ),
        (
            file(Kind::Bans, vec![offender("0.0.0.0/0")]),
            "line 2: bits are set beyond a prefix, or it is everything",
        ),
        (
            file(Kind::Bans, bans()[..1].to_vec()),
            "line 2: a second header",
        ),
    ] {
        assert_eq!(read(Kind::Bans, &written(&lines)).unwrap_err(), said);
    }
    for (lines, said) in [
        (
            vec![list("a"), list("a")],
            "line 3: a list with such a name there cannot be",
        ),
        (
            vec![list("a b")],
            "line 2: a list with such a name there cannot be",
        ),
        (
            vec![said("192.0.2.0/24", &["a"])],
            "line 2: it names a list that there is not",
        ),
        (
            vec![prefixes(&["192.0.2.0/24"], &[])],
            "line 2: prefixes of no list, or too many",
        ),
    ] {
        let lines = file(Kind::Rules, lines);
        assert_eq!(read(Kind::Rules, &written(&lines)).unwrap_err(), said);
    }
}

#[test]
fn what_is_not_known_is_not_guessed() {
    let text = String::from_utf8(written(&bans())).unwrap();
    for (from, to) in [
        ("\"hits\":7", "\"hits\":7,\"color\":1"),
        ("\"hits\":7", "\"hits\":-7"),
        ("\"scope\":\"syn\"", "\"scope\":\"some\""),
        ("\"until\":\"2026", "\"until\":\"soon 2026"),
        ("{\"ban\"", "{\"banana\""),
        ("\n", "\n\n"),
        ("\n", "\r"),
    ] {
        let changed = text.replacen(from, to, 2);
        assert_ne!(changed, text);
        let fault = read(Kind::Bans, changed.as_bytes()).unwrap_err();
        assert!(fault.starts_with("line "), "{from}: {fault}");
    }
    let long = [text.as_bytes(), &vec![b'x'; 10 * LONGEST]].concat();
    assert_eq!(
        read(Kind::Bans, &long).unwrap_err(),
        "line 5: it is cut off, or too long"
    );
}

#[test]
fn only_its_owners_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bans.jsonl");
    write::write(&path, &bans()).unwrap();
    let fault = |path: &Path| read::open(path).unwrap().err();
    assert_eq!(fault(&path), None);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    assert_eq!(
        fault(&path).unwrap(),
        "others than its owner can write to it"
    );
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert_eq!(fault(&link).unwrap(), "it is a symbolic link");
    assert_eq!(fault(folder.path()).unwrap(), "it is no file");
    assert!(read::open(&folder.path().join("none")).is_err());
}

#[test]
fn what_is_set_aside_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bans.jsonl");
    fs::write(folder.path().join("rules.jsonl.bad-1"), "mine").unwrap();
    for second in 0..6 {
        fs::write(&path, format!("{second}")).unwrap();
        let aside = aside::set(&path, at(second)).unwrap();
        assert_eq!(fs::read_to_string(aside).unwrap(), format!("{second}"));
        assert!(!path.exists());
    }
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "bans.jsonl.bad-20261118T110643000Z",
            "bans.jsonl.bad-20261118T110644000Z",
            "bans.jsonl.bad-20261118T110645000Z",
            "rules.jsonl.bad-1",
        ]
    );
}

#[test]
fn what_was_left_half_written_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".saved-x.tmp", ".evidence-x.tmp", "bans.jsonl"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    write::tidy(folder.path());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

proptest! {
    /// Cut off anywhere, it is refused.
    #[test]
    fn what_is_cut_off_is_refused(share in 0.0_f64..1.0) {
        let bytes = written(&rules());
        let end = (bytes.len() as f64 * share) as usize;
        prop_assert!(read(Kind::Rules, &bytes[..end]).is_err());
    }

    /// Whatever a disk makes of it: refused, or read, but never a panic.
    #[test]
    fn damage_ends_nothing(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = written(&bans());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read(Kind::Bans, &bytes);
    }
}
