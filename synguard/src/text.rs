//! Numbers and times as people read them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// `2026-11-22T15:04:05Z`.
pub fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// `2026-11-22T15:04:05.123Z`.
pub fn exact_date(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// What somebody else wrote, in one line: without control characters, which a terminal
/// would obey and XML cannot hold.
pub fn plain(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}

/// The same for lines of our own that others' words stand in: they stay lines.
pub fn plain_lines(lines: &str) -> String {
    lines.replace(|letter| letter != '\n' && is_obeyed(letter), "\u{fffd}")
}

/// Whether a terminal does something else than show it.
pub fn is_obeyed(letter: char) -> bool {
    letter.is_control()
}

/// The counts that are not 0, by their names: `3 not tcp, 7 syn counted`.
pub fn nonzero(counts: &BTreeMap<&str, u64>) -> String {
    let counted = counts.iter().filter(|(_, count)| **count > 0);
    list(counted.map(|(label, count)| format!("{count} {}", label.replace('_', " "))))
}

/// `1h 2m 3s`; whole seconds, or milliseconds below one second.
pub fn duration(time: Duration) -> String {
    let rounded = if time < Duration::from_secs(1) {
        Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(0))
    } else {
        Duration::from_secs(time.as_secs())
    };
    humantime::format_duration(rounded).to_string()
}

/// `1` or `25, 80, 443`, or a dash for none.
pub fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() {
        "-".to_owned()
    } else {
        items.join(", ")
    }
}

/// `1 SYN`, `2 SYNs`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Rows under a header, in columns as wide as they need to be.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([header[column].len()])
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = line(&header.map(str::to_owned), &widths);
    for row in rows {
        text.push_str(&line(row, &widths));
    }
    text
}

fn line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let padded: Vec<_> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:width$}"))
        .collect();
    format!("  {}\n", padded.join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_what_matters() {
        for (millis, expected) in [(3, "3ms"), (3_723_456, "1h 2m 3s"), (600_000, "10m")] {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_there() {
        let evil = "w\u{1b}[31mx\u{9b}\n\u{7}";
        assert_eq!(plain(evil), "w\u{fffd}[31mx\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(plain_lines(evil), "w\u{fffd}[31mx\u{fffd}\n\u{fffd}");
    }

    #[test]
    fn columns_line_up() {
        let rows = [
            ["5.39.90.132".to_owned(), "7".to_owned()],
            ["::1".to_owned(), "10".to_owned()],
        ];
        assert_eq!(
            table(["SOURCE", "SYNS"], &rows),
            "  SOURCE       SYNS\n  5.39.90.132  7\n  ::1          10\n"
        );
    }
}
