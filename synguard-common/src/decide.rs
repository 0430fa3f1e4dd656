//! The one decision function.

use core::cell::Cell;

use crate::abi::{LivePressure, LiveRecord, LiveRule, Rule, Settings, action, origin, scope};
use crate::admit;
use crate::gate::{self, EXACT, PREFIX};
use crate::packet::{Packet, Ports, Segment};
use crate::repeat::{self, Kept};
use crate::source::Address;
use crate::verdict::{Decision, Reason};
use crate::window::Window;

/// The state that decisions read and write: BPF maps in the kernel, ordinary
/// maps in tests and in replay.
pub trait Tables {
    /// A word of the gates; `word` is below [`gate::WORDS`].
    fn gates(&self, word: u32) -> u64;
    /// A verdict that this CPU keeps; `place` is below [`repeat::PLACES`].
    fn kept(&self, place: u32) -> Option<&Kept>;
    /// The rule for exactly this source.
    fn exact(&self, source: Address) -> Option<&LiveRule>;
    /// The rule with the longest prefix, of at most `longest` bits, that holds
    /// this address.
    fn prefix(&self, address: Address, longest: u32) -> Option<&LiveRule>;
    /// A word of the filter before the records; `word` is below
    /// [`crate::known::WORDS`].
    fn known_bits(&self, word: u32) -> Option<&Cell<u64>>;
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
    /// Notes that the packet is one of the first that a ban drops.
    fn is_evidence(&self) {}
}

/// Decides about a packet at `now`, in ticks, and notes in `tables` what it saw.
#[inline(always)]
pub fn decide<T: Tables>(packet: Packet, now: u64, settings: &Settings, tables: &T) -> Decision {
    let source = packet.source;
    let reason = match packet.segment {
        Segment::Opaque(reason) => reason,
        Segment::Other(reason) => {
            if reason as u32 == Reason::Reset as u32 {
                note_reset(source, settings, tables);
            }
            if settings.all_rules == 0 {
                reason
            } else {
                of_other(source, now, settings, tables).unwrap_or(reason)
            }
        }
        Segment::Syn(ports) => {
            let reason = of_syn(source, ports, now, settings, tables);
            if settings.challenges(now) && is_unproven(reason) {
                return Decision::challenge(reason, settings.is_dry(now));
            }
            reason
        }
    };
    Decision::new(reason, settings.is_dry(now))
}

/// Whether a SYN that passes has yet to prove where it comes from: nobody allowed its
/// source, nor does that complete its handshakes.
#[inline(always)]
const fn is_unproven(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SynCounted | Reason::SynSketched | Reason::SynUncounted
    )
}

/// An address that answers our SYN-ACKs with RSTs is one that somebody else
/// spoofs, or a flooder's whose own kernel knows nothing of his SYNs.
#[inline(always)]
fn note_reset<T: Tables>(address: Address, settings: &Settings, tables: &T) {
    if let Some(record) = admit::known(address.masked(&settings.mask), settings, tables) {
        tables.add(&record.resets, 1);
    }
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
    let gates = gates(address, source, tables);
    if gates == 0 {
        return of_unruled_syn(source, ports, now, settings, tables);
    }
    let kept = tables.kept(repeat::of_syns(address));
    if let Some(kept) = kept
        && kept.again(address, now)
    {
        return dropped(kept.is_ban());
    }
    match governing_rule(gates, address, source, now, settings, tables) {
        Some(rule) if origin::is_protection(rule.origin) => {
            tables.add(&rule.hits, 1);
            // Counted by itself and not with its prefix, which others share.
            match of_unruled_syn(address, ports, now, settings, tables) {
                reason if settings.challenges(now) && is_unproven(reason) => Reason::SynProven,
                reason => reason,
            }
        }
        Some(rule) if rule.action == action::ALLOW => {
            // Not counted for its source: an allowed address may share an IPv6
            // prefix with others, who shall not be banned for what it sends.
            tables.add(&rule.hits, 1);
            Reason::SynAllowed
        }
        Some(rule) => {
            let is_ban = rule.origin == origin::AUTOMATIC;
            hit(rule, kept, address, is_ban, now, tables);
            dropped(is_ban)
        }
        None => of_unruled_syn(source, ports, now, settings, tables),
    }
}

#[inline(always)]
const fn dropped(is_ban: bool) -> Reason {
    if is_ban {
        Reason::DroppedBan
    } else {
        Reason::DroppedRule
    }
}

/// So many packets that a ban drops are evidence.
const EVIDENCE: u64 = 5;

/// Counts a packet that a rule dropped, and keeps the verdict for the next.
#[inline(always)]
fn hit<T: Tables>(
    rule: &LiveRule,
    kept: Option<&Kept>,
    address: Address,
    is_ban: bool,
    now: u64,
    tables: &T,
) {
    let before = rule.hits.get();
    if is_ban && before < EVIDENCE {
        tables.is_evidence();
    }
    let hits = match kept {
        Some(kept) => kept.keep(address, is_ban, now, before),
        None => 1,
    };
    tables.add(&rule.hits, hits);
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
        if settings.challenges(now) && record.is_good() {
            return Reason::SynProven;
        }
        return Reason::SynCounted;
    }
    if load.completes_handshakes() {
        return Reason::SynBusy;
    }
    tables.add(&record.dropped, 1);
    let flagrant = load.just_exceeds(flagrant(settings.limit), settings.window);
    if record.report_due(now, settings.hz) || flagrant {
        admit::report(source, now, settings, tables);
    }
    Reason::DroppedRate
}

/// SYNs per window above which nobody waits to see whether a source that has hardly
/// connected so far does so after all. Less than that a client may send in a round trip, before it has an
/// answer to any (a reverse proxy after a restart, an office behind one address).
#[inline(always)]
pub const fn flagrant(limit: u64) -> u64 {
    limit.wrapping_mul(10)
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
    let gates = gates(address, source, tables);
    if gates == 0 {
        return None;
    }
    let kept = tables.kept(repeat::of_others(address));
    if let Some(kept) = kept
        && kept.again(address, now)
    {
        return Some(Reason::DroppedAll);
    }
    let rule = governing_rule(gates, address, source, now, settings, tables)?;
    if rule.action == action::ALLOW || rule.scope != scope::ALL {
        return None;
    }
    hit(rule, kept, address, false, now, tables);
    Some(Reason::DroppedAll)
}

/// What the gates say of an address: no rule where that is 0.
#[inline(always)]
fn gates<T: Tables>(address: Address, source: Address, tables: &T) -> u64 {
    gate::read(address, source, |word| tables.gates(word)) & (EXACT | PREFIX)
}

/// The rule that decides about an address, if any holds.
#[inline(always)]
fn governing_rule<'t, T: Tables>(
    gates: u64,
    address: Address,
    source: Address,
    now: u64,
    settings: &Settings,
    tables: &'t T,
) -> Option<&'t LiveRule> {
    // The usual case first, and by itself: with the prefix's lookup between the exact
    // one and its use, a blocked packet costs 20 ns more.
    if gates & PREFIX == 0 {
        return exact_in_force(source, now, settings, tables);
    }
    let exact = exact_in_force(source, now, settings, tables);
    match (exact, prefix_in_force(address, now, settings, tables)) {
        (Some(exact), Some(prefix)) => Some(stronger(exact, prefix)),
        (exact, prefix) => exact.or(prefix),
    }
}

#[inline(always)]
fn exact_in_force<'t, T: Tables>(
    source: Address,
    now: u64,
    settings: &Settings,
    tables: &'t T,
) -> Option<&'t LiveRule> {
    let rule = tables.exact(source)?;
    rule.in_force(now, settings.holders).then_some(rule)
}

/// How many rules that are not in force are looked behind for a wider one that
/// is. The controller removes them within a minute.
const STALE_RULES: usize = 4;

#[inline(always)]
fn prefix_in_force<'t, T: Tables>(
    address: Address,
    now: u64,
    settings: &Settings,
    tables: &'t T,
) -> Option<&'t LiveRule> {
    let mut longest = match address {
        Address::V4(_) => 32,
        Address::V6(_) => 128,
    };
    for _ in 0..STALE_RULES {
        let rule = tables.prefix(address, longest)?;
        if rule.in_force(now, settings.holders) {
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
