//! Who would be banned at which threshold.
//!
//! Each source's highest rate is noted that it did not justify by completing handshakes,
//! by the rule by which the controller clears suspects. Nothing is dropped on the way,
//! so that one pass over a capture answers for every threshold.

use std::cell::Cell;

use serde::Serialize;
use synguard_common::abi::{LiveRecord, SourceRecord};
use synguard_common::source::SourceKey;
use synguard_common::window::Load;

use super::live::{plain_record, write_record};
use super::slots::Slots;
use crate::controller::plan::{Policy, Suspicion, is_cleared};
use crate::settings::Settings;

/// What the table is about, besides the threshold that was given: SYNs per second.
const RATES: [u32; 13] = [
    10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
];
/// So long may a source take to complete what it was suspected for, in seconds: as a
/// suspect of the controller has at least.
const PATIENCE: u64 = 1;

/// One threshold, and what it would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// SYNs per second from one source.
    pub syn_rate: u32,
    /// Whether it is the one in force.
    pub in_force: bool,
    /// Sources that would be banned.
    pub banned: u64,
    /// Of them, those that completed a handshake in the capture: clients, perhaps.
    pub banned_with_handshakes: u64,
    /// Sources over it that completed enough handshakes not to be banned.
    pub spared: u64,
}

/// The highest rates of sources.
pub struct Thresholds {
    policy: Policy,
    /// With the load that each stands for.
    rows: Vec<(Row, u64)>,
    peaks: Slots<SourceKey, Peak>,
}

/// What a source did at its worst. Loads are SYNs times ticks.
#[derive(Debug, Default)]
struct Peak {
    record: LiveRecord,
    /// Not judged yet, and since when.
    suspicion: Cell<Option<(Suspicion, u64)>>,
    guilty: Cell<u64>,
    cleared: Cell<u64>,
}

impl Thresholds {
    /// A table for these settings, by this policy.
    pub fn new(settings: &Settings, policy: Policy) -> Self {
        let mut rates = RATES.to_vec();
        if let Err(at) = rates.binary_search(&settings.syn_rate) {
            rates.insert(at, settings.syn_rate);
        }
        let row = |syn_rate| {
            let row = Row {
                syn_rate,
                in_force: syn_rate == settings.syn_rate,
                ..Row::default()
            };
            let limit = Settings {
                syn_rate,
                ..*settings
            };
            (row, limit.limit().saturating_mul(policy.window))
        };
        Self {
            policy,
            rows: rates.into_iter().map(row).collect(),
            peaks: Slots::new(settings.max_sources),
        }
    }

    /// Counts a SYN.
    pub fn count(&mut self, source: SourceKey, now: u64) {
        let peak = match self.peaks.get(source) {
            Some(peak) => peak,
            None => {
                let (rows, policy) = (&mut self.rows, &self.policy);
                let peak = self
                    .peaks
                    .claim(source, |_, peak| peak.add_to(rows, policy));
                peak.reset(now);
                peak
            }
        };
        let least = self.rows.first().map_or(0, |(_, least)| *least);
        peak.count(now, least, &self.policy);
    }

    /// Counts a completed handshake.
    pub fn completed(&self, source: SourceKey) {
        if let Some(peak) = self.peaks.get(source) {
            let handshakes = &peak.record.handshakes;
            handshakes.set(handshakes.get() + 1);
        }
    }

    /// The table, up to the first threshold above all that was seen.
    pub fn rows(mut self) -> Vec<Row> {
        let (rows, policy) = (&mut self.rows, &self.policy);
        self.peaks.each(|_, peak| peak.add_to(rows, policy));
        let reached = |row: &Row| row.banned + row.spared > 0 || row.in_force;
        let rows: Vec<_> = self.rows.into_iter().map(|(row, _)| row).collect();
        let last = rows.iter().rposition(reached).map_or(0, |last| last + 1);
        rows.into_iter().take(last + 1).collect()
    }
}

impl Peak {
    fn reset(&self, now: u64) {
        write_record(&self.record, &SourceRecord::BLANK);
        self.record.begin(now);
        self.suspicion.set(None);
        self.guilty.set(0);
        self.cleared.set(0);
    }

    fn count(&self, now: u64, least: u64, policy: &Policy) {
        self.judge(policy, now, PATIENCE * u64::from(policy.hz));
        let window = self.record.roll(now, policy.window);
        let syns = &self.record.syns;
        syns.set(syns.get() + 1);
        let load = window.load(now, policy.window, self.record.totals());
        let known = self.suspicion.get().map_or(0, |(held, _)| held.load.syns);
        if load.syns > least && load.syns > known.max(self.guilty.get()) {
            self.suspect(load, now);
        }
    }

    fn suspect(&self, load: Load, now: u64) {
        let handshakes = self.record.handshakes.get();
        self.suspicion
            .set(Some((Suspicion { load, handshakes }, now)));
    }

    /// Judges what the source was suspected for `patience` ticks ago.
    fn judge(&self, policy: &Policy, now: u64, patience: u64) {
        let Some((suspicion, since)) = self.suspicion.get() else {
            return;
        };
        if now.saturating_sub(since) < patience {
            return;
        }
        self.suspicion.set(None);
        let record = plain_record(&self.record);
        let verdict = if is_cleared(&suspicion, &record, policy) {
            &self.cleared
        } else {
            &self.guilty
        };
        verdict.set(verdict.get().max(suspicion.load.syns));
    }

    fn add_to(&self, rows: &mut [(Row, u64)], policy: &Policy) {
        self.judge(policy, u64::MAX, 0);
        for (row, load) in rows {
            if self.guilty.get() > *load {
                row.banned += 1;
                row.banned_with_handshakes += u64::from(self.record.handshakes.get() > 0);
            } else if self.cleared.get() > *load {
                row.spared += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::settings::DEFAULT;

    const CLOCK: Clock = Clock {
        hz: 1000,
        offset: 0,
    };
    const START: u64 = 1_000_000;

    fn table() -> Thresholds {
        Thresholds::new(&DEFAULT, Policy::new(&DEFAULT, &CLOCK))
    }

    /// Ten seconds of so many SYNs each, of which one in `completes` is completed.
    fn send(table: &mut Thresholds, source: u32, per_second: u64, completes: Option<u64>) {
        for syn in 0..10 * per_second {
            table.count([0, 0, 0, source], START + syn * 1000 / per_second);
            if completes.is_some_and(|each| syn % each == 0) {
                table.completed([0, 0, 0, source]);
            }
        }
    }

    fn banned(rows: &[Row]) -> Vec<(u32, u64, u64, u64)> {
        let row = |row: &Row| {
            (
                row.syn_rate,
                row.banned,
                row.banned_with_handshakes,
                row.spared,
            )
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn a_source_is_over_all_thresholds_below_its_rate() {
        let mut table = table();
        send(&mut table, 1, 40, None);
        send(&mut table, 2, 150, None);
        send(&mut table, 3, 150, Some(1));
        send(&mut table, 4, 90, Some(5));
        send(&mut table, 5, 3, None);
        assert_eq!(
            banned(&table.rows()),
            [
                (10, 3, 1, 1),
                (20, 3, 1, 1),
                (50, 2, 1, 1),
                (100, 1, 0, 1),
                (200, 0, 0, 0)
            ]
        );
    }

    #[test]
    fn the_threshold_in_force_is_always_there() {
        let given = Settings {
            syn_rate: 333,
            ..DEFAULT
        };
        let table = Thresholds::new(&given, Policy::new(&given, &CLOCK));
        let rows = table.rows();
        let in_force: Vec<_> = rows.iter().filter(|row| row.in_force).collect();
        assert!(
            matches!(in_force[..], [Row { syn_rate: 333, .. }]),
            "{rows:?}"
        );
    }

    #[test]
    fn sources_that_were_forgotten_are_still_counted() {
        let given = Settings {
            max_sources: 1,
            ..DEFAULT
        };
        let mut table = Thresholds::new(&given, Policy::new(&given, &CLOCK));
        for source in 1..=20 {
            send(&mut table, source, 15, None);
        }
        assert_eq!(table.rows()[0].banned, 20);
    }

    #[test]
    fn a_client_gets_the_time_that_its_answers_take() {
        let mut table = table();
        for _ in 0..200 {
            table.count([0, 0, 0, 1], START);
        }
        for _ in 0..200 {
            table.completed([0, 0, 0, 1]);
        }
        table.count([0, 0, 0, 1], START + 5000);
        let rows = table.rows();
        assert_eq!((rows[0].banned, rows[0].spared), (0, 1));
    }
}
