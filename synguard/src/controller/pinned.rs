//! The ledger of a running filter: its pinned maps, and the log.

use ipnet::IpNet;
use synguard_common::abi::{Offences, Rule, SourceRecord};
use synguard_common::source::{Address, SourceKey};
use tracing::warn;

use super::journal;
use super::ledger::Ledger;
use super::plan::{Change, Policy};
use crate::dataplane::Attached;
use crate::events::Voice;
use crate::rules::put;
use crate::{Result, lists};

/// An attached interface's maps.
pub(super) struct Pinned<'a> {
    pub(super) attached: &'a mut Attached,
    pub(super) voice: &'a mut Voice,
    pub(super) policy: Policy,
    pub(super) dry_run: bool,
}

impl Pinned<'_> {
    fn interface(&self) -> &str {
        self.attached.pins.interface()
    }

    fn put(&mut self, change: &Change) -> Result<bool> {
        let _lock = self.attached.pins.lock_rules_soon()?;
        let maps = &mut self.attached.maps;
        match change {
            Change::Promote(net, rule, _) => {
                // Somebody may have allowed or blocked it meanwhile.
                if maps.covering(net, rule.since)?.is_some() {
                    return Ok(false);
                }
                put(maps, net, *rule)?;
            }
            // Not where somebody has put another rule there meanwhile.
            Change::Lift(net, rule, _) => match maps.rule(net)? {
                Some(held) if held.since == rule.since => lists::release(maps, net, &held)?,
                _ => {}
            },
        }
        Ok(true)
    }
}

impl Ledger for Pinned<'_> {
    fn now(&self) -> u64 {
        self.attached.clock.now()
    }

    fn source(&self, source: Address) -> Result<Option<SourceRecord>> {
        self.attached.maps.source(source)
    }

    fn review(&mut self, each: &mut dyn FnMut(SourceKey, SourceRecord)) -> Result<()> {
        self.attached.maps.review_sources(each)
    }

    fn rule(&self, net: &IpNet) -> Result<Option<Rule>> {
        self.attached.maps.rule(net)
    }

    fn covering(&self, net: &IpNet, now: u64) -> Result<Option<Rule>> {
        self.attached.maps.covering(net, now)
    }

    fn most_bans(&self) -> u32 {
        self.attached.maps.rule_capacity() / 2
    }

    fn offences(&self, source: Address) -> Result<Option<Offences>> {
        self.attached.maps.offences(source)
    }

    fn set_offences(&mut self, source: Address, offences: Offences) -> Result<()> {
        self.attached.maps.set_offences(source, offences)
    }

    fn forget_offences_of(&mut self, source: Address) -> Result<()> {
        self.attached.maps.forget_offences_of(source)
    }

    fn forget_offences(&mut self, over: &dyn Fn(&Offences) -> bool) -> Result<()> {
        self.attached.maps.forget_offences(over)
    }

    fn apply(&mut self, change: &Change, reported: Option<u64>) -> Result<bool> {
        if !self.put(change)? {
            return Ok(false);
        }
        let (clock, now) = (self.attached.clock, self.now());
        // As exactly as ticks tell.
        let latency = reported.map(|reported| clock.since(reported, now) + clock.duration(1));
        let event = journal::change(change, &clock, &self.policy, self.dry_run, latency);
        self.voice.tell(&event, now);
        Ok(true)
    }

    fn tell_full(&self, most: u32) {
        warn!(
            "{}: {most} sources are banned, which is half of the room for rules: others are \
             stopped over their rate, but not banned (attach with a larger --max-rules)",
            self.interface()
        );
    }
}
