//! What the recognition of handshakes needs to know of a TCP segment.
//!
//! The packet path's parser says what is dropped; it knows of ports and flags alone,
//! as XDP has no time for more. This looks at sequence numbers, and decides nothing.

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};

use crate::pcap::Frame;

/// A connection by its addresses (IPv4 mapped into IPv6) and ports, as the sender of
/// its first SYN sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Who opens it.
    pub client: (u128, u16),
    /// Who is to accept it.
    pub server: (u128, u16),
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From its sender to its receiver.
    pub connection: Connection,
    /// Its sequence number.
    pub sequence: u32,
    /// What it acknowledges, where it does.
    pub acknowledges: Option<u32>,
    /// Whether SYN is set.
    pub syn: bool,
    /// Whether RST is set.
    pub rst: bool,
}

impl Connection {
    /// The same for what goes the other way.
    pub const fn reversed(self) -> Self {
        Self {
            client: self.server,
            server: self.client,
        }
    }
}

impl Segment {
    /// Reads a packet; nothing for what is no TCP, or is cut before its end.
    pub fn of(frame: &Frame<'_>) -> Option<Self> {
        let (ether_type, payload) = frame.payload()?;
        let packet = LaxSlicedPacket::from_ether_type(EtherType(ether_type), payload);
        let (source, destination) = match packet.net? {
            LaxNetSlice::Ipv4(ip) => {
                let header = ip.header();
                let mapped = |address: std::net::Ipv4Addr| u128::from(address.to_ipv6_mapped());
                (
                    mapped(header.source_addr()),
                    mapped(header.destination_addr()),
                )
            }
            LaxNetSlice::Ipv6(ip) => {
                let header = ip.header();
                (
                    u128::from(header.source_addr()),
                    u128::from(header.destination_addr()),
                )
            }
            LaxNetSlice::Arp(_) => return None,
        };
        let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
            return None;
        };
        Some(Self {
            connection: Connection {
                client: (source, tcp.source_port()),
                server: (destination, tcp.destination_port()),
            },
            sequence: tcp.sequence_number(),
            acknowledges: tcp.ack().then(|| tcp.acknowledgment_number()),
            syn: tcp.syn(),
            rst: tcp.rst(),
        })
    }
}
