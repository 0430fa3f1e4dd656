//! Which types may be copied to and from maps as bytes.

use synguard_common::abi::{Attachment, Event, Rule, Settings, SourceRecord};

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
