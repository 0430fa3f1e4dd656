//! One interface's controller: the loop around the plan.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use synguard_common::abi::SpoofedFlood;
use tokio::sync::watch;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::challenge::Challenger;
use super::detection::{Detection, PROOF, SCAN_EVERY, SWEEP_EVERY, TICK, YOUNG, YOUNG_TICK};
use super::evidence::Evidence;
use super::flood::{Sample, Watch};
use super::journal;
use super::presence::Presence;
use super::saving::Saving;
use super::told::Told;
use crate::config::{Outcome, Resolved, Source, Value};
use crate::dataplane::{Attached, Events};
use crate::error::Context as _;
use crate::events::{Cause, Event, Voice};
use crate::evidence::Keeper;
use crate::interface::{Interface, Links, Network, has_vlans};
use crate::protected::{self, Protected};
use crate::saved::{self, Kind};
use crate::settings::Settings;
use crate::{Result, challenge};

/// Gates that removed rules left open are closed, in [`TICK`]s.
pub(super) const TIDY_EVERY: u32 = 600;
/// Why the controller ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to.
    Stopped,
    /// It was told that nobody wants the interface filtered any more.
    Dismissed,
    /// It was told that the interface is gone for good.
    Forgotten,
    /// Somebody detached the interface.
    Detached,
    /// Nobody confirmed it in time: the filter is off.
    Unconfirmed,
    /// Somebody took the filter off past this program.
    Lost,
}

/// What a controller hears from the one that started it.
#[derive(Clone)]
pub struct News {
    /// Changes when the settings are to be read anew.
    pub reload: watch::Receiver<u64>,
    /// The interfaces as they come and go.
    pub links: watch::Receiver<Arc<Links>>,
    /// The addresses that this host depends on.
    pub depended_on: watch::Receiver<Protected>,
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
    pub(super) presence: Presence,
    pub(super) saving: Saving,
    pub(super) voice: Voice,
    pub(super) next_scan: Instant,
    pub(super) ticks: u32,
    /// The rules could not be swept when they were to.
    to_sweep: bool,
    /// Events that the kernel had no room for, as far as that was said.
    lost: u64,
    /// Nothing is pinned any more, and cannot be.
    pub(super) is_adrift: bool,
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
        interface: &Interface,
        keeper: Keeper,
    ) -> Result<Self> {
        let veth = interface.veth;
        let program = attached.program().ok_or("its link is not pinned");
        let program = program.context("looking for the filter")?;
        let events = Events::open(&attached.pins)?;
        let evidence = Evidence::open(&attached.pins, keeper)?;
        let saving = Saving::start(&resolved.state_dir, &attached)?;
        let clock = attached.clock;
        let voice = Voice::of(attached.pins.interface(), clock.hz);
        let settings = resolved.settings;
        let told = Told::of(&attached.maps.settings()?);
        let lost = attached.maps.pressure()?.lost;
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
            presence: Presence::new(interface.index, program),
            saving,
            voice,
            next_scan: Instant::now() + SCAN_EVERY,
            ticks: 0,
            to_sweep: false,
            lost,
            is_adrift: false,
        };
        guard.sweep_at_last();
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

    /// Whether the filter outlives this process; pins again what is not pinned any more.
    pub fn is_pinned(&mut self) -> bool {
        self.attached.pins.exist() || self.attached.pin_again().is_ok()
    }

    /// Ends: what is still to be written is written, by another thread, as a disk may hang
    /// for long; then the interface is free for others. Forgets what was saved, if nobody is
    /// to go on with it.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a file cannot be removed.
    pub async fn end(self, forget: bool) -> Result<()> {
        let Self {
            attached,
            saving,
            evidence,
            ..
        } = self;
        let (state, saver) = saving.into_parts();
        let keeper = evidence.into_keeper();
        let written = spawn_blocking(move || drop((saver, keeper)));
        written.await.context("writing what is to be kept")?;
        if forget {
            saved::forget(
                &state,
                attached.pins.interface(),
                &[Kind::Bans, Kind::Rules],
            )?;
        }
        Ok(())
    }

    /// Puts the interface back to how it was before.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] naming what could not be put back.
    pub fn undo(&mut self) -> Result<()> {
        self.attached.undoing().run()?;
        self.tell(&if self.attached.facts.taken_over {
            Event::LeftInPlace {}
        } else {
            Event::Detached {
                cause: Cause::Stopped,
            }
        });
        Ok(())
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

    /// The filter is off on purpose: nobody is to miss it in the metrics.
    pub fn unwatch(&self) {
        self.voice.watched.forget();
    }

    /// The filter is off, and metrics are to say so for as long as it is wanted.
    pub fn miss(&self) {
        self.voice.watched.lose();
    }

    /// Works until `stop` ends, with what that gives, or the filter is gone; an interface
    /// that is gone is waited for. What fails is logged and tried again: a map that is full
    /// for a moment shall not end promotion.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where no more events can be had; the filter stays.
    pub async fn run(
        &mut self,
        stop: impl Future<Output = Ending>,
        mut news: News,
    ) -> Result<Ending> {
        tokio::pin!(stop);
        let mut ticker = interval(TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut young = interval(YOUNG_TICK);
        young.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let outcome = tokio::select! {
                ending = &mut stop => {
                    let kept = self.keep_evidence().and_then(|()| self.save_changes());
                    if let Err(failure) = kept {
                        error!("{}: {failure}", self.interface());
                    }
                    return Ok(ending);
                }
                Ok(()) = news.links.changed() => {
                    let links = Arc::clone(&news.links.borrow_and_update());
                    if let Some(ending) = self.heed(&links).await {
                        return Ok(ending);
                    }
                    Ok(())
                }
                Ok(()) = news.depended_on.changed() => {
                    let addresses = news.depended_on.borrow_and_update().clone();
                    self.depend_on(&addresses)
                }
                events = self.events.next() => self.hear(&events?),
                samples = self.evidence.next() => {
                    self.hold(&samples?);
                    Ok(())
                }
                plan = self.challenger.done() => plan.and_then(|plan| self.follow(plan)),
                Ok(()) = news.reload.changed() => {
                    self.reload().await;
                    Ok(())
                }
                _ = young.tick(), if self.has_young_bans() => self.lift_bans(YOUNG),
                _ = ticker.tick() => {
                    if let Some(ending) = self.ending() {
                        return Ok(ending);
                    }
                    self.tick().await
                }
            };
            if let Err(failure) = outcome {
                self.voice.watched.update(|told| told.errors += 1);
                error!("{}: {failure}", self.interface());
                // It may have waited for long, and others are to be heard, too.
                yield_now().await;
            }
        }
    }

    /// Whether people had it taken off.
    fn ending(&mut self) -> Option<Ending> {
        if self.attached.is_unmounted() {
            self.pin_again();
        } else if !self.attached.pins.exist() {
            return Some(Ending::Detached);
        }
        self.is_unconfirmed().then_some(Ending::Unconfirmed)
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
        if !self.presence.is_away() {
            self.challenge()?;
        }
        self.convict()?;
        self.keep_evidence()?;
        self.lift_bans(PROOF)?;
        if Instant::now() >= self.next_scan {
            self.scan()?;
        }
        if self.to_sweep || self.ticks.is_multiple_of(SWEEP_EVERY) {
            self.sweep_at_last();
        }
        self.save()
    }

    /// Sweeps; where a command changes rules for long, with the next tick.
    fn sweep_at_last(&mut self) {
        let swept = self.sweep();
        self.to_sweep = swept.is_err();
        if let Err(failure) = swept {
            error!("{}: {failure}", self.interface());
        }
    }

    /// Is there a flood that nobody in particular can be banned for?
    fn look(&mut self) -> Result<()> {
        let maps = &mut self.attached.maps;
        let (counters, pressure) = (maps.counters()?, maps.pressure()?);
        let more = pressure.lost.saturating_sub(self.lost);
        if more > 0 {
            self.lost = pressure.lost;
            warn!(
                "{}: {}",
                self.attached.pins.interface(),
                journal::lost(more)
            );
        }
        if maps.attachment()?.handshakes == 0 {
            // A crowd could not be told from a flood.
            return Ok(());
        }
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
