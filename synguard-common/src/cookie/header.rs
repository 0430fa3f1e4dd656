//! What IPv4 and IPv6 have in common for who answers a SYN.

use network_types::eth::EtherType;

use crate::packet::View;
use crate::source::Address;

/// TCP's number (RFC 9293 section 3.1).
pub(super) const TCP: u32 = 6;

/// The IP header of a SYN, of a kind that can be answered: without options or
/// extension headers, no fragment, and between two addresses that can have a
/// connection.
pub trait Header: Copy {
    /// What announces it.
    const ETHER_TYPE: EtherType;
    /// Its bytes, in the SYN and in the answer.
    const LEN: usize;

    /// Reads it at `at`, and with it how long the segment behind it is.
    fn read<V: View + ?Sized>(frame: &V, at: usize) -> Option<(Self, usize)>;

    /// Whether the packet says that it can carry marks of congestion, which a SYN
    /// is not to (RFC 3168 section 6.1.1).
    fn carries_marks(&self) -> bool;

    /// The sum of the pseudo header before a segment of `len` bytes.
    fn pseudo_sum(&self, len: u32) -> u64;

    /// Writes the header of the answer at `at`, with `len` bytes behind it, by way of
    /// `put`, which takes an offset and a word.
    fn write_answer(&self, at: usize, len: u32, hops: u32, put: impl FnMut(usize, u32));

    /// Who asks.
    fn client(&self) -> Address;

    /// Who is asked.
    fn server(&self) -> Address;
}
