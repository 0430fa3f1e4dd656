//! What the controller takes from the machine.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::param::clock_ticks_per_second;
use synguard_tests::interrupt;
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::Topology;

use super::add;
use crate::machine::kilobytes;
use crate::names::scenario;
use crate::report::Results;

const REST: Duration = Duration::from_secs(20);

/// A controller with defaults, and nothing to do.
pub fn measure_rest(results: &mut Results) -> Result<()> {
    let topology = Topology::new()?;
    let synguard = Synguard::new(&topology)?;
    let controller = synguard.attach(&[])?;
    let before = Usage::of(controller.id())?;
    let start = Instant::now();
    while start.elapsed() < REST {
        ensure!(!interrupt::requested(), "interrupted");
        std::thread::sleep(Duration::from_millis(100));
    }
    let after = Usage::of(controller.id())?;
    add(results, scenario::REST, "%", &[after.share_since(&before)]);
    add(results, scenario::MEMORY, "MB", &[after.resident_mb]);
    Ok(())
}

/// A process's use of the machine at some instant.
pub struct Usage {
    at: Instant,
    busy: Duration,
    pub resident_mb: f64,
}

impl Usage {
    /// Reads it from /proc.
    pub fn of(process: u32) -> Result<Self> {
        let read = |name| {
            let path = format!("/proc/{process}/{name}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let resident = kilobytes(&read("status")?, "VmRSS").context("no VmRSS")?;
        let ticks = busy_ticks(&read("stat")?).context("no times in stat")?;
        Ok(Self {
            at: Instant::now(),
            busy: Duration::from_millis(ticks * 1000 / clock_ticks_per_second()),
            resident_mb: resident as f64 / 1024.0,
        })
    }

    /// Percent of a core since then.
    pub fn share_since(&self, before: &Self) -> f64 {
        let busy = self.busy.saturating_sub(before.busy);
        100.0 * busy.as_secs_f64() / self.at.duration_since(before.at).as_secs_f64()
    }
}

/// User and system time (proc_pid_stat(5): fields 14 and 15). The second field
/// is a name that may hold anything, in parentheses.
fn busy_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_after_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 12 30 0 0 20 0 1 0 5";
        assert_eq!(busy_ticks(stat), Some(42));
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(Usage::of(std::process::id()).unwrap().resident_mb > 0.1);
    }
}
