//! Matches of nftables as conditions.

use serde_json::Value;

use super::sets::Sets;
use super::subject::{Subject, What};
use super::value;
use crate::firewall::condition::Condition;
use crate::firewall::packet::Field;

/// What a match asks: `{"op": …, "left": …, "right": …}`.
pub(super) fn condition(inner: &Value, sets: &Sets<'_>) -> Condition {
    let subject = Subject::of(&inner["left"]);
    let right = &inner["right"];
    let op = inner["op"].as_str().unwrap_or_default();
    let asked = match (&subject.what, op) {
        (_, "==") => what_is(&subject.what, right, sets),
        (_, "!=") => what_is(&subject.what, right, sets).negated_if(true),
        (What::Field(field, mask), _) => compared(*field, *mask, op, right)
            .unwrap_or_else(|| what_is(&subject.what, right, sets)),
        _ => what_is(&subject.what, right, sets),
    };
    Condition::All(vec![subject.guard, asked])
}

/// That the subject is the value, or in the set.
pub(super) fn is(subject: &Subject, value: &Value, sets: &Sets<'_>) -> Condition {
    Condition::All(vec![
        subject.guard.clone(),
        what_is(&subject.what, value, sets),
    ])
}

/// Comparisons by order and by bits (libnftables-json(5): `in` holds where at
/// least one of the bits is set, and nft writes `!` where none is).
fn compared(field: Field, mask: u32, op: &str, right: &Value) -> Option<Condition> {
    let number = value::number(field, right)?;
    let below = |end: u32| match end.checked_sub(1) {
        Some(last) => vec![0..=last],
        None => vec![],
    };
    Some(match op {
        "<" => Condition::masked(field, mask, below(number)),
        "<=" => Condition::masked(field, mask, vec![0..=number]),
        ">" => Condition::masked(field, mask, vec![0..=number]).negated_if(true),
        ">=" => Condition::masked(field, mask, below(number)).negated_if(true),
        "in" => Condition::any_bit(field, mask & number),
        "!" => Condition::any_bit(field, mask & number).negated_if(true),
        _ => return None,
    })
}

fn what_is(what: &What, value: &Value, sets: &Sets<'_>) -> Condition {
    if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) {
        return in_named_set(what, name, sets);
    }
    match what {
        What::Unknown(condition) => condition.clone(),
        _ => match value.get("set").and_then(Value::as_array) {
            Some(elements) => one_of(what, elements, sets),
            None => is_element(what, value, sets),
        },
    }
}

fn in_named_set(what: &What, name: &str, sets: &Sets<'_>) -> Condition {
    let recalls = || Condition::Recalls(format!("@{name}"));
    match (what, sets.elements(name)) {
        // What packets put into a set is not what is there now.
        (What::Unknown(condition), _) => Condition::All(vec![condition.clone(), recalls()]),
        (_, Some(elements)) if !sets.is_dynamic(name) => one_of(what, elements, sets),
        _ => Condition::All(vec![what.any_value(), recalls()]),
    }
}

fn one_of(what: &What, elements: &[Value], sets: &Sets<'_>) -> Condition {
    let each = elements.iter();
    Condition::Any(
        each.map(|element| is_element(what, element, sets))
            .collect(),
    )
}

/// An element may be a value, a range, or a value with a counter or a comment;
/// of a map it is a pair.
fn is_element(what: &What, element: &Value, sets: &Sets<'_>) -> Condition {
    if let Some(inner) = element.pointer("/elem/val") {
        return is_element(what, inner, sets);
    }
    match what {
        What::Field(field, mask) => in_field(*field, *mask, element),
        What::Interface => match element.as_str() {
            Some("lo") => Condition::NEVER,
            _ => Condition::OfConnection,
        },
        What::Concat(parts) => match element.get("concat").and_then(Value::as_array) {
            Some(values) if values.len() == parts.len() => {
                let each = parts.iter().zip(values);
                Condition::All(each.map(|(part, value)| is(part, value, sets)).collect())
            }
            _ => what.any_value(),
        },
        What::Unknown(condition) => condition.clone(),
    }
}

fn in_field(field: Field, mask: u32, element: &Value) -> Condition {
    let number = |value| value::number(field, value);
    let range = match element.get("range") {
        Some(range) => number(&range[0]).zip(number(&range[1])),
        None => number(element).map(|value| (value, value)),
    };
    match range {
        Some((first, last)) => Condition::masked(field, mask, vec![first..=last]),
        None => What::Field(field, mask).any_value(),
    }
}
