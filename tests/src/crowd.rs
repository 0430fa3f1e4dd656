//! A flood in which every SYN has a source of its own, as fast as the machine
//! can send it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::address::{PORTS, hardware};
use crate::packet_socket::PacketSocket;
use crate::seed_packet::{self, Dress, Link};
use crate::sender::keep_pace;
use crate::topology::{PROVIDER_END, Topology};

/// No crowd of the lab is faster or larger.
const MAX_PER_SECOND: u32 = 200_000;
const MAX_SOURCES: u32 = 8_000_000;

/// Frames for one system call.
const BATCH: u32 = 32;

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
        ensure!(
            (1..=MAX_PER_SECOND).contains(&per_second),
            "a crowd beyond the lab's bounds"
        );
        let socket = PacketSocket::sender(&topology.internet, PROVIDER_END)?;
        let mut batch = Batch::new(destination)?;
        let sent = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, end) = (Arc::clone(&sent), Arc::clone(&stop));
        let thread = std::thread::spawn(move || -> Result<()> {
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

/// Frames that are made anew for each batch from ready ones, by putting in
/// another source and mending the checksums.
struct Batch {
    ready: Vec<Vec<u8>>,
    frames: Vec<Vec<u8>>,
    layout: Layout,
}

/// Where in a frame is what differs.
struct Layout {
    source: Range<usize>,
    checksums: &'static [usize],
}

const V4: Layout = Layout {
    source: 26..30,
    checksums: &[24, 50],
};
const V6: Layout = Layout {
    source: 22..38,
    checksums: &[70],
};

impl Batch {
    fn new(destination: IpAddr) -> Result<Self> {
        let link = Link {
            from: hardware::PROVIDER.0,
            to: hardware::UPLINK.0,
        };
        let (source, layout): (IpAddr, _) = match destination {
            IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), V4),
            IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), V6),
        };
        let frame = |port| seed_packet::build(link, Dress::PLAIN, source, destination, port, 0);
        let ready: Vec<_> = PORTS.into_iter().map(frame).collect::<Result<_>>()?;
        Ok(Self {
            ready,
            frames: Vec::new(),
            layout,
        })
    }

    /// One frame for each number; numbers without an address have none.
    fn from(&mut self, numbers: Range<u32>) -> &[Vec<u8>] {
        self.frames.clear();
        for (number, ready) in numbers.zip(self.ready.iter().cycle()) {
            let mut frame = ready.clone();
            let put = match self.layout.source.len() {
                4 => source4(number).map(|source| put(&mut frame, &self.layout, &source.octets())),
                _ => {
                    put(&mut frame, &self.layout, &source6(number).octets());
                    Some(())
                }
            };
            self.frames.extend(put.map(|()| frame));
        }
        &self.frames
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

/// The same for IPv6, each in a /48 of its own.
fn source6(number: u32) -> Ipv6Addr {
    let [a, b, c, d] = number.wrapping_mul(0x9e37_79b1).to_be_bytes();
    Ipv6Addr::from([0x2a, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
}

/// The ready frames' source is all zero, so that the checksum only grows by the
/// new one (RFC 1624).
fn put(frame: &mut [u8], layout: &Layout, source: &[u8]) {
    let grows: u32 = source.chunks_exact(2).map(word).sum();
    for &place in layout.checksums {
        let field = &mut frame[place..place + 2];
        let mut sum = grows + (!word(field) & 0xffff);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        field.copy_from_slice(&(!sum as u16).to_be_bytes());
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

    #[test]
    fn every_source_is_another_one() -> Result<()> {
        for destination in [IpAddr::from(CONTAINER), CONTAINER6.into()] {
            let mut batch = Batch::new(destination)?;
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
    fn checksums_are_right() -> Result<()> {
        for destination in [IpAddr::from(CONTAINER), CONTAINER6.into()] {
            let mut batch = Batch::new(destination)?;
            for frame in batch.from(1..1 + BATCH) {
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
            }
        }
        Ok(())
    }
}
