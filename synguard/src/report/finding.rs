//! What a source's SYNs amount to, and so what may be said to who owns its address.

use serde::Serialize;
use synguard_common::ports;

use super::Evidence;
use crate::class::{Class, SYSTEM_PORTS};
use crate::text;

/// What a source's SYNs amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// As [`Class::Flood`].
    Flood,
    /// As [`Class::Scan`].
    Scan,
    /// As [`Class::Reflection`].
    Reflection,
    /// Seen in a flood in which every SYN has another source.
    Spoofed,
    /// Nothing that a ban would be made for.
    Nothing,
}

impl From<Class> for Finding {
    fn from(class: Class) -> Self {
        match class {
            Class::Flood => Self::Flood,
            Class::Scan => Self::Scan,
            Class::Reflection => Self::Reflection,
        }
    }
}

impl Finding {
    /// Its name in JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::Scan => "scan",
            Self::Reflection => "reflection",
            Self::Spoofed => "spoofed",
            Self::Nothing => "nothing",
        }
    }

    /// What a person should know of it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Flood => Class::Flood.meaning(),
            Self::Scan => Class::Scan.meaning(),
            Self::Reflection => Class::Reflection.meaning(),
            Self::Spoofed => "one of very many forged addresses",
            Self::Nothing => "not what a source is banned for",
        }
    }

    /// Whether the address is probably that of somebody whom others pretend to be.
    pub const fn is_probably_a_victim(self) -> bool {
        matches!(self, Self::Reflection | Self::Spoofed)
    }

    /// Whether its owner may be told that it attacked.
    pub const fn is_an_offence(self) -> bool {
        matches!(self, Self::Flood | Self::Scan)
    }
}

/// Why the evidence amounts to its finding, a clause each.
pub fn reasons(evidence: &Evidence) -> Vec<String> {
    let mut reasons = match evidence.class {
        Finding::Flood => vec![format!(
            "{} SYNs/s from varying source ports",
            evidence.peak_syns_per_second
        )],
        Finding::Scan => vec![format!(
            "SYNs to at least {} different ports",
            evidence.distinct_destination_ports
        )],
        Finding::Reflection => vec![reflected(evidence)],
        Finding::Spoofed => vec!["at a time when nearly every SYN had another source".to_owned()],
        Finding::Nothing => Vec::new(),
    };
    reasons.push(format!(
        "{} completed",
        text::count(evidence.handshakes, "handshake", "handshakes")
    ));
    if evidence.resets > 0 {
        reasons.push(format!(
            "{}: the host at this address did not ask to connect",
            text::count(evidence.resets, "RST came back", "RSTs came back")
        ));
    }
    reasons
}

fn reflected(evidence: &Evidence) -> String {
    let mut known = evidence.source_ports.iter().map(|count| count.port);
    let first = known.clone().next();
    let service = known.find(|port| *port < SYSTEM_PORTS);
    match (first, service) {
        (Some(port), _) if !evidence.source_port_varies => {
            format!("every SYN from source port {port}, as no client connects")
        }
        (_, Some(port)) => {
            format!(
                "SYNs from source port {port}, from which services answer and no client connects"
            )
        }
        _ => format!(
            "some {} SYNs/s, too few to hurt this host and enough to make it answer somebody else",
            evidence.peak_syns_per_second
        ),
    }
}

/// The source ports as [`ports`] notes them.
pub(super) fn source_ports(word: u64) -> (Option<u16>, bool) {
    (ports::first_source_port(word), word & ports::VARIES != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::PortCount;
    use crate::report::dossier::tests::evidence;

    fn reflected(port: u16, varies: bool) -> String {
        let seen = Evidence {
            class: Finding::Reflection,
            source_ports: vec![PortCount { port, syns: None }],
            source_port_varies: varies,
            peak_syns_per_second: 60,
            resets: 2,
            ..evidence()
        };
        reasons(&seen).join("; ")
    }

    #[test]
    fn reflections_are_told_by_what_gives_them_away() {
        for (port, varies, words) in [
            (40_000, false, "every SYN from source port 40000"),
            (
                443,
                true,
                "from source port 443, from which services answer",
            ),
            (40_000, true, "some 60 SYNs/s"),
        ] {
            let reasons = reflected(port, varies);
            assert!(reasons.contains(words), "{reasons}");
            assert!(reasons.contains("2 RSTs came back"), "{reasons}");
        }
    }

    #[test]
    fn what_completed_is_always_said() {
        assert_eq!(
            reasons(&evidence()),
            [
                "4300 SYNs/s from varying source ports",
                "0 handshakes completed"
            ]
        );
    }
}
