//! What a capture shows of a source, and what SynGuard would have made of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hashbrown::HashMap;

use super::{Evidence, Finding, Place, PortCount, RuleFact, Sample};
use crate::address;
use crate::class::Class;
use crate::controller::detection::TICK;
use crate::controller::plan::Lift;
use crate::replay::{Ban, Closeup, Outcome, Seen};

/// So many bans and destination ports are told one by one.
const TOLD: usize = 10;
/// So many source ports are: a host that connects has another one each time.
const SOURCE_PORTS: usize = 4;

/// The evidence of a replay that looked at the source closely; none where it sent no
/// SYN. `name` is that of the capture.
pub fn in_capture(name: &str, outcome: &Outcome) -> Option<Evidence> {
    let closeup = outcome.closeup.as_ref()?;
    let seen = closeup.seen.as_ref()?;
    let (first, last) = seen.stamps;
    let offences = outcome
        .bans_of(&closeup.source)
        .filter(|ban| is_offence(ban));
    let bans = outcome.bans_of(&closeup.source).take(TOLD);
    Some(Evidence {
        place: Place::Capture,
        seen_by: name.to_owned(),
        source: closeup.source,
        first_seen: date(first),
        last_seen: date(last),
        syns: seen.syns,
        dropped: 0,
        would_have_dropped: seen.dropped,
        peak_syns_per_second: seen.peak,
        present_syns_per_second: None,
        handshakes: seen.handshakes,
        resets: seen.resets,
        destination_ports: most_frequent(&seen.destination_ports, TOLD),
        distinct_destination_ports: distinct(&seen.destination_ports),
        source_ports: most_frequent(&seen.source_ports, SOURCE_PORTS),
        source_port_varies: seen.source_ports.len() > 1,
        class: class(closeup, seen, outcome),
        offences: offences.count() as u64,
        rules: bans
            .map(|ban| fact(ban, outcome.settings.syn_rate))
            .collect(),
        samples: seen.samples.iter().map(sample).collect(),
    })
}

/// That of its last ban; without one, what its SYNs amount to, in which doubt favours
/// who owns the address.
fn class(closeup: &Closeup, seen: &Seen, outcome: &Outcome) -> Finding {
    let syn_rate = outcome.settings.syn_rate;
    let bans = outcome.bans_of(&closeup.source);
    if let Some(ban) = bans.filter(|ban| is_offence(ban)).last() {
        return Class::of(&ban.rule, syn_rate).into();
    }
    if seen.dropped > 0 && seen.handshakes * 2 < seen.syns.saturating_sub(seen.dropped) {
        let rate = u32::try_from(seen.peak).unwrap_or(u32::MAX);
        let destinations = seen.port_set.count_ones();
        return Class::from_evidence(destinations, seen.source_port, rate, syn_rate).into();
    }
    if seen.handshakes == 0 && was_in_spoofed_flood(seen, outcome) {
        return Finding::Spoofed;
    }
    Finding::Nothing
}

/// A flood is noticed up to two looks after it began.
fn was_in_spoofed_flood(seen: &Seen, outcome: &Outcome) -> bool {
    let (first, last) = seen.stamps;
    outcome.floods.iter().any(|flood| {
        let ended_before = flood.until.is_some_and(|until| until < date(first));
        date(last) + 2 * TICK >= flood.since && !ended_before
    })
}

/// A client that was let in again is no offender.
fn is_offence(ban: &Ban) -> bool {
    !matches!(ban.ended, Some(Lift::CompletesHandshakes(_)))
}

fn most_frequent(counts: &HashMap<u16, u64>, most: usize) -> Vec<PortCount> {
    let mut counts: Vec<_> = counts.iter().map(|(port, syns)| (*port, *syns)).collect();
    counts.sort_unstable_by_key(|(port, syns)| (std::cmp::Reverse(*syns), *port));
    let count = |(port, syns)| PortCount {
        port,
        syns: Some(syns),
    };
    counts.into_iter().take(most).map(count).collect()
}

fn distinct(counts: &HashMap<u16, u64>) -> u32 {
    u32::try_from(counts.len()).unwrap_or(u32::MAX)
}

fn fact(ban: &Ban, syn_rate: u32) -> RuleFact {
    RuleFact {
        prefix: address::show(&ban.net),
        action: "block",
        scope: if ban.rule.scope == synguard_common::abi::scope::ALL {
            "all"
        } else {
            "syn"
        },
        origin: "automatic",
        reason: Class::of(&ban.rule, syn_rate).label().to_owned(),
        since: ban.since,
        until: Some(ban.until),
        hits: ban.rule.hits,
        enforced: false,
    }
}

fn sample((nanos, bytes): &(u64, Vec<u8>)) -> Sample {
    Sample {
        time: date(*nanos),
        bytes: bytes.clone(),
    }
}

fn date(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}
