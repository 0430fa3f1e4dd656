//! Counts of the whole process.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that only grows.
#[derive(Debug)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts so many more, and says how many there were.
    pub(crate) fn add(&self, more: u64) -> u64 {
        self.0.fetch_add(more, Ordering::Relaxed)
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What became of events.
#[derive(Debug)]
pub(crate) struct Process {
    /// Written to the file.
    pub(crate) events_written: Counter,
    /// Not written: the queue was full, or the disk.
    pub(crate) events_dropped: Counter,
    /// Runs of the hook that ended with 0.
    pub(crate) hook_done: Counter,
    /// With something else.
    pub(crate) hook_failed: Counter,
    /// That were ended.
    pub(crate) hook_timed_out: Counter,
    /// That could not be begun.
    pub(crate) hook_not_started: Counter,
    /// Events for which it was not run, as too many waited.
    pub(crate) hook_dropped: Counter,
}

static PROCESS: Process = Process {
    events_written: Counter::new(),
    events_dropped: Counter::new(),
    hook_done: Counter::new(),
    hook_failed: Counter::new(),
    hook_timed_out: Counter::new(),
    hook_not_started: Counter::new(),
    hook_dropped: Counter::new(),
};

/// Those of this process.
pub(crate) fn process() -> &'static Process {
    &PROCESS
}
