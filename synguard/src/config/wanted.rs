//! The key `interfaces`: what to attach to where the command line names nothing. Pure.

use toml::Spanned;
use toml::de::{DeArray, DeString, DeValue};

use super::reader::{Reader, wrong_with_name};
use crate::interface::Pattern;

/// The key.
pub const INTERFACES: &str = "interfaces";

/// The interfaces that a file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names and globs, each once.
    pub patterns: Vec<Pattern>,
    /// Of the key, from 1.
    pub line: usize,
}

impl Wanted {
    /// As the file says it.
    pub fn shown(&self) -> String {
        let names: Vec<_> = self.patterns.iter().map(Pattern::as_str).collect();
        names.join(", ")
    }
}

impl Reader<'_> {
    /// Reads the key's value.
    pub(super) fn wanted(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Wanted> {
        let at = key.span().start;
        let list = match value.get_ref() {
            DeValue::Array(list) => list,
            DeValue::Table(_) => {
                let text = "`interfaces` is a list of names; for a section, did you mean \
                            `interface`? [interface.eth0]";
                self.fault(at, text.to_owned());
                return None;
            }
            _ => {
                let text = "`interfaces` is a list of names: interfaces = [\"eth0\", \"veth*\"]";
                self.fault(at, text.to_owned());
                return None;
            }
        };
        Some(Wanted {
            patterns: self.names(list),
            line: self.line(at),
        })
    }

    fn names(&mut self, list: &DeArray<'_>) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for item in list {
            let at = item.span().start;
            let Some(name) = item.get_ref().as_str() else {
                self.fault(
                    at,
                    "a name of an interface is a text, as \"eth0\"".to_owned(),
                );
                continue;
            };
            if let Some(wrong) = wrong_with_name(name) {
                self.fault(at, wrong);
                continue;
            }
            let pattern = Pattern::new(name);
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        patterns
    }
}
