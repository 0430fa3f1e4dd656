//! Rules as people and programs read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ipnet::IpNet;
use serde::Serialize;
use synguard_common::abi::{List, NEVER, Rule, action, origin, scope};
use synguard_common::ports;

use crate::class::Class;
use crate::clock::Clock;
use crate::dataplane::Maps;
use crate::lists::{self, Lists};
use crate::{Result, address, protected, text};

/// The rules of all attached interfaces.
#[derive(Debug, Serialize)]
pub struct RuleLists {
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
    /// Bans and blocks first, then allows; without what only lists name.
    pub rules: Vec<RuleEntry>,
    /// Imported lists.
    pub lists: Vec<ListEntry>,
}

/// An imported list.
#[derive(Clone, Debug, Serialize)]
pub struct ListEntry {
    /// Its name.
    pub name: String,
    /// `block` or `allow`.
    pub action: &'static str,
    /// `syn` or `all`: what a block drops.
    pub scope: &'static str,
    /// How many it names.
    pub prefixes: u64,
    /// When: ISO 8601, UTC.
    pub imported_at: String,
    /// Packets that its rules decided.
    pub hits: u64,
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
    /// `automatic`, `manual`, `protected` or `list`.
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
    /// Which rule about the prefix it is; not for programs.
    #[serde(skip)]
    pub identity: Identity,
}

/// Tells a rule from the one before and the one after it about the same prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    action: u8,
    origin: u8,
    since: u64,
}

impl Identity {
    /// That of a rule.
    pub const fn of(rule: &Rule) -> Self {
        Self {
            action: rule.action,
            origin: rule.origin,
            since: rule.since,
        }
    }
}

/// What a source had done in the window that got it banned.
#[derive(Debug, Serialize)]
pub struct Evidence {
    /// `flood`, `reflection` or `scan`.
    pub class: Class,
    /// SYNs in the window.
    pub syns: u32,
    /// The same, per second.
    pub syns_per_second: u32,
    /// Connections that it has completed in the window and since.
    pub handshakes: u64,
    /// RSTs without ACK that came back, up to now: the source never asked to
    /// connect.
    pub resets: u64,
    /// How many bans it had, this one included.
    pub offences: u64,
    /// The most recent destination ports.
    pub destination_ports: Vec<u16>,
    /// Null where it varied.
    pub source_port: Option<u16>,
}

/// The rules in force: blocks first, then allows, each by prefix; and the lists,
/// whose rules are too many to be shown one by one unless `listed` names one.
///
/// # Errors
///
/// [`crate::Error::Failed`] where a map cannot be read.
pub fn rules(maps: &Maps, listed: Option<u32>) -> Result<(Vec<RuleEntry>, Vec<ListEntry>)> {
    let settings = maps.settings()?;
    let when = When::now(maps)?;
    let lists = Lists::read(maps)?;
    let mut hits: Vec<_> = lists.each().map(|(bit, list)| (bit, list, 0)).collect();
    let mut shown = Vec::new();
    maps.each_rule(|net, rule| {
        if !rule.in_force(when.tick, settings.holders) {
            return;
        }
        for (bit, _, hits) in &mut hits {
            *hits += if rule.holders & *bit == 0 {
                0
            } else {
                rule.hits
            };
        }
        let wanted = listed.is_some_and(|bit| rule.holders & bit != 0);
        if rule.origin != origin::LIST || wanted {
            shown.push((net, rule));
        }
    })?;
    shown.sort_by_key(|(net, rule)| (rule.action, rule.origin, *net));
    let rules = shown
        .iter()
        .map(|(net, rule)| describe(net, rule, maps, &lists, &when));
    let lists = hits
        .iter()
        .map(|(_, list, hits)| describe_list(list, *hits));
    Ok((rules.collect::<Result<_>>()?, lists.collect()))
}

/// The rules in force about all of `net`, those of lists too, the widest first.
///
/// # Errors
///
/// [`crate::Error::Failed`] where a map cannot be read.
pub fn rules_about(maps: &Maps, net: &IpNet) -> Result<Vec<(IpNet, Rule, RuleEntry)>> {
    let holders = maps.settings()?.holders;
    let when = When::now(maps)?;
    let lists = Lists::read(maps)?;
    let mut about =
        maps.rules(|wider, rule| rule.in_force(when.tick, holders) && wider.contains(net))?;
    about.sort_by_key(|(wider, _)| wider.prefix_len());
    about
        .into_iter()
        .map(|(wider, rule)| {
            let entry = describe(&wider, &rule, maps, &lists, &when)?;
            Ok((wider, rule, entry))
        })
        .collect()
}

/// The present, on both clocks.
struct When {
    clock: Clock,
    tick: u64,
    date: SystemTime,
}

impl When {
    fn now(maps: &Maps) -> Result<Self> {
        let clock = maps.clock()?;
        Ok(Self {
            clock,
            tick: clock.now(),
            date: SystemTime::now(),
        })
    }
}

fn describe(
    net: &IpNet,
    rule: &Rule,
    maps: &Maps,
    lists: &Lists,
    when: &When,
) -> Result<RuleEntry> {
    let evidence = evidence(net, rule, maps)?;
    Ok(RuleEntry {
        prefix: address::show(net),
        action: action_name(rule.action.into()),
        scope: scope_name(rule.scope.into()),
        origin: origin_name(rule.origin),
        reason: reason(rule, evidence.as_ref(), lists),
        since: text::date(when.clock.date(rule.since, when.tick, when.date)),
        expires_in_seconds: remaining(rule, &when.clock, when.tick),
        hits: rule.hits,
        evidence,
        identity: Identity::of(rule),
    })
}

fn describe_list(list: &List, hits: u64) -> ListEntry {
    ListEntry {
        name: lists::name(list),
        action: action_name(list.action),
        scope: scope_name(list.scope),
        prefixes: list.prefixes,
        imported_at: text::date(UNIX_EPOCH + Duration::from_secs(list.imported_at)),
        hits,
    }
}

pub(super) fn action_name(code: u32) -> &'static str {
    if code == u32::from(action::ALLOW) {
        "allow"
    } else {
        "block"
    }
}

fn scope_name(code: u32) -> &'static str {
    if code == u32::from(scope::ALL) {
        "all"
    } else {
        "syn"
    }
}

const fn origin_name(origin: u8) -> &'static str {
    match origin {
        origin::AUTOMATIC => "automatic",
        origin::MANUAL => "manual",
        origin::LIST => "list",
        _ => "protected",
    }
}

fn reason(rule: &Rule, evidence: Option<&Evidence>, lists: &Lists) -> String {
    match (rule.origin, evidence) {
        (origin::AUTOMATIC, Some(evidence)) => format!(
            "{} ({}): {} SYNs/s to {} from port {}, {}, {}{}",
            evidence.class.label(),
            evidence.class.meaning(),
            rule.syns_per_second,
            text::list(&evidence.destination_ports),
            evidence
                .source_port
                .map_or_else(|| "varying".to_owned(), |port| port.to_string()),
            text::count(evidence.handshakes, "handshake", "handshakes"),
            text::count(evidence.resets, "RST back", "RSTs back"),
            match evidence.offences {
                0 | 1 => String::new(),
                count => format!(", ban number {count}"),
            },
        ),
        (origin::MANUAL, _) => "by hand".to_owned(),
        (origin::LIST, _) => {
            let held = lists.each().filter(|(bit, _)| rule.holders & bit != 0);
            text::list(held.map(|(_, list)| lists::name(list)))
        }
        (protection, _) => protected::reason(protection).to_owned(),
    }
}

fn remaining(rule: &Rule, clock: &Clock, now: u64) -> Option<u64> {
    (rule.expires != NEVER).then(|| clock.since(now, rule.expires).as_secs())
}

fn evidence(net: &IpNet, rule: &Rule, maps: &Maps) -> Result<Option<Evidence>> {
    if rule.origin != origin::AUTOMATIC {
        return Ok(None);
    }
    let source = address::to_words(net.addr());
    let (record, offences) = (maps.source(source)?, maps.offences(source)?);
    Ok(Some(Evidence {
        class: Class::of(rule, maps.attachment()?.syn_rate),
        syns: rule.syns,
        syns_per_second: rule.syns_per_second,
        handshakes: record.map_or(0, |record| {
            record.handshakes.saturating_sub(rule.handshakes.into())
        }),
        resets: record.map_or(0, |record| record.resets),
        offences: offences.map_or(0, |offences| offences.count),
        destination_ports: ports::recent(rule.recent_ports).collect(),
        source_port: ports::constant_source_port(rule.source_port.into()),
    }))
}
