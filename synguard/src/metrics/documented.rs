//! docs/metrics.md says what is so.

use super::{Family, sample};

const DOCUMENTED: &str = include_str!("../../../docs/metrics.md");

fn row(family: &Family) -> String {
    let labels: Vec<_> = family
        .series
        .first()
        .map(|series| series.labels.iter().map(|(name, _)| format!("`{name}`")))
        .into_iter()
        .flatten()
        .collect();
    format!(
        "| `{}` | {} | {} | {} |",
        family.name(),
        family.kind.label(),
        labels.join(", "),
        family.help
    )
}

#[test]
fn every_metric_is_documented_and_nothing_else() {
    let rows: Vec<_> = sample().iter().map(row).collect();
    let documented = DOCUMENTED.lines();
    let documented: Vec<_> = documented
        .filter(|line| line.starts_with("| `synguard_"))
        .collect();
    assert_eq!(documented, rows, "\n{}", rows.join("\n"));
}

#[test]
fn names_are_as_prometheus_has_them() {
    for family in sample() {
        let name = family.name();
        assert!(!family.stem.ends_with("_total") && !family.stem.ends_with("_info"));
        assert!(
            family.help.ends_with('.') && !family.series.is_empty(),
            "{name}"
        );
        for series in &family.series {
            // No label may have more values as more sources come.
            for (label, _) in &series.labels {
                let bounded = [
                    "interface",
                    "verdict",
                    "reason",
                    "class",
                    "table",
                    "origin",
                    "to",
                    "outcome",
                    "mode",
                    "challenge",
                    "handshakes_counted",
                    "version",
                    "commit",
                    "abi",
                ];
                assert!(bounded.contains(label), "{name} has a label {label}");
            }
        }
    }
}
