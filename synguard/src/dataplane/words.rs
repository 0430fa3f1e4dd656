//! An array of words in the kernel, mapped into memory.

use std::os::fd::BorrowedFd;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::Result;
use crate::error::Context as _;

/// The words of an array map with BPF_F_MMAPABLE (from Linux 5.5 on).
pub(super) struct Words {
    start: NonNull<AtomicU64>,
    count: usize,
}

impl Words {
    pub(super) fn map(fd: BorrowedFd<'_>, count: u32) -> Result<Self> {
        let count = count as usize;
        let flags = ProtFlags::READ | ProtFlags::WRITE;
        let bytes = count * size_of::<u64>();
        // SAFETY: a new mapping, where the kernel likes.
        let start = unsafe { mmap(null_mut(), bytes, flags, MapFlags::SHARED, fd, 0) }
            .context("mapping an array")?;
        let start = NonNull::new(start.cast())
            .ok_or("mapped at address zero")
            .context("mapping an array")?;
        Ok(Self { start, count })
    }

    pub(super) fn all(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is that long, or mapping it would have failed; it is
        // aligned to a page and zeroed by the kernel, and stays until this value is
        // dropped. Others write it too, hence atomics.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }

    /// Makes them these, writing only what differs.
    pub(super) fn replace(&self, wanted: &[u64]) {
        for (word, wanted) in self.all().iter().zip(wanted) {
            if word.load(Ordering::Relaxed) != *wanted {
                word.store(*wanted, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        let bytes = self.count * size_of::<u64>();
        // SAFETY: the mapping that `map` made, and nobody holds a word of it.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), bytes) };
    }
}
