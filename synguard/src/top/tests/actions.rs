//! From a selected line to an order, and back to its outcome.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use synguard_common::abi::{Rule, action, origin};

use super::scene::{PLAIN, evening, press, screen, write};
use crate::Error;
use crate::rules::{BLANK, Scope};
use crate::status::Identity;
use crate::top::{App, Effect, Event, Order, Verb};

const WIDE: (u16, u16) = (80, 24);

/// Selects by filter, and presses a key.
fn about(source: &str, key: char) -> (App, Option<Effect>) {
    let mut app = evening();
    write(&mut app, &format!("/{source}"));
    press(&mut app, KeyCode::Enter);
    let effect = press(&mut app, KeyCode::Char(key));
    (app, effect)
}

fn asked(effect: Option<Effect>) -> Order {
    match effect {
        Some(Effect::Check(order)) => order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_block_is_asked_about_checked_and_carried_out() {
    let (mut app, effect) = about("203.0.113.9", 'b');
    let order = asked(effect);
    assert_eq!((order.verb, order.scope), (Verb::Block, Scope::Syn));
    assert_eq!(order.lasting, Some(Duration::from_secs(3600)));
    let shown = screen(&mut app, PLAIN, WIDE);
    for words in [
        "Block new connections from 203.0.113.9 on eth0 for 1h?",
        "as: synguard block 203.0.113.9 --for 1h --scope syn --iface eth0",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    // Nobody knows yet whether it would do harm.
    assert_eq!(write(&mut app, "y"), None);
    app.handle(Event::Checked(order.clone(), Ok(())));
    assert_eq!(write(&mut app, "y"), Some(Effect::Carry(order)));
    let outcome = Ok(vec![
        "eth0: blocked 203.0.113.9 (new connections) for 1h".to_owned(),
    ]);
    assert_eq!(app.handle(Event::Done(outcome)), Some(Effect::Reread));
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(shown.contains("\neth0: blocked 203.0.113.9"), "{shown}");
}

#[test]
fn duration_and_scope_are_chosen_and_checked_anew() {
    let (mut app, effect) = about("5.39.90.132", 'b');
    let first = asked(effect);
    let longer = asked(write(&mut app, "d"));
    assert_eq!(longer.lasting, Some(Duration::from_secs(86_400)));
    let wider = asked(write(&mut app, "s"));
    assert_eq!(wider.scope, Scope::All);
    // An answer to an earlier question is none to this one.
    app.handle(Event::Checked(first, Ok(())));
    assert_eq!(write(&mut app, "y"), None);
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(shown.contains("probably a spoofed victim's"), "{shown}");
    app.handle(Event::Checked(wider.clone(), Ok(())));
    assert_eq!(write(&mut app, "y"), Some(Effect::Carry(wider)));
}

#[test]
fn what_the_command_would_refuse_cannot_be_confirmed() {
    let (mut app, effect) = about("192.0.2.1", 'b');
    let refusal = "192.0.2.1 stays open: 192.0.2.1 is protected (default gateway)";
    app.handle(Event::Checked(asked(effect), Err(refusal.to_owned())));
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(shown.contains("REFUSED: 192.0.2.1 stays open"), "{shown}");
    assert_eq!(write(&mut app, "y"), None);
    assert_eq!(write(&mut app, "n"), None);
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(
        shown.contains("nothing was changed") && !shown.contains("REFUSED"),
        "{shown}"
    );
}

#[test]
fn ending_a_rule_fits_the_rule() {
    for (source, verb, words) in [
        ("5.39.90.132", Verb::Unblock, "banned anew, for longer"),
        ("192.0.2.1", Verb::Disallow, "This host depends on it"),
        (
            "198.51.100.0/24",
            Verb::Disallow,
            "End the allow of 198.51.100.0/24",
        ),
    ] {
        let (mut app, effect) = about(source, 'u');
        // The prefix comes with a source inside, which is busier.
        let effect = if source.contains('/') {
            press(&mut app, KeyCode::Down);
            write(&mut app, "u")
        } else {
            effect
        };
        assert_eq!(asked(effect).verb, verb);
        let shown = screen(&mut app, PLAIN, WIDE);
        assert!(shown.contains(words), "{shown}");
    }
    let (mut app, effect) = about("203.0.113.9", 'u');
    assert_eq!(effect, None);
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(
        shown.contains("! 203.0.113.9 has no rule of its own"),
        "{shown}"
    );
}

/// While the question stands, the rule may end and another one come in its place.
#[test]
fn only_the_rule_that_was_asked_about_is_ended() {
    let (_, effect) = about("5.39.90.132", 'u');
    let order = asked(effect);
    let seen = Rule {
        action: action::BLOCK,
        origin: origin::AUTOMATIC,
        ..BLANK
    };
    assert!(order.check_rule(Some(Identity::of(&seen))).is_ok());
    // The command says that there is nothing.
    assert!(order.check_rule(None).is_ok());
    for other in [
        Rule { since: 1, ..seen },
        Rule {
            origin: origin::MANUAL,
            ..seen
        },
        Rule {
            action: action::ALLOW,
            ..seen
        },
    ] {
        let refused = order.check_rule(Some(Identity::of(&other)));
        let Err(Error::Refused(words)) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            words.starts_with("5.39.90.132 has another rule by now"),
            "{words}"
        );
    }
}

#[test]
fn an_allow_says_that_it_ends_the_ban() {
    let (mut app, effect) = about("5.39.90.132", 'a');
    let order = asked(effect);
    assert_eq!((order.verb, order.lasting), (Verb::Allow, None));
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(shown.contains("Its ban ends"), "{shown}");
}

#[test]
fn who_may_not_write_is_told_so() {
    let mut app = evening();
    app.read_only = Some("opening /run/synguard: not permitted".to_owned());
    for key in ["b", "a", "u"] {
        assert_eq!(write(&mut app, key), None);
        let shown = screen(&mut app, PLAIN, WIDE);
        assert!(
            shown.contains("! read-only: opening /run/synguard"),
            "{shown}"
        );
        assert!(shown.contains("| read-only |"), "{shown}");
    }
}

#[test]
fn nothing_can_be_asked_about_nobody() {
    let (mut app, effect) = about("nobody-at-all", 'b');
    assert_eq!(effect, None);
    let shown = screen(&mut app, PLAIN, WIDE);
    assert!(shown.contains("! no line is selected"), "{shown}");
}

#[test]
fn control_c_ends_it_whatever_is_asked() {
    for keys in ["", "/12", "?", "b"] {
        let mut app = evening();
        write(&mut app, keys);
        let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(app.handle(Event::Key(key)), Some(Effect::Quit), "{keys}");
        let key = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
        assert_eq!(app.handle(Event::Key(key)), Some(Effect::Suspend), "{keys}");
    }
}
