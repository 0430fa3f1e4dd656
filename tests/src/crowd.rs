//! A flood in which every SYN has a source of its own, as fast as the machine
//! can send it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::process::setpriority_process;
use rustix::thread::gettid;

use crate::address::{PORTS, hardware};
use crate::packet_socket::PacketSocket;
use crate::seed_packet::{self, Dress, Link};
use crate::sender::keep_pace;
use crate::topology::{PROVIDER_END, Topology};

/// No crowd of the lab is faster or larger.
pub const MAX_PER_SECOND: u32 = 2_000_000;
const MAX_SOURCES: u32 = 64_000_000;

/// The niceness of a crowd at the full rate: a flood does not share the processor with
/// its victims.
const RUTHLESS: i32 = -10;

/// Frames for one system call: as many for each port.
const BATCH: u32 = 96;

/// A crowd to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The address under attack.
    pub destination: IpAddr,
    /// Tags and flags.
    pub dress: Dress,
    /// The /24 that all sources are in, over and over again; all addresses there are
    /// if none. For IPv4 alone.
    pub network: Option<Ipv4Addr>,
    /// At most; what the machine can if that is less.
    pub per_second: u32,
}

/// A crowd under way; dropping it ends it.
#[derive(Debug)]
pub struct Crowd {
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Crowd {
    /// Starts to send from `internet` into the uplink, until stopped. The
    /// sources are of the destination's family.
    ///
    /// # Errors
    /// When that is beyond the lab's bounds.
    pub fn start(topology: &Topology, destination: IpAddr, per_second: u32) -> Result<Self> {
        let plan = Plan {
            destination,
            dress: Dress::PLAIN,
            network: None,
            per_second,
        };
        Self::send(topology, &plan)
    }

    /// The same, as planned.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn send(topology: &Topology, plan: &Plan) -> Result<Self> {
        let per_second = plan.per_second;
        ensure!(
            (1..=MAX_PER_SECOND).contains(&per_second),
            "a crowd beyond the lab's bounds"
        );
        let socket = PacketSocket::sender(&topology.internet, PROVIDER_END)?;
        let mut batch = Batch::new(plan)?;
        let sent = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, end) = (Arc::clone(&sent), Arc::clone(&stop));
        let thread = std::thread::spawn(move || -> Result<()> {
            if per_second == MAX_PER_SECOND {
                setpriority_process(Some(gettid()), RUTHLESS)?;
            }
            let start = Instant::now();
            for first in (0..MAX_SOURCES).step_by(BATCH as usize) {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                keep_pace(start, first.into(), per_second);
                let frames = batch.from(first..first + BATCH);
                let taken = socket.send_all(frames).context("cannot send a batch")?;
                counter.fetch_add(taken, Ordering::Relaxed);
            }
            Ok(())
        });
        Ok(Self {
            sent,
            stop,
            thread: Some(thread),
        })
    }

    /// How many sources have sent their SYN. What they sent may still be lost
    /// on its way: the receiver's queue is short.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends the flood now and gives the number of sources.
    pub fn stop(mut self) -> Result<u64> {
        self.join()?;
        Ok(self.sent())
    }

    fn join(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take() {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Ok(()),
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Frames that are used again for each batch, by putting in other sources and mending
/// the checksums.
struct Batch {
    frames: Vec<Vec<u8>>,
    /// Each frame's checksums, were its source all zero.
    blank: Vec<Vec<u32>>,
    layout: Layout,
    network: Option<Ipv4Addr>,
}

/// Where in a frame is what differs.
struct Layout {
    source: Range<usize>,
    checksums: Vec<usize>,
}

const ETHERNET: usize = 14;
const TAG: usize = 4;

impl Layout {
    fn new(destination: IpAddr, dress: Dress) -> Self {
        let network_layer = ETHERNET + TAG * dress.vlans.iter().flatten().count();
        let (source, checksums) = match destination {
            IpAddr::V4(_) => (12..16, vec![10, 36]),
            IpAddr::V6(_) => (8..24, vec![56]),
        };
        Self {
            source: network_layer + source.start..network_layer + source.end,
            checksums: checksums.iter().map(|at| network_layer + at).collect(),
        }
    }
}

impl Batch {
    fn new(plan: &Plan) -> Result<Self> {
        let link = Link {
            from: hardware::PROVIDER.0,
            to: hardware::UPLINK.0,
        };
        let (source, to): (IpAddr, _) = match plan.destination {
            to @ IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), to),
            to @ IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), to),
        };
        let layout = Layout::new(to, plan.dress);
        let frame = |port| seed_packet::build(link, plan.dress, source, to, port, 0);
        let ports = PORTS.into_iter().cycle().take(BATCH as usize);
        let frames: Vec<_> = ports.map(frame).collect::<Result<_>>()?;
        let checksum = |frame: &Vec<u8>, at: &usize| word(&frame[*at..*at + 2]);
        let checksums = |frame| {
            let places = layout.checksums.iter();
            places.map(|at| checksum(frame, at)).collect()
        };
        Ok(Self {
            blank: frames.iter().map(checksums).collect(),
            frames,
            layout,
            network: plan.network,
        })
    }

    /// One frame for each number; numbers without an address have none.
    fn from(&mut self, numbers: Range<u32>) -> &[Vec<u8>] {
        let mut filled = 0;
        for number in numbers {
            let (frame, blank) = (&mut self.frames[filled], &self.blank[filled]);
            match (self.layout.source.len(), self.network) {
                (4, Some(network)) => {
                    let source = neighbour(network, number).octets();
                    put(frame, &self.layout, blank, &source);
                }
                (4, None) => {
                    let Some(source) = source4(number) else {
                        continue;
                    };
                    put(frame, &self.layout, blank, &source.octets());
                }
                _ => put(frame, &self.layout, blank, &source6(number).octets()),
            }
            filled += 1;
        }
        &self.frames[..filled]
    }
}

/// Another address for every number, far from its neighbours': an odd factor
/// makes a permutation of all the addresses there are. None for what is not
/// unicast, and for what may be somebody's in the lab.
fn source4(number: u32) -> Option<Ipv4Addr> {
    const SOMEBODYS: [u8; 8] = [0, 5, 10, 37, 127, 192, 198, 203];
    let address = Ipv4Addr::from(number.wrapping_mul(0x9e37_79b1));
    let [first, ..] = address.octets();
    (first < 224 && !SOMEBODYS.contains(&first)).then_some(address)
}

/// An address of the /24, in turn.
fn neighbour(network: Ipv4Addr, number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(network) & !0xff | number & 0xff)
}

/// The same for IPv6, each in a /48 of its own.
fn source6(number: u32) -> Ipv6Addr {
    let [a, b, c, d] = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
    Ipv6Addr::from([0x2a, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
}

/// A checksum with another source grows by what that has more than an all-zero one
/// (RFC 1624).
fn put(frame: &mut [u8], layout: &Layout, blank: &[u32], source: &[u8]) {
    let grows: u32 = source.chunks_exact(2).map(word).sum();
    for (&place, blank) in layout.checksums.iter().zip(blank) {
        let mut sum = grows + (!blank & 0xffff);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        frame[place..place + 2].copy_from_slice(&(!sum as u16).to_be_bytes());
    }
    frame[layout.source.clone()].copy_from_slice(source);
}

fn word(pair: &[u8]) -> u32 {
    match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use etherparse::{NetSlice, SlicedPacket, TransportSlice};

    use super::*;
    use crate::address::{CONTAINER, CONTAINER6};
    use crate::capture::Segment;

    const TAGGED: Dress = Dress {
        vlans: [Some(7), Some(8)],
        ecn: false,
    };

    fn batch(destination: IpAddr, dress: Dress, network: Option<Ipv4Addr>) -> Result<Batch> {
        Batch::new(&Plan {
            destination,
            dress,
            network,
            per_second: 1,
        })
    }

    #[test]
    fn every_source_is_another_one() -> Result<()> {
        for destination in [IpAddr::from(CONTAINER), CONTAINER6.into()] {
            let mut batch = batch(destination, Dress::PLAIN, None)?;
            let mut sources = HashSet::new();
            for first in (0..100_000).step_by(BATCH as usize) {
                for frame in batch.from(first..first + BATCH) {
                    let segment = Segment::parse(frame).context("no segment")?;
                    assert!(segment.opens() && segment.destination == destination);
                    assert!(sources.insert(segment.source), "{} twice", segment.source);
                }
            }
            assert!(sources.len() > 80_000);
        }
        Ok(())
    }

    #[test]
    fn a_network_stays_within_itself() -> Result<()> {
        let network = Ipv4Addr::new(203, 0, 114, 0);
        let mut batch = batch(CONTAINER.into(), Dress::PLAIN, Some(network))?;
        let mut sources = HashSet::new();
        for first in (0..1_000).step_by(BATCH as usize) {
            for frame in batch.from(first..first + BATCH) {
                let segment = Segment::parse(frame).context("no segment")?;
                sources.insert(segment.source);
            }
        }
        assert_eq!(sources.len(), 256);
        let inside = |source: &IpAddr| source.to_string().starts_with("203.0.114.");
        assert!(sources.iter().all(inside), "{sources:?}");
        Ok(())
    }

    #[test]
    fn checksums_are_right() -> Result<()> {
        for destination in [IpAddr::from(CONTAINER), CONTAINER6.into()] {
            for dress in [Dress::PLAIN, TAGGED] {
                let mut batch = batch(destination, dress, None)?;
                // Those of the batch before must not shine through.
                batch.from(1..1 + BATCH);
                for frame in batch.from(1_001..1_001 + BATCH) {
                    check(frame)?;
                }
            }
        }
        Ok(())
    }

    fn check(frame: &[u8]) -> Result<()> {
        let packet = SlicedPacket::from_ethernet(frame)?;
        let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
            panic!("no TCP");
        };
        let calculated = match packet.net {
            Some(NetSlice::Ipv4(ip)) => {
                let header = ip.header().to_header();
                assert_eq!(header.header_checksum, header.calc_header_checksum());
                tcp.to_header().calc_checksum_ipv4(&header, &[])?
            }
            Some(NetSlice::Ipv6(ip)) => tcp
                .to_header()
                .calc_checksum_ipv6(&ip.header().to_header(), &[])?,
            _ => panic!("no IP"),
        };
        assert_eq!(tcp.checksum(), calculated);
        Ok(())
    }
}
