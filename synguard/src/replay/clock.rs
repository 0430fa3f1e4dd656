//! The capture's time as the ticks of the packet path.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Clock;

/// Ticks per second: as fine as any kernel counts.
const HZ: u32 = 1000;
/// The tick of the first packet: late enough that nothing seems to have happened just
/// before it.
const START: u64 = HZ as u64 * 86_400;
const NANOS: u64 = 1_000_000_000;
/// Packets of several queues come out of order by less than this. Stamps that lie
/// further back were taken after the clock was set.
const REORDERED: u64 = NANOS;

/// Turns stamps into ticks that never go back.
#[derive(Clone, Copy, Debug)]
pub struct CaptureClock {
    /// The stamp that `elapsed` belongs to.
    stamp: u64,
    /// Nanoseconds since the first packet.
    elapsed: u64,
    first: Option<u64>,
    /// Packets whose stamp lay before that of one before them, and which were taken to
    /// come at the same time as it.
    pub reordered: u64,
    /// How often time went back by a second or more: the clock had been set.
    pub set_back: u64,
}

impl CaptureClock {
    /// One that has seen no packet.
    pub const fn new() -> Self {
        Self {
            stamp: 0,
            elapsed: 0,
            first: None,
            reordered: 0,
            set_back: 0,
        }
    }

    /// The length of its ticks.
    pub const fn ticks() -> Clock {
        Clock { hz: HZ, offset: 0 }
    }

    /// The tick of a packet with this stamp, in nanoseconds since 1970.
    pub fn advance(&mut self, stamp: u64) -> u64 {
        if self.first.is_none() {
            self.first = Some(stamp);
            self.stamp = stamp;
        }
        match stamp.checked_sub(self.stamp) {
            Some(more) => {
                self.elapsed = self.elapsed.saturating_add(more);
                self.stamp = stamp;
            }
            None if self.stamp - stamp < REORDERED => self.reordered += 1,
            None => {
                self.set_back += 1;
                self.stamp = stamp;
            }
        }
        self.now()
    }

    /// The tick of the last packet.
    pub const fn now(&self) -> u64 {
        START.saturating_add(self.elapsed / (NANOS / HZ as u64))
    }

    /// The tick of the first packet.
    pub const fn start() -> u64 {
        START
    }

    /// The date of a tick, by the capture's clock as the last packet shows it; where that
    /// was set back to less than what has passed since, 1970.
    pub fn date(&self, tick: u64) -> SystemTime {
        let last = self.last();
        let elapsed = Duration::from_nanos(self.elapsed);
        let since = Self::ticks().duration(tick.saturating_sub(START));
        if since > elapsed {
            // Ban ends may lie beyond what dates can say.
            last.checked_add(since - elapsed).unwrap_or(last)
        } else {
            let before = last.checked_sub(elapsed - since);
            before.unwrap_or(UNIX_EPOCH).max(UNIX_EPOCH)
        }
    }

    /// From the first packet to the last.
    pub const fn duration(&self) -> Duration {
        Duration::from_nanos(self.elapsed)
    }

    /// The stamp of the last packet.
    pub fn last(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.stamp)
    }

    /// The stamp of the first packet; nothing before there was one.
    pub fn first(&self) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_nanos(self.first?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = NANOS;
    const T: u64 = 1_600_000_000 * NANOS;

    #[test]
    fn ticks_follow_the_stamps_and_never_go_back() {
        let mut clock = CaptureClock::new();
        let ticks: Vec<_> = [T, T + SECOND, T + SECOND / 2, T + 2 * SECOND]
            .into_iter()
            .map(|stamp| clock.advance(stamp) - START)
            .collect();
        assert_eq!(ticks, [0, 1000, 1000, 2000]);
        assert_eq!((clock.reordered, clock.set_back), (1, 0));
    }

    #[test]
    fn a_clock_that_was_set_back_goes_on_from_there() {
        let mut clock = CaptureClock::new();
        clock.advance(T);
        clock.advance(T + 10 * SECOND);
        assert_eq!(clock.advance(T - 3600 * SECOND) - START, 10_000);
        assert_eq!(clock.advance(T - 3599 * SECOND) - START, 11_000);
        assert_eq!((clock.reordered, clock.set_back), (0, 1));
    }

    #[test]
    fn ticks_have_dates() {
        let mut clock = CaptureClock::new();
        clock.advance(T);
        clock.advance(T + 5 * SECOND);
        let date = |seconds: u64| clock.date(START + 1000 * seconds);
        assert_eq!(date(0), UNIX_EPOCH + Duration::from_nanos(T));
        assert_eq!(
            date(605),
            UNIX_EPOCH + Duration::from_nanos(T + 605 * SECOND)
        );
        assert_eq!(clock.date(u64::MAX), clock.date(u64::MAX));
    }
}
