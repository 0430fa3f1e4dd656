//! The rates of the last minutes, a second each.

use std::collections::VecDeque;
use std::time::Duration;

use crate::status::Rates;

/// So far back is shown.
pub const SPAN: u64 = 300;

/// Rates by the second since the view was opened; none for seconds without any.
#[derive(Debug, Default)]
pub struct History {
    seconds: VecDeque<(u64, Rates)>,
}

impl History {
    /// Notes the rates at `now`, and forgets what is too old to be shown.
    pub fn push(&mut self, now: Duration, rates: Rates) {
        let second = now.as_secs();
        self.seconds.push_back((second, rates));
        while self
            .seconds
            .front()
            .is_some_and(|(old, _)| old + SPAN < second)
        {
            self.seconds.pop_front();
        }
    }

    /// The last rates; zeros before the first.
    pub fn latest(&self) -> Rates {
        self.seconds
            .back()
            .map_or_else(Rates::default, |(_, rates)| *rates)
    }

    /// How many seconds one of `columns` stands for, for [`SPAN`] to fit.
    pub const fn seconds_per_column(columns: u64) -> u64 {
        let columns = if columns == 0 { 1 } else { columns };
        SPAN.div_ceil(columns)
    }

    /// The greatest of what `pick` takes from the rates in each column's seconds, the
    /// present to the right; none where nothing was read.
    ///
    /// Columns begin at multiples of their length, so that they do not change but for the
    /// last.
    pub fn columns(
        &self,
        columns: usize,
        now: Duration,
        pick: fn(&Rates) -> u64,
    ) -> Vec<Option<u64>> {
        let length = Self::seconds_per_column(columns as u64);
        let mut shown = vec![None; columns];
        let present = now.as_secs() / length;
        for (second, rates) in &self.seconds {
            let age = usize::try_from(present.saturating_sub(second / length));
            let place = age.ok().and_then(|age| columns.checked_sub(age + 1));
            if let Some(column) = place.and_then(|place| shown.get_mut(place)) {
                let most: u64 = column.unwrap_or(0);
                *column = Some(most.max(pick(rates)));
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn syns(rate: u64) -> Rates {
        Rates {
            syns_per_second: rate,
            ..Rates::default()
        }
    }

    fn columns(history: &History, columns: usize, now: u64) -> Vec<Option<u64>> {
        history.columns(columns, at(now), |rates| rates.syns_per_second)
    }

    #[test]
    fn the_present_is_to_the_right_and_a_column_shows_its_greatest() {
        let mut history = History::default();
        for (second, rate) in [(10, 1), (11, 7), (12, 3), (40, 5)] {
            history.push(at(second), syns(rate));
        }
        // 30 seconds a column.
        assert_eq!(columns(&history, 10, 40)[7..], [None, Some(7), Some(5)]);
        assert_eq!(history.latest().syns_per_second, 5);
    }

    #[test]
    fn what_was_not_read_is_not_drawn_as_nothing() {
        let mut history = History::default();
        history.push(at(1), syns(4));
        history.push(at(4), syns(4));
        let all = columns(&history, 300, 5);
        assert_eq!(all[295..], [Some(4), None, None, Some(4), None]);
    }

    #[test]
    fn minutes_are_kept_and_no_more() {
        let mut history = History::default();
        for second in 0..2 * SPAN {
            history.push(at(second), syns(1));
        }
        assert_eq!(history.seconds.len() as u64, SPAN + 1);
        assert!(
            columns(&history, 7, 2 * SPAN - 1)
                .iter()
                .all(Option::is_some)
        );
        assert_eq!(columns(&history, 0, 0), []);
    }
}
