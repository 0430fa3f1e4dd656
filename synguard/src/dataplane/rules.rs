//! Rules in the maps: where each lives, and the counts that the packet path
//! needs to know which lookups it can leave out.
//!
//! Whoever changes rules holds [`super::Pins::lock_rules`].

use std::net::IpAddr;

use aya::maps::MapError;
use aya::maps::lpm_trie::Key;
use ipnet::IpNet;
use synguard_common::abi::{Rule, Settings, scope};
use synguard_common::decide::stronger;
use synguard_common::source::Address;

use super::maps::Maps;
use super::plain::Plain;
use crate::error::Context as _;
use crate::{Result, address};

/// Where the rule for a prefix lives: exactly one source in a hash map, any
/// other prefix in a trie.
enum Place {
    ExactV4(u32),
    ExactV6([u32; 4]),
    TrieV4(Key<[u32; 2]>),
    TrieV6(Key<[u32; 4]>),
}

impl Place {
    fn of(net: &IpNet, settings: &Settings) -> Self {
        let source = address::source_bits(net.addr(), &settings.mask);
        let words = address::to_words(net.network());
        if net.prefix_len() == source {
            Self::exact(words)
        } else {
            Self::trie(words, u32::from(net.prefix_len()))
        }
    }

    const fn exact(address: Address) -> Self {
        match address {
            Address::V4([.., word]) => Self::ExactV4(word),
            Address::V6(words) => Self::ExactV6(words),
        }
    }

    const fn trie(address: Address, len: u32) -> Self {
        match address {
            Address::V4([.., word]) => Self::TrieV4(Key::new(len, [word, 0])),
            Address::V6(words) => Self::TrieV6(Key::new(len, words)),
        }
    }
}

impl Maps {
    /// The rule for exactly this prefix.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses; so below.
    pub fn rule(&self, net: &IpNet) -> Result<Option<Rule>> {
        let found = self.lookup(&Place::of(net, &self.settings()?))?;
        // A trie answers with the longest prefix that covers the key.
        Ok(found.filter(|rule| rule.prefix_len == net.prefix_len()))
    }

    /// The rule that decides about all of `net` at `now`, chosen as the packet
    /// path does ([`stronger`]).
    pub fn covering(&self, net: &IpNet, now: u64) -> Result<Option<Rule>> {
        let settings = self.settings()?;
        let words = address::to_words(net.network());
        let source = address::source_bits(net.addr(), &settings.mask);
        let exact = if net.prefix_len() >= source {
            self.lookup(&Place::exact(words.masked(&settings.mask)))?
        } else {
            None
        };
        let exact = exact.filter(|rule| rule.active(now));
        match (exact, self.active_prefix(words, net.prefix_len(), now)?) {
            (Some(exact), Some(prefix)) => Ok(Some(*stronger(&exact, &prefix))),
            (exact, prefix) => Ok(exact.or(prefix)),
        }
    }

    /// The longest prefix in the trie that covers `len` bits of `address` and
    /// holds, behind all whose time is over.
    fn active_prefix(&self, address: Address, len: u8, now: u64) -> Result<Option<Rule>> {
        let mut longest = Some(len);
        while let Some(len) = longest {
            let Some(rule) = self.lookup(&Place::trie(address, u32::from(len)))? else {
                return Ok(None);
            };
            if rule.active(now) {
                return Ok(Some(rule));
            }
            longest = rule.prefix_len.checked_sub(1);
        }
        Ok(None)
    }

    /// All rules, in no order.
    pub fn rules(&self) -> impl Iterator<Item = Result<(IpNet, Rule)>> {
        let v4 = self
            .exact_v4
            .iter()
            .map(|entry| entry.map(|(word, rule)| (Address::v4(word), rule.0)));
        let v6 = self
            .exact_v6
            .iter()
            .map(|entry| entry.map(|(words, rule)| (Address::V6(words), rule.0)));
        let trie_v4 = self.prefix_v4.iter().map(|entry| {
            entry.map(|(key, rule)| {
                let [word, _] = key.data();
                (Address::v4(word), rule.0)
            })
        });
        let trie_v6 = self
            .prefix_v6
            .iter()
            .map(|entry| entry.map(|(key, rule)| (Address::V6(key.data()), rule.0)));
        v4.chain(v6).chain(trie_v4).chain(trie_v6).map(|entry| {
            let (words, rule) = entry.context("reading the rules")?;
            let net = IpNet::new(address::from_words(words), rule.prefix_len)
                .context("reading the rules")?;
            Ok((net, rule))
        })
    }

    /// Puts a rule in place of the one for the same prefix, if there is one.
    pub fn insert_rule(&mut self, net: &IpNet, rule: Rule) -> Result<()> {
        let rule = Rule {
            prefix_len: net.prefix_len(),
            ..rule
        };
        let before = self.rule(net)?;
        // Counted before it is there and uncounted after it is gone: the packet
        // path may look in vain, but never misses a rule.
        self.recount(net, Some(rule), 1)?;
        let value = Plain(rule);
        match Place::of(net, &self.settings()?) {
            Place::ExactV4(key) => self.exact_v4.insert(key, value, 0),
            Place::ExactV6(key) => self.exact_v6.insert(key, value, 0),
            Place::TrieV4(key) => self.prefix_v4.insert(&key, value, 0),
            Place::TrieV6(key) => self.prefix_v6.insert(&key, value, 0),
        }
        .context(format!("writing the rule for {}", address::show(net)))?;
        self.recount(net, before, -1)
    }

    /// Removes the rule for exactly this prefix and gives it.
    pub fn remove_rule(&mut self, net: &IpNet) -> Result<Option<Rule>> {
        let Some(before) = self.rule(net)? else {
            return Ok(None);
        };
        match Place::of(net, &self.settings()?) {
            Place::ExactV4(key) => self.exact_v4.remove(&key),
            Place::ExactV6(key) => self.exact_v6.remove(&key),
            Place::TrieV4(key) => self.prefix_v4.remove(&key),
            Place::TrieV6(key) => self.prefix_v6.remove(&key),
        }
        .context(format!("removing the rule for {}", address::show(net)))?;
        self.recount(net, Some(before), -1)?;
        Ok(Some(before))
    }

    /// Removes all rules that `unwanted` picks.
    pub(super) fn remove_rules(&mut self, unwanted: impl Fn(&Rule) -> bool) -> Result<()> {
        let all = self.rules().collect::<Result<Vec<_>>>()?;
        for (net, _) in all.iter().filter(|(_, rule)| unwanted(rule)) {
            self.remove_rule(net)?;
        }
        Ok(())
    }

    /// Counts all rules anew: what a crash left half-done is put right.
    pub(super) fn counted(&self, mut settings: Settings) -> Result<Settings> {
        for entry in self.rules() {
            let (net, rule) = entry?;
            count(&mut settings, &net, Some(rule), 1);
        }
        Ok(settings)
    }

    fn lookup(&self, place: &Place) -> Result<Option<Rule>> {
        let found = match place {
            Place::ExactV4(key) => self.exact_v4.get(key, 0),
            Place::ExactV6(key) => self.exact_v6.get(key, 0),
            Place::TrieV4(key) => self.prefix_v4.get(key, 0),
            Place::TrieV6(key) => self.prefix_v6.get(key, 0),
        };
        match found {
            Ok(rule) => Ok(Some(rule.0)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(error).context("reading a rule"),
        }
    }

    fn recount(&mut self, net: &IpNet, rule: Option<Rule>, by: i32) -> Result<()> {
        let settings = self.settings()?;
        let mut changed = settings;
        count(&mut changed, net, rule, by);
        if changed == settings {
            Ok(())
        } else {
            self.set_settings(changed)
        }
    }
}

/// Adds `by` to the counts that a rule is part of.
fn count(settings: &mut Settings, net: &IpNet, rule: Option<Rule>, by: i32) {
    let Some(rule) = rule else { return };
    let add = |counter: &mut u32| *counter = counter.saturating_add_signed(by);
    if rule.scope == scope::ALL {
        add(&mut settings.all_rules);
    }
    let in_trie = net.prefix_len() != address::source_bits(net.addr(), &settings.mask);
    match net.addr() {
        IpAddr::V4(_) if in_trie => add(&mut settings.prefix_rules_v4),
        IpAddr::V6(_) if in_trie => add(&mut settings.prefix_rules_v6),
        _ => {}
    }
}
