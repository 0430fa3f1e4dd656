//! The one decision function.

use core::cell::Cell;

use crate::abi::{LiveRecord, LiveRule, Settings, action, origin, scope};
use crate::packet::{Packet, Segment, Syn};
use crate::source::Address;
use crate::verdict::{Decision, Reason};

/// The state that decisions read and write: BPF maps in the kernel, ordinary
/// maps in tests and in replay.
pub trait Tables {
    /// The rule for exactly this source.
    fn exact(&self, source: Address) -> Option<&LiveRule>;
    /// The rule with the longest prefix that holds this address.
    fn prefix(&self, address: Address) -> Option<&LiveRule>;
    /// The record of this source, made at `now` where there is none. Nothing
    /// where the map cannot take it.
    fn record(&self, source: Address, now: u64) -> Option<&LiveRecord>;
    /// Adds to a counter that other CPUs add to.
    fn add(&self, counter: &Cell<u64>, amount: u64);
    /// Tells the controller that this source is over its rate.
    fn report(&self, source: Address, now: u64);
}

/// Decides about a packet at `now`, in ticks, and notes in `tables` what it saw.
#[inline(always)]
pub fn decide<T: Tables>(packet: Packet, now: u64, settings: &Settings, tables: &T) -> Decision {
    let reason = match packet {
        Packet::Opaque(reason) => reason,
        Packet::Ip(address, Segment::Syn(syn)) => of_syn(address, syn, now, settings, tables),
        Packet::Ip(_, Segment::Other(reason)) if settings.all_rules == 0 => reason,
        Packet::Ip(address, Segment::Other(reason)) => {
            of_other(address, now, settings, tables).unwrap_or(reason)
        }
    };
    Decision::new(reason, settings.dry_run != 0)
}

#[inline(always)]
fn of_syn<T: Tables>(
    address: Address,
    syn: Syn,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> Reason {
    let source = address.masked(&settings.mask);
    match governing_rule(address, source, now, settings, tables) {
        Some(rule) if rule.action == action::ALLOW => {
            tables.add(&rule.hits, 1);
            if let Some(record) = tables.record(source, now) {
                count(record, syn, now, settings, tables);
            }
            Reason::SynAllowed
        }
        Some(rule) => {
            tables.add(&rule.hits, 1);
            match rule.origin {
                origin::AUTOMATIC => Reason::DroppedBan,
                _ => Reason::DroppedRule,
            }
        }
        None => of_unruled_syn(source, syn, now, settings, tables),
    }
}

#[inline(always)]
fn of_unruled_syn<T: Tables>(
    source: Address,
    syn: Syn,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> Reason {
    let Some(record) = tables.record(source, now) else {
        return Reason::SynUncounted;
    };
    let window = count(record, syn, now, settings, tables);
    let load = window.load(now, settings.window, record.totals());
    if !load.exceeds(settings.limit, settings.window) {
        return Reason::SynCounted;
    }
    if load.completes_handshakes() {
        return Reason::SynBusy;
    }
    tables.add(&record.dropped, 1);
    if record.report_due(now, settings.hz) {
        tables.report(source, now);
    }
    Reason::DroppedRate
}

/// Adds a SYN to its source's record.
#[inline(always)]
fn count<T: Tables>(
    record: &LiveRecord,
    syn: Syn,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> crate::window::Window {
    let window = record.roll(now, settings.window);
    tables.add(&record.syns, 1);
    record.note(syn.source_port, syn.destination_port, now);
    window
}

/// The reason to drop a packet that is no SYN, if there is one.
#[inline(always)]
fn of_other<T: Tables>(
    address: Address,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> Option<Reason> {
    let source = address.masked(&settings.mask);
    let rule = governing_rule(address, source, now, settings, tables)?;
    if rule.action == action::ALLOW || rule.scope != scope::ALL {
        return None;
    }
    tables.add(&rule.hits, 1);
    Some(Reason::DroppedAll)
}

/// The rule that decides about an address, if any holds.
#[inline(always)]
fn governing_rule<'t, T: Tables>(
    address: Address,
    source: Address,
    now: u64,
    settings: &Settings,
    tables: &'t T,
) -> Option<&'t LiveRule> {
    let exact = tables.exact(source).filter(|rule| rule.active(now));
    let prefix_rules = match address {
        Address::V4(_) => settings.prefix_rules_v4,
        Address::V6(_) => settings.prefix_rules_v6,
    };
    if prefix_rules == 0 {
        return exact;
    }
    let prefix = tables.prefix(address).filter(|rule| rule.active(now));
    match (exact, prefix) {
        (Some(exact), Some(prefix)) => Some(stronger(exact, prefix)),
        (exact, prefix) => exact.or(prefix),
    }
}

/// What a person said beats an automatic ban; otherwise the longer prefix wins.
#[inline(always)]
const fn stronger<'r>(exact: &'r LiveRule, prefix: &'r LiveRule) -> &'r LiveRule {
    if exact.origin == origin::AUTOMATIC || prefix.prefix_len > exact.prefix_len {
        prefix
    } else {
        exact
    }
}
