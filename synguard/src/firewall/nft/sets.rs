//! The named sets and maps of one table.

use std::collections::BTreeMap;

use serde_json::Value;

/// The named sets and maps of one table, by name.
#[derive(Default)]
pub(super) struct Sets<'a>(BTreeMap<&'a str, Set<'a>>);

struct Set<'a> {
    /// `None` where they were left out of the listing.
    elements: Option<&'a [Value]>,
    dynamic: bool,
}

impl<'a> Sets<'a> {
    /// Adds a `set` or `map` object. One that was asked for by itself is
    /// `whole`: that it shows no elements means that it has none.
    pub fn add(&mut self, object: &'a Value, whole: bool) {
        let Some(name) = object["name"].as_str() else {
            return;
        };
        let shown = object["elem"].as_array().map(Vec::as_slice);
        // Some versions of nft show only the timeout of a dynamic set.
        let dynamic = has(&object["flags"], "dynamic") || has(&object["flags"], "timeout");
        let elements = shown.or(whole.then_some(&[]));
        self.0.insert(name, Set { elements, dynamic });
    }

    /// The elements of a set, or the pairs of a map, if they are known.
    pub fn elements(&self, name: &str) -> Option<&'a [Value]> {
        self.0.get(name)?.elements
    }

    /// Whether packets may change it.
    pub fn is_dynamic(&self, name: &str) -> bool {
        self.0.get(name).is_none_or(|set| set.dynamic)
    }
}

/// Whether the elements of a set or map matter here: those with ports in their
/// keys, and those that lead to chains. The others may have millions.
pub(super) fn matters(object: &Value) -> bool {
    let kind = &object["type"];
    object["map"] == "verdict" || has(kind, "inet_service") || kind.get("typeof").is_some()
}

/// Whether it is this word, or a list with it: nft writes a list of one as either.
fn has(value: &Value, word: &str) -> bool {
    let in_list = |list: &Vec<Value>| list.iter().any(|item| item == word);
    value == word || value.as_array().is_some_and(in_list)
}
