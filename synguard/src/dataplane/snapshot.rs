//! All that a decision about one packet reads and writes, moved in time.
//!
//! Nobody can set the clock of the program. But it only ever compares times: a state
//! whose times are all moved by as much as the clock is, is the same state.

use synguard_common::abi::{NEVER, Pressure, Rule, Settings, SourceRecord};
use synguard_common::sketch;

/// What concerns one source, at some tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its record, if it has one.
    pub record: Option<SourceRecord>,
    /// The rule for exactly this source.
    pub rule: Option<Rule>,
    /// The pressure of all sources.
    pub pressure: Pressure,
    /// Its cells of the sketch.
    pub cells: [u32; sketch::ROWS],
    /// Its word of the filter before the records.
    pub known: u64,
}

/// From one clock to another: what is at `from` there is at `to` here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    from: u64,
    to: u64,
    epoch_shift: u32,
}

impl Move {
    pub(super) const fn new(from: u64, to: u64, settings: &Settings) -> Self {
        Self {
            from,
            to,
            epoch_shift: settings.epoch_shift,
        }
    }

    pub(super) const fn back(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            ..self
        }
    }

    pub(super) fn snapshot(self, state: &Snapshot) -> Snapshot {
        Snapshot {
            record: state.record.map(|record| self.record(record)),
            rule: state.rule.map(|rule| self.rule(rule)),
            pressure: Pressure {
                epoch: self.epoch(state.pressure.epoch),
                ..state.pressure
            },
            cells: state.cells.map(|cell| self.cell(cell)),
            known: state.known,
        }
    }

    /// 0 is before all times, and stays.
    const fn time(self, tick: u64) -> u64 {
        match tick {
            0 | NEVER => tick,
            _ => tick.wrapping_sub(self.from).wrapping_add(self.to),
        }
    }

    fn epoch(self, epoch: u64) -> u64 {
        let of = |tick| sketch::epoch(tick, self.epoch_shift);
        epoch.wrapping_sub(of(self.from)).wrapping_add(of(self.to))
    }

    /// An empty cell is of no epoch.
    fn cell(self, cell: u32) -> u32 {
        let of = |tick| sketch::epoch(tick, self.epoch_shift) as u32;
        if cell == 0 {
            return 0;
        }
        sketch::dated(cell, |epoch| {
            epoch.wrapping_sub(of(self.from)).wrapping_add(of(self.to))
        })
    }

    fn record(self, record: SourceRecord) -> SourceRecord {
        SourceRecord {
            first_seen: self.time(record.first_seen),
            last_seen: self.time(record.last_seen),
            window_start: self.time(record.window_start),
            reported: self.time(record.reported),
            ..record
        }
    }

    fn rule(self, rule: Rule) -> Rule {
        Rule {
            since: self.time(rule.since),
            expires: self.time(rule.expires),
            ..rule
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::rules::BLANK;
    use crate::settings::DEFAULT;

    #[test]
    fn what_is_moved_and_moved_back_is_the_same() {
        let settings = DEFAULT.for_kernel(
            &Clock {
                hz: 1000,
                offset: 0,
            },
            7,
            1024,
        );
        let cell = |tick| sketch::bumped(0, sketch::epoch(tick, settings.epoch_shift) as u32);
        let state = Snapshot {
            record: Some(SourceRecord {
                first_seen: 5,
                window_start: 99_000,
                reported: 0,
                ..SourceRecord::BLANK
            }),
            rule: Some(Rule {
                expires: 700_000,
                ..BLANK
            }),
            pressure: Pressure {
                epoch: sketch::epoch(100_000, settings.epoch_shift),
                ..Pressure::default()
            },
            cells: [cell(100_000), 0],
            known: 8,
        };
        let shift = Move::new(100_000, 4_294_967_296, &settings);
        let moved = shift.snapshot(&state);
        assert_eq!(moved.record.map(|record| record.reported), Some(0));
        assert_eq!(moved.rule.map(|rule| rule.expires), Some(4_295_567_296));
        assert_eq!(moved.cells, [cell(4_294_967_296), 0]);
        assert_eq!(shift.back().snapshot(&moved), state);
    }
}
