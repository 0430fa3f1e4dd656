//! The IPv4 header of a SYN and of its answer (RFC 791).

use network_types::eth::EtherType;

use super::checksum;
use super::header::{Header, TCP};
use crate::packet::View;
use crate::source::Address;

/// Version 4, five words.
const VERSION_AND_LEN: u8 = 0x45;
/// More fragments follow, or some came before.
const FRAGMENT: u32 = 0x3fff;
const DONT_FRAGMENT: u32 = 0x4000;

/// Who asks whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Who asks.
    pub client: u32,
    /// Who is asked.
    pub server: u32,
    /// The two bits of RFC 3168 section 5.
    pub marks: u32,
}

impl Header for Ipv4 {
    const ETHER_TYPE: EtherType = EtherType::Ipv4;
    const LEN: usize = 20;

    #[inline(always)]
    fn read<V: View + ?Sized>(frame: &V, at: usize) -> Option<(Self, usize)> {
        let header = frame.get::<20>(at)?;
        let [
            first,
            tos,
            len_high,
            len_low,
            _,
            _,
            fragment_high,
            fragment_low,
            _,
            protocol,
            ..,
        ] = *header;
        let fragment = u32::from(u16::from_be_bytes([fragment_high, fragment_low]));
        if first != VERSION_AND_LEN || u32::from(protocol) != TCP || fragment & FRAGMENT != 0 {
            return None;
        }
        let header = Self {
            client: u32::from_be_bytes([header[12], header[13], header[14], header[15]]),
            server: u32::from_be_bytes([header[16], header[17], header[18], header[19]]),
            marks: u32::from(tos & 3),
        };
        let len = usize::from(u16::from_be_bytes([len_high, len_low]));
        can_connect(header.client).then_some((header, len.checked_sub(Self::LEN)?))
    }

    #[inline(always)]
    fn carries_marks(&self) -> bool {
        self.marks != 0
    }

    #[inline(always)]
    fn pseudo_sum(&self, len: u32) -> u64 {
        checksum::sum(&[self.client, self.server, TCP, len])
    }

    /// With the identification 0, as the kernel gives to what must not be fragmented
    /// (RFC 6864 section 4.1).
    #[inline(always)]
    fn write_answer(&self, at: usize, len: u32, hops: u32, mut put: impl FnMut(usize, u32)) {
        let words = [
            0x4500_0000 | len.wrapping_add(20),
            DONT_FRAGMENT,
            hops << 24 | TCP << 16,
            self.server,
            self.client,
        ];
        let checksum = checksum::folded(checksum::sum(&words));
        let [first, second, third, source, destination] = words;
        put(at, first);
        put(at.wrapping_add(4), second);
        put(at.wrapping_add(8), third | checksum);
        put(at.wrapping_add(12), source);
        put(at.wrapping_add(16), destination);
    }

    #[inline(always)]
    fn client(&self) -> Address {
        Address::v4(self.client.to_be())
    }

    #[inline(always)]
    fn server(&self) -> Address {
        Address::v4(self.server.to_be())
    }
}

/// Whether a connection can come from there: not from this network, this host, a
/// group, or everybody (RFC 6890), which the kernel does not answer either.
#[inline(always)]
const fn can_connect(client: u32) -> bool {
    !matches!(client >> 24, 0 | 127 | 224..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_connect() {
        for (address, can) in [
            ([0, 0, 0, 0], false),
            ([127, 0, 0, 1], false),
            ([224, 0, 0, 1], false),
            ([255, 255, 255, 255], false),
            ([1, 0, 0, 1], true),
            ([10, 0, 0, 1], true),
            ([223, 255, 255, 1], true),
        ] {
            assert_eq!(can_connect(u32::from_be_bytes(address)), can, "{address:?}");
        }
    }
}
