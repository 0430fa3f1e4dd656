//! What is seen.

use ratatui::crossterm::event::KeyCode;

use super::scene::{PLAIN, RICH, allowed, evening, press, report, screen, spoofed, write};
use crate::status::Report;
use crate::top::Event;

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);

const EVENING: &str = "
synguard top eth0 | 1/2 | filtering | controller | native              20:43:21Z
eth0: filtering, native mode, attached 2026-11-22T20:41:01Z (1m 10s ago),
  controller running (process 21977)
SYNs              4070/s  most      4070/s                                  %%%#
dropped           3663/s  most      3663/s                                  %%%#
SYNs passed        407/s  most       407/s                                  %%%#
handshakes          12/s  most        12/s                             #########
  SOURCE                       STATE     CLASS         SYN/S*  HANDSHAKE    LEFT
> 5.39.90.132                  banned    reflection      2000          0  9m 20s
  37.187.112.166               banned    reflection      1000          0  9m 20s
  203.0.113.9                  limited   flood            140          0       -
  198.51.100.1                 allowed   -                  9          9       -
  2001:db8:c:1::/64            counted   -                  2          0       -
  198.51.100.0/24              allowed   -                  0          0 forever
  192.0.2.1                    protected -                  0          0 forever




5.39.90.132: dropped since 2026-11-22T20:41:30Z (new connections), 2000 packets,
  reflection (the address is probably a spoofed victim): 503 SYNs/s to 80, 443,
  25 from port 80, 0 handshakes, 0 RSTs back
7 lines; 1234 sources are known, the busiest are shown
q quit  p pause  s sort  / filter  b block  a allow  u unblock  Tab next  ? help
";

#[test]
fn an_evening_fits_the_smallest_usual_terminal() {
    let shown = screen(&mut evening(), PLAIN, SMALL);
    assert_eq!(shown, EVENING.trim_start_matches('\n'), "\n{shown}");
}

#[test]
fn a_large_terminal_shows_the_evidence_in_the_list() {
    let shown = screen(&mut evening(), RICH, LARGE);
    let ban = shown
        .lines()
        .find(|line| line.contains("37.187.112.166 "))
        .unwrap();
    assert!(
        ban.contains("reflection      1000          0  9m 20s  dropped since"),
        "{ban}"
    );
    assert!(shown.contains('\u{2588}'), "no sparkline: {shown}");
}

#[test]
fn nothing_but_ascii_where_nothing_else_is_understood() {
    for size in [SMALL, LARGE, (40, 10)] {
        for keys in ["", "?", "b"] {
            let mut app = evening();
            write(&mut app, keys);
            let shown = screen(&mut app, PLAIN, size);
            assert!(shown.is_ascii(), "{shown}");
        }
    }
}

/// `status` says the same, with more.
#[test]
fn no_control_character_gets_into_status() {
    let mut report = report("w\u{1b}[31mx", 9);
    report.called = Some("\u{9b}31m".to_owned());
    report.rules = vec![super::scene::ban("203.0.113.9\u{7}", 1)];
    let shown = crate::status::show(&report);
    let obeyed = |letter: char| letter.is_control() && letter != '\n';
    assert!(!shown.contains(obeyed), "{shown:?}");
    assert!(shown.lines().count() > 5, "{shown:?}");
    assert!(shown.starts_with("w\u{fffd}[31mx: filtering"), "{shown:?}");
}

/// What others named may hold what a terminal obeys.
#[test]
fn no_control_character_gets_through() {
    let mut app = evening();
    let mut rules = super::scene::rules(0);
    rules.push(allowed(
        "203.0.113.0/24",
        "manual",
        "by \u{1b}[2J\u{7}\u{9b}31m hand",
    ));
    app.handle(Event::Rules("eth0".to_owned(), rules));
    let evil = Err("\u{1b}]0;title\u{7} \u{202e}gone".to_owned());
    app.handle(Event::State("eth0".to_owned(), evil));
    for look in [PLAIN, RICH] {
        let shown = screen(&mut app, look, LARGE);
        let obeyed = |letter: char| letter.is_control() && letter != '\n';
        assert!(!shown.contains(obeyed), "{shown:?}");
        assert!(shown.contains("]0;title"), "{shown}");
    }
}

#[test]
fn a_terminal_that_is_too_small_is_told() {
    let shown = screen(&mut evening(), PLAIN, (40, 10));
    for words in ["40 columns and 10 lines", "60 and 16", "synguard status"] {
        let unbroken = shown.replace('\n', " ");
        assert!(unbroken.contains(words), "{shown}");
    }
    for size in [(1, 1), (60, 16), (61, 17), (79, 23), (500, 300)] {
        for keys in ["", "?", "b", "/x"] {
            let mut app = evening();
            write(&mut app, keys);
            screen(&mut app, PLAIN, size);
        }
    }
}

#[test]
fn the_flags_say_what_matters_most() {
    let base = || report("eth0", 9);
    for (report, flag, words) in [
        (
            Report {
                panic: true,
                dry_run: true,
                ..base()
            },
            "| PANIC |",
            "panic eth0 --over",
        ),
        (
            Report {
                dry_run: true,
                ..base()
            },
            "| DRY RUN |",
            "dry run, nothing is dropped",
        ),
        (
            Report {
                unconfirmed: true,
                dry_run: true,
                ..base()
            },
            "| NOT FILTERING |",
            "nobody confirmed",
        ),
        (
            Report {
                in_place: Some(false),
                ..base()
            },
            "| NOT FILTERING |",
            "attach it again",
        ),
        (
            Report {
                controller_pid: None,
                ..base()
            },
            "| NO CONTROLLER",
            "nobody new is banned",
        ),
        (
            Report {
                confirm_by: Some("2026-11-22T20:50:00Z".to_owned()),
                ..base()
            },
            "| TO BE CONFIRMED |",
            "detaches at 2026-11-22T20:50:00Z, unless `synguard confirm eth0` is said",
        ),
        (
            Report {
                spoofed: Some(spoofed()),
                ..base()
            },
            "| filtering |",
            "8900/s of them from sources not seen before",
        ),
    ] {
        let mut app = evening();
        app.handle(Event::State("eth0".to_owned(), Ok(Box::new(report))));
        let shown = screen(&mut app, PLAIN, SMALL);
        let unbroken = shown.replace("\n  ", " ");
        assert!(shown.lines().next().unwrap().contains(flag), "{shown}");
        assert!(unbroken.contains(words), "{shown}");
    }
}

/// However much there is to say, the list keeps some lines.
#[test]
fn words_leave_room_for_the_list() {
    let mut app = evening();
    let fault = "no end of words ".repeat(200);
    app.handle(Event::State("eth0".to_owned(), Err(fault)));
    app.handle(Event::Rules("eth0".to_owned(), super::scene::rules(0)));
    let shown = screen(&mut app, PLAIN, SMALL);
    assert!(
        shown.contains(".. and more: `synguard status eth0`"),
        "{shown}"
    );
    assert!(shown.contains("> 5.39.90.132"), "{shown}");
}

#[test]
fn help_names_the_keys_and_goes_again() {
    let mut app = evening();
    write(&mut app, "?");
    let shown = screen(&mut app, PLAIN, SMALL);
    for words in [
        "q, Esc, Ctrl-C",
        "banned: by the controller",
        "any key goes back",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    press(&mut app, KeyCode::Esc);
    assert!(!screen(&mut app, PLAIN, SMALL).contains("any key goes back"));
}

#[test]
fn an_empty_list_says_so() {
    let mut app = evening();
    write(&mut app, "/nothing-like-it");
    assert!(screen(&mut app, PLAIN, SMALL).contains("nothing matches the filter"));
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Tab);
    press(&mut app, KeyCode::Esc);
    assert!(screen(&mut app, PLAIN, SMALL).contains("nobody is banned, blocked or allowed"));
}
