//! The rules as `nft -a list ruleset` prints them, to be shown to people.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The text of each rule, by table (`inet filter`) and handle.
#[derive(Default)]
pub(super) struct Texts<'a>(BTreeMap<(&'a str, u64), Arc<str>>);

impl<'a> Texts<'a> {
    /// Reads what nft printed.
    pub fn read(listing: &'a str) -> Self {
        let mut texts = Self::default();
        let (mut table, mut so_far) = ("", Vec::new());
        for line in listing.lines() {
            let (text, handle) = match line.rsplit_once("# handle ") {
                Some((text, handle)) => (text.trim(), handle.trim().parse().ok()),
                None => (line.trim(), None),
            };
            if let Some(opened) = text.strip_suffix('{') {
                table = opened.trim().strip_prefix("table ").unwrap_or(table);
                so_far.clear();
            } else if let Some(handle) = handle {
                so_far.push(text);
                texts.0.insert((table, handle), so_far.join(" ").into());
                so_far.clear();
            } else if text.ends_with([';', '}']) {
                so_far.clear();
            } else {
                // A long set goes on in the next line.
                so_far.push(text);
            }
        }
        texts
    }

    /// The text of a rule.
    pub fn of(&self, table: &str, handle: u64) -> Arc<str> {
        let key = (table, handle);
        let found = self.0.get(&key).cloned();
        found.unwrap_or_else(|| format!("the rule with handle {handle}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn rules_are_found_by_their_handle() {
        let texts = Texts::read(
            "table inet filter { # handle 3\n\
             \tset bad { # handle 1\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n\n\
             \tchain input { # handle 2\n\
             \t\ttype filter hook input priority filter; policy drop;\n\
             \t\ttcp dport 22 accept # handle 4\n\
             \t\ttcp dport { 80,\n\t\t\t    443 } accept comment \"a # b\" # handle 5\n\
             \t}\n}\n",
        );
        assert_eq!(&*texts.of("inet filter", 4), "tcp dport 22 accept");
        let wrapped = "tcp dport { 80, 443 } accept comment \"a # b\"";
        assert_eq!(&*texts.of("inet filter", 5), wrapped);
        assert_eq!(&*texts.of("ip filter", 4), "the rule with handle 4");
    }
}
