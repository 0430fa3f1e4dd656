//! What a file of evidence is called: `20261122T204211Z-5.39.90.132.pcapng`. By name they
//! are in the order of time.

use std::time::SystemTime;

use ipnet::IpNet;

use crate::{address, text};

const ENDING: &str = ".pcapng";
/// `20261122T204211Z`.
const STAMP: usize = 16;

/// The name for a source whose first packet came then.
pub(super) fn of(source: &IpNet, first: SystemTime) -> String {
    // Colons and slashes are nothing for names of files.
    let source = address::show(source).replace(':', "-").replace('/', "_");
    format!("{}-{source}{ENDING}", stamp(first))
}

/// How a name begins that is of this second.
pub(super) fn stamp(time: SystemTime) -> String {
    text::date(time).replace(['-', ':'], "")
}

/// The source that a name is of; none where it is no such name.
pub(super) fn source(name: &str) -> Option<IpNet> {
    let (stamp, rest) = name.split_at_checked(STAMP)?;
    let is_stamp = stamp
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"TZ".contains(&byte));
    let source = rest.strip_prefix('-')?.strip_suffix(ENDING)?;
    let source = source.replace('-', ":").replace('_', "/");
    address::parse_prefix(&source).ok().filter(|_| is_stamp)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_name_tells_the_source() {
        let time = UNIX_EPOCH + Duration::from_secs(1_795_380_131);
        for (net, expected) in [
            ("5.39.90.132/32", "5.39.90.132"),
            ("5.39.90.0/24", "5.39.90.0_24"),
            ("2001:db8:bad::/64", "2001-db8-bad--_64"),
            ("2001:db8::1/128", "2001-db8--1"),
        ] {
            let net = net.parse().unwrap();
            let name = of(&net, time);
            assert_eq!(name, format!("20261122T204211Z-{expected}.pcapng"));
            assert_eq!(source(&name), Some(net));
        }
    }

    #[test]
    fn other_names_are_nobodys() {
        for name in [
            "",
            ".tmp",
            "20261122T204211Z-5.39.90.132.pcap",
            "20261122T204211Z-5.39.90.pcapng",
            "2026-11-22T20:42-5.39.90.132.pcapng",
            "20261122T204211Z5.39.90.132.pcapng",
            "éééééééé-5.39.90.132.pcapng",
        ] {
            assert_eq!(source(name), None, "{name}");
        }
    }
}
