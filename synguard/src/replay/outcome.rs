//! All that a replay found out.

use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use synguard_common::abi::Rule;

use super::book::Ban;
use super::clock::CaptureClock;
use super::closeup::Closeup;
use super::history::{History, KINDS};
use super::run::{LeftOut, Replay};
use super::schedule::SpoofedSpan;
use super::thresholds::Row;
use crate::address;
use crate::class::Class;
use crate::controller::Ledger as _;
use crate::counters::Counters;
use crate::plot::{Mark, Plot, Series};
use crate::settings::Settings;

/// What the filter and its controller would have done.
#[derive(Debug)]
pub struct Outcome {
    /// What was detected by.
    pub settings: Settings,
    /// The capture's time.
    pub clock: CaptureClock,
    /// Packets by reason.
    pub counters: Counters,
    /// Packets that were not decided about.
    pub left_out: LeftOut,
    /// Packets that the capture cut off before the end of what decides.
    pub cut: u64,
    /// Sources with a record at the end.
    pub sources: usize,
    /// Handshakes completed.
    pub handshakes: u64,
    /// Whether the capture shows answers to SYNs, so that handshakes are certain.
    pub answers_seen: bool,
    /// Bans, by their beginning.
    pub bans: Vec<Ban>,
    /// Bans beyond those.
    pub more_bans: u64,
    /// Whether there was no room for more bans.
    pub was_full: bool,
    /// Sources over their rate that had time yet to complete what got through.
    pub suspects: usize,
    /// Floods of spoofed sources.
    pub floods: Vec<SpoofedSpan>,
    /// Who would be banned at which threshold.
    pub thresholds: Vec<Row>,
    /// SYNs over time.
    pub history: History,
    /// The source that was looked at closely, if any was.
    pub closeup: Option<Closeup>,
}

impl Outcome {
    pub(super) fn of(replay: Replay) -> Self {
        let suspects = replay.detection.suspects();
        let sources = replay.book.tables.sources();
        let mut bans = replay.book.bans.clone();
        for ban in bans.iter_mut().filter(|ban| ban.ended.is_none()) {
            // A ban that goes on counts on.
            if let Ok(Some(Rule { hits, .. })) = replay.book.rule(&ban.net) {
                ban.rule.hits = hits;
            }
        }
        // Those of one instant come in no order.
        bans.sort_by_key(|ban| (ban.rule.since, ban.net));
        Self {
            settings: replay.settings,
            clock: replay.book.clock,
            counters: replay.counters,
            left_out: replay.left_out,
            cut: replay.cut,
            sources,
            handshakes: replay.handshakes.completed(),
            answers_seen: replay.handshakes.answers_seen(),
            bans,
            more_bans: replay.book.untold,
            was_full: replay.book.was_full.get(),
            suspects,
            floods: replay.floods,
            thresholds: replay.thresholds.rows(),
            history: replay.history,
            closeup: replay.closeup.map(|closeup| *closeup),
        }
    }

    /// SYNs over time by what became of them, and who was banned when.
    pub fn plot(&self, title: &str) -> Plot {
        let flood = |flood: &SpoofedSpan| Mark {
            at: self.clock.date(flood.worst.since),
            label: "a spoofed flood is noticed".to_owned(),
        };
        let mut marks: Vec<_> = self.bans.iter().map(|ban| self.mark(ban)).collect();
        marks.extend(self.floods.iter().map(flood));
        marks.sort_by_key(|mark| mark.at);
        let begin = self.clock.date(CaptureClock::start());
        drawn(title, begin, &self.history, marks)
    }

    /// The same of the source that was looked at closely; nothing where none was, or it
    /// sent no SYN.
    pub fn closeup_plot(&self, title: &str) -> Option<Plot> {
        let closeup = self.closeup.as_ref()?;
        let seen = closeup.seen.as_ref()?;
        let marks = self.bans_of(&closeup.source).map(|ban| self.mark(ban));
        let begin = self.clock.date(seen.begun);
        Some(drawn(title, begin, &seen.history, marks.collect()))
    }

    /// The bans of one source, by their beginning.
    pub fn bans_of(&self, source: &IpNet) -> impl Iterator<Item = &Ban> {
        self.bans.iter().filter(move |ban| ban.net == *source)
    }

    /// By the tick: dates are those of the clock as it was last set.
    fn mark(&self, ban: &Ban) -> Mark {
        let class = Class::of(&ban.rule, self.settings.syn_rate);
        Mark {
            at: self.clock.date(ban.rule.since),
            label: format!("{} banned as {}", address::show(&ban.net), class.label()),
        }
    }

    /// When the first packet came; nothing where there was none.
    pub fn begun(&self) -> Option<SystemTime> {
        self.clock.first()
    }

    /// From the first packet to the last.
    pub const fn duration(&self) -> Duration {
        self.clock.duration()
    }
}

fn drawn(title: &str, begin: SystemTime, history: &History, marks: Vec<Mark>) -> Plot {
    let series = |(kind, label): (usize, &str)| Series {
        label: label.to_owned(),
        counts: history.spans().iter().map(|span| span[kind]).collect(),
    };
    Plot {
        title: title.to_owned(),
        unit: "SYNs",
        begin,
        span: history.span(),
        series: KINDS.into_iter().enumerate().map(series).collect(),
        marks,
    }
}
