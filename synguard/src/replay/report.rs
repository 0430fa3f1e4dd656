//! A replay as programs read it (docs/replay-json.md).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use synguard_common::verdict::Verdict;

use super::book::Ban;
use super::outcome::Outcome;
use super::schedule::SpoofedSpan;
use super::thresholds::Row;
use crate::class::Class;
use crate::controller::plan::Lift;
use crate::pcap::{Damage, Interface};
use crate::{address, text};

/// Raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A replay.
#[derive(Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was read.
    pub files: Vec<FileEntry>,
    /// The first packet's date and the last one's, ISO 8601, UTC; null where there is
    /// none.
    pub first_packet: Option<String>,
    /// As above.
    pub last_packet: Option<String>,
    /// Between them, less what the clock was set back by.
    pub duration_seconds: f64,
    /// What makes a source an offender.
    pub threshold: Threshold,
    /// Packets decided about.
    pub packets: u64,
    /// Of them, SYNs.
    pub syns: u64,
    /// Packets that would have been dropped.
    pub dropped: Dropped,
    /// Packets that would have passed, by reason.
    pub passed: BTreeMap<&'static str, u64>,
    /// Packets not decided about.
    pub left_out: LeftOut,
    /// Packets that the capture cut off before the end of what decides.
    pub cut: u64,
    /// Packets with a stamp before that of an earlier one.
    pub reordered: u64,
    /// How often the capture's clock was set back.
    pub clock_set_back: u64,
    /// Sources known at the end.
    pub sources_tracked: usize,
    /// Connections completed.
    pub handshakes: Handshakes,
    /// By their beginning.
    pub bans: Vec<BanEntry>,
    /// Bans beyond those listed.
    pub bans_not_listed: u64,
    /// Whether `--max-rules` left no room for more bans.
    pub bans_full: bool,
    /// Sources over their rate at the end that had time yet to prove to be clients.
    pub suspects: usize,
    /// Floods in which every SYN has another source.
    pub spoofed: Vec<SpoofedEntry>,
    /// Who would be banned at which threshold.
    pub thresholds: Vec<Row>,
    /// What the program in the kernel decided; null where it was not asked.
    pub kernel: Option<KernelEntry>,
}

/// A file that was read.
#[derive(Debug, Serialize)]
pub struct FileEntry {
    /// As it was given.
    pub file: String,
    /// Packets read from it.
    pub packets: u64,
    /// What they were captured on.
    pub interfaces: Vec<InterfaceEntry>,
    /// Where it stops to make sense; null where it does to its end.
    pub damage: Option<DamageEntry>,
}

/// An interface of a capture.
#[derive(Debug, Serialize)]
pub struct InterfaceEntry {
    /// Null where the capture gives none.
    pub name: Option<String>,
    /// In words.
    pub link_type: String,
    /// Packets read.
    pub packets: u64,
}

/// Damage.
#[derive(Debug, Serialize)]
pub struct DamageEntry {
    /// The packet that is not read, from 1.
    pub packet: u64,
    /// Where its record begins.
    pub byte_offset: u64,
    /// In words.
    pub reason: String,
}

/// What makes a source an offender.
#[derive(Debug, Serialize)]
pub struct Threshold {
    /// SYNs per second from one source.
    pub syns_per_second: u32,
    /// Over this long.
    pub window_seconds: f64,
    /// How long it is banned then.
    pub ban_seconds: u64,
}

/// Packets that would have been dropped.
#[derive(Debug, Serialize)]
pub struct Dropped {
    /// For any reason.
    pub total: u64,
    /// By reason.
    #[serde(flatten)]
    pub by_reason: BTreeMap<&'static str, u64>,
}

/// Packets not decided about.
#[derive(Debug, Serialize)]
pub struct LeftOut {
    /// Sent by the host that captured them.
    pub outgoing: u64,
    /// Of a link type that cannot be read.
    pub unreadable_link_type: u64,
}

/// Completed connections.
#[derive(Debug, Serialize)]
pub struct Handshakes {
    /// How many.
    pub completed: u64,
    /// Whether answers to SYNs are in the capture: without, they are only plausible.
    pub answers_seen: bool,
}

/// A ban.
#[derive(Debug, Serialize)]
pub struct BanEntry {
    /// An address or a prefix.
    pub source: String,
    /// ISO 8601, UTC.
    pub since: String,
    /// When it ended, or would end.
    pub until: String,
    /// `expired` or `completed_handshakes`; null where the capture ends before.
    pub ended: Option<&'static str>,
    /// Packets that it would have dropped.
    pub dropped: u64,
    /// What for.
    pub evidence: EvidenceEntry,
}

/// What a source did in the window that got it banned.
#[derive(Debug, Serialize)]
pub struct EvidenceEntry {
    /// `flood`, `reflection` or `scan`.
    pub class: Class,
    /// SYNs in the window.
    pub syns: u64,
    /// The same, per second.
    pub syns_per_second: u64,
    /// Connections that it completed in it.
    pub handshakes: u64,
    /// RSTs without ACK from there until then.
    pub resets: u64,
    /// Which ban of this source it is, from 1.
    pub offences: u64,
    /// The most recent destination ports, at most four.
    pub destination_ports: Vec<u16>,
    /// A lower bound for how many there were.
    pub distinct_ports: u32,
    /// Null where it varied.
    pub source_port: Option<u16>,
}

/// A flood of spoofed sources, at its worst.
#[derive(Debug, Serialize)]
pub struct SpoofedEntry {
    /// ISO 8601, UTC.
    pub since: String,
    /// Null where it lasted to the end.
    pub until: Option<String>,
    /// SYNs that were not dropped.
    pub syns_per_second: u32,
    /// Of them, from sources not seen before.
    pub new_sources_per_second: u32,
    /// Connections completed.
    pub handshakes_per_second: u32,
}

/// What the program in the kernel decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KernelEntry {
    /// Packets about which it decided the same.
    pub agreed: u64,
    /// Packets that the kernel cannot be given: shorter than an Ethernet header, or
    /// longer than its test runs take.
    pub not_run: u64,
}

impl Report {
    /// Puts together what was found out.
    pub fn new(outcome: &Outcome, files: Vec<FileEntry>, kernel: Option<KernelEntry>) -> Self {
        let (settings, counters) = (&outcome.settings, &outcome.counters);
        Self {
            schema_version: SCHEMA_VERSION,
            files,
            first_packet: outcome.begun().map(text::exact_date),
            last_packet: outcome
                .begun()
                .map(|_| text::exact_date(outcome.clock.last())),
            duration_seconds: outcome.duration().as_secs_f64(),
            threshold: Threshold {
                syns_per_second: settings.syn_rate,
                window_seconds: settings.window.as_secs_f64(),
                ban_seconds: settings.ban_time.as_secs(),
            },
            packets: counters.packets(),
            syns: counters.syns(),
            dropped: Dropped {
                total: counters.dropped(),
                by_reason: counters.by_reason(Verdict::Drop),
            },
            passed: counters.by_reason(Verdict::Pass),
            left_out: LeftOut {
                outgoing: outcome.left_out.outgoing,
                unreadable_link_type: outcome.left_out.unreadable,
            },
            cut: outcome.cut,
            reordered: outcome.clock.reordered,
            clock_set_back: outcome.clock.set_back,
            sources_tracked: outcome.sources,
            handshakes: Handshakes {
                completed: outcome.handshakes,
                answers_seen: outcome.answers_seen,
            },
            bans: outcome
                .bans
                .iter()
                .map(|ban| BanEntry::of(ban, settings.syn_rate))
                .collect(),
            bans_not_listed: outcome.more_bans,
            bans_full: outcome.was_full,
            suspects: outcome.suspects,
            spoofed: outcome.floods.iter().map(SpoofedEntry::of).collect(),
            thresholds: outcome.thresholds.clone(),
            kernel,
        }
    }
}

impl FileEntry {
    /// What was read of a file.
    pub fn new(
        file: &Path,
        packets: u64,
        interfaces: &[Interface],
        damage: Option<&Damage>,
    ) -> Self {
        let interface = |interface: &Interface| InterfaceEntry {
            name: interface.name.clone(),
            link_type: interface.link.to_string(),
            packets: interface.packets,
        };
        Self {
            file: file.display().to_string(),
            packets,
            interfaces: interfaces.iter().map(interface).collect(),
            damage: damage.map(|damage| DamageEntry {
                packet: damage.packet,
                byte_offset: damage.offset,
                reason: damage.why.clone(),
            }),
        }
    }
}

impl BanEntry {
    fn of(ban: &Ban, syn_rate: u32) -> Self {
        let evidence = &ban.evidence;
        Self {
            source: address::show(&ban.net),
            since: text::exact_date(ban.since),
            until: text::exact_date(ban.until),
            ended: ban.ended.map(|why| match why {
                Lift::Expired => "expired",
                Lift::CompletesHandshakes(_) => "completed_handshakes",
            }),
            dropped: ban.rule.hits,
            evidence: EvidenceEntry {
                class: Class::of(&ban.rule, syn_rate),
                syns: evidence.syns,
                syns_per_second: evidence.syns_per_second,
                handshakes: evidence.handshakes,
                resets: evidence.resets,
                offences: evidence.offence,
                destination_ports: evidence.destination_ports.clone(),
                distinct_ports: evidence.distinct_ports,
                source_port: evidence.source_port,
            },
        }
    }
}

impl SpoofedEntry {
    fn of(span: &SpoofedSpan) -> Self {
        Self {
            since: text::exact_date(span.since),
            until: span.until.map(text::exact_date),
            syns_per_second: span.worst.syns_per_second,
            new_sources_per_second: span.worst.new_per_second,
            handshakes_per_second: span.worst.handshakes_per_second,
        }
    }
}
