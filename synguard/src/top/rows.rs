//! Rules and sources as one list, a line each.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use ipnet::IpNet;

use crate::address::parse_prefix;
use crate::class::Class;
use crate::status::{Identity, RuleEntry, SourceEntry};
use crate::text;

/// How the filter treats a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// By the controller.
    Banned,
    /// By a person or a list.
    Blocked,
    /// Over its rate: what is beyond it is dropped.
    Limited,
    /// Over its rate, and left alone as it completes its connections.
    Busy,
    /// Nothing is known for or against it.
    Counted,
    /// It completes its connections.
    Client,
    /// By a person.
    Allowed,
    /// This host depends on it.
    Protected,
}

impl State {
    /// In the list.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::Blocked => "blocked",
            Self::Limited => "limited",
            Self::Busy => "busy",
            Self::Counted => "counted",
            Self::Client => "client",
            Self::Allowed => "allowed",
            Self::Protected => "protected",
        }
    }

    /// What ends with it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Banned => "ban",
            _ => "block",
        }
    }

    fn of_rule(rule: &RuleEntry) -> Self {
        match (rule.action, rule.origin) {
            ("allow", "protected") => Self::Protected,
            ("allow", _) => Self::Allowed,
            (_, "automatic") => Self::Banned,
            _ => Self::Blocked,
        }
    }

    const fn of_source(source: &SourceEntry) -> Self {
        if source.rate_limited {
            Self::Limited
        } else if source.busy_client {
            Self::Busy
        } else if source.completes {
            Self::Client
        } else {
            Self::Counted
        }
    }
}

/// How long something still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// There is nothing that could end.
    Nothing,
    /// So many seconds from when it was read.
    Seconds(u64),
    /// Until somebody removes it.
    Forever,
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// An address or a prefix.
    pub net: IpNet,
    /// The same in words.
    pub source: String,
    /// How it is treated.
    pub state: State,
    /// The rule of its own, which can be ended.
    pub rule: Option<Identity>,
    /// Of what kind, where it is an offender.
    pub class: Option<Class>,
    /// SYNs per second; of what scope `all` blocks, packets.
    pub rate: u64,
    /// Completed.
    pub handshakes: u64,
    /// When its rule ends.
    pub left: Left,
    /// The evidence.
    pub why: String,
}

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Most SYNs per second first.
    #[default]
    Rate,
    /// Most handshakes first.
    Handshakes,
    /// What ends first comes first.
    Left,
    /// Offenders first.
    State,
    /// By address.
    Source,
}

impl Sort {
    /// The next one.
    pub const fn next(self) -> Self {
        match self {
            Self::Rate => Self::Handshakes,
            Self::Handshakes => Self::Left,
            Self::Left => Self::State,
            Self::State => Self::Source,
            Self::Source => Self::Rate,
        }
    }

    /// The order of two lines; never equal for two sources.
    pub fn compare(self, a: &Row, b: &Row) -> Ordering {
        let by_rate = || Reverse(a.rate).cmp(&Reverse(b.rate));
        let by_left = |row: &Row| (row.left == Left::Nothing, row.left);
        match self {
            Self::Rate => by_rate().then_with(|| a.state.cmp(&b.state)),
            Self::Handshakes => Reverse(a.handshakes).cmp(&Reverse(b.handshakes)),
            Self::Left => by_left(a).cmp(&by_left(b)),
            Self::State => a.state.cmp(&b.state).then_with(by_rate),
            Self::Source => Ordering::Equal,
        }
        .then_with(|| a.net.cmp(&b.net))
    }
}

/// Puts rules and sources together; `rates` are packets per second by the prefix of the
/// rule that decided them.
pub fn merge(
    rules: &[RuleEntry],
    sources: &[SourceEntry],
    rates: &HashMap<String, u64>,
) -> Vec<Row> {
    let mut rows: Vec<Row> = rules
        .iter()
        .filter_map(|rule| of_rule(rule, rates))
        .collect();
    let ruled: HashMap<IpNet, usize> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| (row.net, at))
        .collect();
    let mut others = Vec::new();
    for source in sources {
        let Ok(net) = parse_prefix(&source.source) else {
            continue;
        };
        match ruled.get(&net) {
            // What its rule decided is not in its record, and the other way round.
            Some(at) => {
                let row = &mut rows[*at];
                row.rate = row.rate.max(source.syns_per_second);
                row.handshakes = row.handshakes.max(source.handshakes);
            }
            None => others.push(of_source(net, source, governing(&rows, &net))),
        }
    }
    rows.extend(others);
    rows
}

/// The longest prefix with a rule around `net`.
fn governing<'r>(rules: &'r [Row], net: &IpNet) -> Option<&'r Row> {
    let around = rules.iter().filter(|row| row.net.contains(net));
    around.max_by_key(|row| row.net.prefix_len())
}

fn of_rule(rule: &RuleEntry, rates: &HashMap<String, u64>) -> Option<Row> {
    let evidence = rule.evidence.as_ref();
    Some(Row {
        net: parse_prefix(&rule.prefix).ok()?,
        source: rule.prefix.clone(),
        state: State::of_rule(rule),
        rule: Some(rule.identity),
        class: evidence.map(|evidence| evidence.class),
        rate: rates.get(&rule.prefix).copied().unwrap_or(0),
        handshakes: evidence.map_or(0, |evidence| evidence.handshakes),
        left: rule.expires_in_seconds.map_or(Left::Forever, Left::Seconds),
        why: format!(
            "{} since {} ({}), {}, {}",
            if rule.action == "allow" {
                "allowed"
            } else {
                "dropped"
            },
            rule.since,
            if rule.action == "allow" || rule.scope == "all" {
                "all traffic"
            } else {
                "new connections"
            },
            text::count(rule.hits, "packet", "packets"),
            rule.reason,
        ),
    })
}

fn of_source(net: IpNet, source: &SourceEntry, rule: Option<&Row>) -> Row {
    let around = rule.map_or_else(String::new, |row| {
        format!("{} with {}: ", row.state.label(), row.source)
    });
    Row {
        net,
        source: source.source.clone(),
        state: rule.map_or_else(|| State::of_source(source), |row| row.state),
        rule: None,
        class: source.class,
        rate: source.syns_per_second,
        handshakes: source.handshakes,
        left: Left::Nothing,
        why: format!(
            "{around}{} since {}, {} dropped, {}, {}, to {} from port {}",
            text::count(source.syns, "SYN", "SYNs"),
            source.first_seen,
            source.dropped,
            text::count(source.handshakes, "handshake", "handshakes"),
            text::count(source.resets, "RST", "RSTs"),
            text::list(&source.destination_ports),
            source
                .source_port
                .map_or_else(|| "varying".to_owned(), |port| port.to_string()),
        ),
    }
}

/// Whether a line is among those that the filter asks for: an address or a prefix that it
/// lies in or around, or a part of what stands in it.
pub fn matches(row: &Row, filter: &str) -> bool {
    if filter.is_empty() {
        return true;
    }
    let around = |net: IpNet| net.contains(&row.net) || row.net.contains(&net);
    if parse_prefix(filter).is_ok_and(around) {
        return true;
    }
    let filter = filter.to_lowercase();
    let class = row.class.map_or("", Class::label);
    let words = [row.source.as_str(), row.state.label(), class];
    words.iter().any(|word| word.contains(&filter))
}
