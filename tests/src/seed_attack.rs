//! The attack of the story as a capture shows it, taken in front of a host that drops
//! nothing: spoofed SYNs, the answers to them, and honest clients in between.

use std::net::Ipv4Addr;

use anyhow::Result;
use etherparse::PacketBuilder;

use crate::address::{CONTAINER, PORTS, VICTIMS, client, hardware};
use crate::capture_file::Captured;
use crate::seed_packet::{Dress, Link, build};

/// When it begins: an evening in November.
pub const BEGIN: u64 = 1_763_841_600_000_000_000;
const SECOND: u64 = 1_000_000_000;

const LINK: Link = Link {
    from: hardware::PROVIDER.0,
    to: hardware::UPLINK.0,
};

/// What to write down.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    /// How long, in seconds.
    pub seconds: u64,
    /// SYNs per second from each victim's address.
    pub per_victim: u64,
    /// Connections per second of each honest client.
    pub per_client: u64,
    /// How many clients there are.
    pub clients: usize,
    /// Whether what the host answers is captured too.
    pub two_sided: bool,
}

/// As in the story: 4,300 SYNs per second. One of the clients' rates is above any that
/// the filter tolerates from who does not complete what it begins.
pub const STORY: Attack = Attack {
    seconds: 5,
    per_victim: 2150,
    per_client: 60,
    clients: 4,
    two_sided: true,
};

impl Attack {
    /// Its packets, in the order of time.
    ///
    /// # Errors
    /// None that is known of.
    pub fn packets(&self) -> Result<Vec<Captured>> {
        let mut packets = Vec::new();
        for (number, victim) in VICTIMS.into_iter().enumerate() {
            for n in 0..self.seconds * self.per_victim {
                let nanos = BEGIN + n * SECOND / self.per_victim + number as u64;
                packets.extend(self.spoofed(victim, n, nanos)?);
            }
        }
        for number in 0..self.clients {
            for n in 0..self.seconds * self.per_client {
                let nanos = BEGIN + n * SECOND / self.per_client + 10 + number as u64;
                packets.extend(self.connection(number, n, nanos)?);
            }
        }
        packets.sort_by_key(|packet| packet.nanos);
        Ok(packets)
    }

    /// A SYN, and what the host answers to the victim.
    fn spoofed(&self, victim: Ipv4Addr, n: u64, nanos: u64) -> Result<Vec<Captured>> {
        let port = PORTS[usize::try_from(n)? % PORTS.len()];
        let sequence = u32::try_from(n)?;
        let (source, destination) = (victim.into(), CONTAINER.into());
        let syn = build(LINK, Dress::PLAIN, source, destination, port, sequence)?;
        let mut packets = vec![Captured::whole(nanos, syn)];
        if self.two_sided {
            let answer = segment(
                (CONTAINER, port),
                (victim, 80),
                Flags::SynAck,
                1,
                sequence + 1,
            )?;
            packets.push(Captured::whole(nanos + 50_000, answer));
        }
        Ok(packets)
    }

    /// A connection that is opened from 20 ms away.
    fn connection(&self, number: usize, n: u64, nanos: u64) -> Result<Vec<Captured>> {
        let from = (client(number), u16::try_from(20_000 + n % 40_000)?);
        let to = (CONTAINER, 443);
        let sequence = u32::try_from(n)? * 1000;
        let at = |delay: u64, data| Captured::whole(nanos + delay, data);
        let mut packets = vec![at(0, segment(from, to, Flags::Syn, sequence, 0)?)];
        if self.two_sided {
            let answer = segment(to, from, Flags::SynAck, 7000, sequence + 1)?;
            packets.push(at(50_000, answer));
        }
        let ack = segment(from, to, Flags::Ack, sequence + 1, 7001)?;
        packets.push(at(20_000_000, ack));
        Ok(packets)
    }
}

/// The flags of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// SYN alone.
    Syn,
    /// SYN and ACK.
    SynAck,
    /// ACK alone.
    Ack,
}

/// A segment without data, as a complete frame.
///
/// # Errors
/// None that is known of.
pub fn segment(
    from: (Ipv4Addr, u16),
    to: (Ipv4Addr, u16),
    flags: Flags,
    sequence: u32,
    acknowledges: u32,
) -> Result<Vec<u8>> {
    let packet = PacketBuilder::ethernet2(LINK.from, LINK.to)
        .ipv4(from.0.octets(), to.0.octets(), 64)
        .tcp(from.1, to.1, sequence, 64_240);
    let packet = match flags {
        Flags::Syn => packet.syn(),
        Flags::SynAck => packet.syn().ack(acknowledges),
        Flags::Ack => packet.ack(acknowledges),
    };
    let mut frame = Vec::with_capacity(packet.size(0));
    packet.write(&mut frame, &[])?;
    Ok(frame)
}
