//! Records and rules, between copies and entries that others write too.
//!
//! Field by field, so that a new one cannot be forgotten.

use std::cell::Cell;

use synguard_common::abi::{LiveRecord, LiveRule, Rule, SourceRecord};

/// A rule as an entry.
pub fn live_rule(rule: &Rule) -> LiveRule {
    of_rule(rule, |word| Cell::new(*word))
}

/// A copy of a rule's entry.
pub fn plain_rule(rule: &LiveRule) -> Rule {
    of_rule(rule, Cell::get)
}

/// A copy of a record's entry.
pub fn plain_record(record: &LiveRecord) -> SourceRecord {
    of_record(record, Cell::get)
}

/// Writes a record's entry.
pub fn write_record(entry: &LiveRecord, record: &SourceRecord) {
    let SourceRecord {
        syns,
        dropped,
        handshakes,
        resets,
        first_seen,
        last_seen,
        window_start,
        window_syns,
        window_dropped,
        window_handshakes,
        recent_ports,
        port_set,
        previous_syns,
        previous_dropped,
        previous_handshakes,
        source_port,
        reported,
        #[cfg(feature = "other-layout")]
            padding: _,
    } = *record;
    entry.syns.set(syns);
    entry.dropped.set(dropped);
    entry.handshakes.set(handshakes);
    entry.resets.set(resets);
    entry.first_seen.set(first_seen);
    entry.last_seen.set(last_seen);
    entry.window_start.set(window_start);
    entry.window_syns.set(window_syns);
    entry.window_dropped.set(window_dropped);
    entry.window_handshakes.set(window_handshakes);
    entry.recent_ports.set(recent_ports);
    entry.port_set.set(port_set);
    entry.previous_syns.set(previous_syns);
    entry.previous_dropped.set(previous_dropped);
    entry.previous_handshakes.set(previous_handshakes);
    entry.source_port.set(source_port);
    entry.reported.set(reported);
}

fn of_rule<W, X>(rule: &Rule<W>, word: impl Fn(&W) -> X) -> Rule<X> {
    Rule {
        expires: rule.expires,
        since: rule.since,
        hits: word(&rule.hits),
        recent_ports: rule.recent_ports,
        port_set: rule.port_set,
        source_port: rule.source_port,
        holders: rule.holders,
        syns: rule.syns,
        syns_per_second: rule.syns_per_second,
        handshakes: rule.handshakes,
        action: rule.action,
        scope: rule.scope,
        origin: rule.origin,
        prefix_len: rule.prefix_len,
        #[cfg(feature = "other-layout")]
        padding: rule.padding,
    }
}

fn of_record<W, X>(record: &SourceRecord<W>, word: impl Fn(&W) -> X) -> SourceRecord<X> {
    SourceRecord {
        syns: word(&record.syns),
        dropped: word(&record.dropped),
        handshakes: word(&record.handshakes),
        resets: word(&record.resets),
        first_seen: word(&record.first_seen),
        last_seen: word(&record.last_seen),
        window_start: word(&record.window_start),
        window_syns: word(&record.window_syns),
        window_dropped: word(&record.window_dropped),
        window_handshakes: word(&record.window_handshakes),
        recent_ports: word(&record.recent_ports),
        port_set: word(&record.port_set),
        previous_syns: word(&record.previous_syns),
        previous_dropped: word(&record.previous_dropped),
        previous_handshakes: word(&record.previous_handshakes),
        source_port: word(&record.source_port),
        reported: word(&record.reported),
        #[cfg(feature = "other-layout")]
        padding: record.padding,
    }
}
