//! TCP (RFC 9293): is it a SYN, and between which ports?

use network_types::tcp::TcpHdr;

use super::{Segment, Syn, View};
use crate::verdict::Reason;

/// Byte 13 of the header holds the flags (RFC 9293 section 3.1).
const FLAGS: usize = 13;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
/// The smallest data offset, in 32-bit words.
const MIN_DATA_OFFSET: u8 = 5;

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
    if header[FLAGS] & (SYN | ACK) != SYN {
        return Segment::Other(Reason::NotSyn);
    }
    if header[12] >> 4 < MIN_DATA_OFFSET {
        return Segment::Other(Reason::BadTcp);
    }
    Segment::Syn(Syn {
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
    })
}
