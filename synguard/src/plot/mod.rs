//! Rates over time as a picture, stacked by what became of the packets.
//!
//! It reads in black and white: each kind has a hatching of its own, and marks have
//! numbers that a legend explains.

mod axis;
mod svg;

use std::time::{Duration, SystemTime};

pub use svg::draw;

/// What a picture shows.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// What is counted: `SYNs`.
    pub unit: &'static str,
    /// When the first span begins.
    pub begin: SystemTime,
    /// How long each span is; not 0.
    pub span: Duration,
    /// From the bottom of the stack up, four at most.
    pub series: Vec<Series>,
    /// What happened when.
    pub marks: Vec<Mark>,
}

/// Counts of one kind.
#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend.
    pub label: String,
    /// For each span; spans that are missing at the end count 0.
    pub counts: Vec<u64>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Mark {
    /// When.
    pub at: SystemTime,
    /// In the legend.
    pub label: String,
}

impl Plot {
    fn spans(&self) -> usize {
        let lens = self.series.iter().map(|series| series.counts.len());
        lens.max().unwrap_or(0).max(1)
    }

    /// Counts per second at a span, of the first `series` kinds together.
    fn rate(&self, series: usize, span: usize) -> f64 {
        let kinds = self.series.iter().take(series);
        let count: u64 = kinds.filter_map(|kind| kind.counts.get(span)).sum();
        count as f64 / self.span.as_secs_f64()
    }

    fn highest(&self) -> f64 {
        let all = (0..self.spans()).map(|span| self.rate(self.series.len(), span));
        all.fold(0.0, f64::max)
    }
}
