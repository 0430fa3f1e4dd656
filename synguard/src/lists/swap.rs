//! Putting a list in place of what it was, as one.
//!
//! 1. What the list gains is written, held by [`holder::INCOMING`] alone (or by
//!    the list itself where that is new), which is not in force. What it loses is
//!    handed to [`holder::OUTGOING`], which is.
//! 2. One write to the settings puts the first in force and the second out of it.
//! 3. The rules are settled: the list holds what came, nobody what went.
//!
//! What the list had and keeps is not touched, so that a prefix in both is never
//! open. A swap that fails is undone; one whose process dies is undone, or
//! settled if it came as far as 2, by the next one or by the controller.

use std::collections::HashMap;

use ipnet::IpNet;
use synguard_common::abi::{List, Rule, action, holder, origin, scope};

use super::{Lists, NONE, end_entries, held, low, padded, with_holders};
use crate::dataplane::Maps;
use crate::rules::BLANK;
use crate::{Error, Result};

/// A list to put in place, by whoever holds the rules of an interface locked.
pub struct Swap<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it does.
    pub action: u8,
    /// What it drops.
    pub scope: u8,
    /// Whether what it had and `entries` have not is to go.
    pub replace: bool,
    /// Prefixes, sorted, each with when it ends, in ticks.
    pub entries: &'a [(IpNet, u64)],
    /// Ticks.
    pub now: u64,
    /// Seconds since 1970.
    pub date: u64,
}

/// A swap before its step 2.
pub struct Prepared {
    index: u32,
    after: Change,
    rules: Rules,
    /// When the entries for sources that are banned at present end.
    ends: HashMap<IpNet, u64>,
}

/// Rules by prefix.
type Rules = Vec<(IpNet, Rule)>;

/// The list after the swap, or nothing where it is to go.
type Change = Option<List>;

impl Swap<'_> {
    /// Step 1. Where it fails, nothing has changed.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Refused`] where there are too many lists,
    /// [`crate::Error::Unsupported`] where the rules have no room.
    pub fn prepare(&self, maps: &mut Maps) -> Result<Prepared> {
        recover(maps)?;
        let lists = Lists::read(maps)?;
        let existing = lists.find(self.name);
        let index = existing.map_or_else(|| lists.free(), Ok)?;
        if let Some(index) = existing {
            self.check_kind(&lists.0[index as usize])?;
        }
        let list = List {
            name: padded(self.name),
            imported_at: self.date,
            prefixes: 0,
            action: u32::from(self.action),
            scope: u32::from(self.scope),
            changing: 1,
        };
        let before = existing.map_or(list, |_| lists.0[index as usize]);
        let changing = List {
            changing: 1,
            ..before
        };
        maps.set_list(index, changing)?;
        self.write(maps, index, existing.is_some())
            .map(|rules| Prepared {
                index,
                after: (!self.is_removal()).then_some(list),
                ends: self.ends(&rules),
                rules,
            })
            .or_else(|error| recover(maps).and(Err(error)))
    }

    /// What a ban's own end would hide.
    fn ends(&self, rules: &Rules) -> HashMap<IpNet, u64> {
        let banned = rules
            .iter()
            .filter(|(_, rule)| rule.origin == origin::AUTOMATIC);
        let end = |(net, _): &(IpNet, Rule)| {
            let at = self.entries.binary_search_by_key(net, |(net, _)| *net);
            Some((*net, self.entries[at.ok()?].1))
        };
        banned.filter_map(end).collect()
    }

    /// A list stays what it is: one file imported the wrong way shall not turn what is
    /// allowed into what is blocked.
    fn check_kind(&self, list: &List) -> Result<()> {
        let same = list.action == u32::from(self.action) && list.scope == u32::from(self.scope);
        if same || self.is_removal() {
            return Ok(());
        }
        let is = match (low(list.action), low(list.scope)) {
            (action::ALLOW, _) => "an allow list: give --allow",
            (_, scope::ALL) => "a block list for all traffic: give --scope all and not --allow",
            _ => "a block list for new connections: give --scope syn and not --allow",
        };
        Err(Error::Refused(format!(
            "{0} is {is}, or `synguard unlist {0}` first; nothing was changed",
            self.name
        )))
    }

    /// Whether the list is to go.
    const fn is_removal(&self) -> bool {
        self.replace && self.entries.is_empty()
    }

    /// Writes what changes, and gives all rules.
    fn write(&self, maps: &mut Maps, index: u32, exists: bool) -> Result<Rules> {
        end_entries(maps, self.now)?;
        let mut before = maps.rules(|_, _| true)?;
        before.sort_unstable_by_key(|(net, _)| *net);
        let bit = holder::of_list(index);
        let incoming = if exists { holder::INCOMING } else { bit };
        let (all, written) = self.merged(before, bit, incoming);
        if self.scope == scope::ALL {
            let more = u32::try_from(written.len()).unwrap_or(u32::MAX);
            let settings = maps.settings()?;
            maps.count_all_rules(settings.all_rules.saturating_add(more))?;
        }
        maps.insert_rules(&written)?;
        Ok(all)
    }

    /// All rules after step 1, and those of them that are new or changed.
    fn merged(&self, rules: Rules, bit: u32, incoming: u32) -> (Rules, Rules) {
        let mut all = Vec::with_capacity(rules.len().max(self.entries.len()));
        let mut written = Vec::new();
        let mut entries = self.entries.iter().peekable();
        let mut write = |all: &mut Vec<_>, net, rule| {
            all.push((net, rule));
            written.push((net, rule));
        };
        for (net, rule) in rules {
            while let Some((new, expires)) = entries.next_if(|(new, _)| *new < net) {
                write(&mut all, *new, self.entry(*new, *expires, incoming));
            }
            let named = entries.next_if(|(new, _)| *new == net);
            let after = self.after(&rule, named.map(|(_, expires)| *expires), bit, incoming);
            if after == rule {
                all.push((net, rule));
            } else {
                write(&mut all, net, after);
            }
        }
        for (new, expires) in entries {
            write(&mut all, *new, self.entry(*new, *expires, incoming));
        }
        (all, written)
    }

    /// What step 1 makes of a rule that is there, given when the list says that it
    /// ends, if the list names it.
    fn after(&self, rule: &Rule, named: Option<u64>, bit: u32, incoming: u32) -> Rule {
        let listed = rule.holders & bit != 0;
        let holders = match named {
            Some(_) if listed => rule.holders,
            Some(_) => rule.holders | incoming,
            None if listed && self.replace => rule.holders & !bit | holder::OUTGOING,
            None => rule.holders,
        };
        let expires = match named {
            // What a person said ends when he said.
            Some(_) if rule.origin != origin::LIST => rule.expires,
            Some(expires) if self.replace && rule.holders == bit => expires,
            Some(expires) => expires.max(rule.expires),
            None => rule.expires,
        };
        Rule {
            holders,
            expires,
            ..*rule
        }
    }

    fn entry(&self, net: IpNet, expires: u64, holders: u32) -> Rule {
        Rule {
            holders,
            action: self.action,
            scope: self.scope,
            origin: origin::LIST,
            since: self.now,
            expires,
            prefix_len: net.prefix_len(),
            ..BLANK
        }
    }
}

impl Prepared {
    /// Steps 2 and 3: gives how many prefixes the list holds.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a map cannot be written. From step 2 on the
    /// new list is in force all the same.
    pub fn commit(self, maps: &mut Maps) -> Result<u64> {
        let settings = maps.settings()?;
        let bit = holder::of_list(self.index);
        let holders = settings.holders & !holder::OUTGOING | holder::INCOMING | bit;
        maps.set_settings(with_holders(settings, holders))?;
        settle(maps, self.index, self.after, true, (self.rules, &self.ends))
    }

    /// Undoes step 1.
    ///
    /// # Errors
    ///
    /// As above; then the controller tries again.
    pub fn undo(self, maps: &mut Maps) -> Result<()> {
        recover(maps)
    }
}

/// Undoes or settles a swap whose process died; else does nothing.
///
/// # Errors
///
/// [`crate::Error::Failed`] where a map cannot be read or written.
pub fn recover(maps: &mut Maps) -> Result<()> {
    let lists = Lists::read(maps)?;
    let Some(index) = lists.0.iter().position(|list| list.changing != 0) else {
        return Ok(());
    };
    let list = lists.0[index];
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    let holders = maps.settings()?.holders;
    let committed = holders & holder::INCOMING != 0;
    // A new list was not in force before.
    let stays = committed || holders & holder::of_list(index) != 0;
    let rules = maps.rules(|_, _| true)?;
    settle(
        maps,
        index,
        stays.then_some(list),
        committed,
        (rules, &HashMap::new()),
    )
    .map(drop)
}

/// Step 3, or the way back. Gives how many prefixes the list holds.
fn settle(
    maps: &mut Maps,
    index: u32,
    after: Change,
    committed: bool,
    (rules, ends): (Rules, &HashMap<IpNet, u64>),
) -> Result<u64> {
    let bit = holder::of_list(index);
    let (kept, dropped) = if committed {
        (holder::INCOMING, holder::OUTGOING)
    } else {
        (holder::OUTGOING, holder::INCOMING)
    };
    let mut lists = Lists::read(maps)?;
    lists.0[index as usize] = after.unwrap_or(NONE);
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    let (mut prefixes, mut all_rules) = (0_u64, 0_u32);
    for (net, rule) in rules {
        let mut holders = rule.holders & !dropped;
        if holders & kept != 0 {
            holders = holders & !kept | bit;
        }
        if after.is_none() {
            holders &= !bit;
        }
        let Some(mut settled) = held(&rule, holders, &lists) else {
            gone.push(net);
            continue;
        };
        if let Some(end) = ends.get(&net).filter(|_| settled.origin == origin::LIST) {
            settled.expires = *end;
        }
        prefixes += u64::from(settled.holders & bit != 0);
        all_rules += u32::from(settled.scope == scope::ALL);
        if settled != rule {
            changed.push((net, settled));
        }
    }
    // First what goes, which is out of force: a full trie takes nothing, not even in
    // place of what it has (`kernel/bpf/lpm_trie.c` before Linux 6.13).
    maps.remove_rules(&gone)?;
    maps.insert_rules(&changed)?;
    let settled = List {
        prefixes,
        changing: 0,
        ..lists.0[index as usize]
    };
    lists.0[index as usize] = settled;
    maps.set_settings(with_holders(maps.settings()?, lists.holders()))?;
    maps.set_list(index, settled)?;
    if gone.is_empty() {
        maps.count_all_rules(all_rules)?;
    } else {
        maps.tidy()?;
    }
    Ok(prefixes)
}
