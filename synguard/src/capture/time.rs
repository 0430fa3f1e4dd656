//! The date of a time on the kernel's monotonic clock.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// What both clocks differ by is taken anew when it has changed by more: the date was
/// set. Less is how well two clocks can be read at once.
const STEP: Duration = Duration::from_millis(5);

/// Turns times on the monotonic clock into dates.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    /// The date at the monotonic clock's zero.
    zero: SystemTime,
}

impl WallClock {
    /// As the clocks are now.
    pub fn now() -> Self {
        let monotonic = clock_gettime(ClockId::Monotonic);
        let nanos = u32::try_from(monotonic.tv_nsec).unwrap_or(0);
        let since = Duration::new(u64::try_from(monotonic.tv_sec).unwrap_or(0), nanos);
        Self {
            zero: SystemTime::now() - since,
        }
    }

    /// The same, unless the date was set meanwhile.
    pub fn renewed(self, now: Self) -> Self {
        let difference = match now.zero.duration_since(self.zero) {
            Ok(later) => later,
            Err(error) => error.duration(),
        };
        if difference > STEP { now } else { self }
    }

    /// The date of a time in nanoseconds.
    pub fn date(&self, nanos: u64) -> SystemTime {
        self.zero + Duration::from_nanos(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_step_changes_it() {
        let zero = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let clock = WallClock { zero };
        assert_eq!(clock.date(1_500), zero + Duration::from_nanos(1_500));
        for (later, expected) in [(0, 0), (4, 0), (6, 6), (3_600_000, 3_600_000)] {
            let now = WallClock {
                zero: zero + Duration::from_millis(later),
            };
            let renewed = clock.renewed(now).zero;
            assert_eq!(renewed, zero + Duration::from_millis(expected));
        }
    }
}
