//! One interface's controller: the loop around the plan.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Instant;

use synguard_common::abi::SpoofedFlood;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::challenge::Challenger;
use super::detection::{Detection, PROOF, SCAN_EVERY, SWEEP_EVERY, TICK, YOUNG, YOUNG_TICK};
use super::evidence::Evidence;
use super::flood::{Sample, Watch};
use super::journal;
use super::told::Told;
use crate::config::{Outcome, Resolved, Source, Value};
use crate::dataplane::{Attached, Events, in_place};
use crate::events::{Event, Voice};
use crate::evidence::Keeper;
use crate::interface::{Network, has_vlans};
use crate::protected::{self, Protected};
use crate::settings::Settings;
use crate::{Error, Result, challenge};

/// Gates that removed rules left open are closed, in [`TICK`]s.
pub(super) const TIDY_EVERY: u32 = 600;
/// Why the controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to.
    Stopped,
    /// Somebody detached the interface.
    Detached,
    /// Nobody confirmed it in time: the filter is off.
    Unconfirmed,
    /// The interface is gone, or another program took the filter's place.
    Lost,
}

/// The controller of one interface.
pub struct Guard {
    pub(super) attached: Attached,
    events: Events,
    pub(super) detection: Detection,
    pub(super) settings: Settings,
    /// Where they come from.
    pub(super) source: Source,
    pub(super) values: BTreeMap<String, Value>,
    /// What people last told the packet path.
    pub(super) told: Told,
    pub(super) veth: bool,
    pub(super) network: Network,
    pub(super) depended_on: Protected,
    pub(super) watch: Watch,
    pub(super) challenger: Challenger,
    pub(super) evidence: Evidence,
    pub(super) voice: Voice,
    pub(super) next_scan: Instant,
    pub(super) ticks: u32,
}

impl Guard {
    /// Takes charge of an attached interface, and says so in the log.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a map cannot be used.
    pub fn new(
        attached: Attached,
        resolved: &Resolved,
        source: &Source,
        depended_on: &Protected,
        network: &Network,
        veth: bool,
        keeper: Keeper,
    ) -> Result<Self> {
        let events = Events::open(&attached.pins)?;
        let evidence = Evidence::open(&attached.pins, keeper)?;
        let clock = attached.clock;
        let voice = Voice::of(attached.pins.interface(), clock.hz);
        let settings = resolved.settings;
        let told = Told::of(&attached.maps.settings()?);
        let challenger = Challenger::new(
            &settings,
            settings.dry_run || told.panic,
            &attached.facts,
            veth,
            has_vlans(attached.pins.interface()),
        );
        let mut guard = Self {
            attached,
            events,
            detection: Detection::new(&settings, &clock),
            settings,
            source: source.clone(),
            values: resolved.values.clone(),
            told,
            veth,
            network: network.clone(),
            depended_on: depended_on.clone(),
            watch: Watch::new(settings.spoofed_rate, clock.hz),
            challenger,
            evidence,
            voice,
            next_scan: Instant::now() + SCAN_EVERY,
            ticks: 0,
        };
        guard.sweep()?;
        guard.tell_settings(None, Outcome::default());
        guard.introduce();
        Ok(guard)
    }

    /// Whether nothing is dropped.
    pub(super) const fn is_dry(&self) -> bool {
        self.settings.dry_run || self.told.panic
    }

    /// Whether the filter is to stay when the controller is told to end.
    pub const fn keeps(&self) -> bool {
        self.settings.keep
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

    fn introduce(&mut self) {
        let name = self.interface();
        for shortfall in &self.attached.facts.shortfalls {
            warn!("{name}: {shortfall}");
        }
        for (address, why) in &self.depended_on {
            info!("{name}: protected {address} ({})", protected::reason(*why));
        }
        if self.detection.bans.len() > 0 {
            info!("{name}: {} bans go on", self.detection.bans.len());
        }
        let facts = &self.attached.facts;
        self.tell(&journal::attached(facts, &self.settings, self.is_dry()));
        self.remind();
        self.tell_metrics();
    }

    /// Tells of an event.
    pub fn tell(&mut self, event: &Event) {
        self.voice.tell(event, self.attached.clock.now());
    }

    /// The filter is off on purpose: nobody is to miss it.
    pub fn forget(&self) {
        self.voice.watched.forget();
    }

    /// Works until `stop` ends or the filter is gone, and reads its settings anew
    /// whenever `reload` changes. What fails is logged and tried again: a map that is
    /// full for a moment shall not end promotion.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where no more events can be had; the filter stays.
    pub async fn run(
        &mut self,
        stop: impl Future<Output = ()>,
        mut reload: watch::Receiver<u64>,
    ) -> Result<Ending> {
        tokio::pin!(stop);
        let mut ticker = interval(TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut young = interval(YOUNG_TICK);
        young.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                () = &mut stop => {
                    if let Err(failure) = self.keep_evidence() {
                        error!("{}: {failure}", self.interface());
                    }
                    return Ok(Ending::Stopped);
                }
                events = self.events.next() => self.hear(&events?),
                samples = self.evidence.next() => {
                    self.hold(&samples?);
                    Ok(())
                }
                plan = self.challenger.done() => plan.and_then(|plan| self.follow(plan)),
                Ok(()) = reload.changed() => {
                    self.reload().await;
                    Ok(())
                }
                _ = young.tick(), if self.has_young_bans() => self.lift_bans(YOUNG),
                _ = ticker.tick() => {
                    if let Some(ending) = self.ending().await {
                        return Ok(ending);
                    }
                    self.tick().await
                }
            };
            if let Err(failure) = outcome {
                self.voice.watched.update(|told| told.errors += 1);
                error!("{}: {failure}", self.interface());
            }
        }
    }

    /// Whether the filter is no longer there.
    async fn ending(&self) -> Option<Ending> {
        if !self.attached.pins.exist() {
            return Some(Ending::Detached);
        }
        if self.is_unconfirmed() {
            return Some(Ending::Unconfirmed);
        }
        match self.network.interface(self.interface()).await {
            Ok(interface) if in_place(&self.attached.pins, &interface) => None,
            // Detached since the look above.
            _ if !self.attached.pins.exist() => Some(Ending::Detached),
            Ok(_) | Err(Error::Absent(_)) => Some(Ending::Lost),
            Err(_) => None,
        }
    }

    /// Puts back what was set for challenges, unless they go on without a controller.
    pub async fn put_back(&mut self, keep: bool) -> Result<()> {
        // It might set something yet.
        self.challenger.wait().await;
        if keep && self.challenger.is_engaged() {
            return Ok(());
        }
        challenge::give_sysctls_back(self.interface())
    }

    /// Takes the filter off the interface.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] naming the pin that could not be removed.
    pub fn detach(&self) -> Result<()> {
        self.attached.pins.remove()
    }

    async fn tick(&mut self) -> Result<()> {
        self.ticks = self.ticks.wrapping_add(1);
        self.voice.tell_omitted();
        self.tell_metrics();
        self.listen().await?;
        self.look()?;
        self.challenge()?;
        self.convict()?;
        self.keep_evidence()?;
        self.lift_bans(PROOF)?;
        if Instant::now() >= self.next_scan {
            self.scan()?;
        }
        if self.ticks.is_multiple_of(SWEEP_EVERY) {
            self.sweep()?;
        }
        Ok(())
    }

    /// Is there a flood that nobody in particular can be banned for?
    fn look(&mut self) -> Result<()> {
        let maps = &mut self.attached.maps;
        if maps.attachment()?.handshakes == 0 {
            // A crowd could not be told from a flood.
            return Ok(());
        }
        let (counters, pressure) = (maps.counters()?, maps.pressure()?);
        let sample = Sample::of(&counters, &pressure, self.attached.clock.now());
        let news = self.watch.look(sample);
        maps.set_flood(self.watch.flood())?;
        if let Some(news) = news {
            self.tell(&journal::flood(&news, &self.attached.clock));
        }
        Ok(())
    }

    /// The present judgement on spoofed floods.
    pub(super) fn flood(&self) -> SpoofedFlood {
        self.watch.flood()
    }

    fn has_young_bans(&self) -> bool {
        let clock = &self.attached.clock;
        self.detection
            .has_bans_since(clock.now(), clock.ticks(YOUNG))
    }
}
