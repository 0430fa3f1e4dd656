//! How often something that may be dear is read.

use std::time::Duration;

/// No reading more often.
const LEAST: Duration = Duration::from_secs(1);
/// A reading waits so many times as long as the last one took: 5 % of a core at most.
const RESTS: u32 = 19;

/// When to read again; times are those since the view was opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    next: Duration,
    begun: Option<Duration>,
}

impl Pace {
    /// Whether to read now; if so, the reading has begun.
    pub fn begins(&mut self, now: Duration) -> bool {
        let begins = self.begun.is_none() && now >= self.next;
        if begins {
            self.begun = Some(now);
        }
        begins
    }

    /// The reading has ended.
    pub fn ended(&mut self, now: Duration) {
        let Some(begun) = self.begun.take() else {
            return;
        };
        let took = now.saturating_sub(begun);
        // Less than a tick of the view late is not late.
        self.next = (begun + LEAST).max(now + took * RESTS) - LEAST / 10;
    }

    /// The next reading is due at once.
    pub const fn hurry(&mut self) {
        self.next = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_is_cheap_is_read_every_second() {
        let mut pace = Pace::default();
        assert!(pace.begins(at(0)));
        assert!(!pace.begins(at(1)), "two at a time");
        pace.ended(at(2));
        assert!(!pace.begins(at(500)));
        assert!(pace.begins(at(1000)));
    }

    #[test]
    fn what_is_dear_is_read_seldom() {
        let mut pace = Pace::default();
        assert!(pace.begins(at(0)));
        pace.ended(at(500));
        assert!(!pace.begins(at(9000)));
        assert!(pace.begins(at(10_000)));
        pace.ended(at(10_500));
        pace.hurry();
        assert!(pace.begins(at(10_501)));
    }
}
