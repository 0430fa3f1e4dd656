//! Finding offenders and banning them.

use std::collections::HashMap;
use std::mem;

use synguard_common::abi::{Offences, SourceRecord};
use synguard_common::source::{Address, SourceKey};
use synguard_common::window::Load;

use super::detection::Detection;
use super::ledger::Ledger;
use super::plan::{Change, Offender, Suspicion, ban, is_cleared, judge};
use crate::{Result, address};

/// Sources over their rate, but perhaps only in a hurry.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// Since the last tick.
    new: HashMap<SourceKey, Suspicion>,
    /// For a whole tick at least.
    old: HashMap<SourceKey, Suspicion>,
}

impl Suspects {
    fn add(&mut self, source: SourceKey, suspicion: Suspicion) {
        if !self.old.contains_key(&source) {
            self.new.entry(source).or_insert(suspicion);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.new.len() + self.old.len()
    }

    /// Those that are due, a tick having gone by.
    fn due(&mut self) -> HashMap<SourceKey, Suspicion> {
        let new = mem::take(&mut self.new);
        mem::replace(&mut self.old, new)
    }
}

impl Detection {
    /// Looks at the sources that the packet path told of.
    pub fn hear(
        &mut self,
        ledger: &mut impl Ledger,
        sources: impl IntoIterator<Item = SourceKey>,
    ) -> Result<()> {
        for source in sources {
            if let Some(record) = ledger.source(Address::from_key(source))? {
                self.consider(ledger, source, &record)?;
            }
        }
        Ok(())
    }

    /// Bans a source that is over its rate beyond doubt, suspects one that is over
    /// it at all.
    fn consider(
        &mut self,
        ledger: &mut impl Ledger,
        source: SourceKey,
        record: &SourceRecord,
    ) -> Result<()> {
        match judge(record, &self.policy, ledger.now()) {
            Some((Offender::Flagrant, load)) => self.promote(ledger, source, record, &load),
            Some((Offender::Suspect, load)) => {
                let handshakes = record.handshakes;
                self.suspects.add(source, Suspicion { load, handshakes });
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Bans the suspects that had a second to complete what got through, and did
    /// not.
    pub fn convict(&mut self, ledger: &mut impl Ledger) -> Result<()> {
        for (source, suspicion) in self.suspects.due() {
            let Some(record) = ledger.source(Address::from_key(source))? else {
                continue;
            };
            if !is_cleared(&suspicion, &record, &self.policy) {
                let load = record.load(ledger.now(), self.policy.window);
                let worse = if load.syns > suspicion.load.syns {
                    load
                } else {
                    suspicion.load
                };
                self.promote(ledger, source, &record, &worse)?;
            }
        }
        Ok(())
    }

    /// Looks at every source: an event may have been lost in a full buffer, or
    /// have been one too many.
    pub fn scan(&mut self, ledger: &mut impl Ledger) -> Result<()> {
        let now = ledger.now();
        let mut over = Vec::new();
        let mut tracked = 0;
        ledger.review(&mut |source, record| {
            tracked += 1;
            if judge(&record, &self.policy, now).is_some() {
                over.push((source, record));
            }
        })?;
        self.tracked = tracked;
        for (source, record) in over {
            self.consider(ledger, source, &record)?;
        }
        Ok(())
    }

    /// Bans take half of the room for rules at most: who spoofs that many sources shall
    /// not keep a person from blocking one. The packet path still stops them.
    fn has_banned_enough(&mut self, ledger: &impl Ledger) -> bool {
        let most = ledger.most_bans();
        let full = u32::try_from(self.bans.len()).unwrap_or(u32::MAX) >= most;
        if full && !self.was_full {
            ledger.tell_full(most);
        }
        self.was_full = full;
        full
    }

    fn promote(
        &mut self,
        ledger: &mut impl Ledger,
        source: SourceKey,
        record: &SourceRecord,
        load: &Load,
    ) -> Result<()> {
        let now = ledger.now();
        let words = Address::from_key(source);
        let net = address::record_net(address::from_words(words), &self.mask);
        if ledger.covering(&net, now)?.is_some() || self.has_banned_enough(ledger) {
            return Ok(());
        }
        let offences = ledger.offences(words)?;
        let change = ban(net, record, load, offences, &self.policy, now);
        self.apply(ledger, &change, Some(record.reported))?;
        if let Change::Promote(_, rule, evidence) = change {
            let offences = Offences {
                count: evidence.offence,
                until: rule.expires,
            };
            ledger.set_offences(words, offences)?;
        }
        Ok(())
    }
}
