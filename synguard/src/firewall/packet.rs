//! What is known of a packet whose way through the rules is asked for.

/// TCP flags, as in the header (RFC 9293, 3.1).
pub(super) mod flag {
    pub const FIN: u32 = 0x01;
    pub const SYN: u32 = 0x02;
    pub const RST: u32 = 0x04;
    pub const PSH: u32 = 0x08;
    pub const ACK: u32 = 0x10;
    pub const URG: u32 = 0x20;
    pub const ECE: u32 = 0x40;
    pub const CWR: u32 = 0x80;
}

/// What connection tracking calls a packet, as one bit each
/// (`NF_CT_STATE_*` in `include/uapi/linux/netfilter/nf_conntrack_common.h`).
pub(super) mod state {
    pub const INVALID: u32 = 1;
    pub const ESTABLISHED: u32 = 1 << 1;
    pub const RELATED: u32 = 1 << 2;
    pub const NEW: u32 = 1 << 3;
    pub const UNTRACKED: u32 = 1 << 6;
}

/// The number of TCP in IP headers.
pub(super) const TCP: u32 = 6;

/// IPv4 or IPv6, by the number in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4 = 4,
    V6 = 6,
}

/// A TCP packet from a client to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub family: Family,
    /// Where it goes; to any port, if `None`.
    pub port: Option<u16>,
    /// Of [`flag`].
    pub flags: u32,
    /// One of [`state`].
    pub state: u32,
}

/// A part of a packet that rules look at and that may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// 4 or 6.
    Family,
    /// In the IP header.
    Protocol,
    /// The destination port.
    Port,
    /// The bits of [`flag`].
    Flags,
    /// The bits of [`state`].
    State,
}

impl Packet {
    /// The field as a number, if it is known.
    pub fn field(&self, field: Field) -> Option<u32> {
        Some(match field {
            Field::Family => self.family as u32,
            Field::Protocol => TCP,
            Field::Port => self.port?.into(),
            Field::Flags => self.flags,
            Field::State => self.state,
        })
    }
}
