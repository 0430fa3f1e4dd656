//! What holds for every format.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use proptest::prelude::*;

use super::{Entry, parse};
use crate::text::duration;

/// The entries of a list, as text.
pub(super) fn read(text: &str) -> Vec<String> {
    let entries = parse(text.as_bytes(), &mut |_| ()).unwrap();
    let show = |entry: &Entry| {
        let lasting = entry.lasting.map(duration);
        let lasting = lasting.map_or(String::new(), |time| format!(" for {time}"));
        format!("{} line {}{lasting}", entry.net, entry.line)
    };
    entries.iter().map(show).collect()
}

/// Checks that these lines of a list, and no others, are bad.
pub(super) fn assert_bad(text: &str, expected: &[(u64, &str)]) {
    let bad = parse(text.as_bytes(), &mut |_| ()).unwrap_err();
    let lines = |bad: &[(u64, &str)]| bad.iter().map(|(line, _)| *line).collect::<Vec<_>>();
    let found: Vec<_> = (bad.first().iter())
        .map(|bad| (bad.line, bad.what.as_str()))
        .collect();
    assert_eq!(lines(&found), lines(expected), "{bad}");
    for ((_, what), (_, hint)) in found.iter().zip(expected) {
        assert!(what.contains(hint), "{what} does not say {hint}");
    }
}

#[test]
fn progress_ends_at_the_end() {
    let text = "192.0.2.1\n".repeat(50_000);
    let mut told = Vec::new();
    parse(text.as_bytes(), &mut |done| told.push(done)).unwrap();
    assert!(told.is_sorted() && told.len() > 5, "{told:?}");
    assert_eq!(told.last(), Some(&500_000));
}

#[test]
fn a_web_page_is_one_bad_line() {
    let page = "<!DOCTYPE html>\n<html>\n<body>404</body>\n";
    assert_bad(page, &[(1, "looks like a web page")]);
}

type Printed = (IpNet, Option<Duration>);

/// Prefixes as lists have them, with an end or without.
fn any_entries() -> impl Strategy<Value = Vec<Printed>> {
    let v4 = (any::<u32>(), 1..=32_u8)
        .prop_map(|(bits, length)| (IpAddr::from(Ipv4Addr::from_bits(bits)), length));
    // Mapped addresses would be read as IPv4.
    let v6 = (any::<u128>(), 1..=128_u8)
        .prop_map(|(bits, length)| (Ipv6Addr::from_bits(bits | 1 << 127).into(), length));
    let net = prop_oneof![v4, v6]
        .prop_map(|(address, length)| IpNet::new(address, length).unwrap().trunc());
    let lasting = proptest::option::of((1..1_000_000_u64).prop_map(Duration::from_secs));
    prop::collection::vec((net, lasting), 1..40)
}

/// The entries sorted, each prefix once, with the longest of its ends.
fn merged(entries: &[Printed]) -> Vec<Printed> {
    let mut kept = std::collections::BTreeMap::new();
    for (net, lasting) in entries {
        let lasting = lasting.unwrap_or(Duration::MAX);
        let longest = kept.entry(*net).or_insert(lasting);
        *longest = lasting.max(*longest);
    }
    (kept.into_iter())
        .map(|(net, end)| (net, (end != Duration::MAX).then_some(end)))
        .collect()
}

fn parsed(text: &str) -> Vec<Printed> {
    let entries = parse(text.as_bytes(), &mut |_| ()).unwrap();
    (entries.iter())
        .map(|entry| (entry.net, entry.lasting))
        .collect()
}

/// A text of one line an entry.
fn print(entries: &[Printed], line: impl Fn(&IpNet, Option<Duration>) -> String) -> String {
    (entries.iter()).fold(String::new(), |mut text, (net, lasting)| {
        writeln!(text, "{}", line(net, *lasting)).unwrap();
        text
    })
}

fn without_ends(entries: &[Printed]) -> Vec<Printed> {
    entries.iter().map(|(net, _)| (*net, None)).collect()
}

proptest! {
    #[test]
    fn lines_without_ends_come_back(entries in any_entries(), crlf: bool) {
        let expected = merged(&without_ends(&entries));
        let end = if crlf { "\r" } else { "" };
        let plain = print(&entries, |net, _| format!(" {net} ; SBL1{end}"));
        prop_assert_eq!(parsed(&plain), &expected[..]);
        let ranges = print(&entries, |net, _| {
            format!("{}-{} # x{end}", net.network(), net.broadcast())
        });
        prop_assert_eq!(parsed(&ranges), &expected[..]);
        let rows = print(&entries, |net, _| format!("{{\"cidr\":\"{net}\"}}{end}"));
        prop_assert_eq!(parsed(&rows), &expected[..]);
    }

    #[test]
    fn members_come_back(entries in any_entries()) {
        let text = print(&entries, |net, lasting| {
            let seconds = lasting.map_or(0, |time| time.as_secs());
            format!("add x {net} timeout {seconds} comment \"a # b\"")
        });
        prop_assert_eq!(parsed(&text), merged(&entries));
    }

    #[test]
    fn elements_come_back(entries in any_entries()) {
        let elements = print(&entries, |net, lasting| {
            let timeout = lasting.map(|time| format!("timeout {}s", time.as_secs()));
            let timeout = timeout.unwrap_or_default();
            format!("{net} {timeout} comment \"a, b }}\",")
        });
        let text = format!("table inet t {{\nset s {{\nelements = {{ {elements} }}\n}}\n}}\n");
        prop_assert_eq!(parsed(&text), merged(&entries));
    }

    #[test]
    fn no_bytes_are_too_strange(bytes: Vec<u8>) {
        let _ = parse(&bytes, &mut |_| ());
    }

    #[test]
    fn no_words_are_too_strange(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "add ", "create ", "element ", "set ", "table ", "define ", "elements ", "x ", "$x",
                "timeout ", "expires ", "comment ", "type ipv4_addr", "type mark", "hash:ip ",
                "list:set ", "nomatch ", "netmask ", "24 ", "192.0.2.1", "192.0.2.0/24", "-", "{",
                "}", "=", ",", ";", "\n", "\r\n", "\\\n", "\"", "#", " ", "\u{feff}", "<", "é",
            ]),
            0..60,
        )
    ) {
        let _ = parse(words.concat().as_bytes(), &mut |_| ());
    }
}
