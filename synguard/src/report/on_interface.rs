//! What the filter of one interface knows of a source, from its pinned maps.

use std::time::{Instant, SystemTime};

use ipnet::IpNet;
use synguard_common::abi::{NEVER, Offences, Rule, SourceRecord, origin, scope};
use synguard_common::ports;
use synguard_common::window::per_second;

use super::finding::source_ports;
use super::subject::counted_as;
use super::{Evidence, Finding, Place, PortCount, RuleFact, Sample};
use crate::class::Class;
use crate::clock::Clock;
use crate::dataplane::Maps;
use crate::{Result, address, status};

/// What there was of a source at one moment: two of them tell its present rate.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    record: Option<SourceRecord>,
    rule: Option<Rule>,
    offences: Option<Offences>,
    source: IpNet,
    at: Instant,
}

/// Looks a source up.
///
/// # Errors
///
/// [`Error::Usage`] where `subject` holds more than one source,
/// [`Error::Failed`] where a map cannot be read; so below.
pub fn glance(maps: &Maps, subject: &IpNet) -> Result<Glance> {
    let mask = maps.settings()?.mask;
    let words = address::to_words(subject.addr());
    let whole = counted_as(subject, &mask)?;
    // This host's own addresses and the like are counted by themselves.
    let single = maps.source(words)?;
    let source = match single {
        Some(_) => address::record_net(subject.addr(), &mask),
        None => whole,
    };
    let words = address::to_words(source.addr());
    Ok(Glance {
        record: single.map_or_else(|| maps.source(words), |record| Ok(Some(record)))?,
        rule: maps.rule(&source)?,
        offences: maps.offences(words)?,
        source,
        at: Instant::now(),
    })
}

impl Glance {
    /// What is counted as one source.
    pub const fn source(&self) -> &IpNet {
        &self.source
    }

    fn is_empty(&self) -> bool {
        self.record.is_none() && self.rule.is_none() && self.offences.is_none()
    }

    /// SYNs that a rule about nobody else dropped.
    fn hits(&self) -> u64 {
        let own = self.rule.filter(|rule| rule.scope == scope::SYN);
        own.map_or(0, |rule| rule.hits)
    }

    fn syns(&self) -> u64 {
        self.record.map_or(0, |record| record.syns) + self.hits()
    }

    fn dropped(&self) -> u64 {
        self.record.map_or(0, |record| record.dropped) + self.hits()
    }

    /// Recent destination ports, the set of them, the source port, as [`ports`]
    /// notes them: by its record, or by its ban where that is gone.
    fn ports(&self) -> (u64, u64, u64) {
        match (self.record, self.rule) {
            (Some(record), _) => (record.recent_ports, record.port_set, record.source_port),
            (None, Some(rule)) => (rule.recent_ports, rule.port_set, rule.source_port.into()),
            (None, None) => (0, 0, 0),
        }
    }
}

/// The evidence, from two looks at the source and the packets of it that were kept; none where nothing is known of it
/// and no rule is about it.
///
/// # Errors
///
/// [`Error::Failed`] where a map cannot be read.
pub fn on_interface(
    name: &str,
    maps: &Maps,
    (first, second): (&Glance, &Glance),
    samples: Vec<Sample>,
) -> Result<Option<Evidence>> {
    let present = Present::of(maps)?;
    let rules = status::rules_about(maps, &second.source)?;
    if second.is_empty() && rules.is_empty() {
        return Ok(None);
    }
    let record = second.record.unwrap_or(SourceRecord::BLANK);
    let ban = second.rule.filter(|rule| rule.origin == origin::AUTOMATIC);
    let (recent, set, source_port) = second.ports();
    let (port, varies) = source_ports(source_port);
    let (first_seen, last_seen) = times(second, &present);
    let rate = present_rate(first, second);
    let peak = peak(&record, ban.as_ref(), &present).max(rate.unwrap_or(0));
    Ok(Some(Evidence {
        place: Place::Interface,
        seen_by: name.to_owned(),
        source: second.source,
        first_seen,
        last_seen,
        syns: second.syns(),
        dropped: if present.dry_run { 0 } else { second.dropped() },
        would_have_dropped: if present.dry_run { second.dropped() } else { 0 },
        peak_syns_per_second: peak,
        present_syns_per_second: rate,
        handshakes: record.handshakes,
        resets: record.resets,
        destination_ports: uncounted(ports::recent(recent)),
        distinct_destination_ports: set.count_ones(),
        source_ports: uncounted(port),
        source_port_varies: varies,
        class: class(second, peak, maps)?,
        offences: second.offences.map_or(0, |offences| offences.count),
        rules: rules
            .into_iter()
            .map(|(net, rule, entry)| fact(&net, &rule, entry, &present))
            .collect(),
        samples,
    }))
}

/// The present, on both clocks, and how long a window is.
struct Present {
    clock: Clock,
    tick: u64,
    date: SystemTime,
    window: u64,
    dry_run: bool,
}

impl Present {
    fn of(maps: &Maps) -> Result<Self> {
        let (clock, settings) = (maps.clock()?, maps.settings()?);
        let tick = clock.now();
        Ok(Self {
            clock,
            tick,
            date: SystemTime::now(),
            window: settings.window,
            dry_run: settings.is_dry(tick),
        })
    }

    fn date(&self, tick: u64) -> SystemTime {
        self.clock.date(tick, self.tick, self.date)
    }
}

/// When the source was first and last seen; where its record is gone, its rule
/// tells what is left to tell.
fn times(glance: &Glance, present: &Present) -> (SystemTime, SystemTime) {
    let begun = glance.rule.map_or(present.tick, |rule| rule.since);
    match glance.record {
        Some(record) => (
            present.date(record.first_seen),
            present.date(record.last_seen.max(record.first_seen)),
        ),
        None => (present.date(begun), present.date(begun)),
    }
}

/// The rate that got it banned, or the one of the last window, or the mean since it
/// was first seen, whichever is highest.
fn peak(record: &SourceRecord, ban: Option<&Rule>, present: &Present) -> u64 {
    let banned = ban.map_or(0, |ban| ban.syns_per_second.into());
    let load = record.load(present.tick, present.window);
    let last = per_second(load.syns, present.window, present.clock.hz);
    let lasted = record.last_seen.saturating_sub(record.first_seen);
    let mean = record
        .syns
        .saturating_mul(present.clock.hz.into())
        .checked_div(lasted.max(present.window))
        .unwrap_or(0);
    banned.max(last).max(mean)
}

/// SYNs per second between two looks, if there were any.
fn present_rate(first: &Glance, second: &Glance) -> Option<u64> {
    let more = second.syns().checked_sub(first.syns())?;
    let nanos = second.at.duration_since(first.at).as_nanos().max(1);
    let rate = u128::from(more) * 1_000_000_000 / nanos;
    (more > 0).then(|| u64::try_from(rate).unwrap_or(u64::MAX))
}

/// That of its ban; after a ban, or before one, what its record still shows, in which
/// doubt favours who owns the address.
fn class(glance: &Glance, peak: u64, maps: &Maps) -> Result<Finding> {
    let syn_rate = maps.attachment()?.syn_rate;
    if let Some(ban) = glance.rule.filter(|rule| rule.origin == origin::AUTOMATIC) {
        return Ok(Class::of(&ban, syn_rate).into());
    }
    let record = glance.record.unwrap_or(SourceRecord::BLANK);
    let stopped =
        record.dropped > 0 && record.handshakes * 2 < record.syns.saturating_sub(record.dropped);
    if glance.offences.is_some() || stopped {
        let rate = u32::try_from(peak).unwrap_or(u32::MAX);
        let destinations = record.port_set.count_ones();
        return Ok(Class::from_evidence(destinations, record.source_port, rate, syn_rate).into());
    }
    if maps.flood()?.since != 0 && record.handshakes == 0 {
        return Ok(Finding::Spoofed);
    }
    Ok(Finding::Nothing)
}

fn uncounted(ports: impl IntoIterator<Item = u16>) -> Vec<PortCount> {
    let count = |port| PortCount { port, syns: None };
    ports.into_iter().map(count).collect()
}

fn fact(net: &IpNet, rule: &Rule, entry: status::RuleEntry, present: &Present) -> RuleFact {
    RuleFact {
        prefix: address::show(net),
        action: entry.action,
        scope: entry.scope,
        origin: entry.origin,
        reason: entry.reason,
        since: present.date(rule.since),
        until: (rule.expires != NEVER).then(|| present.date(rule.expires)),
        hits: rule.hits,
        enforced: !present.dry_run,
    }
}
