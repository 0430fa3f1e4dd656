//! What is wrong with a file, and where.

use std::path::Path;

use crate::{Error, text};

/// What is wrong in one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What, and what to do about it.
    pub text: String,
}

/// How alike two names must be for one to be meant by the other, as
/// [`strsim::jaro_winkler`] measures it: 1 is the same.
const ALIKE: f64 = 0.8;

/// The name that was probably meant, as a question.
pub(super) fn hint<'n>(found: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    // Whoever writes underscores means dashes.
    let found = found.replace('_', "-").to_lowercase();
    let likeness = |name: &&str| strsim::jaro_winkler(&found, name);
    let nearest = known
        .into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&nearest) >= ALIKE).then(|| format!("did you mean `{nearest}`?"))
}

/// All that is wrong, a line each, as an error.
pub(super) fn error(path: &Path, faults: &[Fault]) -> Error {
    let lines: Vec<_> = faults
        .iter()
        .map(|fault| (fault.line, text::plain(&fault.text)))
        .map(|(line, text)| format!("{}:{line}: {text}", path.display()))
        .collect();
    Error::Usage(lines.join("\n"))
}

/// The line, from 1, in which the byte at `offset` is.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_asked_for() {
        let known = ["syn-rate", "window", "ban-time"];
        for (found, meant) in [
            ("syn-rat", Some("syn-rate")),
            ("syn_rate", Some("syn-rate")),
            ("bantime", Some("ban-time")),
            ("Window", Some("window")),
            ("colour", None),
        ] {
            let meant = meant.map(|name| format!("did you mean `{name}`?"));
            assert_eq!(hint(found, known), meant, "{found}");
        }
    }

    #[test]
    fn lines_count_from_one() {
        let text = "a\nb\nc";
        assert_eq!([0, 1, 2, 4].map(|at| line_of(text, at)), [1, 1, 2, 3]);
    }
}
