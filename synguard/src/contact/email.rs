//! What others say, made fit to be shown and to be put into a header.

/// RFC 5321 section 4.5.3.1.3: a path of 256 octets, less its brackets.
const LONGEST: usize = 254;
/// Nobody needs more of a network's name.
const LONGEST_NAME: usize = 200;

/// A mailbox, without `mailto:`, or none: no spaces, no control or format characters,
/// nothing that a header would read as something else. Letters need not be ASCII
/// (RFC 6531).
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let scheme = text
        .get(..7)
        .filter(|it| it.eq_ignore_ascii_case("mailto:"));
    let address = &text[scheme.map_or(0, str::len)..];
    let (local, domain) = address.split_once('@')?;
    let fits = address.len() <= LONGEST
        && !local.is_empty()
        && local.chars().all(is_local)
        && domain.contains('.')
        && domain.split('.').all(is_label);
    fits.then(|| address.to_owned())
}

/// What follows the `@`.
pub fn domain(email: &str) -> &str {
    email.rsplit_once('@').map_or(email, |(_, domain)| domain)
}

/// A name in one line that only shows itself: no control characters, and none that
/// reorder what is beside them.
pub fn name(text: &str) -> Option<String> {
    let shown = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    let shown: String = shown
        .filter(|c| !is_hidden(*c))
        .take(LONGEST_NAME)
        .collect();
    let shown = shown.trim().to_owned();
    (!shown.is_empty()).then_some(shown)
}

/// `atext` of RFC 5322 section 3.2.3 with the dot, and letters of RFC 6531.
fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

/// Control characters, and format characters of the kinds of Unicode's Bidi_Control
/// and of zero width.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_taken_and_nothing_else() {
        for (text, expected) in [
            ("abuse@example.net", Some("abuse@example.net")),
            (" mailto:abuse@example.net\r\n", Some("abuse@example.net")),
            ("MAILTO:a+b@example.net", Some("a+b@example.net")),
            ("mißbrauch@müller.example", Some("mißbrauch@müller.example")),
            ("", None),
            ("abuse", None),
            ("@example.net", None),
            ("abuse@", None),
            ("abuse@localhost", None),
            ("abuse@example..net", None),
            ("abuse@-example.net", None),
            ("a@b@example.net", None),
            ("a b@example.net", None),
            ("abuse@example.net\nBcc: x@y.example", None),
            ("a@example.net, b@example.net", None),
            ("<abuse@example.net>", None),
            ("abuse@exam\u{202e}ple.net", None),
            ("\u{1b}[31mabuse@example.net", None),
        ] {
            assert_eq!(parse(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(parse(&format!("{}@example.net", "a".repeat(300))), None);
    }

    #[test]
    fn names_only_show_themselves() {
        for (text, expected) in [
            ("Réseau d’Exemple", Some("Réseau d’Exemple")),
            (" a\n\tb\u{1b}[31m ", Some("a  b[31m")),
            ("x\u{202e}y", Some("xy")),
            ("\u{200b} ", None),
        ] {
            assert_eq!(name(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_domain_follows_the_at() {
        assert_eq!(domain("abuse@example.net"), "example.net");
    }
}
