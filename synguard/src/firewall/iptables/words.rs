//! The words of a line of `iptables-save`, and the options they make.

/// An option with its arguments: `! --dport 80`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub negated: bool,
    /// With its dashes.
    pub name: String,
    pub values: Vec<String>,
}

impl Argument {
    /// The first value.
    pub fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }
}

/// Splits a line at blanks; between double quotes, a backslash keeps the next
/// character from meaning anything (`xtables_save_string` in iptables).
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => word.get_or_insert_default().extend(letters.next()),
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The options of a line.
pub(super) fn arguments(line: &str) -> Vec<Argument> {
    let mut arguments: Vec<Argument> = Vec::new();
    let mut negated = false;
    for word in split(line) {
        if word == "!" {
            negated = true;
        } else if word.starts_with('-') && word.len() > 1 {
            arguments.push(Argument {
                negated,
                name: word,
                values: Vec::new(),
            });
            negated = false;
        } else if let Some(last) = arguments.last_mut() {
            last.values.push(word);
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        for (line, expected) in [
            ("-A INPUT -j DROP", vec!["-A", "INPUT", "-j", "DROP"]),
            (r#"--comment "a b" -j"#, vec!["--comment", "a b", "-j"]),
            (
                r#"--comment "say \"hi\" \\""#,
                vec!["--comment", r#"say "hi" \"#],
            ),
            (r#"--comment "" x"#, vec!["--comment", "", "x"]),
        ] {
            assert_eq!(split(line), expected);
        }
    }

    #[test]
    fn an_exclamation_mark_belongs_to_the_option_after_it() {
        let found = arguments("-p tcp ! --tcp-flags FIN,SYN SYN -j DROP");
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.negated, one.name.as_str(), one.values.join(" ")))
            .collect();
        let expected = [
            (false, "-p", "tcp".to_owned()),
            (true, "--tcp-flags", "FIN,SYN SYN".to_owned()),
            (false, "-j", "DROP".to_owned()),
        ];
        assert_eq!(shown, expected);
    }
}
