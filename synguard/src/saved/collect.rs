//! What there is to save, read from the maps of a running filter.

use std::collections::HashMap;
use std::fs;

use ipnet::IpNet;
use synguard_common::abi::{Rule, holder, origin};

use super::line::{
    Action, Ban, FORMAT, Header, Imported, Line, Offender, PREFIXES, Prefixes, Said, Scope, VERSION,
};
use super::{Kind, Moment};
use crate::dataplane::Maps;
use crate::lists::{self, Lists};
use crate::rules::is_protection;
use crate::{Result, address};

/// Of which interface.
#[derive(Clone, Debug)]
pub(super) struct About {
    interface: String,
    boot: String,
}

impl About {
    pub(super) fn new(interface: &str) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            interface: interface.to_owned(),
            boot: boot.trim().to_owned(),
        }
    }

    fn with_header(&self, kind: Kind, now: &Moment, dry_run: bool, lines: Vec<Line>) -> Vec<Line> {
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            kind,
            interface: self.interface.clone(),
            written: now.date,
            boot: self.boot.clone(),
            dry_run,
            lines: lines.len().try_into().unwrap_or(u64::MAX),
        };
        std::iter::once(Line::Header(header)).chain(lines).collect()
    }
}

/// The bans among `nets` that are in force, and all offences.
pub(super) fn bans(maps: &Maps, about: &About, nets: &[IpNet], now: &Moment) -> Result<Vec<Line>> {
    let settings = maps.settings()?;
    let mut lines = Vec::with_capacity(nets.len());
    for net in nets {
        if let Some(rule) = maps.rule(net)? {
            lines.extend(ban(net, &rule, now));
        }
    }
    maps.each_offence(|source, offences| {
        let source = address::source_net(source, &settings.mask);
        let offender = |until| Offender {
            source,
            count: offences.count,
            until,
        };
        lines.extend(
            now.date_of(offences.until)
                .map(offender)
                .map(Line::Offences),
        );
    })?;
    Ok(about.with_header(Kind::Bans, now, settings.dry_run != 0, lines))
}

fn ban(net: &IpNet, rule: &Rule, now: &Moment) -> Option<Line> {
    if rule.origin != origin::AUTOMATIC || !rule.active(now.tick) {
        return None;
    }
    Some(Line::Ban(Ban {
        source: *net,
        since: now.date_of(rule.since)?,
        until: now.date_of(rule.expires)?,
        scope: Scope::of(rule.scope),
        hits: rule.hits,
        syns: rule.syns,
        syns_per_second: rule.syns_per_second,
        handshakes: rule.handshakes,
        source_port: rule.source_port,
        recent_ports: rule.recent_ports,
        port_set: rule.port_set,
    }))
}

/// What people said, and lists; nothing while somebody changes it.
pub(super) fn rules(maps: &Maps, about: &About, now: &Moment) -> Result<Option<Vec<Line>>> {
    let before = maps.changes()?;
    let lists = Lists::read(maps)?;
    if lists.each().any(|(_, list)| list.changing != 0) {
        return Ok(None);
    }
    let mut gathered = Gathered::default();
    maps.each_rule(|net, rule| gathered.add(net, &rule, &lists, now))?;
    let settings = maps.settings()?;
    let [_, said_before] = before;
    let [_, said_after] = maps.changes()?;
    if said_before != said_after {
        return Ok(None);
    }
    let lines = gathered.lines(&lists, now);
    let dry_run = settings.dry_run != 0;
    Ok(Some(about.with_header(Kind::Rules, now, dry_run, lines)))
}

/// Prefixes by which lists name them (the bits of their holders), since when and until
/// when, in ticks: a list of a million is one of these.
#[derive(Default)]
struct Gathered {
    said: Vec<Line>,
    listed: HashMap<(u32, u64, u64), Vec<IpNet>>,
}

impl Gathered {
    fn add(&mut self, net: IpNet, rule: &Rule, lists: &Lists, now: &Moment) {
        let Some(rule) = of_people(rule, lists).filter(|rule| rule.active(now.tick)) else {
            return;
        };
        if rule.origin == origin::LIST {
            let key = (rule.holders, rule.since, rule.expires);
            self.listed.entry(key).or_default().push(net);
            return;
        }
        let since = now.date_of(rule.since).unwrap_or(now.date);
        self.said.push(Line::Rule(Said {
            prefix: net,
            action: Action::of(rule.action),
            scope: Scope::of(rule.scope),
            since,
            until: now.date_of(rule.expires),
            hits: rule.hits,
            lists: lists.names(rule.holders),
        }));
    }

    fn lines(self, lists: &Lists, now: &Moment) -> Vec<Line> {
        let mut lines: Vec<_> = lists
            .each()
            .map(|(_, list)| {
                Line::List(Imported {
                    name: lists::name(list),
                    action: Action::of(list.action.to_le_bytes()[0]),
                    scope: Scope::of(list.scope.to_le_bytes()[0]),
                    imported: crate::clock::unix(list.imported_at),
                    prefixes: list.prefixes,
                })
            })
            .collect();
        lines.extend(self.said);
        for ((holders, since, until), nets) in self.listed {
            let names = lists.names(holders);
            let since = now.date_of(since).unwrap_or(now.date);
            let until = now.date_of(until);
            lines.extend(nets.chunks(PREFIXES).map(|nets| {
                Line::Prefixes(Prefixes {
                    lists: names.clone(),
                    since,
                    until,
                    prefixes: nets.to_vec(),
                })
            }));
        }
        lines
    }
}

/// What is left of a rule without what the controller and attach say, which find it anew.
fn of_people(rule: &Rule, lists: &Lists) -> Option<Rule> {
    if rule.origin == origin::AUTOMATIC || is_protection(rule) {
        return lists::held(rule, rule.holders & !holder::DIRECT, lists);
    }
    Some(*rule)
}
