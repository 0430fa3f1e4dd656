//! Engaging and disengaging challenges.
//!
//! Where SYNs can be answered is found out on a thread of its own, as that reads
//! sockets and firewall rules of many network namespaces; the loop goes on meanwhile.

use std::future::pending;
use std::time::{Duration, Instant};

use synguard_common::abi::{Engagement, Settings as KernelSettings, SpoofedFlood};
use synguard_common::verdict::Reason;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tracing::{info, warn};

use super::guard::Guard;
use super::journal;
use crate::challenge::{Errand, Obstacle, Plan, Wanted};
use crate::dataplane::Facts;
use crate::error::Context as _;
use crate::events::Event;
use crate::interface::has_vlans;
use crate::settings::{ANSWERS, Challenge, Settings};
use crate::{Result, challenge};

/// How often listeners are looked for while their clients are challenged: one that
/// begins to listen meanwhile is left to the kernel so long.
const ENGAGED_EVERY: Duration = Duration::from_secs(2);
/// And while they are not, so that `status` and `doctor` can tell.
const IDLE_EVERY: Duration = Duration::from_secs(30);
/// But at most one part in so many of the time is spent on it: a host may have
/// thousands of containers.
const SHARE: u32 = 50;
/// And never longer than this lies between two looks: rules may change meanwhile.
const AT_MOST: Duration = Duration::from_secs(60);
/// The filter answers so long after the controller last told it to: without one, what
/// is known of listeners and rules grows old.
const TRUST: Duration = Duration::from_secs(60);
/// How long the end of the controller waits for an errand.
const PATIENCE: Duration = Duration::from_secs(5);
/// Sysctls stay as they are so long after the last answer: who got it still has to
/// come back with the ACK, which is read by them.
const GRACE: Duration = Duration::from_secs(5);

/// Decides when an interface challenges, and where.
pub(super) struct Challenger {
    wanted: Wanted,
    /// What will not change while this controller runs.
    fixed: Option<Obstacle>,
    /// What keeps it from challenging, as last said.
    told: Option<Obstacle>,
    plan: Option<Plan>,
    errand: Option<JoinHandle<Result<Plan>>>,
    /// When the errand began.
    sent: Instant,
    /// When the next one may.
    next: Instant,
    engaged: Option<Engaged>,
    /// When sysctls may be put back.
    calm_at: Option<Instant>,
}

struct Engaged {
    since: u64,
    answered_before: u64,
}

impl Challenger {
    pub(super) fn new(
        settings: &Settings,
        is_dry: bool,
        facts: &Facts,
        veth: bool,
        has_vlans: bool,
    ) -> Self {
        let wanted = Wanted {
            challenge: settings.challenge(),
            ports: settings.challenge_ports,
            manage_sysctls: settings.manage_sysctls,
        };
        let fixed = match wanted.challenge {
            Challenge::Off => None,
            _ if is_dry => Some(Obstacle::DryRun),
            _ if !facts.answers => Some(Obstacle::Kernel),
            _ if veth && facts.native => Some(Obstacle::Veth),
            _ if has_vlans && facts.native => Some(Obstacle::Vlan),
            Challenge::Auto if !facts.handshakes => Some(Obstacle::Blind),
            _ => None,
        };
        Self {
            wanted,
            fixed,
            told: None,
            plan: None,
            errand: None,
            sent: Instant::now(),
            next: Instant::now(),
            engaged: None,
            // An earlier controller may have left some set, and answers under way.
            calm_at: Some(Instant::now() + GRACE),
        }
    }

    /// Waits for the errand that is under way, for ever if none is.
    pub(super) async fn done(&mut self) -> Result<Plan> {
        let Some(errand) = &mut self.errand else {
            return pending().await;
        };
        let plan = errand.await;
        self.errand = None;
        let pause = (self.sent.elapsed() * SHARE).min(AT_MOST);
        self.next = self.next.max(Instant::now() + pause);
        plan.context("looking for listeners").and_then(|plan| plan)
    }

    /// Waits until no errand is under way.
    pub(super) async fn wait(&mut self) {
        if let Some(errand) = self.errand.take() {
            let _ = timeout(PATIENCE, errand).await;
        }
    }

    /// Whether new clients are challenged now.
    pub(super) const fn is_engaged(&self) -> bool {
        self.engaged.is_some()
    }

    /// What was set for the idle time does not hold in a flood; but where nobody could be
    /// answered for, there is nothing to hurry for.
    fn hurry(&mut self) {
        let hopeless = self.plan.as_ref().is_some_and(|plan| !plan.answers_any());
        if !hopeless {
            self.next = self.next.min(self.sent + ENGAGED_EVERY);
        }
    }

    fn is_possible(&self) -> bool {
        self.wanted.challenge != Challenge::Off && self.fixed.is_none()
    }

    /// Whether clients are to be challenged now.
    fn is_due(&self, flood: &SpoofedFlood) -> bool {
        self.is_possible() && (self.wanted.challenge == Challenge::Always || flood.since != 0)
    }

    fn obstacle(&self) -> Option<Obstacle> {
        let hindered = || self.plan.as_ref().is_some_and(|plan| !plan.answers_any());
        self.fixed
            .or_else(|| hindered().then_some(Obstacle::Listeners))
    }
}

impl Guard {
    /// Begins anew, by other settings or as nothing is to be dropped any more.
    pub(super) async fn begin_challenges_anew(&mut self, why: &str) -> Result<()> {
        // What is under way would be followed by the old settings.
        self.challenger.wait().await;
        if self.challenger.is_engaged() {
            self.disengage(why)?;
        }
        let name = self.attached.pins.interface();
        let told = self.challenger.told;
        self.challenger = Challenger::new(
            &self.settings,
            self.is_dry(),
            &self.attached.facts,
            self.veth,
            has_vlans(name),
        );
        self.challenger.told = told;
        Ok(())
    }

    /// Looks whether to engage or disengage, and goes on errands.
    pub(super) fn challenge(&mut self) -> Result<()> {
        let due = self.challenger.is_due(&self.flood());
        if !due && self.challenger.engaged.is_some() {
            self.disengage("the flood is over")?;
        }
        self.give_sysctls_back(due)?;
        if self.challenger.is_engaged() {
            self.set_answers(ANSWERS)?;
        }
        if due && self.challenger.engaged.is_none() {
            self.challenger.hurry();
        }
        let on_time = self.challenger.is_possible() && Instant::now() >= self.challenger.next;
        if on_time && self.challenger.errand.is_none() {
            self.send(due);
        }
        self.tell_engagement()
    }

    fn send(&mut self, due: bool) {
        let challenger = &mut self.challenger;
        let every = if due { ENGAGED_EVERY } else { IDLE_EVERY };
        challenger.sent = Instant::now();
        challenger.next = challenger.sent + every;
        let errand = Errand {
            wanted: challenger.wanted,
            lease: due && challenger.wanted.manage_sysctls,
            interface: self.attached.pins.interface().to_owned(),
        };
        challenger.errand = Some(spawn_blocking(move || errand.run()));
    }

    /// Answers where the errand found that it can be done.
    pub(super) fn follow(&mut self, plan: Plan) -> Result<()> {
        self.attached.maps.set_listeners(&plan.listeners)?;
        let before = self.challenger.plan.as_ref();
        if before.is_none_or(|before| before.failures != plan.failures) {
            for failure in &plan.failures {
                warn!("{}: {failure}", self.interface());
            }
        }
        let due = plan.prepared && self.challenger.is_due(&self.flood());
        self.challenger.plan = Some(plan);
        match (self.challenger.obstacle(), &self.challenger.engaged) {
            (None, None) if due => self.engage()?,
            (Some(obstacle), Some(_)) => self.disengage(obstacle.reason())?,
            _ => {}
        }
        self.tell_engagement()
    }

    fn engage(&mut self) -> Result<()> {
        self.set_answers(ANSWERS)?;
        self.challenger.engaged = Some(Engaged {
            since: self.attached.clock.now().max(1),
            answered_before: self.attached.maps.counters()?.of(Reason::SynAnswered),
        });
        self.challenger.calm_at = None;
        let flood = self.flood();
        if let Some(plan) = &self.challenger.plan {
            let event = journal::engaged(plan, &flood);
            for lacking in journal::lacking(plan) {
                warn!("{}: {lacking}", self.interface());
            }
            self.tell(&event);
        }
        Ok(())
    }

    fn disengage(&mut self, why: &str) -> Result<()> {
        self.set_answers(0)?;
        let Some(engaged) = self.challenger.engaged.take() else {
            return Ok(());
        };
        self.challenger.calm_at = Some(Instant::now() + GRACE);
        let answered = self.attached.maps.counters()?.of(Reason::SynAnswered);
        let clock = &self.attached.clock;
        let event = Event::ChallengesDisengaged {
            reason: why.to_owned(),
            lasted: clock.since(engaged.since, clock.now()),
            answered: answered.saturating_sub(engaged.answered_before),
        };
        self.tell(&event);
        Ok(())
    }

    /// Lets so many SYNs be answered, for a while.
    fn set_answers(&mut self, answers: u32) -> Result<()> {
        let _lock = self.attached.pins.lock_rules_soon()?;
        let settings = self.attached.maps.settings()?;
        let clock = &self.attached.clock;
        self.attached.maps.set_settings(KernelSettings {
            answers,
            answers_until: clock.now() + clock.ticks(TRUST),
            ..settings
        })
    }

    fn give_sysctls_back(&mut self, due: bool) -> Result<()> {
        let calm = self
            .challenger
            .calm_at
            .is_some_and(|at| Instant::now() >= at);
        // An errand may be about to take some.
        if due || !calm || self.challenger.errand.is_some() {
            return Ok(());
        }
        // Tried again where something is in the way.
        self.challenger.calm_at = Some(Instant::now() + AT_MOST);
        challenge::give_sysctls_back(self.attached.pins.interface())?;
        self.challenger.calm_at = None;
        Ok(())
    }

    /// For `status`, and for the log where something new is in the way.
    fn tell_engagement(&mut self) -> Result<()> {
        let obstacle = self.challenger.obstacle();
        let engaged = self.challenger.engaged.as_ref();
        let engagement = Engagement {
            since: engaged.map_or(0, |engaged| engaged.since),
            mode: self.challenger.wanted.challenge.code(),
            obstacle: obstacle.map_or(0, Obstacle::code),
        };
        self.attached.maps.set_engagement(engagement)?;
        let told = std::mem::replace(&mut self.challenger.told, obstacle);
        if obstacle == told {
            return Ok(());
        }
        let plan = self.challenger.plan.as_ref();
        match obstacle {
            Some(obstacle) if self.challenger.wanted.challenge == Challenge::Always => {
                warn!(
                    "{}: {}",
                    self.interface(),
                    journal::obstacle(obstacle, plan)
                );
            }
            Some(obstacle) => {
                info!(
                    "{}: {}",
                    self.interface(),
                    journal::obstacle(obstacle, plan)
                );
            }
            None => info!(
                "{}: nothing is in the way of challenges any more",
                self.interface()
            ),
        }
        Ok(())
    }
}
