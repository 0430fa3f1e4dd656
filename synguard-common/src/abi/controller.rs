//! What user space keeps in maps that the packet path never reads.

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

/// A flood of spoofed sources at the interface, as the controller judges it. One
/// entry, for user space alone.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoofedFlood {
    /// When it began, in ticks; 0 while there is none.
    pub since: u64,
    /// SYNs per second that were not dropped, over the last look.
    pub syns_per_second: u32,
    /// Of them, from sources without a record.
    pub new_per_second: u32,
    /// Connections completed per second.
    pub handshakes_per_second: u32,
    /// SYNs per second above which it may be one.
    pub threshold: u32,
}

/// How often a source was banned, for user space alone.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offences {
    /// When the last ban ended or is to end, in ticks.
    pub until: u64,
    /// Bans so far.
    pub count: u64,
}

/// The entries of the counters of changes, which whoever changes rules raises: so the
/// controller knows what has to be saved anew.
pub mod change {
    /// Of automatic bans.
    pub const BANS: u32 = 0;
    /// Of what people said and imported.
    pub const SAID: u32 = 1;
    /// How many there are.
    pub const COUNT: usize = 2;
}

/// The longest name of a list, in bytes.
pub const LIST_NAME: usize = 32;

/// An imported list, for user space alone. The entry's index is that of its
/// [`holder`](super::holder).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// UTF-8, filled up with zeros; all zeros where there is no list.
    pub name: [u8; LIST_NAME],
    /// When it was imported, in seconds since 1970.
    pub imported_at: u64,
    /// Prefixes that it named.
    pub prefixes: u64,
    /// See [`action`](super::action).
    pub action: u32,
    /// See [`scope`](super::scope).
    pub scope: u32,
    /// Not 0 while it is being changed: where that is never undone, whoever did
    /// it died.
    pub changing: u64,
}

/// Whether new clients are challenged, as the controller last said.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Engagement {
    /// Since which tick they are; 0 while they are not.
    pub since: u64,
    /// When they are to be: a [`challenge`].
    pub mode: u32,
    /// What keeps them from ever being: an [`obstacle`].
    pub obstacle: u32,
}

/// When new clients are challenged.
pub mod challenge {
    /// Never.
    pub const OFF: u32 = 0;
    /// During a spoofed flood.
    pub const AUTO: u32 = 1;
    /// At any time.
    pub const ALWAYS: u32 = 2;
}

/// What keeps an interface from challenging anybody.
pub mod obstacle {
    /// Nothing.
    pub const NONE: u32 = 0;
    /// The kernel lacks what the program needs.
    pub const KERNEL: u32 = 1;
    /// A veth in native mode loses what its program sends.
    pub const VETH: u32 = 2;
    /// Handshakes are not counted, so that no spoofed flood can be told from a crowd.
    pub const BLIND: u32 = 3;
    /// No listener can serve who was answered so ([`super::hindrance`]).
    pub const LISTENERS: u32 = 4;
    /// Nothing is to be done, only counted.
    pub const DRY_RUN: u32 = 5;
    /// Interfaces of VLANs stand on it, and a card that takes tags off before the program
    /// sees a SYN does not put them on its answer.
    pub const VLAN: u32 = 6;
}
