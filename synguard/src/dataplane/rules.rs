//! Rules in the maps: where each lives, and what the packet path needs to know to
//! leave lookups out.
//!
//! Whoever changes rules holds [`super::Pins::lock_rules`].

use std::os::fd::AsFd as _;

use ipnet::IpNet;
use synguard_common::abi::{Rule, Settings, change, dry_run, holder, origin, scope};
use synguard_common::decide::stronger;
use synguard_common::source::Address;

use super::gates::{Gates, Wanted};
use super::maps::Maps;
use super::place::{Place, Sorted};
use crate::error::Context as _;
use crate::rules::is_protection;
use crate::{Result, address};

impl Maps {
    /// The rule for exactly this prefix.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel refuses; so below.
    pub fn rule(&self, net: &IpNet) -> Result<Option<Rule>> {
        let found = self.lookup(&Place::of(net, &self.mask))?;
        // A trie answers with the longest prefix that covers the key.
        Ok(found.filter(|rule| rule.prefix_len == net.prefix_len()))
    }

    /// The rule that decides about all of `net` at `now`, chosen as the packet
    /// path does ([`stronger`]).
    pub fn covering(&self, net: &IpNet, now: u64) -> Result<Option<Rule>> {
        let holders = self.settings()?.holders;
        let words = address::to_words(net.network());
        let source = address::source_bits(net.addr(), &self.mask);
        let exact = if net.prefix_len() >= source {
            self.lookup(&Place::exact(words.masked(&self.mask)))?
        } else {
            None
        };
        let exact = exact.filter(|rule| rule.in_force(now, holders));
        let prefix = self.prefix_in_force(words, net.prefix_len(), now, holders)?;
        match (exact, prefix) {
            (Some(exact), Some(prefix)) => Ok(Some(*stronger(&exact, &prefix))),
            (exact, prefix) => Ok(exact.or(prefix)),
        }
    }

    /// The longest prefix in the trie that covers `len` bits of `address` and is
    /// in force.
    fn prefix_in_force(
        &self,
        address: Address,
        len: u8,
        now: u64,
        holders: u32,
    ) -> Result<Option<Rule>> {
        let mut longest = Some(len);
        while let Some(len) = longest {
            let Some(rule) = self.lookup(&Place::trie(address, u32::from(len)))? else {
                return Ok(None);
            };
            if rule.in_force(now, holders) {
                return Ok(Some(rule));
            }
            longest = rule.prefix_len.checked_sub(1);
        }
        Ok(None)
    }

    /// Hands all rules to `each`, in no order.
    pub fn each_rule(&self, mut each: impl FnMut(IpNet, Rule)) -> Result<()> {
        let mut hand = |words: Address, rule: Rule| {
            // A prefix as long as the address allows: nothing else was written.
            if let Ok(net) = IpNet::new(address::from_words(words), rule.prefix_len) {
                each(net, rule);
            }
        };
        self.exact_v4
            .each(|word, rule| hand(Address::v4(word), rule))?;
        self.exact_v6
            .each(|words, rule| hand(Address::V6(words), rule))?;
        self.prefix_v4.each(|key, rule| {
            let [word, _] = key.words;
            hand(Address::v4(word), rule);
        })?;
        self.prefix_v6
            .each(|key, rule| hand(Address::V6(key.words), rule))
    }

    /// The rules that `wanted` picks, in no order.
    pub fn rules(&self, wanted: impl Fn(&IpNet, &Rule) -> bool) -> Result<Vec<(IpNet, Rule)>> {
        let mut rules = Vec::new();
        self.each_rule(|net, rule| {
            if wanted(&net, &rule) {
                rules.push((net, rule));
            }
        })?;
        Ok(rules)
    }

    /// How many rules for exactly one source, and how many others, there is room
    /// for, in either family.
    pub const fn rule_capacity(&self) -> u32 {
        self.exact_v4.capacity()
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
        self.recount(Some(rule), 1)?;
        self.open_gates([net])?;
        match Place::of(net, &self.mask) {
            Place::ExactV4(key) => self.exact_v4.insert(key, rule),
            Place::ExactV6(key) => self.exact_v6.insert(key, rule),
            Place::TrieV4(key) => self.prefix_v4.insert(&key, rule),
            Place::TrieV6(key) => self.prefix_v6.insert(&key, rule),
        }?;
        self.note_changes([Some(rule), before].into_iter().flatten())?;
        self.recount(before, -1)
    }

    /// Removes the rule for exactly this prefix and gives it. Its gate stays open
    /// until [`Self::tidy`].
    pub fn remove_rule(&mut self, net: &IpNet) -> Result<Option<Rule>> {
        let Some(before) = self.rule(net)? else {
            return Ok(None);
        };
        match Place::of(net, &self.mask) {
            Place::ExactV4(key) => self.exact_v4.remove(&key),
            Place::ExactV6(key) => self.exact_v6.remove(&key),
            Place::TrieV4(key) => self.prefix_v4.remove(&key),
            Place::TrieV6(key) => self.prefix_v6.remove(&key),
        }?;
        self.note_changes([before])?;
        self.recount(Some(before), -1)?;
        Ok(Some(before))
    }

    /// Puts many rules in place, without counting them: [`Self::count_all_rules`]
    /// does. Where one finds no room, those before it stay.
    pub fn insert_rules(&mut self, rules: &[(IpNet, Rule)]) -> Result<()> {
        self.open_gates(rules.iter().map(|(net, _)| net))?;
        let sorted = Sorted::of(rules.iter().map(|(net, rule)| (net, *rule)), &self.mask);
        let inserted = self.insert_sorted(&sorted);
        self.note_changes(rules.iter().map(|(_, rule)| *rule))?;
        inserted
    }

    fn insert_sorted(&mut self, sorted: &Sorted) -> Result<()> {
        self.exact_v4.insert_all(&sorted.v4.0, &sorted.v4.1)?;
        self.exact_v6.insert_all(&sorted.v6.0, &sorted.v6.1)?;
        self.prefix_v4
            .insert_all(&sorted.trie_v4.0, &sorted.trie_v4.1)?;
        self.prefix_v6
            .insert_all(&sorted.trie_v6.0, &sorted.trie_v6.1)
    }

    /// Removes many rules, there or not, without counting them.
    pub fn remove_rules<'n>(&mut self, nets: impl IntoIterator<Item = &'n IpNet>) -> Result<()> {
        let sorted = Sorted::of(
            nets.into_iter().map(|net| (net, crate::rules::BLANK)),
            &self.mask,
        );
        self.exact_v4.remove_all(&sorted.v4.0)?;
        self.exact_v6.remove_all(&sorted.v6.0)?;
        self.prefix_v4.remove_all(&sorted.trie_v4.0)?;
        self.prefix_v6.remove_all(&sorted.trie_v6.0)?;
        // Of what they were nothing is known any more.
        self.raise(change::BANS)?;
        self.raise(change::SAID)
    }

    /// Tells the packet path how many rules have the scope `all`.
    pub fn count_all_rules(&mut self, all_rules: u32) -> Result<()> {
        let settings = self.settings()?;
        if settings.all_rules == all_rules {
            return Ok(());
        }
        self.set_settings(Settings {
            all_rules,
            ..settings
        })
    }

    /// Puts settings in force. Where they make something else one source, rules
    /// move to where the packet path will look for them, and records are
    /// forgotten; no rule is out of force meanwhile.
    pub(super) fn change_source(&mut self, settings: Settings) -> Result<()> {
        let before = self.settings()?.mask;
        self.mask = before;
        if before == settings.mask {
            return self.put_in_force(settings);
        }
        let moving = self.rules(|net, _| {
            address::is_source(net, &before) != address::is_source(net, &settings.mask)
        })?;
        let nets = || moving.iter().map(|(net, _)| net);
        self.mask = settings.mask;
        let moved = self.insert_rules(&moving);
        if let Err(failure) = moved.and_then(|()| self.put_in_force(settings)) {
            // Copies where nobody looks could outlive what they are of.
            let _ = self.remove_rules(nets());
            self.mask = before;
            return Err(failure);
        }
        self.mask = before;
        self.remove_rules(nets())?;
        self.mask = settings.mask;
        self.forget_sources()
    }

    /// A panic does not wait for the lock for long: it may have come since `settings` were
    /// made.
    fn put_in_force(&mut self, settings: Settings) -> Result<()> {
        let panic = self.settings()?.dry_run & dry_run::PANIC;
        self.set_settings(Settings {
            dry_run: settings.dry_run | panic,
            ..settings
        })
    }

    /// Puts right what is told of the rules: what a crash left half-done, gates
    /// that removed rules left open.
    pub fn tidy(&mut self) -> Result<()> {
        let mut wanted = Wanted::none();
        let mut all_rules = 0_u32;
        self.each_rule(|net, rule| {
            wanted.add(&net, address::is_source(&net, &self.mask));
            all_rules += u32::from(rule.scope == scope::ALL);
        })?;
        Gates::map(self.gates.as_fd())?.set(&wanted);
        self.count_all_rules(all_rules)
    }

    /// How often bans, and what people said, were changed; the indices are
    /// [`change`](synguard_common::abi::change).
    pub fn changes(&self) -> Result<[u64; change::COUNT]> {
        let of = |index| self.changes.get(&index, 0).context("reading CHANGES");
        Ok([of(change::BANS)?, of(change::SAID)?])
    }

    fn note_changes(&mut self, rules: impl IntoIterator<Item = Rule>) -> Result<()> {
        let mut kinds = [false; change::COUNT];
        for rule in rules {
            let found_anew = is_protection(&rule) && rule.holders & !holder::DIRECT == 0;
            kinds[change::BANS as usize] |= rule.origin == origin::AUTOMATIC;
            kinds[change::SAID as usize] |= rule.origin != origin::AUTOMATIC && !found_anew;
        }
        let changed = (0..).zip(kinds).filter(|(_, is)| *is);
        changed
            .map(|(kind, _)| kind)
            .try_for_each(|kind| self.raise(kind))
    }

    /// By whoever has the rules locked: nobody else raises it meanwhile.
    fn raise(&mut self, kind: u32) -> Result<()> {
        let count = self.changes.get(&kind, 0).context("reading CHANGES")?;
        let raised = self.changes.set(kind, count.wrapping_add(1), 0);
        raised.context("writing CHANGES")
    }

    fn open_gates<'n>(&self, nets: impl IntoIterator<Item = &'n IpNet>) -> Result<()> {
        let gates = Gates::map(self.gates.as_fd())?;
        for net in nets {
            gates.open(net, address::is_source(net, &self.mask));
        }
        Ok(())
    }

    fn lookup(&self, place: &Place) -> Result<Option<Rule>> {
        match place {
            Place::ExactV4(key) => self.exact_v4.get(key),
            Place::ExactV6(key) => self.exact_v6.get(key),
            Place::TrieV4(key) => self.prefix_v4.get(key),
            Place::TrieV6(key) => self.prefix_v6.get(key),
        }
    }

    /// Adds `by` to the count that a rule is part of.
    fn recount(&mut self, rule: Option<Rule>, by: i32) -> Result<()> {
        if rule.is_none_or(|rule| rule.scope != scope::ALL) {
            return Ok(());
        }
        let all_rules = self.settings()?.all_rules;
        self.count_all_rules(all_rules.saturating_add_signed(by))
    }
}
