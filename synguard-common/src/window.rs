//! Sliding windows: how many SYNs and handshakes in the last window.
//!
//! Two fixed windows, the current and the previous one, of which the previous
//! counts in proportion to how much of it the sliding window still covers. A
//! source cannot get twice its rate through by straddling a boundary, as it
//! could with one fixed window.
//!
//! Nothing is divided: counts are compared times the window's length.

/// Where the current window began, and what the previous one held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// When the current window began, in ticks.
    pub start: u64,
    /// The totals at that time.
    pub before: Counts,
    /// What the window before held.
    pub previous: Counts,
}

/// What a source did, over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// SYNs.
    pub syns: u64,
    /// Of them, dropped for the rate.
    pub dropped: u64,
    /// Completed handshakes.
    pub handshakes: u64,
}

/// Counts over the last window, times the window's length in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// SYNs times ticks.
    pub syns: u64,
    /// SYNs that got through, times ticks.
    pub passed: u64,
    /// Handshakes times ticks.
    pub handshakes: u64,
}

impl Counts {
    #[inline(always)]
    const fn since(self, before: Self) -> Self {
        Self {
            syns: self.syns.wrapping_sub(before.syns),
            dropped: self.dropped.wrapping_sub(before.dropped),
            handshakes: self.handshakes.wrapping_sub(before.handshakes),
        }
    }

    #[inline(always)]
    const fn passed(self) -> u64 {
        self.syns.saturating_sub(self.dropped)
    }
}

impl Window {
    /// The window that `now` falls into. Unchanged where that is this one.
    ///
    /// `length` is in ticks and not 0.
    #[inline(always)]
    pub const fn rolled(self, now: u64, length: u64, totals: Counts) -> Self {
        let elapsed = now.saturating_sub(self.start);
        if elapsed < length {
            return self;
        }
        if elapsed < length.wrapping_mul(2) {
            return Self {
                start: self.start.wrapping_add(length),
                before: totals,
                previous: totals.since(self.before),
            };
        }
        Self {
            start: now,
            before: totals,
            previous: Counts {
                syns: 0,
                dropped: 0,
                handshakes: 0,
            },
        }
    }

    /// The load at `now`, which must fall into this window.
    #[inline(always)]
    pub const fn load(&self, now: u64, length: u64, totals: Counts) -> Load {
        let covered = length.saturating_sub(now.saturating_sub(self.start));
        let (current, previous) = (totals.since(self.before), self.previous);
        Load {
            syns: weigh(current.syns, previous.syns, length, covered),
            passed: weigh(current.passed(), previous.passed(), length, covered),
            handshakes: weigh(current.handshakes, previous.handshakes, length, covered),
        }
    }
}

impl Load {
    /// Whether this is more than `limit` SYNs a window.
    #[inline(always)]
    pub const fn exceeds(&self, limit: u64, length: u64) -> bool {
        self.syns > limit.wrapping_mul(length)
    }

    /// Whether it is this very SYN that makes it more than `limit` SYNs a window.
    #[inline(always)]
    pub const fn just_exceeds(&self, limit: u64, length: u64) -> bool {
        let most = limit.wrapping_mul(length);
        self.syns > most && self.syns <= most.wrapping_add(length)
    }

    /// Whether at least half of the SYNs that got through became connections, as
    /// those of a busy client do and those of a flooder do not.
    #[inline(always)]
    pub const fn completes_handshakes(&self) -> bool {
        self.handshakes > 0 && self.handshakes.wrapping_mul(2) >= self.passed
    }
}

/// A weighted count as a rate per second, for people; `length` in ticks, `hz`
/// ticks per second.
pub const fn per_second(weighted: u64, length: u64, hz: u32) -> u64 {
    let square = (length as u128).wrapping_mul(length as u128);
    let rate = match (weighted as u128)
        .wrapping_mul(hz as u128)
        .checked_div(square)
    {
        Some(rate) => rate,
        None => 0,
    };
    if rate > u64::MAX as u128 {
        u64::MAX
    } else {
        rate as u64
    }
}

#[inline(always)]
const fn weigh(current: u64, previous: u64, length: u64, covered: u64) -> u64 {
    low(current)
        .wrapping_mul(length)
        .wrapping_add(low(previous).wrapping_mul(covered))
}

/// A window that holds more than four billion packets is over any limit; the
/// cut keeps the products within 64 bits.
#[inline(always)]
const fn low(count: u64) -> u64 {
    if count > u32::MAX as u64 {
        u32::MAX as u64
    } else {
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: u64 = 100;

    fn syns(syns: u64) -> Counts {
        Counts {
            syns,
            ..Counts::default()
        }
    }

    /// Feeds one SYN at each of `times` and gives the highest load on the way.
    fn peak(times: impl Iterator<Item = u64>) -> u64 {
        let mut window = Window::default();
        let mut peak = 0;
        for (before, now) in (0..).zip(times) {
            window = window.rolled(now, LENGTH, syns(before));
            let after = window.load(now, LENGTH, syns(before.saturating_add(1)));
            peak = peak.max(after.syns);
        }
        peak
    }

    #[test]
    fn a_burst_across_a_boundary_counts_whole() {
        // Ten at the end of one window, ten at the start of the next.
        let times = core::iter::repeat_n(199, 10).chain(core::iter::repeat_n(201, 10));
        assert!(
            peak(times) >= 19 * LENGTH,
            "the boundary hid half of the burst"
        );
    }

    #[test]
    fn a_steady_rate_never_reads_higher_than_it_is() {
        // One SYN every ten ticks is ten a window.
        assert!(peak((0..1000).map(|n| n * 10)) <= 11 * LENGTH);
    }

    #[test]
    fn a_rate_is_per_second_whatever_the_window() {
        for (syns, length, hz, expected) in [
            (50, 250, 250, 50),
            (50, 125, 250, 100),
            (50, 500, 250, 25),
            (1, 0, 250, 0),
        ] {
            let weighted = syns * length;
            assert_eq!(
                per_second(weighted, length, hz),
                expected,
                "{syns} in {length} ticks"
            );
        }
    }

    #[test]
    fn a_quiet_time_forgets_everything() {
        let busy = Window::default().rolled(10, LENGTH, syns(50));
        let later = busy.rolled(10 + 2 * LENGTH, LENGTH, syns(50));
        assert_eq!(later.load(10 + 2 * LENGTH, LENGTH, syns(50)).syns, 0);
    }

    #[test]
    fn a_clock_that_steps_back_changes_nothing() {
        let window = Window {
            start: 500,
            ..Window::default()
        };
        assert_eq!(window.rolled(400, LENGTH, syns(3)), window);
        assert_eq!(window.load(400, LENGTH, syns(3)).syns, 3 * LENGTH);
    }

    #[test]
    fn a_busy_client_completes_half_of_what_got_through() {
        for (passed, handshakes, busy) in [
            (0, 0, false),
            (10, 0, false),
            (10, 4, false),
            (10, 5, true),
            (10, 10, true),
        ] {
            let load = Load {
                syns: 1000,
                passed,
                handshakes,
            };
            assert_eq!(
                load.completes_handshakes(),
                busy,
                "{handshakes} of {passed}"
            );
        }
    }

    #[test]
    fn what_was_dropped_did_not_get_through() {
        let totals = Counts {
            syns: 500,
            dropped: 450,
            handshakes: 50,
        };
        let load = Window::default().load(1, LENGTH, totals);
        assert_eq!((load.syns, load.passed), (500 * LENGTH, 50 * LENGTH));
        // Half a window later they still count, by half.
        let later = Window::default().rolled(LENGTH, LENGTH, totals);
        let load = later.load(LENGTH + LENGTH / 2, LENGTH, totals);
        assert_eq!((load.syns, load.passed), (250 * LENGTH, 25 * LENGTH));
    }

    #[test]
    fn one_syn_crosses_a_limit() {
        let crossing = |count| Window::default().load(0, LENGTH, syns(count));
        assert!(!crossing(50).just_exceeds(50, LENGTH));
        assert!(crossing(51).just_exceeds(50, LENGTH));
        assert!(!crossing(52).just_exceeds(50, LENGTH));
    }
}
