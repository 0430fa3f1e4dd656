//! The TCP header of a SYN (RFC 9293), as far as the answer depends on it.

use network_types::tcp::TcpHdr;

use super::options::{MAX_LEN, Options};
use crate::packet::{Ports, View};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const ECE: u8 = 0x40;
const CWR: u8 = 0x80;

/// A SYN that the kernel would make a cookie for, and that nobody signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syn {
    /// Between which ports.
    pub ports: Ports,
    /// Its sequence number.
    pub sequence: u32,
    /// 1 where it asks for explicit congestion notification (RFC 3168 section
    /// 6.1.1).
    pub ecn: u32,
    /// Its options.
    pub options: Options,
}

impl Syn {
    /// One that asks for nothing, between no ports.
    pub const BARE: Self = Self {
        ports: Ports::new(0, 0),
        sequence: 0,
        ecn: 0,
        options: Options::NONE,
    };

    /// Reads the segment at `at`, of which the IP header says that `len` bytes belong
    /// to it.
    #[inline(always)]
    pub(super) fn read<V: View + ?Sized>(frame: &V, at: usize, len: usize) -> Option<Self> {
        let header = frame.get::<{ TcpHdr::LEN }>(at)?;
        let flags = header[13];
        if flags & (FIN | SYN | RST | ACK) != SYN {
            return None;
        }
        let header_len = usize::from(header[12] >> 4).wrapping_mul(4);
        let options_len = header_len.checked_sub(TcpHdr::LEN)?;
        if header_len > len || options_len > MAX_LEN {
            return None;
        }
        // The kernel does not take a segment whose header is cut off.
        frame.get::<1>(at.wrapping_add(header_len).wrapping_sub(1))?;
        let options = Options::read(frame, at.wrapping_add(TcpHdr::LEN), options_len);
        if options.signed != 0 {
            return None;
        }
        let header = frame.get::<{ TcpHdr::LEN }>(at)?;
        Some(Self {
            ports: Ports::new(
                u16::from_be_bytes([header[0], header[1]]),
                u16::from_be_bytes([header[2], header[3]]),
            ),
            sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ecn: if flags & (ECE | CWR) == ECE | CWR {
                1
            } else {
                0
            },
            options,
        })
    }
}
