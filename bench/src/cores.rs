//! Staying on one core.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Makes the calling thread stay on the first core.
pub fn stay_on_first() -> Result<()> {
    let mut core = CpuSet::new();
    core.set(0);
    sched_setaffinity(None, &core).context("cannot stay on one core")
}

/// Runs `work` on a thread that stays on the first core: its caches stay warm,
/// and who sends there also pays for what receiving costs.
pub fn on_first<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| stay_on_first().map(|()| work()));
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
