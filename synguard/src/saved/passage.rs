//! How much time went by between the writing of a file and its reading, and what that
//! makes of the times in it.

use std::time::{Duration, SystemTime};

use synguard_common::abi::NEVER;

use super::Moment;

/// From the moment a file was written to that it is read.
///
/// Dates in a file are never compared with the present one, only with that of its own
/// writing: how long a ban was to last yet is right whatever the clock said. What comes
/// off is the time that the wall clock has gone on since. If it stands before the writing
/// (it was stepped back, or begins at 1970 after each boot), nobody knows how long
/// that was: nothing comes off, so that a ban lasts as long as it had yet to last, and
/// no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    written: SystemTime,
    now: Moment,
}

impl Passage {
    /// From `written` to now.
    pub const fn new(written: SystemTime, now: Moment) -> Self {
        Self { written, now }
    }

    /// Whether the wall clock stands before the writing.
    pub fn is_backwards(&self) -> bool {
        self.now.date < self.written
    }

    /// How long that took; zero where nobody knows.
    pub fn gone(&self) -> Duration {
        self.now
            .date
            .duration_since(self.written)
            .unwrap_or_default()
    }

    /// The tick of a date in the file, which may be before now or after.
    pub(super) fn tick(&self, date: SystemTime) -> u64 {
        let clock = &self.now.clock;
        let (ahead, behind) = match date.duration_since(self.written) {
            Ok(after) => (after, Duration::ZERO),
            Err(before) => (Duration::ZERO, before.duration()),
        };
        let behind = behind.saturating_add(self.gone());
        match ahead.checked_sub(behind) {
            Some(left) => self
                .now
                .tick
                .saturating_add(clock.ticks(left))
                .min(NEVER - 1),
            None => self.now.tick.saturating_sub(clock.ticks(behind - ahead)),
        }
    }

    /// When what was to last until then is over; nothing where it is.
    pub(super) fn end(&self, until: Option<SystemTime>) -> Option<u64> {
        let end = until.map_or(NEVER, |until| self.tick(until));
        (end > self.now.tick).then_some(end)
    }

    /// When what began then began.
    pub(super) fn begin(&self, since: SystemTime) -> u64 {
        self.tick(since).min(self.now.tick)
    }

    /// So long from now, in ticks.
    pub(super) fn after(&self, time: Duration) -> u64 {
        let ticks = self.now.clock.ticks(time);
        self.now.tick.saturating_add(ticks).min(NEVER - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;

    const MINUTE: Duration = Duration::from_secs(60);
    const TICK: u64 = 4_294_892_296;

    fn at(minutes: u32) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_000_000) + minutes * MINUTE
    }

    fn passage(written: SystemTime, date: SystemTime) -> Passage {
        let now = Moment {
            clock: Clock { hz: 250, offset: 0 },
            tick: TICK,
            date,
        };
        Passage::new(written, now)
    }

    fn minutes(ticks: u64) -> u64 {
        ticks / (250 * 60)
    }

    #[test]
    fn a_ban_goes_on_counting_while_the_host_is_off() {
        // An hour from minute 0; written at 20, back at 50.
        let passage = passage(at(20), at(50));
        assert_eq!(
            passage.end(Some(at(60))).map(|end| minutes(end - TICK)),
            Some(10)
        );
        assert_eq!(minutes(TICK - passage.begin(at(0))), 50);
        assert_eq!(passage.end(Some(at(50))), None);
        assert_eq!(passage.end(Some(at(40))), None);
        assert_eq!(passage.end(None), Some(NEVER));
    }

    #[test]
    fn a_clock_that_went_back_makes_nothing_longer() {
        for now in [at(19), at(0), UNIX_EPOCH, UNIX_EPOCH + MINUTE] {
            let passage = passage(at(20), now);
            assert!(passage.is_backwards());
            assert_eq!(
                passage.end(Some(at(60))).map(|end| minutes(end - TICK)),
                Some(40)
            );
        }
    }

    #[test]
    fn a_wrong_date_of_writing_changes_no_length() {
        // Written while the clock stood at 1970, and read after it was set.
        let written = UNIX_EPOCH + 10 * MINUTE;
        let passage = passage(written, written + 5 * MINUTE);
        let end = passage.end(Some(written + 40 * MINUTE));
        assert_eq!(end.map(|end| minutes(end - TICK)), Some(35));
    }

    proptest! {
        #[test]
        fn nothing_lasts_longer_than_it_had_yet_to_last(
            written in 0_u64..4_000_000_000,
            left in 0_u64..100_000_000,
            now in 0_u64..4_000_000_000,
        ) {
            let date = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
            let passage = passage(date(written), date(now));
            let end = passage.end(Some(date(written + left)));
            let lasts = end.map_or(0, |end| end - TICK);
            prop_assert!(lasts <= left * 250);
            if now >= written {
                prop_assert_eq!(lasts, (left.saturating_sub(now - written)) * 250);
            }
        }
    }
}
