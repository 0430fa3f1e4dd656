//! Packets shown to user space, and which.

use crate::source::{Address, SourceKey};
use crate::verdict::{Reason, Verdict};

/// So many bytes of a packet are shown at most: all headers that the parser reads,
/// with options.
pub const SNAP: usize = 256;
/// Bytes are copied by words of so many.
pub const WORD: usize = 8;

/// A packet, what became of it, and what was known of its source then.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in nanoseconds of the kernel's monotonic clock.
    pub nanos: u64,
    /// The [`CaptureFilter::session`] that it was taken for.
    pub session: u64,
    /// SYNs of the source since it was first seen, but for those that a rule dropped;
    /// this and the next three mean something only where the source is `known`.
    pub syns: u64,
    /// Of them, dropped for the rate.
    pub dropped: u64,
    /// Connections that it completed.
    pub handshakes: u64,
    /// SYNs over the last window, times the window's length in ticks.
    pub load: u64,
    /// Not 0 where the source has a record.
    pub known: u32,
    /// The index of its [`Reason`].
    pub reason: u32,
    /// What became of it: a [`verdict`].
    pub verdict: u32,
    /// Not 0 for the packet that its source was reported for, and for the first that
    /// its ban dropped.
    pub evidence: u32,
    /// How long the frame was, in bytes.
    pub len: u32,
    /// How many of them are here.
    pub captured: u32,
    /// The frame's first bytes; those beyond `captured` mean nothing.
    pub words: [[u8; WORD]; SNAP / WORD],
}

/// A sample in the making, handed from program to program. Each CPU has one. It is
/// pinned, so that the programs of two controllers share it while one takes over from
/// the other.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// How far it is: a [`stage`].
    pub stage: u32,
    /// Not 0 where a capture wants packets from its source.
    pub is_wanted: u32,
    /// What there is of it.
    pub sample: Sample,
}

/// The values of [`Draft::stage`].
pub mod stage {
    /// There is none.
    pub const NONE: u32 = 0;
    /// The filter has decided, and nothing has been counted or copied.
    pub const DECIDED: u32 = 1;
    /// The challenge is to decide.
    pub const OPEN: u32 = 2;
    /// It has, and has counted the packet.
    pub const CLOSED: u32 = 3;
}

/// The values of [`Sample::verdict`].
pub mod verdict {
    /// Passed.
    pub const PASS: u32 = 0;
    /// Dropped.
    pub const DROP: u32 = 1;
    /// Answered with a SYN cookie.
    pub const ANSWER: u32 = 2;
}

impl Verdict {
    /// Its [`verdict`] code.
    #[inline(always)]
    pub const fn code(self) -> u32 {
        match self {
            Self::Pass => verdict::PASS,
            Self::Drop => verdict::DROP,
            Self::Challenge => verdict::ANSWER,
        }
    }
}

/// Which packets a capture wants. One entry, written by who captures.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureFilter {
    /// Packets of sources whose key is this, as far as `mask` goes.
    pub prefix: SourceKey,
    /// All zeros: of any source.
    pub mask: SourceKey,
    /// One bit for each [`Reason`], the first the lowest.
    pub reasons: u64,
    /// Drawn at random, so that what was taken for another capture is known by it.
    pub session: u64,
}

impl CaptureFilter {
    /// Whether packets from this address are wanted.
    #[inline(always)]
    pub const fn wants_source(&self, source: Address) -> bool {
        let [a, b, c, d] = source.key();
        let [ma, mb, mc, md] = self.mask;
        let [pa, pb, pc, pd] = self.prefix;
        ((a & ma) ^ pa) | ((b & mb) ^ pb) | ((c & mc) ^ pc) | ((d & md) ^ pd) == 0
    }

    /// Whether packets counted under the reason of this index are wanted.
    #[inline(always)]
    pub const fn wants_reason(&self, reason: u32) -> bool {
        self.reasons.wrapping_shr(reason) & 1 != 0
    }
}

/// The entries of the budgets.
pub mod budget {
    /// Packets of a capture.
    pub const CAPTURE: u32 = 0;
    /// Packets that are evidence.
    pub const EVIDENCE: u32 = 1;
    /// How many there are.
    pub const COUNT: usize = 2;
}

/// The entries of the counters of what a capture does without.
pub mod missed {
    /// Packets beyond its budget.
    pub const BUDGET: u32 = 0;
    /// Packets for which the buffer had no room.
    pub const FULL: u32 = 1;
    /// How many there are.
    pub const COUNT: usize = 2;
}

const _: () = assert!(Reason::COUNT <= u64::BITS as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MAPPED;

    #[test]
    fn a_filter_wants_a_prefix_and_reasons() {
        let all = CaptureFilter {
            reasons: u64::MAX,
            ..CaptureFilter::default()
        };
        assert!(all.wants_source(Address::v4(7)) && all.wants_source(Address::V6([1, 2, 3, 4])));
        let byte = u32::from_ne_bytes([255, 0, 0, 0]);
        let ten = u32::from_ne_bytes([10, 0, 0, 0]);
        let some = CaptureFilter {
            prefix: [0, 0, MAPPED, ten],
            mask: [u32::MAX, u32::MAX, u32::MAX, byte],
            reasons: 1 << (Reason::DroppedBan as u32),
            session: 0,
        };
        let address = |octets| Address::v4(u32::from_ne_bytes(octets));
        assert!(some.wants_source(address([10, 9, 8, 7])));
        assert!(!some.wants_source(address([11, 9, 8, 7])));
        assert!(!some.wants_source(Address::V6([0, 0, 0, ten])));
        for reason in Reason::ALL {
            let wanted = some.wants_reason(reason as u32);
            assert_eq!(wanted, reason == Reason::DroppedBan, "{reason:?}");
        }
    }
}
