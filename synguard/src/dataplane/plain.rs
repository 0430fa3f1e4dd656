//! Which types may be copied to and from maps as bytes.

use synguard_common::abi::{
    Attachment, CaptureFilter, Engagement, Event, List, Listener, Offences, Pressure, Rule, Sample,
    Settings, SourceRecord, SpoofedFlood, TrieV4, TrieV6,
};
use synguard_common::budget::Budget;

use super::trie::TrieKey;

/// A value as it lies in a map. aya's marker is foreign and so are the types,
/// hence the wrapper.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(super) struct Plain<T>(pub T);

/// # Safety
///
/// Without padding, and any bit pattern is a value.
pub(super) unsafe trait Words: Copy + 'static {}

// SAFETY: words only, without padding: sizes are asserted in `abi`.
unsafe impl Words for Rule {}
// SAFETY: as above.
unsafe impl Words for SourceRecord {}
// SAFETY: as above.
unsafe impl Words for Settings {}
// SAFETY: as above.
unsafe impl Words for Attachment {}
// SAFETY: as above.
unsafe impl Words for Event {}

// SAFETY: as above.
unsafe impl Words for Pressure {}
// SAFETY: as above.
unsafe impl Words for SpoofedFlood {}
// SAFETY: as above.
unsafe impl Words for Offences {}
// SAFETY: as above.
unsafe impl Words for List {}
// SAFETY: as above.
unsafe impl Words for Listener {}
// SAFETY: as above.
unsafe impl Words for Engagement {}
// SAFETY: as above.
unsafe impl Words for Sample {}
// SAFETY: as above.
unsafe impl Words for CaptureFilter {}
// SAFETY: as above.
unsafe impl Words for Budget {}
// SAFETY: bytes.
unsafe impl<const N: usize> Words for [u8; N] {}
// SAFETY: a word.
unsafe impl Words for u32 {}
// SAFETY: words.
unsafe impl<const N: usize> Words for [u32; N] {}
// SAFETY: words, the first as wide as the others.
unsafe impl Words for TrieKey<TrieV4> {}
// SAFETY: as above.
unsafe impl Words for TrieKey<TrieV6> {}

// SAFETY: transparent over a type that promises the same.
unsafe impl<T: Words> aya::Pod for Plain<T> {}

/// Reads a value from the bytes that the kernel sent, if there are enough.
pub(super) fn read<T: Words>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: enough bytes, any bit pattern is a value, alignment is not asked.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}
