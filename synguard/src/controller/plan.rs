//! What to change, given what is known. Pure: no maps, no clock, no log.

use ipnet::IpNet;
use synguard_common::abi::{Rule, SourceRecord, action, origin, scope};
use synguard_common::ports;
use synguard_common::window::per_second;

use crate::rules::BLANK;

/// When to act and for how long, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// SYNs per window above which a source is an offender.
    pub limit: u64,
    /// The length of the window.
    pub window: u64,
    /// How long a ban lasts.
    pub ban: u64,
    /// Ticks per second.
    pub hz: u32,
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

/// Whether to ban a source, given the rule that already covers it.
pub fn promotion(
    source: IpNet,
    record: &SourceRecord,
    covering: Option<&Rule>,
    policy: &Policy,
    now: u64,
) -> Option<Change> {
    if covering.is_some_and(|rule| rule.active(now)) {
        return None;
    }
    let window = record.window(now, policy.window);
    let load = window.load(now, policy.window, record.totals());
    if !load.exceeds(policy.limit, policy.window) || load.completes_handshakes() {
        return None;
    }
    let evidence = Evidence {
        syns: load.syns / policy.window,
        syns_per_second: per_second(load.syns, policy.window, policy.hz),
        handshakes: load.handshakes / policy.window,
        destination_ports: ports::recent(record.recent_ports).collect(),
        distinct_ports: record.port_set.count_ones(),
        source_port: record.constant_source_port(),
    };
    let rule = Rule {
        expires: now.saturating_add(policy.ban),
        since: now,
        recent_ports: record.recent_ports,
        source_port: record.source_port,
        port_set: record.port_set,
        syns: clamp(evidence.syns),
        syns_per_second: clamp(evidence.syns_per_second),
        handshakes: clamp(record.handshakes),
        action: action::BLOCK,
        scope: scope::SYN,
        origin: origin::AUTOMATIC,
        ..BLANK
    };
    Some(Change::Promote(source, rule, evidence))
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

    const NOW: u64 = 1_000_000;
    const POLICY: Policy = Policy {
        limit: 50,
        window: 250,
        ban: 150_000,
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

    fn promoted(record: &SourceRecord, covering: Option<&Rule>) -> Option<(Rule, Evidence)> {
        match promotion(source(), record, covering, &POLICY, NOW)? {
            Change::Promote(net, rule, evidence) if net == source() => Some((rule, evidence)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_source_over_its_rate_is_promoted() {
        assert_eq!(promoted(&record(50, 0), None), None);
        let (rule, evidence) = promoted(&record(51, 0), None).unwrap();
        assert_eq!(rule.expires, NOW + POLICY.ban);
        assert_eq!(rule.scope, scope::SYN);
        assert_eq!(evidence.syns, 51);
        assert_eq!(evidence.syns_per_second, 51);
        assert_eq!(evidence.destination_ports, [443, 25]);
        assert_eq!(evidence.source_port, Some(80));
    }

    #[test]
    fn a_client_that_completes_handshakes_is_never_promoted() {
        assert_eq!(promoted(&record(10_000, 9_990), None), None);
        assert_eq!(promoted(&record(100, 50), None), None);
        assert!(promoted(&record(100, 49), None).is_some());
    }

    #[test]
    fn a_source_with_a_rule_is_left_to_it() {
        let rule = |action, expires| Rule {
            action,
            expires,
            ..BLANK
        };
        assert_eq!(
            promoted(&record(500, 0), Some(&rule(action::ALLOW, NOW + 1))),
            None
        );
        assert_eq!(
            promoted(&record(500, 0), Some(&rule(action::BLOCK, NOW + 1))),
            None
        );
        assert!(promoted(&record(500, 0), Some(&rule(action::ALLOW, NOW))).is_some());
    }

    #[test]
    fn a_ban_is_lifted_when_its_time_is_over() {
        let (rule, _) = promoted(&record(51, 0), None).unwrap();
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
        let (rule, _) = promoted(&record(51, 0), None).unwrap();
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
        let (rule, _) = promoted(&old_customer, None).unwrap();
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
