//! One interface's state.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use synguard_common::abi::{NEVER, dry_run};
use synguard_common::verdict::{Reason, Verdict};

use super::{Challenges, Holder, ListEntry, RuleEntry, SourceEntry, Waiting};
use crate::counters::Counters;
use crate::dataplane::{Maps, Pins};
use crate::{Result, text};

/// All attached interfaces.
#[derive(Debug, Serialize)]
pub struct Statuses {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// One entry each.
    pub interfaces: Vec<Report>,
    /// Interfaces that controllers wait for, and that were never attached.
    pub waiting: Vec<Waiting>,
}

/// One interface's state.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Its name.
    pub interface: String,
    /// `native` or `generic`.
    pub mode: &'static str,
    /// Whether nothing is dropped.
    pub dry_run: bool,
    /// Whether that is so as somebody said `synguard panic`.
    pub panic: bool,
    /// Until when somebody has to say `synguard confirm`, or everything passes: ISO
    /// 8601, UTC. Null where nobody has to.
    pub confirm_by: Option<String>,
    /// Whether nobody said it in time.
    pub unconfirmed: bool,
    /// Whether the interface still runs the filter: not if it was deleted and
    /// made again. Null where it is in another network namespace.
    pub in_place: Option<bool>,
    /// The interface's present name, where it was renamed; null otherwise.
    pub called: Option<String>,
    /// Whether the interface is gone, and the controller waits for it to come back.
    pub waiting: bool,
    /// ISO 8601, UTC.
    pub attached_at: String,
    /// Since then.
    pub uptime_seconds: u64,
    /// The controller's process, or null where none runs: the filter goes on
    /// without.
    pub controller_pid: Option<u32>,
    /// Whether completed handshakes are counted.
    pub handshakes_counted: bool,
    /// What makes a source an offender.
    pub threshold: Threshold,
    /// Packets seen.
    pub packets: u64,
    /// Of them, SYNs.
    pub syns: u64,
    /// Packets dropped, or that would have been in a dry run.
    pub dropped: Dropped,
    /// Packets passed, by reason.
    pub passed: BTreeMap<&'static str, u64>,
    /// At present.
    pub rates: Rates,
    /// A flood of spoofed sources; null while there is none.
    pub spoofed: Option<Spoofed>,
    /// Whether new clients are challenged with SYN cookies.
    pub challenge: Challenges,
    /// Bans, blocks and allows in force, without what only lists name.
    pub rules: Vec<RuleEntry>,
    /// Imported lists.
    pub lists: Vec<ListEntry>,
    /// Sources by SYN rate, the busiest first.
    pub sources: Vec<SourceEntry>,
    /// How many sources are known.
    pub sources_tracked: usize,
    /// How many can be.
    pub sources_capacity: u32,
}

/// A flood of SYNs of which each has another source: nobody is banned for it.
#[derive(Debug, Serialize)]
pub struct Spoofed {
    /// When it began: ISO 8601, UTC.
    pub since: String,
    /// SYNs in the last second that were not dropped.
    pub syns_per_second: u32,
    /// Of them, from sources not seen before.
    pub new_sources_per_second: u32,
    /// Connections completed in the last second.
    pub handshakes_per_second: u32,
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

/// Packets dropped.
#[derive(Debug, Serialize)]
pub struct Dropped {
    /// For any reason.
    pub total: u64,
    /// By reason.
    #[serde(flatten)]
    pub by_reason: BTreeMap<&'static str, u64>,
}

/// Per second, between two samples: over the half second that `status` takes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Rates {
    /// Packets.
    pub packets_per_second: u64,
    /// SYNs.
    pub syns_per_second: u64,
    /// Packets dropped.
    pub dropped_per_second: u64,
    /// SYNs answered with a cookie.
    pub answered_per_second: u64,
    /// SYNs neither dropped nor answered.
    pub syns_passed_per_second: u64,
    /// Connections completed.
    pub handshakes_per_second: u64,
}

/// The counters at one time.
pub struct Sample {
    counters: Counters,
    handshakes: u64,
    at: Instant,
}

impl Sample {
    /// Reads the counters.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the map cannot be read.
    pub fn take(maps: &Maps) -> Result<Self> {
        Ok(Self {
            counters: maps.counters()?,
            handshakes: maps.pressure()?.handshakes,
            at: Instant::now(),
        })
    }
}

impl Report {
    /// Puts together what was read.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a map cannot be read.
    pub fn new(
        pins: &Pins,
        maps: &Maps,
        holder: Holder,
        (first, second): (&Sample, &Sample),
        (rules, lists): (Vec<RuleEntry>, Vec<ListEntry>),
        (sources, sources_tracked): (Vec<SourceEntry>, usize),
    ) -> Result<Self> {
        let settings = maps.settings()?;
        let clock = maps.clock()?;
        let now = clock.now();
        let attachment = maps.attachment()?;
        let attached_at = UNIX_EPOCH + Duration::from_secs(attachment.attached_at);
        let counters = &second.counters;
        Ok(Self {
            interface: pins.interface().to_owned(),
            mode: if attachment.native == 0 {
                "generic"
            } else {
                "native"
            },
            dry_run: settings.is_dry(now),
            panic: settings.dry_run & dry_run::PANIC != 0,
            confirm_by: (settings.passes_from != NEVER)
                .then(|| text::date(clock.date(settings.passes_from, now, SystemTime::now()))),
            unconfirmed: settings.passes_from <= now,
            in_place: match &holder {
                Holder::Elsewhere => None,
                holder => Some(*holder != Holder::Nobody),
            },
            waiting: holder == Holder::Nobody && pins.controller().is_some(),
            called: match holder {
                Holder::Interface(name) if name != pins.interface() => Some(name),
                _ => None,
            },
            attached_at: text::date(attached_at),
            uptime_seconds: attached_at.elapsed().map_or(0, |since| since.as_secs()),
            controller_pid: pins.controller(),
            handshakes_counted: attachment.handshakes != 0,
            threshold: Threshold {
                syns_per_second: attachment.syn_rate,
                window_seconds: clock.duration(settings.window).as_secs_f64(),
                ban_seconds: attachment.ban_seconds,
            },
            packets: counters.packets(),
            syns: counters.syns(),
            dropped: Dropped {
                total: counters.dropped(),
                by_reason: counters.by_reason(Verdict::Drop),
            },
            passed: counters.by_reason(Verdict::Pass),
            rates: rates(first, second),
            // Without a controller nobody judges.
            spoofed: pins.controller().map_or(Ok(None), |_| spoofed(maps))?,
            challenge: Challenges::read(maps, counters)?,
            rules,
            lists,
            sources,
            sources_tracked,
            sources_capacity: maps.source_capacity(),
        })
    }
}

fn spoofed(maps: &Maps) -> Result<Option<Spoofed>> {
    let (flood, clock) = (maps.flood()?, maps.clock()?);
    let since = clock.date(flood.since, clock.now(), SystemTime::now());
    Ok((flood.since != 0).then(|| Spoofed {
        since: text::date(since),
        syns_per_second: flood.syns_per_second,
        new_sources_per_second: flood.new_per_second,
        handshakes_per_second: flood.handshakes_per_second,
    }))
}

fn rates(first: &Sample, second: &Sample) -> Rates {
    let nanos = second.at.duration_since(first.at).as_nanos().max(1);
    let per_second = |before: u64, now: u64| {
        let more = now.saturating_sub(before);
        u64::try_from(u128::from(more) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    };
    let rate =
        |count: fn(&Counters) -> u64| per_second(count(&first.counters), count(&second.counters));
    Rates {
        packets_per_second: rate(Counters::packets),
        syns_per_second: rate(Counters::syns),
        dropped_per_second: rate(Counters::dropped),
        answered_per_second: rate(|counters| counters.of(Reason::SynAnswered)),
        syns_passed_per_second: rate(Counters::syns_passed),
        handshakes_per_second: per_second(first.handshakes, second.handshakes),
    }
}
