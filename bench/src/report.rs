//! All that was measured, and whether it is good enough.

use serde::Serialize;

use crate::cli::Part;
use crate::machine::Machine;
use crate::stats::Summary;
use crate::targets::Target;

/// Raised with every change of a meaning in the JSON.
pub const SCHEMA_VERSION: u32 = 1;

/// One thing measured: a subject in a situation.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Rows of one table belong together and have one unit.
    pub table: &'static str,
    /// Who.
    pub subject: String,
    /// Doing what.
    pub scenario: String,
    pub unit: &'static str,
    #[serde(flatten)]
    pub summary: Summary,
}

/// The whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    pub schema_version: u32,
    pub machine: Machine,
    pub parts: Vec<Part>,
    pub rows: Vec<Row>,
    pub targets: Vec<Target>,
    /// What was to be measured and could not be, one sentence each.
    pub missing: Vec<String>,
}

/// What the parts of the benchmark put their results into.
#[derive(Debug, Default)]
pub struct Results {
    pub rows: Vec<Row>,
    pub missing: Vec<String>,
}

impl Results {
    /// Adds a row.
    pub fn add(
        &mut self,
        table: &'static str,
        subject: &str,
        scenario: &str,
        unit: &'static str,
        summary: Summary,
    ) {
        self.rows.push(Row {
            table,
            subject: subject.to_owned(),
            scenario: scenario.to_owned(),
            unit,
            summary,
        });
    }

    /// Says what could not be measured.
    pub fn lacks(&mut self, what: String) {
        eprintln!("    not measured: {what}");
        self.missing.push(what);
    }

    /// The median of a row.
    pub fn median(&self, table: &str, subject: &str, scenario: &str) -> Option<f64> {
        let row = self
            .rows
            .iter()
            .find(|row| row.table == table && row.subject == subject && row.scenario == scenario)?;
        Some(row.summary.median)
    }
}
