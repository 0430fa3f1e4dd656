//! Kernel ticks and the time that people read.
//!
//! The packet path keeps time in ticks (jiffies), which cost it nothing. A tick
//! has the length that the kernel gives as the resolution of
//! `CLOCK_MONOTONIC_COARSE` (`kernel/time/posix-timers.c`:
//! `posix_get_coarse_res`), and ticks run along with `CLOCK_MONOTONIC`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_getres, clock_gettime};

const NANOS: u128 = 1_000_000_000;

/// Turns times into ticks and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Ticks per second.
    pub hz: u32,
    /// The tick at the monotonic clock's zero.
    pub offset: i64,
}

impl Clock {
    /// Ticks per second of this kernel.
    pub fn kernel_hz() -> u32 {
        let resolution = clock_getres(ClockId::MonotonicCoarse);
        let nanos = u32::try_from(resolution.tv_nsec).unwrap_or(0).max(1);
        (1_000_000_000 + nanos / 2) / nanos
    }

    /// A clock for which it is `tick` now.
    pub fn calibrated(hz: u32, tick: u64) -> Self {
        let uncalibrated = Self { hz, offset: 0 };
        let offset = tick.wrapping_sub(uncalibrated.now()).cast_signed();
        Self { hz, offset }
    }

    /// The tick now.
    pub fn now(&self) -> u64 {
        let time = clock_gettime(ClockId::Monotonic);
        let nanos = u128::try_from(time.tv_sec).unwrap_or(0) * NANOS
            + u128::try_from(time.tv_nsec).unwrap_or(0);
        let ticks = u64::try_from(nanos * u128::from(self.hz) / NANOS).unwrap_or(u64::MAX);
        ticks.wrapping_add_signed(self.offset)
    }

    /// So many ticks; at least one for any time at all.
    pub fn ticks(&self, time: Duration) -> u64 {
        let ticks = (time.as_nanos() * u128::from(self.hz)).div_ceil(NANOS);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// How long so many ticks are.
    pub fn duration(&self, ticks: u64) -> Duration {
        let nanos = u128::from(ticks) * NANOS / u128::from(self.hz.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How long ago `tick` was, at `now`.
    pub fn since(&self, tick: u64, now: u64) -> Duration {
        self.duration(now.saturating_sub(tick))
    }

    /// The date of `tick`, given that it is `now` at `date`.
    pub fn date(&self, tick: u64, now: u64, date: SystemTime) -> SystemTime {
        if tick <= now {
            date - self.duration(now - tick)
        } else {
            date + self.duration(tick - now)
        }
    }
}

/// Seconds since 1970, as maps have dates; 0 before that.
pub fn unix_seconds(date: SystemTime) -> u64 {
    date.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The date of so many; 1970 for what no date can be.
pub fn unix(seconds: u64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock { hz: 250, offset: 0 };

    #[test]
    fn the_kernel_has_a_usual_tick() {
        assert!([100, 250, 300, 1000].contains(&Clock::kernel_hz()));
    }

    #[test]
    fn a_calibrated_clock_shows_the_tick_it_was_given() {
        let clock = Clock::calibrated(250, 4_294_967_296);
        assert!((0..250).contains(&(clock.now() - 4_294_967_296)));
    }

    #[test]
    fn times_and_ticks_convert() {
        assert_eq!(CLOCK.ticks(Duration::from_secs(2)), 500);
        assert_eq!(CLOCK.ticks(Duration::from_nanos(1)), 1);
        assert_eq!(CLOCK.duration(500), Duration::from_secs(2));
        assert_eq!(CLOCK.since(100, 600), Duration::from_secs(2));
        assert_eq!(CLOCK.since(600, 100), Duration::ZERO);
    }
}
