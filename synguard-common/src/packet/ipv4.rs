//! IPv4 (RFC 791).

use core::mem::offset_of;

use network_types::ip::{IpProto, Ipv4Hdr};

use super::{Packet, Segment, View, tcp};
use crate::source::Address;
use crate::verdict::Reason;

/// The low 13 bits of the fragment field count in units of eight bytes.
const FRAGMENT_OFFSET: u16 = 0x1fff;
const MORE_FRAGMENTS: u16 = 0x2000;

#[inline(always)]
pub(super) fn parse<V: View + ?Sized>(frame: &V, offset: usize) -> Packet {
    let Some(header) = frame.get::<{ Ipv4Hdr::LEN }>(offset) else {
        return Packet::opaque(Reason::TruncatedIpv4);
    };
    if header[0] >> 4 != 4 {
        return Packet::opaque(Reason::BadIpv4);
    }
    Packet {
        source: source(header),
        segment: segment(frame, offset, header),
    }
}

#[inline(always)]
fn segment<V: View + ?Sized>(frame: &V, offset: usize, header: &[u8; Ipv4Hdr::LEN]) -> Segment {
    const TOTAL: usize = offset_of!(Ipv4Hdr, tot_len);
    const FRAGS: usize = offset_of!(Ipv4Hdr, frags);
    let header_len = usize::from(header[0] & 0xf).wrapping_mul(4);
    let total_len = usize::from(u16::from_be_bytes([header[TOTAL], header[TOTAL + 1]]));
    if header_len < Ipv4Hdr::LEN || total_len < header_len {
        return Segment::Other(Reason::BadIpv4);
    }
    let fragment = u16::from_be_bytes([header[FRAGS], header[FRAGS + 1]]);
    if fragment & FRAGMENT_OFFSET != 0 {
        return Segment::Other(Reason::LaterFragment);
    }
    if header[offset_of!(Ipv4Hdr, proto)] != IpProto::Tcp as u8 {
        return Segment::Other(Reason::NotTcp);
    }
    let at = offset.wrapping_add(header_len);
    let len = total_len.wrapping_sub(header_len);
    if fragment & MORE_FRAGMENTS != 0 {
        tcp::parse_fragment(frame, at, len)
    } else {
        tcp::parse(frame, at, len)
    }
}

#[inline(always)]
fn source(header: &[u8; Ipv4Hdr::LEN]) -> Address {
    Address::v4(u32::from_ne_bytes([
        header[12], header[13], header[14], header[15],
    ]))
}
