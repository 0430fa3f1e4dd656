//! The maps as `decide` wants to see them.

use core::cell::Cell;

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::btf_maps::lpm_trie::Key;
use synguard_common::abi::{Event, LivePressure, LiveRecord, LiveRule, SourceRecord};
use synguard_common::decide::Tables;
use synguard_common::repeat::Kept;
use synguard_common::source::Address;

use crate::maps::{
    EVENTS, EXACT_V4, EXACT_V6, GATES, KNOWN, PREFIX_V4, PREFIX_V6, PRESSURE, REPEAT, SKETCH,
    SOURCES,
};

/// The maps, for one packet.
pub(crate) struct Maps {
    /// Not 0 where the packet is evidence. A word and not a flag, to be tested together
    /// with another.
    evidence: Cell<u64>,
}

impl Maps {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self {
            evidence: Cell::new(0),
        }
    }

    #[inline(always)]
    pub(crate) const fn evidence(&self) -> u64 {
        self.evidence.get()
    }
}

impl Tables for Maps {
    #[inline(always)]
    fn gates(&self, word: u32) -> u64 {
        // Open where unreadable, which cannot be: `word` is below the map's size.
        GATES.get(word).map_or(u64::MAX, |word| *word)
    }

    #[inline(always)]
    fn kept(&self, place: u32) -> Option<&Kept> {
        REPEAT.get(place)
    }

    #[inline(always)]
    fn exact(&self, source: Address) -> Option<&LiveRule> {
        // SAFETY: the entry stays readable until the program ends (RCU). User
        // space may replace it meanwhile: then its words are those of another
        // rule, and this packet is decided by that one.
        unsafe {
            match source {
                Address::V4([.., word]) => EXACT_V4.get(word),
                Address::V6(words) => EXACT_V6.get(words),
            }
        }
    }

    #[inline(always)]
    fn prefix(&self, address: Address, longest: u32) -> Option<&LiveRule> {
        match address {
            Address::V4([.., word]) => PREFIX_V4.get(&Key::new(longest, [word, 0])),
            Address::V6(words) => PREFIX_V6.get(&Key::new(longest, words)),
        }
    }

    #[inline(always)]
    fn known_bits(&self, word: u32) -> Option<&Cell<u64>> {
        KNOWN.get(word)
    }

    #[inline(always)]
    fn known(&self, source: Address) -> Option<&LiveRecord> {
        known(&source.key())
    }

    #[inline(always)]
    fn create(&self, source: Address, now: u64) -> Option<&LiveRecord> {
        let key = source.key();
        // It fails where the record is there: another CPU was first, or the filter
        // before the records was being renewed.
        let made = insert_blank(&key).is_ok();
        let record = known(&key)?;
        if made {
            record.begin(now);
        }
        Some(record)
    }

    #[inline(always)]
    fn pressure(&self) -> Option<&LivePressure> {
        PRESSURE.get(0)
    }

    #[inline(always)]
    fn cell(&self, place: u32) -> Option<&Cell<u32>> {
        let [even, odd] = SKETCH.get(place >> 1)?;
        Some(if place & 1 == 0 { even } else { odd })
    }

    #[inline(always)]
    fn add(&self, counter: &Cell<u64>, amount: u64) {
        // SAFETY: BPF_XADD on a live, aligned 64-bit word of a map value.
        // `AtomicU64::fetch_add` does not exist on this target.
        unsafe {
            core::arch::asm!(
                "lock *(u64 *)({at} + 0) += {amount}",
                at = in(reg) counter.as_ptr(),
                amount = in(reg) amount,
                options(nostack, preserves_flags),
            );
        }
    }

    #[inline(always)]
    fn report(&self, source: Address, now: u64) {
        let event = Event {
            source: source.key(),
            tick: now,
        };
        // A full buffer loses no offender: the controller also scans the map.
        if EVENTS.output_untyped::<Event>(event, 0).is_err()
            && let Some(pressure) = PRESSURE.get(0)
        {
            self.add(&pressure.lost, 1);
        }
        self.is_evidence();
    }

    #[inline(always)]
    fn is_evidence(&self) {
        self.evidence.set(1);
    }
}

#[inline(always)]
fn known(key: &[u32; 4]) -> Option<&'static LiveRecord> {
    // SAFETY: as for a rule; an evicted record's words then count for the
    // source that took its place.
    unsafe { SOURCES.get(key) }
}

/// Kept in the object: building it on the stack would call memset, which the
/// verifier refuses.
static BLANK: SourceRecord = SourceRecord::BLANK;

#[inline(always)]
fn insert_blank(key: &[u32; 4]) -> Result<(), i32> {
    // SAFETY: a plain record and a live one have the same layout, asserted by
    // size in `synguard_common::abi`; the kernel only reads this one.
    let blank = unsafe { &*core::ptr::from_ref(&BLANK).cast::<LiveRecord>() };
    SOURCES.insert(key, blank, u64::from(BPF_NOEXIST))
}
