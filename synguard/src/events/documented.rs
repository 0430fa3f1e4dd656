//! docs/events.md says what is so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::record::Told;
use super::{
    Attachment, Cause, Engaged, Event, Left, LiftReason, Lifted, Promoted, Rates, SCHEMA_VERSION,
};
use crate::challenge::Hindrance;
use crate::class::Class;

const DOCUMENTED: &str = include_str!("../../../docs/events.md");
/// The fields of all events.
const COMMON: [&str; 4] = ["schema_version", "time", "interface", "event"];

const RATES: Rates = Rates {
    syns_per_second: 5_000,
    new_sources_per_second: 4_990,
    handshakes_per_second: 3,
};

/// One of each.
fn every() -> Vec<Event> {
    let source = || "192.0.2.7".to_owned();
    let minute = Duration::from_secs(60);
    let (class, former_class) = (Class::Flood, Class::Scan);
    let all = vec![
        Event::Attached(Attachment {
            mode: "native",
            taken_over: false,
            dry_run: false,
            threshold_syns_per_second: 50,
            window: minute,
            ban: minute,
        }),
        Event::Detached {
            cause: Cause::Stopped,
        },
        Event::LeftInPlace {},
        Event::InterfaceGone { bans: 2 },
        Event::InterfaceBack {
            mode: "native",
            bans: 2,
            latency: Duration::from_millis(3),
        },
        Event::Promoted(Promoted {
            source: source(),
            class,
            ban: minute,
            dry_run: false,
            syns: 501,
            syns_per_second: 501,
            handshakes: 0,
            resets: 0,
            offence: 1,
            destination_ports: vec![25],
            distinct_ports: 1,
            source_port: Some(80),
            latency: None,
        }),
        Event::Lifted(Lifted {
            source: source(),
            rule: "ban",
            reason: LiftReason::Expired,
            handshakes: 0,
            hits: 7,
            dry_run: false,
        }),
        Event::ClassChanged {
            source: source(),
            former_class,
            class,
        },
        Event::SpoofedFloodBegun(RATES),
        Event::SpoofedFloodOver {
            lasted: minute,
            worst: RATES,
        },
        Event::ChallengesEngaged(Engaged {
            spoofed_flood: true,
            rates: RATES,
            listeners: 3,
            left_to_kernel: vec![Left {
                hindrance: Hindrance::Published,
                listeners: 1,
            }],
        }),
        Event::ChallengesDisengaged {
            reason: "the flood is over".to_owned(),
            lasted: minute,
            answered: 7,
        },
        Event::Reloaded {
            changed: Vec::new(),
            kept: Vec::new(),
            refused: None,
        },
        Event::PanicBegun {},
        Event::PanicOver {},
        Event::Confirmed {},
        Event::Omitted { events: 7 },
    ];
    all.iter().for_each(is_among_them);
    all
}

/// A new event has to be named above, too.
const fn is_among_them(event: &Event) {
    match event {
        Event::Attached(_)
        | Event::Detached { .. }
        | Event::LeftInPlace {}
        | Event::InterfaceGone { .. }
        | Event::InterfaceBack { .. }
        | Event::Promoted(_)
        | Event::Lifted(_)
        | Event::ClassChanged { .. }
        | Event::SpoofedFloodBegun(_)
        | Event::SpoofedFloodOver { .. }
        | Event::ChallengesEngaged(_)
        | Event::ChallengesDisengaged { .. }
        | Event::Reloaded { .. }
        | Event::PanicBegun {}
        | Event::PanicOver {}
        | Event::Confirmed {}
        | Event::Omitted { .. } => {}
    }
}

/// What stands in backquotes.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The documented fields of each event: rows of three cells, of which the first has its
/// name and the second its fields.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let rows = DOCUMENTED.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let (name, fields) = (cells.next()?, cells.next()?);
        Some((
            name.trim_end().trim_end_matches('`').to_owned(),
            quoted(fields),
        ))
    });
    let rows: Vec<_> = rows.collect();
    let known: BTreeMap<_, _> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), known.len(), "one is documented twice");
    known
}

#[test]
fn every_event_is_documented_with_its_fields() {
    let mut told = BTreeMap::new();
    for event in every() {
        let line = Told::new(UNIX_EPOCH, "eth0", &event).unwrap().line;
        let value: Value = serde_json::from_str(&line).unwrap();
        let fields = value.as_object().unwrap().keys();
        let own = fields.filter(|field| !COMMON.contains(&field.as_str()));
        let name = value["event"].as_str().unwrap().to_owned();
        told.insert(name, own.cloned().collect());
    }
    assert_eq!(documented(), told);
    assert!(DOCUMENTED.contains(&format!("`schema_version` ({SCHEMA_VERSION})")));
}
