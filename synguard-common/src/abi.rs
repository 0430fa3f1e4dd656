//! The layout of the maps: the database that the kernel and every command share.
//!
//! All types are plain words without hidden padding. The maps are pinned and
//! outlive the binary that made them: any change here needs a new
//! [`ABI_VERSION`], so that an older map is never misread.

use core::cell::Cell;
use core::mem::size_of;

use crate::ports;
use crate::source::{SourceKey, SourceMask};
use crate::window::{Totals, Window};

/// Raised with every change of a layout in this file or of the order of
/// [`Reason`](crate::verdict::Reason).
pub const ABI_VERSION: u32 = 1;

/// An `expires` that never comes.
pub const NEVER: u64 = u64::MAX;

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

    /// Whether it protects from bans only: over its rate such an address is
    /// still stopped, since anybody may spoof it. Nobody is likely to guess the
    /// other end of an ssh session, which stays open whatever comes.
    #[inline(always)]
    pub const fn is_protection(origin: u8) -> bool {
        matches!(origin, OWN | GATEWAY | RESOLVER)
    }
}

/// What is to happen to packets from a prefix, and why.
///
/// `W` is a plain word for copies and a cell for the entry in the map.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<W = u64> {
    /// When it ends, in ticks, or [`NEVER`].
    pub expires: u64,
    /// When it began, in ticks.
    pub since: u64,
    /// Packets that it decided.
    pub hits: W,
    /// The last four destination ports before the ban ([`crate::ports`]).
    pub recent_ports: u64,
    /// From which source port ([`crate::ports`]).
    pub source_port: u64,
    /// A set of 64 buckets of destination ports ([`crate::ports`]).
    pub port_set: u64,
    /// What the source sent before the ban.
    pub syns: u32,
    /// How fast, in SYNs per second.
    pub syns_per_second: u32,
    /// How many of them became connections.
    pub handshakes: u32,
    /// See [`action`].
    pub action: u8,
    /// See [`scope`].
    pub scope: u8,
    /// See [`origin`].
    pub origin: u8,
    /// Bits of the address that count: 0 to 32, or 0 to 128.
    pub prefix_len: u8,
}

/// A rule in the map. Other CPUs and user space write it too, each word whole:
/// what is read is some word that was written, not always the newest.
pub type LiveRule = Rule<Cell<u64>>;

/// What is known of one source.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceRecord<W = u64> {
    /// SYNs that were not already dropped by a rule.
    pub syns: W,
    /// Of them, dropped for the rate.
    pub dropped: W,
    /// Connections that this source completed.
    pub handshakes: W,
    /// In ticks.
    pub first_seen: W,
    /// In ticks.
    pub last_seen: W,
    /// [`Window::start`].
    pub window_start: W,
    /// [`Window::syns`].
    pub window_syns: W,
    /// [`Window::handshakes`].
    pub window_handshakes: W,
    /// The last four destination ports ([`crate::ports`]).
    pub recent_ports: W,
    /// A set of 64 buckets of destination ports ([`crate::ports`]).
    pub port_set: W,
    /// [`Window::previous_syns`].
    pub previous_syns: W,
    /// [`Window::previous_handshakes`].
    pub previous_handshakes: W,
    /// The source port ([`crate::ports`]).
    pub source_port: W,
    /// When the controller was last told, in ticks.
    pub reported: W,
}

/// A record in the map, shared like a [`LiveRule`].
pub type LiveRecord = SourceRecord<Cell<u64>>;

/// What the packet path is told. One entry, written by user space.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// [`ABI_VERSION`] of whoever made the maps.
    pub abi_version: u32,
    /// Not 0: decide and count, but pass everything.
    pub dry_run: u32,
    /// The length of the window, in ticks; not 0.
    pub window: u64,
    /// SYNs per window above which a source is over its rate.
    pub limit: u64,
    /// Ticks per second.
    pub hz: u32,
    /// How many rules have the scope `all`: where none has, a packet that is
    /// no SYN costs no lookup.
    pub all_rules: u32,
    /// How many rules the IPv4 prefix trie holds.
    pub prefix_rules_v4: u32,
    /// How many rules the IPv6 prefix trie holds.
    pub prefix_rules_v6: u32,
    /// What one source is.
    pub mask: SourceMask,
    /// An epoch of the sketch is 2 to the power of this many ticks.
    pub epoch_shift: u32,
    /// How many new sources get a record in an epoch without the sketch being
    /// asked.
    pub admissions: u64,
    /// Drawn at random at attach ([`crate::sketch::places`]).
    pub seed: u64,
}

/// How many new sources there are in the present epoch of the sketch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure<W = u64> {
    /// Which epoch.
    pub epoch: W,
    /// Records made.
    pub admitted: W,
    /// SYNs that went into the sketch.
    pub sketched: W,
}

/// The pressure in the map, shared like a [`LiveRule`].
pub type LivePressure = Pressure<Cell<u64>>;

/// How and when the filter was attached. One entry, for user space alone.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Seconds since 1970 at which the interface was first attached.
    pub attached_at: u64,
    /// What to add to the monotonic clock, counted in ticks, to get the tick.
    pub tick_offset: i64,
    /// The interface's index.
    pub interface: u32,
    /// 0 for generic, 1 for native.
    pub native: u32,
    /// 1 where completed handshakes are counted.
    pub handshakes: u32,
    /// The threshold as given, in SYNs per second.
    pub syn_rate: u32,
    /// How long an automatic ban lasts, in seconds.
    pub ban_seconds: u64,
    /// The inode of the network namespace, since interfaces in two of them may
    /// have the same name.
    pub namespace: u64,
}

/// What a key of the IPv4 prefix trie holds: the address, and a zero without
/// which the trie would not align its values to eight bytes.
pub type TrieV4 = [u32; 2];

/// What a key of the IPv6 prefix trie holds.
pub type TrieV6 = [u32; 4];

/// Told to the controller when a source goes over its rate.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which source.
    pub source: SourceKey,
    /// When, in ticks.
    pub tick: u64,
}

const _: () = {
    assert!(size_of::<Rule>() == 64);
    assert!(size_of::<LiveRule>() == 64);
    assert!(size_of::<SourceRecord>() == 112);
    assert!(size_of::<LiveRecord>() == 112);
    assert!(size_of::<Settings>() == 80);
    assert!(size_of::<Pressure>() == 24);
    assert!(size_of::<LivePressure>() == 24);
    assert!(size_of::<Attachment>() == 48);
    assert!(size_of::<Event>() == 24);
};

impl<W> Rule<W> {
    /// Whether it still holds at `now`.
    #[inline(always)]
    pub const fn active(&self, now: u64) -> bool {
        now < self.expires
    }
}

impl SourceRecord {
    /// The record of a source not yet seen.
    pub const BLANK: Self = Self {
        syns: 0,
        dropped: 0,
        handshakes: 0,
        first_seen: 0,
        last_seen: 0,
        window_start: 0,
        window_syns: 0,
        window_handshakes: 0,
        recent_ports: 0,
        port_set: 0,
        previous_syns: 0,
        previous_handshakes: 0,
        source_port: 0,
        reported: 0,
    };

    /// Totals since the source was first seen.
    pub const fn totals(&self) -> Totals {
        Totals {
            syns: self.syns,
            handshakes: self.handshakes,
        }
    }

    /// The window as of `now`; `length` in ticks.
    pub const fn window(&self, now: u64, length: u64) -> Window {
        Window {
            start: self.window_start,
            syns: self.window_syns,
            handshakes: self.window_handshakes,
            previous_syns: self.previous_syns,
            previous_handshakes: self.previous_handshakes,
        }
        .rolled(now, length, self.totals())
    }

    /// Where the source has always used the same source port: which.
    pub const fn constant_source_port(&self) -> Option<u16> {
        ports::constant_source_port(self.source_port)
    }
}

impl LiveRecord {
    /// Totals since the source was first seen.
    #[inline(always)]
    pub fn totals(&self) -> Totals {
        Totals {
            syns: self.syns.get(),
            handshakes: self.handshakes.get(),
        }
    }

    /// Starts a blank record at `now`.
    #[inline(always)]
    pub fn begin(&self, now: u64) {
        self.first_seen.set(now);
        self.window_start.set(now);
    }

    /// Rolls the window on to `now` and gives it.
    ///
    /// Totals are added atomically; where a window begins is not. Two CPUs that
    /// roll at the same instant may leave a previous window that is too low: the
    /// source then gets at most one window's worth of SYNs more.
    #[inline(always)]
    pub fn roll(&self, now: u64, length: u64) -> Window {
        let window = Window {
            start: self.window_start.get(),
            syns: self.window_syns.get(),
            handshakes: self.window_handshakes.get(),
            previous_syns: self.previous_syns.get(),
            previous_handshakes: self.previous_handshakes.get(),
        };
        let rolled = window.rolled(now, length, self.totals());
        if rolled.start != window.start {
            self.window_syns.set(rolled.syns);
            self.window_handshakes.set(rolled.handshakes);
            self.previous_syns.set(rolled.previous_syns);
            self.previous_handshakes.set(rolled.previous_handshakes);
            self.window_start.set(rolled.start);
        }
        rolled
    }

    /// Notes the ports and the time of a SYN.
    #[inline(always)]
    pub fn note(&self, source_port: u16, destination_port: u16, now: u64) {
        self.last_seen.set(now);
        let recent = self.recent_ports.get();
        self.recent_ports
            .set(ports::remember(recent, destination_port));
        let set = self.port_set.get();
        self.port_set.set(ports::mark(set, destination_port));
        let word = self.source_port.get();
        self.source_port
            .set(ports::note_source_port(word, source_port));
    }

    /// Whether the controller is to be told again: once a second per source.
    #[inline(always)]
    pub fn report_due(&self, now: u64, hz: u32) -> bool {
        let due = now.saturating_sub(self.reported.get()) >= u64::from(hz);
        if due {
            self.reported.set(now);
        }
        due
    }
}
