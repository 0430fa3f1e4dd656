//! Values of nftables' JSON (libnftables-json(5)) as numbers.

use serde_json::Value;

use crate::firewall::packet::{Field, TCP, flag, state};

/// A protocol that is not TCP, whichever.
const OTHER_PROTOCOL: u32 = 255;

/// The number behind a value of a field; of several flags, all their bits.
/// `None` where it cannot be told.
pub(super) fn number(field: Field, value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|wide| u32::try_from(wide).ok()),
        Value::String(name) => symbol(field, name),
        Value::Array(flags) => union(field, flags),
        Value::Object(object) => union(field, object.get("|")?.as_array()?),
        Value::Bool(_) | Value::Null => None,
    }
}

fn union(field: Field, parts: &[Value]) -> Option<u32> {
    parts
        .iter()
        .try_fold(0, |bits, part| Some(bits | number(field, part)?))
}

fn symbol(field: Field, name: &str) -> Option<u32> {
    Some(match (field, name) {
        (Field::Family, "ip" | "ipv4") => 4,
        (Field::Family, "ip6" | "ipv6") => 6,
        (Field::Family, _) => 0,
        (Field::Protocol, "tcp") => TCP,
        (Field::Protocol, _) => OTHER_PROTOCOL,
        (Field::Flags, "fin") => flag::FIN,
        (Field::Flags, "syn") => flag::SYN,
        (Field::Flags, "rst") => flag::RST,
        (Field::Flags, "psh") => flag::PSH,
        (Field::Flags, "ack") => flag::ACK,
        (Field::Flags, "urg") => flag::URG,
        (Field::Flags, "ecn") => flag::ECE,
        (Field::Flags, "cwr") => flag::CWR,
        (Field::State, "invalid") => state::INVALID,
        (Field::State, "established") => state::ESTABLISHED,
        (Field::State, "related") => state::RELATED,
        (Field::State, "new") => state::NEW,
        (Field::State, "untracked") => state::UNTRACKED,
        (Field::Flags | Field::State | Field::Port, _) => return None,
    })
}
