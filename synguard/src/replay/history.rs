//! SYNs over time, by what became of them, in a fixed number of equal spans.

use std::time::Duration;

use synguard_common::verdict::Reason;

/// So many spans at most: more than a picture shows.
const MOST: usize = 512;
/// The span to begin with, in ticks of a millisecond.
const FIRST_SPAN: u64 = 10;

/// What became of SYNs, as far as a picture tells them apart.
pub const KINDS: [&str; 3] = ["passed", "rate-limited", "banned"];

/// SYNs by span and kind. Spans grow twofold as the capture goes on.
#[derive(Debug)]
pub struct History {
    start: u64,
    span: u64,
    counts: Vec<[u64; KINDS.len()]>,
}

impl History {
    /// One that begins at this tick.
    pub const fn new(start: u64) -> Self {
        Self {
            start,
            span: FIRST_SPAN,
            counts: Vec::new(),
        }
    }

    /// Counts a SYN.
    pub fn count(&mut self, reason: Reason, now: u64) {
        let mut at = self.at(now);
        while at >= MOST {
            self.widen();
            at = self.at(now);
        }
        if self.counts.len() <= at {
            self.counts.resize(at + 1, [0; KINDS.len()]);
        }
        self.counts[at][kind(reason)] += 1;
    }

    /// How long a span is, in ticks.
    pub const fn span(&self) -> Duration {
        Duration::from_millis(self.span)
    }

    /// The spans from the first on: SYNs by kind.
    pub fn spans(&self) -> &[[u64; KINDS.len()]] {
        &self.counts
    }

    fn at(&self, now: u64) -> usize {
        usize::try_from(now.saturating_sub(self.start) / self.span).unwrap_or(usize::MAX)
    }

    fn widen(&mut self) {
        self.span = self.span.saturating_mul(2);
        let pairs = self.counts.chunks(2);
        self.counts = pairs
            .map(|pair| std::array::from_fn(|kind| pair.iter().map(|span| span[kind]).sum()))
            .collect();
    }
}

const fn kind(reason: Reason) -> usize {
    match reason {
        Reason::DroppedRate => 1,
        Reason::DroppedBan | Reason::DroppedRule => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_as_spans_grow() {
        let mut history = History::new(5000);
        for tick in 0..100_000 {
            history.count(Reason::SynCounted, 5000 + tick);
            history.count(Reason::DroppedBan, 5000 + tick);
        }
        let sum = |kind: usize| history.spans().iter().map(|span| span[kind]).sum::<u64>();
        assert_eq!([sum(0), sum(1), sum(2)], [100_000, 0, 100_000]);
        assert!(history.spans().len() <= MOST);
        assert_eq!(history.span(), Duration::from_millis(320));
    }

    #[test]
    fn a_gap_of_years_is_no_matter() {
        let mut history = History::new(0);
        history.count(Reason::DroppedRate, 0);
        history.count(Reason::DroppedRate, u64::MAX / 4);
        assert_eq!(history.spans().iter().map(|span| span[1]).sum::<u64>(), 2);
    }
}
