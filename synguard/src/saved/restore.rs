//! Bringing back what was saved, into maps that no packet is decided by yet.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use ipnet::IpNet;
use synguard_common::abi::{Rule, action, holder, origin};
use tracing::{info, warn};

use super::line::{Ban, Imported, Line, Offender, Prefixes, Said};
use super::read::{self, Reader, Wrong};
use super::room::Room;
use super::{Kind, Moment, Passage, aside};
use crate::clock::Clock;
use crate::dataplane::Maps;
use crate::error::Context as _;
use crate::lists::{self, Lists};
use crate::rules::BLANK;
use crate::settings::Settings;
use crate::{Result, address, text};

/// Rules put in place at a time, so that memory is bounded.
const CHUNK: usize = 16_384;

/// For whom something is brought back.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The folder for state.
    pub state: &'a Path,
    /// The interface.
    pub interface: &'a str,
    /// What it is attached with.
    pub settings: &'a Settings,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) bans: u64,
    pub(super) offenders: u64,
    pub(super) lists: u64,
    pub(super) rules: u64,
    pub(super) listed: u64,
    /// Times were over.
    pub(super) over: u64,
    /// Bans of what a person said something about.
    pub(super) settled: u64,
    /// Rules for which there was no room.
    pub(super) no_room: u64,
    /// Offenders that were another kind of source.
    pub(super) other_sources: u64,
}

impl Counts {
    /// Whether there are rules that were not there before.
    const fn changed(&self) -> bool {
        self.bans + self.rules + self.listed > 0
    }
}

/// Brings back what was saved into maps whose settings stand. A file that cannot be used is
/// set aside, and nothing of it is used. Gives whether there was anything to use.
pub fn restore(occasion: &Occasion<'_>, maps: &mut Maps, clock: &Clock) -> bool {
    let now = Moment::now(clock);
    let capacity = maps.rule_capacity();
    let mut any = false;
    let mut room = Room::new(capacity, occasion.settings.source_mask());
    // What people said goes first, and decides about bans.
    for kind in [Kind::Rules, Kind::Bans] {
        let Some(mut reader) = opened(occasion, kind, now.date) else {
            continue;
        };
        any = true;
        let passage = Passage::new(reader.header.written, now);
        let mut restoration = Restoration {
            settings: occasion.settings,
            maps,
            passage,
            now: now.tick,
            room: &mut room,
            bans_left: u64::from(capacity / 2),
            lists: Vec::new(),
            known: None,
            chunk: Vec::new(),
            counts: Counts::default(),
        };
        let outcome = restoration.run(&mut reader);
        tell(
            occasion.interface,
            kind,
            &restoration.counts,
            &passage,
            reader.header.written,
        );
        if let Err(failure) = outcome {
            warn!(
                "{}: not all of it could be brought back: {failure}",
                occasion.interface
            );
        }
    }
    any
}

/// The file, if there is one that can be used.
fn opened(
    occasion: &Occasion<'_>,
    kind: Kind,
    date: SystemTime,
) -> Option<Reader<std::io::BufReader<std::fs::File>>> {
    let (name, path) = (
        occasion.interface,
        kind.path(occasion.state, occasion.interface),
    );
    let shown = path.display();
    let checked = read::open(&path).and_then(|file| match file {
        Ok(file) => read::checked(file, kind, name),
        Err(fault) => Ok(Err(fault)),
    });
    match checked {
        Ok(Ok(reader)) => Some(reader),
        Ok(Err(fault)) => {
            match aside::set(&path, date) {
                Ok(aside) => warn!(
                    "{name}: {shown} cannot be used ({fault}): it is set aside as {}, and what it \
                     held is not brought back",
                    aside.display()
                ),
                Err(error) => warn!(
                    "{name}: {shown} cannot be used ({fault}), and not be set aside ({error}): \
                     what it holds is not brought back"
                ),
            }
            None
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            None
        }
        Err(error) => {
            warn!("{name}: {shown} cannot be read ({error}): what it holds is not brought back");
            None
        }
    }
}

struct Restoration<'a> {
    settings: &'a Settings,
    maps: &'a mut Maps,
    passage: Passage,
    now: u64,
    room: &'a mut Room,
    bans_left: u64,
    lists: Vec<Imported>,
    /// The lists, once they are in the maps.
    known: Option<Lists>,
    chunk: Vec<(IpNet, Rule)>,
    counts: Counts,
}

impl Restoration<'_> {
    fn run(&mut self, reader: &mut Reader<impl std::io::BufRead>) -> Result<()> {
        let skipped = reader.header.dry_run && self.maps.settings()?.dry_run == 0;
        if skipped && reader.header.kind == Kind::Bans {
            // They were never meant to drop anything.
            return Ok(());
        }
        loop {
            let line = reader.next().map_err(|wrong| match wrong {
                Wrong::Unreadable(error) => error.to_string(),
                Wrong::Damaged(fault) => fault,
            });
            match line.context("reading what was saved")? {
                Some(line) => self.bring_back(line)?,
                None => break,
            }
        }
        self.lists()?;
        self.flush()?;
        if self.counts.changed() {
            self.maps.tidy()?;
        }
        Ok(())
    }

    fn bring_back(&mut self, line: Line) -> Result<()> {
        match line {
            Line::List(list) => self.lists.push(list),
            Line::Rule(said) => self.rule(&said)?,
            Line::Prefixes(prefixes) => self.prefixes(&prefixes)?,
            Line::Ban(ban) => self.ban(&ban)?,
            Line::Offences(offender) => self.offender(&offender)?,
            Line::Header(_) => {}
        }
        Ok(())
    }

    /// The lists, which stand before what they hold.
    fn lists(&mut self) -> Result<&Lists> {
        if self.known.is_none() {
            let lists: Vec<_> = self.lists.iter().map(list).collect();
            self.counts.lists = lists.len() as u64;
            self.known = Some(if lists.is_empty() {
                Lists::read(self.maps)?
            } else {
                lists::bring_back(self.maps, &lists)?
            });
        }
        self.known
            .as_ref()
            .ok_or("no lists")
            .context("reading lists")
    }

    fn rule(&mut self, said: &Said) -> Result<()> {
        let lists = self.lists()?;
        let holders = holder::DIRECT | lists.holders_of(&said.lists);
        let Some(expires) = self.passage.end(said.until) else {
            return self.fall_back(said);
        };
        let rule = Rule {
            action: said.action.code(),
            scope: said.scope.code(),
            since: self.passage.begin(said.since),
            expires,
            hits: said.hits,
            holders,
            ..BLANK
        };
        self.counts.rules += u64::from(self.put(said.prefix, rule)?);
        Ok(())
    }

    /// Lists go on naming what a person said something else about for a time.
    fn fall_back(&mut self, said: &Said) -> Result<()> {
        self.counts.over += 1;
        if said.lists.is_empty() {
            return Ok(());
        }
        self.prefixes(&Prefixes {
            lists: said.lists.clone(),
            since: said.since,
            until: None,
            prefixes: vec![said.prefix],
        })
    }

    fn prefixes(&mut self, some: &Prefixes) -> Result<()> {
        let entry = Rule {
            origin: origin::LIST,
            since: self.passage.begin(some.since),
            ..BLANK
        };
        let Some(expires) = self.passage.end(some.until) else {
            self.counts.over += some.prefixes.len() as u64;
            return Ok(());
        };
        let lists = self.lists()?;
        let Some(rule) = lists::held(&entry, lists.holders_of(&some.lists), lists) else {
            return Ok(());
        };
        for net in &some.prefixes {
            self.counts.listed += u64::from(self.put(*net, Rule { expires, ..rule })?);
        }
        Ok(())
    }

    fn ban(&mut self, ban: &Ban) -> Result<()> {
        let Some(end) = self.passage.end(Some(ban.until)) else {
            self.counts.over += 1;
            return Ok(());
        };
        // Somebody allowed or blocked it since.
        if self.maps.covering(&ban.source, self.now)?.is_some() {
            self.counts.settled += 1;
            return Ok(());
        }
        let Some(left) = self.bans_left.checked_sub(1) else {
            self.counts.no_room += 1;
            return Ok(());
        };
        let rule = Rule {
            action: action::BLOCK,
            origin: origin::AUTOMATIC,
            scope: ban.scope.code(),
            since: self.passage.begin(ban.since),
            // Not for longer than anybody is banned at all.
            expires: end.min(self.passage.after(self.settings.max_ban_time)),
            hits: ban.hits,
            syns: ban.syns,
            syns_per_second: ban.syns_per_second,
            handshakes: ban.handshakes,
            source_port: ban.source_port,
            recent_ports: ban.recent_ports,
            port_set: ban.port_set,
            ..BLANK
        };
        if self.put(ban.source, rule)? {
            self.bans_left = left;
            self.counts.bans += 1;
        }
        Ok(())
    }

    fn offender(&mut self, offender: &Offender) -> Result<()> {
        let until = self.passage.tick(offender.until);
        if until <= self.now.saturating_sub(self.clock_ticks()) {
            self.counts.over += 1;
            return Ok(());
        }
        if !address::is_source(&offender.source, &self.settings.source_mask()) {
            self.counts.other_sources += 1;
            return Ok(());
        }
        let most = self.passage.after(self.settings.max_ban_time);
        let offences = synguard_common::abi::Offences {
            until: until.min(most),
            count: offender.count,
        };
        let source = address::to_words(offender.source.addr());
        self.maps.set_offences(source, offences)?;
        self.counts.offenders += 1;
        Ok(())
    }

    /// How long offences are remembered.
    fn clock_ticks(&self) -> u64 {
        self.passage.after(self.settings.forget_after) - self.now
    }

    /// Puts a rule in place soon; false where there is no room.
    fn put(&mut self, net: IpNet, rule: Rule) -> Result<bool> {
        if !self.room.take(&net) {
            self.counts.no_room += 1;
            return Ok(false);
        }
        self.chunk.push((net, rule));
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        self.maps.insert_rules(&chunk)
    }
}

fn list(imported: &Imported) -> synguard_common::abi::List {
    lists::imported(
        &imported.name,
        (imported.action.code(), imported.scope.code()),
        crate::clock::unix_seconds(imported.imported),
        imported.prefixes,
    )
}

/// One line for what came of a file.
fn tell(name: &str, kind: Kind, counts: &Counts, passage: &Passage, written: SystemTime) {
    if *counts == Counts::default() {
        return;
    }
    let mut said = match kind {
        Kind::Bans => format!(
            "{} and the history of {}",
            text::count(counts.bans, "ban", "bans"),
            text::count(counts.offenders, "offender", "offenders")
        ),
        Kind::Rules => format!(
            "{}, {} with {}",
            text::count(counts.rules, "block or allow", "blocks and allows"),
            text::count(counts.lists, "list", "lists"),
            text::count(counts.listed, "prefix", "prefixes")
        ),
    };
    for (count, what) in [
        (counts.over, "over by now"),
        (counts.settled, "allowed or blocked otherwise"),
        (
            counts.other_sources,
            "of another length of prefix than now is one source",
        ),
    ] {
        if count > 0 {
            let _ = write!(said, ", not {count} {what}");
        }
    }
    let date = text::date(written);
    if passage.is_backwards() {
        warn!(
            "{name}: brought back {said}, saved at {date}: the clock stands before that, so that \
             nobody knows how long ago it was; what was to end then lasts as long as it had to"
        );
    } else {
        let ago = text::duration(passage.gone());
        info!("{name}: brought back {said}, saved at {date} ({ago} ago)");
    }
    if counts.no_room > 0 {
        warn!(
            "{name}: {} found no room and {} not brought back: attach with a larger --max-rules",
            text::count(counts.no_room, "rule", "rules"),
            if counts.no_room == 1 { "is" } else { "are" }
        );
    }
}
