//! Is this a flood of spoofed sources? Pure: counts in, judgement out.
//!
//! When every SYN has another source, no single one is over its rate and there
//! is nobody to ban. What gives such a flood away is the interface as a whole:
//! many SYNs, most of them from sources never seen before, and hardly any that
//! becomes a connection.

use synguard_common::abi::{Pressure, SpoofedFlood};
use synguard_common::verdict::Reason;

use crate::counters::Counters;

/// It is over after so many looks in a row that showed none: a flood that
/// pauses shall not be reported anew each time.
const CALM_LOOKS: u32 = 10;

/// Counts since attach, at `tick`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub tick: u64,
    /// SYNs that no rule and no rate limit stopped, and no rule allowed.
    pub syns: u64,
    /// Of them, from sources not seen before, or that have yet to prove themselves while
    /// others are challenged.
    pub new: u64,
    /// Connections completed by sources that were seen.
    pub handshakes: u64,
}

/// SYNs of sources without a good record.
const UNPROVEN: [Reason; 7] = [
    Reason::SynSketched,
    Reason::SynUncounted,
    Reason::SynAnswered,
    Reason::DroppedAnswers,
    Reason::SynNoListener,
    Reason::SynHindered,
    Reason::SynUnanswerable,
];

/// SYNs of sources with a record. That of a source that is new is one of
/// [`Pressure::created`], too.
const RECORDED: [Reason; 3] = [Reason::SynCounted, Reason::SynBusy, Reason::SynProven];

impl Sample {
    /// What the packet path counted so far.
    pub fn of(counters: &Counters, pressure: &Pressure, tick: u64) -> Self {
        let unproven = counters.sum(|reason| UNPROVEN.contains(&reason));
        Self {
            tick,
            syns: unproven + counters.sum(|reason| RECORDED.contains(&reason)),
            new: pressure.created + unproven,
            handshakes: pressure.handshakes,
        }
    }
}

/// What a look showed, where that is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A flood has begun.
    Begun(SpoofedFlood),
    /// It is over; this is when it began, and the worst that was seen.
    Over(SpoofedFlood),
}

/// Looks at the interface about once a second.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    threshold: u32,
    hz: u32,
    last: Option<Sample>,
    calm: u32,
    flood: SpoofedFlood,
    worst: SpoofedFlood,
}

impl Watch {
    /// One that suspects nothing below `threshold` SYNs per second; `hz` ticks
    /// per second.
    pub fn new(threshold: u32, hz: u32) -> Self {
        let none = SpoofedFlood {
            threshold,
            ..SpoofedFlood::default()
        };
        Self {
            threshold,
            hz,
            last: None,
            calm: 0,
            flood: none,
            worst: none,
        }
    }

    /// Suspects nothing below another number of SYNs per second from now on.
    pub const fn set_threshold(&mut self, threshold: u32) {
        self.threshold = threshold;
        self.flood.threshold = threshold;
    }

    /// The present judgement, with the rates of the last look.
    pub const fn flood(&self) -> SpoofedFlood {
        self.flood
    }

    /// Takes another look.
    pub fn look(&mut self, now: Sample) -> Option<News> {
        let last = self.last.replace(now)?;
        let elapsed = now.tick.saturating_sub(last.tick).max(1);
        let rate = |count: fn(&Sample) -> u64| {
            let more = count(&now).saturating_sub(count(&last));
            let per_second = more.saturating_mul(self.hz.into()) / elapsed;
            u32::try_from(per_second).unwrap_or(u32::MAX)
        };
        self.flood = SpoofedFlood {
            syns_per_second: rate(|sample| sample.syns),
            new_per_second: rate(|sample| sample.new),
            handshakes_per_second: rate(|sample| sample.handshakes),
            ..self.flood
        };
        if self.flood.since == 0 {
            self.maybe_begin(now.tick)
        } else {
            self.maybe_end()
        }
    }

    fn maybe_begin(&mut self, tick: u64) -> Option<News> {
        if !is_flood(&self.flood, self.threshold) {
            return None;
        }
        self.flood.since = tick.max(1);
        self.worst = self.flood;
        self.calm = 0;
        Some(News::Begun(self.flood))
    }

    fn maybe_end(&mut self) -> Option<News> {
        if self.flood.syns_per_second > self.worst.syns_per_second {
            self.worst = self.flood;
        }
        // Half the threshold, lest a flood at the threshold begin and end for ever.
        if is_flood(&self.flood, self.threshold / 2) {
            self.calm = 0;
            return None;
        }
        self.calm += 1;
        if self.calm < CALM_LOOKS {
            return None;
        }
        self.flood.since = 0;
        Some(News::Over(self.worst))
    }
}

/// Many SYNs, at least half of them from new sources, and fewer than a quarter
/// became connections.
const fn is_flood(rates: &SpoofedFlood, threshold: u32) -> bool {
    let new = rates.new_per_second as u64;
    let handshakes = rates.handshakes_per_second as u64;
    let syns = rates.syns_per_second as u64;
    syns > threshold as u64 && new * 2 >= syns && handshakes * 4 < syns
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: u32 = 250;

    /// Looks once a second at an interface with these counts in each second.
    struct Interface {
        watch: Watch,
        now: Sample,
    }

    impl Interface {
        fn new() -> Self {
            let mut watch = Watch::new(200, HZ);
            let now = Sample {
                tick: 1000,
                ..Sample::default()
            };
            assert_eq!(watch.look(now), None, "nothing to compare with");
            Self { watch, now }
        }

        fn second(&mut self, syns: u64, new: u64, handshakes: u64) -> Option<News> {
            self.now.tick += u64::from(HZ);
            self.now.syns += syns;
            self.now.new += new;
            self.now.handshakes += handshakes;
            self.watch.look(self.now)
        }
    }

    #[test]
    fn many_new_sources_that_never_connect_are_a_flood() {
        let mut interface = Interface::new();
        let Some(News::Begun(flood)) = interface.second(10_000, 9_990, 3) else {
            panic!("not noticed")
        };
        assert_eq!(flood.syns_per_second, 10_000);
        assert_eq!(flood.new_per_second, 9_990);
        assert_eq!(flood.handshakes_per_second, 3);
    }

    #[test]
    fn what_honest_people_do_is_none() {
        for (why, syns, new, handshakes) in [
            ("a quiet night", 3, 3, 0),
            ("just the threshold", 200, 200, 0),
            ("a crowd that connects", 10_000, 10_000, 9_000),
            ("a crowd of which a third connects", 9_000, 9_000, 3_000),
            ("a few known sources that only try", 10_000, 10, 0),
        ] {
            assert_eq!(
                Interface::new().second(syns, new, handshakes),
                None,
                "{why}"
            );
        }
    }

    #[test]
    fn it_is_over_once_and_only_after_a_while() {
        let mut interface = Interface::new();
        assert!(matches!(
            interface.second(1000, 1000, 0),
            Some(News::Begun(_))
        ));
        assert_eq!(interface.second(5000, 5000, 0), None);
        for _ in 0..3 {
            // A pause, and at a third of the rate it is the same flood.
            assert_eq!(interface.second(0, 0, 0), None);
            assert_eq!(interface.second(150, 150, 0), None);
        }
        for _ in 1..CALM_LOOKS {
            assert_eq!(interface.second(10, 1, 9), None);
            assert_ne!(interface.watch.flood().since, 0);
        }
        let Some(News::Over(worst)) = interface.second(10, 1, 9) else {
            panic!("it never ends")
        };
        assert_eq!(worst.syns_per_second, 5000);
        assert_eq!(interface.watch.flood().since, 0);
        assert_eq!(interface.second(10, 1, 9), None);
    }

    #[test]
    fn rates_are_per_second_however_late_the_look() {
        let mut interface = Interface::new();
        interface.now.tick += 3 * u64::from(HZ);
        let Some(News::Begun(flood)) = interface.second(4000, 4000, 0) else {
            panic!("not noticed")
        };
        assert_eq!(flood.syns_per_second, 1000);
    }
}
