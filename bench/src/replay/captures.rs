//! Captures of small frames, as floods have them.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Result;
use synguard_tests::address::{CONTAINER, VICTIMS};
use synguard_tests::capture_file::{Captured, Kind, Order, link_type, pcap};

use crate::frames::{Segment, build};
use crate::names::scenario;

/// In each capture.
pub const PACKETS: u64 = 1_000_000;
/// Half a million packets a second.
const NANOS_BETWEEN: u64 = 2_000;
const BEGIN: u64 = 1_600_000_000_000_000_000;
/// Where an IPv4 header's source stands in a frame.
const SOURCE: std::ops::Range<usize> = 26..30;

/// A capture in a file.
pub struct Capture {
    pub scenario: &'static str,
    pub file: String,
}

impl Capture {
    /// SYNs from one source, which is soon banned.
    pub fn blocked(folder: &Path) -> Result<Self> {
        let [victim, _] = VICTIMS;
        Self::write(folder, scenario::BLOCKED, Segment::Syn, |_| victim)
    }

    /// SYNs, each from another source.
    pub fn spoofed(folder: &Path) -> Result<Self> {
        // A permutation, as the constant is odd: no source comes twice.
        let source = |n: u32| Ipv4Addr::from(n.wrapping_mul(0x9e37_79b1));
        Self::write(folder, scenario::SPOOFED, Segment::Syn, source)
    }

    /// The traffic of open connections.
    pub fn open(folder: &Path) -> Result<Self> {
        let source = |n: u32| Ipv4Addr::from(0x0a00_0000 | (n % 1000));
        Self::write(folder, scenario::OPEN, Segment::Ack, source)
    }

    fn write(
        folder: &Path,
        scenario: &'static str,
        segment: Segment,
        source: impl Fn(u32) -> Ipv4Addr,
    ) -> Result<Self> {
        let frame = build(segment, Ipv4Addr::UNSPECIFIED.into(), CONTAINER.into(), 80)?;
        let mut packets = Vec::new();
        for n in 0..PACKETS {
            let mut data = frame.clone();
            data[SOURCE].copy_from_slice(&source(u32::try_from(n)?).octets());
            packets.push(Captured::whole(BEGIN + n * NANOS_BETWEEN, data));
        }
        let file = folder.join(format!("{scenario}.pcap"));
        let bytes = pcap(Kind::Nanos, Order::Little, link_type::ETHERNET, &packets);
        std::fs::write(&file, bytes)?;
        Ok(Self {
            scenario,
            file: file.to_string_lossy().into_owned(),
        })
    }
}
