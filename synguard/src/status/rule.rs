//! Rules as people and programs read them.

use std::time::SystemTime;

use serde::Serialize;
use synguard_common::abi::{NEVER, Rule, action, origin, scope};
use synguard_common::ports;

use crate::class::Class;
use crate::clock::Clock;
use crate::dataplane::Maps;
use crate::{Result, address, protected, text};

/// The rules of all attached interfaces.
#[derive(Debug, Serialize)]
pub struct Lists {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// One entry each.
    pub interfaces: Vec<RuleList>,
}

/// The rules of one interface.
#[derive(Debug, Serialize)]
pub struct RuleList {
    /// Its name.
    pub interface: String,
    /// Bans and blocks first, then allows.
    pub rules: Vec<RuleEntry>,
}

/// A rule in force.
#[derive(Debug, Serialize)]
pub struct RuleEntry {
    /// An address or a prefix.
    pub prefix: String,
    /// `block` or `allow`.
    pub action: &'static str,
    /// `syn` or `all`: what a block drops.
    pub scope: &'static str,
    /// `automatic`, `manual` or `protected`.
    pub origin: &'static str,
    /// Why, in words.
    pub reason: String,
    /// ISO 8601, UTC.
    pub since: String,
    /// Null for a rule without end.
    pub expires_in_seconds: Option<u64>,
    /// Packets that it decided.
    pub hits: u64,
    /// What a banned source had done; null for other rules.
    pub evidence: Option<Evidence>,
}

/// What a source had done in the window that got it banned.
#[derive(Debug, Serialize)]
pub struct Evidence {
    /// `flood`, `reflection` or `scan`.
    pub class: &'static str,
    /// SYNs in the window.
    pub syns: u32,
    /// The same, per second.
    pub syns_per_second: u32,
    /// The most recent destination ports.
    pub destination_ports: Vec<u16>,
    /// Null where it varied.
    pub source_port: Option<u16>,
}

/// The rules in force: blocks first, then allows, each by prefix.
///
/// # Errors
///
/// [`crate::Error::Failed`] where a map cannot be read.
pub fn rules(maps: &Maps) -> Result<Vec<RuleEntry>> {
    let clock = maps.clock()?;
    let now = clock.now();
    let date = SystemTime::now();
    let mut all = maps.rules().collect::<Result<Vec<_>>>()?;
    all.retain(|(_, rule)| rule.active(now));
    all.sort_by_key(|(net, rule)| (rule.action, rule.origin, *net));
    let entry = |(net, rule): &(ipnet::IpNet, Rule)| RuleEntry {
        prefix: address::show(net),
        action: if rule.action == action::ALLOW {
            "allow"
        } else {
            "block"
        },
        scope: if rule.scope == scope::ALL {
            "all"
        } else {
            "syn"
        },
        origin: origin_name(rule.origin),
        reason: reason(rule),
        since: text::date(clock.date(rule.since, now, date)),
        expires_in_seconds: remaining(rule, &clock, now),
        hits: rule.hits,
        evidence: evidence(rule),
    };
    Ok(all.iter().map(entry).collect())
}

const fn origin_name(origin: u8) -> &'static str {
    match origin {
        origin::AUTOMATIC => "automatic",
        origin::MANUAL => "manual",
        _ => "protected",
    }
}

fn reason(rule: &Rule) -> String {
    match rule.origin {
        origin::AUTOMATIC => format!(
            "{} ({}): {} SYNs/s to {} from port {}, {} handshakes",
            Class::of(rule).label(),
            Class::of(rule).meaning(),
            rule.syns_per_second,
            text::list(ports::recent(rule.recent_ports)),
            ports::constant_source_port(rule.source_port)
                .map_or_else(|| "varying".to_owned(), |port| port.to_string()),
            rule.handshakes,
        ),
        origin::MANUAL => "by hand".to_owned(),
        protection => protected::reason(protection).to_owned(),
    }
}

fn remaining(rule: &Rule, clock: &Clock, now: u64) -> Option<u64> {
    (rule.expires != NEVER).then(|| clock.since(now, rule.expires).as_secs())
}

fn evidence(rule: &Rule) -> Option<Evidence> {
    (rule.origin == origin::AUTOMATIC).then(|| Evidence {
        class: Class::of(rule).label(),
        syns: rule.syns,
        syns_per_second: rule.syns_per_second,
        destination_ports: ports::recent(rule.recent_ports).collect(),
        source_port: ports::constant_source_port(rule.source_port),
    })
}
