//! The same verdict again: what a flood's next packet meets.
//!
//! To look a rule up costs 30 ns in a hash map and 100 in a trie, and a flood from a
//! blocked source asks for the same rule a million times a second. So each CPU keeps
//! the last verdicts, and gives one again to a packet of the same source and kind.
//!
//! Guaranteed: a verdict is given again within the tick in which its rule was looked
//! up, and [`BATCH`] times at most. A rule that changes or ends does so with the next
//! tick.
//!
//! A rule's hits are added by batches. They fall short by less than [`BATCH`] for each
//! CPU once a source goes quiet, or gives its place to another; a rule with fewer than
//! [`BUSY`] hits is exact.

use core::cell::Cell;

use crate::source::{Address, SourceKey};

/// How often a verdict is given again.
pub const BATCH: u64 = 15;
/// Verdicts of rules with fewer hits are not kept.
pub const BUSY: u64 = 64;
/// Places for verdicts on each CPU: one half for SYNs, one for other packets.
pub const PLACES: u32 = 1024;

/// A verdict to drop that is kept, and for whom.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Kept {
    source: Cell<[u32; 4]>,
    /// In which tick it may be given again.
    tick: Cell<u64>,
    /// Not 0 where the rule is an automatic ban.
    banned: Cell<u32>,
    /// How often it may still be given.
    left: Cell<u32>,
}

/// Where the verdict about an address's SYNs is kept.
#[inline(always)]
pub const fn of_syns(address: Address) -> u32 {
    // One multiplication spreads well enough (2^64 over the golden ratio): who makes
    // places collide only makes his own packets slower.
    let [a, b, c, d] = address.key();
    let network = (a as u64) << 32 | b as u64;
    let host = (c as u64) << 32 | d as u64;
    let product = (network.rotate_left(23) ^ host).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (product >> 40) as u32 & (PLACES / 2 - 1)
}

/// Where the verdict about its other packets is kept.
#[inline(always)]
pub const fn of_others(address: Address) -> u32 {
    of_syns(address) | (PLACES / 2)
}

impl Kept {
    /// Whether the verdict may be given again to a packet from `address`; if so, it
    /// is one time less.
    #[inline(always)]
    pub fn again(&self, address: Address, now: u64) -> bool {
        let left = self.left.get();
        let same = self.tick.get() == now && left != 0 && self.is_for(address.key());
        if same {
            self.left.set(left.wrapping_sub(1));
        }
        same
    }

    /// Whether the rule is an automatic ban.
    #[inline(always)]
    pub const fn is_ban(&self) -> bool {
        self.banned.get() != 0
    }

    /// Keeps the verdict of a rule with so many `hits`, now that it was looked up.
    /// Gives how many hits the rule is owed, for verdicts given again before and for
    /// this one.
    #[inline(always)]
    pub fn keep(&self, address: Address, is_ban: bool, now: u64, hits: u64) -> u64 {
        let key = address.key();
        let owed = if self.tick.get() != 0 && self.is_for(key) {
            BATCH.saturating_sub(u64::from(self.left.get()))
        } else {
            0
        };
        if owed != 0 {
            self.left.set(BATCH as u32);
            self.tick.set(0);
        }
        if hits >= BUSY {
            self.source.set(key);
            self.banned.set(is_ban as u32);
            self.tick.set(now);
            self.left.set(BATCH as u32);
        }
        owed.wrapping_add(1)
    }

    #[inline(always)]
    const fn is_for(&self, key: SourceKey) -> bool {
        let [a, b, c, d] = key;
        let [ka, kb, kc, kd] = self.source.get();
        // Without branches: it is the same source nearly always.
        (a ^ ka) | (b ^ kb) | (c ^ kc) | (d ^ kd) == 0
    }
}

const _: () = assert!(core::mem::size_of::<Kept>() == 32);

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Address = Address::v4(7);

    #[test]
    fn a_verdict_is_given_again_within_its_tick_and_batch() {
        let kept = Kept::default();
        assert!(!kept.again(ADDRESS, 9));
        assert_eq!(kept.keep(ADDRESS, true, 9, BUSY), 1);
        for _ in 0..BATCH {
            assert!(kept.again(ADDRESS, 9) && kept.is_ban());
        }
        assert!(!kept.again(ADDRESS, 9));
        assert_eq!(kept.keep(ADDRESS, true, 9, BUSY), BATCH + 1);
        assert!(!kept.again(ADDRESS, 10), "another tick");
    }

    #[test]
    fn a_verdict_is_for_one_source() {
        let kept = Kept::default();
        kept.keep(ADDRESS, false, 9, BUSY);
        assert!(!kept.again(Address::v4(8), 9));
        assert!(kept.again(ADDRESS, 9) && !kept.is_ban());
    }

    #[test]
    fn syns_and_other_packets_have_places_of_their_own() {
        for last in 0..1000_u32 {
            let address = Address::v4(last.to_be());
            assert!(of_syns(address) < PLACES / 2);
            assert!((PLACES / 2..PLACES).contains(&of_others(address)));
        }
    }

    #[test]
    fn what_was_given_again_is_owed_to_the_rule() {
        let kept = Kept::default();
        kept.keep(ADDRESS, false, 9, BUSY);
        assert!(kept.again(ADDRESS, 9) && kept.again(ADDRESS, 9));
        assert_eq!(kept.keep(ADDRESS, false, 10, BUSY), 3);
        assert_eq!(kept.keep(Address::v4(8), false, 10, BUSY), 1);
    }

    #[test]
    fn what_is_owed_is_paid_once() {
        let kept = Kept::default();
        kept.keep(ADDRESS, false, 9, BUSY);
        assert!(kept.again(ADDRESS, 9));
        // The rule was made anew, and has no hits yet.
        assert_eq!(kept.keep(ADDRESS, false, 10, 0), 2);
        assert_eq!(kept.keep(ADDRESS, false, 10, 2), 1);
    }

    #[test]
    fn a_rule_with_few_hits_is_looked_up_each_time() {
        let kept = Kept::default();
        assert_eq!(kept.keep(ADDRESS, false, 9, BUSY - 1), 1);
        assert!(!kept.again(ADDRESS, 9));
    }
}
