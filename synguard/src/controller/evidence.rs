//! Packets of offenders, until it is known who is banned.

use std::collections::HashMap;
use std::time::SystemTime;

use ipnet::IpNet;
use synguard_common::abi;

use super::guard::Guard;
use crate::capture::{Captured, Scale, WallClock, comment};
use crate::dataplane::{Pins, Samples};
use crate::evidence::{Ban, Keeper, PACKETS};
use crate::{Result, address, pcap};

/// Sources whose packets are held at most.
const SOURCES: usize = 4096;
/// So many looks long they are held for a source that is not banned: longer than it
/// can be a suspect.
const LOOKS: u32 = 5;

/// What offenders sent, as far as the packet path has shown it.
pub(super) struct Evidence {
    samples: Samples,
    clock: WallClock,
    held: Held,
    keeper: Keeper,
}

/// Packets by source.
#[derive(Debug, Default)]
struct Held(HashMap<IpNet, Packets>);

#[derive(Debug, Default)]
struct Packets {
    packets: Vec<Captured>,
    looks: u32,
}

impl Held {
    fn add(&mut self, source: IpNet, packet: Captured) {
        if self.0.len() >= SOURCES && !self.0.contains_key(&source) {
            return;
        }
        let held = self.0.entry(source).or_default();
        if held.packets.len() < PACKETS {
            held.packets.push(packet);
        }
    }

    /// Gives those whose source is banned, with when it was; forgets those who have had
    /// their time.
    fn take<T>(&mut self, banned: impl Fn(&IpNet) -> Option<T>) -> Vec<(IpNet, T, Vec<Captured>)> {
        let mut taken = Vec::new();
        self.0.retain(|source, held| {
            held.looks += 1;
            if let Some(since) = banned(source) {
                taken.push((*source, since, std::mem::take(&mut held.packets)));
                return false;
            }
            held.looks < LOOKS
        });
        taken
    }
}

impl Evidence {
    pub(super) fn open(pins: &Pins, keeper: Keeper) -> Result<Self> {
        Ok(Self {
            samples: Samples::evidence(pins)?,
            clock: WallClock::now(),
            held: Held::default(),
            keeper,
        })
    }

    /// Who writes to the disk yet.
    pub(super) fn into_keeper(self) -> Keeper {
        self.keeper
    }

    /// Bans whose packets were not kept.
    pub(super) fn dropped(&self) -> u64 {
        self.keeper.dropped()
    }

    /// Waits for the next packets.
    pub(super) async fn next(&mut self) -> Result<Vec<abi::Sample>> {
        self.samples.next().await
    }
}

impl Guard {
    /// Holds packets until it is known whether their source is banned.
    pub(super) fn hold(&mut self, samples: &[abi::Sample]) {
        let (mask, evidence) = (self.detection.mask, &mut self.evidence);
        evidence.clock = evidence.clock.renewed(WallClock::now());
        let clock = evidence.clock;
        for packet in samples
            .iter()
            .filter_map(|sample| Captured::read(sample, &clock))
        {
            if let Some(source) = packet.address() {
                evidence
                    .held
                    .add(address::source_net(source, &mask), packet);
            }
        }
    }

    /// Has the packets of those who are banned written down.
    pub(super) fn keep_evidence(&mut self) -> Result<()> {
        let bans = &self.detection.bans;
        let taken = self.evidence.held.take(|source| bans.since(source));
        if taken.is_empty() {
            return Ok(());
        }
        let scale = Scale::of(&self.attached.maps.settings()?);
        let (clock, date) = (self.attached.clock, SystemTime::now());
        let now = clock.now();
        for (source, since, packets) in taken {
            let since = clock.date(since, now, date);
            self.evidence.keeper.put(Ban {
                source,
                since,
                first: packets.first().map_or(since, |packet| packet.time),
                packets: packets
                    .iter()
                    .map(|packet| written(packet, &scale))
                    .collect::<Result<_>>()?,
            });
        }
        Ok(())
    }
}

fn written(packet: &Captured, scale: &Scale) -> Result<Vec<u8>> {
    pcap::packet(&pcap::Written {
        time: packet.time,
        bytes: &packet.bytes,
        wire_len: packet.wire_len,
        comment: &comment(packet, scale),
    })
}

#[cfg(test)]
mod tests {
    use synguard_common::verdict::{Reason, Verdict};

    use super::*;

    fn packet(number: u8) -> Captured {
        Captured {
            time: SystemTime::UNIX_EPOCH,
            bytes: vec![number],
            wire_len: 1,
            reason: Reason::DroppedBan,
            verdict: Verdict::Drop,
            state: None,
        }
    }

    fn source(number: u32) -> IpNet {
        IpNet::new(std::net::Ipv4Addr::from(number).into(), 32).unwrap()
    }

    #[test]
    fn the_first_packets_are_held_until_a_ban() {
        let mut held = Held::default();
        for number in 0..20 {
            held.add(source(1), packet(number));
        }
        assert!(held.take(|_| None::<u64>).is_empty());
        let taken = held.take(|_| Some(7));
        let [(net, since, packets)] = &taken[..] else {
            panic!("{taken:?}")
        };
        assert_eq!((*net, *since, packets.len()), (source(1), 7, PACKETS));
        assert!(held.take(|_| Some(7)).is_empty());
    }

    #[test]
    fn who_is_not_banned_is_forgotten_and_nobody_fills_it() {
        let mut held = Held::default();
        for number in 0..10_000 {
            held.add(source(number), packet(0));
        }
        assert_eq!(held.0.len(), SOURCES);
        for _ in 0..LOOKS {
            held.take(|_| None::<u64>);
        }
        assert!(held.0.is_empty());
    }
}
