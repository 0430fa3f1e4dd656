//! What `nft -j list ruleset` prints (libnftables-json(5)).

mod compare;
mod rule;
mod sets;
mod subject;
#[cfg(test)]
mod tests;
mod text;
mod value;

use std::collections::BTreeMap;

use serde_json::Value;

use super::packet::Family;
use super::ruleset::{Base, Hook, Table};
use sets::Sets;
use text::Texts;

/// What was printed, in pieces.
pub(super) struct Listing<'a> {
    /// By `nft -j -t list ruleset`: everything but the elements of named sets.
    pub ruleset: &'a Value,
    /// By `nft -j list set` and `list map`, for the [`wanted`] ones.
    pub sets: &'a [Value],
    /// By `nft -a -t -s list ruleset`, for people.
    pub text: &'a str,
}

/// A named set or map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SetName {
    /// `set` or `map`.
    kind: &'static str,
    family: String,
    table: String,
    name: String,
}

impl SetName {
    /// The command of nft that lists it.
    pub fn list_command(&self) -> [&str; 5] {
        ["list", self.kind, &self.family, &self.table, &self.name]
    }
}

/// The named sets and maps whose elements are needed and were left out.
pub(super) fn wanted(ruleset: &Value) -> Vec<SetName> {
    let sets = ["set", "map"].into_iter().flat_map(|kind| {
        let all = objects(ruleset, kind).filter(|object| sets::matters(object));
        all.filter(|object| object.get("elem").is_none())
            .map(move |object| (kind, object))
    });
    sets.map(|(kind, object)| {
        let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        SetName {
            kind,
            family: text("family"),
            table: text("table"),
            name: text("name"),
        }
    })
    .collect()
}

/// The tables with parts that nft cannot show: those that iptables made.
pub(super) fn opaque_tables(ruleset: &Value) -> Vec<String> {
    let mut names: Vec<_> = objects(ruleset, "rule")
        .filter(|rule| {
            expressions(rule)
                .iter()
                .any(|part| part.get("xt").is_some())
        })
        .map(table_of)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// All tables that TCP packets may come to.
pub(super) fn tables(listing: &Listing<'_>) -> Vec<Table> {
    let texts = Texts::read(listing.text);
    let mut tables: BTreeMap<String, Table> = objects(listing.ruleset, "table")
        .filter(|table| table["family"] != "arp")
        .filter_map(|table| {
            let name = format!("{} {}", table["family"].as_str()?, table["name"].as_str()?);
            let family = family(table["family"].as_str()?);
            Some((name.clone(), Table::new(name, family)))
        })
        .collect();
    for chain in objects(listing.ruleset, "chain") {
        if let Some((table, name)) = tables.get_mut(&table_of(chain)).zip(chain["name"].as_str()) {
            table.chain(name).base = base(chain);
        }
    }
    let sets = named_sets(listing);
    let none = Sets::default();
    for rule in objects(listing.ruleset, "rule") {
        let name = table_of(rule);
        if let Some((table, chain)) = tables.get_mut(&name).zip(rule["chain"].as_str()) {
            let text = texts.of(&name, rule["handle"].as_u64().unwrap_or_default());
            let sets = sets.get(&name).unwrap_or(&none);
            let steps = rule::steps(expressions(rule), &text, sets);
            table.chain(chain).rules.extend(steps);
        }
    }
    tables.into_values().collect()
}

fn named_sets<'a>(listing: &Listing<'a>) -> BTreeMap<String, Sets<'a>> {
    let mut sets: BTreeMap<String, Sets<'_>> = BTreeMap::new();
    let pieces = std::iter::once((listing.ruleset, false));
    for (piece, whole) in pieces.chain(listing.sets.iter().map(|set| (set, true))) {
        for object in ["set", "map"].iter().flat_map(|kind| objects(piece, kind)) {
            let own = sets.entry(table_of(object)).or_default();
            own.add(object, whole);
        }
    }
    sets
}

fn objects<'a>(listing: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = listing["nftables"].as_array().into_iter().flatten();
    all.filter_map(move |object| object.get(kind))
}

fn expressions(rule: &Value) -> &[Value] {
    rule["expr"].as_array().map_or(&[], Vec::as_slice)
}

/// `inet filter`.
fn table_of(object: &Value) -> String {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    format!("{} {}", text("family"), text("table"))
}

fn family(name: &str) -> Option<Family> {
    match name {
        "ip" => Some(Family::V4),
        "ip6" => Some(Family::V6),
        _ => None,
    }
}

fn base(chain: &Value) -> Option<Base> {
    Some(Base {
        hook: match chain["hook"].as_str()? {
            "ingress" => Hook::Ingress,
            "prerouting" => Hook::Prerouting,
            "input" => Hook::Input,
            "forward" => Hook::Forward,
            _ => return None,
        },
        priority: chain["prio"].as_i64().unwrap_or_default(),
        drops: chain["policy"] == "drop",
    })
}
