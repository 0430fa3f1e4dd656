//! What was seen of one source, by whoever saw it: a running filter or a capture.

use std::time::SystemTime;

use ipnet::IpNet;
use serde::Serialize;

use super::plain;
use super::{Finding, Sample};

/// What was seen of one source in one place.
#[derive(Clone, Debug, Serialize)]
pub struct Evidence {
    /// What saw it.
    pub place: Place,
    /// The interface's name, or the files'.
    pub seen_by: String,
    /// What was counted as one source: an address, or a prefix.
    #[serde(serialize_with = "plain::net")]
    pub source: IpNet,
    /// The first SYN.
    #[serde(serialize_with = "plain::date")]
    pub first_seen: SystemTime,
    /// The last SYN whose time is known: those that a ban drops are counted, but
    /// their times are not kept.
    #[serde(serialize_with = "plain::date")]
    pub last_seen: SystemTime,
    /// SYNs, dropped or not; more may have come that nobody counted.
    pub syns: u64,
    /// Of them, dropped by SynGuard.
    pub dropped: u64,
    /// Of them, those that SynGuard would have dropped where it only looked on: in a dry
    /// run, or at a capture.
    pub would_have_dropped: u64,
    /// The highest rate known. It may have been higher: a ban keeps the rate of its
    /// beginning.
    pub peak_syns_per_second: u64,
    /// The rate while the report was made; null where that is over.
    pub present_syns_per_second: Option<u64>,
    /// Connections completed.
    pub handshakes: u64,
    /// RSTs without ACK that came back (RFC 9293 section 3.10.7).
    pub resets: u64,
    /// The destination ports that are known, the most recent or most frequent
    /// first.
    pub destination_ports: Vec<PortCount>,
    /// How many there are at least.
    pub distinct_destination_ports: u32,
    /// The source ports that are known.
    pub source_ports: Vec<PortCount>,
    /// Whether there was more than one.
    pub source_port_varies: bool,
    /// What it amounts to.
    pub class: Finding,
    /// Bans of this source so far.
    pub offences: u64,
    /// What SynGuard does about it, or would have done.
    pub rules: Vec<RuleFact>,
    /// Some of its packets, the oldest first.
    pub samples: Vec<Sample>,
}

/// What saw a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The filter of an interface.
    Interface,
    /// A capture, of whose packets SynGuard dropped none.
    Capture,
}

/// A port, and what went to it or came from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PortCount {
    /// The port.
    pub port: u16,
    /// Null where SYNs were not counted by port.
    pub syns: Option<u64>,
}

/// A rule about the source, with dates that hold wherever the report is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleFact {
    /// An address or a prefix.
    pub prefix: String,
    /// `block` or `allow`.
    pub action: &'static str,
    /// `syn` or `all`.
    pub scope: &'static str,
    /// `automatic`, `manual`, `protected` or `list`.
    pub origin: &'static str,
    /// Why, in words.
    pub reason: String,
    /// When it began.
    #[serde(serialize_with = "plain::date")]
    pub since: SystemTime,
    /// When it ends; null for a rule without end.
    #[serde(serialize_with = "plain::maybe_date")]
    pub until: Option<SystemTime>,
    /// Packets that it decided.
    pub hits: u64,
    /// Whether that was done; false in a dry run, which only counts, and of a capture.
    pub enforced: bool,
}

impl Evidence {
    /// The source port to look for in the flow records of the source's network: that
    /// of the newest sample, or one that is known.
    pub fn source_port(&self) -> Option<u16> {
        let sampled = self.samples.iter().rev().find_map(Sample::ports);
        let known = self.source_ports.first().map(|count| count.port);
        sampled.map(|(source, _)| source).or(known)
    }

    /// Whether SynGuard stops it.
    pub fn is_stopped(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.action == "block" && rule.enforced)
    }

    /// Whether some of its SYNs were counted without their times: those that a ban drops,
    /// or would drop in a dry run.
    pub fn misses_times(&self) -> bool {
        self.place == Place::Interface && self.dropped + self.would_have_dropped > 0
    }

    /// Whether its SYNs still came in while the report was made.
    pub fn goes_on(&self) -> bool {
        self.present_syns_per_second.is_some()
    }
}
