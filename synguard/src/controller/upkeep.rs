//! What has to be done from time to time, and how a rule begins and ends.

use std::time::Duration;

use synguard_common::abi::{Offences, Rule, origin};
use tracing::info;

use super::guard::{Guard, TIDY_EVERY};
use super::plan::{Change, Lift, lift};
use super::{journal, protection};
use crate::rules::put;
use crate::{Result, address, lists, text};

impl Guard {
    /// Ends bans whose time is over, and those of sources that prove to be
    /// clients, which they do soon or not at all.
    pub(super) fn lift_bans(&mut self, age: Duration) -> Result<()> {
        let now = self.attached.clock.now();
        let age = self.attached.clock.ticks(age);
        for net in self.bans.to_look_at(now, age) {
            let rule = self.attached.maps.rule(&net)?;
            let Some(rule) = rule.filter(|rule| rule.origin == origin::AUTOMATIC) else {
                self.bans.remove(&net);
                continue;
            };
            let record = self.attached.maps.source(address::to_words(net.addr()))?;
            if let Some(change) = lift(net, &rule, record.as_ref(), &self.policy, now) {
                self.apply(&change, "")?;
            }
        }
        Ok(())
    }

    /// Looks at every rule: learns of bans made before, ends what is over, renews
    /// what protects, settles what a command that died left half-done.
    pub(super) fn sweep(&mut self) -> Result<()> {
        let now = self.attached.clock.now();
        {
            let _lock = self.attached.pins.lock_rules()?;
            lists::recover(&mut self.attached.maps)?;
            let over = lists::end_entries(&mut self.attached.maps, now)?;
            if over > 0 {
                let entries = text::count(over, "entry", "entries");
                info!("{}: {entries} of lists are over", self.interface());
            }
            protection::renew(&mut self.attached.maps, &self.depended_on, now)?;
            if self.ticks.is_multiple_of(TIDY_EVERY) {
                self.attached.maps.tidy()?;
            }
        }
        let forget = self.policy.forget;
        let forgotten = |offences: &Offences| offences.until.saturating_add(forget) <= now;
        self.attached.maps.forget_offences(forgotten)?;
        let mut over = Vec::new();
        self.bans.clear();
        self.attached.maps.each_rule(|net, rule| {
            if let Some(change) = lift(net, &rule, None, &self.policy, now) {
                over.push(change);
            } else if rule.origin == origin::AUTOMATIC {
                self.bans.insert(net, &rule);
            }
        })?;
        self.apply_all(&over)
    }

    fn apply_all(&mut self, changes: &[Change]) -> Result<()> {
        changes.iter().try_for_each(|change| self.apply(change, ""))
    }

    pub(super) fn apply(&mut self, change: &Change, remark: &str) -> Result<()> {
        let _lock = self.attached.pins.lock_rules()?;
        match change {
            Change::Promote(net, rule, _) => {
                // Somebody may have allowed or blocked it meanwhile.
                if self.attached.maps.covering(net, rule.since)?.is_some() {
                    return Ok(());
                }
                put(&mut self.attached.maps, net, *rule)?;
                self.bans.insert(*net, rule);
            }
            Change::Lift(net, rule, why) => {
                self.end(net, rule)?;
                if let Lift::CompletesHandshakes(_) = why {
                    // It was no offence.
                    let source = address::to_words(net.addr());
                    self.attached.maps.forget_offences_of(source)?;
                }
            }
        }
        let said = journal::change(change, &self.attached.clock, &self.policy, self.dry_run);
        info!("{}: {said}{remark}", self.interface());
        Ok(())
    }

    /// Ends a rule, unless somebody has put another one there meanwhile.
    fn end(&mut self, net: &ipnet::IpNet, rule: &Rule) -> Result<()> {
        self.bans.remove(net);
        match self.attached.maps.rule(net)? {
            Some(held) if held.since == rule.since => {
                lists::release(&mut self.attached.maps, net, &held)
            }
            _ => Ok(()),
        }
    }
}
