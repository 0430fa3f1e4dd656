//! Packets by reason, over all CPUs.

use synguard_common::verdict::{Reason, Verdict};

/// Packets by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters(pub(super) [u64; Reason::COUNT]);

impl Counters {
    /// Packets with this reason.
    pub const fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// Packets with any of the reasons that `wanted` picks.
    pub fn sum(&self, wanted: impl Fn(Reason) -> bool) -> u64 {
        let picked = Reason::ALL.into_iter().filter(|reason| wanted(*reason));
        picked.map(|reason| self.of(reason)).sum()
    }

    /// All packets.
    pub fn packets(&self) -> u64 {
        self.sum(|_| true)
    }

    /// All SYNs.
    pub fn syns(&self) -> u64 {
        self.sum(Reason::is_syn)
    }

    /// Packets dropped, or that would have been in a dry run.
    pub fn dropped(&self) -> u64 {
        self.sum(|reason| reason.verdict() == Verdict::Drop)
    }
}
