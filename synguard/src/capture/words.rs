//! What is said of a captured packet.

use synguard_common::abi::Settings;
use synguard_common::source::SourceMask;
use synguard_common::verdict::{Reason, Verdict};
use synguard_common::window::per_second;

use super::packet::{Captured, State};
use crate::report::Sample;
use crate::{address, text};

/// What numbers of the packet path mean.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    window: u64,
    hz: u32,
    /// SYNs per second from which on a source is over its rate.
    limit: u64,
    mask: SourceMask,
}

impl Scale {
    /// By what the packet path is told.
    pub fn of(settings: &Settings) -> Self {
        let (window, hz) = (settings.window, settings.hz);
        Self {
            window,
            hz,
            limit: per_second(settings.limit.saturating_mul(window), window, hz),
            mask: settings.mask,
        }
    }
}

/// Verdict, reason and the state of its source: `dropped (rate_limited); 192.0.2.7: 512
/// SYNs/s (limit 50/s), 503 SYNs seen, 450 dropped over the rate, 0 handshakes`.
pub fn comment(packet: &Captured, scale: &Scale) -> String {
    let reason = packet.reason.label();
    let what = match (packet.verdict, packet.reason.verdict()) {
        (Verdict::Drop, _) => format!("dropped ({reason})"),
        (Verdict::Challenge, _) => format!("answered with a SYN cookie ({reason})"),
        (Verdict::Pass, Verdict::Drop) => {
            format!("passed in a dry run, would have been dropped ({reason})")
        }
        (Verdict::Pass, _) => format!("passed ({reason})"),
    };
    let rule = rule(packet.reason);
    let by = rule.map_or_else(String::new, |rule| format!(" by {rule}"));
    let source = packet.address().map(|address| {
        let net = address::source_net(address, &scale.mask);
        let state = state(packet.state, rule.is_some(), scale);
        format!("; {}: {state}", address::show(&net))
    });
    format!("{what}{by}{}", source.unwrap_or_default())
}

/// The rule that decided, if one did.
const fn rule(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::DroppedBan => Some("its ban"),
        Reason::DroppedRule | Reason::DroppedAll | Reason::SynAllowed => Some("a rule"),
        _ => None,
    }
}

/// What a rule decides is not counted for its source: that has no rate then.
fn state(state: Option<State>, by_rule: bool, scale: &Scale) -> String {
    let Some(state) = state else {
        return "no record of this source".to_owned();
    };
    let (rate, seen) = if by_rule {
        (String::new(), "that no rule decided")
    } else {
        let rate = per_second(state.load, scale.window, scale.hz);
        (format!("{rate} SYNs/s (limit {}/s), ", scale.limit), "seen")
    };
    format!(
        "{rate}{} {seen}, {} dropped over the rate, {}",
        text::count(state.syns, "SYN", "SYNs"),
        state.dropped,
        text::count(state.handshakes, "handshake", "handshakes"),
    )
}

/// One line: time, addresses, ports, flags and options, then the comment.
pub fn line(packet: &Captured, scale: &Scale) -> String {
    let sample = Sample {
        time: packet.time,
        bytes: packet.bytes.clone(),
    };
    let captured = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
    let whole = if captured < packet.wire_len {
        format!(" of {}", packet.wire_len)
    } else {
        String::new()
    };
    format!("{}{whole}: {}", sample.line(), comment(packet, scale))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::clock::Clock;
    use crate::settings::DEFAULT;

    /// Ethernet, then an IPv4 header from 192.0.2.7.
    fn bytes() -> Vec<u8> {
        let mut bytes = vec![0; 12];
        bytes.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]);
        bytes.extend([192, 0, 2, 7, 10, 0, 3, 2]);
        bytes.extend([
            0, 80, 0, 25, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0,
        ]);
        bytes
    }

    fn scale() -> Scale {
        let clock = Clock { hz: 250, offset: 0 };
        Scale::of(&DEFAULT.for_kernel(&clock, 7, 1024))
    }

    fn captured(reason: Reason, verdict: Verdict) -> Captured {
        Captured {
            time: UNIX_EPOCH,
            bytes: bytes(),
            wire_len: 60,
            reason,
            verdict,
            state: Some(State {
                load: 512 * 250,
                syns: 503,
                dropped: 450,
                handshakes: 1,
            }),
        }
    }

    #[test]
    fn a_comment_says_verdict_reason_and_state() {
        let counted = "512 SYNs/s (limit 50/s), 503 SYNs seen";
        let ruled = "503 SYNs that no rule decided";
        for (reason, verdict, expected, state) in [
            (
                Reason::DroppedBan,
                Verdict::Drop,
                "dropped (banned) by its ban",
                ruled,
            ),
            (
                Reason::DroppedRule,
                Verdict::Drop,
                "dropped (blocked) by a rule",
                ruled,
            ),
            (
                Reason::SynAllowed,
                Verdict::Pass,
                "passed (syn_allowed) by a rule",
                ruled,
            ),
            (
                Reason::DroppedRate,
                Verdict::Drop,
                "dropped (rate_limited)",
                counted,
            ),
            (
                Reason::DroppedRate,
                Verdict::Pass,
                "passed in a dry run, would have been dropped (rate_limited)",
                counted,
            ),
            (
                Reason::SynCounted,
                Verdict::Pass,
                "passed (syn_counted)",
                counted,
            ),
            (
                Reason::SynAnswered,
                Verdict::Challenge,
                "answered with a SYN cookie (syn_answered)",
                counted,
            ),
        ] {
            let said = comment(&captured(reason, verdict), &scale());
            assert_eq!(
                said,
                format!("{expected}; 192.0.2.7: {state}, 450 dropped over the rate, 1 handshake")
            );
        }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let unknown = Captured {
            state: None,
            ..captured(Reason::SynSketched, Verdict::Pass)
        };
        assert_eq!(
            comment(&unknown, &scale()),
            "passed (syn_sketched); 192.0.2.7: no record of this source"
        );
        let opaque = Captured {
            bytes: vec![0; 14],
            state: None,
            ..captured(Reason::NotIp, Verdict::Pass)
        };
        assert_eq!(comment(&opaque, &scale()), "passed (not_ip)");
    }

    #[test]
    fn a_line_begins_with_the_time_and_ends_with_the_comment() {
        let line = line(&captured(Reason::DroppedBan, Verdict::Drop), &scale());
        let begin = "1970-01-01T00:00:00.000000Z 192.0.2.7:80 > 10.0.3.2:25 SYN";
        assert!(line.starts_with(begin), "{line}");
        assert!(
            line.contains(", 54 bytes of 60: dropped (banned)"),
            "{line}"
        );
    }
}
