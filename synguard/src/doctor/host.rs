//! The kernel, and what this process may do.

use super::Finding;
use crate::listeners::Sysctls;
use crate::{kernel, privileges};

/// Looks at them.
pub fn of_host() -> Vec<Finding> {
    let of = |topic, outcome: crate::Result<()>, good: &str| match outcome {
        Ok(()) => Finding::ok(topic, good),
        Err(error) => Finding::fail(topic, error.to_string()),
    };
    vec![
        of("kernel", kernel::check(), "new enough"),
        of(
            "privileges",
            privileges::to_attach(),
            "all that attach needs",
        ),
        of_syncookies(Sysctls::read().syncookies),
    ]
}

/// The kernel's own answer to a flood, which is there before SynGuard and after it.
fn of_syncookies(syncookies: u32) -> Finding {
    const TOPIC: &str = "net.ipv4.tcp_syncookies";
    match syncookies {
        0 => Finding::warn(
            TOPIC,
            "0: with a full backlog the kernel takes no connection any more",
            "sysctl -w net.ipv4.tcp_syncookies=1".to_owned(),
        ),
        other => Finding::ok(TOPIC, format!("{other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn no_cookies_at_all_are_worth_a_warning() {
        for (value, level) in [(0, Level::Warn), (1, Level::Ok), (2, Level::Ok)] {
            assert_eq!(of_syncookies(value).level, level, "{value}");
        }
    }
}
