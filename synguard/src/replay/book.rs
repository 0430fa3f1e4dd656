//! The ledger of a replay: tables in memory, and what was done, by the capture's time.

use std::time::SystemTime;

use ipnet::IpNet;
use synguard_common::abi::{Offences, Rule, SourceRecord, scope};
use synguard_common::source::{Address, SourceKey};

use super::clock::CaptureClock;
use super::slots::Slots;
use super::tables::HostTables;
use crate::Result;
use crate::controller::Ledger;
use crate::controller::plan::{Change, Evidence, Lift};
use crate::settings::Settings;

/// Bans that are told of one by one; of further ones it is only told how many.
const TOLD: usize = 10_000;

/// A ban that would have been, from its beginning to its end.
#[derive(Clone, Debug)]
pub struct Ban {
    /// Whom.
    pub net: IpNet,
    /// From when.
    pub since: SystemTime,
    /// As it was put in place, in ticks.
    pub rule: Rule,
    /// What for.
    pub evidence: Evidence,
    /// When its time was or will be over, or it was lifted.
    pub until: SystemTime,
    /// Why it ended within the capture, if it did.
    pub ended: Option<Lift>,
}

/// Tables with their clock, and the bans so far.
pub(super) struct Book {
    pub(super) tables: HostTables,
    pub(super) clock: CaptureClock,
    /// The tick that the controller is at: behind the clock while it catches up.
    pub(super) now: u64,
    pub(super) bans: Vec<Ban>,
    /// A source whose bans are told of even then, as many again.
    pub(super) looked_at: Option<IpNet>,
    /// Bans beyond those.
    pub(super) untold: u64,
    /// Rules with the scope `all`.
    pub(super) all_rules: u32,
    /// Whether there was no room for more bans.
    pub(super) was_full: std::cell::Cell<bool>,
    offences: Slots<SourceKey, std::cell::Cell<Option<Offences>>>,
    most_bans: u32,
}

impl Book {
    pub(super) fn new(tables: HostTables, settings: &Settings) -> Self {
        Self {
            tables,
            clock: CaptureClock::new(),
            now: CaptureClock::start(),
            bans: Vec::new(),
            looked_at: None,
            untold: 0,
            all_rules: 0,
            was_full: std::cell::Cell::new(false),
            offences: Slots::new(settings.max_sources),
            most_bans: settings.max_rules / 2,
        }
    }

    fn promote(&mut self, net: IpNet, rule: &Rule, evidence: &Evidence) {
        // One whose time was over, and which nobody has looked at since.
        if let Some(over) = self.tables.rule(&net) {
            self.lift(net, &over, Lift::Expired);
        }
        self.tables.insert_rule(net, *rule);
        self.all_rules += u32::from(rule.scope == scope::ALL);
        let room = if self.looked_at == Some(net) {
            2 * TOLD
        } else {
            TOLD
        };
        if self.bans.len() >= room {
            self.untold += 1;
            return;
        }
        self.bans.push(Ban {
            net,
            since: self.clock.date(rule.since),
            rule: *rule,
            evidence: evidence.clone(),
            until: self.clock.date(rule.expires),
            ended: None,
        });
    }

    fn lift(&mut self, net: IpNet, rule: &Rule, why: Lift) {
        self.tables.remove_rule(&net);
        self.all_rules -= u32::from(rule.scope == scope::ALL);
        let until = match why {
            Lift::Expired => rule.expires,
            Lift::CompletesHandshakes(_) => self.now,
        };
        let same = |ban: &&mut Ban| ban.net == net && ban.rule.since == rule.since;
        if let Some(ban) = self.bans.iter_mut().rev().find(same) {
            ban.until = self.clock.date(until);
            ban.ended = Some(why);
            ban.rule.hits = rule.hits;
        }
    }
}

impl Ledger for Book {
    fn now(&self) -> u64 {
        self.now
    }

    fn source(&self, source: Address) -> Result<Option<SourceRecord>> {
        Ok(self.tables.source(source))
    }

    fn review(&mut self, each: &mut dyn FnMut(SourceKey, SourceRecord)) -> Result<()> {
        self.tables.review(each);
        Ok(())
    }

    fn rule(&self, net: &IpNet) -> Result<Option<Rule>> {
        Ok(self.tables.rule(net))
    }

    /// Bans are all the rules that there are.
    fn covering(&self, net: &IpNet, now: u64) -> Result<Option<Rule>> {
        Ok(self.tables.rule(net).filter(|rule| rule.active(now)))
    }

    fn most_bans(&self) -> u32 {
        self.most_bans
    }

    fn offences(&self, source: Address) -> Result<Option<Offences>> {
        Ok(self
            .offences
            .get(source.key())
            .and_then(std::cell::Cell::get))
    }

    fn set_offences(&mut self, source: Address, offences: Offences) -> Result<()> {
        let entry = match self.offences.get(source.key()) {
            Some(entry) => entry,
            None => self.offences.claim(source.key(), |_, _| ()),
        };
        entry.set(Some(offences));
        Ok(())
    }

    fn forget_offences_of(&mut self, source: Address) -> Result<()> {
        self.offences.remove(source.key());
        Ok(())
    }

    fn forget_offences(&mut self, over: &dyn Fn(&Offences) -> bool) -> Result<()> {
        let mut forgotten = Vec::new();
        self.offences.each(|key, offences| {
            if offences.get().is_some_and(|offences| over(&offences)) {
                forgotten.push(key);
            }
        });
        forgotten
            .into_iter()
            .for_each(|key| self.offences.remove(key));
        Ok(())
    }

    fn apply(&mut self, change: &Change, _reported: Option<u64>) -> Result<bool> {
        match change {
            Change::Promote(net, rule, evidence) => self.promote(*net, rule, evidence),
            Change::Lift(net, rule, why) => self.lift(*net, rule, *why),
        }
        Ok(true)
    }

    fn tell_full(&self, _most: u32) {
        self.was_full.set(true);
    }
}
