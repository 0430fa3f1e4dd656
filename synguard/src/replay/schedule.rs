//! The controller's looks, at the times of the capture at which it would take them.

use std::time::SystemTime;

use synguard_common::abi::SpoofedFlood;

use super::run::Replay;
use crate::Result;
use crate::clock::Clock;
use crate::controller::detection::{PROOF, SCAN_EVERY, SWEEP_EVERY, TICK, YOUNG, YOUNG_TICK};
use crate::controller::flood::{News, Sample};

/// In a gap of the capture the controller is let look so often; then there is nothing
/// left to find but bans whose time is over, which it finds after the gap.
const LOOKS_IN_A_GAP: u64 = 64;

/// When the controller looks next, in ticks.
pub(super) struct Schedule {
    tick: u64,
    young: u64,
    scan: u64,
    ticks: u32,
}

/// A flood of spoofed sources, from its beginning to its end.
#[derive(Clone, Copy, Debug)]
pub struct SpoofedSpan {
    /// When it was noticed.
    pub since: SystemTime,
    /// When it was over, if it was before the capture's end.
    pub until: Option<SystemTime>,
    /// The worst second.
    pub worst: SpoofedFlood,
}

impl Schedule {
    pub(super) fn new(start: u64, clock: &Clock) -> Self {
        Self {
            tick: start,
            young: start,
            scan: start.saturating_add(clock.ticks(SCAN_EVERY)),
            ticks: 0,
        }
    }

    pub(super) fn is_due(&self, now: u64) -> bool {
        self.next() <= now
    }

    fn next(&self) -> u64 {
        self.tick.min(self.young)
    }
}

impl Replay {
    /// Takes all looks that are due.
    pub(super) fn catch_up(&mut self, now: u64) -> Result<()> {
        let clock = super::clock::CaptureClock::ticks();
        let (tick, young) = (clock.ticks(TICK), clock.ticks(YOUNG_TICK));
        let gap_from = self.schedule.tick.saturating_add(LOOKS_IN_A_GAP * tick);
        while self.schedule.is_due(now) {
            if self.schedule.tick > gap_from {
                self.schedule.tick = now;
                self.schedule.young = now;
            }
            let due = self.schedule.next();
            self.book.now = due;
            if self.schedule.young == due {
                self.schedule.young = due.saturating_add(young);
                self.look_at_young_bans(&clock, due)?;
            }
            if self.schedule.tick == due {
                self.schedule.tick = due.saturating_add(tick);
                self.look(&clock, due)?;
            }
        }
        self.kernel_settings.all_rules = self.book.all_rules;
        Ok(())
    }

    fn look_at_young_bans(&mut self, clock: &Clock, due: u64) -> Result<()> {
        let young = clock.ticks(YOUNG);
        if self.detection.has_bans_since(due, young) {
            self.detection.lift_bans(&mut self.book, young)?;
        }
        Ok(())
    }

    fn look(&mut self, clock: &Clock, due: u64) -> Result<()> {
        self.look_for_spoofed_flood(due);
        self.detection.convict(&mut self.book)?;
        self.detection
            .lift_bans(&mut self.book, clock.ticks(PROOF))?;
        if due >= self.schedule.scan {
            self.schedule.scan = due.saturating_add(clock.ticks(SCAN_EVERY));
            self.detection.scan(&mut self.book)?;
        }
        self.schedule.ticks = self.schedule.ticks.wrapping_add(1);
        if self.schedule.ticks.is_multiple_of(SWEEP_EVERY) {
            self.detection.forget(&mut self.book)?;
        }
        Ok(())
    }

    fn look_for_spoofed_flood(&mut self, due: u64) {
        let pressure = self.book.tables.new_sources();
        let news = self.watch.look(Sample::of(&self.counters, &pressure, due));
        let date = |tick| self.book.clock.date(tick);
        match news {
            Some(News::Begun(flood)) => self.floods.push(SpoofedSpan {
                since: date(flood.since),
                until: None,
                worst: flood,
            }),
            Some(News::Over(worst)) => {
                if let Some(span) = self.floods.last_mut() {
                    span.worst = worst;
                    span.until = Some(self.book.clock.date(due));
                }
            }
            None => {
                let now = self.watch.flood();
                if let Some(span) = self.floods.last_mut().filter(|span| span.until.is_none())
                    && now.syns_per_second > span.worst.syns_per_second
                {
                    span.worst = now;
                }
            }
        }
    }
}
