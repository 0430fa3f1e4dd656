//! What detection reads and writes: the pinned maps of an interface, or the tables
//! of a replay.

use ipnet::IpNet;
use synguard_common::abi::{Offences, Rule, SourceRecord};
use synguard_common::source::{Address, SourceKey};

use super::plan::Change;
use crate::Result;

/// Records, rules and offences, with the clock that they are kept by.
///
/// Errors are those of the kernel's maps; tables in memory have none.
pub trait Ledger {
    /// The tick now.
    fn now(&self) -> u64;
    /// The record of a source, if it is still known.
    fn source(&self, source: Address) -> Result<Option<SourceRecord>>;
    /// Hands all known sources to `each`, and renews what stands before the records.
    fn review(&mut self, each: &mut dyn FnMut(SourceKey, SourceRecord)) -> Result<()>;
    /// The rule for exactly this prefix.
    fn rule(&self, net: &IpNet) -> Result<Option<Rule>>;
    /// The rule that decides about all of `net` at `now`.
    fn covering(&self, net: &IpNet, now: u64) -> Result<Option<Rule>>;
    /// How many bans there is room for, and for as much again that others say.
    fn most_bans(&self) -> u32;
    /// How often a source was banned; none where nobody remembers.
    fn offences(&self, source: Address) -> Result<Option<Offences>>;
    /// Notes it.
    fn set_offences(&mut self, source: Address, offences: Offences) -> Result<()>;
    /// Forgets it.
    fn forget_offences_of(&mut self, source: Address) -> Result<()>;
    /// Forgets the offences that `over` picks.
    fn forget_offences(&mut self, over: &dyn Fn(&Offences) -> bool) -> Result<()>;
    /// Brings a change into force and tells of it; says whether it did, since
    /// somebody may have said something else meanwhile. `reported` is when the
    /// packet path last told of the source, in ticks.
    fn apply(&mut self, change: &Change, reported: Option<u64>) -> Result<bool>;
    /// Tells that no more sources can be banned than `most`.
    fn tell_full(&self, most: u32);
}
