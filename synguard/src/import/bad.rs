//! What is wrong with a list, by line.

use std::fmt;

/// How many bad lines are told: whoever sees these knows what to do about the rest.
const TOLD: u64 = 10;

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Which one, counted from 1.
    pub line: u64,
    /// What is wrong with it and what to do.
    pub what: String,
}

/// All the lines of a list that cannot be read: the first ten, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BadLines {
    first: Vec<BadLine>,
    count: u64,
}

impl BadLines {
    pub(super) fn add(&mut self, line: u64, what: impl Into<String>) {
        if self.count >= TOLD {
            self.count += 1;
            return;
        }
        let what = what.into();
        let bad = BadLine { line, what };
        // A definition is passed over first and read later.
        if !self.first.contains(&bad) {
            self.first.push(bad);
            self.first.sort_by_key(|bad| bad.line);
            self.count += 1;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The first bad lines, at most ten.
    pub fn first(&self) -> &[BadLine] {
        &self.first
    }

    /// How many bad lines there are.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.first.as_slice() {
            return write!(f, "{only}");
        }
        write!(f, "{} bad lines:", self.count)?;
        for bad in &self.first {
            write!(f, "\n  {bad}")?;
        }
        if self.count > TOLD {
            write!(f, "\n  and {} more", self.count - TOLD)?;
        }
        Ok(())
    }
}

impl std::error::Error for BadLines {}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad_lines(count: u64) -> BadLines {
        let mut bad = BadLines::default();
        for line in 1..=count {
            bad.add(line, "no address");
        }
        bad
    }

    #[test]
    fn one_is_told_in_one_line() {
        assert_eq!(bad_lines(1).to_string(), "line 1: no address");
    }

    #[test]
    fn the_first_ten_are_told_and_the_others_counted() {
        let text = bad_lines(12).to_string();
        assert!(
            text.starts_with("12 bad lines:\n  line 1: no address\n"),
            "{text}"
        );
        assert!(
            text.ends_with("\n  line 10: no address\n  and 2 more"),
            "{text}"
        );
    }
}
