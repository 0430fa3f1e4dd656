//! One interface, as far as it was read.

use std::collections::HashMap;
use std::time::Duration;

use super::history::History;
use super::rows::{Left, Row, merge};
use crate::status::{Report, RuleEntry, SourceEntry, words};

/// One interface, as far as it was read.
#[derive(Debug)]
pub struct Face {
    /// Its name.
    pub name: String,
    /// Its state without rules and sources; none before it was read, or when it is not
    /// attached any more.
    pub report: Option<Report>,
    /// Why it could not be read.
    pub fault: Option<String>,
    /// Its rates.
    pub history: History,
    /// Rules and sources together.
    pub rows: Vec<Row>,
    /// How many sources are known.
    pub tracked: usize,
    rules: Vec<RuleEntry>,
    sources: Vec<SourceEntry>,
    rates: HashMap<String, u64>,
    rules_read: Duration,
    /// Packets that each rule had decided at some time.
    counted: Option<(Duration, HashMap<String, u64>)>,
}

/// Rates are taken over at least this long.
const RATE_TIME: Duration = Duration::from_millis(500);

impl Face {
    /// One of which nothing is known yet.
    pub fn new(name: String) -> Self {
        Self {
            name,
            report: None,
            fault: None,
            history: History::default(),
            rows: Vec::new(),
            tracked: 0,
            rules: Vec::new(),
            sources: Vec::new(),
            rates: HashMap::new(),
            rules_read: Duration::ZERO,
            counted: None,
        }
    }

    /// Its state was read, or why it could not be. Gives whether its rows changed, as all
    /// that note a reading do.
    pub fn set_report(&mut self, now: Duration, read: Result<Box<Report>, String>) -> bool {
        match read {
            Ok(report) => {
                self.history.push(now, report.rates);
                self.report = Some(*report);
                self.fault = None;
                false
            }
            Err(fault) => {
                let name = std::mem::take(&mut self.name);
                let history = std::mem::take(&mut self.history);
                let had_rows = !self.rows.is_empty();
                *self = Self::new(name);
                (self.history, self.fault) = (history, Some(fault));
                had_rows
            }
        }
    }

    /// Its rules were read. What they decided since the last time makes rates.
    pub fn set_rules(&mut self, now: Duration, rules: Vec<RuleEntry>) -> bool {
        let hits = || {
            rules
                .iter()
                .map(|rule| (rule.prefix.clone(), rule.hits))
                .collect()
        };
        match &self.counted {
            None => self.counted = Some((now, hits())),
            Some((before, counts)) => {
                let elapsed = now.saturating_sub(*before);
                // Sooner than that is after a command: too short for a rate.
                if elapsed >= RATE_TIME {
                    self.rates = rates(&rules, counts, elapsed);
                    self.counted = Some((now, hits()));
                }
            }
        }
        self.rules = rules;
        self.rules_read = now;
        self.merge()
    }

    /// Its busiest sources were read, and how many are known.
    pub fn set_sources(&mut self, sources: Vec<SourceEntry>, tracked: usize) -> bool {
        self.sources = sources;
        self.tracked = tracked;
        self.merge()
    }

    /// How many seconds of a rule are left at `now`.
    pub fn left(&self, row: &Row, now: Duration) -> Left {
        let Left::Seconds(seconds) = row.left else {
            return row.left;
        };
        let since = now.saturating_sub(self.rules_read);
        Left::Seconds(seconds.saturating_sub(since.as_secs()))
    }

    /// What is going on, as `synguard status` words it.
    pub fn words(&self) -> Vec<String> {
        match (&self.fault, &self.report) {
            (Some(fault), _) => vec![format!("NOT READ: {fault}")],
            (None, Some(report)) => words(report),
            (None, None) => vec![format!("{}: reading", self.name)],
        }
    }

    fn merge(&mut self) -> bool {
        let rows = merge(&self.rules, &self.sources, &self.rates);
        let changed = rows != self.rows;
        self.rows = rows;
        changed
    }
}

/// Packets per second that each rule decided; those of which nothing was known before
/// have none.
fn rates(
    rules: &[RuleEntry],
    before: &HashMap<String, u64>,
    elapsed: Duration,
) -> HashMap<String, u64> {
    let rate = |rule: &RuleEntry| {
        let more = rule.hits.saturating_sub(*before.get(&rule.prefix)?);
        let rate = u128::from(more) * 1000 / elapsed.as_millis().max(1);
        Some((rule.prefix.clone(), u64::try_from(rate).unwrap_or(u64::MAX)))
    };
    rules.iter().filter_map(rate).collect()
}
