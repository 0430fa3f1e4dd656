//! What the packet path is told.

use crate::source::SourceMask;

/// What the packet path is told. One entry, written by user space.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// [`ABI_VERSION`](super::ABI_VERSION) of whoever made the maps.
    pub abi_version: u32,
    /// Not 0: decide and count, but pass everything. The bits of [`dry_run`] say why.
    pub dry_run: u32,
    /// Until which tick a capture wants packets shown; 0 without one. Who captures
    /// renews it, so that it ends even if he is killed.
    pub samples_until: u64,
    /// The length of the window, in ticks; not 0.
    pub window: u64,
    /// SYNs per window above which a source is over its rate.
    pub limit: u64,
    /// Ticks per second.
    pub hz: u32,
    /// How many rules have the scope `all`: where none has, a packet that is
    /// no SYN costs no lookup.
    pub all_rules: u32,
    /// What one source is.
    pub mask: SourceMask,
    /// An epoch of the sketch is 2 to the power of this many ticks.
    pub epoch_shift: u32,
    /// Which [`holder`](super::holder)s of rules are in force.
    pub holders: u32,
    /// How many events an epoch may bring: a flood of offenders must not flood
    /// the controller, which also scans the records.
    pub events: u32,
    /// How many new sources get a record without the sketch being asked
    /// ([`Pressure::admitted`](super::Pressure::admitted)).
    pub admissions: u64,
    /// Drawn at random at attach ([`crate::sketch::places`]).
    pub seed: u64,
    /// How many SYNs may be answered with a cookie in an epoch, and more are dropped;
    /// 0: none is, and they pass. Answered are those of sources that are not known to
    /// be good, where a [`Listener`](super::Listener) says that they can be.
    pub answers: u32,
    /// How many of them may come from one network ([`crate::admit::NETWORK`]): answers
    /// to spoofed sources hit who was spoofed.
    pub answers_each: u32,
    /// Until which tick: what the controller knows of listeners grows old without it.
    pub answers_until: u64,
    /// From which tick on everything passes, as in a dry run;
    /// [`NEVER`](super::NEVER) once somebody has confirmed that the filter does no harm.
    /// Who locked himself out gets in again without a controller's help.
    pub passes_from: u64,
}

/// Why nothing is dropped: the bits of [`Settings::dry_run`].
pub mod dry_run {
    /// Whoever attached wants it so.
    pub const ASKED: u32 = 1;
    /// `synguard panic`.
    pub const PANIC: u32 = 2;
}

impl Settings {
    /// Whether everything passes at `now`.
    #[inline(always)]
    pub const fn is_dry(&self, now: u64) -> bool {
        self.dry_run != 0 || now >= self.passes_from
    }

    /// Whether SYNs are answered with cookies at `now`.
    #[inline(always)]
    pub const fn challenges(&self, now: u64) -> bool {
        self.answers != 0 && now < self.answers_until
    }
}
