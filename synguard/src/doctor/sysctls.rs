//! What the kernel itself does in a flood: sysctls that are worth changing.

use std::fs;

use super::Finding;

/// Of this network namespace. What cannot be read is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// `net.ipv4.tcp_syncookies`.
    pub syncookies: Option<u32>,
    /// `net.ipv4.tcp_synack_retries`.
    pub synack_retries: Option<u32>,
    /// `net.ipv4.tcp_max_syn_backlog`.
    pub max_syn_backlog: Option<u32>,
    /// `net.core.somaxconn`.
    pub somaxconn: Option<u32>,
}

impl Backlog {
    /// Reads them.
    pub fn read() -> Self {
        let number = |path| {
            let text = fs::read_to_string(format!("/proc/sys/net/{path}")).ok()?;
            text.trim().parse().ok()
        };
        Self {
            syncookies: number("ipv4/tcp_syncookies"),
            synack_retries: number("ipv4/tcp_synack_retries"),
            max_syn_backlog: number("ipv4/tcp_max_syn_backlog"),
            somaxconn: number("core/somaxconn"),
        }
    }
}

/// Judges them.
pub fn of_backlog(backlog: &Backlog) -> Vec<Finding> {
    vec![
        judged(SYNCOOKIES, backlog.syncookies, of_syncookies),
        judged(SYNACK_RETRIES, backlog.synack_retries, of_synack_retries),
        judged(SOMAXCONN, backlog.somaxconn, of_somaxconn),
        judged(MAX_SYN_BACKLOG, backlog.max_syn_backlog, |largest| {
            of_max_syn_backlog(largest, backlog)
        }),
    ]
}

const SYNCOOKIES: &str = "net.ipv4.tcp_syncookies";
const SYNACK_RETRIES: &str = "net.ipv4.tcp_synack_retries";
const SOMAXCONN: &str = "net.core.somaxconn";
const MAX_SYN_BACKLOG: &str = "net.ipv4.tcp_max_syn_backlog";

/// The kernel's default (`TCP_SYNACK_RETRIES` in `include/net/tcp.h`).
const USUAL_RETRIES: u32 = 5;
/// The kernel's default from Linux 5.4 on (`SOMAXCONN` in `include/linux/socket.h`).
const USUAL_SOMAXCONN: u32 = 4096;
/// And before.
const SMALL_SOMAXCONN: u32 = 128;

fn judged(topic: &'static str, value: Option<u32>, judge: impl FnOnce(u32) -> Finding) -> Finding {
    value.map_or_else(|| Finding::ok(topic, "cannot be read here"), judge)
}

/// The kernel's own answer to a flood, which is there before SynGuard and after it.
fn of_syncookies(value: u32) -> Finding {
    match value {
        0 => Finding::warn(
            SYNCOOKIES,
            "0: with a full backlog the kernel takes no connection any more",
            set(SYNCOOKIES, 1),
        ),
        other => Finding::ok(SYNCOOKIES, format!("{other}")),
    }
}

/// The first repeat comes after a second, each further one after twice as long.
fn of_synack_retries(value: u32) -> Finding {
    let seconds = |retries: u32| (1_u64 << (retries.min(31) + 1)) - 1;
    let reason = format!(
        "{value}: a SYN that nobody completes holds its place for {} s",
        seconds(value)
    );
    if value <= USUAL_RETRIES {
        return Finding::ok(SYNACK_RETRIES, reason);
    }
    let sent = value + 1;
    Finding::warn(
        SYNACK_RETRIES,
        format!("{reason}, and whoever is forged as its source gets {sent} SYN-ACKs"),
        format!(
            "{}, the kernel's default ({} s)",
            set(SYNACK_RETRIES, USUAL_RETRIES),
            seconds(USUAL_RETRIES)
        ),
    )
}

fn of_somaxconn(value: u32) -> Finding {
    if value > SMALL_SOMAXCONN {
        return Finding::ok(SOMAXCONN, format!("{value}"));
    }
    Finding::warn(
        SOMAXCONN,
        format!("{value}: no listener's backlog is larger, whatever it asks for, and soon full"),
        format!(
            "{}, then restart the listeners",
            set(SOMAXCONN, USUAL_SOMAXCONN)
        ),
    )
}

/// Without cookies the kernel keeps the last quarter of `tcp_max_syn_backlog` for clients
/// that it knows; with them it does not look at it (`tcp_conn_request` in
/// `net/ipv4/tcp_input.c`).
fn of_max_syn_backlog(largest: u32, backlog: &Backlog) -> Finding {
    let longest = backlog.somaxconn.unwrap_or(0);
    if backlog.syncookies != Some(0) {
        return Finding::ok(
            MAX_SYN_BACKLOG,
            format!("{largest}, which matters without SYN cookies alone"),
        );
    }
    if largest >= longest {
        return Finding::ok(MAX_SYN_BACKLOG, format!("{largest}"));
    }
    Finding::warn(
        MAX_SYN_BACKLOG,
        format!(
            "{largest}: without SYN cookies new clients are turned away at three quarters of it, \
             though {SOMAXCONN} allows {longest}"
        ),
        set(MAX_SYN_BACKLOG, longest),
    )
}

fn set(name: &str, value: u32) -> String {
    format!("`sysctl -w {name}={value}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    const USUAL: Backlog = Backlog {
        syncookies: Some(1),
        synack_retries: Some(5),
        max_syn_backlog: Some(512),
        somaxconn: Some(4096),
    };

    #[test]
    fn what_is_worth_changing_comes_with_its_command() {
        let cases = [
            (USUAL, vec![]),
            (Backlog::default(), vec![]),
            (
                Backlog {
                    syncookies: Some(0),
                    ..USUAL
                },
                vec![
                    "sysctl -w net.ipv4.tcp_syncookies=1",
                    "sysctl -w net.ipv4.tcp_max_syn_backlog=4096",
                ],
            ),
            (
                Backlog {
                    syncookies: Some(2),
                    synack_retries: Some(6),
                    ..USUAL
                },
                vec!["sysctl -w net.ipv4.tcp_synack_retries=5"],
            ),
            (
                Backlog {
                    somaxconn: Some(128),
                    ..USUAL
                },
                vec!["sysctl -w net.core.somaxconn=4096"],
            ),
            (
                Backlog {
                    synack_retries: Some(u32::MAX - 1),
                    ..USUAL
                },
                vec!["sysctl -w net.ipv4.tcp_synack_retries=5"],
            ),
        ];
        for (backlog, commands) in cases {
            let findings = of_backlog(&backlog);
            let worth: Vec<_> = findings
                .iter()
                .filter(|one| one.level == Level::Warn)
                .filter_map(|one| one.remedy.as_deref())
                .collect();
            assert_eq!(worth.len(), commands.len(), "{findings:?}");
            for (remedy, command) in worth.iter().zip(commands) {
                assert!(remedy.contains(command), "{remedy}");
            }
        }
    }

    #[test]
    fn a_half_open_connection_stays_until_after_the_last_repeat() {
        for (retries, seconds) in [(0, "1 s"), (3, "15 s"), (5, "63 s"), (6, "127 s")] {
            let reason = of_synack_retries(retries).reason;
            assert!(reason.contains(seconds), "{reason}");
        }
    }
}
