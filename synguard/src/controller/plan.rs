//! What to change, given what is known. Pure: no maps, no clock, no log.

use ipnet::IpNet;
use synguard_common::abi::{Offences, Rule, SourceRecord, action, origin};
use synguard_common::decide::flagrant;
use synguard_common::ports;
use synguard_common::window::{Load, per_second};

use crate::clock::Clock;
use crate::rules::BLANK;
use crate::settings::Settings;

/// When to act and for how long, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// SYNs per window above which a source is an offender.
    pub limit: u64,
    /// The length of the window.
    pub window: u64,
    /// How long a first ban lasts.
    pub ban: u64,
    /// How long a ban lasts at most.
    pub max_ban: u64,
    /// How long after the last ban offences are forgotten.
    pub forget: u64,
    /// What a ban drops ([`synguard_common::abi::scope`]).
    pub scope: u8,
    /// Ticks per second.
    pub hz: u32,
}

impl Policy {
    /// What was given, in the clock's ticks.
    pub fn new(settings: &Settings, clock: &Clock) -> Self {
        Self {
            limit: settings.limit(),
            window: clock.ticks(settings.window),
            ban: clock.ticks(settings.ban_time),
            max_ban: clock.ticks(settings.max_ban_time),
            forget: clock.ticks(settings.forget_after),
            scope: settings.ban_scope.code(),
            hz: clock.hz,
        }
    }

    /// SYNs per second above which a source is an offender.
    pub fn syn_rate(&self) -> u32 {
        clamp(self.limit.saturating_mul(self.hz.into()) / self.window.max(1))
    }
}

/// What a source did in the window that got it banned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// SYNs in the window.
    pub syns: u64,
    /// The same, per second.
    pub syns_per_second: u64,
    /// How many of them became connections.
    pub handshakes: u64,
    /// RSTs that came back, since the source was first seen.
    pub resets: u64,
    /// Which ban of this source it is: 1 for the first.
    pub offence: u64,
    /// The most recent destination ports, at most four.
    pub destination_ports: Vec<u16>,
    /// A lower bound for how many destination ports there were.
    pub distinct_ports: u32,
    /// The source port, where it was always the same.
    pub source_port: Option<u16>,
}

/// A change of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Ban a source.
    Promote(IpNet, Rule, Evidence),
    /// End a rule before or at its time.
    Lift(IpNet, Rule, Lift),
}

/// Why a rule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lift {
    /// Its time is over.
    Expired,
    /// The source completed so many handshakes after all: a client in a hurry,
    /// banned before its first answers could arrive.
    CompletesHandshakes(u64),
}

/// How bad a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offender {
    /// Over its rate, but so little that a client may have sent all of it before
    /// the first answer reached it: worth another look in a second. Meanwhile the
    /// packet path stops what is over the rate.
    Suspect,
    /// Over its rate beyond doubt.
    Flagrant,
}

/// Whether a source is an offender, and what it did in the window that shows it.
pub fn judge(record: &SourceRecord, policy: &Policy, now: u64) -> Option<(Offender, Load)> {
    let load = record.load(now, policy.window);
    if !load.exceeds(policy.limit, policy.window) || load.completes_handshakes() {
        None
    } else if load.exceeds(flagrant(policy.limit), policy.window) && !has_clients(&load) {
        Some((Offender::Flagrant, load))
    } else {
        Some((Offender::Suspect, load))
    }
}

/// Whether so many handshakes came from there that somebody real is behind it: at
/// least one in eight of what got through. The packet path lets twice as many SYNs
/// through as are completed, so a client in a hurry is now and then just below half.
const fn has_clients(load: &Load) -> bool {
    load.handshakes.saturating_mul(8) >= load.passed
}

/// What a source was suspected for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// What it had done in the window by then.
    pub load: Load,
    /// How many handshakes it had completed in all by then.
    pub handshakes: u64,
}

/// Whether a suspect has meanwhile completed what had got through: it was a
/// client in a hurry.
pub const fn is_cleared(suspicion: &Suspicion, record: &SourceRecord, policy: &Policy) -> bool {
    let since = record.handshakes.saturating_sub(suspicion.handshakes);
    let load = Load {
        handshakes: suspicion
            .load
            .handshakes
            .saturating_add(since.saturating_mul(policy.window)),
        ..suspicion.load
    };
    load.completes_handshakes()
}

/// The ban of an offender for what it did, given its earlier ones.
pub fn ban(
    source: IpNet,
    record: &SourceRecord,
    load: &Load,
    offences: Option<Offences>,
    policy: &Policy,
    now: u64,
) -> Change {
    let offence = 1 + earlier(offences, policy, now);
    let evidence = Evidence {
        syns: load.syns / policy.window,
        syns_per_second: per_second(load.syns, policy.window, policy.hz),
        handshakes: load.handshakes / policy.window,
        resets: record.resets,
        offence,
        destination_ports: ports::recent(record.recent_ports).collect(),
        distinct_ports: record.port_set.count_ones(),
        source_port: record.constant_source_port(),
    };
    let rule = Rule {
        expires: now.saturating_add(length(offence, policy)),
        since: now,
        recent_ports: record.recent_ports,
        source_port: clamp(record.source_port),
        port_set: record.port_set,
        syns: clamp(evidence.syns),
        syns_per_second: clamp(evidence.syns_per_second),
        handshakes: clamp(record.handshakes.saturating_sub(evidence.handshakes)),
        action: action::BLOCK,
        scope: policy.scope,
        origin: origin::AUTOMATIC,
        ..BLANK
    };
    Change::Promote(source, rule, evidence)
}

/// Bans that are not forgotten yet.
fn earlier(offences: Option<Offences>, policy: &Policy, now: u64) -> u64 {
    match offences {
        Some(offences) if now < offences.until.saturating_add(policy.forget) => offences.count,
        _ => 0,
    }
}

/// Twice as long for every further offence, up to the longest.
fn length(offence: u64, policy: &Policy) -> u64 {
    let doublings = u32::try_from(offence.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
    policy.ban.saturating_mul(factor).min(policy.max_ban)
}

/// Whether a rule is over, given what is known of its source since.
pub fn lift(
    net: IpNet,
    rule: &Rule,
    record: Option<&SourceRecord>,
    policy: &Policy,
    now: u64,
) -> Option<Change> {
    if !rule.active(now) {
        return Some(Change::Lift(net, *rule, Lift::Expired));
    }
    if rule.origin != origin::AUTOMATIC || rule.action != action::BLOCK {
        return None;
    }
    // Of the SYNs in the window, at most the limit got through to be answered.
    let passed = u64::from(rule.syns).min(policy.limit);
    let since = record?
        .handshakes
        .saturating_sub(u64::from(rule.handshakes));
    (since * 2 >= passed.max(1)).then_some(Change::Lift(
        net,
        *rule,
        Lift::CompletesHandshakes(since),
    ))
}

fn clamp(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use synguard_common::abi::scope;

    const NOW: u64 = 1_000_000;
    const POLICY: Policy = Policy {
        limit: 50,
        window: 250,
        ban: 150_000,
        max_ban: 700_000,
        forget: 1_000_000,
        scope: scope::SYN,
        hz: 250,
    };

    fn source() -> IpNet {
        "5.39.90.132/32".parse().unwrap()
    }

    /// A source that sent `syns` in the window at `NOW`, `handshakes` of them
    /// completed.
    fn record(syns: u64, handshakes: u64) -> SourceRecord {
        SourceRecord {
            syns,
            handshakes,
            window_start: NOW - 10,
            recent_ports: ports::remember(ports::remember(0, 25), 443),
            port_set: ports::mark(ports::mark(0, 25), 443),
            source_port: ports::note_source_port(0, 80),
            ..SourceRecord::BLANK
        }
    }

    fn banned(record: &SourceRecord, offences: Option<Offences>) -> (Rule, Evidence) {
        let load = record.load(NOW, POLICY.window);
        match ban(source(), record, &load, offences, &POLICY, NOW) {
            Change::Promote(net, rule, evidence) if net == source() => (rule, evidence),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_source_over_its_rate_is_an_offender() {
        let judged = |syns| judge(&record(syns, 0), &POLICY, NOW).map(|(offender, _)| offender);
        assert_eq!(judged(50), None);
        assert_eq!(judged(51), Some(Offender::Suspect));
        assert_eq!(judged(500), Some(Offender::Suspect));
        assert_eq!(judged(501), Some(Offender::Flagrant));
    }

    #[test]
    fn a_ban_keeps_its_evidence() {
        let (rule, evidence) = banned(&record(51, 0), None);
        assert_eq!(rule.expires, NOW + POLICY.ban);
        assert_eq!(rule.scope, scope::SYN);
        assert_eq!(evidence.syns, 51);
        assert_eq!(evidence.syns_per_second, 51);
        assert_eq!(evidence.destination_ports, [443, 25]);
        assert_eq!(evidence.source_port, Some(80));
        assert_eq!(evidence.offence, 1);
    }

    #[test]
    fn a_client_that_completes_handshakes_is_no_offender() {
        assert_eq!(judge(&record(10_000, 9_990), &POLICY, NOW), None);
        assert_eq!(judge(&record(100, 50), &POLICY, NOW), None);
        assert!(judge(&record(100, 49), &POLICY, NOW).is_some());
    }

    #[test]
    fn a_client_is_not_blamed_for_what_was_dropped() {
        // 400 connections at once: 50 got through and were completed.
        let hurried = SourceRecord {
            dropped: 350,
            ..record(400, 50)
        };
        assert_eq!(judge(&hurried, &POLICY, NOW), None);
        let flooder = SourceRecord {
            dropped: 350,
            ..record(400, 24)
        };
        assert!(judge(&flooder, &POLICY, NOW).is_some());
    }

    #[test]
    fn a_suspect_is_cleared_by_completing_what_got_through() {
        // 50 of 120 got through before any answer could come.
        let then = SourceRecord {
            dropped: 70,
            ..record(120, 0)
        };
        let (_, load) = judge(&then, &POLICY, NOW).unwrap();
        let suspicion = Suspicion {
            load,
            handshakes: then.handshakes,
        };
        for (handshakes, cleared) in [(0, false), (24, false), (25, true), (50, true)] {
            let later = SourceRecord { handshakes, ..then };
            assert_eq!(
                is_cleared(&suspicion, &later, &POLICY),
                cleared,
                "{handshakes}"
            );
        }
    }

    #[test]
    fn a_client_in_a_hurry_is_only_suspected() {
        let judged = |handshakes| {
            let hurried = SourceRecord {
                dropped: 330,
                ..record(759, handshakes)
            };
            judge(&hurried, &POLICY, NOW).map(|(offender, _)| offender)
        };
        assert_eq!(judged(215), None);
        assert_eq!(judged(213), Some(Offender::Suspect));
        assert_eq!(judged(54), Some(Offender::Suspect));
        assert_eq!(judged(53), Some(Offender::Flagrant));
    }

    #[test]
    fn who_offends_again_is_banned_twice_as_long_up_to_a_limit() {
        let offences = |count| Some(Offences { count, until: NOW });
        let length = |count| banned(&record(51, 0), offences(count)).0.expires - NOW;
        assert_eq!(length(0), POLICY.ban);
        assert_eq!(length(1), 2 * POLICY.ban);
        assert_eq!(length(2), 4 * POLICY.ban);
        assert_eq!(length(3), POLICY.max_ban);
        assert_eq!(length(u64::MAX - 1), POLICY.max_ban);
    }

    #[test]
    fn offences_are_forgotten_after_a_quiet_time() {
        let ended = |until| {
            banned(&record(51, 0), Some(Offences { count: 5, until }))
                .1
                .offence
        };
        assert_eq!(ended(NOW - POLICY.forget + 1), 6);
        assert_eq!(ended(NOW - POLICY.forget), 1);
    }

    #[test]
    fn a_ban_is_lifted_when_its_time_is_over() {
        let (rule, _) = banned(&record(51, 0), None);
        assert_eq!(
            lift(source(), &rule, None, &POLICY, NOW + POLICY.ban - 1),
            None
        );
        assert_eq!(
            lift(source(), &rule, None, &POLICY, NOW + POLICY.ban),
            Some(Change::Lift(source(), rule, Lift::Expired))
        );
    }

    #[test]
    fn a_ban_is_lifted_when_the_source_proves_to_be_a_client() {
        let (rule, _) = banned(&record(51, 0), None);
        let lifted = |handshakes| {
            lift(
                source(),
                &rule,
                Some(&record(51, handshakes)),
                &POLICY,
                NOW + 1,
            )
        };
        assert_eq!(lifted(0), None);
        assert_eq!(lifted(24), None);
        assert_eq!(
            lifted(25),
            Some(Change::Lift(source(), rule, Lift::CompletesHandshakes(25)))
        );
    }

    #[test]
    fn old_handshakes_do_not_excuse_a_flood() {
        let old_customer = SourceRecord {
            window_handshakes: 10_000,
            ..record(10_060, 10_000)
        };
        let old_customer = SourceRecord {
            window_syns: 10_000,
            ..old_customer
        };
        assert!(judge(&old_customer, &POLICY, NOW).is_some());
        let (rule, _) = banned(&old_customer, None);
        assert_eq!(
            lift(source(), &rule, Some(&old_customer), &POLICY, NOW + 1),
            None
        );
    }

    #[test]
    fn what_a_person_said_is_not_lifted_by_handshakes() {
        let manual = Rule {
            action: action::BLOCK,
            origin: origin::MANUAL,
            ..BLANK
        };
        assert_eq!(
            lift(source(), &manual, Some(&record(100, 100)), &POLICY, NOW),
            None
        );
    }
}
