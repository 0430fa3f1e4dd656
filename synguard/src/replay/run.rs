//! The filter and its controller, fed with a capture's packets by the capture's clock.

use ipnet::IpNet;
use synguard_common::abi::Settings as KernelSettings;
use synguard_common::admit;
use synguard_common::decide::decide;
use synguard_common::packet::{Packet, Segment as Kind};
use synguard_common::source::Address;
use synguard_common::verdict::{Decision, Reason, Verdict};

use super::book::Book;
use super::clock::CaptureClock;
use super::closeup::Closeup;
use super::handshakes::Handshakes;
use super::history::History;
use super::kernel::Witness;
use super::outcome::Outcome;
use super::schedule::{Schedule, SpoofedSpan};
use super::segment::Segment;
use super::tables::HostTables;
use super::thresholds::Thresholds;
use crate::Result;
use crate::controller::detection::Detection;
use crate::controller::flood::Watch;
use crate::counters::Counters;
use crate::dataplane::Snapshot;
use crate::pcap::{Direction, Frame, Link};
use crate::settings::Settings;

/// Places in the sketch and the filter before the records are drawn by it; nobody can
/// send to a capture what he chose by them.
const SEED: u64 = 0x7265_706c_6179;
/// Packets that were not decided about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Sent by the host that captured them.
    pub outgoing: u64,
    /// Of a link type that cannot be read.
    pub unreadable: u64,
}

/// A replay under way.
pub struct Replay {
    pub(super) settings: Settings,
    pub(super) kernel_settings: KernelSettings,
    pub(super) book: Book,
    pub(super) detection: Detection,
    pub(super) watch: Watch,
    pub(super) floods: Vec<SpoofedSpan>,
    pub(super) counters: Counters,
    pub(super) handshakes: Handshakes,
    pub(super) thresholds: Thresholds,
    pub(super) history: History,
    pub(super) left_out: LeftOut,
    /// Packets that the capture cut off before the end of what decides.
    pub(super) cut: u64,
    pub(super) schedule: Schedule,
    pub(super) closeup: Option<Box<Closeup>>,
}

impl Replay {
    /// One that has seen no packet.
    pub fn new(settings: Settings) -> Self {
        let clock = CaptureClock::ticks();
        let kernel_settings = settings.for_kernel(&clock, SEED, settings.max_sources);
        let tables = HostTables::new(settings.source_mask(), SEED, settings.max_sources);
        let detection = Detection::new(&settings, &clock);
        let start = CaptureClock::start();
        Self {
            kernel_settings,
            book: Book::new(tables, &settings),
            watch: Watch::new(settings.spoofed_rate, clock.hz),
            floods: Vec::new(),
            counters: Counters::default(),
            handshakes: Handshakes::new(clock.hz),
            thresholds: Thresholds::new(&settings, *detection.policy()),
            history: History::new(start),
            left_out: LeftOut::default(),
            cut: 0,
            schedule: Schedule::new(start, &clock),
            closeup: None,
            detection,
            settings,
        }
    }

    /// The same, with a close look at one source: a prefix as the settings count them.
    pub fn looking_at(mut self, source: IpNet) -> Self {
        self.closeup = Some(Box::new(Closeup::new(source, self.settings.source_mask())));
        self.book.looked_at = Some(source);
        self
    }

    /// What the packet path is told.
    pub const fn settings(&self) -> &KernelSettings {
        &self.kernel_settings
    }

    /// What concerns a source, now.
    pub fn snapshot(&self, source: Address) -> Snapshot {
        self.book.tables.snapshot(source)
    }

    /// Feeds it the next packet; where there is a witness, it must decide the same.
    ///
    /// # Errors
    ///
    /// Those of the witness.
    pub fn feed(&mut self, frame: &Frame<'_>, mut witness: Option<&mut Witness>) -> Result<()> {
        let now = self.book.clock.advance(frame.nanos);
        if self.schedule.is_due(now) {
            self.catch_up(now)?;
        }
        self.book.now = now;
        if !self.is_seen(frame, now) {
            return Ok(());
        }
        let packet = frame.packet();
        let testimony = match &mut witness {
            Some(witness) => witness.hear(self, frame, packet, now)?,
            None => None,
        };
        let decision = decide(packet, now, &self.kernel_settings, &self.book.tables);
        self.counters.add(decision.reason, 1);
        if let (Some(witness), Some(testimony)) = (witness, testimony) {
            witness.compare(self, &testimony, decision)?;
        }
        self.note(frame, packet, decision, now);
        if self.book.tables.has_reported() {
            let reported = self.book.tables.take_reported();
            self.detection.hear(&mut self.book, reported)?;
            self.kernel_settings.all_rules = self.book.all_rules;
        }
        Ok(())
    }

    /// Whether the filter would see a packet; what it would not see may still answer a
    /// SYN.
    fn is_seen(&mut self, frame: &Frame<'_>, now: u64) -> bool {
        if matches!(frame.link, Link::Other(_)) {
            self.left_out.unreadable += 1;
            return false;
        }
        if frame.direction == Direction::Out {
            self.left_out.outgoing += 1;
            if let Some(segment) = Segment::of(frame) {
                self.handshakes.followed(&segment, now);
            }
            return false;
        }
        true
    }

    /// The end of the capture.
    pub fn finish(self) -> Outcome {
        Outcome::of(self)
    }

    fn note(&mut self, frame: &Frame<'_>, packet: Packet, decision: Decision, now: u64) {
        if let Some(closeup) = &mut self.closeup {
            closeup.note(frame, packet, decision, now);
        }
        match packet.segment {
            Kind::Syn(_) => {
                self.history.count(decision.reason, now);
                let source = packet.source.masked(&self.kernel_settings.mask);
                // Who has no record is far from any threshold.
                if !matches!(decision.reason, Reason::SynSketched | Reason::SynUncounted) {
                    self.thresholds.count(source.key(), now);
                }
                // The host never sees what was dropped, so it cannot be completed.
                if decision.verdict == Verdict::Pass
                    && let Some(segment) = Segment::of(frame)
                {
                    self.handshakes.opened(&segment, now);
                }
            }
            Kind::Other(Reason::NotSyn) if decision.verdict == Verdict::Pass => {
                if let Some(segment) = Segment::of(frame)
                    && self.handshakes.followed(&segment, now)
                {
                    self.complete(packet.source, now);
                }
            }
            Kind::Other(reason) | Kind::Opaque(reason) => {
                self.cut += u64::from(frame.is_cut() && is_truncated(reason));
            }
        }
    }

    fn complete(&mut self, peer: Address, now: u64) {
        let (settings, tables) = (&self.kernel_settings, &self.book.tables);
        admit::note_handshake(peer, now, settings, tables);
        let source = peer.masked(&settings.mask);
        self.thresholds.completed(source.key());
        if let Some(closeup) = &mut self.closeup {
            closeup.complete(source);
        }
    }
}

const fn is_truncated(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TruncatedEthernet
            | Reason::TruncatedVlan
            | Reason::TruncatedIpv4
            | Reason::TruncatedIpv6
            | Reason::Ipv6Extensions
            | Reason::TruncatedTcp
    )
}
