//! What a match of nftables looks at.

use serde_json::Value;

use super::value;
use crate::firewall::condition::Condition;
use crate::firewall::packet::{Family, Field};

/// What a match looks at, and what must hold for there to be such a thing.
pub(super) struct Subject {
    /// nft adds these by itself, and does not print them: `udp dport` is only
    /// asked of UDP, `ip saddr` only of IPv4.
    pub guard: Condition,
    pub what: What,
}

/// What a match looks at.
pub(super) enum What {
    /// These bits of a field.
    Field(Field, u32),
    /// The interface that the packet came in by.
    Interface,
    /// Several at once.
    Concat(Vec<Subject>),
    /// Something that is not known: as this condition.
    Unknown(Condition),
}

impl From<What> for Subject {
    fn from(what: What) -> Self {
        Self {
            guard: Condition::ALWAYS,
            what,
        }
    }
}

impl Subject {
    /// Reads the left side of a match, or the key of a map.
    pub fn of(expression: &Value) -> Self {
        let Some((kind, inner)) = expression
            .as_object()
            .and_then(|object| object.iter().next())
        else {
            return What::Unknown(Condition::OfPacket).into();
        };
        let key = inner["key"].as_str().unwrap_or_default();
        match kind.as_str() {
            "payload" => payload(inner),
            "meta" => meta(key).into(),
            "ct" => ct(key).into(),
            "&" => masked(inner),
            "concat" => {
                let parts = inner.as_array().into_iter().flatten();
                What::Concat(parts.map(Self::of).collect()).into()
            }
            "fib" | "rt" | "ip option" | "exthdr" | "socket" | "ipsec" | "numgen" | "symhash" => {
                What::Unknown(Condition::OfConnection).into()
            }
            "jhash" => Self::of(&inner["expr"]).hashed(),
            _ => What::Unknown(Condition::OfPacket).into(),
        }
    }

    /// A hash tells connections apart, but is no value to compare with.
    fn hashed(self) -> Self {
        let what = What::Unknown(self.what.any_value());
        Self { what, ..self }
    }
}

impl What {
    /// That it is some value that cannot be told.
    pub fn any_value(&self) -> Condition {
        match self {
            Self::Field(Field::Flags | Field::State, _) => Condition::OfPacket,
            Self::Field(..) | Self::Interface => Condition::OfConnection,
            Self::Concat(parts) => {
                let each = parts.iter().map(|part| part.what.any_value());
                Condition::All(each.collect())
            }
            Self::Unknown(condition) => condition.clone(),
        }
    }
}

fn payload(inner: &Value) -> Subject {
    let field = inner["field"].as_str().unwrap_or_default();
    let (guard, what) = match inner["protocol"].as_str() {
        Some("tcp" | "th") => (Condition::ALWAYS, tcp(field)),
        Some("ip") => (Condition::is(Field::Family, Family::V4 as u32), ip(field)),
        Some("ip6") => (Condition::is(Field::Family, Family::V6 as u32), ip(field)),
        Some("ether" | "vlan") => (Condition::ALWAYS, What::Unknown(Condition::OfConnection)),
        // Another protocol than TCP.
        Some(_) => (Condition::NEVER, What::Unknown(Condition::OfPacket)),
        None => (Condition::ALWAYS, What::Unknown(Condition::OfPacket)),
    };
    Subject { guard, what }
}

fn tcp(field: &str) -> What {
    match field {
        "dport" => What::Field(Field::Port, u32::MAX),
        "flags" => What::Field(Field::Flags, u32::MAX),
        "sport" => What::Unknown(Condition::OfConnection),
        _ => What::Unknown(Condition::OfPacket),
    }
}

fn ip(field: &str) -> What {
    match field {
        "protocol" | "nexthdr" => What::Field(Field::Protocol, u32::MAX),
        "length" | "id" | "checksum" => What::Unknown(Condition::OfPacket),
        _ => What::Unknown(Condition::OfConnection),
    }
}

fn meta(key: &str) -> What {
    match key {
        "nfproto" | "protocol" => What::Field(Field::Family, u32::MAX),
        "l4proto" => What::Field(Field::Protocol, u32::MAX),
        "iif" | "iifname" => What::Interface,
        "mark" => What::Unknown(Condition::Recalls("mark".to_owned())),
        "length" => What::Unknown(Condition::OfPacket),
        _ => What::Unknown(Condition::OfConnection),
    }
}

fn ct(key: &str) -> What {
    match key {
        "state" => What::Field(Field::State, u32::MAX),
        "mark" | "label" => What::Unknown(Condition::Recalls(format!("ct {key}"))),
        _ => What::Unknown(Condition::OfConnection),
    }
}

fn masked(sides: &Value) -> Subject {
    let subject = Subject::of(&sides[0]);
    match subject.what {
        What::Field(field, _) => match value::number(field, &sides[1]) {
            Some(mask) => Subject {
                what: What::Field(field, mask),
                ..subject
            },
            None => subject.hashed(),
        },
        _ => subject.hashed(),
    }
}
