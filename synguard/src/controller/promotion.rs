//! Finding offenders and banning them.

use std::collections::HashMap;
use std::mem;
use std::time::Instant;

use synguard_common::abi::{Event, Offences, SourceRecord};
use synguard_common::source::{Address, SourceKey};
use synguard_common::window::Load;
use tracing::warn;

use super::guard::{Guard, SCAN_EVERY};
use super::journal;
use super::plan::{Change, Offender, Suspicion, ban, is_cleared, judge};
use crate::{Result, address};

/// A scan of all records is to take at most one part in so many of the time.
const SCAN_SHARE: u32 = 50;

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

    /// Those that are due, a tick having gone by.
    fn due(&mut self) -> HashMap<SourceKey, Suspicion> {
        let new = mem::take(&mut self.new);
        mem::replace(&mut self.old, new)
    }
}

impl Guard {
    pub(super) fn hear(&mut self, events: &[Event]) -> Result<()> {
        for event in events {
            if let Some(record) = self.attached.maps.source(Address::from_key(event.source))? {
                self.consider(event.source, &record)?;
            }
        }
        Ok(())
    }

    /// Bans a source that is over its rate beyond doubt, suspects one that is over
    /// it at all.
    fn consider(&mut self, source: SourceKey, record: &SourceRecord) -> Result<()> {
        match judge(record, &self.policy, self.attached.clock.now()) {
            Some((Offender::Flagrant, load)) => self.promote(source, record, &load),
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
    pub(super) fn convict(&mut self) -> Result<()> {
        for (source, suspicion) in self.suspects.due() {
            let Some(record) = self.attached.maps.source(Address::from_key(source))? else {
                continue;
            };
            if !is_cleared(&suspicion, &record, &self.policy) {
                let load = record.load(self.attached.clock.now(), self.policy.window);
                let worse = if load.syns > suspicion.load.syns {
                    load
                } else {
                    suspicion.load
                };
                self.promote(source, &record, &worse)?;
            }
        }
        Ok(())
    }

    /// Looks at every source: an event may have been lost in a full buffer, or
    /// have been one too many.
    pub(super) fn scan(&mut self) -> Result<()> {
        let begun = Instant::now();
        let now = self.attached.clock.now();
        let mut over = Vec::new();
        self.attached.maps.review_sources(|source, record| {
            if judge(&record, &self.policy, now).is_some() {
                over.push((source, record));
            }
        })?;
        for (source, record) in over {
            self.consider(source, &record)?;
        }
        self.next_scan = Instant::now() + SCAN_EVERY.max(begun.elapsed() * SCAN_SHARE);
        Ok(())
    }

    /// Bans take half of the room for rules at most: who spoofs that many sources shall
    /// not keep a person from blocking one. The packet path still stops them.
    fn has_banned_enough(&mut self) -> bool {
        let most = self.attached.maps.rule_capacity() / 2;
        let full = u32::try_from(self.bans.len()).unwrap_or(u32::MAX) >= most;
        if full && !self.was_full {
            warn!(
                "{}: {most} sources are banned, which is half of the room for rules: others are \
                 stopped over their rate, but not banned (attach with a larger --max-rules)",
                self.interface()
            );
        }
        self.was_full = full;
        full
    }

    fn promote(&mut self, source: SourceKey, record: &SourceRecord, load: &Load) -> Result<()> {
        let now = self.attached.clock.now();
        let words = Address::from_key(source);
        let net = address::record_net(address::from_words(words), &self.mask);
        if self.attached.maps.covering(&net, now)?.is_some() || self.has_banned_enough() {
            return Ok(());
        }
        let offences = self.attached.maps.offences(words)?;
        let change = ban(net, record, load, offences, &self.policy, now);
        let since = self.attached.clock.since(record.reported, now);
        self.apply(&change, &journal::latency(since, &self.attached.clock))?;
        if let Change::Promote(_, rule, evidence) = change {
            let offences = Offences {
                count: evidence.offence,
                until: rule.expires,
            };
            self.attached.maps.set_offences(words, offences)?;
        }
        Ok(())
    }
}
