//! The file that is shipped says what is so.

use std::path::Path;

use super::{File, Given, INTERFACES, default_of, keys, resolve};
use crate::settings::{DEFAULT, Settings};

const SHIPPED: &str = include_str!("../../../contrib/synguard.toml");

fn uncommented() -> String {
    let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let lines = SHIPPED.lines().filter_map(|line| line.strip_prefix('#'));
    lines
        .filter(is_key)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn every_key_stands_there_with_its_default() {
    let text = uncommented();
    let file = File::parse(Path::new("x"), &text).unwrap();
    assert!(SHIPPED.contains(&format!("\n#{INTERFACES} = [")));
    let wanted = file.wanted.as_ref().map(|wanted| wanted.patterns.len());
    assert_eq!(wanted, Some(0));
    let (mut stand, mut known) = (Vec::from_iter(file.general.keys().cloned()), keys());
    stand.sort();
    known.sort();
    assert_eq!(stand, known);
    for (key, entry) in &file.general {
        // Unset is as `auto`, but on a veth.
        let default = default_of(key).unwrap_or_else(|| "auto".to_owned());
        assert_eq!(entry.value, default, "{key}");
    }
    let resolved = resolve(Some(&file), &Given::default(), None).unwrap();
    let expected = Settings {
        challenge: Some(DEFAULT.challenge()),
        ..DEFAULT
    };
    assert_eq!(resolved.settings, expected);
}

#[test]
fn as_it_is_it_changes_nothing() {
    let file = File::parse(Path::new("x"), SHIPPED).unwrap();
    assert!(file.general.is_empty() && file.interfaces.is_empty() && file.wanted.is_none());
}
