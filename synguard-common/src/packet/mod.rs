//! Frames to packets: Ethernet, up to two VLAN tags, IPv4, IPv6, TCP.

mod ethernet;
mod ipv4;
mod ipv6;
mod tcp;
mod view;

use network_types::eth::EtherType;

pub use ipv6::MAX_EXTENSION_HEADERS;
pub use view::View;

use crate::source::Address;
use crate::verdict::Reason;

/// What the filter needs to know of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// No IP header could be read: the reason says how far it got.
    Opaque(Reason),
    /// An IP packet, with the address it claims to come from.
    Ip(Address, Segment),
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A TCP segment with SYN set and ACK clear.
    Syn(Syn),
    /// Anything else; the reason says what.
    Other(Reason),
}

/// The ports of a SYN, in host byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syn {
    /// The port it claims to come from.
    pub source_port: u16,
    /// The port it wants to reach.
    pub destination_port: u16,
}

/// Reads a frame that begins with an Ethernet header.
#[inline(always)]
pub fn parse<V: View + ?Sized>(frame: &V) -> Packet {
    match ethernet::payload(frame) {
        Ok((EtherType::Ipv4, offset)) => ipv4::parse(frame, offset),
        Ok((EtherType::Ipv6, offset)) => ipv6::parse(frame, offset),
        Ok(_) => Packet::Opaque(Reason::NotIp),
        Err(reason) => Packet::Opaque(reason),
    }
}
