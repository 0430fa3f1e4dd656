//! What has to be reached. Ratios are of medians of one run.

use serde::Serialize;

use crate::cli::Part;
use crate::names::{self, scenario, subject as who};
use crate::report::Results;

/// One limit, and how things are.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub name: &'static str,
    pub bound: Bound,
    pub limit: f64,
    pub unit: &'static str,
    /// Nothing where it could not be measured: then it is missed.
    pub value: Option<f64>,
    pub met: bool,
}

/// On which side of the limit it is good to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtMost,
    AtLeast,
}

impl Bound {
    /// As people write it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        }
    }

    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::AtMost => value <= limit,
            Self::AtLeast => value >= limit,
        }
    }
}

/// The targets of the parts that were run.
pub fn judge(parts: &[Part], results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    for part in parts {
        targets.extend(match part {
            Part::Packet => packet(results),
            Part::Wire => wire(results),
            Part::Answers => answers(results),
            Part::Clients => clients(results),
            Part::Control => control(results),
            Part::Replay => replay(results),
        });
    }
    targets
}

fn packet(results: &Results) -> Vec<Target> {
    let ratio = |ours: (&str, &str), theirs: (&str, &str)| {
        let ours = results.median(names::PACKET, ours.0, ours.1)?;
        Some(ours / results.median(names::PACKET, theirs.0, theirs.1)?)
    };
    vec![
        at_most(
            "blocked source, beside xdp-filter's",
            0.70,
            " ×",
            ratio(
                (who::ONE_RULE, scenario::BLOCKED),
                (who::XDP_FILTER, scenario::BLOCKED),
            ),
        ),
        at_most(
            "passing TCP that is no SYN, beside xdp-filter's",
            0.60,
            " ×",
            ratio(
                (who::EMPTY, scenario::OPEN),
                (who::XDP_FILTER, scenario::OPEN),
            ),
        ),
        at_most(
            "spoofed SYN, beside the naive LRU counter's",
            0.25,
            " ×",
            ratio(
                (who::EMPTY, scenario::SPOOFED),
                (who::NAIVE, scenario::SPOOFED),
            ),
        ),
        at_most(
            "passing TCP that is no SYN with 100 k CIDRs and 1 M addresses, beside empty lists",
            1.3,
            " ×",
            ratio((who::BOTH, scenario::OPEN), (who::EMPTY, scenario::OPEN)),
        ),
        at_most(
            "passing TCP that is no SYN with the challenge loaded, beside without",
            1.1,
            " ×",
            ratio((who::ABLE, scenario::OPEN), (who::EMPTY, scenario::OPEN)),
        ),
        at_most(
            "SYN of a known source with the challenge loaded, beside without",
            1.1,
            " ×",
            ratio((who::ABLE, scenario::KNOWN), (who::EMPTY, scenario::KNOWN)),
        ),
    ]
}

fn wire(results: &Results) -> Vec<Target> {
    let rate = |subject: &str| results.median(names::RATE, subject, scenario::BLOCKED);
    let cost = |subject: &str, scenario: &str| results.median(names::COST, subject, scenario);
    let over = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let ours = cost(who::SYNGUARD, scenario::BLOCKED);
    vec![
        at_least(
            "blocked flood's rate, beside that of XDP_DROP alone",
            0.92,
            " ×",
            over(rate(who::SYNGUARD), rate(who::DROP)),
        ),
        at_most(
            "blocked flood's cost beyond XDP_DROP, beside xdp-filter's",
            0.6,
            " ×",
            over(ours, cost(who::XDP_FILTER, scenario::BLOCKED)),
        ),
        at_most(
            "blocked flood's cost beyond XDP_DROP, beside nft's",
            0.1,
            " ×",
            over(ours, cost(who::NFT, scenario::BLOCKED)),
        ),
        at_most(
            "spoofed flood's cost beyond XDP_PASS, beside the naive LRU counter's",
            0.3,
            " ×",
            over(
                cost(who::SYNGUARD, scenario::SPOOFED),
                cost(who::NAIVE, scenario::SPOOFED),
            ),
        ),
    ]
}

fn answers(results: &Results) -> Vec<Target> {
    let rate = |subject| results.median(names::ANSWERS, subject, scenario::WITHOUT_SENDER);
    let over = |subject| Some(rate(who::NATIVE)? / rate(subject)?);
    vec![
        at_least(
            "SYNs answered, beside the kernel's own cookies",
            3.0,
            " ×",
            over(who::COOKIES),
        ),
        at_least(
            "SYNs answered, beside nft's synproxy",
            3.0,
            " ×",
            over(who::SYNPROXY),
        ),
    ]
}

fn clients(results: &Results) -> Vec<Target> {
    let value = |table, subject, situation: &str, what: &str| {
        results.median(table, subject, &format!("{situation}: {what}"))
    };
    let served = |subject| value(names::CLIENTS, subject, scenario::ANYONE, scenario::SERVED);
    let slower = |subject| {
        let slow = |situation| value(names::CONNECT, subject, situation, scenario::SLOW);
        Some(slow(scenario::ANYONE)? / slow(scenario::QUIET)?)
    };
    vec![
        at_least(
            "served in a spoofed flood, challenging in native mode",
            99.0,
            " %",
            served(who::NATIVE),
        ),
        at_least(
            "served in a spoofed flood, challenging in generic mode",
            99.0,
            " %",
            served(who::GENERIC),
        ),
        at_most(
            "p99 to connect in it, beside no flood, in native mode",
            2.0,
            " ×",
            slower(who::NATIVE),
        ),
        at_most(
            "p99 to connect in it, beside no flood, in generic mode",
            2.0,
            " ×",
            slower(who::GENERIC),
        ),
    ]
}

fn control(results: &Results) -> Vec<Target> {
    let value = |scenario: &str| results.median(names::CONTROL, who::SYNGUARD, scenario);
    vec![
        at_most("promotion", 5.0, " ms", value(scenario::PROMOTION)),
        at_most(
            "import of 1 M addresses",
            3.0,
            " s",
            value(scenario::IMPORT_ADDRESSES),
        ),
        at_most(
            "status with 1 M sources",
            1.0,
            " s",
            value(scenario::STATUS),
        ),
        at_most(
            "controller's memory with defaults",
            25.0,
            " MB",
            value(scenario::MEMORY),
        ),
        at_most(
            "controller at rest, of a core",
            2.0,
            " %",
            value(scenario::REST),
        ),
    ]
}

fn replay(results: &Results) -> Vec<Target> {
    let rate = |scenario: &str| results.median(names::REPLAY, who::SYNGUARD, scenario);
    [
        ("replay of a flood from one source", scenario::BLOCKED),
        ("replay of a spoofed flood", scenario::SPOOFED),
        ("replay of open connections", scenario::OPEN),
    ]
    .into_iter()
    .map(|(name, scenario)| at_least(name, 3.0, " M packets/s", rate(scenario)))
    .collect()
}

fn at_most(name: &'static str, limit: f64, unit: &'static str, value: Option<f64>) -> Target {
    target(name, Bound::AtMost, limit, unit, value)
}

fn at_least(name: &'static str, limit: f64, unit: &'static str, value: Option<f64>) -> Target {
    target(name, Bound::AtLeast, limit, unit, value)
}

fn target(
    name: &'static str,
    bound: Bound,
    limit: f64,
    unit: &'static str,
    value: Option<f64>,
) -> Target {
    Target {
        name,
        bound,
        limit,
        unit,
        value,
        met: value.is_some_and(|value| bound.holds(value, limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Summary;
    use clap::ValueEnum as _;

    fn results(rows: &[(&str, &str, f64)]) -> Results {
        let mut results = Results::default();
        for (subject, scenario, value) in rows {
            results.add(
                names::PACKET,
                subject,
                scenario,
                "ns",
                Summary::of(&[*value]).unwrap(),
            );
        }
        results
    }

    #[test]
    fn ratios_are_of_medians() {
        let targets = packet(&results(&[
            (who::ONE_RULE, scenario::BLOCKED, 70.0),
            (who::XDP_FILTER, scenario::BLOCKED, 100.0),
            (who::EMPTY, scenario::OPEN, 61.0),
            (who::XDP_FILTER, scenario::OPEN, 100.0),
        ]));
        assert_eq!(targets[0].value, Some(0.70));
        assert!(targets[0].met, "the limit itself is good enough");
        assert!(!targets[1].met);
    }

    #[test]
    fn what_was_not_measured_is_missed() {
        let targets = judge(Part::value_variants(), &results(&[]));
        assert_eq!(targets.len(), 24);
        assert!(targets.iter().all(|target| !target.met));
    }

    #[test]
    fn parts_that_were_not_run_have_no_targets() {
        assert_eq!(judge(&[Part::Packet], &results(&[])).len(), 6);
    }

    #[test]
    fn both_kinds_of_bounds() {
        assert!(Bound::AtLeast.holds(0.93, 0.92) && !Bound::AtLeast.holds(0.91, 0.92));
        assert!(Bound::AtMost.holds(0.91, 0.92) && !Bound::AtMost.holds(0.93, 0.92));
    }
}
