//! The busiest sources.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::time::SystemTime;

use ipnet::IpNet;
use serde::Serialize;
use synguard_common::abi::{Settings, SourceRecord};
use synguard_common::ports;
use synguard_common::window::per_second;

use super::rule::action_name;
use crate::class::Class;
use crate::clock::Clock;
use crate::dataplane::Maps;
use crate::{Result, address, text};

/// What is known of a source.
#[derive(Debug, Serialize)]
pub struct SourceEntry {
    /// An address or, for IPv6, a prefix.
    pub source: String,
    /// Over the last window.
    pub syns_per_second: u64,
    /// Since it was first seen, without those that a rule decided.
    pub syns: u64,
    /// Of them, dropped for the rate.
    pub dropped: u64,
    /// Connections completed.
    pub handshakes: u64,
    /// RSTs without ACK that came back: the source never asked to connect.
    pub resets: u64,
    /// Over its rate, and left alone because it completes its connections.
    pub busy_client: bool,
    /// What a rule says of it: `block` or `allow`; null where none does. The SYNs of a
    /// blocked source are its rule's hits, and count nowhere here.
    pub rule: Option<&'static str>,
    /// Over its rate, and stopped for that: what it sends is dropped meanwhile.
    pub rate_limited: bool,
    /// Of what kind a source over its rate would be; null for others.
    pub class: Option<Class>,
    /// Whether at least half of what got through became connections.
    pub completes: bool,
    /// The most recent ones, at most four.
    pub destination_ports: Vec<u16>,
    /// Null where it varies.
    pub source_port: Option<u16>,
    /// ISO 8601, UTC.
    pub first_seen: String,
    /// ISO 8601, UTC.
    pub last_seen: String,
}

/// The busiest sources, at most so many, and how many sources are known.
///
/// # Errors
///
/// [`crate::Error::Failed`] where a map cannot be read.
pub fn sources(maps: &Maps, most: usize) -> Result<(Vec<SourceEntry>, usize)> {
    let settings = maps.settings()?;
    let clock = maps.clock()?;
    let now = clock.now();
    let mut known = 0;
    let mut busiest = Busiest::new(most);
    let syn_rate = maps.attachment()?.syn_rate;
    maps.each_source(|source, record| {
        known += 1;
        let load = record.load(now, settings.window).syns;
        busiest.add(load, source, record);
    })?;
    let date = SystemTime::now();
    let entry = |(source, record): (IpAddr, SourceRecord)| {
        let source = address::record_net(source, &settings.mask);
        let rule = maps.covering(&source, now)?;
        let entry = describe(&source, &record, &settings, syn_rate, &clock, (now, date));
        Ok(SourceEntry {
            rule: rule.map(|rule| action_name(rule.action.into())),
            ..entry
        })
    };
    // While old records make room for new ones, some are met twice.
    let known = known.min(usize::try_from(maps.source_capacity()).unwrap_or(usize::MAX));
    let busiest = busiest.take().into_iter().map(entry);
    Ok((busiest.collect::<Result<_>>()?, known))
}

/// A million sources go by; few are kept.
struct Busiest {
    most: usize,
    kept: Vec<(u64, IpAddr, SourceRecord)>,
}

impl Busiest {
    /// So many more than are wanted are kept before the others go.
    const SLACK: usize = 2000;

    const fn new(most: usize) -> Self {
        let kept = Vec::new();
        Self { most, kept }
    }

    fn add(&mut self, load: u64, source: IpAddr, record: SourceRecord) {
        self.kept.push((load, source, record));
        if self.kept.len() > self.most + Self::SLACK {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.kept.sort_unstable_by_key(|(load, source, record)| {
            (Reverse(*load), Reverse(record.syns), *source)
        });
        self.kept.truncate(self.most);
    }

    fn take(mut self) -> Vec<(IpAddr, SourceRecord)> {
        self.cut();
        let kept = self.kept.into_iter();
        kept.map(|(_, source, record)| (source, record)).collect()
    }
}

fn describe(
    source: &IpNet,
    record: &SourceRecord,
    settings: &Settings,
    syn_rate: u32,
    clock: &Clock,
    (now, date): (u64, SystemTime),
) -> SourceEntry {
    let load = record.load(now, settings.window);
    let rate = per_second(load.syns, settings.window, clock.hz);
    let over = load.exceeds(settings.limit, settings.window);
    let limited = over && !load.completes_handshakes();
    let passed = record.syns.saturating_sub(record.dropped);
    SourceEntry {
        source: address::show(source),
        syns_per_second: rate,
        syns: record.syns,
        dropped: record.dropped,
        handshakes: record.handshakes,
        resets: record.resets,
        rule: None,
        busy_client: over && !limited,
        rate_limited: limited,
        class: limited.then(|| {
            let rate = u32::try_from(rate).unwrap_or(u32::MAX);
            let destinations = record.port_set.count_ones();
            Class::from_evidence(destinations, record.source_port, rate, syn_rate)
        }),
        completes: record.handshakes > 0 && record.handshakes.saturating_mul(2) >= passed,
        destination_ports: ports::recent(record.recent_ports).collect(),
        source_port: record.constant_source_port(),
        first_seen: text::date(clock.date(record.first_seen, now, date)),
        last_seen: text::date(clock.date(record.last_seen, now, date)),
    }
}
