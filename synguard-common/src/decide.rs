//! The one decision function.

use core::cell::Cell;

use crate::abi::{LivePressure, LiveRecord, LiveRule, Rule, Settings, action, origin, scope};
use crate::admit;
use crate::packet::{Packet, Ports, Segment};
use crate::source::Address;
use crate::verdict::{Decision, Reason};
use crate::window::Window;

/// The state that decisions read and write: BPF maps in the kernel, ordinary
/// maps in tests and in replay.
pub trait Tables {
    /// The rule for exactly this source.
    fn exact(&self, source: Address) -> Option<&LiveRule>;
    /// The rule with the longest prefix, of at most `longest` bits, that holds
    /// this address.
    fn prefix(&self, address: Address, longest: u32) -> Option<&LiveRule>;
    /// The record of this source, if it has one.
    fn known(&self, source: Address) -> Option<&LiveRecord>;
    /// Makes a record for this source. Nothing where the map cannot take it.
    fn create(&self, source: Address, now: u64) -> Option<&LiveRecord>;
    /// The pressure of new sources.
    fn pressure(&self) -> Option<&LivePressure>;
    /// A cell of the sketch; `place` is below [`crate::sketch::CELLS`].
    fn cell(&self, place: u32) -> Option<&Cell<u32>>;
    /// Adds to a counter that other CPUs add to.
    fn add(&self, counter: &Cell<u64>, amount: u64);
    /// Tells the controller that this source is over its rate.
    fn report(&self, source: Address, now: u64);
}

/// Decides about a packet at `now`, in ticks, and notes in `tables` what it saw.
#[inline(always)]
pub fn decide<T: Tables>(packet: Packet, now: u64, settings: &Settings, tables: &T) -> Decision {
    let source = packet.source;
    let reason = match packet.segment {
        Segment::Opaque(reason) => reason,
        Segment::Other(reason) if settings.all_rules == 0 => reason,
        Segment::Other(reason) => of_other(source, now, settings, tables).unwrap_or(reason),
        Segment::Syn(ports) => of_syn(source, ports, now, settings, tables),
    };
    Decision::new(reason, settings.dry_run != 0)
}

#[inline(always)]
fn of_syn<T: Tables>(
    address: Address,
    ports: Ports,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> Reason {
    let source = address.masked(&settings.mask);
    match governing_rule(address, source, now, settings, tables) {
        Some(rule) if origin::is_protection(rule.origin) => {
            tables.add(&rule.hits, 1);
            // Counted by itself and not with its prefix, which others share.
            of_unruled_syn(address, ports, now, settings, tables)
        }
        Some(rule) => {
            // Not counted for its source: an allowed address may share an IPv6
            // prefix with others, who shall not be banned for what it sends.
            tables.add(&rule.hits, 1);
            match (rule.action, rule.origin) {
                (action::ALLOW, _) => Reason::SynAllowed,
                (_, origin::AUTOMATIC) => Reason::DroppedBan,
                _ => Reason::DroppedRule,
            }
        }
        None => of_unruled_syn(source, ports, now, settings, tables),
    }
}

#[inline(always)]
fn of_unruled_syn<T: Tables>(
    source: Address,
    ports: Ports,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> Reason {
    let record = match admit::record(source, now, settings, tables) {
        Ok(record) => record,
        Err(reason) => return reason,
    };
    let window = count(record, ports, now, settings, tables);
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
    ports: Ports,
    now: u64,
    settings: &Settings,
    tables: &T,
) -> Window {
    let window = record.roll(now, settings.window);
    tables.add(&record.syns, 1);
    record.note(ports.source(), ports.destination(), now);
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
    let (prefix_rules, bits) = match address {
        Address::V4(_) => (settings.prefix_rules_v4, 32),
        Address::V6(_) => (settings.prefix_rules_v6, 128),
    };
    if prefix_rules == 0 {
        return exact;
    }
    match (exact, active_prefix(address, bits, now, tables)) {
        (Some(exact), Some(prefix)) => Some(stronger(exact, prefix)),
        (exact, prefix) => exact.or(prefix),
    }
}

/// How many rules whose time is over are looked behind for a wider one that
/// still holds. The controller removes them within a minute.
const STALE_RULES: usize = 4;

#[inline(always)]
fn active_prefix<T: Tables>(
    address: Address,
    bits: u32,
    now: u64,
    tables: &T,
) -> Option<&LiveRule> {
    let mut longest = bits;
    for _ in 0..STALE_RULES {
        let rule = tables.prefix(address, longest)?;
        if rule.active(now) {
            return Some(rule);
        }
        longest = u32::from(rule.prefix_len).checked_sub(1)?;
    }
    None
}

/// What a person said beats an automatic ban; otherwise the longer prefix wins.
#[inline(always)]
pub const fn stronger<'r, W>(exact: &'r Rule<W>, prefix: &'r Rule<W>) -> &'r Rule<W> {
    if exact.origin == origin::AUTOMATIC || prefix.prefix_len > exact.prefix_len {
        prefix
    } else {
        exact
    }
}
