//! Addresses and prefixes, between what people write and what the maps hold.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use synguard_common::source::{Address, SourceMask};

use crate::{Error, Result};

/// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::1` or `2001:db8::/32`.
///
/// # Errors
///
/// [`Error::Usage`] for anything else, for bits set beyond the prefix, and for
/// a prefix that is every address there is.
pub fn parse_prefix(text: &str) -> Result<IpNet> {
    let net = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address.to_canonical()),
        Err(_) => unmapped(text.parse().map_err(|_| not_an_address(text))?),
    };
    if net.addr() != net.network() {
        return Err(Error::Usage(format!(
            "{text} has bits set beyond its prefix: did you mean {} or {}?",
            net.trunc(),
            net.addr(),
        )));
    }
    if net.prefix_len() == 0 {
        return Err(Error::Usage(format!(
            "{text} is every address there is: name something narrower"
        )));
    }
    Ok(net)
}

/// An IPv4 prefix where it was written as a mapped IPv6 one.
fn unmapped(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(v6) if net.prefix_len() >= 96 => v6.addr().to_ipv4_mapped(),
        _ => None,
    };
    mapped
        .and_then(|v4| IpNet::new(v4.into(), net.prefix_len() - 96).ok())
        .unwrap_or(net)
}

fn not_an_address(text: &str) -> Error {
    Error::Usage(format!(
        "{text} is no address and no prefix: write 192.0.2.1, 192.0.2.0/24, 2001:db8::1 or 2001:db8::/32"
    ))
}

/// The address as the packet path holds it.
pub fn to_words(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(v4) => Address::v4(u32::from_ne_bytes(v4.octets())),
        IpAddr::V6(v6) => {
            let o = v6.octets();
            Address::V6(
                [0, 4, 8, 12].map(|i| u32::from_ne_bytes([o[i], o[i + 1], o[i + 2], o[i + 3]])),
            )
        }
    }
}

/// The address that the packet path holds.
pub fn from_words(address: Address) -> IpAddr {
    match address {
        Address::V4([.., word]) => Ipv4Addr::from(word.to_ne_bytes()).into(),
        Address::V6(words) => {
            let mut octets = [0; 16];
            for (place, word) in octets.chunks_exact_mut(4).zip(words) {
                place.copy_from_slice(&word.to_ne_bytes());
            }
            Ipv6Addr::from(octets).into()
        }
    }
}

/// How many bits of an address name one source.
pub fn source_bits(address: IpAddr, mask: &SourceMask) -> u8 {
    let bits = match address {
        IpAddr::V4(_) => mask.v4.count_ones(),
        IpAddr::V6(_) => mask.v6.iter().map(|word| word.count_ones()).sum(),
    };
    u8::try_from(bits).unwrap_or(u8::MAX)
}

/// Whether a prefix is exactly one source.
pub fn is_source(net: &IpNet, mask: &SourceMask) -> bool {
    net.prefix_len() == source_bits(net.addr(), mask)
}

/// The prefix that a source's address stands for.
///
/// # Panics
///
/// Never: a mask has at most as many bits as the address.
pub fn source_net(source: Address, mask: &SourceMask) -> IpNet {
    let address = from_words(source.masked(mask));
    IpNet::new(address, source_bits(address, mask)).expect("a mask is no longer than its address")
}

/// The prefix that a record stands for: a source's, or a protected address that
/// is counted by itself.
///
/// # Panics
///
/// Never, as [`source_net`].
pub fn record_net(address: IpAddr, mask: &SourceMask) -> IpNet {
    let words = to_words(address);
    if words.masked(mask) == words {
        source_net(words, mask)
    } else {
        IpNet::from(address)
    }
}

/// An address without a prefix length where the prefix is one address.
pub fn show(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1/128", "192.0.2.1"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ] {
            assert_eq!(show(&parse_prefix(text).unwrap()), expected);
        }
    }

    #[test]
    fn nonsense_is_named() {
        for (text, hint) in [
            ("", "write 192.0.2.1"),
            ("example.org", "write 192.0.2.1"),
            ("192.0.2.1/33", "write 192.0.2.1"),
            ("192.0.2.1/24", "192.0.2.0/24"),
            ("0.0.0.0/0", "narrower"),
            ("::/0", "narrower"),
        ] {
            let error = parse_prefix(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn words_and_addresses_are_the_same() {
        for text in ["5.39.90.132", "2001:db8:1:2:3:4:5:6"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(from_words(to_words(address)), address);
        }
    }

    #[test]
    fn an_ipv6_source_is_its_prefix() {
        let source = to_words("2001:db8::1".parse().unwrap());
        assert_eq!(
            show(&source_net(source, &SourceMask::new(32, 64))),
            "2001:db8::/64"
        );
    }
}
