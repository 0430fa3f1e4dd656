//! All that a report says, however it is written down.

use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;

use super::plain;
use super::{Evidence, Letter, Reporter};
use crate::contact::Contact;

/// Raised when a field changes its meaning or goes. See docs/report.md.
pub const SCHEMA_VERSION: u32 = 1;

/// A report about one source.
#[derive(Clone, Debug, Serialize)]
pub struct Dossier {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The address or prefix that was asked for.
    pub source: String,
    /// A complaint or a notice.
    pub letter: Letter,
    /// When.
    #[serde(serialize_with = "plain::date")]
    pub made_at: SystemTime,
    /// By which version.
    pub synguard_version: &'static str,
    /// Who reports.
    pub reporter: Option<Reporter>,
    /// The address that was attacked, where it is known and public.
    pub destination: Option<IpAddr>,
    /// Whom to report to.
    pub contact: Contact,
    /// What was seen in each place; at least one.
    pub evidence: Vec<Evidence>,
}

impl Dossier {
    /// The evidence that the letter is about.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn main(&self) -> &Evidence {
        main_of(&self.evidence).expect("nobody reports nothing")
    }
}

/// The place that saw most.
pub fn main_of(evidence: &[Evidence]) -> Option<&Evidence> {
    evidence.iter().max_by_key(|evidence| evidence.syns)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use etherparse::PacketBuilder;

    use super::*;
    use crate::report::{Finding, Place, PortCount, RuleFact, Sample};

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_380_131 + second)
    }

    fn ports(ports: &[u16]) -> Vec<PortCount> {
        let count = |port: &u16| PortCount {
            port: *port,
            syns: None,
        };
        ports.iter().map(count).collect()
    }

    fn sample() -> Sample {
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
            .ipv4([203, 0, 113, 7], [192, 0, 2, 2], 57)
            .tcp(40_000, 25, 7, 8192)
            .syn();
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &[]).unwrap();
        Sample { time: at(1), bytes }
    }

    pub(in crate::report) fn evidence() -> Evidence {
        Evidence {
            place: Place::Interface,
            seen_by: "eth0".to_owned(),
            source: "203.0.113.7/32".parse().unwrap(),
            first_seen: at(0),
            last_seen: at(60),
            syns: 33_545,
            dropped: 33_042,
            would_have_dropped: 0,
            peak_syns_per_second: 4_300,
            present_syns_per_second: Some(4_100),
            handshakes: 0,
            resets: 0,
            destination_ports: ports(&[25, 80, 443]),
            distinct_destination_ports: 3,
            source_ports: ports(&[40_000]),
            source_port_varies: true,
            class: Finding::Flood,
            offences: 1,
            rules: vec![RuleFact {
                prefix: "203.0.113.7".to_owned(),
                action: "block",
                scope: "syn",
                origin: "automatic",
                reason: "flood".to_owned(),
                since: at(1),
                until: Some(at(601)),
                hits: 33_042,
                enforced: true,
            }],
            samples: vec![sample()],
        }
    }

    pub(in crate::report) fn dossier() -> Dossier {
        Dossier {
            schema_version: SCHEMA_VERSION,
            source: "203.0.113.7".to_owned(),
            letter: Letter::Complaint,
            made_at: at(61),
            synguard_version: "0.1.0",
            reporter: Some(Reporter {
                organisation: "Example Home".to_owned(),
                email: "me@home.example".to_owned(),
            }),
            destination: "198.51.100.2".parse().ok(),
            contact: Contact {
                emails: vec!["abuse@net.example".to_owned(), "noc@net.example".to_owned()],
                network: Some("EXAMPLE-NET".to_owned()),
                found_by: Some("RDAP".to_owned()),
                problems: Vec::new(),
            },
            evidence: vec![evidence()],
        }
    }

    pub(in crate::report) fn victim() -> Dossier {
        let mut dossier = dossier();
        dossier.letter = Letter::Notice;
        let evidence = &mut dossier.evidence[0];
        evidence.class = Finding::Reflection;
        evidence.source_ports = ports(&[80]);
        evidence.source_port_varies = false;
        evidence.resets = 3;
        evidence.samples.clear();
        dossier
    }

    #[test]
    fn the_letter_is_about_where_most_was_seen() {
        let mut dossier = dossier();
        let mut other = evidence();
        other.seen_by = "eth1".to_owned();
        other.syns += 1;
        dossier.evidence.push(other);
        assert_eq!(dossier.main().seen_by, "eth1");
    }
}
