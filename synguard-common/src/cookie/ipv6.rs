//! The IPv6 header of a SYN and of its answer (RFC 8200).

use network_types::eth::EtherType;

use super::checksum;
use super::header::{Header, TCP};
use crate::packet::View;
use crate::source::Address;

/// Who asks whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Who asks.
    pub client: [u32; 4],
    /// Who is asked.
    pub server: [u32; 4],
    /// The two bits of RFC 3168 section 5.
    pub marks: u32,
}

impl Header for Ipv6 {
    const ETHER_TYPE: EtherType = EtherType::Ipv6;
    const LEN: usize = 40;

    #[inline(always)]
    fn read<V: View + ?Sized>(frame: &V, at: usize) -> Option<(Self, usize)> {
        let &[first, second, _, _, len_high, len_low, next, _] = frame.get::<8>(at)?;
        if first >> 4 != 6 || u32::from(next) != TCP {
            return None;
        }
        let header = Self {
            client: address(frame.get::<16>(at.wrapping_add(8))?),
            server: address(frame.get::<16>(at.wrapping_add(24))?),
            marks: u32::from(second >> 4 & 3),
        };
        let len = usize::from(u16::from_be_bytes([len_high, len_low]));
        can_connect(&header.client).then_some((header, len))
    }

    #[inline(always)]
    fn carries_marks(&self) -> bool {
        self.marks != 0
    }

    #[inline(always)]
    fn pseudo_sum(&self, len: u32) -> u64 {
        checksum::sum(&self.client)
            .wrapping_add(checksum::sum(&self.server))
            .wrapping_add(checksum::sum(&[len, TCP]))
    }

    #[inline(always)]
    fn write_answer(&self, at: usize, len: u32, hops: u32, mut put: impl FnMut(usize, u32)) {
        put(at, 0x6000_0000);
        put(at.wrapping_add(4), len << 16 | TCP << 8 | hops);
        let [a, b, c, d] = self.server;
        let [e, f, g, h] = self.client;
        let mut at = at.wrapping_add(8);
        for word in [a, b, c, d, e, f, g, h] {
            put(at, word);
            at = at.wrapping_add(4);
        }
    }

    #[inline(always)]
    fn client(&self) -> Address {
        in_network_order(self.client)
    }

    #[inline(always)]
    fn server(&self) -> Address {
        in_network_order(self.server)
    }
}

#[inline(always)]
const fn in_network_order([a, b, c, d]: [u32; 4]) -> Address {
    Address::V6([a.to_be(), b.to_be(), c.to_be(), d.to_be()])
}

#[inline(always)]
const fn address(bytes: &[u8; 16]) -> [u32; 4] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
    [
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
        u32::from_be_bytes([i, j, k, l]),
        u32::from_be_bytes([m, n, o, p]),
    ]
}

/// Whether a connection can come from there: not from nobody, this host, a mapped
/// IPv4 address, or a group (RFC 4291 section 2).
#[inline(always)]
const fn can_connect(client: &[u32; 4]) -> bool {
    let [first, second, third, _] = *client;
    let low = first | second == 0 && (third == 0 || third == 0xffff);
    !low && first >> 24 != 0xff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_connect() {
        for (address, can) in [
            ([0, 0, 0, 0], false),
            ([0, 0, 0, 1], false),
            ([0, 0, 0xffff, 0x0a00_0001], false),
            ([0xff02_0000, 0, 0, 1], false),
            ([0x2001_0db8, 0, 0, 1], true),
            ([0xfe80_0000, 0, 0, 1], true),
            ([0, 0, 1, 0], true),
        ] {
            assert_eq!(can_connect(&address), can, "{address:x?}");
        }
    }
}
