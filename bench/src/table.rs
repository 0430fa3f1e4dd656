//! The report as Markdown, to be read and to be put into the README.

use std::collections::BTreeSet;

use crate::report::{Report, Row};
use crate::stats::Summary;
use crate::targets::Target;

/// All of it.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("Measured on: {}\n", report.machine.describe());
    let mut told = BTreeSet::new();
    for row in &report.rows {
        if told.insert(row.table) {
            text.push_str(&section(row.table, &report.rows));
        }
    }
    text.push_str(&verdicts(&report.targets));
    for missing in &report.missing {
        text.push_str(&format!("\nNot measured: {missing}\n"));
    }
    text
}

fn section(table: &str, rows: &[Row]) -> String {
    let rows: Vec<_> = rows.iter().filter(|row| row.table == table).collect();
    let units = in_order(rows.iter().map(|row| row.unit));
    let common = units.len() == 1;
    let unit = if common { units[0] } else { "as given" };
    format!(
        "\n### {table}\n\nMedian (least to most), {unit}.\n\n{}",
        cross(&rows, !common)
    )
}

/// Subjects down, scenarios across, in the order of their first appearance; the
/// other way round where there is but one subject.
fn cross(rows: &[&Row], with_units: bool) -> String {
    let subjects = in_order(rows.iter().map(|row| row.subject.as_str()));
    let scenarios = in_order(rows.iter().map(|row| row.scenario.as_str()));
    let turned = subjects.len() == 1;
    let (down, across) = if turned {
        (scenarios, subjects)
    } else {
        (subjects, scenarios)
    };
    let find = |down: &str, across: &str| {
        let (subject, scenario) = if turned {
            (across, down)
        } else {
            (down, across)
        };
        let row = rows
            .iter()
            .find(|row| row.subject == subject && row.scenario == scenario);
        row.map_or_else(String::new, |row| cell(row, with_units))
    };
    let line = |head: &&str| {
        let cells = across.iter().map(|across| find(head, across));
        [(*head).to_owned()].into_iter().chain(cells).collect()
    };
    let lines: Vec<_> = down.iter().map(line).collect();
    let header: Vec<_> = [""].into_iter().chain(across.iter().copied()).collect();
    grid(&header, &lines)
}

fn cell(row: &Row, with_unit: bool) -> String {
    let Summary {
        median,
        min,
        max,
        rounds,
    } = row.summary;
    let unit = if with_unit {
        format!(" {}", row.unit)
    } else {
        String::new()
    };
    if rounds == 1 {
        return format!("**{}**{unit}", number(median));
    }
    format!(
        "**{}**{unit} ({} to {})",
        number(median),
        number(min),
        number(max)
    )
}

fn verdicts(targets: &[Target]) -> String {
    if targets.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = targets
        .iter()
        .map(|target| {
            vec![
                target.name.to_owned(),
                format!("{} {}{}", target.bound.sign(), target.limit, target.unit),
                target.value.map_or_else(
                    || "not measured".to_owned(),
                    |value| format!("{}{}", number(value), target.unit),
                ),
                if target.met { "met" } else { "**missed**" }.to_owned(),
            ]
        })
        .collect();
    format!(
        "\n### Targets\n\n{}",
        grid(&["target", "limit", "measured", ""], &lines)
    )
}

/// Three digits that count, and no more than two behind the point.
fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        0.0..10_000.0 => format!("{value:.0}"),
        _ => grouped(value),
    }
}

/// 3 210 000, with thin spaces that no line is broken at.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn grid(header: &[&str], lines: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n", header.join(" | "));
    text.push_str(&format!("| --- |{}\n", " ---: |".repeat(header.len() - 1)));
    for cells in lines {
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &str, scenario: &str, value: f64) -> Row {
        Row {
            table: "T",
            subject: subject.into(),
            scenario: scenario.into(),
            unit: "ns",
            summary: Summary::of(&[value, value + 1.0, value + 2.0]).unwrap(),
        }
    }

    #[test]
    fn subjects_down_and_scenarios_across() {
        let rows = [row("a", "x", 1.0), row("b", "y", 200.0), row("a", "y", 3.0)];
        assert_eq!(
            section("T", &rows),
            "\n### T\n\nMedian (least to most), ns.\n\n\
             |  | x | y |\n\
             | --- | ---: | ---: |\n\
             | a | **2.00** (1.00 to 3.00) | **4.00** (3.00 to 5.00) |\n\
             | b |  | **201** (200 to 202) |\n"
        );
    }

    #[test]
    fn a_single_subject_stands_above_its_scenarios() {
        let text = section("T", &[row("a", "x", 1.0), row("a", "y", 2.0)]);
        assert!(
            text.contains("|  | a |\n| --- | ---: |\n| x | **2.00**"),
            "{text}"
        );
    }

    #[test]
    fn different_units_stand_beside_their_numbers() {
        let other = Row {
            unit: "s",
            ..row("b", "x", 1.0)
        };
        let text = section("T", &[row("a", "x", 1.0), other]);
        assert!(text.contains("as given"), "{text}");
        assert!(
            text.contains("| a | **2.00** ns (1.00 to 3.00) |"),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.456, "0.46"),
            (45.67, "45.7"),
            (456.7, "457"),
            (3_210_000.0, "3\u{202f}210\u{202f}000"),
            (-0.5, "-0.50"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
