//! Addresses that nobody on the internet owns, so that nobody is asked whose they
//! are: IANA's special-purpose registries (RFC 6890, RFC 8190) where they say "not
//! globally reachable", and multicast.

use std::net::IpAddr;

use ipnet::IpNet;

/// Prefixes and what they are.
const SPECIAL: [(&str, &str); 27] = [
    ("0.0.0.0/8", "this network (RFC 791)"),
    ("10.0.0.0/8", "private use (RFC 1918)"),
    (
        "100.64.0.0/10",
        "shared address space of providers (RFC 6598)",
    ),
    ("127.0.0.0/8", "loopback (RFC 1122)"),
    ("169.254.0.0/16", "link-local (RFC 3927)"),
    ("172.16.0.0/12", "private use (RFC 1918)"),
    ("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
    ("192.0.2.0/24", "documentation (RFC 5737)"),
    ("192.88.99.0/24", "6to4 relays, withdrawn (RFC 7526)"),
    ("192.168.0.0/16", "private use (RFC 1918)"),
    ("198.18.0.0/15", "benchmarking (RFC 2544)"),
    ("198.51.100.0/24", "documentation (RFC 5737)"),
    ("203.0.113.0/24", "documentation (RFC 5737)"),
    ("224.0.0.0/4", "multicast (RFC 5771)"),
    ("240.0.0.0/4", "reserved (RFC 1112)"),
    ("::/128", "unspecified (RFC 4291)"),
    ("::1/128", "loopback (RFC 4291)"),
    ("::ffff:0:0/96", "mapped IPv4 (RFC 4291)"),
    ("64:ff9b:1::/48", "translation, private use (RFC 8215)"),
    ("100::/64", "discard only (RFC 6666)"),
    ("2001:db8::/32", "documentation (RFC 3849)"),
    ("2001::/23", "IETF protocol assignments (RFC 2928)"),
    ("3fff::/20", "documentation (RFC 9637)"),
    ("5f00::/16", "segment routing (RFC 9602)"),
    ("fc00::/7", "private use (RFC 4193)"),
    ("fe80::/10", "link-local (RFC 4291)"),
    ("ff00::/8", "multicast (RFC 4291)"),
];

/// What kind of special address it is; none for one that somebody owns.
pub fn special_purpose(address: IpAddr) -> Option<&'static str> {
    let address = address.to_canonical();
    let holds = |prefix: &str| {
        prefix
            .parse::<IpNet>()
            .is_ok_and(|net| net.contains(&address))
    };
    SPECIAL
        .iter()
        .find(|(prefix, _)| holds(prefix))
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_can_be_read() {
        for (prefix, _) in SPECIAL {
            let net: IpNet = prefix.parse().expect(prefix);
            assert_eq!(net, net.trunc(), "{prefix}");
        }
    }

    #[test]
    fn only_what_somebody_owns_is_asked_about() {
        for (address, expected) in [
            ("5.39.90.132", None),
            ("2a00:1450::1", None),
            ("2001:4860::1", None),
            ("10.1.2.3", Some("private use (RFC 1918)")),
            ("172.31.255.255", Some("private use (RFC 1918)")),
            ("172.32.0.0", None),
            (
                "100.64.0.1",
                Some("shared address space of providers (RFC 6598)"),
            ),
            ("::ffff:192.168.0.2", Some("private use (RFC 1918)")),
            ("255.255.255.255", Some("reserved (RFC 1112)")),
            ("fd00::1", Some("private use (RFC 4193)")),
            ("2001:db8::1", Some("documentation (RFC 3849)")),
        ] {
            assert_eq!(
                special_purpose(address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
    }
}
