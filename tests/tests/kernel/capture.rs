//! Packets as the loaded program shows them: to a capture, and as evidence.

use synguard::capture::filter;
use synguard::dataplane::{Sandbox, Sizes};
use synguard::rules::BLANK;
use synguard_common::abi::{
    CaptureFilter, NEVER, Rule, SNAP, Sample, Settings, action, budget, missed, origin, scope,
    verdict,
};
use synguard_common::budget::Budget;
use synguard_common::verdict::{Reason, Verdict};

use crate::frames::*;
use crate::settings::{LIMIT, settings};

const SESSION: u64 = 0xcafe;
/// So many drops of a ban are evidence.
const FIRST: usize = 5;

/// A sandbox that shows what `wanted` wants of every reason, without end.
fn capturing(wanted: CaptureFilter) -> Sandbox {
    let mut sandbox = Sandbox::new(Sizes::default(), |clock| Settings {
        samples_until: NEVER,
        ..settings(clock)
    })
    .unwrap();
    sandbox.load_sample().unwrap();
    let plenty = Budget::new(1_000_000, 1_000_000, sandbox.clock().hz);
    let maps = sandbox.maps();
    let wanted = CaptureFilter {
        session: SESSION,
        ..wanted
    };
    maps.set_capture(wanted).unwrap();
    maps.set_budget(budget::CAPTURE, plenty).unwrap();
    maps.set_budget(budget::EVIDENCE, plenty).unwrap();
    sandbox
}

fn everything() -> CaptureFilter {
    filter(None, &Reason::ALL)
}

fn rule(sandbox: &mut Sandbox, rule: Rule) {
    let net = "5.39.90.132/32".parse().unwrap();
    sandbox.maps().insert_rule(&net, rule).unwrap();
}

fn ban() -> Rule {
    Rule {
        origin: origin::AUTOMATIC,
        ..BLANK
    }
}

fn captured(sandbox: &mut Sandbox) -> Vec<Sample> {
    let [captured, _] = sandbox.shown();
    captured
}

fn evidence(sandbox: &mut Sandbox) -> Vec<Sample> {
    let [_, evidence] = sandbox.shown();
    evidence
}

fn bytes(sample: &Sample) -> &[u8] {
    &sample.words.as_flattened()[..sample.captured as usize]
}

#[test]
fn every_length_is_shown_as_it_came() {
    let mut sandbox = capturing(everything());
    let long: Vec<u8> = (0..600_usize).map(|at| (at % 253) as u8).collect();
    for len in 14..long.len() {
        sandbox.run(&long[..len]).unwrap();
        let shown = captured(&mut sandbox);
        assert_eq!(shown.len(), 1, "{len} bytes");
        assert_eq!(bytes(&shown[0]), &long[..len.min(SNAP)], "{len} bytes");
        assert_eq!(shown[0].len as usize, len);
        assert_eq!(shown[0].session, SESSION);
    }
}

#[test]
fn what_is_decided_is_the_same_and_shown_with_it() {
    let all_traffic = Rule {
        scope: scope::ALL,
        ..BLANK
    };
    let allow = Rule {
        action: action::ALLOW,
        ..BLANK
    };
    let ack = Frame::ipv4(&Ipv4::default(), &tcp(ACK));
    for (rules, frame, reason) in [
        (None, syn_from(V4), Reason::SynCounted),
        (None, ack.clone(), Reason::NotSyn),
        (Some(ban()), syn_from(V4), Reason::DroppedBan),
        (Some(BLANK), syn_from(V4), Reason::DroppedRule),
        (Some(allow), syn_from(V4), Reason::SynAllowed),
        (Some(all_traffic), ack, Reason::DroppedAll),
    ] {
        let mut sandbox = capturing(everything());
        if let Some(rules) = rules {
            rule(&mut sandbox, rules);
        }
        let decision = sandbox.run(&frame.0).unwrap();
        assert_eq!(decision.reason, reason);
        assert_eq!(decision.verdict, reason.verdict());
        let [sample]: [Sample; 1] = captured(&mut sandbox).try_into().unwrap();
        assert_eq!(sample.reason, reason as u32);
        let dropped = decision.verdict == Verdict::Drop;
        let expected = if dropped {
            verdict::DROP
        } else {
            verdict::PASS
        };
        assert_eq!(sample.verdict, expected, "{reason:?}");
    }
}

#[test]
fn in_a_dry_run_nothing_is_dropped_and_the_reason_is_shown() {
    let mut sandbox = capturing(everything());
    let dry = Settings {
        dry_run: 1,
        ..sandbox.maps().settings().unwrap()
    };
    sandbox.maps().set_settings(dry).unwrap();
    rule(&mut sandbox, ban());
    assert_eq!(sandbox.run(&syn_from(V4).0).unwrap().verdict, Verdict::Pass);
    let [captured, evidence] = sandbox.shown();
    for shown in [captured, evidence] {
        assert_eq!(shown[0].reason, Reason::DroppedBan as u32);
        assert_eq!(shown[0].verdict, verdict::PASS);
    }
}

#[test]
fn the_state_of_the_source_is_shown() {
    let mut sandbox = capturing(everything());
    for _ in 0..LIMIT + 3 {
        sandbox.run(&syn_from(V4).0).unwrap();
    }
    let shown = captured(&mut sandbox);
    let window = sandbox.maps().settings().unwrap().window;
    for (sample, number) in shown.iter().zip(1_u64..) {
        let limit = u64::from(LIMIT);
        assert_eq!((sample.known, sample.syns), (1, number));
        assert_eq!(sample.dropped, number.saturating_sub(limit));
        // The window has only begun.
        assert_eq!(sample.load, number * window);
    }
    assert!(shown.windows(2).all(|pair| pair[0].nanos <= pair[1].nanos));
    sandbox.run(&[0; 60]).unwrap();
    assert_eq!(captured(&mut sandbox)[0].known, 0);
}

#[test]
fn a_capture_is_given_what_it_wants_and_no_more() {
    let net = "5.39.90.0/24".parse().unwrap();
    let mut sandbox = capturing(filter(Some(&net), &[Reason::SynCounted]));
    let ack = Frame::ipv4(&Ipv4::default(), &tcp(ACK));
    for (frame, expected) in [
        (syn_from(V4), 1),
        (syn_from([5, 39, 90, 1]), 1),
        (syn_from([5, 39, 91, 1]), 0),
        (ack, 0),
        (Frame::ipv6(&Ipv6::default(), &tcp(SYN)), 0),
    ] {
        sandbox.run(&frame.0).unwrap();
        assert_eq!(captured(&mut sandbox).len(), expected, "{frame:?}");
    }
    let missed = [missed::BUDGET, missed::FULL].map(|what| sandbox.maps().missed(what).unwrap());
    assert_eq!(missed, [0, 0]);
}

#[test]
fn without_a_capture_or_after_its_lease_nothing_is_shown() {
    let mut sandbox = capturing(everything());
    let now = sandbox.clock().now();
    for samples_until in [0, 1, now.saturating_sub(1)] {
        let settings = Settings {
            samples_until,
            ..sandbox.maps().settings().unwrap()
        };
        sandbox.maps().set_settings(settings).unwrap();
        let decision = sandbox.run(&syn_from(V4).0).unwrap();
        assert_eq!(decision.reason, Reason::SynCounted);
        assert_eq!(sandbox.shown().map(|shown| shown.len()), [0, 0]);
        // The filter need not look for a capture that was killed.
        assert_eq!(sandbox.maps().settings().unwrap().samples_until, 0);
    }
}

#[test]
fn what_is_beyond_the_budget_is_counted() {
    let mut sandbox = capturing(everything());
    // One in so long a time that no test takes it, and seven at once.
    let few = Budget {
        cost: 1 << 50,
        slack: 6 << 50,
        due: 0,
    };
    sandbox.maps().set_budget(budget::CAPTURE, few).unwrap();
    for _ in 0..LIMIT {
        sandbox.run(&syn_from(V4).0).unwrap();
    }
    assert_eq!(captured(&mut sandbox).len(), 7);
    let left_out = sandbox.maps().missed(missed::BUDGET).unwrap();
    assert_eq!(left_out, u64::from(LIMIT) - 7);
}

#[test]
fn what_finds_no_room_is_counted() {
    let mut sandbox = capturing(everything());
    let ack = Frame::ipv4(&Ipv4::default(), &tcp(ACK));
    let sent = 5_000;
    for _ in 0..sent {
        sandbox.run(&ack.0).unwrap();
    }
    let shown = captured(&mut sandbox).len() as u64;
    let lost = sandbox.maps().missed(missed::FULL).unwrap();
    assert!(shown > 1_000 && lost > 0, "{shown} and {lost}");
    assert_eq!(shown + lost, sent);
}

#[test]
fn the_first_drops_of_a_ban_are_evidence() {
    let mut sandbox = capturing(filter(None, &[Reason::NotIp]));
    rule(&mut sandbox, ban());
    for _ in 0..100 {
        sandbox.run(&syn_from(V4).0).unwrap();
    }
    let [captured, evidence] = sandbox.shown();
    assert!(captured.is_empty());
    assert_eq!(evidence.len(), FIRST);
    for sample in evidence {
        assert_eq!(sample.reason, Reason::DroppedBan as u32);
        assert_eq!(bytes(&sample), &syn_from(V4).0[..]);
    }
    // What a person blocked is none.
    let mut sandbox = capturing(everything());
    rule(&mut sandbox, BLANK);
    sandbox.run(&syn_from(V4).0).unwrap();
    assert_eq!(self::evidence(&mut sandbox), []);
}

#[test]
fn the_packet_that_a_source_is_reported_for_is_evidence() {
    let mut sandbox = capturing(filter(None, &[Reason::NotIp]));
    for number in 0..LIMIT * 2 {
        sandbox.run(&syn_from(V4).0).unwrap();
        let expected = usize::from(number == LIMIT);
        let evidence = evidence(&mut sandbox);
        assert_eq!(evidence.len(), expected, "SYN {number}");
        for sample in evidence {
            assert_eq!(sample.reason, Reason::DroppedRate as u32);
        }
    }
}
