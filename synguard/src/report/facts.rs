//! The facts of a report, one line each, as mail and Markdown both show them.

use std::time::SystemTime;

use super::finding::reasons;
use super::{Dossier, Evidence, Place, PortCount, RuleFact};
use crate::{address, text};

/// A name and what there is to say.
pub(super) type Fact = (&'static str, String);

/// What does not depend on who saw it.
pub(super) fn about_the_report(dossier: &Dossier) -> Vec<Fact> {
    vec![
        ("Report made", text::date(dossier.made_at)),
        ("Time zone", "UTC".to_owned()),
        ("Made by", format!("SynGuard {}", dossier.synguard_version)),
    ]
}

/// What was seen in one place.
pub(super) fn of_evidence(dossier: &Dossier, evidence: &Evidence) -> Vec<Fact> {
    let mut facts = vec![
        ("Source", source(dossier, evidence)),
        ("Source port", source_ports(evidence)),
        ("Protocol", "TCP, SYN set and ACK clear".to_owned()),
        ("Destination", destination(dossier)),
        ("Destination port", destination_ports(evidence)),
        ("First seen", text::date(evidence.first_seen)),
        ("Last seen", last_seen(evidence, dossier.made_at)),
        ("SYNs", syns(evidence)),
        ("Handshakes", format!("{} completed", evidence.handshakes)),
        ("RSTs back", evidence.resets.to_string()),
        (
            "Class",
            format!("{} ({})", evidence.class.label(), evidence.class.meaning()),
        ),
        ("Because of", reasons(evidence).join("; ")),
    ];
    let of_rule = |fact| rule(fact, evidence.place);
    facts.extend(evidence.rules.iter().map(of_rule));
    if evidence.offences > 0 {
        facts.push((bans(evidence.place), evidence.offences.to_string()));
    }
    facts.push((seen(evidence.place), evidence.seen_by.clone()));
    facts
}

const fn bans(place: Place) -> &'static str {
    match place {
        Place::Interface => "Bans so far",
        Place::Capture => "Would-be bans",
    }
}

const fn seen(place: Place) -> &'static str {
    match place {
        Place::Interface => "Seen on",
        Place::Capture => "Seen in",
    }
}

fn source(dossier: &Dossier, evidence: &Evidence) -> String {
    let counted = address::show(&evidence.source);
    if counted == dossier.source {
        counted
    } else {
        format!("{}, counted with all of {counted}", dossier.source)
    }
}

fn source_ports(evidence: &Evidence) -> String {
    match (
        evidence.source_ports.as_slice(),
        evidence.source_port_varies,
    ) {
        ([], _) => "not known".to_owned(),
        ([only], false) => format!("{}, always", only.port),
        (known, true) if !are_all(known, evidence.syns) => format!("{} and others", ports(known)),
        (known, _) => ports(known),
    }
}

fn destination(dossier: &Dossier) -> String {
    dossier
        .destination
        .map_or_else(|| "our server".to_owned(), |address| address.to_string())
}

fn destination_ports(evidence: &Evidence) -> String {
    let shown = ports(&evidence.destination_ports);
    let known = u32::try_from(evidence.destination_ports.len()).unwrap_or(u32::MAX);
    if evidence.distinct_destination_ports > known {
        format!(
            "{shown} and others, at least {} in all",
            evidence.distinct_destination_ports
        )
    } else {
        shown
    }
}

fn ports(counts: &[PortCount]) -> String {
    text::list(counts.iter().map(|count| match count.syns {
        Some(syns) => format!("{} ({})", count.port, text::count(syns, "SYN", "SYNs")),
        None => count.port.to_string(),
    }))
}

/// Whether these ports are those of all SYNs.
fn are_all(counts: &[PortCount], syns: u64) -> bool {
    let counted: Option<u64> = counts.iter().map(|count| count.syns).sum();
    counted == Some(syns)
}

fn last_seen(evidence: &Evidence, made_at: SystemTime) -> String {
    match evidence.present_syns_per_second {
        Some(rate) => format!(
            "{}, when this was written, at {rate} SYNs/s",
            text::date(made_at)
        ),
        None if evidence.misses_times() => format!(
            "{}, or later: SYNs that a ban drops are counted without their times",
            text::date(evidence.last_seen)
        ),
        None => text::date(evidence.last_seen),
    }
}

fn syns(evidence: &Evidence) -> String {
    let dropped = match evidence.place {
        Place::Interface if evidence.would_have_dropped == 0 => {
            format!("{} of them dropped by SynGuard", evidence.dropped)
        }
        _ => format!(
            "SynGuard dropped none, and would have dropped {}",
            evidence.would_have_dropped
        ),
    };
    format!(
        "{} ({dropped}), at least {} per second at the peak",
        evidence.syns, evidence.peak_syns_per_second
    )
}

fn rule(rule: &RuleFact, place: Place) -> Fact {
    let name = match (rule.action, rule.origin, rule.enforced) {
        ("allow", _, _) => "Allowed",
        (_, _, false) => "Would be banned",
        (_, "automatic", _) => "Banned",
        _ => "Blocked",
    };
    let until = rule.until.map_or_else(
        || "until removed".to_owned(),
        |until| format!("until {}", text::date(until)),
    );
    let scope = if rule.scope == "all" {
        "all packets"
    } else {
        "SYNs"
    };
    (
        name,
        format!(
            "{}, {scope}, since {}, {until}; {}{}",
            rule.prefix,
            text::date(rule.since),
            text::count(rule.hits, "packet", "packets"),
            match place {
                Place::Interface => " so far",
                Place::Capture => "",
            }
        ),
    )
}
