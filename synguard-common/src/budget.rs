//! At most so many a second: the generic cell rate algorithm (ITU-T I.371, annex A,
//! as virtual scheduling).

use core::cell::Cell;

/// Times are in parts of a tick, of which a tick has 2 to the power of this many.
const FRACTION: u32 = 24;

/// How many there may be, and when the next one is due. Grants nothing while it is all
/// zeros.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget<W = u64> {
    /// When the next one is due that comes neither early nor late.
    pub due: W,
    /// How long after one the next is due.
    pub cost: u64,
    /// How much too early one may be.
    pub slack: u64,
}

/// A budget in a map. CPUs that ask at the same time may be granted one together.
pub type LiveBudget = Budget<Cell<u64>>;

impl Budget {
    /// Lets `rate` through in a second, and at once as many as `burst`; neither is 0.
    pub fn new(rate: u32, burst: u32, hz: u32) -> Self {
        let second = u64::from(hz) << FRACTION;
        let cost = second.checked_div(u64::from(rate)).unwrap_or(second).max(1);
        Self {
            due: 0,
            cost,
            slack: cost.wrapping_mul(u64::from(burst).saturating_sub(1)),
        }
    }
}

impl LiveBudget {
    /// Whether there may be one at `now`, in ticks, which is then counted.
    #[inline(always)]
    pub fn take(&self, now: u64) -> bool {
        let time = now.wrapping_shl(FRACTION);
        let due = self.due.get();
        let begin = if due > time { due } else { time };
        if self.cost == 0 || begin.wrapping_sub(time) > self.slack {
            return false;
        }
        self.due.set(begin.wrapping_add(self.cost));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: u32 = 250;

    fn live(rate: u32, burst: u32) -> LiveBudget {
        let Budget { due, cost, slack } = Budget::new(rate, burst, HZ);
        LiveBudget {
            due: Cell::new(due),
            cost,
            slack,
        }
    }

    fn granted(budget: &LiveBudget, ticks: impl Iterator<Item = u64>, each: u32) -> usize {
        ticks
            .flat_map(|tick| (0..each).map(move |_| tick))
            .filter(|tick| budget.take(*tick))
            .count()
    }

    #[test]
    fn a_flood_gets_the_rate_and_one_burst() {
        for (rate, burst) in [(1, 1), (10, 5), (100, 100), (1000, 64), (100_000, 1000)] {
            let budget = live(rate, burst);
            let seconds = 20;
            let ticks = 1000..1000 + seconds * u64::from(HZ);
            let granted = granted(&budget, ticks, 2000);
            // A budget as fine as ticks allow: what a burst covers in one.
            let most = 20 * rate + burst;
            let least = 20 * rate.min(burst * HZ) - rate.min(burst * HZ) / 20;
            assert!(granted as u32 <= most + 1, "{rate}: {granted} > {most}");
            assert!(granted as u32 >= least, "{rate}: {granted} < {least}");
        }
    }

    #[test]
    fn what_comes_slower_is_all_granted() {
        let budget = live(10, 1);
        assert_eq!(granted(&budget, (0..100).map(|n| 1000 + n * 25), 1), 100);
    }

    #[test]
    fn a_pause_earns_one_burst_and_no_more() {
        let budget = live(100, 7);
        granted(&budget, 1000..2000, 50);
        assert_eq!(granted(&budget, 1_000_000..1_000_001, 50), 7);
    }

    #[test]
    fn one_never_set_up_grants_nothing() {
        assert_eq!(granted(&LiveBudget::default(), 0..1000, 10), 0);
    }
}
