//! One interface's controller: the loop around the plan.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use ipnet::IpNet;
use synguard_common::abi::{Event, Rule, origin};
use synguard_common::source::Address;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::plan::{Change, Policy, lift, promotion};
use super::{journal, protection};
use crate::dataplane::{Attached, Events, in_place};
use crate::interface::Network;
use crate::protected::{self, Protected};
use crate::settings::{SOURCE_MASK, Settings};
use crate::{Error, Result, address};

/// How often bans are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Events bring offenders at once; a scan finds those whose event was lost in
/// a full buffer. In ticks of [`TICK`].
const SCAN_EVERY: u32 = 5;
/// Rules with an end that somebody else made are looked for, in [`TICK`]s.
const SWEEP_EVERY: u32 = 60;
/// So long after its ban may a source prove to be a client: longer than the
/// answers to its last SYNs can be under way.
const PROOF: Duration = Duration::from_secs(30);

/// Why the controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to.
    Stopped,
    /// Somebody detached the interface.
    Detached,
    /// The interface is gone, or another program took the filter's place.
    Lost,
}

/// When a ban was made and when it ends, in ticks.
#[derive(Clone, Copy)]
struct Ban {
    since: u64,
    expires: u64,
}

impl Ban {
    const fn of(rule: &Rule) -> Self {
        Self {
            since: rule.since,
            expires: rule.expires,
        }
    }
}

/// The controller of one interface.
pub struct Guard {
    attached: Attached,
    events: Events,
    policy: Policy,
    dry_run: bool,
    network: Network,
    depended_on: Protected,
    /// The automatic bans in force, so that they need not be searched for.
    bans: HashMap<IpNet, Ban>,
    ticks: u32,
}

impl Guard {
    /// Takes charge of an attached interface, and says so in the log.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a map cannot be used.
    pub fn new(
        attached: Attached,
        settings: &Settings,
        depended_on: &Protected,
        network: &Network,
    ) -> Result<Self> {
        let events = Events::open(&attached.pins)?;
        let clock = attached.clock;
        let policy = Policy {
            limit: settings.limit(),
            window: clock.ticks(settings.window),
            ban: clock.ticks(settings.ban_time),
            hz: clock.hz,
        };
        let mut guard = Self {
            attached,
            events,
            policy,
            dry_run: settings.dry_run,
            network: network.clone(),
            depended_on: depended_on.clone(),
            bans: HashMap::new(),
            ticks: 0,
        };
        guard.sweep()?;
        guard.introduce(settings);
        Ok(guard)
    }

    /// The interface's name.
    pub fn interface(&self) -> &str {
        self.attached.pins.interface()
    }

    /// Puts the interface back to how it was before.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] naming what could not be put back.
    pub fn undo(&self) -> Result<()> {
        self.attached.undoing().run()
    }

    fn introduce(&self, settings: &Settings) {
        let name = self.interface();
        for shortfall in &self.attached.facts.shortfalls {
            warn!("{name}: {shortfall}");
        }
        for (address, why) in &self.depended_on {
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

    /// Works until `stop` ends or the filter is gone. What fails is logged and
    /// tried again: a map that is full for a moment shall not end promotion.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where no more events can be had; the filter stays.
    pub async fn run(&mut self, stop: impl Future<Output = ()>) -> Result<Ending> {
        tokio::pin!(stop);
        let mut ticker = interval(TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                () = &mut stop => return Ok(Ending::Stopped),
                events = self.events.next() => self.hear(&events?),
                _ = ticker.tick() => {
                    if let Some(ending) = self.ending().await {
                        return Ok(ending);
                    }
                    self.tick()
                }
            };
            if let Err(failure) = outcome {
                error!("{}: {failure}", self.interface());
            }
        }
    }

    /// Whether the filter is no longer there.
    async fn ending(&self) -> Option<Ending> {
        if !self.attached.pins.exist() {
            return Some(Ending::Detached);
        }
        match self.network.interface(self.interface()).await {
            Ok(interface) if in_place(&self.attached.pins, &interface) => None,
            // Detached since the look above.
            _ if !self.attached.pins.exist() => Some(Ending::Detached),
            Ok(_) | Err(Error::Absent(_)) => Some(Ending::Lost),
            Err(_) => None,
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
            let net = address::record_net(address::from_words(source), &SOURCE_MASK);
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

    /// Ends bans whose time is over, and those of sources that prove to be
    /// clients, which they do soon or not at all.
    fn lift_bans(&mut self) -> Result<()> {
        let now = self.attached.clock.now();
        let proof = self.attached.clock.ticks(PROOF);
        let due = |ban: &Ban| ban.expires <= now || now.saturating_sub(ban.since) <= proof;
        let due: Vec<_> = self
            .bans
            .iter()
            .filter(|(_, ban)| due(ban))
            .map(|(net, _)| *net)
            .collect();
        for net in due {
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

    /// Looks at every source.
    fn scan(&mut self) -> Result<()> {
        let now = self.attached.clock.now();
        let mut changes = Vec::new();
        for entry in self.attached.maps.sources() {
            let (address, record) = entry?;
            let net = address::record_net(address, &SOURCE_MASK);
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

    /// Looks at every rule: learns of bans made before, ends what is over,
    /// renews what protects.
    fn sweep(&mut self) -> Result<()> {
        let now = self.attached.clock.now();
        {
            let _lock = self.attached.pins.lock_rules()?;
            protection::renew(&mut self.attached.maps, &self.depended_on, now)?;
        }
        let mut over = Vec::new();
        self.bans.clear();
        for entry in self.attached.maps.rules() {
            let (net, rule) = entry?;
            match lift(net, &rule, None, &self.policy, now) {
                Some(change) => over.push(change),
                None if rule.origin == origin::AUTOMATIC => {
                    self.bans.insert(net, Ban::of(&rule));
                }
                None => {}
            }
        }
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
                self.bans.insert(*net, Ban::of(rule));
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
