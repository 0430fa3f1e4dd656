//! Matches of iptables as conditions (iptables-extensions(8)).

use std::ops::RangeInclusive;

use super::words::Argument;
use crate::firewall::condition::Condition;
use crate::firewall::packet::{Field, TCP, flag, state};

/// Matches that look at nothing in which a SYN and the ACK after it differ.
const OF_CONNECTION: [&str; 25] = [
    "addrtype",
    "cgroup",
    "cluster",
    "connbytes",
    "connlimit",
    "cpu",
    "devgroup",
    "dscp",
    "geoip",
    "hashlimit",
    "hl",
    "iprange",
    "limit",
    "mac",
    "nfacct",
    "owner",
    "physdev",
    "pkttype",
    "policy",
    "rateest",
    "realm",
    "rpfilter",
    "socket",
    "statistic",
    "time",
];

/// Matches whose options are read one by one.
const READ: [&str; 10] = [
    "comment",
    "connmark",
    "conntrack",
    "mark",
    "multiport",
    "recent",
    "set",
    "state",
    "tcp",
    "udp",
];

/// What a match (`-m`) asks, whatever its options.
pub(super) fn of_module(module: &str) -> Condition {
    if READ.contains(&module) {
        Condition::ALWAYS
    } else if OF_CONNECTION.contains(&module) {
        Condition::OfConnection
    } else {
        Condition::OfPacket
    }
}

/// What one option asks. `module` is the match before it.
pub(super) fn of(argument: &Argument, module: &str) -> Condition {
    let value = argument.value();
    let asked = match argument.name.as_str() {
        "-p" => protocol(value),
        "-s" | "-d" | "-o" => Condition::OfConnection,
        "-i" if value == "lo" => Condition::NEVER,
        "-i" => Condition::OfConnection,
        "-f" => Condition::NEVER,
        _ => return by_module(argument, module),
    };
    asked.negated_if(argument.negated)
}

fn by_module(argument: &Argument, module: &str) -> Condition {
    let (name, value) = (argument.name.as_str(), argument.value());
    let asked = match (module, name) {
        ("tcp" | "multiport", "--dport" | "--dports") => ports(value),
        ("tcp" | "multiport", "--sport" | "--sports") => Condition::OfConnection,
        ("multiport", "--ports") => Condition::Any(vec![ports(value), Condition::OfConnection]),
        ("tcp", "--tcp-flags") => match &argument.values[..] {
            [looked_at, set] => tcp_flags(looked_at, set),
            _ => Condition::OfPacket,
        },
        ("tcp", _) => Condition::OfPacket,
        ("conntrack", "--ctstate") | ("state", "--state") => states(value),
        ("conntrack" | "state", _) => Condition::OfConnection,
        ("mark" | "connmark", _) => Condition::Recalls("mark".to_owned()),
        ("set", "--match-set") => Condition::Recalls(format!("set {value}")),
        ("set", _) => Condition::OfConnection,
        _ => return Condition::ALWAYS,
    };
    asked.negated_if(argument.negated)
}

fn protocol(value: &str) -> Condition {
    match value {
        "tcp" => Condition::is(Field::Protocol, TCP),
        "all" | "0" => Condition::ALWAYS,
        _ => match value.parse() {
            Ok(number) => Condition::is(Field::Protocol, number),
            Err(_) => Condition::NEVER,
        },
    }
}

/// `80,443,8000:8080`.
fn ports(list: &str) -> Condition {
    let ranges: Option<Vec<_>> = list.split(',').map(range).collect();
    ranges.map_or(Condition::OfConnection, |ranges| {
        Condition::field(Field::Port, ranges)
    })
}

fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let number = |text: &str| text.parse().ok();
    match text.split_once(':') {
        Some((first, last)) => Some(number(first)?..=number(last)?),
        None => number(text).map(|port| port..=port),
    }
}

fn tcp_flags(looked_at: &str, set: &str) -> Condition {
    match (bits(looked_at, tcp_flag), bits(set, tcp_flag)) {
        (Some(mask), Some(set)) => Condition::masked(Field::Flags, mask, vec![set..=set]),
        _ => Condition::OfPacket,
    }
}

fn states(list: &str) -> Condition {
    bits(list, conntrack_state).map_or(Condition::OfPacket, |bits| {
        Condition::any_bit(Field::State, bits)
    })
}

fn bits(list: &str, bit: fn(&str) -> Option<u32>) -> Option<u32> {
    list.split(',')
        .try_fold(0, |bits, name| Some(bits | bit(name)?))
}

fn tcp_flag(name: &str) -> Option<u32> {
    Some(match name {
        "FIN" => flag::FIN,
        "SYN" => flag::SYN,
        "RST" => flag::RST,
        "PSH" => flag::PSH,
        "ACK" => flag::ACK,
        "URG" => flag::URG,
        "ALL" => flag::FIN | flag::SYN | flag::RST | flag::PSH | flag::ACK | flag::URG,
        "NONE" => 0,
        _ => return None,
    })
}

fn conntrack_state(name: &str) -> Option<u32> {
    Some(match name {
        "INVALID" => state::INVALID,
        "ESTABLISHED" => state::ESTABLISHED,
        "RELATED" => state::RELATED,
        "NEW" => state::NEW,
        "UNTRACKED" => state::UNTRACKED,
        // Of connections that are sent elsewhere, or come from there.
        "DNAT" | "SNAT" => 0,
        _ => return None,
    })
}
