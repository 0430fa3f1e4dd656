//! Sorting, filtering, selecting, pausing, and other interfaces.

use ratatui::crossterm::event::KeyCode;

use super::scene::{PLAIN, evening, press, report, rules, screen, source, tick, write};
use crate::top::{App, Effect, Event, Sort, State};

const WIDE: (u16, u16) = (80, 24);

fn sources(app: &App) -> Vec<&str> {
    app.rows.iter().map(|row| row.source.as_str()).collect()
}

#[test]
fn rules_and_sources_are_one_list() {
    let app = evening();
    let rows: Vec<_> = app
        .rows
        .iter()
        .map(|row| (row.source.as_str(), row.state, row.rate))
        .collect();
    assert_eq!(
        rows,
        [
            ("5.39.90.132", State::Banned, 2_000),
            ("37.187.112.166", State::Banned, 1_000),
            ("203.0.113.9", State::Limited, 140),
            ("198.51.100.1", State::Allowed, 9),
            ("2001:db8:c:1::/64", State::Counted, 2),
            ("198.51.100.0/24", State::Allowed, 0),
            ("192.0.2.1", State::Protected, 0),
        ]
    );
}

#[test]
fn s_sorts_by_each_column_in_turn() {
    let mut app = evening();
    let mut first = Vec::new();
    for _ in 0..5 {
        write(&mut app, "s");
        first.push((app.sort, sources(&app)[0].to_owned()));
    }
    let expected = [
        (Sort::Handshakes, "198.51.100.1"),
        (Sort::Left, "5.39.90.132"),
        (Sort::State, "5.39.90.132"),
        (Sort::Source, "5.39.90.132"),
        (Sort::Rate, "5.39.90.132"),
    ];
    assert_eq!(first, expected.map(|(sort, name)| (sort, name.to_owned())));
}

#[test]
fn a_filter_takes_addresses_prefixes_states_and_classes() {
    for (filter, expected) in [
        ("198.51.100.0/24", vec!["198.51.100.1", "198.51.100.0/24"]),
        ("198.51.100.7", vec!["198.51.100.0/24"]),
        ("2001:db8::/32", vec!["2001:db8:c:1::/64"]),
        ("REFLECTION", vec!["5.39.90.132", "37.187.112.166"]),
        ("limited", vec!["203.0.113.9"]),
        ("nothing", vec![]),
    ] {
        let mut app = evening();
        write(&mut app, &format!("/{filter}"));
        assert_eq!(sources(&app), expected, "{filter}");
        press(&mut app, KeyCode::Esc);
        assert_eq!(app.rows.len(), 7);
        write(&mut app, &format!("/{filter}"));
        press(&mut app, KeyCode::Enter);
        assert_eq!(sources(&app), expected, "{filter}");
        // Esc gives the filter up before it ends the view.
        assert_eq!(press(&mut app, KeyCode::Esc), None);
        assert_eq!(app.rows.len(), 7);
        assert_eq!(press(&mut app, KeyCode::Esc), Some(Effect::Quit));
    }
}

#[test]
fn a_filter_has_an_end_and_no_control_characters() {
    let mut app = evening();
    write(&mut app, &format!("/\u{7}\u{9b}{}", "1".repeat(100)));
    assert_eq!(app.filter, "1".repeat(43));
}

#[test]
fn the_selection_stays_with_its_source() {
    let mut app = evening();
    screen(&mut app, PLAIN, WIDE);
    for (key, expected) in [
        (KeyCode::Down, 1),
        (KeyCode::Down, 2),
        (KeyCode::Up, 1),
        (KeyCode::End, 6),
        (KeyCode::Down, 6),
        (KeyCode::Home, 0),
        (KeyCode::Up, 0),
        (KeyCode::PageDown, 6),
        (KeyCode::PageUp, 0),
    ] {
        press(&mut app, key);
        assert_eq!(app.cursor, expected, "{key:?}");
    }
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    let busiest = vec![
        source("198.51.100.9", 99_999, 0),
        source("203.0.113.9", 1, 0),
    ];
    app.handle(Event::Sources("eth0".to_owned(), busiest, 2));
    assert_eq!(app.row().unwrap().source, "203.0.113.9");
    app.handle(Event::Sources("eth0".to_owned(), Vec::new(), 0));
    assert!(
        app.row().is_some(),
        "nobody is selected where somebody could be"
    );
}

/// Who never moved the selection watches the top of the list.
#[test]
fn an_untouched_selection_stays_at_the_top() {
    let mut app = evening();
    app.handle(Event::Sources(
        "eth0".to_owned(),
        vec![source("198.51.100.9", 99_999, 0)],
        1,
    ));
    assert_eq!(app.row().unwrap().source, "198.51.100.9");
}

#[test]
fn a_pause_lets_nothing_move() {
    let mut app = evening();
    assert_eq!(write(&mut app, "p"), None);
    let before = screen(&mut app, PLAIN, WIDE);
    assert!(before.contains("| PAUSED |"), "{before}");
    tick(&mut app, 90);
    let after = screen(&mut app, PLAIN, WIDE);
    let below = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
    assert_eq!(below(&before), below(&after));
    assert_eq!(write(&mut app, " "), Some(Effect::Reread));
}

#[test]
fn what_is_left_runs_out_between_two_readings() {
    let mut app = evening();
    assert!(screen(&mut app, PLAIN, WIDE).contains("9m 20s"));
    tick(&mut app, 75);
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(
        shown.contains("9m 15s") && !shown.contains("9m 20s"),
        "{shown}"
    );
}

/// After a command the rules are read at once, which must not look like a flood.
#[test]
fn a_reading_soon_after_another_makes_no_rate() {
    let mut app = evening();
    app.handle(Event::Rules("eth0".to_owned(), rules(2_001)));
    assert_eq!(app.rows[0].rate, 2_000);
    tick(&mut app, 72);
    app.handle(Event::Rules("eth0".to_owned(), rules(3_000)));
    assert_eq!(app.rows[0].rate, 500);
}

#[test]
fn interfaces_are_switched_met_and_missed() {
    let mut app = evening();
    assert_eq!(press(&mut app, KeyCode::Tab), Some(Effect::Reread));
    assert!(screen(&mut app, PLAIN, WIDE).contains("wan1 | 2/2"));
    assert!(app.rows.is_empty());
    assert_eq!(write(&mut app, "1"), Some(Effect::Reread));
    assert_eq!(write(&mut app, "1"), None);
    assert_eq!(write(&mut app, "9"), None);
    let names = ["eth0", "eth9"].map(str::to_owned).to_vec();
    app.handle(Event::Attached(names));
    assert_eq!(write(&mut app, "3"), Some(Effect::Reread));
    assert!(screen(&mut app, PLAIN, WIDE).contains("eth9 | 3/3"));
    press(&mut app, KeyCode::BackTab);
    let gone = "wan1 is not attached: `synguard attach wan1` does it";
    app.handle(Event::State("wan1".to_owned(), Err(gone.to_owned())));
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(shown.contains("NOT READ: wan1 is not attached"), "{shown}");
    app.handle(Event::State(
        "wan1".to_owned(),
        Ok(Box::new(report("wan1", 1))),
    ));
    assert!(screen(&mut app, PLAIN, WIDE).contains("wan1: filtering"));
}

/// Each would be opened every second, and take a digit.
#[test]
fn who_is_gone_is_forgotten_unless_shown() {
    let mut app = evening();
    let names = |app: &App| -> Vec<String> {
        let names = app.faces.iter().map(|face| face.name.clone());
        names.collect()
    };
    let attached = |app: &mut App, names: &[&str]| {
        let names = names.iter().map(ToString::to_string).collect();
        app.handle(Event::Attached(names));
    };
    attached(&mut app, &["eth0", "wan1", "eth9"]);
    write(&mut app, "3");
    for name in ["eth0", "eth9", "wan1"] {
        let fault = Err("not read".to_owned());
        app.handle(Event::State(name.to_owned(), fault));
    }
    // What is still attached may be read again.
    attached(&mut app, &["wan1"]);
    assert_eq!(names(&app), ["wan1", "eth9"]);
    assert_eq!(app.face().name, "eth9");
    attached(&mut app, &["wan1", "eth0"]);
    assert_eq!(names(&app), ["wan1", "eth9", "eth0"]);
    write(&mut app, "1");
    attached(&mut app, &["wan1", "eth0"]);
    assert_eq!(names(&app), ["wan1", "eth0"]);
    assert_eq!(app.face().name, "wan1");
}

/// There may be millions of lines.
#[test]
fn lines_are_arranged_only_where_they_changed() {
    let mut app = evening();
    let busiest = || vec![source("198.51.100.9", 99_999, 0)];
    app.handle(Event::Sources("eth0".to_owned(), busiest(), 1));
    app.rows.clear();
    let state = Ok(Box::new(report("eth0", 1)));
    app.handle(Event::State("eth0".to_owned(), state));
    app.handle(Event::State(
        "wan1".to_owned(),
        Ok(Box::new(report("wan1", 1))),
    ));
    app.handle(Event::Rules("wan1".to_owned(), rules(1)));
    app.handle(Event::Sources("eth0".to_owned(), busiest(), 2));
    assert!(app.rows.is_empty(), "{:?}", app.rows);
    app.handle(Event::Sources("eth0".to_owned(), Vec::new(), 0));
    assert!(!app.rows.is_empty());
    let gone = Err("not attached".to_owned());
    app.handle(Event::State("eth0".to_owned(), gone));
    assert!(app.rows.is_empty(), "{:?}", app.rows);
}
