//! One interface's controller: the loop around the plan.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use ipnet::IpNet;
use synguard_common::abi::{Event, origin};
use synguard_common::source::Address;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::plan::{Change, Policy, lift, promotion};
use super::{journal, protection};
use crate::dataplane::{Attached, Events};
use crate::protected::{self, Protected};
use crate::settings::{SOURCE_MASK, Settings};
use crate::{Result, address};

/// How often bans are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Events bring offenders at once; a scan finds those whose event was lost in
/// a full buffer. In ticks of [`TICK`].
const SCAN_EVERY: u32 = 5;
/// Rules with an end that somebody else made are looked for, in [`TICK`]s.
const SWEEP_EVERY: u32 = 60;

/// Why the controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to.
    Stopped,
    /// Somebody detached the interface.
    Detached,
}

/// The controller of one interface.
pub struct Guard {
    attached: Attached,
    events: Events,
    policy: Policy,
    dry_run: bool,
    /// The automatic bans in force, so that they need not be searched for.
    bans: HashSet<IpNet>,
    ticks: u32,
}

impl Guard {
    /// Takes charge of an attached interface, and says so in the log.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a map cannot be used.
    pub fn new(
        mut attached: Attached,
        settings: &Settings,
        depended_on: &Protected,
    ) -> Result<Self> {
        let events = Events::open(&attached.pins)?;
        let clock = attached.clock;
        let policy = Policy {
            limit: settings.limit(),
            window: clock.ticks(settings.window),
            ban: clock.ticks(settings.ban_time),
            hz: clock.hz,
        };
        {
            let _lock = attached.pins.lock_rules()?;
            protection::renew(&mut attached.maps, depended_on, clock.now())?;
        }
        let mut guard = Self {
            attached,
            events,
            policy,
            dry_run: settings.dry_run,
            bans: HashSet::new(),
            ticks: 0,
        };
        guard.sweep()?;
        guard.introduce(settings, depended_on);
        Ok(guard)
    }

    /// The interface's name.
    pub fn interface(&self) -> &str {
        self.attached.pins.interface()
    }

    /// Whether the filter was not there before.
    pub const fn is_new(&self) -> bool {
        !self.attached.facts.taken_over
    }

    fn introduce(&self, settings: &Settings, depended_on: &Protected) {
        let name = self.interface();
        for shortfall in &self.attached.facts.shortfalls {
            warn!("{name}: {shortfall}");
        }
        for (address, why) in depended_on {
            info!("{name}: protected {address} ({})", protected::reason(*why));
        }
        if !self.bans.is_empty() {
            info!("{name}: {} bans go on", self.bans.len());
        }
        info!(
            "{}",
            journal::attached(name, &self.attached.facts, settings)
        );
    }

    /// Works until `stop` ends or the interface is detached.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a map cannot be used; the filter stays.
    pub async fn run(&mut self, stop: impl Future<Output = ()>) -> Result<Ending> {
        tokio::pin!(stop);
        let mut ticker = interval(TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => return Ok(Ending::Stopped),
                events = self.events.next() => self.hear(&events?)?,
                _ = ticker.tick() => {
                    if !self.attached.pins.exist() {
                        return Ok(Ending::Detached);
                    }
                    self.tick()?;
                }
            }
        }
    }

    /// Takes the filter off the interface.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] naming the pin that could not be removed.
    pub fn detach(&self) -> Result<()> {
        self.attached.pins.remove()
    }

    fn hear(&mut self, events: &[Event]) -> Result<()> {
        for event in events {
            let source = Address::from_key(event.source);
            let Some(record) = self.attached.maps.source(source)? else {
                continue;
            };
            let net = address::source_net(source, &SOURCE_MASK);
            let now = self.attached.clock.now();
            let covering = self.attached.maps.covering(&net, now)?;
            if let Some(change) = promotion(net, &record, covering.as_ref(), &self.policy, now) {
                let elapsed = self.attached.clock.since(event.tick, now);
                self.apply(&change, &journal::latency(elapsed, &self.attached.clock))?;
            }
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<()> {
        self.ticks = self.ticks.wrapping_add(1);
        self.lift_bans()?;
        if self.ticks.is_multiple_of(SCAN_EVERY) {
            self.scan()?;
        }
        if self.ticks.is_multiple_of(SWEEP_EVERY) {
            self.sweep()?;
        }
        Ok(())
    }

    fn lift_bans(&mut self) -> Result<()> {
        let now = self.attached.clock.now();
        let mut changes = Vec::new();
        let mut gone = Vec::new();
        for net in &self.bans {
            let Some(rule) = self
                .attached
                .maps
                .rule(net)?
                .filter(|rule| rule.origin == origin::AUTOMATIC)
            else {
                gone.push(*net);
                continue;
            };
            let record = self.attached.maps.source(address::to_words(net.addr()))?;
            changes.extend(lift(*net, &rule, record.as_ref(), &self.policy, now));
        }
        self.bans.retain(|net| !gone.contains(net));
        self.apply_all(&changes)
    }

    /// Looks at every source.
    fn scan(&mut self) -> Result<()> {
        let now = self.attached.clock.now();
        let mut changes = Vec::new();
        for entry in self.attached.maps.sources() {
            let (address, record) = entry?;
            let net = address::source_net(address::to_words(address), &SOURCE_MASK);
            // The rule is looked up only for the few that would be promoted.
            if promotion(net, &record, None, &self.policy, now).is_some() {
                let covering = self.attached.maps.covering(&net, now)?;
                changes.extend(promotion(
                    net,
                    &record,
                    covering.as_ref(),
                    &self.policy,
                    now,
                ));
            }
        }
        self.apply_all(&changes)
    }

    /// Looks at every rule: learns of bans made before, ends what is over.
    fn sweep(&mut self) -> Result<()> {
        let now = self.attached.clock.now();
        let mut over = Vec::new();
        let mut bans = HashSet::new();
        for entry in self.attached.maps.rules() {
            let (net, rule) = entry?;
            match lift(net, &rule, None, &self.policy, now) {
                Some(change) => over.push(change),
                None if rule.origin == origin::AUTOMATIC => {
                    bans.insert(net);
                }
                None => {}
            }
        }
        self.bans = bans;
        self.apply_all(&over)
    }

    fn apply_all(&mut self, changes: &[Change]) -> Result<()> {
        changes.iter().try_for_each(|change| self.apply(change, ""))
    }

    fn apply(&mut self, change: &Change, remark: &str) -> Result<()> {
        let _lock = self.attached.pins.lock_rules()?;
        match change {
            Change::Promote(net, rule, _) => {
                // Somebody may have allowed or blocked it meanwhile.
                if self.attached.maps.covering(net, rule.since)?.is_some() {
                    return Ok(());
                }
                self.attached.maps.insert_rule(net, *rule)?;
                self.bans.insert(*net);
            }
            Change::Lift(net, rule, _) => {
                // Somebody may have put another rule there meanwhile.
                if self
                    .attached
                    .maps
                    .rule(net)?
                    .is_some_and(|held| held.since == rule.since)
                {
                    self.attached.maps.remove_rule(net)?;
                }
                self.bans.remove(net);
            }
        }
        let said = journal::change(change, &self.attached.clock, self.dry_run);
        info!("{}: {said}{remark}", self.interface());
        Ok(())
    }
}
