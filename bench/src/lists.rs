//! Lists of blocked addresses as people import them, the same in every run.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Blocked in every list, so that the packets of the benchmark can come from it.
pub const BLOCKED: Ipv4Addr = Ipv4Addr::new(5, 39, 90, 132);
/// The same for IPv6: its /64, or in lists of networks its /48, is blocked.
pub const BLOCKED6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 1);
/// Nobody near it is blocked, as is the case for nearly all clients.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
/// Not blocked, but an address and a network in its /24 are.
pub const UNLUCKY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// What no list may hold: the addresses above and those of the lab.
const KEPT_FREE: [([u8; 4], u8); 8] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([127, 0, 0, 0], 8),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// How many of a thousand networks have which length: mostly /24, as lists that
/// people share do.
const LENGTHS: [(u8, u32); 13] = [
    (16, 5),
    (17, 5),
    (18, 10),
    (19, 30),
    (20, 50),
    (21, 60),
    (22, 100),
    (23, 90),
    (24, 550),
    (25, 20),
    (26, 20),
    (27, 30),
    (28, 30),
];

/// So many single addresses, no two alike.
pub fn addresses(count: usize) -> Result<Vec<IpNet>> {
    let mut random = Random(0x5eed);
    let mut found = HashSet::with_capacity(count);
    found.insert(Ipv4Net::from(BLOCKED));
    found.insert(near(200, 32)?);
    while found.len() < count {
        let net = Ipv4Net::from(Ipv4Addr::from(random.next()));
        if !is_kept_free(&net) {
            found.insert(net);
        }
    }
    let v6 = Ipv6Net::new(BLOCKED6, 64)?.trunc();
    Ok(listed(found, v6))
}

/// So many networks, no two alike.
pub fn networks(count: usize) -> Result<Vec<IpNet>> {
    let mut random = Random(0x2eed);
    let mut found = HashSet::with_capacity(count);
    found.insert(Ipv4Net::new(BLOCKED, 24)?.trunc());
    found.insert(near(128, 25)?);
    while found.len() < count {
        let net = Ipv4Net::new(Ipv4Addr::from(random.next()), random.length())?.trunc();
        if !is_kept_free(&net) {
            found.insert(net);
        }
    }
    let v6 = Ipv6Net::new(BLOCKED6, 48)?.trunc();
    Ok(listed(found, v6))
}

/// A prefix in the /24 of [`UNLUCKY`].
fn near(last: u8, bits: u8) -> Result<Ipv4Net> {
    let [a, b, c, _] = UNLUCKY.octets();
    Ok(Ipv4Net::new(Ipv4Addr::new(a, b, c, last), bits)?)
}

/// In the order of their addresses: a set's own order differs from run to run.
fn listed(nets: HashSet<Ipv4Net>, v6: Ipv6Net) -> Vec<IpNet> {
    let mut list: Vec<_> = nets.into_iter().map(IpNet::V4).collect();
    list.sort_unstable();
    list.push(IpNet::V6(v6));
    list
}

fn is_kept_free(net: &Ipv4Net) -> bool {
    KEPT_FREE.iter().any(|&(octets, bits)| {
        Ipv4Net::new(octets.into(), bits)
            .is_ok_and(|free| free.contains(net) || net.contains(&free))
    })
}

/// SplitMix64 (Steele, Lea and Flood, 2014): short, and good enough for lists.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ word >> 31) >> 32) as u32
    }

    fn length(&mut self) -> u8 {
        let mut left = self.next() % 1000;
        for (length, share) in LENGTHS {
            if left < share {
                return length;
            }
            left -= share;
        }
        24
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(list: &[IpNet], address: Ipv4Addr) -> bool {
        list.iter()
            .any(|net| net.contains(&std::net::IpAddr::V4(address)))
    }

    #[test]
    fn lists_hold_who_is_blocked_and_nobody_else_of_ours() {
        for list in [addresses(5000).unwrap(), networks(5000).unwrap()] {
            assert_eq!(list.len(), 5001);
            assert!(covers(&list, BLOCKED));
            assert!(!covers(&list, CLIENT) && !covers(&list, UNLUCKY));
            assert!(!covers(&list, Ipv4Addr::new(192, 168, 0, 2)));
        }
    }

    #[test]
    fn the_same_in_every_run() {
        assert_eq!(networks(500).unwrap(), networks(500).unwrap());
    }

    #[test]
    fn shares_are_of_a_thousand() {
        assert_eq!(LENGTHS.iter().map(|(_, share)| share).sum::<u32>(), 1000);
    }
}
