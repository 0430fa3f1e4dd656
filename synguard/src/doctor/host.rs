//! The kernel, and what this process may do.

use std::fs;

use super::Finding;
use super::device::Machine;
use super::features::of_trial;
use super::sysctls::{Backlog, of_backlog};
use crate::dataplane::Trial;
use crate::{Result, kernel, privileges};

/// What was found, and what it says about any interface.
pub fn of_host() -> (Vec<Finding>, Machine) {
    let allowed = privileges::to_attach();
    let trial = allowed.is_ok().then(Trial::run);
    let mut findings = vec![of_kernel(kernel::check()), of_privileges(allowed)];
    findings.extend(trial.iter().flat_map(of_trial));
    findings.extend(of_backlog(&Backlog::read()));
    let tried = trial.and_then(Result::ok).map(|trial| trial.multi_buffer);
    let machine = Machine {
        cpus: cpus(),
        page: u32::try_from(rustix::param::page_size()).unwrap_or(u32::MAX),
        multi_buffer: tried.unwrap_or_else(kernel::has_multi_buffer),
    };
    (findings, machine)
}

fn of_kernel(outcome: Result<()>) -> Finding {
    const TOPIC: &str = "kernel";
    match outcome {
        Ok(()) => Finding::ok(TOPIC, "new enough"),
        Err(error) => Finding::fail(TOPIC, error.to_string()),
    }
}

/// Whoever looks need not be who attaches.
fn of_privileges(outcome: Result<()>) -> Finding {
    const TOPIC: &str = "privileges";
    match outcome {
        Ok(()) => Finding::ok(TOPIC, "all that attach needs"),
        Err(error) => Finding::warn(
            TOPIC,
            format!(
                "{error}; without, attach is refused, and whether the kernel takes SynGuard's \
                 programs was not looked at"
            ),
            "`sudo synguard doctor`".to_owned(),
        ),
    }
}

/// As many as there can be, by which drivers count.
fn cpus() -> u32 {
    let possible = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    last_of(&possible).map_or(1, |last| last.saturating_add(1))
}

/// `0-3`, `0`, `0-1,4-7` (`Documentation/admin-guide/cputopology.rst`).
fn last_of(range: &str) -> Option<u32> {
    range.trim().rsplit(['-', ',']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::doctor::Level;

    #[test]
    fn cpus_are_counted_to_the_last() {
        for (range, last) in [
            ("0\n", Some(0)),
            ("0-3\n", Some(3)),
            ("0-1,4-7\n", Some(7)),
            ("", None),
        ] {
            assert_eq!(last_of(range), last, "{range:?}");
        }
    }

    #[test]
    fn an_old_kernel_fails_and_missing_privileges_are_said() {
        let error = |what: &str| Err(Error::Unsupported(what.to_owned()));
        assert_eq!(of_kernel(error("too old")).level, Level::Fail);
        let privileges = of_privileges(error("missing CAP_BPF"));
        assert_eq!(privileges.level, Level::Warn);
        assert!(privileges.reason.contains("not looked at"));
    }
}
