//! Link types, and the Ethernet view of a packet that came without such a header.
//!
//! The numbers are those of the tcpdump group's list of LINKTYPE_ values. The packet
//! path's parser knows Ethernet alone: other packets are shown to it behind a header
//! that says the same, without being copied.

use std::fmt;

use synguard_common::packet::View;

use super::frame::Direction;

/// What stands before the packets of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// LINKTYPE_ETHERNET, with or without VLAN tags.
    Ethernet,
    /// LINKTYPE_LINUX_SLL: what `-i any` gave in older versions of libpcap.
    Cooked,
    /// LINKTYPE_LINUX_SLL2: what it gives now.
    Cooked2,
    /// LINKTYPE_RAW: IPv4 or IPv6, as its first bits say.
    Raw,
    /// LINKTYPE_IPV4.
    Ipv4,
    /// LINKTYPE_IPV6.
    Ipv6,
    /// LINKTYPE_NULL and LINKTYPE_LOOP: four bytes with the BSD's address family.
    Loopback,
    /// One that cannot be read, by its number.
    Other(u32),
}

const ETHERNET_LEN: usize = 14;
const COOKED_LEN: usize = 16;
const COOKED2_LEN: usize = 20;
const LOOPBACK_LEN: usize = 4;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// No EtherType: what carries it is passed as "no IP".
const NONE: u16 = 0;

/// `PACKET_OUTGOING` in `include/uapi/linux/if_packet.h`.
const OUTGOING: u16 = 4;
/// `ARPHRD_NETLINK` in `include/uapi/linux/if_arp.h`: the protocol is no EtherType.
const NETLINK: u16 = 824;

impl Link {
    /// From the number in a file; the upper half of pcap's field holds other things.
    pub const fn of(number: u32) -> Self {
        match number & 0xffff {
            0 | 108 => Self::Loopback,
            1 => Self::Ethernet,
            // 12 and 14 are DLT_RAW on the BSDs, which some writers put in files.
            12 | 14 | 101 => Self::Raw,
            113 => Self::Cooked,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            276 => Self::Cooked2,
            other => Self::Other(other),
        }
    }

    /// The EtherType of a packet and where its payload begins; nothing where it is
    /// cut within its link header.
    pub(super) fn payload(self, data: &[u8]) -> Option<(u16, usize)> {
        match self {
            Self::Ethernet => Some((be16(data, 12)?, ETHERNET_LEN)),
            Self::Cooked => {
                data.get(..COOKED_LEN)?;
                Some((ether_type(be16(data, 2)?, be16(data, 14)?), COOKED_LEN))
            }
            Self::Cooked2 => {
                data.get(..COOKED2_LEN)?;
                Some((ether_type(be16(data, 8)?, be16(data, 0)?), COOKED2_LEN))
            }
            Self::Raw => Some((of_version(*data.first()?), 0)),
            Self::Ipv4 => Some((IPV4, 0)),
            Self::Ipv6 => Some((IPV6, 0)),
            Self::Loopback => {
                let family = data.first_chunk::<LOOPBACK_LEN>()?;
                Some((of_family(*family), LOOPBACK_LEN))
            }
            Self::Other(_) => None,
        }
    }

    /// Which way a packet went, where its link header says so.
    pub(super) fn direction(self, data: &[u8]) -> Direction {
        let kind = match self {
            Self::Cooked => be16(data, 0),
            Self::Cooked2 => data.get(10).map(|kind| u16::from(*kind)),
            _ => None,
        };
        match kind {
            Some(OUTGOING) => Direction::Out,
            Some(_) => Direction::In,
            None => Direction::Unknown,
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ethernet => "Ethernet",
            Self::Cooked => "Linux cooked v1",
            Self::Cooked2 => "Linux cooked v2",
            Self::Raw => "raw IP",
            Self::Ipv4 => "raw IPv4",
            Self::Ipv6 => "raw IPv6",
            Self::Loopback => "BSD loopback",
            Self::Other(number) => return write!(f, "link type {number}"),
        })
    }
}

const fn ether_type(hardware: u16, protocol: u16) -> u16 {
    if hardware == NETLINK { NONE } else { protocol }
}

const fn of_version(byte: u8) -> u16 {
    match byte >> 4 {
        4 => IPV4,
        6 => IPV6,
        _ => NONE,
    }
}

/// LINKTYPE_NULL has the byte order of the host that wrote it, LINKTYPE_LOOP that of
/// the network; AF_INET6 is another number on each BSD, on macOS and on Linux.
fn of_family(bytes: [u8; LOOPBACK_LEN]) -> u16 {
    let family = u32::from_be_bytes(bytes).min(u32::from_le_bytes(bytes));
    match family {
        2 => IPV4,
        10 | 24 | 28 | 30 => IPV6,
        _ => NONE,
    }
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

/// A packet behind an Ethernet header that says what its own link header said.
pub(super) struct Dressed<'a> {
    header: [u8; ETHERNET_LEN],
    payload: &'a [u8],
}

impl<'a> Dressed<'a> {
    pub(super) fn new(ether_type: u16, payload: &'a [u8]) -> Self {
        let mut header = [0; ETHERNET_LEN];
        header[12..].copy_from_slice(&ether_type.to_be_bytes());
        Self { header, payload }
    }

    /// The same in one piece.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.header[..], self.payload].concat()
    }
}

/// Bytes on both sides of the seam cannot be given without a copy. The parser asks for
/// the Ethernet header as a whole, and from then on for what follows it.
impl View for Dressed<'_> {
    fn get<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        match offset.checked_sub(ETHERNET_LEN) {
            Some(offset) => self.payload.get(offset..)?.first_chunk(),
            None => self.header.get(offset..)?.first_chunk(),
        }
    }
}
