//! A moment on both clocks: the kernel's ticks, by which rules end, and the wall clock,
//! which goes on while the host is off.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use synguard_common::abi::NEVER;

use crate::clock::Clock;

/// Beyond it a date has no four digits for its year (RFC 3339).
const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// It is this tick at this date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How long ticks are.
    pub clock: Clock,
    /// In ticks.
    pub tick: u64,
    /// On the wall clock, right or not.
    pub date: SystemTime,
}

impl Moment {
    /// Now.
    pub fn now(clock: &Clock) -> Self {
        Self {
            clock: *clock,
            tick: clock.now(),
            date: SystemTime::now(),
        }
    }

    /// The date of a tick, as far as it can be written; none for one that never comes.
    pub(super) fn date_of(&self, tick: u64) -> Option<SystemTime> {
        if tick == NEVER {
            return None;
        }
        let here = self.date.duration_since(UNIX_EPOCH).unwrap_or_default();
        let there = if tick <= self.tick {
            here.saturating_sub(self.clock.duration(self.tick - tick))
        } else {
            here.saturating_add(self.clock.duration(tick - self.tick))
        };
        Some(UNIX_EPOCH + there.min(LATEST))
    }
}
