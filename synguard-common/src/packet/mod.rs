//! Frames to packets: Ethernet, up to two VLAN tags, IPv4, IPv6, TCP.

pub(crate) mod ethernet;
mod ipv4;
mod ipv6;
mod tcp;
mod view;

use network_types::eth::EtherType;

pub use ipv6::MAX_EXTENSION_HEADERS;
pub use view::{Edit, View};

use crate::source::Address;
use crate::verdict::Reason;

/// What the filter needs to know of a frame.
///
/// Every word is set whatever the frame holds: LLVM would otherwise let the
/// kernel side compute with words that never were, or that still are pointers,
/// which the verifier refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The address that it claims to come from; [`Address::UNSPECIFIED`] where
    /// it is [`Segment::Opaque`].
    pub source: Address,
    /// What it carries.
    pub segment: Segment,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Segment {
    /// No IP header could be read: the reason says how far it got.
    Opaque(Reason),
    /// IP, but no SYN; the reason says what.
    Other(Reason),
    /// A TCP segment with SYN set and ACK clear.
    Syn(Ports),
}

/// The ports of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Ports(u32);

impl Ports {
    /// From host byte order.
    #[inline(always)]
    pub const fn new(source: u16, destination: u16) -> Self {
        Self((source as u32) << 16 | destination as u32)
    }

    /// Both, as the first word of a TCP header.
    #[inline(always)]
    pub const fn word(self) -> u32 {
        self.0
    }

    /// The port that it claims to come from.
    #[inline(always)]
    pub const fn source(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The port that it wants to reach.
    #[inline(always)]
    pub const fn destination(self) -> u16 {
        (self.0 & 0xffff) as u16
    }
}

impl Packet {
    /// One without a readable IP header.
    #[inline(always)]
    pub const fn opaque(reason: Reason) -> Self {
        Self {
            source: Address::UNSPECIFIED,
            segment: Segment::Opaque(reason),
        }
    }
}

/// Reads a frame that begins with an Ethernet header.
#[inline(always)]
pub fn parse<V: View + ?Sized>(frame: &V) -> Packet {
    match ethernet::payload(frame) {
        Ok((EtherType::Ipv4, offset)) => ipv4::parse(frame, offset),
        Ok((EtherType::Ipv6, offset)) => ipv6::parse(frame, offset),
        Ok(_) => Packet::opaque(Reason::NotIp),
        Err(reason) => Packet::opaque(reason),
    }
}
