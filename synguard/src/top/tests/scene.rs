//! An interface under attack, and a person before it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use synguard_common::abi::{Rule, action, origin};

use crate::class::Class;
use crate::rules::BLANK;
use crate::status::{
    Challenges, Dropped, Evidence, Identity, Rates, Report, RuleEntry, SourceEntry, Spoofed,
    Threshold,
};
use crate::top::view::{self, Look};
use crate::top::{App, Effect, Event};

pub const PLAIN: Look = Look {
    ascii: true,
    colours: false,
};
pub const RICH: Look = Look {
    ascii: false,
    colours: true,
};

/// 2026-11-22T20:42:11Z.
fn date() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_380_131)
}

pub fn report(interface: &str, syns: u64) -> Report {
    Report {
        interface: interface.to_owned(),
        mode: "native",
        dry_run: false,
        panic: false,
        confirm_by: None,
        unconfirmed: false,
        in_place: Some(true),
        waiting: false,
        called: None,
        attached_at: "2026-11-22T20:41:01Z".to_owned(),
        uptime_seconds: 70,
        controller_pid: Some(21977),
        handshakes_counted: true,
        threshold: Threshold {
            syns_per_second: 50,
            window_seconds: 1.0,
            ban_seconds: 600,
        },
        packets: 50_000,
        syns: 40_000,
        dropped: Dropped {
            total: 33_042,
            by_reason: [("banned", 33_042)].into(),
        },
        passed: [].into(),
        rates: Rates {
            packets_per_second: 5_000,
            syns_per_second: syns,
            dropped_per_second: syns * 9 / 10,
            answered_per_second: 0,
            syns_passed_per_second: syns / 10,
            handshakes_per_second: 12,
        },
        spoofed: None,
        challenge: Challenges {
            mode: "off",
            engaged_since: None,
            obstacle: None,
            answered: 0,
            listeners: Vec::new(),
        },
        rules: Vec::new(),
        lists: Vec::new(),
        sources: Vec::new(),
        sources_tracked: 0,
        sources_capacity: 65_536,
    }
}

pub fn spoofed() -> Spoofed {
    Spoofed {
        since: "2026-11-22T20:41:30Z".to_owned(),
        syns_per_second: 9_000,
        new_sources_per_second: 8_900,
        handshakes_per_second: 3,
    }
}

pub fn ban(prefix: &str, hits: u64) -> RuleEntry {
    RuleEntry {
        prefix: prefix.to_owned(),
        action: "block",
        scope: "syn",
        origin: "automatic",
        reason: "reflection (the address is probably a spoofed victim): 503 SYNs/s to 80, 443, 25 \
                 from port 80, 0 handshakes, 0 RSTs back"
            .to_owned(),
        since: "2026-11-22T20:41:30Z".to_owned(),
        expires_in_seconds: Some(560),
        hits,
        evidence: Some(Evidence {
            class: Class::Reflection,
            syns: 503,
            syns_per_second: 503,
            handshakes: 0,
            resets: 0,
            offences: 1,
            destination_ports: vec![80, 443, 25],
            source_port: Some(80),
        }),
        identity: identity(action::BLOCK, origin::AUTOMATIC),
    }
}

/// That of a rule since always.
pub fn identity(action: u8, origin: u8) -> Identity {
    Identity::of(&Rule {
        action,
        origin,
        ..BLANK
    })
}

pub fn allowed(prefix: &str, origin: &'static str, reason: &str) -> RuleEntry {
    RuleEntry {
        prefix: prefix.to_owned(),
        action: "allow",
        scope: "syn",
        origin,
        reason: reason.to_owned(),
        since: "2026-11-22T20:41:01Z".to_owned(),
        expires_in_seconds: None,
        hits: 3,
        evidence: None,
        identity: identity(action::ALLOW, origin::MANUAL),
    }
}

pub fn source(name: &str, rate: u64, handshakes: u64) -> SourceEntry {
    SourceEntry {
        source: name.to_owned(),
        syns_per_second: rate,
        syns: rate * 3,
        dropped: 0,
        handshakes,
        resets: 0,
        busy_client: false,
        rule: None,
        rate_limited: false,
        class: None,
        completes: handshakes > 0,
        destination_ports: vec![443],
        source_port: None,
        first_seen: "2026-11-22T20:41:05Z".to_owned(),
        last_seen: "2026-11-22T20:42:10Z".to_owned(),
    }
}

/// The story's evening: two bans, a source over its rate, clients, and the gateway.
pub fn evening() -> App {
    let names = vec!["eth0".to_owned(), "wan1".to_owned()];
    let mut app = App::new(names, None, date());
    for second in 1..=70_u64 {
        tick(&mut app, second);
        let syns = if second < 40 { 40 } else { 4_000 + second };
        app.handle(Event::State(
            "eth0".to_owned(),
            Ok(Box::new(report("eth0", syns))),
        ));
        if second >= 69 {
            app.handle(Event::Rules(
                "eth0".to_owned(),
                rules((second - 69) * 2_000),
            ));
        }
    }
    let limited = SourceEntry {
        rate_limited: true,
        class: Some(Class::Flood),
        dropped: 90,
        ..source("203.0.113.9", 140, 0)
    };
    let sources = vec![
        limited,
        source("198.51.100.1", 9, 9),
        source("2001:db8:c:1::/64", 2, 0),
    ];
    app.handle(Event::Sources("eth0".to_owned(), sources, 1_234));
    app
}

pub fn rules(hits: u64) -> Vec<RuleEntry> {
    vec![
        ban("5.39.90.132", hits),
        ban("37.187.112.166", hits / 2),
        allowed("192.0.2.1", "protected", "default gateway"),
        allowed("198.51.100.0/24", "manual", "by hand"),
    ]
}

pub fn tick(app: &mut App, second: u64) {
    let since = Duration::from_secs(second);
    app.handle(Event::Tick(since, date() + since));
}

pub fn press(app: &mut App, code: KeyCode) -> Option<Effect> {
    app.handle(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

pub fn write(app: &mut App, text: &str) -> Option<Effect> {
    let presses = text.chars().map(|letter| press(app, KeyCode::Char(letter)));
    presses.last().flatten()
}

/// What a terminal of this size shows, without blanks at the ends of lines.
pub fn screen(app: &mut App, look: Look, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| view::draw(app, &look, frame))
        .unwrap();
    let buffer = terminal.backend().buffer().clone();
    let cells = buffer.content.chunks(usize::from(width));
    cells
        .map(|line| {
            let line: String = line.iter().map(|cell| cell.symbol()).collect();
            format!("{}\n", line.trim_end())
        })
        .collect()
}
