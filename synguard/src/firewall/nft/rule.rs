//! Rules of nftables, statement by statement.

use std::sync::Arc;

use serde_json::Value;

use super::compare;
use super::sets::Sets;
use super::subject::Subject;
use crate::firewall::condition::Condition;
use crate::firewall::packet::{Family, Field};
use crate::firewall::ruleset::{Action, Rule};

/// What a statement comes to.
enum Step {
    /// It asks something.
    Ask(Condition),
    /// It asks something, and then does something.
    Do(Condition, Action),
    /// It does one of several things.
    Choose(Vec<(Condition, Action)>),
}

/// The steps of a rule, in order. Statements after an action hold it back no
/// longer, so each action stands behind the conditions before it.
pub(super) fn steps(expressions: &[Value], text: &Arc<str>, sets: &Sets<'_>) -> Vec<Rule> {
    let mut asked = Vec::new();
    let mut rules = Vec::new();
    for expression in expressions {
        let Some((kind, inner)) = expression
            .as_object()
            .and_then(|object| object.iter().next())
        else {
            continue;
        };
        let choices = match step(kind, inner, sets) {
            Step::Ask(condition) => {
                asked.push(condition);
                continue;
            }
            Step::Do(condition, action) => {
                asked.push(condition);
                vec![(Condition::ALWAYS, action)]
            }
            Step::Choose(choices) => choices,
        };
        rules.extend(choices.into_iter().map(|(condition, action)| Rule {
            condition: Condition::All([&asked[..], &[condition]].concat()),
            action,
            text: Arc::clone(text),
        }));
    }
    rules
}

fn step(kind: &str, inner: &Value, sets: &Sets<'_>) -> Step {
    match kind {
        "match" => Step::Ask(compare::condition(inner, sets)),
        // Over the limit or not, it does not look at flags.
        "limit" | "quota" | "ct count" | "meter" => Step::Ask(Condition::OfConnection),
        "vmap" => Step::Choose(verdict_map(inner, sets)),
        // The set may be full, or the rate that it keeps be exceeded.
        "set" | "map" => Step::Do(Condition::OfConnection, remember(&inner[kind])),
        "dnat" | "redirect" | "tproxy" | "snat" | "masquerade" => {
            Step::Do(mapped(inner, sets), Action::Rewrite)
        }
        "mangle" => mangle(&inner["key"]),
        "counter" | "log" | "last" | "ct helper" | "ct timeout" | "ct expectation" | "secmark"
        | "flow" | "dup" | "reset" | "continue" | "comment" => Step::Ask(Condition::ALWAYS),
        _ => Step::Do(Condition::ALWAYS, verdict(kind, inner)),
    }
}

fn verdict(kind: &str, inner: &Value) -> Action {
    let target = || inner["target"].as_str().unwrap_or_default().to_owned();
    match kind {
        "accept" => Action::Accept,
        "drop" | "reject" => Action::Drop,
        "return" => Action::Return,
        "jump" => Action::Jump(target()),
        "goto" => Action::Goto(target()),
        "notrack" => Action::NoTrack,
        "synproxy" => Action::SynProxy,
        _ => Action::Opaque,
    }
}

fn remember(name: &Value) -> Action {
    Action::Remember(name.as_str().unwrap_or_default().to_owned())
}

fn mangle(key: &Value) -> Step {
    let action = if key["meta"]["key"] == "mark" {
        Action::Remember("mark".to_owned())
    } else if let Some(name @ ("mark" | "label")) = key["ct"]["key"].as_str() {
        Action::Remember(format!("ct {name}"))
    } else if rewrites(&key["payload"]) {
        Action::Rewrite
    } else {
        return Step::Ask(Condition::ALWAYS);
    };
    Step::Do(Condition::ALWAYS, action)
}

/// Whether a changed part of the packet is one that a cookie is made of.
fn rewrites(payload: &Value) -> bool {
    let changed = ["saddr", "daddr", "sport", "dport"];
    payload["base"].is_string() || changed.iter().any(|field| payload["field"] == *field)
}

fn verdict_map(inner: &Value, sets: &Sets<'_>) -> Vec<(Condition, Action)> {
    let subject = Subject::of(&inner["key"]);
    let Some(pairs) = pairs(&inner["data"], sets) else {
        return vec![(Condition::OfPacket, Action::Opaque)];
    };
    let is_rest = |pair: &&Value| pair[0] == "*";
    let named = pairs.iter().filter(|pair| !is_rest(pair));
    let mut choices: Vec<_> = named
        .map(|pair| (compare::is(&subject, &pair[0], sets), action_of(&pair[1])))
        .collect();
    let rest = pairs.iter().find(is_rest);
    choices.extend(rest.map(|pair| (subject.guard, action_of(&pair[1]))));
    choices
}

fn action_of(value: &Value) -> Action {
    match value.as_object().and_then(|object| object.iter().next()) {
        Some((kind, inner)) => verdict(kind, inner),
        None => Action::Opaque,
    }
}

/// The pairs of a map that is written out or named.
fn pairs<'a>(data: &'a Value, sets: &Sets<'a>) -> Option<&'a [Value]> {
    match data.as_str() {
        Some(name) => sets.elements(name.strip_prefix('@')?),
        None => data["set"].as_array().map(Vec::as_slice),
    }
}

/// Where the target comes from a map, the packet must be in it; and IPv4 packets
/// are not sent to IPv6 addresses.
fn mapped(inner: &Value, sets: &Sets<'_>) -> Condition {
    let mut all: Vec<_> = ["addr", "port"]
        .iter()
        .filter_map(|part| inner.get(part)?.get("map"))
        .map(|map| in_map(map, sets))
        .collect();
    all.extend(match inner["family"].as_str() {
        Some("ip") => Some(Condition::is(Field::Family, Family::V4 as u32)),
        Some("ip6") => Some(Condition::is(Field::Family, Family::V6 as u32)),
        _ => None,
    });
    Condition::All(all)
}

fn in_map(map: &Value, sets: &Sets<'_>) -> Condition {
    let subject = Subject::of(&map["key"]);
    let Some(pairs) = pairs(&map["data"], sets) else {
        return Condition::OfConnection;
    };
    let keys = pairs
        .iter()
        .map(|pair| compare::is(&subject, &pair[0], sets));
    Condition::Any(keys.collect())
}
