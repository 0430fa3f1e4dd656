//! Imported lists: who holds a rule, and what it says then.
//!
//! A prefix may be in several lists, and a person may have said something about it
//! too. What a person said goes first; then an allow list; then block lists.

mod left_out;
mod swap;

pub use left_out::{LeftOut, leave_out};
pub use swap::{Prepared, Swap, recover};

use synguard_common::abi::{LIST_NAME, List, NEVER, Rule, Settings, action, holder, origin, scope};

use crate::dataplane::Maps;
use crate::rules::BLANK;
use crate::{Error, Result};

/// How many lists there can be.
pub const MOST: usize = holder::LISTS as usize;

/// The lists of one interface.
#[derive(Clone, Debug)]
pub struct Lists(Vec<List>);

/// No list.
const NONE: List = List {
    name: [0; LIST_NAME],
    imported_at: 0,
    prefixes: 0,
    action: 0,
    scope: 0,
    changing: 0,
};

impl Lists {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the map cannot be read.
    pub fn read(maps: &Maps) -> Result<Self> {
        maps.lists().map(Self)
    }

    /// The lists that there are, with the holder of their rules.
    pub fn each(&self) -> impl Iterator<Item = (u32, &List)> {
        (0..)
            .zip(&self.0)
            .filter(|(_, list)| list.name != NONE.name)
            .map(|(index, list)| (holder::of_list(index), list))
    }

    /// The index of the list with this name.
    pub fn find(&self, name: &str) -> Option<u32> {
        let named = self.0.iter().position(|list| list.name == padded(name))?;
        u32::try_from(named).ok()
    }

    /// The names of those among `holders`.
    pub fn names(&self, holders: u32) -> Vec<String> {
        let held = self.each().filter(|(bit, _)| holders & bit != 0);
        held.map(|(_, list)| name(list)).collect()
    }

    /// The holders of the lists with these names.
    pub fn holders_of(&self, names: &[String]) -> u32 {
        let found = names.iter().filter_map(|name| self.find(name));
        found.fold(0, |all, index| all | holder::of_list(index))
    }

    /// A place for one more list.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] where there are as many as there can be.
    fn free(&self) -> Result<u32> {
        let free = self.0.iter().position(|list| list.name == NONE.name);
        free.and_then(|index| u32::try_from(index).ok()).ok_or_else(|| {
            Error::Refused(format!(
                "there are {} lists already, which is the most: `synguard unlist NAME` removes one",
                holder::LISTS
            ))
        })
    }

    /// Those that are in force while nobody changes a list.
    fn holders(&self) -> u32 {
        let settled = self.each().filter(|(_, list)| list.changing == 0);
        settled.fold(holder::DIRECT | holder::OUTGOING, |all, (bit, _)| all | bit)
    }

    /// What the lists among `holders` say: an allow beats a block, and a wider
    /// scope a narrower one.
    fn says(&self, holders: u32) -> Option<(u8, u8)> {
        let held = self.each().filter(|(bit, _)| holders & bit != 0);
        held.map(|(_, list)| (low(list.action), low(list.scope)))
            .max()
    }
}

/// What is left of a rule when `holders` hold it; nothing where nobody does.
pub fn held(rule: &Rule, holders: u32, lists: &Lists) -> Option<Rule> {
    let listed = lists.says(holders);
    let direct = holders & holder::DIRECT != 0;
    match listed {
        None if !direct => None,
        // An automatic ban is less than a list.
        Some(said) if !direct || rule.origin == origin::AUTOMATIC => {
            Some(of_list(rule, holders & !holder::DIRECT, said))
        }
        _ => Some(Rule { holders, ..*rule }),
    }
}

const fn of_list(rule: &Rule, holders: u32, (action, scope): (u8, u8)) -> Rule {
    Rule {
        holders,
        action,
        scope,
        origin: origin::LIST,
        since: rule.since,
        expires: if rule.origin == origin::LIST {
            rule.expires
        } else {
            NEVER
        },
        hits: rule.hits,
        prefix_len: rule.prefix_len,
        ..BLANK
    }
}

/// Ends what was said directly about a rule; lists that name it still hold it.
///
/// # Errors
///
/// [`Error::Failed`] where a map cannot be written.
pub fn release(maps: &mut Maps, net: &ipnet::IpNet, rule: &Rule) -> Result<()> {
    let lists = Lists::read(maps)?;
    let left = held(rule, rule.holders & !holder::DIRECT, &lists);
    // The entry of a list that has an end of its own is over with it.
    match left.filter(|_| rule.origin != origin::LIST) {
        Some(left) => maps.insert_rule(net, left),
        None => maps.remove_rule(net).map(drop),
    }
}

/// Ends what is over: entries of lists that had an end of their own go, and what a
/// person or the controller said gives way to the lists that name the prefix. Gives
/// how many entries went.
///
/// # Errors
///
/// [`Error::Failed`] where a map cannot be read or written.
pub fn end_entries(maps: &mut Maps, now: u64) -> Result<u64> {
    let lists = Lists::read(maps)?;
    let listed = !holder::DIRECT;
    let over = maps.rules(|_, rule| !rule.active(now) && rule.holders & listed != 0)?;
    let (entries, said): (Vec<_>, Vec<_>) = over
        .into_iter()
        .partition(|(_, rule)| rule.origin == origin::LIST);
    maps.remove_rules(entries.iter().map(|(net, _)| net))?;
    for (net, rule) in said {
        match held(&rule, rule.holders & listed, &lists) {
            Some(left) => maps.insert_rule(&net, left)?,
            None => maps.remove_rule(&net).map(drop)?,
        }
    }
    Ok(entries.len().try_into().unwrap_or(u64::MAX))
}

/// A list as it was imported, `says` being its action and scope.
pub fn imported(name: &str, says: (u8, u8), imported_at: u64, prefixes: u64) -> List {
    List {
        name: padded(name),
        imported_at,
        prefixes,
        action: u32::from(says.0),
        scope: u32::from(says.1),
        changing: 0,
    }
}

/// Notes lists in maps that have none, and puts what they will hold in force.
///
/// # Errors
///
/// [`Error::Failed`] where a map cannot be written.
pub fn bring_back(maps: &mut Maps, lists: &[List]) -> Result<Lists> {
    for (index, list) in (0..).zip(lists) {
        maps.set_list(index, *list)?;
    }
    let lists = Lists::read(maps)?;
    maps.set_settings(with_holders(maps.settings()?, lists.holders()))?;
    Ok(lists)
}

/// The name of a list.
pub fn name(list: &List) -> String {
    let end = list.name.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&list.name[..end.unwrap_or(LIST_NAME)]).into_owned()
}

/// Reads the name of a list as a person gives it.
///
/// # Errors
///
/// Where it is too long, or not of letters, digits, `.`, `_` and `-`.
pub fn parse_name(text: &str) -> std::result::Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.is_empty() || text.len() > LIST_NAME || !text.bytes().all(allowed) {
        return Err(format!(
            "a list's name has 1 to {LIST_NAME} letters, digits, dots, dashes or underscores"
        ));
    }
    Ok(text.to_owned())
}

fn padded(name: &str) -> [u8; LIST_NAME] {
    let mut padded = [0; LIST_NAME];
    for (place, byte) in padded.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    padded
}

const fn low(word: u32) -> u8 {
    (word & 0xff) as u8
}

const _: () = {
    // `says` takes the greatest.
    assert!(action::ALLOW > action::BLOCK && scope::ALL > scope::SYN);
};

/// Settings with these holders in force.
const fn with_holders(settings: Settings, holders: u32) -> Settings {
    Settings {
        holders,
        ..settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(lists: &[(u8, u8)]) -> Lists {
        let list = |(action, scope): &(u8, u8)| List {
            name: padded("x"),
            action: u32::from(*action),
            scope: u32::from(*scope),
            ..NONE
        };
        Lists(lists.iter().map(list).collect())
    }

    const FIRST: u32 = holder::of_list(0);
    const SECOND: u32 = holder::of_list(1);

    #[test]
    fn a_rule_that_nobody_holds_is_gone() {
        assert_eq!(held(&BLANK, 0, &lists(&[])), None);
        assert_eq!(
            held(&BLANK, SECOND, &lists(&[(action::BLOCK, scope::ALL)])),
            None
        );
    }

    #[test]
    fn what_a_person_said_goes_before_lists() {
        let said = Rule {
            action: action::ALLOW,
            expires: 7,
            ..BLANK
        };
        let lists = lists(&[(action::BLOCK, scope::ALL)]);
        let both = held(&said, holder::DIRECT | FIRST, &lists).unwrap();
        assert_eq!((both.action, both.expires), (action::ALLOW, 7));
        let after = held(&both, FIRST, &lists).unwrap();
        assert_eq!((after.action, after.scope), (action::BLOCK, scope::ALL));
        assert_eq!((after.origin, after.expires), (origin::LIST, NEVER));
    }

    #[test]
    fn a_list_takes_an_automatic_ban_over() {
        let ban = Rule {
            origin: origin::AUTOMATIC,
            expires: 7,
            hits: 9,
            syns: 51,
            ..BLANK
        };
        let lists = lists(&[(action::BLOCK, scope::SYN)]);
        let rule = held(&ban, holder::DIRECT | FIRST, &lists).unwrap();
        assert_eq!((rule.origin, rule.expires), (origin::LIST, NEVER));
        assert_eq!((rule.hits, rule.syns, rule.holders), (9, 0, FIRST));
    }

    #[test]
    fn an_allow_list_beats_a_block_list() {
        let lists = lists(&[(action::BLOCK, scope::ALL), (action::ALLOW, scope::SYN)]);
        let rule = held(&BLANK, FIRST | SECOND, &lists).unwrap();
        assert_eq!(rule.action, action::ALLOW);
        let rule = held(&rule, FIRST, &lists).unwrap();
        assert_eq!((rule.action, rule.scope), (action::BLOCK, scope::ALL));
    }

    #[test]
    fn names_are_short_and_plain() {
        for name in ["spamhaus", "firehol_level1.netset", &"x".repeat(LIST_NAME)] {
            assert_eq!(parse_name(name).as_deref(), Ok(name));
            let list = List {
                name: padded(name),
                ..NONE
            };
            assert_eq!(super::name(&list), name);
        }
        for name in ["", "a b", "a/b", &"x".repeat(LIST_NAME + 1), "ä"] {
            assert!(parse_name(name).is_err(), "{name}");
        }
    }
}
