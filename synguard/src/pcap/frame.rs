//! One packet of a capture.

use std::borrow::Cow;

use synguard_common::packet::{Packet, parse};
use synguard_common::verdict::Reason;

use super::link::{Dressed, Link};

/// Which way a packet went, seen from the host that captured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards it.
    In,
    /// From it: XDP never sees these.
    Out,
    /// The capture does not say.
    Unknown,
}

/// One packet, as far as it was captured.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When, in nanoseconds since 1970.
    pub nanos: u64,
    /// What was captured of it, link header included.
    pub data: &'a [u8],
    /// How long it was, in bytes.
    pub wire_len: u32,
    /// The form of its link header.
    pub link: Link,
    /// Which way it went.
    pub direction: Direction,
}

impl Frame<'_> {
    /// What the packet path sees in it.
    pub fn packet(&self) -> Packet {
        if self.link == Link::Ethernet {
            return parse(self.data);
        }
        match self.link.payload(self.data) {
            Some((ether_type, at)) => parse(&Dressed::new(ether_type, &self.data[at..])),
            None => Packet::opaque(Reason::TruncatedEthernet),
        }
    }

    /// The EtherType, and what follows the link header.
    pub fn payload(&self) -> Option<(u16, &[u8])> {
        let (ether_type, at) = self.link.payload(self.data)?;
        Some((ether_type, self.data.get(at..)?))
    }

    /// It as an Ethernet frame, for those who know nothing else.
    pub fn ethernet(&self) -> Cow<'_, [u8]> {
        if self.link == Link::Ethernet {
            return Cow::Borrowed(self.data);
        }
        match self.payload() {
            Some((ether_type, payload)) => Dressed::new(ether_type, payload).to_bytes().into(),
            None => Cow::Borrowed(&[]),
        }
    }

    /// Whether the capture holds less of it than there was.
    pub const fn is_cut(&self) -> bool {
        (self.data.len() as u64) < self.wire_len as u64
    }
}
