//! Packets by reason.

use std::collections::BTreeMap;

use synguard_common::verdict::{Reason, Verdict};

/// Packets by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([u64; Reason::COUNT]);

impl Counters {
    /// Nothing counted yet.
    pub const NONE: Self = Self([0; Reason::COUNT]);

    /// Counts so many more packets under a reason.
    pub const fn add(&mut self, reason: Reason, packets: u64) {
        self.0[reason as usize] += packets;
    }

    /// The counts of all reasons with this verdict, by their names.
    pub fn by_reason(&self, verdict: Verdict) -> BTreeMap<&'static str, u64> {
        Reason::ALL
            .into_iter()
            .filter(|reason| reason.verdict() == verdict)
            .map(|reason| (reason.label(), self.of(reason)))
            .collect()
    }

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

    /// SYNs that were left to the kernel.
    pub fn syns_passed(&self) -> u64 {
        self.sum(|reason| reason.is_syn() && reason.verdict() == Verdict::Pass)
    }

    /// Packets dropped, or that would have been in a dry run.
    pub fn dropped(&self) -> u64 {
        self.sum(|reason| reason.verdict() == Verdict::Drop)
    }
}
