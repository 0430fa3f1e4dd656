//! TCP (RFC 9293): is it a SYN, and between which ports?

use network_types::tcp::TcpHdr;

use super::{Ports, Segment, View};
use crate::verdict::Reason;

/// Byte 13 of the header holds the flags (RFC 9293 section 3.1).
const FLAGS: usize = 13;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
/// The smallest first fragment that there can be.
const TINY: usize = 8;
/// The smallest data offset, in 32-bit words.
const MIN_DATA_OFFSET: u8 = 5;

/// Reads the first fragment of a segment, of which `len` bytes are there.
///
/// One too short to show its flags counts as a SYN: it may hide one from
/// filters (RFC 1858, RFC 3128), and no honest sender makes it.
#[inline(always)]
pub(super) fn parse_fragment<V: View + ?Sized>(frame: &V, offset: usize, len: usize) -> Segment {
    if len >= TcpHdr::LEN {
        return parse(frame, offset, len);
    }
    match frame.get::<TINY>(offset) {
        Some(header) => Segment::Syn(ports([header[0], header[1], header[2], header[3]])),
        None => Segment::Other(Reason::TruncatedTcp),
    }
}

/// Reads the segment at `offset`, of which the IP header says that `len` bytes
/// belong to it: what follows in the frame is padding and no header.
#[inline(always)]
pub(super) fn parse<V: View + ?Sized>(frame: &V, offset: usize, len: usize) -> Segment {
    if len < TcpHdr::LEN {
        return Segment::Other(Reason::TruncatedTcp);
    }
    let Some(header) = frame.get::<{ TcpHdr::LEN }>(offset) else {
        return Segment::Other(Reason::TruncatedTcp);
    };
    match header[FLAGS] & (SYN | ACK | RST) {
        flags if flags & (SYN | ACK) == SYN => {}
        RST => return Segment::Other(Reason::Reset),
        _ => return Segment::Other(Reason::NotSyn),
    }
    if header[12] >> 4 < MIN_DATA_OFFSET {
        return Segment::Other(Reason::BadTcp);
    }
    Segment::Syn(ports([header[0], header[1], header[2], header[3]]))
}

#[inline(always)]
const fn ports([a, b, c, d]: [u8; 4]) -> Ports {
    Ports::new(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}
