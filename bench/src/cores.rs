//! Staying on one core, and what it costs there.

use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The kernel's thread for what interrupts on the first core leave to do.
const LEFT_TO_DO: &str = "ksoftirqd/0";

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

/// Time that the calling thread has had the first core for, with what the kernel did
/// there on its behalf: unlike the time that went by, it does not grow when others
/// want the core too.
///
/// Packets are received within the thread that sent them, and its clock counts that
/// (but with CONFIG_IRQ_TIME_ACCOUNTING), or by the kernel's own thread.
pub fn busy() -> Result<Duration> {
    let own = clock_gettime(ClockId::ThreadCPUTime);
    let own = Duration::new(own.tv_sec.cast_unsigned(), own.tv_nsec as u32);
    Ok(own + kernel_busy()?)
}

fn kernel_busy() -> Result<Duration> {
    static PATH: OnceLock<Option<String>> = OnceLock::new();
    let path = PATH.get_or_init(|| find(LEFT_TO_DO)).as_ref();
    let path = path.with_context(|| format!("no thread {LEFT_TO_DO}"))?;
    let times = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    // sched-stats.rst of the kernel: time on the CPU in nanoseconds comes first.
    let nanos = times.split(' ').next().and_then(|word| word.parse().ok());
    Ok(Duration::from_nanos(
        nanos.context("no times in schedstat")?,
    ))
}

/// The times of the first process with this name.
fn find(name: &str) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?;
    let mut paths = processes.flatten().map(|process| process.path());
    let path = paths.find(|path| {
        fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    })?;
    Some(path.join("schedstat").to_string_lossy().into_owned())
}
