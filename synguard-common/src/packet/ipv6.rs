//! IPv6 and its extension headers (RFC 8200, RFC 4302, RFC 7045).

use core::mem::offset_of;

use network_types::ip::{IpProto, Ipv6Hdr};

use super::{Packet, Segment, View, tcp};
use crate::source::{Address, MAPPED};
use crate::verdict::Reason;

/// How many extension headers are followed before a packet is passed
/// unparsed. RFC 8200 section 4.1 recommends an order in which at most
/// six precede the upper layer.
pub const MAX_EXTENSION_HEADERS: usize = 6;

const FRAGMENT_LEN: usize = 8;
/// The high 13 bits of the second 16-bit word; the low three are flags.
const FRAGMENT_OFFSET: u16 = 0xfff8;

const TCP: u8 = IpProto::Tcp as u8;
const HOP_BY_HOP: u8 = IpProto::HopOpt as u8;
const ROUTING: u8 = IpProto::Ipv6Route as u8;
const FRAGMENT: u8 = IpProto::Ipv6Frag as u8;
const AUTHENTICATION: u8 = IpProto::Ah as u8;
const DESTINATION: u8 = IpProto::Ipv6Opts as u8;
const MOBILITY: u8 = IpProto::MobilityHeader as u8;
const HOST_IDENTITY: u8 = IpProto::Hip as u8;
const SHIM6: u8 = IpProto::Shim6 as u8;

#[inline(always)]
pub(super) fn parse<V: View + ?Sized>(frame: &V, offset: usize) -> Packet {
    let Some(header) = frame.get::<{ Ipv6Hdr::LEN }>(offset) else {
        return Packet::opaque(Reason::TruncatedIpv6);
    };
    if header[0] >> 4 != 6 {
        return Packet::opaque(Reason::BadIpv6);
    }
    let source = source(header);
    // An IPv4 address mapped into IPv6 never comes over a wire (RFC 4291 section
    // 2.5.5.2; Linux drops it, `net/ipv6/ip6_input.c`), and would be taken for IPv4.
    if let [0, 0, MAPPED, _] = source.key() {
        return Packet::opaque(Reason::BadIpv6);
    }
    Packet {
        source,
        segment: segment(frame, offset, header),
    }
}

#[inline(always)]
fn segment<V: View + ?Sized>(frame: &V, offset: usize, header: &[u8; Ipv6Hdr::LEN]) -> Segment {
    let start = offset.wrapping_add(Ipv6Hdr::LEN);
    let mut at = start;
    let mut protocol = header[offset_of!(Ipv6Hdr, next_hdr)];
    let mut fragmented = false;
    for _ in 0..MAX_EXTENSION_HEADERS {
        if protocol == TCP {
            break;
        }
        match next_header(frame, protocol, at) {
            Ok((next, len)) => {
                fragmented |= protocol == FRAGMENT;
                protocol = next;
                at = at.wrapping_add(len);
            }
            Err(reason) => return Segment::Other(reason),
        }
    }
    if protocol != TCP {
        return Segment::Other(not_tcp(protocol));
    }
    let extensions = at.wrapping_sub(start);
    let len = match payload_len(header) {
        Some(payload) if payload < extensions => return Segment::Other(Reason::Ipv6Extensions),
        Some(payload) => payload.wrapping_sub(extensions),
        None => usize::MAX,
    };
    if fragmented {
        tcp::parse_fragment(frame, at, len)
    } else {
        tcp::parse(frame, at, len)
    }
}

/// The protocol behind the extension header at `at`, and that header's length.
#[inline(always)]
fn next_header<V: View + ?Sized>(
    frame: &V,
    protocol: u8,
    at: usize,
) -> Result<(u8, usize), Reason> {
    if !is_extension(protocol) {
        return Err(Reason::NotTcp);
    }
    if protocol == FRAGMENT {
        let header = frame
            .get::<FRAGMENT_LEN>(at)
            .ok_or(Reason::Ipv6Extensions)?;
        if u16::from_be_bytes([header[2], header[3]]) & FRAGMENT_OFFSET != 0 {
            return Err(Reason::LaterFragment);
        }
        return Ok((header[0], FRAGMENT_LEN));
    }
    let header = frame.get::<2>(at).ok_or(Reason::Ipv6Extensions)?;
    let units = usize::from(header[1]);
    let len = if protocol == AUTHENTICATION {
        units.wrapping_add(2).wrapping_mul(4)
    } else {
        units.wrapping_add(1).wrapping_mul(8)
    };
    Ok((header[0], len))
}

#[inline(always)]
const fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP
            | ROUTING
            | FRAGMENT
            | AUTHENTICATION
            | DESTINATION
            | MOBILITY
            | HOST_IDENTITY
            | SHIM6
    )
}

#[inline(always)]
const fn not_tcp(protocol: u8) -> Reason {
    if is_extension(protocol) {
        Reason::Ipv6Extensions
    } else {
        Reason::NotTcp
    }
}

/// Nothing for a jumbogram, whose length stands in an option (RFC 2675).
#[inline(always)]
fn payload_len(header: &[u8; Ipv6Hdr::LEN]) -> Option<usize> {
    match u16::from_be_bytes([header[4], header[5]]) {
        0 => None,
        len => Some(usize::from(len)),
    }
}

#[inline(always)]
fn source(header: &[u8; Ipv6Hdr::LEN]) -> Address {
    Address::V6([
        u32::from_ne_bytes([header[8], header[9], header[10], header[11]]),
        u32::from_ne_bytes([header[12], header[13], header[14], header[15]]),
        u32::from_ne_bytes([header[16], header[17], header[18], header[19]]),
        u32::from_ne_bytes([header[20], header[21], header[22], header[23]]),
    ])
}
