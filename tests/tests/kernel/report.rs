//! What the maps tell of a source, and what it amounts to.

use ipnet::IpNet;
use synguard::dataplane::{Sandbox, Sizes};
use synguard::report::{Evidence, Finding, glance, on_interface};
use synguard::rules::BLANK;
use synguard_common::abi::{Offences, Rule, SourceRecord, SpoofedFlood, origin};
use synguard_common::ports;

use crate::settings::settings;

const SOURCE: &str = "5.39.90.132";

struct Maps(Sandbox);

impl Maps {
    fn new() -> Self {
        Self(Sandbox::new(Sizes::default(), settings).unwrap())
    }

    fn record(&mut self, record: SourceRecord) {
        let source = synguard::address::to_words(SOURCE.parse().unwrap());
        self.0.maps().set_sources(&[(source, record)]).unwrap();
    }

    fn ban(&mut self, rule: Rule) {
        let net = net(SOURCE);
        let rule = Rule {
            origin: origin::AUTOMATIC,
            ..rule
        };
        self.0.maps().insert_rule(&net, rule).unwrap();
    }

    fn offended(&mut self) {
        let source = synguard::address::to_words(SOURCE.parse().unwrap());
        let offences = Offences { until: 1, count: 2 };
        self.0.maps().set_offences(source, offences).unwrap();
    }

    fn evidence(&mut self, subject: &str) -> Option<Evidence> {
        let maps = self.0.maps();
        let first = glance(maps, &net(subject)).unwrap();
        let second = glance(maps, &net(subject)).unwrap();
        on_interface("eth0", maps, (&first, &second), Vec::new()).unwrap()
    }
}

fn net(text: &str) -> IpNet {
    synguard::address::parse_prefix(text).unwrap()
}

fn record() -> SourceRecord {
    let from = [40_000, 40_001]
        .into_iter()
        .fold(0, ports::note_source_port);
    SourceRecord {
        syns: 500,
        recent_ports: ports::remember(0, 25),
        port_set: ports::mark(0, 25),
        source_port: from,
        ..SourceRecord::BLANK
    }
}

#[test]
fn a_stranger_is_none() {
    assert!(Maps::new().evidence(SOURCE).is_none());
}

#[test]
fn a_client_did_nothing() {
    let mut maps = Maps::new();
    maps.record(SourceRecord {
        handshakes: 500,
        ..record()
    });
    let seen = maps.evidence(SOURCE).unwrap();
    assert_eq!(
        (seen.class, seen.syns, seen.handshakes),
        (Finding::Nothing, 500, 500)
    );
    assert_eq!(seen.present_syns_per_second, None);
}

#[test]
fn a_source_in_a_spoofed_flood_is_spoofed() {
    let mut maps = Maps::new();
    maps.record(record());
    let flood = SpoofedFlood {
        since: 1,
        ..SpoofedFlood::default()
    };
    maps.0.maps().set_flood(flood).unwrap();
    assert_eq!(maps.evidence(SOURCE).unwrap().class, Finding::Spoofed);
    // Who connects is somebody.
    maps.record(SourceRecord {
        handshakes: 1,
        ..record()
    });
    assert_eq!(maps.evidence(SOURCE).unwrap().class, Finding::Nothing);
}

#[test]
fn a_ban_tells_its_class_and_its_hits_count() {
    let mut maps = Maps::new();
    maps.record(record());
    let now = maps.0.clock().now();
    maps.ban(Rule {
        since: now,
        expires: now + 1_000_000,
        hits: 7_000,
        syns_per_second: 4_000,
        port_set: ports::mark(0, 25),
        source_port: u32::try_from(ports::note_source_port(0, 80)).unwrap(),
        ..BLANK
    });
    let seen = maps.evidence(SOURCE).unwrap();
    assert_eq!(seen.class, Finding::Reflection);
    assert_eq!((seen.syns, seen.dropped), (7_500, 7_000));
    assert_eq!(seen.peak_syns_per_second, 4_000);
    assert_eq!(seen.rules.len(), 1);
    assert_eq!(
        (seen.rules[0].origin, seen.rules[0].hits),
        ("automatic", 7_000)
    );
    let until = seen.rules[0].until.unwrap();
    assert!(until > seen.rules[0].since);
}

#[test]
fn a_ban_outlives_its_record() {
    let mut maps = Maps::new();
    let now = maps.0.clock().now();
    maps.ban(Rule {
        since: now,
        recent_ports: ports::remember(0, 443),
        port_set: ports::mark(0, 443),
        source_port: u32::try_from(ports::note_source_port(0, 80)).unwrap(),
        hits: 5,
        ..BLANK
    });
    let seen = maps.evidence(SOURCE).unwrap();
    assert_eq!(seen.destination_ports[0].port, 443);
    assert_eq!(seen.source_port(), Some(80));
    assert_eq!(seen.first_seen, seen.rules[0].since);
}

#[test]
fn after_a_ban_the_record_is_judged() {
    let mut maps = Maps::new();
    let ports = (1..=1000).fold(0, ports::mark);
    maps.record(SourceRecord {
        port_set: ports,
        ..record()
    });
    assert_eq!(maps.evidence(SOURCE).unwrap().class, Finding::Nothing);
    maps.offended();
    let seen = maps.evidence(SOURCE).unwrap();
    assert_eq!((seen.class, seen.offences), (Finding::Scan, 2));
}

#[test]
fn rules_that_cover_the_source_are_told() {
    let mut maps = Maps::new();
    maps.0
        .maps()
        .insert_rule(&net("5.39.0.0/16"), BLANK)
        .unwrap();
    maps.0.maps().insert_rule(&net("9.9.9.9"), BLANK).unwrap();
    let seen = maps.evidence(SOURCE).unwrap();
    let prefixes: Vec<_> = seen.rules.iter().map(|rule| rule.prefix.as_str()).collect();
    assert_eq!(prefixes, ["5.39.0.0/16"]);
    // What the whole prefix sent is not this source's doing.
    assert_eq!((seen.class, seen.syns), (Finding::Nothing, 0));
}

#[test]
fn an_ipv6_source_is_its_prefix_and_a_wider_one_is_refused() {
    let mut maps = Maps::new();
    let words = synguard::address::to_words("2a00:1:2:3::".parse().unwrap());
    maps.0.maps().set_sources(&[(words, record())]).unwrap();
    for subject in ["2a00:1:2:3::7", "2a00:1:2:3::/64"] {
        let seen = maps.evidence(subject).unwrap();
        assert_eq!((seen.source, seen.syns), (net("2a00:1:2:3::/64"), 500));
    }
    let refused = glance(maps.0.maps(), &net("2a00:1:2::/48")).unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("many sources"), "{refused}");
}
