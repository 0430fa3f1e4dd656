//! One source of a capture, looked at closely: what a report about it tells.

use hashbrown::HashMap;
use ipnet::IpNet;
use synguard_common::packet::{Packet, Ports, Segment};
use synguard_common::ports;
use synguard_common::source::{Address, SourceMask};
use synguard_common::verdict::{Decision, Reason, Verdict};

use super::clock::CaptureClock;
use super::history::History;
use crate::address;
use crate::pcap::Frame;

/// The first SYNs are kept as evidence, so many.
const SAMPLES: usize = 5;
/// So much of each, in bytes: a whole one, unless somebody sends what no host does.
const SAMPLE_LEN: usize = 2048;

/// One source, and what was seen of it.
#[derive(Debug)]
pub struct Closeup {
    /// What is counted as one source.
    pub source: IpNet,
    address: Address,
    mask: SourceMask,
    /// Nothing before its first SYN.
    pub seen: Option<Seen>,
}

/// What was seen of a source from its first SYN on.
#[derive(Debug)]
pub struct Seen {
    /// The earliest and the latest stamp of its SYNs, in nanoseconds since 1970.
    pub stamps: (u64, u64),
    /// SYNs.
    pub syns: u64,
    /// Of them, those that would have been dropped.
    pub dropped: u64,
    /// The most SYNs in one second, counted from the first one.
    pub peak: u64,
    /// Connections completed.
    pub handshakes: u64,
    /// RSTs without ACK.
    pub resets: u64,
    /// SYNs by destination port.
    pub destination_ports: HashMap<u16, u64>,
    /// SYNs by source port.
    pub source_ports: HashMap<u16, u64>,
    /// The source port as [`ports`] notes it.
    pub source_port: u64,
    /// The set of destination ports as [`ports`] notes it.
    pub port_set: u64,
    /// The first SYNs: their stamps, and their bytes as Ethernet frames.
    pub samples: Vec<(u64, Vec<u8>)>,
    /// Its SYNs over time, from the tick of the first.
    pub history: History,
    /// That tick.
    pub begun: u64,
    /// The second under way, and its SYNs.
    second: (u64, u64),
}

impl Closeup {
    pub(super) fn new(source: IpNet, mask: SourceMask) -> Self {
        Self {
            source,
            address: address::to_words(source.addr()),
            mask,
            seen: None,
        }
    }

    pub(super) fn note(&mut self, frame: &Frame<'_>, packet: Packet, decision: Decision, now: u64) {
        if packet.source.masked(&self.mask) != self.address {
            return;
        }
        match (packet.segment, &mut self.seen) {
            (Segment::Syn(ports), seen) => seen
                .get_or_insert_with(|| Seen::from(frame.nanos, now))
                .count(frame, ports, decision, now),
            (Segment::Other(Reason::Reset), Some(seen)) => seen.resets += 1,
            _ => {}
        }
    }

    pub(super) fn complete(&mut self, source: Address) {
        if let Some(seen) = &mut self.seen
            && source == self.address
        {
            seen.handshakes += 1;
        }
    }
}

impl Seen {
    fn from(nanos: u64, now: u64) -> Self {
        Self {
            stamps: (nanos, nanos),
            syns: 0,
            dropped: 0,
            peak: 0,
            handshakes: 0,
            resets: 0,
            destination_ports: HashMap::new(),
            source_ports: HashMap::new(),
            source_port: 0,
            port_set: 0,
            samples: Vec::new(),
            history: History::new(now),
            begun: now,
            second: (0, 0),
        }
    }

    fn count(&mut self, frame: &Frame<'_>, ports: Ports, decision: Decision, now: u64) {
        let (earliest, latest) = self.stamps;
        self.stamps = (earliest.min(frame.nanos), latest.max(frame.nanos));
        self.syns += 1;
        self.dropped += u64::from(decision.verdict == Verdict::Drop);
        self.history.count(decision.reason, now);
        self.count_in_second(now);
        self.note_ports(ports);
        if self.samples.len() < SAMPLES {
            let mut bytes = frame.ethernet().into_owned();
            bytes.truncate(SAMPLE_LEN);
            self.samples.push((frame.nanos, bytes));
        }
    }

    fn count_in_second(&mut self, now: u64) {
        let second = now.saturating_sub(self.begun) / u64::from(CaptureClock::ticks().hz);
        let (held, count) = self.second;
        let count = if held == second { count + 1 } else { 1 };
        self.second = (second, count);
        self.peak = self.peak.max(count);
    }

    fn note_ports(&mut self, ports: Ports) {
        let (from, to) = (ports.source(), ports.destination());
        *self.source_ports.entry(from).or_default() += 1;
        *self.destination_ports.entry(to).or_default() += 1;
        self.source_port = ports::note_source_port(self.source_port, from);
        self.port_set = ports::mark(self.port_set, to);
    }
}

#[cfg(test)]
mod tests {
    use synguard_common::source::SourceMask;

    use super::*;
    use crate::pcap::{Direction, Link};

    const PASSED: Decision = Decision {
        verdict: Verdict::Pass,
        reason: Reason::SynCounted,
    };
    const DROPPED: Decision = Decision {
        verdict: Verdict::Drop,
        reason: Reason::DroppedBan,
    };
    const HZ: u64 = 1000;

    fn closeup(source: &str) -> Closeup {
        Closeup::new(source.parse().unwrap(), SourceMask::new(32, 64))
    }

    fn frame(nanos: u64, data: &[u8]) -> Frame<'_> {
        Frame {
            nanos,
            data,
            wire_len: 0,
            link: Link::Ethernet,
            direction: Direction::In,
        }
    }

    fn packet(source: &str, segment: Segment) -> Packet {
        Packet {
            source: address::to_words(source.parse().unwrap()),
            segment,
        }
    }

    fn syn(source: &str, from: u16, to: u16) -> Packet {
        packet(source, Segment::Syn(Ports::new(from, to)))
    }

    #[test]
    fn only_the_source_is_looked_at() {
        let mut closeup = closeup("2001:db8::/64");
        closeup.note(&frame(5, &[]), syn("2001:db8:0:1::1", 1, 2), PASSED, 0);
        assert!(closeup.seen.is_none());
        closeup.note(&frame(7, &[]), syn("2001:db8::9", 1, 2), PASSED, 0);
        closeup.note(&frame(6, &[]), syn("2001:db8::8", 3, 2), DROPPED, 0);
        let seen = closeup.seen.unwrap();
        assert_eq!((seen.syns, seen.dropped, seen.stamps), (2, 1, (6, 7)));
        assert_eq!(
            seen.destination_ports.into_iter().collect::<Vec<_>>(),
            [(2, 2)]
        );
        assert_eq!(seen.source_ports.len(), 2);
    }

    #[test]
    fn the_peak_is_the_most_in_one_second() {
        let mut closeup = closeup("192.0.2.1/32");
        let mut syns = |count: u64, begin: u64| {
            for n in 0..count {
                let now = begin + n * HZ / count;
                closeup.note(&frame(0, &[]), syn("192.0.2.1", 1, 2), PASSED, now);
            }
        };
        syns(3, 5000);
        syns(70, 6000);
        syns(5, 7000);
        syns(1, 90_000);
        assert_eq!(closeup.seen.unwrap().peak, 70);
    }

    #[test]
    fn what_comes_before_the_first_syn_is_no_answer_to_it() {
        let mut closeup = closeup("192.0.2.1/32");
        let reset = packet("192.0.2.1", Segment::Other(Reason::Reset));
        for packet in [reset, syn("192.0.2.1", 80, 25), reset, reset] {
            closeup.note(&frame(0, &[]), packet, PASSED, 0);
        }
        assert_eq!(closeup.seen.unwrap().resets, 2);
    }

    #[test]
    fn a_scan_of_all_ports_keeps_few_samples_and_every_port() {
        let mut closeup = closeup("192.0.2.1/32");
        let long = vec![7; 60_000];
        for port in 0..=u16::MAX {
            let packet = syn("192.0.2.1", 40_000, port);
            closeup.note(&frame(u64::from(port), &long), packet, PASSED, 0);
        }
        let seen = closeup.seen.unwrap();
        assert_eq!(seen.destination_ports.len(), 65_536);
        let stamps: Vec<_> = seen.samples.iter().map(|(nanos, _)| *nanos).collect();
        assert_eq!(stamps, [0, 1, 2, 3, 4]);
        assert!(
            seen.samples
                .iter()
                .all(|(_, bytes)| bytes.len() == SAMPLE_LEN)
        );
    }
}
