//! Where SYNs can be answered with cookies.

use crate::source::SourceKey;

/// An address of this host or of a container, and a port there.
pub type Endpoint = [u32; 5];

/// The key of `port` at `address`.
#[inline(always)]
pub const fn endpoint(address: SourceKey, port: u16) -> Endpoint {
    let [a, b, c, d] = address;
    [a, b, c, d, port as u32]
}

/// How the listener of an [`Endpoint`] answers SYNs with cookies. Where an endpoint
/// has no such entry, or one with a [`hindrance`], the kernel answers.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listener {
    /// The id by which the interface's network namespace knows the listener's, or -1
    /// if it is the same one.
    pub namespace: i32,
    /// See [`crate::cookie::ability`].
    pub abilities: u32,
    /// By how much windows are shifted: no more than the listener will use.
    pub shift: u32,
    /// The longest segment that is taken.
    pub mss: u32,
    /// Why the kernel answers all the same: a [`hindrance`].
    pub hindrance: u32,
}

/// Why SYNs to a listener are left to the kernel.
pub mod hindrance {
    /// They are not.
    pub const NONE: u32 = 0;
    /// The port is published: the packet goes on to another address or port, for which
    /// the cookie is not made.
    pub const PUBLISHED: u32 = 1;
    /// The firewall takes no ACK without having seen the SYN.
    pub const STRICT: u32 = 2;
    /// The firewall answers SYNs with cookies itself.
    pub const SYNPROXY: u32 = 3;
    /// The firewall lets no SYN in: an answer would show a port that is to look closed.
    pub const CLOSED: u32 = 8;
    /// The firewall's rules cannot be read.
    pub const UNREADABLE: u32 = 4;
    /// `net.ipv4.tcp_syncookies` there is 0, or 1: only while the backlog is full.
    pub const SYNCOOKIES: u32 = 5;
    /// `net.ipv4.tcp_timestamps` there is 1: windows could not be scaled.
    pub const TIMESTAMPS: u32 = 6;
    /// The port is not among those that are to be challenged.
    pub const NOT_ASKED: u32 = 7;
}
