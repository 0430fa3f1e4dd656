//! The busiest sources.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;
use synguard_common::abi::SourceRecord;
use synguard_common::ports;
use synguard_common::window::per_second;

use crate::dataplane::Maps;
use crate::{Result, address, text};

/// How many are shown.
const SHOWN: usize = 20;

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
    /// The most recent ones, at most four.
    pub destination_ports: Vec<u16>,
    /// Null where it varies.
    pub source_port: Option<u16>,
    /// ISO 8601, UTC.
    pub first_seen: String,
    /// ISO 8601, UTC.
    pub last_seen: String,
}

/// The busiest sources, and how many sources are known.
///
/// # Errors
///
/// [`crate::Error::Failed`] where a map cannot be read.
pub fn sources(maps: &Maps) -> Result<(Vec<SourceEntry>, usize)> {
    let settings = maps.settings()?;
    let clock = maps.clock()?;
    let now = clock.now();
    let date = SystemTime::now();
    let load = |record: &SourceRecord| {
        let window = record.window(now, settings.window);
        window.load(now, settings.window, record.totals()).syns
    };
    let mut all: Vec<(u64, IpAddr, SourceRecord)> = maps
        .sources()
        .map(|entry| entry.map(|(source, record)| (load(&record), source, record)))
        .collect::<Result<_>>()?;
    let known = all.len();
    all.sort_by_key(|(load, source, record)| (Reverse(*load), Reverse(record.syns), *source));
    all.truncate(SHOWN);
    let entry = |(load, source, record): (u64, IpAddr, SourceRecord)| SourceEntry {
        source: address::show(&address::record_net(source, &settings.mask)),
        syns_per_second: per_second(load, settings.window, clock.hz),
        syns: record.syns,
        dropped: record.dropped,
        handshakes: record.handshakes,
        destination_ports: ports::recent(record.recent_ports).collect(),
        source_port: record.constant_source_port(),
        first_seen: text::date(clock.date(record.first_seen, now, date)),
        last_seen: text::date(clock.date(record.last_seen, now, date)),
    };
    Ok((all.into_iter().map(entry).collect(), known))
}
