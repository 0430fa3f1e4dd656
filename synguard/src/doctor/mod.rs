//! What stands between this host and a filter that works well: each finding with its
//! reason and its remedy.

mod challenge;
mod containers;
mod device;
mod features;
mod host;
mod interface;
mod link;
mod state;
mod sysctls;
mod uplink;

use std::fmt::Write as _;

use serde::Serialize;

pub use challenge::of_challenges;
pub use containers::{Managers, of_containers};
pub use host::of_host;
pub use interface::of_interface;
pub use state::of_state;
pub use uplink::of_uplinks;

/// Raised when a field changes its meaning or goes; new fields may come without. See
/// docs/doctor-json.md.
pub const SCHEMA_VERSION: u32 = 1;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Something works less well than it could.
    Warn,
    /// Nothing would be filtered.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub topic: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub reason: String,
    /// What to do about it; null where nothing is to be done.
    pub remedy: Option<String>,
}

impl Finding {
    fn ok(topic: &'static str, reason: impl Into<String>) -> Self {
        Self {
            topic,
            level: Level::Ok,
            reason: reason.into(),
            remedy: None,
        }
    }

    fn warn(
        topic: &'static str,
        reason: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) -> Self {
        Self {
            level: Level::Warn,
            remedy: remedy.into(),
            ..Self::ok(topic, reason)
        }
    }

    fn fail(topic: &'static str, reason: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            ..Self::ok(topic, reason)
        }
    }
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The worst of the findings.
    pub level: Level,
    /// In the order in which they were looked at.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Puts them together.
    pub fn new(findings: Vec<Finding>) -> Self {
        let levels = findings.iter().map(|finding| finding.level);
        Self {
            schema_version: SCHEMA_VERSION,
            level: levels.max().unwrap_or(Level::Ok),
            findings,
        }
    }
}

/// For people: a line for each, and one for its remedy.
pub fn show(diagnosis: &Diagnosis) -> String {
    let mut out = String::new();
    for finding in &diagnosis.findings {
        let level = match finding.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        // The verifier's words are of several lines.
        let reason = finding.reason.replace('\n', "\n      ");
        let _ = writeln!(out, "{level:<4}  {}: {reason}", finding.topic);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(out, "      -> {remedy}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_the_diagnosis() {
        let (ok, warn, fail) = (
            Finding::ok("a", "fine"),
            Finding::warn("b", "so\nso", "do it".to_owned()),
            Finding::fail("c", "bad"),
        );
        for (findings, level) in [
            (vec![], Level::Ok),
            (vec![ok.clone()], Level::Ok),
            (vec![ok.clone(), warn.clone()], Level::Warn),
            (vec![fail.clone(), warn.clone(), ok.clone()], Level::Fail),
        ] {
            assert_eq!(Diagnosis::new(findings).level, level);
        }
        let shown = show(&Diagnosis::new(vec![ok, warn, fail]));
        assert_eq!(
            shown,
            "ok    a: fine\nwarn  b: so\n      so\n      -> do it\nFAIL  c: bad\n"
        );
    }
}
