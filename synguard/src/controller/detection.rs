//! What the controller knows of offenders between two looks, and what it does about
//! them. Everything else is in the ledger: a running filter's maps, or a replay's
//! tables.

use std::time::Duration;

use synguard_common::abi::{Offences, Rule, origin};
use synguard_common::source::SourceMask;

use super::bans::Bans;
use super::ledger::Ledger;
use super::plan::{Change, Lift, Policy, lift};
use super::promotion::Suspects;
use crate::class::Class;
use crate::clock::Clock;
use crate::settings::Settings;
use crate::{Result, address};

/// How often suspects, bans and the interface as a whole are looked at.
pub const TICK: Duration = Duration::from_secs(1);
/// How often young bans are looked at: a client banned in its hurry is let in
/// before it sends its SYNs again, a second after the first (RFC 6298).
pub const YOUNG_TICK: Duration = Duration::from_millis(100);
/// How long a ban is young.
pub const YOUNG: Duration = Duration::from_secs(1);
/// So long after its ban may a source prove to be a client: longer than the
/// answers to its last SYNs can be under way.
pub const PROOF: Duration = Duration::from_secs(30);
/// Events bring offenders at once; a scan finds those whose event was lost.
pub const SCAN_EVERY: Duration = Duration::from_secs(5);
/// How often rules with an end and old offences are looked for, in [`TICK`]s.
pub const SWEEP_EVERY: u32 = 60;

/// Suspects, bans in force, and the policy that makes the one into the other.
#[derive(Debug)]
pub struct Detection {
    pub(super) policy: Policy,
    pub(super) mask: SourceMask,
    pub(super) bans: Bans,
    pub(super) suspects: Suspects,
    /// How many sources had a record at the last scan.
    pub(super) tracked: usize,
    /// Whether as many bans as there may be have been told of.
    pub(super) was_full: bool,
}

impl Detection {
    /// One that knows nobody yet.
    pub fn new(settings: &Settings, clock: &Clock) -> Self {
        Self {
            policy: Policy::new(settings, clock),
            mask: settings.source_mask(),
            bans: Bans::default(),
            suspects: Suspects::default(),
            tracked: 0,
            was_full: false,
        }
    }

    /// Goes on by other settings, with the bans that there are.
    pub(super) fn adopt(&mut self, settings: &Settings, clock: &Clock) {
        if self.mask != settings.source_mask() {
            // They may be no sources any more.
            self.suspects = Suspects::default();
        }
        self.policy = Policy::new(settings, clock);
        self.mask = settings.source_mask();
    }

    /// What makes a source an offender.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many sources are over their rate and have time yet to complete what got
    /// through.
    pub fn suspects(&self) -> usize {
        self.suspects.len()
    }

    /// Whether there is a ban at most `age` old, in ticks.
    pub fn has_bans_since(&self, now: u64, age: u64) -> bool {
        self.bans.any_since(now, age)
    }

    /// Ends bans whose time is over, and those at most `age` ticks old of sources
    /// that prove to be clients, which they do soon or not at all.
    pub fn lift_bans(&mut self, ledger: &mut impl Ledger, age: u64) -> Result<()> {
        let now = ledger.now();
        for net in self.bans.to_look_at(now, age) {
            let rule = ledger.rule(&net)?;
            let Some(rule) = rule.filter(|rule| rule.origin == origin::AUTOMATIC) else {
                self.bans.remove(&net);
                continue;
            };
            let record = ledger.source(address::to_words(net.addr()))?;
            if let Some(change) = lift(net, &rule, record.as_ref(), &self.policy, now) {
                self.apply(ledger, &change, None)?;
            }
        }
        Ok(())
    }

    /// Forgets the offences of sources that have been quiet for long.
    pub fn forget(&self, ledger: &mut impl Ledger) -> Result<()> {
        let (forget, now) = (self.policy.forget, ledger.now());
        let forgotten = |offences: &Offences| offences.until.saturating_add(forget) <= now;
        ledger.forget_offences(&forgotten)
    }

    /// Takes note of the rules that there are: bans made before, and what is over,
    /// which it gives.
    pub(super) fn learn(
        &mut self,
        now: u64,
        rules: impl FnOnce(&mut dyn FnMut(ipnet::IpNet, Rule)) -> Result<()>,
    ) -> Result<Vec<Change>> {
        let mut over = Vec::new();
        self.bans.clear();
        rules(&mut |net, rule| {
            if let Some(change) = lift(net, &rule, None, &self.policy, now) {
                over.push(change);
            } else if rule.origin == origin::AUTOMATIC {
                self.bans
                    .insert(net, &rule, Class::of(&rule, self.policy.syn_rate()));
            }
        })?;
        Ok(over)
    }

    pub(super) fn apply(
        &mut self,
        ledger: &mut impl Ledger,
        change: &Change,
        reported: Option<u64>,
    ) -> Result<()> {
        let in_force = ledger.apply(change, reported)?;
        if let Change::Lift(net, ..) = change {
            self.bans.remove(net);
        }
        match change {
            Change::Promote(net, rule, _) if in_force => {
                let class = Class::of(rule, self.policy.syn_rate());
                self.bans.insert(*net, rule, class);
            }
            // It was no offence.
            Change::Lift(net, _, Lift::CompletesHandshakes(_)) => {
                ledger.forget_offences_of(address::to_words(net.addr()))?;
            }
            _ => {}
        }
        Ok(())
    }
}
