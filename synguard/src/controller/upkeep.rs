//! What has to be done from time to time.

use std::time::{Duration, Instant};

use synguard_common::abi::Event;
use tracing::info;

use super::detection::{Detection, SCAN_EVERY};
use super::guard::{Guard, TIDY_EVERY};
use super::pinned::Pinned;
use super::protection;
use crate::metrics::RuleCounts;
use crate::{Result, lists, text};

/// A scan of all records is to take at most one part in so many of the time.
const SCAN_SHARE: u32 = 50;

impl Guard {
    pub(super) fn hear(&mut self, events: &[Event]) -> Result<()> {
        let sources = events.iter().map(|event| event.source);
        let (detection, mut ledger) = self.parts();
        detection.hear(&mut ledger, sources)
    }

    pub(super) fn convict(&mut self) -> Result<()> {
        let (detection, mut ledger) = self.parts();
        detection.convict(&mut ledger)
    }

    pub(super) fn scan(&mut self) -> Result<()> {
        let begun = Instant::now();
        let (detection, mut ledger) = self.parts();
        detection.scan(&mut ledger)?;
        let took = begun.elapsed();
        self.voice.watched.update(|told| told.scan = took);
        self.next_scan = Instant::now() + SCAN_EVERY.max(took * SCAN_SHARE);
        Ok(())
    }

    pub(super) fn lift_bans(&mut self, age: Duration) -> Result<()> {
        let age = self.attached.clock.ticks(age);
        let (detection, mut ledger) = self.parts();
        detection.lift_bans(&mut ledger, age)
    }

    /// Looks at every rule: learns of bans made before, ends what is over, renews
    /// what protects, settles what a command that died left half-done.
    pub(super) fn sweep(&mut self) -> Result<()> {
        let lock = self.attached.pins.lock_rules_soon()?;
        let now = self.attached.clock.now();
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
        drop(lock);
        let (detection, mut ledger) = self.parts();
        let maps = &ledger.attached.maps;
        let (mask, mut rules) = (detection.mask, RuleCounts::default());
        let over = detection.learn(now, |each| {
            maps.each_rule(|net, rule| {
                rules.add(&net, &rule, &mask);
                each(net, rule);
            })
        })?;
        ledger.voice.watched.update(|told| told.rules = rules);
        detection.forget(&mut ledger)?;
        over.iter()
            .try_for_each(|change| detection.apply(&mut ledger, change, None))
    }

    /// The detection, and the ledger that it works on.
    fn parts(&mut self) -> (&mut Detection, Pinned<'_>) {
        let ledger = Pinned {
            policy: *self.detection.policy(),
            dry_run: self.is_dry(),
            attached: &mut self.attached,
            voice: &mut self.voice,
        };
        (&mut self.detection, ledger)
    }
}
