//! What somebody probably meant by something that is no address.

use std::net::IpAddr;

/// How much of a line is shown: enough to recognise it.
const SHOWN: usize = 60;

/// Text from elsewhere, safe for a terminal: short, and without control characters.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == SHOWN {
            shown.push('…');
            break;
        }
        if character.is_ascii_graphic() || character.is_alphanumeric() || character == ' ' {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    shown
}

/// What is wrong with a text that is no address, where more can be said than that.
pub(super) fn of(text: &str) -> Option<String> {
    let shown = shown(text.as_bytes());
    if text.is_empty() {
        Some("an address is missing here".to_owned())
    } else if text.contains("://") {
        Some(format!(
            "{shown} is a web address: download what is there and import that"
        ))
    } else if starts_with_address(text) {
        Some(format!(
            "{shown} is more than one address or range: put each by itself, comments after #"
        ))
    } else if is_name(text) {
        Some(format!("{shown} is a name: write its addresses instead"))
    } else if shown != text {
        Some(format!("{shown} is no address, no prefix and no range"))
    } else {
        None
    }
}

fn starts_with_address(text: &str) -> bool {
    let mut words = text.split([' ', '\t', ',']);
    let first = words.next().and_then(|word| word.split('/').next());
    first.is_some_and(|word| word.parse::<IpAddr>().is_ok()) && words.next().is_some()
}

/// Whether this is a host name: the last part of an address is a number, that
/// of a name is not.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || ['.', '-', '_'].contains(&c);
    let (rest, last) = text
        .trim_end_matches('.')
        .rsplit_once('.')
        .unwrap_or_default();
    !rest.is_empty() && text.chars().all(allowed) && last.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_named() {
        let long = "x".repeat(1000);
        for (text, hint) in [
            ("", "missing"),
            ("https://example.org/drop.txt", "download"),
            ("example.org", "is a name"),
            ("mail.example.org.", "is a name"),
            ("192.0.2.1 example.org", "more than one"),
            ("192.0.2.0/24,198.51.100.1", "more than one"),
            ("foo\u{1b}[31m", "foo\\u{1b}[31m is no address"),
            (&long, "xxx… is no address"),
        ] {
            let told = of(text).unwrap();
            assert!(told.contains(hint), "{told}");
            assert!(told.len() < 200, "{told}");
        }
    }

    #[test]
    fn plain_mistakes_are_left_to_the_reader_of_addresses() {
        for text in ["192.0.2.1/24", "192.0.2.256", "0.0.0.0/0", "foo", "1"] {
            assert_eq!(of(text), None);
        }
    }
}
