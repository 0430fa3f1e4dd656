//! Rules: what is to happen to whom, and who says so.

use core::cell::Cell;

/// The values of [`Rule::action`].
pub mod action {
    /// Drop what the scope names.
    pub const BLOCK: u8 = 0;
    /// Pass, whatever the rate.
    pub const ALLOW: u8 = 1;
}

/// The values of [`Rule::scope`].
pub mod scope {
    /// New inbound connections only: answers to connections that this host
    /// opened still arrive.
    pub const SYN: u8 = 0;
    /// Every IP packet.
    pub const ALL: u8 = 1;
}

/// The values of [`Rule::origin`].
pub mod origin {
    /// The controller banned a source over its rate.
    pub const AUTOMATIC: u8 = 0;
    /// A person said so.
    pub const MANUAL: u8 = 1;
    /// Attach found that this is an address of this host.
    pub const OWN: u8 = 2;
    /// Attach found that this is a default gateway.
    pub const GATEWAY: u8 = 3;
    /// Attach found that this is a DNS resolver.
    pub const RESOLVER: u8 = 4;
    /// Attach was run from this end of an ssh session.
    pub const SSH_PEER: u8 = 5;
    /// An imported list names it.
    pub const LIST: u8 = 6;

    /// Whether it protects from bans only: over its rate such an address is
    /// still stopped, since anybody may spoof it. Nobody is likely to guess the
    /// other end of an ssh session, which stays open whatever comes.
    #[inline(always)]
    pub const fn is_protection(origin: u8) -> bool {
        matches!(origin, OWN | GATEWAY | RESOLVER)
    }
}

/// Who holds a rule: the bits of [`Rule::holders`] and of [`Settings::holders`](super::Settings::holders).
///
/// A rule is in force while one of its holders is. Each imported list is one, so
/// that a whole list comes into force, or goes, with one write to the settings.
pub mod holder {
    /// A person, the controller, or attach: always in force.
    pub const DIRECT: u32 = 1;
    /// What a list that is being replaced gains: not in force until all of it
    /// is there.
    pub const INCOMING: u32 = 2;
    /// What it loses: in force until then.
    pub const OUTGOING: u32 = 4;
    /// The bit of the first list.
    pub const FIRST_LIST: u32 = 3;
    /// How many lists there can be.
    pub const LISTS: u32 = u32::BITS - FIRST_LIST;

    /// The bit of the list with this index, which is below [`LISTS`].
    pub const fn of_list(index: u32) -> u32 {
        1_u32.wrapping_shl(FIRST_LIST.wrapping_add(index))
    }
}

/// What is to happen to packets from a prefix, and why.
///
/// `W` is a plain word for copies and a cell for the entry in the map.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<W = u64> {
    /// When it ends, in ticks, or [`NEVER`](super::NEVER).
    pub expires: u64,
    /// When it began, in ticks.
    pub since: u64,
    /// Packets that it decided, but for a few ([`crate::repeat`]).
    pub hits: W,
    /// The last four destination ports before the ban ([`crate::ports`]).
    pub recent_ports: u64,
    /// A set of 64 buckets of destination ports ([`crate::ports`]).
    pub port_set: u64,
    /// From which source port ([`crate::ports`]).
    pub source_port: u32,
    /// See [`holder`].
    pub holders: u32,
    /// What the source sent before the ban.
    pub syns: u32,
    /// How fast, in SYNs per second.
    pub syns_per_second: u32,
    /// Connections that it had completed before.
    pub handshakes: u32,
    /// See [`action`].
    pub action: u8,
    /// See [`scope`].
    pub scope: u8,
    /// See [`origin`].
    pub origin: u8,
    /// Bits of the address that count: 0 to 32, or 0 to 128.
    pub prefix_len: u8,
    /// Of no meaning.
    #[cfg(feature = "other-layout")]
    pub padding: [u64; super::PADDING],
}

/// A rule in the map. Other CPUs and user space write it too, each word whole:
/// what is read is some word that was written, not always the newest.
pub type LiveRule = Rule<Cell<u64>>;

/// What a key of the IPv4 prefix trie holds: the address, and a zero without
/// which the trie would not align its values to eight bytes.
pub type TrieV4 = [u32; 2];

/// What a key of the IPv6 prefix trie holds.
pub type TrieV6 = [u32; 4];

impl<W> Rule<W> {
    /// Whether its time is not over at `now`.
    #[inline(always)]
    pub const fn active(&self, now: u64) -> bool {
        now < self.expires
    }

    /// Whether it is in force: not over, and held by one of `holders`.
    #[inline(always)]
    pub const fn in_force(&self, now: u64, holders: u32) -> bool {
        self.active(now) && self.holders & holders != 0
    }
}
